package judge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/weir-dev/weir/eval/stats"
)

// Label is what a person said of an answer: a grade on the rubric's scale, or whether it passes.
type Label struct {
	Grade  *float64
	Passed *bool
}

// MarshalJSON writes a number or a boolean.
func (l Label) MarshalJSON() ([]byte, error) {
	if l.Grade != nil {
		return json.Marshal(*l.Grade)
	}
	return json.Marshal(l.Passed)
}

// UnmarshalJSON reads a number, a boolean, "pass" or "fail".
func (l *Label) UnmarshalJSON(text []byte) error {
	*l = Label{}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	switch v := v.(type) {
	case float64:
		l.Grade = &v
	case bool:
		l.Passed = &v
	case string:
		passed := strings.EqualFold(v, "pass")
		if !passed && !strings.EqualFold(v, "fail") {
			return fmt.Errorf(`the label %.60q is neither "pass" nor "fail", nor a grade, nor true or false`, v)
		}
		l.Passed = &passed
	default:
		return errors.New(`the label is neither a grade nor true or false nor "pass" or "fail"`)
	}
	return nil
}

// Labelled is a case that a person has judged.
type Labelled struct {
	ID string `json:"id"`
	Case
	Label Label `json:"label"`
}

// Calibration is how a judge agrees with people.
type Calibration struct {
	Version Version   `json:"judge"`
	Set     string    `json:"set"` // hash of the cases and labels
	At      time.Time `json:"at"`

	Cases      int     `json:"cases"`
	Scored     int     `json:"scored"`
	Unscorable int     `json:"unscorable"`
	Failed     int     `json:"failed"`
	Coverage   float64 `json:"coverage"` // scored of all

	// Labels are the grades compared, or fail and pass; Matrix counts the scored cases, a row a person's label, a column the judge's.
	Labels []string `json:"labels"`
	Matrix [][]int  `json:"matrix"`
	// Kappa is Cohen's, with quadratic weights where there are more than two grades; nil when it is not defined.
	Kappa     *float64        `json:"kappa"`
	Interval  *stats.Interval `json:"kappa_interval"`
	Weighting stats.Weighting `json:"weighting"`
	// Agreement is the share of equal labels; BaseRate what always giving the people's most frequent label would have.
	Agreement *float64 `json:"agreement"`
	BaseRate  *float64 `json:"base_rate"`

	// Passes is the same in terms of pass and fail.
	Passes        stats.Confusion `json:"passes"`
	Sensitivity   *float64        `json:"sensitivity"`
	Specificity   *float64        `json:"specificity"`
	PassRate      *float64        `json:"judge_pass_rate"`
	HumanPassRate *float64        `json:"human_pass_rate"`

	Items []CalibrationItem `json:"items"`
	Tally Tally             `json:"tally"`
}

// CalibrationItem is what both said of one case.
type CalibrationItem struct {
	ID     string  `json:"id"`
	Label  Label   `json:"label"`
	State  State   `json:"state"`
	Grade  float64 `json:"grade"`
	Passed bool    `json:"passed"`
	Agrees bool    `json:"agrees"`
	Reason string  `json:"reason,omitempty"`
}

// MaxLabels bounds a set.
const MaxLabels = 100_000

// Run is how many cases are judged at one time, and who is told how many are done.
type Run struct {
	Concurrency int       // 0 is 4
	Done        func(int) // nil: nobody; called from one goroutine at a time
}

// Calibrate judges cases that people have judged.
func Calibrate(ctx context.Context, j Judge, set []Labelled, run Run, resampling stats.Resampling, now time.Time) (Calibration, error) {
	compare, err := comparison(j, set)
	if err != nil {
		return Calibration{}, err
	}
	judgements, err := Each(ctx, set, run, func(ctx context.Context, l Labelled) (Judgement, error) { return j.Judge(ctx, l.Case) })
	if err != nil {
		return Calibration{}, err
	}
	out := Calibration{Version: j.Version(), Set: SetHash(set), At: now.UTC(), Cases: len(set), Labels: compare.labels, Weighting: compare.weighting}
	out.Matrix = make([][]int, len(compare.labels))
	for i := range out.Matrix {
		out.Matrix[i] = make([]int, len(compare.labels))
	}
	var people, judged []int
	var truth, passed []bool
	for i, l := range set {
		v := judgements[i]
		out.Tally.Add(v.Tally)
		item := CalibrationItem{ID: l.ID, Label: l.Label, State: v.State, Grade: v.Grade, Passed: v.Passed, Reason: v.Reason}
		switch v.State {
		case Scored:
			out.Scored++
			a, b := compare.human(l.Label), compare.judge(v)
			item.Agrees = a == b
			out.Matrix[a][b]++
			people, judged = append(people, a), append(judged, b)
			truth, passed = append(truth, compare.passes(l.Label)), append(passed, v.Passed)
		case Unscorable:
			out.Unscorable++
		default:
			out.Failed++
		}
		out.Items = append(out.Items, item)
	}
	out.Coverage = float64(out.Scored) / float64(len(set))
	out.summarise(people, judged, resampling)
	out.Passes = stats.Confuse(truth, passed)
	for to, of := range map[**float64]func() (float64, bool){
		&out.Sensitivity: out.Passes.Sensitivity, &out.Specificity: out.Passes.Specificity, &out.PassRate: out.Passes.PassRate, &out.HumanPassRate: out.Passes.BaseRate,
	} {
		if v, ok := of(); ok {
			*to = &v
		}
	}
	return out, nil
}

func (c *Calibration) summarise(people, judged []int, resampling stats.Resampling) {
	if kappa, ok := stats.Kappa(people, judged, c.Weighting); ok {
		c.Kappa = &kappa
		if in, ok := stats.KappaInterval(people, judged, c.Weighting, resampling); ok {
			c.Interval = &in
		}
	}
	if len(people) == 0 {
		return
	}
	same, most := 0, 0
	count := make([]int, len(c.Labels))
	for i := range people {
		if people[i] == judged[i] {
			same++
		}
		count[people[i]]++
		most = max(most, count[people[i]])
	}
	agreement, base := float64(same)/float64(len(people)), float64(most)/float64(len(people))
	c.Agreement, c.BaseRate = &agreement, &base
}

// Correct estimates the true pass rate behind one that this judge observed elsewhere (Rogan and Gladen): it holds as far as the judge
// errs there as it did here. False when the judge knows no more than chance.
func (c *Calibration) Correct(observed float64) (float64, bool) {
	if c.Sensitivity == nil || c.Specificity == nil {
		return 0, false
	}
	return stats.RoganGladen(observed, *c.Sensitivity, *c.Specificity)
}

// Drift compares how often two calibrations on the same set agreed with people: McNemar's test over the cases that both scored, a
// after b is better when OnlyB is larger. False when the sets differ.
func Drift(before, after *Calibration) (stats.Discordance, bool) {
	if before == nil || after == nil || before.Set != after.Set || len(before.Items) != len(after.Items) {
		return stats.Discordance{}, false
	}
	var a, b []bool
	for i := range before.Items {
		if before.Items[i].State == Scored && after.Items[i].State == Scored {
			a, b = append(a, before.Items[i].Agrees), append(b, after.Items[i].Agrees)
		}
	}
	d, err := stats.McNemar(a, b)
	return d, err == nil
}

// SetHash tells labelled sets apart.
func SetHash(set []Labelled) string {
	parts := make([]string, len(set))
	for i := range set {
		parts[i] = string(marshal(set[i]))
	}
	return hashOf(parts...)
}

// compared is how labels and judgements become classes.
type compared struct {
	labels    []string
	weighting stats.Weighting
	rubric    *Rubric // nil: pass and fail
	pass      scale
}

// comparison finds how to compare: by grades when people gave grades of the judge's scale, else by pass and fail.
func comparison(j Judge, set []Labelled) (compared, error) {
	out := compared{labels: []string{"fail", "pass"}, weighting: stats.Unweighted, pass: scaleOfJudge(j)}
	if len(set) == 0 || len(set) > MaxLabels {
		return out, fmt.Errorf("there are %d labelled cases: want 1 to %d", len(set), MaxLabels)
	}
	graded := 0
	seen := map[string]bool{}
	for _, l := range set {
		if seen[l.ID] && l.ID != "" {
			return out, fmt.Errorf("the id %.60q stands twice among the labelled cases", l.ID)
		}
		seen[l.ID] = true
		switch {
		case l.Label.Grade == nil && l.Label.Passed == nil:
			return out, fmt.Errorf("the case %.60q has no label", l.ID)
		case l.Label.Grade == nil:
			continue
		}
		graded++
		if r := out.pass.rubric; r != nil {
			if _, ok := r.index(*l.Label.Grade); !ok {
				low, high := r.ends()
				return out, fmt.Errorf("the case %.60q has the label %v, which is no grade of the rubric (%v to %v)", l.ID, *l.Label.Grade, low, high)
			}
		} else if !(*l.Label.Grade >= 0 && *l.Label.Grade <= 1) {
			return out, fmt.Errorf("the case %.60q has the label %v: this judge scores from 0 to 1", l.ID, *l.Label.Grade)
		}
	}
	if graded > 0 && graded < len(set) {
		return out, fmt.Errorf("%d of %d labels are grades, and the others say pass or fail: want one kind", graded, len(set))
	}
	if graded > 0 && out.pass.rubric != nil {
		out.rubric = out.pass.rubric
		out.labels = nil
		for _, g := range out.rubric.Grades {
			out.labels = append(out.labels, fmt.Sprint(g.Points))
		}
		if len(out.labels) > 2 {
			out.weighting = stats.Quadratic
		}
	}
	return out, nil
}

func (c *compared) human(l Label) int {
	if c.rubric != nil {
		i, _ := c.rubric.index(*l.Grade)
		return i
	}
	return class(c.passes(l))
}

func (c *compared) passes(l Label) bool {
	if l.Passed != nil {
		return *l.Passed
	}
	return c.pass.passes(*l.Grade)
}

func (c *compared) judge(v Judgement) int {
	if c.rubric != nil {
		i, _ := c.rubric.index(float64(c.rubric.nearest(v.Grade).Points))
		return i
	}
	return class(v.Passed)
}

func class(passed bool) int {
	if passed {
		return 1
	}
	return 0
}

// scaled is a judge that says what its grades mean.
type scaled interface{ gradeScale() scale }

func (b *base) gradeScale() scale  { return scaleOf(&b.cfg) }
func (v *votes) gradeScale() scale { return v.scale }
func (p *panel) gradeScale() scale { return p.scale }
func scaleOfJudge(j Judge) scale {
	if s, ok := j.(scaled); ok {
		return s.gradeScale()
	}
	return scale{pass: 0.5}
}

// maxWorkers bounds how many cases are judged at one time.
const maxWorkers = 256

// Each does work for every item, some at a time, and gives what was made in the order of items. It stops at the first error.
func Each[T, R any](ctx context.Context, items []T, run Run, work func(context.Context, T) (R, error)) ([]R, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	out := make([]R, len(items))
	workers := run.Concurrency
	if workers <= 0 {
		workers = 4
	}
	var (
		wait sync.WaitGroup
		mu   sync.Mutex // guards next, done and the call of Done
		next int
		done int
	)
	for range min(workers, maxWorkers, len(items)) {
		wait.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= len(items) || ctx.Err() != nil {
					return
				}
				made, err := work(ctx, items[i])
				if err != nil {
					cancel(err)
					return
				}
				out[i] = made
				mu.Lock()
				done++
				if run.Done != nil {
					run.Done(done)
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return out, nil
}
