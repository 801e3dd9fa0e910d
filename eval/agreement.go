package eval

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/weir-dev/weir/eval/stats"
	"github.com/weir-dev/weir/trace"
)

// Bounds of what is told of an agreement.
const (
	mostClasses       = 30
	mostPoints        = 1000
	mostDisagreements = 50
)

// ErrIncomparable says that two scores cannot be held against each other.
var ErrIncomparable = errors.New("the two scores cannot be compared")

// PairOfScores is what two said of the same call or trace.
type PairOfScores struct {
	CallID  string    `json:"call_id"` // "" of a trace
	TraceID string    `json:"trace_id"`
	Start   time.Time `json:"start_time"`
	A       any       `json:"a"` // a number, true or false, or a word
	B       any       `json:"b"`
	ANote   string    `json:"a_comment"`
	BNote   string    `json:"b_comment"`

	x, y float64 // numbers
	i, j int     // classes
}

// Agreement is how far two scores agree where both are given: Classes of truths and words, Numbers of numbers.
type Agreement struct {
	Kind          trace.ScoreKind   `json:"kind"`
	Pairs         int               `json:"pairs"`
	OnlyA         int               `json:"only_a"` // scored by one side only
	OnlyB         int               `json:"only_b"`
	Classes       *ClassAgreement   `json:"classes"`
	Numbers       *NumberAgreement  `json:"numbers"`
	Disagreements []PairOfScores    `json:"disagreements"` // the worst, at most 50
	Disagreed     int               `json:"disagreed"`     // all there are
	Points        []AgreementPoint  `json:"points"`        // of numbers, at most 1,000, evenly taken
	Weighted      *WeightedKappa    `json:"weighted"`      // of whole numbers of a short scale
	Notes         map[string]string `json:"notes"`         // by figure: why it is not known
}

// AgreementPoint is a pair of numbers.
type AgreementPoint struct {
	CallID string  `json:"call_id"`
	A      float64 `json:"a"`
	B      float64 `json:"b"`
}

// ClassAgreement is that of truths and words.
type ClassAgreement struct {
	Names     []string        `json:"names"`  // false and true, or the words, the most frequent first
	Matrix    [][]int         `json:"matrix"` // by what a said, then by what b said
	Agreement float64         `json:"agreement"`
	Interval  *stats.Interval `json:"agreement_interval"` // Wilson's
	Kappa     *float64        `json:"kappa"`              // nil: not defined, as when all is of one class
	KappaIn   *stats.Interval `json:"kappa_interval"`     // bootstrap
	// BaseRate is the share of what b says most often: what one that always says so would agree on.
	BaseRate float64 `json:"base_rate"`
	BaseName string  `json:"base_name"`
}

// NumberAgreement is that of numbers. Differences are a - b.
type NumberAgreement struct {
	MeanA      float64         `json:"mean_a"`
	MeanB      float64         `json:"mean_b"`
	Pearson    *float64        `json:"pearson"`
	PearsonIn  *stats.Interval `json:"pearson_interval"` // bootstrap
	Spearman   *float64        `json:"spearman"`
	SpearmanIn *stats.Interval `json:"spearman_interval"` // Bonett and Wright's
	Difference float64         `json:"mean_difference"`
	DiffIn     *stats.Interval `json:"mean_difference_interval"` // bootstrap
	SD         *float64        `json:"sd_difference"`
	Low        *float64        `json:"limit_low"` // limits of agreement of Bland and Altman: the mean and 1.96 standard deviations
	High       *float64        `json:"limit_high"`
	Equal      float64         `json:"equal"` // share of pairs that are the same
}

// WeightedKappa is Cohen's kappa with quadratic weights.
type WeightedKappa struct {
	Kappa    float64         `json:"kappa"`
	Interval *stats.Interval `json:"interval"`
}

// Agree holds the scores of two against each other, call by call. Several of a side for one call are one: the mean of numbers, and of others
// what was said most often, the latest where that is a tie. A threshold makes truths of the numbers of a side where the other has truths.
// ErrIncomparable.
func Agree(a, b []trace.Score, threshold *float64) (Agreement, error) {
	out := Agreement{Disagreements: []PairOfScores{}, Points: []AgreementPoint{}, Notes: map[string]string{}}
	if len(a) == 0 || len(b) == 0 {
		out.OnlyA, out.OnlyB = len(byTarget(a)), len(byTarget(b))
		return out, nil
	}
	a, b, err := alike(a, b, threshold)
	if err != nil {
		return out, err
	}
	out.Kind = a[0].Kind
	left, right := byTarget(a), byTarget(b)
	var pairs []PairOfScores
	for id, mine := range left {
		theirs, both := right[id]
		if !both {
			out.OnlyA++
			continue
		}
		x, y := one(mine), one(theirs)
		pairs = append(pairs, PairOfScores{CallID: x.CallID, TraceID: x.TraceID, Start: x.CallStart, A: valueOf(&x), B: valueOf(&y), ANote: x.Comment, BNote: y.Comment, x: x.Value, y: y.Value})
	}
	out.Pairs, out.OnlyB = len(pairs), len(right)-len(pairs)
	if len(pairs) == 0 {
		return out, nil
	}
	slices.SortFunc(pairs, func(a, b PairOfScores) int { // newest first, and always the same for the bootstrap
		return cmp.Or(b.Start.Compare(a.Start), cmp.Compare(a.CallID, b.CallID), cmp.Compare(a.TraceID, b.TraceID))
	})
	if out.Kind == trace.NumberScore {
		out.numbers(pairs)
		return out, nil
	}
	return out, out.classes(pairs)
}

// alike gives the scores of the kind that both sides have most of.
func alike(a, b []trace.Score, threshold *float64) (left, right []trace.Score, err error) {
	if threshold != nil {
		a, b = truths(a, *threshold), truths(b, *threshold)
	}
	count := func(list []trace.Score) map[trace.ScoreKind]int {
		n := map[trace.ScoreKind]int{}
		for i := range list {
			n[list[i].Kind]++
		}
		return n
	}
	na, nb := count(a), count(b)
	best, kind := 0, trace.ScoreKind("")
	for _, k := range []trace.ScoreKind{trace.BooleanScore, trace.CategoryScore, trace.NumberScore} {
		if n := min(na[k], nb[k]); n > best {
			best, kind = n, k
		}
	}
	if best == 0 {
		err := fmt.Errorf("%w: one has %s, the other %s", ErrIncomparable, kinds(na), kinds(nb))
		if na[trace.NumberScore]+nb[trace.NumberScore] > 0 && na[trace.BooleanScore]+nb[trace.BooleanScore] > 0 {
			err = fmt.Errorf("%w; a threshold makes yes and no of numbers", err)
		}
		return nil, nil, err
	}
	other := func(s trace.Score) bool { return s.Kind != kind }
	return slices.DeleteFunc(slices.Clone(a), other), slices.DeleteFunc(slices.Clone(b), other), nil
}

func kinds(n map[trace.ScoreKind]int) string {
	words := map[trace.ScoreKind]string{trace.NumberScore: "numbers", trace.BooleanScore: "yes or no", trace.CategoryScore: "words"}
	for _, k := range []trace.ScoreKind{trace.NumberScore, trace.BooleanScore, trace.CategoryScore} {
		if n[k] > 0 {
			return words[k]
		}
	}
	return "nothing"
}

// truths makes truths of numbers.
func truths(list []trace.Score, threshold float64) []trace.Score {
	out := slices.Clone(list)
	for i := range out {
		if out[i].Kind == trace.NumberScore {
			yes := out[i].Value >= threshold
			if out[i].Kind, out[i].Value = trace.BooleanScore, 0; yes {
				out[i].Value = 1
			}
		}
	}
	return out
}

// byTarget gathers scores by the call or the trace that they are of.
func byTarget(list []trace.Score) map[string][]trace.Score {
	out := map[string][]trace.Score{}
	for _, s := range list {
		id := "c" + s.CallID
		if s.CallID == "" {
			id = "t" + s.TraceID
		}
		out[id] = append(out[id], s)
	}
	return out
}

// one makes one score of those of a side.
func one(list []trace.Score) trace.Score {
	slices.SortFunc(list, func(a, b trace.Score) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.ID, b.ID)) })
	out := list[0]
	if out.Kind == trace.NumberScore {
		out.Value = 0
		for i := range list {
			out.Value += list[i].Value / float64(len(list))
		}
		return out
	}
	n := map[any]int{}
	for i := range list {
		n[valueOf(&list[i])]++
	}
	for _, s := range list {
		if n[valueOf(&s)] > n[valueOf(&out)] {
			out = s
		}
	}
	return out
}

// valueOf is a score's value as JSON has it.
func valueOf(s *trace.Score) any {
	switch s.Kind {
	case trace.BooleanScore:
		return s.Value != 0
	case trace.CategoryScore:
		return s.Category
	}
	return s.Value
}

func name(v any) string {
	if yes, is := v.(bool); is {
		return strconv.FormatBool(yes)
	}
	return fmt.Sprint(v)
}

// classes fills in the agreement of truths and words.
func (out *Agreement) classes(pairs []PairOfScores) error {
	c := &ClassAgreement{Names: classNames(pairs, out.Kind)}
	if len(c.Names) > mostClasses {
		return fmt.Errorf("%w: they use %d words, at most %d are compared", ErrIncomparable, len(c.Names), mostClasses)
	}
	c.Matrix = make([][]int, len(c.Names))
	for i := range c.Matrix {
		c.Matrix[i] = make([]int, len(c.Names))
	}
	a, b := make([]int, len(pairs)), make([]int, len(pairs))
	same := 0
	for k := range pairs {
		p := &pairs[k]
		p.i, p.j = slices.Index(c.Names, name(p.A)), slices.Index(c.Names, name(p.B))
		a[k], b[k] = p.i, p.j
		if c.Matrix[p.i][p.j]++; p.i == p.j {
			same++
		} else if len(out.Disagreements) < mostDisagreements {
			out.Disagreements = append(out.Disagreements, *p)
		}
	}
	out.Disagreed = len(pairs) - same
	c.Agreement = float64(same) / float64(len(pairs))
	if in, ok := stats.Wilson(same, len(pairs), stats.DefaultLevel); ok {
		c.Interval = &in
	}
	for j, word := range c.Names {
		n := 0
		for i := range c.Matrix {
			n += c.Matrix[i][j]
		}
		if share := float64(n) / float64(len(pairs)); share > c.BaseRate {
			c.BaseRate, c.BaseName = share, word
		}
	}
	if kappa, ok := stats.KappaOfTable(c.Matrix, stats.Unweighted); ok {
		c.Kappa = &kappa
		if in, ok := stats.KappaTableInterval(a, b, len(c.Names), stats.Unweighted, stats.Resampling{}); ok {
			c.KappaIn = &in
		} else {
			out.Notes["kappa_interval"] = "most resamples are all of one class"
		}
	} else {
		out.Notes["kappa"] = "all is of one class, so that chance alone would agree always"
	}
	out.Classes = c
	return nil
}

// classNames are the classes in order: false and true, or the words, the most frequent first.
func classNames(pairs []PairOfScores, kind trace.ScoreKind) []string {
	if kind == trace.BooleanScore {
		return []string{"false", "true"}
	}
	n := map[string]int{}
	var names []string
	for i := range pairs {
		for _, word := range []string{name(pairs[i].A), name(pairs[i].B)} {
			if n[word]++; n[word] == 1 {
				names = append(names, word)
			}
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(n[b]-n[a], cmp.Compare(a, b)) })
	return names
}

// numbers fills in the agreement of numbers.
func (out *Agreement) numbers(pairs []PairOfScores) {
	x, y, d := make([]float64, len(pairs)), make([]float64, len(pairs)), make([]float64, len(pairs))
	same := 0
	for i := range pairs {
		x[i], y[i], d[i] = pairs[i].x, pairs[i].y, pairs[i].x-pairs[i].y
		if d[i] == 0 {
			same++
		}
	}
	n := &NumberAgreement{Equal: float64(same) / float64(len(pairs))}
	n.MeanA, _ = stats.Mean(x)
	n.MeanB, _ = stats.Mean(y)
	n.Difference, _ = stats.Mean(d)
	if in, err := stats.BootstrapMean(d, stats.Resampling{}); err == nil && len(d) > 1 {
		n.DiffIn = &in.Interval
	}
	if sd, ok := stats.SD(d); ok {
		low, high := n.Difference-1.96*sd, n.Difference+1.96*sd
		n.SD, n.Low, n.High = &sd, &low, &high
	}
	if r, ok := stats.Pearson(x, y); ok {
		n.Pearson = &r
		if in, ok := stats.PearsonInterval(x, y, stats.Resampling{}); ok && len(x) > 3 {
			n.PearsonIn = &in
		}
	} else {
		out.Notes["pearson"] = "a side always says the same, or there is one pair only"
	}
	if rho, ok := stats.Spearman(x, y); ok {
		n.Spearman = &rho
		if in, ok := stats.SpearmanInterval(x, y, stats.DefaultLevel); ok {
			n.SpearmanIn = &in
		}
	}
	out.Numbers, out.Disagreed, out.Weighted = n, len(pairs)-same, weighted(x, y)
	worst := slices.Clone(pairs)
	slices.SortStableFunc(worst, func(a, b PairOfScores) int { return cmp.Compare(math.Abs(b.x-b.y), math.Abs(a.x-a.y)) })
	for _, p := range worst[:min(len(worst), mostDisagreements)] {
		if p.x != p.y {
			out.Disagreements = append(out.Disagreements, p)
		}
	}
	step := float64(len(pairs)) / float64(min(len(pairs), mostPoints))
	for at := 0.0; int(at) < len(pairs); at += step {
		p := &pairs[int(at)]
		out.Points = append(out.Points, AgreementPoint{p.CallID, p.x, p.y})
	}
}

// weighted is the kappa of grades: whole numbers of a scale of at most twenty steps; nil of others.
func weighted(x, y []float64) *WeightedKappa {
	low, high := min(slices.Min(x), slices.Min(y)), max(slices.Max(x), slices.Max(y))
	if high-low > 20 || high == low || high-low < 2 {
		return nil
	}
	k := int(high-low) + 1
	a, b := make([]int, len(x)), make([]int, len(x))
	table := make([][]int, k)
	for i := range table {
		table[i] = make([]int, k)
	}
	for i := range x {
		if x[i] != math.Trunc(x[i]) || y[i] != math.Trunc(y[i]) {
			return nil
		}
		a[i], b[i] = int(x[i]-low), int(y[i]-low)
		table[a[i]][b[i]]++
	}
	kappa, ok := stats.KappaOfTable(table, stats.Quadratic)
	if !ok {
		return nil
	}
	out := &WeightedKappa{Kappa: kappa}
	if in, ok := stats.KappaTableInterval(a, b, k, stats.Quadratic, stats.Resampling{}); ok {
		out.Interval = &in
	}
	return out
}
