package advice

import (
	"fmt"
	"strings"
	"time"
)

func (a *adviser) cuts() []Finding {
	var out []Finding
	for _, c := range a.Cuts {
		if c.Again < fewest {
			continue
		}
		out = append(out, Finding{
			Kind:  CutAnswers,
			Title: fmt.Sprintf("%s answers of %s were cut by their limit of output and asked for again", count(c.Again), named(c.Group)),
			About: c.filter(),
			Evidence: []Figure{
				{"answers that ended at their limit", count(c.Calls), "calls"},
				{fmt.Sprintf("of those, asked again with the same message within %d minutes", AgainWithin/time.Minute), count(c.Again), "calls"},
				{"cost of those", c.Cost.String(), "usd"},
			},
			Saving: a.Span.monthly(c.Cost),
			How:    "what the cut answers cost that were asked for again",
			Do:     "raise max_tokens where answers need it, or ask for shorter ones in the prompt",
			Calls:  c.IDs,
		})
	}
	return out
}

// outputs finds expensive models that write a few tokens, where one that is used here already, or the model's own small sister, is
// much cheaper.
func (a *adviser) outputs() []Finding {
	var out []Finding
	for _, o := range a.Outputs {
		now, ok := a.price(o.Group, &o)
		if !ok || o.Calls < fewestTiny || o.P95 > tinyOutput {
			continue
		}
		best, cost := Group{}, now
		for _, g := range a.others(&o) {
			if c, known := a.price(g, &o); known && c*tinyCheaper <= now && (best.Model == "" || c < cost) {
				best, cost = g, c
			}
		}
		if best.Model == "" {
			continue
		}
		out = append(out, Finding{
			Kind:  TinyAnswers,
			Title: fmt.Sprintf("%s calls of %s write %d tokens or less; %s costs %s of it", count(o.Calls), named(o.Group), o.P95, best.Model, percent(cost, now)+" %"),
			About: o.filter(),
			Evidence: []Figure{
				{"calls", count(o.Calls), "calls"},
				{"95 % of the answers have at most", count(o.P95), "tokens"},
				{"cost of the calls", o.Cost.String(), "usd"},
				{"by the book for their tokens", nano(now).String(), "usd"},
				{"the same tokens on " + best.Provider + "/" + best.Model, nano(cost).String(), "usd"},
			},
			Saving: a.Span.monthly(nano((now - cost) / now * o.Cost.Float64())),
			How:    "what the calls cost, less the same tokens at the other model's price; cached tokens as cached there",
			Do:     "try " + best.Model + " for these calls, and compare the answers before changing over: whether they are as good is not known from costs",
			Calls:  o.IDs,
		})
	}
	return out
}

// price is what the tokens of o would cost on a model.
func (a *adviser) price(g Group, o *Outputs) (float64, bool) {
	in, inKnown := a.per(g, fresh)
	hit, hitKnown := a.per(g, read)
	each, outKnown := a.per(g, written)
	return float64(o.Input)*in + float64(o.Cached)*hit + float64(o.Output)*each, inKnown && hitKnown && outKnown && in+each > 0
}

// others are models that the calls could have gone to.
func (a *adviser) others(o *Outputs) []Group {
	var out []Group
	for _, other := range a.Outputs {
		if g := other.Group; g.Model != o.Model && g.Project == o.Project {
			out = append(out, Group{Project: o.Project, Provider: g.Provider, Model: g.Model})
		}
	}
	for _, small := range []string{"-nano", "-mini", "-lite"} {
		if model := undated(o.Model) + small; !strings.HasSuffix(undated(o.Model), small) {
			out = append(out, Group{Project: o.Project, Provider: o.Provider, Model: model})
		}
	}
	return out
}

// undated is a model's name without the date of its snapshot.
func undated(model string) string {
	for _, form := range []string{"-2006-01-02", "-20060102"} {
		if n := len(model) - len(form); n > 0 {
			if _, err := time.Parse(form, model[n:]); err == nil {
				return model[:n]
			}
		}
	}
	return model
}
