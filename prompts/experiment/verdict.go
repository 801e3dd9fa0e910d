package experiment

import (
	"math"
	"time"

	"github.com/weir-dev/weir/prompts/experiment/stats"
)

// State is what an analysis comes to.
type State string

// The states of a verdict.
const (
	Waiting      State = "waiting"       // not started, or below MinUnits units in an arm
	NoData       State = "no_data"       // a metric that decides has no values
	Frozen       State = "frozen"        // the split is not as planned: the data cannot be trusted
	Ship         State = "ship"          // better on the primary, and no guardrail worse than its margin
	StopForHarm  State = "stop_for_harm" // worse on the primary, or a guardrail worse than its margin
	NoDifference State = "no_difference" // none that is worth having
	KeepGoing    State = "keep_going"    // not known yet
)

// Verdict is what an analysis says, in a word and in plain ones.
type Verdict struct {
	State State  `json:"state"`
	Arm   string `json:"arm,omitempty"` // the challenger that it is about
	Text  string `json:"text"`
	// Meaning is what a decision today would mean.
	Meaning string   `json:"meaning,omitempty"`
	Reasons []string `json:"reasons"`

	// UnitsNeeded is how many more units are needed in all arms together, and ExpectedEnd when they will be there, if the effect
	// and the traffic stay as they are. Zero: not known, or not within twenty times the planned units.
	UnitsNeeded int64     `json:"units_needed,omitempty"`
	ExpectedEnd time.Time `json:"expected_end,omitzero"`

	Arms []ArmVerdict `json:"arms,omitempty"` // each challenger by itself
}

// ArmVerdict is the verdict on one challenger.
type ArmVerdict struct {
	Arm         string   `json:"arm"`
	State       State    `json:"state"`
	Reasons     []string `json:"reasons"`
	UnitsNeeded int64    `json:"units_needed,omitempty"`

	better float64
	needed bool // UnitsNeeded is known
}

// Decide says what an analysis means. It is a pure function of the two.
func Decide(e *Experiment, a *Analysis) Verdict {
	if early, ok := tooEarly(e, a); ok {
		return early
	}
	winners := discoveries(e, a)
	var arms []ArmVerdict
	for i := range e.Challengers() {
		arms = append(arms, e.judge(a, i+1, winners[i]))
	}
	out := Verdict{Arms: arms}
	pick := choose(arms)
	out.State, out.Arm, out.Reasons = pick.State, pick.Arm, pick.Reasons
	if out.State == KeepGoing || out.State == Ship && len(arms) > 1 {
		out.wait(e, a)
	}
	out.Text = out.words(e)
	out.Meaning = meaning(a, out.Arm)
	return out
}

// tooEarly is the verdict while there can be none.
func tooEarly(e *Experiment, a *Analysis) (Verdict, bool) {
	out := Verdict{Reasons: []string{}}
	if len(e.Epochs) == 0 {
		out.State, out.Text = Waiting, "The experiment has not started."
		return out, true
	}
	if a.SRM.Alarm {
		out.State = Frozen
		out.Text = "No verdict: the arms do not have the units that their weights say. " + splitWords(e, a) + " Something treats the arms " +
			"differently before they are counted: calls that fail or are not recorded in one arm, a client that repeats, a target that " +
			"depends on the arm. Find it, and start a new experiment."
		out.Reasons = append(out.Reasons, "sample ratio mismatch")
		return out, true
	}
	few := a.Arms[0]
	for _, c := range a.Arms {
		if c.Units < few.Units {
			few = c
		}
	}
	if few.Units < MinUnits {
		out.State = Waiting
		out.Text = waitWords(e, a, few)
		// The smallest arm's share of the pace says when it has enough.
		for i, c := range a.Arms {
			if c.Arm != few.Arm || a.UnitsPerDay <= 0 {
				continue
			}
			if share := a.SRM.Shares[i]; share > 0 {
				missing := float64(MinUnits-few.Units) / share
				out.UnitsNeeded = int64(math.Ceil(missing))
				out.ExpectedEnd = later(a.At, missing/a.UnitsPerDay)
			}
		}
		return out, true
	}
	for i := range a.Effects {
		if f := &a.Effects[i]; !f.Data && f.Role != Shown {
			out.State, out.Arm = NoData, f.Arm
			out.Text = noDataWords(e, f)
			out.Reasons = append(out.Reasons, "no values of "+f.Metric)
			return out, true
		}
	}
	return out, false
}

// discoveries says which challengers differ from the control on the primary, all together at alpha.
func discoveries(e *Experiment, a *Analysis) []bool {
	logE := make([]float64, 0, len(e.Challengers()))
	for _, c := range e.Challengers() {
		logE = append(logE, a.effect(c.Name, PrimaryRole).LogE)
	}
	if e.Correction == EBH {
		return stats.EBH(logE, e.Alpha)
	}
	return stats.Bonferroni(logE, e.Alpha)
}

// judge decides on one challenger.
func (e *Experiment) judge(a *Analysis, index int, differs bool) ArmVerdict {
	name := e.Arms[index].Name
	b := e.bounds(index)
	primary := a.effect(name, PrimaryRole)
	out := ArmVerdict{Arm: name, State: KeepGoing, Reasons: []string{}, better: primary.better()}
	open := 0
	for _, g := range a.guardrails(name) {
		if g.Harmful {
			out.State = StopForHarm
			out.Reasons = append(out.Reasons, "worse than the margin on "+words(g))
		}
		if !g.Accepted {
			open++
		}
	}
	switch {
	case differs && out.better < 0:
		out.State = StopForHarm
		out.Reasons = append(out.Reasons, "worse on "+words(primary))
	case out.State == StopForHarm:
	case e.futile(primary, b):
		out.State = NoDifference
		out.Reasons = append(out.Reasons, "any gain on "+words(primary)+" is smaller than "+e.Worth.String()+", which would be worth having")
	case differs && open == 0:
		out.State = Ship
		out.Reasons = append(out.Reasons, "better on "+words(primary))
	case !differs && e.Worth == nil && primary.pair.A.N+primary.pair.B.N >= int64(b.planned):
		out.State = NoDifference
		out.Reasons = append(out.Reasons, "the planned units are there, and no difference on "+words(primary)+" is shown")
	default:
		if differs {
			out.Reasons = append(out.Reasons, "better on "+words(primary))
		} else {
			out.Reasons = append(out.Reasons, "not yet shown to be better or worse on "+words(primary))
		}
		for _, g := range a.guardrails(name) {
			if !g.Accepted {
				out.Reasons = append(out.Reasons, "not yet shown to be within the margin on "+words(g))
			}
		}
		out.UnitsNeeded, out.needed = e.needs(a, name, primary, b)
	}
	return out
}

// futile says whether a gain that is worth having is excluded.
func (e *Experiment) futile(primary *Effect, b bounds) bool {
	if e.Worth == nil {
		return false
	}
	short, ok := e.shortOf(primary)
	return ok && b.shown(short, 1)
}

// shortOf is by how much the challenger's gain is short of what is worth having.
func (e *Experiment) shortOf(primary *Effect) (stats.Difference, bool) {
	return primary.worseThan(Amount{Value: -e.Worth.Value, Relative: e.Worth.Relative})
}

// needs is how many more units the two arms need for a verdict, when all stays as it is.
func (e *Experiment) needs(a *Analysis, name string, primary *Effect, b bounds) (int64, bool) {
	limit := 20 * b.planned
	d := primary.pair.B.Minus(primary.pair.A)
	total, ok := stats.UnitsNeeded(d, b.alpha, b.rho(), limit)
	if ok && primary.better() > 0 {
		for _, g := range a.guardrails(name) {
			worse, known := g.worseThan(*g.Margin)
			worse.Delta = -worse.Delta
			n, enough := stats.UnitsNeededAbove(worse, b.alpha, stats.Rho(2*b.alpha, b.planned), limit)
			if !known || !enough {
				ok = false
				break
			}
			total = max(total, n)
		}
	}
	if e.Worth != nil {
		if short, known := e.shortOf(primary); known {
			if n, enough := stats.UnitsNeededAbove(short, b.alpha, stats.Rho(2*b.alpha, b.planned), limit); enough && (!ok || n < total) {
				total, ok = n, true
			}
		}
	} else if !ok || total > b.planned {
		// It ends with the planned units at the latest, unless guardrails are what is missing.
		if primary.LogE <= math.Log(1/b.alpha) {
			total, ok = b.planned, true
		}
	}
	if !ok {
		return 0, false
	}
	return max(1, int64(math.Ceil(total-d.N))), true
}

// choose is the verdict that counts: a winner, the best of several; else harm; else what is still open; else no difference.
func choose(arms []ArmVerdict) ArmVerdict {
	rank := map[State]int{Ship: 0, StopForHarm: 1, KeepGoing: 2, NoDifference: 3}
	best := arms[0]
	for _, v := range arms[1:] {
		if rank[v.State] < rank[best.State] || v.State == best.State && v.better > best.better {
			best = v
		}
	}
	return best
}

// wait sets when the open challengers will have their verdict.
func (v *Verdict) wait(e *Experiment, a *Analysis) {
	var days float64
	for i, arm := range v.Arms {
		if arm.State != KeepGoing {
			continue
		}
		if !arm.needed {
			v.UnitsNeeded, v.ExpectedEnd = 0, time.Time{}
			return
		}
		pair := a.SRM.Shares[0] + a.SRM.Shares[i+1]
		if pair <= 0 {
			continue
		}
		needed := float64(arm.UnitsNeeded) / pair
		v.UnitsNeeded = max(v.UnitsNeeded, int64(math.Ceil(needed)))
		if a.UnitsPerDay > 0 {
			days = max(days, needed/a.UnitsPerDay)
		}
	}
	if days > 0 && e.Status == Running {
		v.ExpectedEnd = later(a.At, days)
	}
}

// later is a time that many days on, at the end of its minute; zero when it is beyond what is worth saying.
func later(at time.Time, days float64) time.Time {
	if !(days < 3650) {
		return time.Time{}
	}
	return at.Add(time.Duration(days*24*float64(time.Hour)) + time.Minute - 1).Truncate(time.Minute)
}
