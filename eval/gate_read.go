package eval

import (
	"github.com/weir-dev/weir/internal/yamldoc"
)

// gate reads the rules of a run's file, or of a file of their own.
func (r *definitionReader) gate(n *yamldoc.Node, d *Definition) Gate {
	out := Gate{}
	if n.Kind != yamldoc.Mapping || len(n.Content) == 0 {
		r.fault(n, "gate must have rules by the scorers' names")
		return out
	}
	for key, value := range n.Members() {
		scorer := d.Scorer(key.Value)
		switch _, twice := out[key.Value]; {
		case scorer == nil:
			r.fault(key, "the gate is about %.64q, which is no scorer of this file", key.Value)
			continue
		case twice:
			r.fault(key, "the gate has %s twice", key.Value)
			continue
		}
		out[key.Value] = r.rule(key.Value, value, scorer, d)
	}
	return out
}

func (r *definitionReader) rule(name string, n *yamldoc.Node, scorer *ScorerConfig, d *Definition) Rule {
	var rule Rule
	optional := func(to **float64, least, most float64) func(*yamldoc.Node) {
		return func(n *yamldoc.Node) {
			var v float64
			before := len(r.err.Faults)
			if r.float(&v)(n); len(r.err.Faults) > before {
				return
			}
			if v < least || v > most {
				r.fault(n, "want a number from %v to %v", least, most)
				return
			}
			*to = &v
		}
	}
	var alpha *float64
	const any = 1e18
	r.mapping(n, "the gate of "+name, fields{
		"min_mean": optional(&rule.MinMean, -any, any), "max_mean": optional(&rule.MaxMean, -any, any), "min_pass_rate": optional(&rule.MinPassRate, 0, 1),
		"min_case_score": optional(&rule.MinCase, -any, any), "max_case_score": optional(&rule.MaxCase, -any, any),
		"max_regression": optional(&rule.MaxRegression, 0, any), "alpha": optional(&alpha, 0.0001, 0.5), "coverage": optional(&rule.Coverage, 0, 1),
		"quarantine": r.texts(&rule.Quarantine),
		"flakes": func(n *yamldoc.Node) {
			rule.Flakes = &Flakes{}
			r.mapping(n, "flakes", fields{"pass": r.number(&rule.Flakes.Pass, 1, maxRepeat)})
			if rule.Flakes.Pass > d.Repeat {
				r.fault(n, "flakes: pass is %d, and the run repeats each item %d times", rule.Flakes.Pass, d.Repeat)
			}
		},
	})
	if alpha != nil {
		rule.Alpha = *alpha
	}
	if !scorer.HasBar() && (rule.MinPassRate != nil || rule.Flakes != nil) {
		r.fault(n, "the scorer %s has no bar to pass: give it pass: …, or ask for a mean", name)
	}
	if scorer.Lower() && (rule.MinMean != nil || rule.MinCase != nil) {
		r.fault(n, "of %s the least is the best: ask for max_mean or max_case_score", name)
	}
	if rule.MaxRegression != nil && d.Baseline == "" {
		r.fault(n, "max_regression needs a baseline: the name of a file that weir eval gate --write-baseline wrote")
	}
	return rule
}
