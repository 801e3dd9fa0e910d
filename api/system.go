package api

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/weir-dev/weir/trace"
)

var facetParams = []param{{name: "limit", about: "values of each column, 1 to 1000; 50 unless given", kind: "integer"}}

// facetsAnswer has a list for each column.
type facetsAnswer struct {
	Project  []trace.Facet `json:"project"`
	Key      []trace.Facet `json:"key"`
	User     []trace.Facet `json:"user"`
	Model    []trace.Facet `json:"model"`
	Provider []trace.Facet `json:"provider"`
	Status   []trace.Facet `json:"status"`
}

func (a *API) getFacets(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f, err := readFilter(q, time.Now(), time.UTC)
	if err != nil {
		return err
	}
	limit, err := readLimit(q, 50)
	if err != nil {
		return err
	}
	m, err := a.cfg.Reader.Facets(r.Context(), f, limit)
	if err != nil {
		return fmt.Errorf("count facets: %w", err)
	}
	return answer(w, http.StatusOK, facetsAnswer{
		list(m["project"]), list(m["key"]), list(m["user"]), list(m["model"]), list(m["provider"]), list(m["status"]),
	})
}

// systemAnswer is System in JSON.
type systemAnswer struct {
	Version       string         `json:"version"`
	StartedAt     stamp          `json:"started_at"`
	UptimeSeconds float64        `json:"uptime_seconds"`
	DataDir       string         `json:"data_dir"`
	Listen        string         `json:"listen"`
	ClickHouse    StoreHealth    `json:"clickhouse"`
	Control       ControlHealth  `json:"control"`
	Providers     []ProviderInfo `json:"providers"`
	Replicas      []replica      `json:"replicas"` // that share the control plane; null: it does not say
	Qdrant        *StoreHealth   `json:"qdrant"`   // keeps passages and vectors; null: ClickHouse does
}

// replica is a Replica in JSON.
type replica struct {
	ID              string `json:"id"` // new at each start
	Name            string `json:"name"`
	StartedAt       stamp  `json:"started_at"`
	PromptsRevision int64  `json:"prompts_revision"` // of the prompts that it answers calls with; equal on all when they have converged
}

func (a *API) getSystem(w http.ResponseWriter, r *http.Request) error {
	s := a.cfg.System(r.Context())
	providers := make([]ProviderInfo, len(s.Providers))
	for i, p := range s.Providers {
		p.BaseURL = withoutPassword(p.BaseURL)
		providers[i] = p
	}
	var replicas []replica
	for _, r := range s.Replicas {
		replicas = append(replicas, replica{r.ID, r.Name, stamp(r.StartedAt), r.PromptsRevision})
	}
	return answer(w, http.StatusOK, systemAnswer{
		s.Version, stamp(s.StartedAt), s.UptimeSeconds, s.DataDir, s.Listen, s.ClickHouse, s.Control, providers, replicas, s.Qdrant,
	})
}

// withoutPassword takes out of an address what may be secret.
func withoutPassword(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}
