package experiment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/weir-dev/weir/internal/expression"
)

// ErrExperiment is in the chain of an error that says what is wrong with an experiment.
var ErrExperiment = errors.New("not an experiment")

// Bounds of what one experiment may hold.
const (
	MaxArms       = 20
	MaxGuardrails = 20
	MaxOverrides  = 1000

	defaultAlpha   = 0.05
	defaultPlanned = 10_000
)

// fixed are members of a body that an arm may not set: they say who asks, what is asked, or how the answer travels.
var fixed = []string{"user", "safety_identifier", "metadata", "prompt_cache_key", "session_id", "messages", "input", "prompt", "stream", "stream_options", "model"}

// Faults is an error that says everything that is wrong with an experiment. It wraps ErrExperiment.
type Faults struct {
	List []string // each says what is wrong, where, and what to do
}

func (f *Faults) Error() string { return ErrExperiment.Error() + ": " + strings.Join(f.List, "; ") }

// Unwrap gives ErrExperiment.
func (f *Faults) Unwrap() error { return ErrExperiment }

// faults collects what is wrong, each with what to do.
type faults []string

// err is nil without faults.
func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return &Faults{List: f}
}

func (f *faults) when(is bool, format string, args ...any) {
	if is {
		*f = append(*f, fmt.Sprintf(format, args...))
	}
}

// Check fills what an experiment leaves open, and says everything that is wrong with it. Overlaps with others: see Overlaps.
func (e *Experiment) Check() error {
	var f faults
	e.fill()
	f.when(len(e.Name) > 100 || !isToken(e.Name), "name: %.100q: want 1 to 100 letters, digits, dots, dashes and underscores", e.Name)
	header, isHeader := e.Unit.Header()
	f.when(e.Unit != User && e.Unit != Session && e.Unit != Key && (!isHeader || !isToken(header)),
		"unit: %q is none of user, session, key, header:NAME", e.Unit)
	e.checkArms(&f)
	e.checkWeights(&f)
	e.checkMetrics(&f)
	if e.Target != "" {
		if _, err := expression.CompileCondition(e.Target, targetSample); err != nil {
			f = append(f, "target: "+err.Error())
		}
	}
	if l := e.Layer; l != nil {
		f.when(l.Name == "" || len(l.Name) > 100, "layer: name: want 1 to 100 characters")
		f.when(!(l.From >= 0 && l.From < l.To && l.To <= 1), "layer: from %g to %g: want 0 <= from < to <= 1", l.From, l.To)
	}
	f.when(len(e.Overrides) > MaxOverrides, "overrides: %d, at most %d are kept; use a target", len(e.Overrides), MaxOverrides)
	for _, unit := range slices.Sorted(maps.Keys(e.Overrides)) {
		f.when(unit == "", "overrides: a unit is empty")
		f.when(e.Arm(e.Overrides[unit]) == nil, "overrides: %q is to get %q, which is no arm", unit, e.Overrides[unit])
	}
	f.when(!(e.Traffic > 0 && e.Traffic <= 1), "traffic: %g: want more than 0, at most 1", e.Traffic)
	f.when(e.Hash != SHA256 && e.Hash != GrowthBook, "hash: %q is neither sha256 nor growthbook", e.Hash)
	f.when(e.PlannedUnits < 2*MinUnits, "planned_units: %d: want at least %d, as no verdict comes below %d units an arm", e.PlannedUnits, 2*MinUnits, MinUnits)
	f.when(!(e.Alpha >= 0.0001 && e.Alpha <= 0.2), "alpha: %g: want 0.0001 to 0.2", e.Alpha)
	f.when(e.Correction != Bonferroni && e.Correction != EBH, "correction: %q is neither bonferroni nor ebh", e.Correction)
	f.when(e.Worth != nil && !(e.Worth.Value > 0 && !math.IsInf(e.Worth.Value, 0)), "worth: want more than 0; leave it out to end at planned_units")
	f.when(e.Worth != nil && e.Worth.Relative && len(e.Metrics.Utility) > 0, "worth: a utility may be zero or below; give an amount, not a percentage")
	f.when(!slices.Contains([]Status{Draft, Running, Halted, Concluded}, e.Status), "status: %q is none of draft, running, stopped, concluded", e.Status)
	e.Auto.check(&f)
	return f.err()
}

func (e *Experiment) fill() {
	if e.Traffic == 0 {
		e.Traffic = 1
		if e.Auto.Ramp != nil {
			e.Traffic = min(1, e.Auto.Ramp.steps()[0]*float64(len(e.Arms)))
		}
	}
	if e.Hash == "" {
		e.Hash = SHA256
	}
	if e.PlannedUnits == 0 {
		e.PlannedUnits = defaultPlanned
	}
	if e.Alpha == 0 {
		e.Alpha = defaultAlpha
	}
	if e.Correction == "" {
		e.Correction = Bonferroni
	}
	if e.Status == "" {
		e.Status = Draft
	}
	if e.Prompt == "" && len(e.Arms) > 0 {
		// All arms of one prompt: its calls are meant.
		e.Prompt = promptName(e.Arms[0].Prompt)
		for _, a := range e.Arms {
			if promptName(a.Prompt) != e.Prompt {
				e.Prompt = ""
			}
		}
	}
	if e.Metrics.Primary != nil {
		e.Metrics.Primary.fill()
	}
	for i := range e.Metrics.Guardrails {
		e.Metrics.Guardrails[i].fill()
	}
}

func (e *Experiment) checkArms(f *faults) {
	f.when(len(e.Arms) < 2, "arms: %d: want at least two, the first is the control", len(e.Arms))
	f.when(len(e.Arms) > MaxArms, "arms: %d, at most %d", len(e.Arms), MaxArms)
	seen := map[string]bool{}
	served := map[string]string{}
	for i := range e.Arms {
		a := &e.Arms[i]
		where := fmt.Sprintf("arms: %q", a.Name)
		f.when(!isName(a.Name), "arms: name %d: %q: want 1 to 60 letters, digits, dots, dashes and underscores", i+1, a.Name)
		f.when(seen[a.Name], "%s is there twice; each arm needs a name of its own", where)
		seen[a.Name] = true
		name, version, isRef := strings.Cut(a.Prompt, "@")
		f.when(a.Prompt != "" && (!isRef || name == "" || version == ""), "%s: prompt %q: want name@version or name@label", where, a.Prompt)
		f.when(a.Prompt != "" && e.Prompt != "" && isRef && name != e.Prompt, "%s: prompt %q is not of %q, which the experiment is about", where, a.Prompt, e.Prompt)
		f.when(a.Prompt != "" && e.Prompt == "", "%s: name the prompt that the experiment is about: prompt: %s", where, name)
		for _, parameter := range slices.Sorted(maps.Keys(a.Parameters)) {
			f.when(slices.Contains(fixed, parameter), "%s: parameters: %s may not differ between arms: it says who or what is asked%s", where, parameter,
				map[bool]string{true: "; use the arm's model"}[parameter == "model"])
			f.when(parameter == "", "%s: parameters: a name is empty", where)
			f.when(!json.Valid(a.Parameters[parameter]), "%s: parameters: %s is not JSON", where, parameter)
		}
		what := a.does()
		twin, same := served[what]
		f.when(same && twin != a.Name, "arms: %q and %q are the same in all but name; give one another prompt, model or parameters", twin, a.Name)
		served[what] = a.Name
	}
}

// does says what an arm serves, alike for arms that serve the same.
func (a *Arm) does() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%q %q", a.Prompt, a.Model)
	for _, name := range slices.Sorted(maps.Keys(a.Parameters)) {
		fmt.Fprintf(&b, " %q:", name)
		if json.Compact(&b, a.Parameters[name]) != nil {
			b.Write(a.Parameters[name])
		}
	}
	return b.String()
}

// checkWeights wants weights that sum to 1 or to 100. All left out, or 1 for each, is the same share for all.
func (e *Experiment) checkWeights(f *faults) {
	var sum float64
	none, ones := true, true
	for _, a := range e.Arms {
		if !(a.Weight >= 0 && a.Weight <= 100) {
			f.when(true, "arms: %q: weight %g: want a share of 1 or of 100", a.Name, a.Weight)
			return
		}
		sum += a.Weight
		none = none && a.Weight == 0
		ones = ones && a.Weight == 1
	}
	if none || ones || len(e.Arms) == 0 {
		return
	}
	for _, a := range e.Arms {
		f.when(a.Weight == 0, "arms: %q has no weight; give it a share, or leave out all weights for equal ones", a.Name)
	}
	f.when(math.Abs(sum-1) > 1e-6 && math.Abs(sum-100) > 1e-4, "arms: the weights sum to %g; they must sum to 1 or to 100, or be left out for equal shares", sum)
}

// weights are the arms' shares, with sum 1.
func (e *Experiment) weights() []float64 {
	out := make([]float64, len(e.Arms))
	var sum float64
	for i, a := range e.Arms {
		out[i] = a.Weight
		sum += a.Weight
	}
	for i := range out {
		if sum == 0 {
			out[i] = 1 / float64(len(out))
		} else {
			out[i] /= sum
		}
	}
	return out
}

func (e *Experiment) checkMetrics(f *faults) {
	m := &e.Metrics
	f.when(m.Primary == nil && len(m.Utility) == 0, "metrics: primary is missing: the one metric to decide by, such as {metric: cost, direction: lower}")
	f.when(m.Primary != nil && len(m.Utility) > 0, "metrics: primary and utility: decide by one of them")
	if m.Primary != nil {
		m.Primary.check(f, "metrics: primary")
		f.when(m.Primary.Margin != nil, "metrics: primary: a margin is for guardrails; use worth for the smallest effect worth having")
	}
	f.when(len(m.Guardrails) > MaxGuardrails, "metrics: %d guardrails, at most %d", len(m.Guardrails), MaxGuardrails)
	seen := map[string]bool{}
	for i := range m.Guardrails {
		g := &m.Guardrails[i]
		where := fmt.Sprintf("metrics: guardrail %q", g.Metric)
		g.check(f, where)
		f.when(g.Margin == nil, `%s has no margin: say how much worse is still accepted, such as 0.01 or "5%%"`, where)
		f.when(g.Margin != nil && !(g.Margin.Value > 0), "%s: margin %s: want more than 0; no number of units can show that nothing at all is worse", where, g.Margin)
		f.when(seen[g.key()], "%s is there twice", where)
		seen[g.key()] = true
	}
	for _, t := range m.Utility {
		where := fmt.Sprintf("metrics: utility: %q", t.Metric)
		f.when(!knownMetric(t.Metric), "%s is no metric; known are %s, score:NAME", where, strings.Join(MetricNames, ", "))
		f.when(t.Weight == 0 || math.IsNaN(t.Weight) || math.IsInf(t.Weight, 0), "%s: weight: want a number other than 0, below it for what is to be low", where)
		f.when((t.Metric == "latency") != (t.SLO > 0), "%s: slo_ms: latency needs it, others have none", where)
	}
}

func (m *Metric) check(f *faults, where string) {
	f.when(m.Metric == "", "%s: metric is missing", where)
	f.when(m.Metric != "" && !knownMetric(m.Metric), "%s: %q is no metric; known are %s, score:NAME", where, m.Metric, strings.Join(MetricNames, ", "))
	f.when(m.Direction == "", "%s: direction is missing: lower or higher, whichever is better", where)
	f.when(m.Direction != "" && m.Direction != Lower && m.Direction != Higher, "%s: direction: %q is neither lower nor higher", where, m.Direction)
	f.when(m.Per != PerUnit && m.Per != PerCall, "%s: per: %q is neither unit nor call", where, m.Per)
	f.when(m.Metric == "calls" && m.Per == PerCall, "%s: calls per call is always one; use per: unit", where)
	f.when((m.Metric == "latency") != (m.SLO > 0), "%s: slo_ms: latency needs the milliseconds that a call may take, others have none", where)
	f.when(m.Winsorize != 0 && !(m.Winsorize >= 50 && m.Winsorize < 100), "%s: winsorize: %g: want a percentile from 50 to below 100", where, m.Winsorize)
	f.when(m.Winsorize != 0 && m.Per == PerCall, "%s: winsorize is for per: unit", where)
	f.when(!slices.Contains([]Covariate{OwnText, PastCost, NoCovariate}, m.Covariate), "%s: covariate: %q is none of own_text, past_cost, none", where, m.Covariate)
	f.when(m.Covariate != NoCovariate && m.Per == PerCall, "%s: covariate is for per: unit", where)
}

// key tells metrics apart.
func (m *Metric) key() string { return fmt.Sprintf("%s/%s/%g", m.Metric, m.Per, m.SLO) }

func promptName(ref string) string {
	name, _, _ := strings.Cut(ref, "@")
	return name
}

func isName(s string) bool { return len(s) <= 60 && isToken(s) }

// isToken says whether s is letters, digits, dots, dashes and underscores.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		known := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_'
		if !known {
			return false
		}
	}
	return s != ""
}
