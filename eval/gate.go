package eval

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	"github.com/weir-dev/weir/eval/stats"
)

// Gate is what a run's scores have to be, by scorer.
type Gate map[string]Rule

// Rule is what the scores of one scorer have to be. A rule without a bound has only its coverage to hold.
type Rule struct {
	MinMean     *float64 `json:"min_mean,omitempty"` // of all scored answers; where the figure over all is not their mean, of that
	MaxMean     *float64 `json:"max_mean,omitempty"` // for scores whose least is the best
	MinPassRate *float64 `json:"min_pass_rate,omitempty"`
	MinCase     *float64 `json:"min_case_score,omitempty"` // of each item, the mean of its repeats
	MaxCase     *float64 `json:"max_case_score,omitempty"`
	// MaxRegression is how much worse than the baseline the mean may be; a larger drop fails when it is also unlikely by chance.
	MaxRegression *float64 `json:"max_regression,omitempty"`
	Alpha         float64  `json:"alpha,omitempty"`    // how often a run that is no worse fails by chance; 0: 0.05
	Coverage      *float64 `json:"coverage,omitempty"` // share of asks that must have a score; nil: all
	Flakes        *Flakes  `json:"flakes,omitempty"`
	Quarantine    []string `json:"quarantine,omitempty"` // items that are told of, and do not count
}

// Flakes lets an item pass that passes in some of its repeats: it then counts as one pass.
type Flakes struct {
	Pass int `json:"pass"` // at least so many of the run's repeats
}

// Check is one bound of a rule, and how it went.
type Check struct {
	Target string  `json:"target"`
	Scorer string  `json:"scorer"`
	Rule   string  `json:"rule"` // min_mean, coverage, …
	Passed bool    `json:"passed"`
	Got    float64 `json:"got"`
	Want   float64 `json:"want"`
	Detail string  `json:"detail"` // for people

	Cases []FailedCase   `json:"cases,omitempty"` // of min_case_score, those that fail
	Test  *stats.Verdict `json:"test,omitempty"`  // of max_regression
}

// FailedCase is an item that fails on its own.
type FailedCase struct {
	Item   string  `json:"item"`
	Got    float64 `json:"got"`
	Reason string  `json:"reason,omitempty"`
}

// Verdict is what a gate says of a run.
type Verdict struct {
	Run        string   `json:"run"`
	Passed     bool     `json:"passed"`
	Checks     []Check  `json:"checks"`
	Quarantine []string `json:"quarantined"` // items that did not count for a rule
	Notes      []string `json:"notes"`
}

// Text is the verdict for people, a check a line.
func (v *Verdict) Text() string {
	var b strings.Builder
	for _, c := range v.Checks {
		word := "ok  "
		if !c.Passed {
			word = "FAIL"
		}
		fmt.Fprintf(&b, "%s  %s / %s / %s: %s\n", word, c.Target, c.Scorer, c.Rule, c.Detail)
	}
	for _, n := range v.Notes {
		fmt.Fprintf(&b, "note  %s\n", n)
	}
	return b.String()
}

// judging is a gate at work on the scores of one target and scorer.
type judging struct {
	v      *Verdict
	run    *Run
	target string
	scorer *ScorerConfig
	rule   *Rule
	seed   uint64

	asks    int                // that count, missing ones among them
	scores  []Score            // scored ones that count
	items   map[string]float64 // mean of the repeats of each item that counts
	passes  map[string]int     // repeats of it that pass
	reasons map[string]string  // of its lowest score
}

// Judge holds a run's results against a gate. baseline may be nil: then max_regression fails, for there is nothing to compare with. A run that
// has not come to its end fails by its coverage.
func Judge(run *Run, results []Result, gate Gate, baseline *Baseline) (Verdict, error) {
	v := Verdict{Run: run.ID, Passed: true, Checks: []Check{}, Quarantine: []string{}, Notes: []string{}}
	if len(gate) == 0 {
		return v, fmt.Errorf("run %s: there is no gate to hold it against", run.ID)
	}
	for _, name := range slices.Sorted(maps.Keys(gate)) {
		rule, scorer := gate[name], run.Definition.Scorer(name)
		if scorer == nil {
			return v, fmt.Errorf("the gate is about %q, which is no scorer of run %s", name, run.ID)
		}
		for _, t := range run.Definition.Targets {
			j := judging{v: &v, run: run, target: t.Name, scorer: scorer, rule: &rule, seed: seedOf(run.Snapshot, t.Name, name)}
			j.gather(results)
			j.judge(baseline)
		}
	}
	slices.Sort(v.Quarantine)
	v.Quarantine = slices.Compact(v.Quarantine)
	for i := range v.Checks {
		v.Passed = v.Passed && v.Checks[i].Passed
	}
	return v, nil
}

// seedOf makes a gate answer the same each time it is asked.
func seedOf(parts ...string) uint64 {
	h := fnv.New64a()
	for _, p := range parts {
		fmt.Fprintf(h, "%q", p)
	}
	return h.Sum64()
}

// gather sorts the results out.
func (j *judging) gather(results []Result) {
	j.items, j.passes, j.reasons = map[string]float64{}, map[string]int{}, map[string]string{}
	repeat := max(1, j.run.Definition.Repeat)
	out := map[string]bool{}
	for _, id := range j.rule.Quarantine {
		out[id] = true
	}
	sums, counts, worst := map[string]float64{}, map[string]int{}, map[string]float64{}
	seen := map[string]bool{}
	for i := range results {
		r := &results[i]
		if r.Target != j.target {
			continue
		}
		if out[r.Item] {
			j.v.Quarantine = append(j.v.Quarantine, r.Item)
			seen[r.Item] = true
			continue
		}
		s := r.Scores[j.scorer.Name]
		if s.State != Scored {
			continue
		}
		j.scores = append(j.scores, s)
		sums[r.Item] += s.Value
		counts[r.Item]++
		if low, known := worst[r.Item]; !known || s.Value < low {
			worst[r.Item], j.reasons[r.Item] = s.Value, s.Reason
		}
		if s.Passed != nil && *s.Passed {
			j.passes[r.Item]++
		}
	}
	for id, sum := range sums {
		j.items[id] = sum / float64(counts[id])
	}
	j.asks = (j.run.Items - len(seen)) * repeat
}

func (j *judging) check(rule string, passed bool, got, want float64, format string, args ...any) *Check {
	j.v.Checks = append(j.v.Checks, Check{
		Target: j.target, Scorer: j.scorer.Name, Rule: rule, Passed: passed, Got: got, Want: want, Detail: fmt.Sprintf(format, args...),
	})
	return &j.v.Checks[len(j.v.Checks)-1]
}

const slack = 1e-9 // sums of decimals do not come out even

func (j *judging) judge(baseline *Baseline) {
	rule, n := j.rule, len(j.scores)
	j.coverage()
	j.mayJudge()
	if n == 0 {
		return // coverage says so, and fails
	}
	mean, what := 0.0, "mean"
	for _, s := range j.scores {
		mean += s.Value / float64(n)
	}
	if s := j.run.Summary.Of(j.target, j.scorer.Name); s != nil && s.Corpus != nil && len(rule.Quarantine) == 0 {
		mean, what = *s.Corpus, "over all answers"
	}
	covered := fmt.Sprintf("%d of %d scored", n, j.asks)
	if rule.MinMean != nil {
		j.check("min_mean", mean >= *rule.MinMean-slack, mean, *rule.MinMean, "%s %s, at least %s wanted (%s)", what, short(mean), short(*rule.MinMean), covered)
	}
	if rule.MaxMean != nil {
		j.check("max_mean", mean <= *rule.MaxMean+slack, mean, *rule.MaxMean, "%s %s, at most %s wanted (%s)", what, short(mean), short(*rule.MaxMean), covered)
	}
	if rule.MinPassRate != nil {
		j.passRate(covered)
	}
	if rule.MinCase != nil {
		j.cases("min_case_score", *rule.MinCase, func(got float64) bool { return got >= *rule.MinCase-slack })
	}
	if rule.MaxCase != nil {
		j.cases("max_case_score", *rule.MaxCase, func(got float64) bool { return got <= *rule.MaxCase+slack })
	}
	if rule.MaxRegression != nil {
		j.regression(baseline)
	}
}

// coverage fails closed: what was not scored is not taken for good.
func (j *judging) coverage() {
	want := 1.0
	if j.rule.Coverage != nil {
		want = *j.rule.Coverage
	}
	got := 0.0
	if j.asks > 0 {
		got = float64(len(j.scores)) / float64(j.asks)
	}
	detail := fmt.Sprintf("%d of %d asks have a score (%s), %s wanted", len(j.scores), j.asks, percent(got), percent(want))
	if j.asks == 0 {
		detail = "no item counts: all are in quarantine"
	}
	j.check("coverage", j.asks > 0 && got >= want-slack, got, want, "%s", detail)
}

func (j *judging) passRate(covered string) {
	rate, flaky := 0.0, 0
	if f := j.rule.Flakes; f != nil {
		for id := range j.items {
			if j.passes[id] >= f.Pass {
				rate++
				if j.passes[id] < max(1, j.run.Definition.Repeat) {
					flaky++
				}
			}
		}
		rate /= float64(len(j.items))
		covered = fmt.Sprintf("%s; an item passes with %d of %d repeats, %d did so and failed others", covered, f.Pass, max(1, j.run.Definition.Repeat), flaky)
	} else {
		for _, s := range j.scores {
			if s.Passed != nil && *s.Passed {
				rate++
			}
		}
		rate /= float64(len(j.scores))
	}
	want := *j.rule.MinPassRate
	j.check("min_pass_rate", rate >= want-slack, rate, want, "%s pass, at least %s wanted (%s)", percent(rate), percent(want), covered)
}

// cases holds each item against a bound.
func (j *judging) cases(rule string, want float64, good func(float64) bool) {
	var bad []FailedCase
	for id, got := range j.items {
		f := j.rule.Flakes
		if good(got) || f != nil && j.passes[id] >= f.Pass {
			continue
		}
		bad = append(bad, FailedCase{id, got, j.reasons[id]})
	}
	slices.SortFunc(bad, func(a, b FailedCase) int { return cmp.Or(cmp.Compare(a.Got, b.Got), cmp.Compare(a.Item, b.Item)) })
	detail := fmt.Sprintf("all %d items are within %s", len(j.items), short(want))
	got := want
	if len(bad) > 0 {
		got = bad[0].Got
		detail = fmt.Sprintf("%s of %d beyond %s, such as %s with %s", plural(len(bad), "item"), len(j.items), short(want), clip(bad[0].Item), short(got))
	}
	j.check(rule, len(bad) == 0, got, want, "%s", detail).Cases = bad
}

// regression tests the items' scores against those of the baseline, pair by pair.
func (j *judging) regression(baseline *Baseline) {
	want := *j.rule.MaxRegression
	if baseline == nil {
		j.check("max_regression", false, 0, want, "there is no baseline to compare with: write one of a run that is good, and commit it")
		return
	}
	was, is, gone := baseline.pairs(j.target, j.scorer.Name, j.items, j.rule.Quarantine)
	if len(was) < 2 || gone > len(was) {
		j.check("max_regression", false, 0, want, "the baseline (run %s) shares %d items with this run, and %d of its own are missing: write a new one", baseline.Run, len(was), gone)
		return
	}
	if j.scorer.Lower() { // the test takes higher for better
		for i := range was {
			was[i], is[i] = -was[i], -is[i]
		}
	}
	test, err := stats.Gate{Alpha: cmp.Or(j.rule.Alpha, 0.05), MinEffect: want, Seed: j.seed}.Scores(was, is)
	if err != nil {
		j.check("max_regression", false, 0, want, "the scores cannot be compared: %v", err)
		return
	}
	word := "worse"
	if test.Drop <= 0 {
		word = "better"
	}
	detail := fmt.Sprintf("%s %s than the baseline's on %d items (p %s), %s allowed", short(max(test.Drop, -test.Drop)), word, test.N, short(test.P), short(want))
	if test.Detectable != nil {
		detail += fmt.Sprintf("; the smallest drop that these items show nine times in ten is %s", short(*test.Detectable))
		if *test.Detectable > max(want, 0)+0.05*spread(was) && !test.Regressed {
			j.v.Notes = append(j.v.Notes, fmt.Sprintf("%s / %s: %d items are few: a drop below %s may go unseen", j.target, j.scorer.Name, test.N, short(*test.Detectable)))
		}
	}
	j.check("max_regression", !test.Regressed, test.Drop, want, "%s", detail).Test = &test
}

// spread is the width of the scores' range.
func spread(values []float64) float64 { return slices.Max(values) - slices.Min(values) }

// short writes a number for people.
func short(v float64) string {
	t := fmt.Sprintf("%.4g", v)
	if t == "-0" {
		return "0"
	}
	return t
}

func percent(v float64) string { return fmt.Sprintf("%.4g %%", 100*v) }
