package api

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/weir-dev/weir/prompts"
	"github.com/weir-dev/weir/trace"
)

// versionUsage is what calls of a version came to.
type versionUsage struct {
	Version int `json:"version"` // 0: of calls whose record does not say which
	sums
}

// promptUsage is what calls of a prompt came to, version by version.
type promptUsage struct {
	Name     string         `json:"name"`
	Since    stamp          `json:"since"`
	Until    stamp          `json:"until"`
	Versions []versionUsage `json:"versions"` // newest first
	Total    sums           `json:"total"`
}

func (a *API) getPromptUsage(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if err := prompts.CheckName(name); err != nil {
		return err
	}
	now, q := time.Now(), r.URL.Query()
	f := trace.Filter{Prompt: name}
	var err error
	if f.Since, err = parseWhen("since", cmp.Or(q.Get("since"), "30d"), now, time.UTC); err != nil {
		return err
	}
	if f.Until, err = parseWhen("until", q.Get("until"), now, time.UTC); err != nil {
		return err
	}
	if f.Until.IsZero() {
		f.Until = now
	}
	if !f.Since.Before(f.Until) {
		return bad("since", "since is not before until")
	}
	costs, err := a.cfg.Reader.Costs(r.Context(), trace.CostQuery{Filter: f, By: []string{"prompt"}, Timezone: time.UTC})
	if err != nil {
		return fmt.Errorf("sum the prompt's calls: %w", err)
	}
	out := promptUsage{Name: name, Since: stamp(f.Since), Until: stamp(f.Until), Versions: []versionUsage{}, Total: sumsOf(&costs.Total)}
	for i := range costs.Rows {
		row := versionUsage{sums: sumsOf(&costs.Rows[i].Sums)}
		if ref, err := prompts.ParseRef(costs.Rows[i].Group[0]); err == nil {
			row.Version = ref.Number
		}
		out.Versions = append(out.Versions, row)
	}
	slices.SortFunc(out.Versions, func(a, b versionUsage) int { return cmp.Compare(b.Version, a.Version) })
	return answer(w, http.StatusOK, out)
}
