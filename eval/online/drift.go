package online

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/weir-dev/weir/eval/stats"
	"github.com/weir-dev/weir/trace"
)

// State says how the scores of a day compare with those before it.
type State string

// The states. TooEarly: there is less than a week to compare with. TooFew: the day, or what is before it, has too few scores.
const (
	Steady   State = "steady"
	Drifted  State = "drifted"
	TooEarly State = "too_early"
	TooFew   State = "too_few"
)

// What a drift is measured by.
const (
	Alpha         = 0.01 // of all scores of a day together, the share of false ones among those that are said to have drifted
	MinEffect     = 0.2  // standard deviations between the means, or
	MinPSI        = 0.1  // this much over what samples of this size show without any drift
	referenceDays = 28
	leastDays     = 7
	leastScores   = 30  // of the day
	leastBefore   = 100 // of the reference
	leastOfADay   = 10  // of a day of the reference that tells what is usual
	mostValues    = 20_000
	psiBins       = 10
	grace         = time.Hour // after midnight, for scores that are made late
	day           = 24 * time.Hour
)

// Drift compares a scorer's scores of one day with those of up to 28 days before it, of the same version of its rule.
type Drift struct {
	Rule    string    `json:"rule"`
	Scorer  string    `json:"scorer"`
	Version string    `json:"config_version"` // of the rule, as scores have it
	Day     time.Time `json:"day"`            // its midnight, UTC; calls count to the day they began
	State   State     `json:"state"`
	Reason  string    `json:"reason"` // in words

	N             int      `json:"n"`
	ReferenceN    int      `json:"reference_n"`
	ReferenceDays int      `json:"reference_days"` // between the first of them and the day
	Mean          *float64 `json:"mean"`
	ReferenceMean *float64 `json:"reference_mean"`

	// What follows is nil while there is too little to compare.
	Difference *stats.MeanDifference `json:"difference"` // of the means, with its 95 % interval
	RankSum    *stats.RankSum        `json:"rank_sum"`   // nil too when all values are equal
	Distance   *stats.Distance       `json:"distance"`
	// Usual is the largest scaled distance of a day of the reference from its other days: how much one day differs from others as a rule.
	Usual *float64     `json:"usual_distance"`
	Shift *stats.Shift `json:"shift"`
	P     *float64     `json:"p"`          // the less of both tests', twice
	Q     *float64     `json:"p_adjusted"` // among all scores that were compared that day, by Benjamini and Hochberg
}

// Compare measures a day's values against those before it, as far as that can be said of one score alone: the state is not Drifted or
// Steady before Judge has seen all of the day.
func Compare(d Drift, reference []trace.ScoreValue, values []float64) Drift {
	before := make([]float64, len(reference))
	for i, v := range reference {
		before[i] = v.Value
	}
	d.N, d.ReferenceN = len(values), len(before)
	if m, ok := stats.Mean(values); ok {
		d.Mean = &m
	}
	if m, ok := stats.Mean(before); ok {
		d.ReferenceMean = &m
	}
	if len(reference) > 0 {
		d.ReferenceDays = int(d.Day.Sub(reference[0].At.UTC().Truncate(day)) / day)
	}
	switch {
	case d.ReferenceDays < leastDays:
		d.State, d.Reason = TooEarly, fmt.Sprintf("the first score is %d days old: a week is compared with", d.ReferenceDays)
		return d
	case d.N < leastScores || d.ReferenceN < leastBefore:
		d.State, d.Reason = TooFew, fmt.Sprintf("%d scores that day and %d before it: %d and %d are compared", d.N, d.ReferenceN, leastScores, leastBefore)
		return d
	}
	p := 1.0
	if v, ok := stats.MannWhitney(before, values); ok {
		d.RankSum, p = &v, min(p, 2*v.P)
	}
	if v, ok := stats.KolmogorovSmirnov(before, values); ok {
		d.Distance, p = &v, min(p, 2*v.P)
	}
	if v, ok := stats.DifferenceOfMeans(before, values, 0); ok {
		d.Difference = &v
	}
	if v, ok := stats.PSI(before, values, psiBins); ok {
		d.Shift = &v
	}
	usual := usualDistance(reference)
	d.P, d.Usual = &p, &usual
	return d
}

// usualDistance is the largest scaled distance of one day from the others.
func usualDistance(reference []trace.ScoreValue) float64 {
	days := map[time.Time][]float64{}
	for _, v := range reference {
		at := v.At.UTC().Truncate(day)
		days[at] = append(days[at], v.Value)
	}
	most := 0.0
	for one, values := range days {
		if len(values) < leastOfADay {
			continue
		}
		var others []float64
		for at, more := range days {
			if !at.Equal(one) {
				others = append(others, more...)
			}
		}
		if v, ok := stats.KolmogorovSmirnov(others, values); ok {
			most = max(most, v.Scaled)
		}
	}
	return most
}

// Judge says of all scores of a day which have drifted. Three things must hold: both tests together are sure at Alpha among all of them;
// the difference is large enough to matter; and no day before it differed as much from the others, so that what days differ by as a rule
// is not taken for drift.
func Judge(rows []Drift) {
	var p []float64
	var at []int
	for i := range rows {
		if rows[i].P != nil {
			p, at = append(p, *rows[i].P), append(at, i)
		}
	}
	for k, q := range stats.BenjaminiHochberg(p) {
		d := &rows[at[k]]
		d.Q = &q
		effect, moved := 0.0, 0.0
		if d.Difference != nil {
			effect = max(d.Difference.Cohen, -d.Difference.Cohen)
			if d.Difference.Cohen == 0 && d.Difference.Difference != 0 { // neither varies, and they differ
				effect = MinEffect
			}
		}
		if d.Shift != nil {
			moved = d.Shift.PSI - d.Shift.Expected
		}
		d.State = Steady
		switch {
		case q > Alpha:
			d.Reason = fmt.Sprintf("the day is like those before it (adjusted p %.3g)", q)
		case effect < MinEffect && moved < MinPSI:
			d.Reason = fmt.Sprintf("the difference is sure and small: %.2g standard deviations, PSI %.2g", effect, d.Shift.PSI)
		case d.Distance.Scaled <= *d.Usual:
			d.Reason = fmt.Sprintf("days differ as much as a rule: distance %.3g, and %.3g on another day", d.Distance.Scaled, *d.Usual)
		default:
			d.State = Drifted
			d.Reason = fmt.Sprintf("the mean went from %.4g to %.4g, PSI %.2g, adjusted p %.2g", *d.ReferenceMean, *d.Mean, d.Shift.PSI, q)
		}
	}
}

// compare looks at the last whole day of every score, once.
func (r *Runner) compare(ctx context.Context, now time.Time) {
	if err := r.compareDay(ctx, now.Add(-grace).UTC().Truncate(day).Add(-day)); err != nil && !errors.Is(err, trace.ErrAway) {
		r.warn(ctx, "score drift could not be measured", err)
	}
	if err := r.cfg.Store.ForgetOnline(ctx, now.Add(-keepLedger)); err != nil {
		r.warn(ctx, "old rows could not be forgotten", err)
	}
}

func (r *Runner) compareDay(ctx context.Context, of time.Time) error {
	rules, err := r.cfg.Store.OnlineRules(ctx)
	if err != nil {
		return err
	}
	had, err := r.cfg.Store.Drifts(ctx, of)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(had, func(d Drift) bool { return d.Day.Equal(of) }) { // all of a day are told together
		return nil
	}
	var rows []Drift
	for i := range rules {
		rule := &rules[i]
		for k := range rule.Scorers {
			d := Drift{Rule: rule.Name, Scorer: rule.Scorers[k].Name, Version: rule.Version(), Day: of}
			f := trace.ScoreFilter{Name: d.Scorer, Config: d.Version, Since: of, Until: of.Add(day)}
			values, err := r.cfg.Values.ScoreValues(ctx, f, mostValues)
			if err != nil {
				return err
			}
			f.Since, f.Until = of.Add(-referenceDays*day), of
			reference, err := r.cfg.Values.ScoreValues(ctx, f, mostValues)
			if err != nil {
				return err
			}
			numbers := make([]float64, len(values))
			for j, v := range values {
				numbers[j] = v.Value
			}
			rows = append(rows, Compare(d, reference, numbers))
		}
	}
	if len(rows) == 0 {
		return nil
	}
	Judge(rows)
	for i := range rows {
		if d := &rows[i]; d.State == Drifted {
			r.cfg.Log.Warn("a score has drifted", "rule", d.Rule, "score", d.Scorer, "day", d.Day.Format(time.DateOnly), "reason", d.Reason)
		}
	}
	return r.cfg.Store.PutDrift(ctx, rows)
}
