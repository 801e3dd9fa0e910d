// Package route decides which provider answers a call and tries others when it cannot.
package route

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-dev/weir/llm"
)

// Provider is a configured provider as routing sees it.
type Provider struct {
	Name    string
	PriceAs string
	Models  []string // patterns of the models it takes, see llm.Match
	Send    llm.Sender
}

// Target is one provider's model.
type Target struct {
	Provider string
	Model    string
	Weight   int // share among its siblings; 0 takes none
}

// Alias is a name that clients ask for, and where its calls go.
type Alias struct {
	Model     string
	Targets   []Target      // one is drawn by weight; the others follow as fallbacks, heaviest first
	Fallback  []Target      // then these, in order
	Fastest   bool          // the target with the shortest time to the first byte goes first, instead of one drawn
	Retry     Retry         // of each target
	FirstByte time.Duration // a target whose answer has not begun by then is given up; 0 leaves it to the provider's own limit
}

// Plan is what is to be tried for a call, in order.
type Plan struct {
	Targets   []Target
	Retry     Retry
	FirstByte time.Duration
}

// Table holds the providers and aliases, and what is known of the providers' health. Safe for concurrent use.
type Table struct {
	providers []Provider
	byName    map[string]*Provider
	aliases   map[string]Alias
	health    map[string]*health
}

// NewTable joins providers and aliases. Faults of the configuration are the configuration's to report: it refuses
// aliases that name unknown providers and weights that sum to zero.
func NewTable(providers []Provider, aliases []Alias) *Table {
	t := &Table{providers: slices.Clone(providers), byName: map[string]*Provider{}, aliases: map[string]Alias{}, health: map[string]*health{}}
	for i := range t.providers {
		t.byName[t.providers[i].Name] = &t.providers[i]
		t.health[t.providers[i].Name] = &health{}
	}
	for _, a := range aliases {
		t.aliases[a.Model] = a
	}
	return t
}

// Aliases lists the names of aliases in order.
func (t *Table) Aliases() []string {
	names := make([]string, 0, len(t.aliases))
	for name := range t.aliases {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Resolve gives a model's plan: an alias's, else provider/model, else the
// provider with the most specific matching pattern, the first configured among equals. The error is a *llm.Fault
// that says what could have been asked for.
func (t *Table) Resolve(model string) (Plan, error) {
	if a, ok := t.aliases[model]; ok {
		targets := a.draw(rand.IntN)
		if a.Fastest {
			t.fastestFirst(targets[:len(targets)-len(a.Fallback)])
		}
		return Plan{targets, a.Retry, a.FirstByte}, nil
	}
	if provider, rest, ok := strings.Cut(model, "/"); ok && rest != "" {
		if _, known := t.byName[provider]; known {
			return Plan{Targets: []Target{{Provider: provider, Model: rest}}}, nil
		}
	}
	best, score := -1, -1
	for i := range t.providers {
		if s := specificity(t.providers[i].Models, model); s > score {
			best, score = i, s
		}
	}
	if best >= 0 {
		return Plan{Targets: []Target{{Provider: t.providers[best].Name, Model: model}}}, nil
	}
	if len(t.providers) == 0 {
		return Plan{}, &llm.Fault{Code: llm.ModelUnknown, Param: "model", Message: "no provider is configured, so nobody can answer for the model " +
			strconv.Quote(model) + "; set OPENAI_API_KEY or another provider's key where weir starts, or name a provider in weir.yaml"}
	}
	return Plan{}, &llm.Fault{Code: llm.ModelUnknown, Param: "model", Message: fmt.Sprintf(
		"no provider takes the model %q; ask for a route, a provider's own model or provider/model (GET /v1/models lists them), or add it to a provider's models", model)}
}

// fastestFirst orders targets by their provider's time to the first byte. One never tried goes first, to be known; one in
// twenty times the drawn order stands, so that a provider that became faster is noticed.
func (t *Table) fastestFirst(targets []Target) {
	if rand.IntN(20) == 0 {
		return
	}
	slices.SortStableFunc(targets, func(a, b Target) int {
		return cmp.Compare(t.latency(a.Provider), t.latency(b.Provider))
	})
}

func (t *Table) latency(provider string) time.Duration {
	if h, ok := t.health[provider]; ok {
		return h.latency()
	}
	return 0
}

// draw picks one target by weight and lets the others follow.
func (a Alias) draw(intN func(int) int) []Target {
	total := 0
	for _, t := range a.Targets {
		total += t.Weight
	}
	out := make([]Target, 0, len(a.Targets)+len(a.Fallback))
	first := 0
	if total > 0 && len(a.Targets) > 1 {
		n := intN(total)
		for i, t := range a.Targets {
			if n -= t.Weight; n < 0 {
				first = i
				break
			}
		}
	}
	if len(a.Targets) > 0 {
		out = append(out, a.Targets[first])
		rest := slices.Delete(slices.Clone(a.Targets), first, first+1)
		rest = slices.DeleteFunc(rest, func(t Target) bool { return t.Weight == 0 })
		slices.SortStableFunc(rest, func(x, y Target) int { return y.Weight - x.Weight })
		out = append(out, rest...)
	}
	return append(out, a.Fallback...)
}

// specificity is how well the patterns fit: the literal characters of the best match, a whole literal first; -1
// without a match.
func specificity(patterns []string, model string) int {
	best := -1
	for _, p := range patterns {
		if !llm.Match(p, model) {
			continue
		}
		s := len(p) - strings.Count(p, "*") - strings.Count(p, "?")
		if p == model {
			s = 1 << 20
		}
		best = max(best, s)
	}
	return best
}
