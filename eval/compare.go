package eval

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/weir-dev/weir/eval/stats"
)

// Compared is a run that is to be compared.
type Compared struct {
	Run     Run
	Results []Result
}

// Comparison is targets of runs side by side. The first target of the first run is what the others are held against.
type Comparison struct {
	Systems []System           `json:"systems"`
	Scorers []ScorerComparison `json:"scorers"`
	Advice  Advice             `json:"advice"`
	Notes   []string           `json:"notes"`
}

// System is a target of a run, with its figures.
type System struct {
	Label      string         `json:"label"`
	Run        string         `json:"run"`
	Name       string         `json:"name"`
	Target     string         `json:"target"`
	State      RunState       `json:"state"`
	Asked      int            `json:"asked"`
	Failed     int            `json:"failed"`
	Quality    *float64       `json:"quality"`      // mean of the first scorer of quality
	Cost       *float64       `json:"cost_per_ask"` // dollars; null: not known
	LatencyP50 float64        `json:"latency_p50_ms"`
	LatencyP95 float64        `json:"latency_p95_ms"`
	Front      bool           `json:"front"` // no other is at least as good in all of quality, cost and latency, and better in one
	Scores     []ScoreSummary `json:"scores"`

	results []Result
}

// ScorerComparison is one scorer over all systems.
type ScorerComparison struct {
	Scorer string `json:"scorer"`
	Lower  bool   `json:"lower"` // the least is the best
	Pairs  []Pair `json:"pairs"`
}

// Pair is a system held against the first, item by item.
type Pair struct {
	System     string          `json:"system"`
	N          int             `json:"n"` // items that both have a score of
	Base       float64         `json:"base"`
	Mean       float64         `json:"mean"`
	Delta      float64         `json:"delta"` // Mean - Base
	P          float64         `json:"p"`     // two-sided
	Adjusted   float64         `json:"p_adjusted"`
	Test       string          `json:"test"`       // randomisation or mcnemar
	Interval   *stats.Interval `json:"interval"`   // of the difference, at 95 %
	Effect     *float64        `json:"effect"`     // Cohen's d of the pairs
	Detectable *float64        `json:"detectable"` // the smallest difference that these pairs show nine times in ten
	Won        int             `json:"won"`
	Lost       int             `json:"lost"`
	Tied       int             `json:"tied"`
	Verdict    string          `json:"verdict"` // better, worse, or no difference shown
}

// Advice is what to choose, and why.
type Advice struct {
	System string   `json:"system"`
	Scorer string   `json:"scorer"` // that quality was taken from
	Reason []string `json:"reason"`
}

const compareAlpha = 0.05

// Compare puts runs side by side. They need scorers of the same names and items of the same contents: what differs is left out, and told of.
func Compare(list []Compared) (Comparison, error) {
	out := Comparison{Systems: []System{}, Scorers: []ScorerComparison{}, Notes: []string{}}
	for i := range list {
		out.add(&list[i], len(list) > 1)
	}
	if len(out.Systems) == 0 {
		return out, errors.New("the runs have no targets")
	}
	if list[0].Run.Snapshot != list[len(list)-1].Run.Snapshot || slices.ContainsFunc(list, func(c Compared) bool { return c.Run.Snapshot != list[0].Run.Snapshot }) {
		out.Notes = append(out.Notes, "the runs are of different snapshots: only items that say the same in both are compared")
	}
	d := &list[0].Run.Definition
	for i := range d.Scorers {
		out.compare(&d.Scorers[i])
	}
	out.choose(d)
	return out, nil
}

func (c *Comparison) add(of *Compared, several bool) {
	run := &of.Run
	if run.State != Done {
		c.Notes = append(c.Notes, fmt.Sprintf("run %s is %s: what it has not come to is missing", run.ID, run.State))
	}
	for _, t := range run.Summary.Targets {
		s := System{
			Label: t.Target, Run: run.ID, Name: run.Name, Target: t.Target, State: run.State, Asked: t.Asked, Failed: t.Failed,
			LatencyP50: t.LatencyP50, LatencyP95: t.LatencyP95, Scores: t.Scores,
		}
		if several {
			s.Label = fmt.Sprintf("%s (%s)", t.Target, tailOf(run.ID))
		}
		if t.Priced > 0 {
			each := t.Cost.Float64() / float64(t.Priced)
			s.Cost = &each
		}
		for i := range t.Scores {
			if v := t.Scores[i].Variance; v != nil {
				c.Notes = append(c.Notes, fmt.Sprintf("%s, %s: %s", s.Label, t.Scores[i].Scorer, VarianceText(v)))
			}
		}
		for i := range of.Results {
			if of.Results[i].Target == t.Target {
				s.results = append(s.results, of.Results[i])
			}
		}
		c.Systems = append(c.Systems, s)
	}
}

// tailOf is the end of an id, which tells runs apart at a glance.
func tailOf(id string) string { return id[max(0, len(id)-6):] }

// means are a system's scores by item, the mean of its repeats, and what the items said.
func (s *System) means(scorer string) (values map[string]float64, hashes map[string]string) {
	values = itemMeans(s.results, s.Target, scorer)
	hashes = map[string]string{}
	for i := range s.results {
		hashes[s.results[i].Item] = s.results[i].ItemHash
	}
	return values, hashes
}

// paired gives the scores of items that two systems have both, the contents being the same.
func paired(a, b *System, scorer string) (x, y []float64) {
	va, ha := a.means(scorer)
	vb, hb := b.means(scorer)
	for _, id := range slices.Sorted(maps.Keys(va)) {
		if w, both := vb[id]; both && ha[id] == hb[id] {
			x, y = append(x, va[id]), append(y, w)
		}
	}
	return x, y
}

// compare holds all systems against the first by one scorer.
func (c *Comparison) compare(scorer *ScorerConfig) {
	out := ScorerComparison{Scorer: scorer.Name, Lower: scorer.Lower(), Pairs: []Pair{}}
	base := &c.Systems[0]
	for i := range c.Systems[1:] {
		s := &c.Systems[i+1]
		x, y := paired(base, s, scorer.Name)
		if len(x) == 0 {
			c.Notes = append(c.Notes, fmt.Sprintf("%s and %s share no item with a score of %s", base.Label, s.Label, scorer.Name))
			continue
		}
		p := pairOf(x, y, out.Lower, seedOf(base.Run, base.Target, s.Run, s.Target, scorer.Name))
		p.System = s.Label
		out.Pairs = append(out.Pairs, p)
	}
	holm(out.Pairs)
	for i := range out.Pairs {
		out.Pairs[i].judge(out.Lower)
	}
	c.Scorers = append(c.Scorers, out)
}

func pairOf(x, y []float64, lower bool, seed uint64) Pair {
	p := Pair{N: len(x), P: 1, Test: "randomisation"}
	for i := range x {
		p.Base += x[i] / float64(len(x))
		p.Mean += y[i] / float64(len(y))
		switch better := y[i] > x[i] != lower; {
		case x[i] == y[i]:
			p.Tied++
		case better:
			p.Won++
		default:
			p.Lost++
		}
	}
	p.Delta = p.Mean - p.Base
	if len(x) < 2 {
		return p
	}
	if is, a, b := allPasses(x, y); is {
		p.Test = "mcnemar"
		if d, err := stats.McNemar(a, b); err == nil {
			p.P = d.P
		}
	} else if t, err := stats.RandomiseMeans(x, y, stats.Randomisation{Seed: seed}); err == nil {
		p.P = t.P
	}
	if v, err := (stats.Gate{Seed: seed, Trials: 1}).Scores(x, y); err == nil {
		p.Effect, p.Detectable = v.Effect, detectable(x, y)
		if v.Interval != nil { // it is that of the drop
			p.Interval = &stats.Interval{Low: -v.Interval.High, High: -v.Interval.Low, Level: v.Interval.Level}
		}
	}
	return p
}

// detectable is the smallest difference, of either sign, that the pairs show nine times in ten.
func detectable(x, y []float64) *float64 {
	diffs := make([]float64, len(x))
	for i := range x {
		diffs[i] = y[i] - x[i]
	}
	_, sd := meanSD(diffs)
	if v, ok := (stats.Design{N: len(x), SD: sd}).Detectable(); ok {
		return &v
	}
	return nil
}

// allPasses says that all scores are 0 or 1, and gives them as such.
func allPasses(x, y []float64) (is bool, a, b []bool) {
	for i := range x {
		if x[i] != 0 && x[i] != 1 || y[i] != 0 && y[i] != 1 {
			return false, nil, nil
		}
		a, b = append(a, x[i] == 1), append(b, y[i] == 1)
	}
	return true, a, b
}

// holm adjusts p-values for how many were looked at: Holm, Scandinavian Journal of Statistics 6(2), 1979.
func holm(pairs []Pair) {
	byP := make([]*Pair, len(pairs))
	for i := range pairs {
		byP[i] = &pairs[i]
	}
	slices.SortFunc(byP, func(a, b *Pair) int { return cmp.Compare(a.P, b.P) })
	least := 0.0
	for i, p := range byP {
		least = max(least, min(1, p.P*float64(len(byP)-i)))
		p.Adjusted = least
	}
}

func (p *Pair) judge(lower bool) {
	switch {
	case p.Adjusted > compareAlpha:
		p.Verdict = "no difference shown"
	case p.Delta > 0 != lower:
		p.Verdict = "better"
	default:
		p.Verdict = "worse"
	}
}

// choose finds the front, and the system on it to take.
func (c *Comparison) choose(d *Definition) {
	i := slices.IndexFunc(d.Scorers, func(s ScorerConfig) bool {
		return !slices.ContainsFunc(usageMetrics(), func(m metric) bool { return m.name == s.Metric })
	})
	if i < 0 {
		c.Advice.Reason = []string{"no scorer is about quality, so that nothing can be advised"}
		return
	}
	scorer := &d.Scorers[i]
	c.Advice.Scorer = scorer.Name
	for k := range c.Systems {
		s := &c.Systems[k]
		for _, score := range s.Scores {
			if score.Scorer == scorer.Name {
				s.Quality = score.Mean
			}
		}
	}
	best := c.front(scorer.Lower())
	if best < 0 {
		c.Advice.Reason = []string{"no target has a score of " + scorer.Name}
		return
	}
	c.advise(scorer, best)
}

// front marks the systems that no other beats, and gives the one of the best quality, -1 without any.
func (c *Comparison) front(lower bool) (best int) {
	best = -1
	quality := func(s *System) float64 {
		if lower {
			return -*s.Quality
		}
		return *s.Quality
	}
	for i := range c.Systems {
		s := &c.Systems[i]
		if s.Quality == nil {
			continue
		}
		s.Front = true
		for k := range c.Systems {
			o := &c.Systems[k]
			if o.Quality == nil || k == i {
				continue
			}
			signs := []int{cmp.Compare(quality(o), quality(s)), cmp.Compare(s.LatencyP50, o.LatencyP50)}
			if s.Cost != nil && o.Cost != nil {
				signs = append(signs, cmp.Compare(*s.Cost, *o.Cost))
			} else if s.Cost != nil || o.Cost != nil {
				continue // of one the cost is not known: neither beats the other
			}
			if slices.Min(signs) >= 0 && slices.Max(signs) > 0 {
				s.Front = false
			}
		}
		if best < 0 || quality(s) > quality(&c.Systems[best]) {
			best = i
		}
	}
	return best
}

// advise takes the cheapest system whose quality cannot be told from the best's.
func (c *Comparison) advise(scorer *ScorerConfig, best int) {
	top := &c.Systems[best]
	pick, rivals := top, []string{}
	for i := range c.Systems {
		s := &c.Systems[i]
		if i == best || s.Quality == nil {
			continue
		}
		x, y := paired(top, s, scorer.Name)
		p := pairOf(x, y, scorer.Lower(), seedOf(top.Run, top.Target, s.Run, s.Target, scorer.Name))
		if p.N == 0 || p.P <= compareAlpha {
			continue
		}
		rivals = append(rivals, s.Label)
		if s.Cost != nil && pick.Cost != nil && (*s.Cost < *pick.Cost || *s.Cost == *pick.Cost && s.LatencyP50 < pick.LatencyP50) {
			pick = s
		}
	}
	c.Advice.System = pick.Label
	say := func(format string, args ...any) {
		c.Advice.Reason = append(c.Advice.Reason, fmt.Sprintf(format, args...))
	}
	say("%s has the best mean of %s: %s", top.Label, scorer.Name, short(*top.Quality))
	switch {
	case len(c.Systems) == 1:
		say("there is nothing to compare it with")
	case len(rivals) == 0:
		say("every other target is worse, by a paired test at %s", percent(compareAlpha))
	default:
		say("a paired test at %s does not show that these are worse: %s", percent(compareAlpha), strings.Join(rivals, ", "))
		if pick != top {
			say("of those %s is the cheapest: $%s an ask in place of $%s", pick.Label, dollarText(*pick.Cost), dollarText(*top.Cost))
		} else if top.Cost == nil {
			say("what they cost is not known, so that the best is advised")
		} else {
			say("none of them is cheaper")
		}
	}
	say("on the front of quality, cost and latency: %s", joinFront(c.Systems))
}

// dollarText is an amount without an exponent, to the nanodollar.
func dollarText(v float64) string {
	return strings.TrimRight(strings.TrimRight(strconv.FormatFloat(v, 'f', 9, 64), "0"), ".")
}

func joinFront(systems []System) string {
	out := ""
	for i := range systems {
		if systems[i].Front {
			if out != "" {
				out += ", "
			}
			out += systems[i].Label
		}
	}
	return out
}
