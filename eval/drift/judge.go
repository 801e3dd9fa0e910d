package drift

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/weir-dev/weir/eval/stats"
)

// judge says of all series which have drifted. Two things must hold: the test, which knows how far days differ as a rule, is sure at
// Alpha among all of them; and the change is large enough to matter.
func judge(rows []Series) {
	var p []float64
	var at []int
	for i := range rows {
		if rows[i].P != nil {
			p, at = append(p, *rows[i].P), append(at, i)
		}
	}
	for k, q := range stats.BenjaminiHochberg(p) {
		s := &rows[at[k]]
		s.Q = &q
		s.State = Steady
		switch {
		case q > Alpha && s.matters() && *s.Noise >= wide:
			s.Reason = fmt.Sprintf("it differs, and the days before differ from each other as much: %.3g times as far as by chance; %s", *s.Noise, s.change())
		case q > Alpha:
			s.Reason = "the day is like the same day of the weeks before"
		case !s.matters():
			s.Reason = "the change is sure and small: " + s.change()
		default:
			s.State, s.Reason = Drifted, s.change()
		}
	}
	slices.SortStableFunc(rows, func(a, b Series) int {
		return cmp.Or(cmp.Compare(rankOf(a.State), rankOf(b.State)), cmp.Compare(least(a.Q), least(b.Q)), cmp.Compare(psi(&b), psi(&a)),
			strings.Compare(a.Project, b.Project), strings.Compare(a.Prompt, b.Prompt), strings.Compare(a.Model, b.Model), strings.Compare(string(a.Metric), string(b.Metric)))
	})
}

func rankOf(s State) int { return slices.Index([]State{Drifted, Steady, TooFew, TooEarly}, s) }

func least(q *float64) float64 {
	if q == nil {
		return 2
	}
	return *q
}

func psi(s *Series) float64 {
	if s.Shift == nil {
		return 0
	}
	return s.Shift.PSI
}

// matters says that a change is large enough.
func (s *Series) matters() bool {
	if s.Shift != nil && s.Shift.PSI-s.Shift.Expected >= MinPSI {
		return true
	}
	switch s.Metric.kind() {
	case length:
		// Of normal values that are MinSD standard deviations apart so much more than half of the pairs are in order.
		apart := 1 - stats.NormalTail(MinSD/math.Sqrt2)
		return s.RankSum != nil && math.Abs(s.RankSum.Larger-0.5) >= apart/2
	case mix:
		return s.Effect != nil && math.Abs(s.Effect.Value) >= MinShare
	}
	return s.Effect != nil && math.Abs(s.Effect.Value) >= MinRate
}

// change is what happened, in words.
func (s *Series) change() string {
	e := s.Effect
	switch {
	case e == nil || s.Value == nil || s.ReferenceValue == nil:
		return "the spread has changed"
	case e.Kind == "ratio" && e.Low <= 1 && e.High >= 1:
		return fmt.Sprintf("spread differently: typically %s tokens as before, and more of them short or long", number(*s.Value))
	case e.Kind == "ratio":
		return fmt.Sprintf("%s times as long (%s to %s): typically %s tokens, and %s before", number(e.Value), number(e.Low), number(e.High), number(*s.Value), number(*s.ReferenceValue))
	}
	what := e.Class
	switch s.Metric {
	case Refusals:
		what = "refused"
	case Errors:
		what = "failed"
	}
	return fmt.Sprintf("%s: %s of the calls, and %s before (%s; %s to %s)", what, percent(*s.Value), percent(*s.ReferenceValue), points(e.Value), points(e.Low), points(e.High))
}

func number(v float64) string {
	if math.Abs(v) >= 1000 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

func percent(v float64) string { return fmt.Sprintf("%.3g %%", 100*v) }

func points(v float64) string { return fmt.Sprintf("%+.3g points", 100*v) }
