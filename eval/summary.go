package eval

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/weir-dev/weir/eval/stats"
	"github.com/weir-dev/weir/price"
)

// Summary is a run's figures.
type Summary struct {
	Targets []TargetSummary `json:"targets"`
}

// TargetSummary is the figures of one target.
type TargetSummary struct {
	Target  string    `json:"target"`
	Asked   int       `json:"asked"`
	Failed  int       `json:"failed"`   // asks without an answer
	Missing int       `json:"missing"`  // asks that the run has not come to
	Cost    price.USD `json:"cost_usd"` // of those whose cost is known
	Priced  int       `json:"priced"`   // how many those are

	ScoreCost price.USD `json:"score_cost_usd"` // what judges and vectors took, as far as it is known: beside what the answers cost

	LatencyP50 float64        `json:"latency_p50_ms"`
	LatencyP95 float64        `json:"latency_p95_ms"`
	Input      int64          `json:"input_tokens"`
	Output     int64          `json:"output_tokens"`
	Prompts    []string       `json:"prompts"` // versions that were asked with
	Models     []string       `json:"models"`  // that answered
	Reasons    map[string]int `json:"reasons"` // of asks without an answer, the most frequent
	Scores     []ScoreSummary `json:"scores"`
}

// ScoreSummary is the figures of one scorer. Those over no score at all are null.
type ScoreSummary struct {
	Scorer     string    `json:"scorer"`
	Metric     string    `json:"metric"`
	Lower      bool      `json:"lower"` // the least is the best
	Scored     int       `json:"scored"`
	Failed     int       `json:"failed"`
	Unscorable int       `json:"unscorable"`
	Coverage   float64   `json:"coverage"` // share of all asks that have a score
	Mean       *float64  `json:"mean"`
	SD         *float64  `json:"sd"`
	Min        *float64  `json:"min"`
	P50        *float64  `json:"p50"`
	Max        *float64  `json:"max"`
	Passed     *int      `json:"passed"` // null: the scorer has no bar
	PassRate   *float64  `json:"pass_rate"`
	Corpus     *float64  `json:"corpus"`     // over all answers, where that is not their mean
	Signature  string    `json:"signature"`  // of the corpus figure
	Repeats    *float64  `json:"repeats_sd"` // within an item, from repeat to repeat; null without
	Interval   *Interval `json:"interval"`   // of the mean, over items; null of fewer than two
	PassRange  *Interval `json:"pass_rate_interval"`
	// Variance splits what a judge's score varies by within an item into the judge's part and the answers'; null unless it was asked several
	// times of one answer.
	Variance *stats.Components `json:"variance"`
	Cost     *price.USD        `json:"cost_usd"` // of its scores, as far as it is known; null: nothing was asked, or nothing is known
	Reasons  map[string]int    `json:"reasons"`  // of what has no score, the most frequent
}

// Interval is that of a mean at its level, and how it was made: wilson, bootstrap, or normal where there are many items.
type Interval struct {
	stats.Interval
	Method string `json:"method"`
}

// bootstrapped is up to how many items a mean's interval is drawn: of more, the normal one is the same.
const bootstrapped = 2000

// intervalOf is the 95 % interval of a mean over items, whose repeats are one value each. What is right or wrong has Wilson's.
func intervalOf(perItem map[string][]float64) *Interval {
	if len(perItem) < 2 {
		return nil
	}
	means := make([]float64, 0, len(perItem))
	ones, binary := 0, true
	for _, values := range perItem {
		mean, _ := meanSD(values)
		means = append(means, mean)
		if mean == 1 {
			ones++
		}
		binary = binary && (mean == 0 || mean == 1)
	}
	slices.Sort(means) // a map has no order, and the interval of equal runs is equal
	if binary {
		if in, ok := stats.Wilson(ones, len(means), 0); ok {
			return &Interval{in, "wilson"}
		}
	}
	if len(means) <= bootstrapped {
		if in, err := stats.BootstrapMean(means, stats.Resampling{}); err == nil {
			return &Interval{in.Interval, "bootstrap"}
		}
	}
	const z = 1.959963984540054
	mean, sd := meanSD(means)
	half := z * sd / math.Sqrt(float64(len(means)))
	return &Interval{stats.Interval{Low: mean - half, High: mean + half, Level: stats.DefaultLevel}, "normal"}
}

// VarianceText says what scores vary by within an item.
func VarianceText(v *stats.Components) string {
	if v.Judge == nil {
		return "what the judge varies by is not known: no answer has two votes"
	}
	out := fmt.Sprintf("within an item the judge varies by %s from vote to vote", short(*v.Judge))
	if v.Generation == nil {
		return out + "; what answers vary by is not known: each item was asked once"
	}
	out += fmt.Sprintf(", and answers by %s (standard deviations of %d votes on %d answers)", short(*v.Generation), v.Votes, v.Answers)
	if v.JudgeShare != nil {
		out += fmt.Sprintf("; %s of the variance is the judge's", percent(*v.JudgeShare))
	}
	return out
}

// votesInOrder are the votes by item, in the items' order: sums of equal runs are equal.
func votesInOrder(votes map[string][][]float64) [][][]float64 {
	out := make([][][]float64, 0, len(votes))
	for _, item := range slices.Sorted(maps.Keys(votes)) {
		out = append(out, votes[item])
	}
	return out
}

// mostReasons is how many reasons a summary tells.
const mostReasons = 10

// Summarise computes a run's figures. An ask that has no result counts as missing, and lowers the coverage.
func Summarise(d *Definition, items []Item, results []Result) Summary {
	byID := make(map[string]*Item, len(items))
	for i := range items {
		byID[items[i].ID] = &items[i]
	}
	var out Summary
	for _, t := range d.Targets {
		var of []*Result
		for i := range results {
			if results[i].Target == t.Name {
				of = append(of, &results[i])
			}
		}
		out.Targets = append(out.Targets, summariseTarget(d, t.Name, byID, of))
	}
	return out
}

func summariseTarget(d *Definition, name string, items map[string]*Item, of []*Result) TargetSummary {
	s := TargetSummary{Target: name, Asked: len(of), Missing: max(0, len(items)*max(1, d.Repeat)-len(of)), Reasons: map[string]int{}, Prompts: []string{}, Models: []string{}}
	var latencies []float64
	for _, r := range of {
		a := &r.Answer
		if a.Error != "" {
			s.Failed++
			s.Reasons[a.Error]++
			continue
		}
		latencies = append(latencies, a.LatencyMS)
		if a.Cost != nil {
			s.Cost += *a.Cost
			s.Priced++
		}
		s.Input, s.Output = s.Input+a.InputTokens, s.Output+a.OutputTokens
		s.Prompts, s.Models = addWord(s.Prompts, a.Prompt), addWord(s.Models, a.Model)
	}
	slices.Sort(latencies)
	s.LatencyP50, s.LatencyP95 = quantile(latencies, 0.5), quantile(latencies, 0.95)
	s.Reasons = most(s.Reasons)
	for i := range d.Scorers {
		one := summariseScore(&d.Scorers[i], items, of, s.Asked+s.Missing)
		if one.Cost != nil {
			s.ScoreCost += *one.Cost
		}
		s.Scores = append(s.Scores, one)
	}
	return s
}

func addWord(list []string, word string) []string {
	if word == "" || slices.Contains(list, word) {
		return list
	}
	return append(list, word)
}

func summariseScore(c *ScorerConfig, items map[string]*Item, of []*Result, asks int) ScoreSummary {
	s := ScoreSummary{Scorer: c.Name, Metric: c.Metric, Lower: c.Lower(), Reasons: map[string]int{}}
	var values []float64
	perItem, passes := map[string][]float64{}, map[string][]float64{}
	votes := map[string][][]float64{} // by item, of each answer
	passed := 0
	for _, r := range of {
		score := r.Scores[c.Name]
		if score.Cost != nil {
			if s.Cost == nil {
				s.Cost = new(price.USD)
			}
			*s.Cost += *score.Cost
		}
		switch score.State {
		case Scored:
			values = append(values, score.Value)
			perItem[r.Item] = append(perItem[r.Item], score.Value)
			pass := 0.0
			if score.Passed != nil && *score.Passed {
				passed++
				pass = 1
			}
			passes[r.Item] = append(passes[r.Item], pass)
			if len(score.Votes) > 0 {
				votes[r.Item] = append(votes[r.Item], score.Votes)
			}
			continue
		case Unscorable:
			s.Unscorable++
		default:
			s.Failed++
		}
		if score.Reason != "" {
			s.Reasons[score.Reason]++
		}
	}
	s.Scored, s.Reasons = len(values), most(s.Reasons)
	if asks > 0 {
		s.Coverage = float64(len(values)) / float64(asks)
	}
	if len(values) == 0 {
		return s
	}
	slices.Sort(values)
	mean, sd := meanSD(values)
	p50 := quantile(values, 0.5)
	s.Mean, s.Min, s.P50, s.Max = &mean, &values[0], &p50, &values[len(values)-1]
	if len(values) > 1 {
		s.SD = &sd
	}
	if c.HasBar() {
		rate := float64(passed) / float64(len(values))
		s.Passed, s.PassRate, s.PassRange = &passed, &rate, intervalOf(passes)
	}
	s.Repeats, s.Interval = withinItems(perItem), intervalOf(perItem)
	if len(votes) > 0 {
		split := stats.Split(votesInOrder(votes))
		s.Variance = &split
	}
	s.corpus(c, items, of)
	return s
}

// corpus adds the figure over all answers, for metrics that have one of their own.
func (s *ScoreSummary) corpus(c *ScorerConfig, items map[string]*Item, of []*Result) {
	scorer, err := NewScorer(*c)
	if err != nil {
		return
	}
	defer scorer.Close()
	over, ok := scorer.(CorpusScorer)
	if !ok {
		return
	}
	v, signature := over.Corpus(func(yield func(Sample) bool) {
		for _, r := range of {
			if it := items[r.Item]; it != nil && r.Answer.Error == "" && !yield(Sample{it, &r.Answer}) {
				return
			}
		}
	})
	if signature != "" {
		s.Corpus, s.Signature = &v, signature
	}
}

// withinItems is the standard deviation of repeats about their item's mean, over all items; nil when no item was repeated.
func withinItems(perItem map[string][]float64) *float64 {
	squares, freedom := 0.0, 0
	for _, values := range perItem {
		if len(values) < 2 {
			continue
		}
		_, sd := meanSD(values)
		squares += sd * sd * float64(len(values)-1)
		freedom += len(values) - 1
	}
	if freedom == 0 {
		return nil
	}
	v := math.Sqrt(squares / float64(freedom))
	return &v
}

func meanSD(values []float64) (mean, sd float64) {
	for _, v := range values {
		mean += v
	}
	mean /= float64(len(values))
	for _, v := range values {
		sd += (v - mean) * (v - mean)
	}
	if len(values) > 1 {
		sd = math.Sqrt(sd / float64(len(values)-1))
	}
	return mean, sd
}

// quantile of sorted values, linear between the two nearest; 0 of none.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// most keeps the most frequent.
func most(reasons map[string]int) map[string]int {
	if len(reasons) <= mostReasons {
		return reasons
	}
	type one struct {
		reason string
		n      int
	}
	list := make([]one, 0, len(reasons))
	for r, n := range reasons {
		list = append(list, one{r, n})
	}
	slices.SortFunc(list, func(a, b one) int {
		if a.n != b.n {
			return b.n - a.n
		}
		if a.reason < b.reason {
			return -1
		}
		return 1
	})
	out := map[string]int{}
	for _, o := range list[:mostReasons] {
		out[o.reason] = o.n
	}
	return out
}

// Of gives the figures of a target and a scorer, or nil.
func (s *Summary) Of(target, scorer string) *ScoreSummary {
	for i := range s.Targets {
		if s.Targets[i].Target != target {
			continue
		}
		for k := range s.Targets[i].Scores {
			if s.Targets[i].Scores[k].Scorer == scorer {
				return &s.Targets[i].Scores[k]
			}
		}
	}
	return nil
}

// Fill puts empty lists where a summary that came from elsewhere has none.
func (s *Summary) Fill() {
	if s.Targets == nil {
		s.Targets = []TargetSummary{}
	}
	for i := range s.Targets {
		t := &s.Targets[i]
		if t.Prompts == nil {
			t.Prompts = []string{}
		}
		if t.Models == nil {
			t.Models = []string{}
		}
		if t.Reasons == nil {
			t.Reasons = map[string]int{}
		}
		if t.Scores == nil {
			t.Scores = []ScoreSummary{}
		}
		for k := range t.Scores {
			if t.Scores[k].Reasons == nil {
				t.Scores[k].Reasons = map[string]int{}
			}
		}
	}
}
