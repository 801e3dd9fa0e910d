// Package route decides which provider answers a call and tries others when it cannot.
package route

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

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
	Model    string
	Targets  []Target // one is drawn by weight; the others follow as fallbacks, heaviest first
	Fallback []Target // then these, in order
}

// Table holds the providers and aliases. Immutable, so safe for concurrent use.
type Table struct {
	providers []Provider
	byName    map[string]*Provider
	aliases   map[string]Alias
}

// NewTable joins providers and aliases. Faults of the configuration are the configuration's to report: it refuses
// aliases that name unknown providers and weights that sum to zero.
func NewTable(providers []Provider, aliases []Alias) *Table {
	t := &Table{providers: slices.Clone(providers), byName: map[string]*Provider{}, aliases: map[string]Alias{}}
	for i := range t.providers {
		t.byName[t.providers[i].Name] = &t.providers[i]
	}
	for _, a := range aliases {
		t.aliases[a.Model] = a
	}
	return t
}

// Providers lists the configured providers in order.
func (t *Table) Providers() []Provider { return t.providers }

// Aliases lists the names of aliases in order.
func (t *Table) Aliases() []string {
	names := make([]string, 0, len(t.aliases))
	for name := range t.aliases {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Provider finds a provider by name.
func (t *Table) Provider(name string) (*Provider, bool) {
	p, ok := t.byName[name]
	return p, ok
}

// Resolve gives the targets of a model in the order they are to be tried: an alias, else provider/model, else the
// provider with the most specific matching pattern, the first configured among equals. The error is a *llm.Fault
// that says what could have been asked for.
func (t *Table) Resolve(model string) ([]Target, error) {
	if a, ok := t.aliases[model]; ok {
		return a.draw(rand.IntN), nil
	}
	if provider, rest, ok := strings.Cut(model, "/"); ok && rest != "" {
		if _, known := t.byName[provider]; known {
			return []Target{{Provider: provider, Model: rest}}, nil
		}
	}
	best, score := -1, -1
	for i := range t.providers {
		if s := specificity(t.providers[i].Models, model); s > score {
			best, score = i, s
		}
	}
	if best >= 0 {
		return []Target{{Provider: t.providers[best].Name, Model: model}}, nil
	}
	if len(t.providers) == 0 {
		return nil, &llm.Fault{Code: llm.ModelUnknown, Param: "model", Message: "no provider is configured, so nobody can answer for the model " +
			strconv.Quote(model) + "; set OPENAI_API_KEY or another provider's key where weir starts, or name a provider in weir.yaml"}
	}
	return nil, &llm.Fault{Code: llm.ModelUnknown, Param: "model", Message: fmt.Sprintf(
		"no provider takes the model %q; ask for a route, a provider's own model or provider/model (GET /v1/models lists them), or add it to a provider's models", model)}
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
