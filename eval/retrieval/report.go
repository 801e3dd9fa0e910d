package retrieval

import (
	"cmp"
	"slices"

	"github.com/weir-dev/weir/eval/stats"
)

// Score is a metric's mean over questions after a stage, with its bootstrap interval.
type Score struct {
	Stage  Stage   `json:"stage"`
	Metric Metric  `json:"metric"`
	Value  float64 `json:"value"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
}

// Lost counts the places that answer questions by where their way ended.
type Lost struct {
	End    End `json:"end"`
	Places int `json:"places"`
}

// Group is a kind of question, and how its questions fared after the last stage of ranking.
type Group struct {
	Kind      string    `json:"kind"`
	Questions int       `json:"questions"`
	Values    []float64 `json:"values"` // means of the metrics, in their order
}

// Unanswered tells of the questions that nothing answers.
type Unanswered struct {
	Questions int `json:"questions"`
	Empty     int `json:"empty"` // for which nothing was given to the model, so that it was not asked
	// Apart is the chance that the best cosine of a question with an answer is above that of one without: how far a bound on the
	// cosine could tell them apart. 0.5: not at all. Null without a search by meaning.
	Apart *float64 `json:"apart"`
}

// Report is what a set of questions came to.
type Report struct {
	Questions  int         `json:"questions"` // with an answer
	Places     int         `json:"places"`    // that answer them
	Metrics    []Metric    `json:"metrics"`
	Final      Stage       `json:"final"` // the last stage of ranking, before passages are packed
	Scores     []Score     `json:"scores"`
	Lost       []Lost      `json:"lost"`
	Kinds      []Group     `json:"kinds,omitempty"`
	Unanswered *Unanswered `json:"unanswerable,omitempty"`
	Results    []Result    `json:"results,omitempty"` // by question, in the order of the file
}

// Summarise sums up results that have the metrics. Intervals are 95 %, by the percentile bootstrap over questions.
func Summarise(results []Result, metrics []Metric) Report {
	out := Report{Metrics: metrics, Final: Fused, Results: results, Scores: []Score{}}
	ends := map[End]int{}
	var with, without []float64
	var answered []*Result
	for i := range results {
		r := &results[i]
		for _, s := range []Stage{MMR, Reranked} {
			if r.stages[s] && slices.Index(Stages, s) > slices.Index(Stages, out.Final) {
				out.Final = s
			}
		}
		if r.Question.Unanswerable {
			without = append(without, r.Cosine)
			continue
		}
		answered, with = append(answered, r), append(with, r.Cosine)
		out.Places += len(r.Fates)
		for _, f := range r.Fates {
			ends[f.End]++
		}
	}
	out.Questions = len(answered)
	for _, s := range Stages {
		if slices.ContainsFunc(results, func(r Result) bool { return r.stages[s] }) && len(answered) > 0 {
			out.Scores = append(out.Scores, scores(answered, metrics, s)...)
		}
	}
	for _, e := range Ends {
		out.Lost = append(out.Lost, Lost{e, ends[e]})
	}
	out.Kinds = groups(answered, metrics, out.Final)
	if len(without) > 0 {
		out.Unanswered = &Unanswered{Questions: len(without), Apart: apart(with, without)}
		for i := range results {
			if results[i].Question.Unanswerable && results[i].Empty {
				out.Unanswered.Empty++
			}
		}
	}
	return out
}

func scores(answered []*Result, metrics []Metric, s Stage) []Score {
	var out []Score
	for i, m := range metrics {
		b, err := stats.BootstrapMean(column(answered, s, i), stats.Resampling{})
		if err != nil { // there is a question, and a number for it
			continue
		}
		out = append(out, Score{s, m, b.Value, b.Low, b.High})
	}
	return out
}

// column is a metric's value for each question.
func column(answered []*Result, s Stage, metric int) []float64 {
	out := make([]float64, len(answered))
	for i, r := range answered {
		out[i] = r.Values[s][metric]
	}
	return out
}

// groups are the kinds of questions, when there are any, by name.
func groups(answered []*Result, metrics []Metric, s Stage) []Group {
	by := map[string][]*Result{}
	for _, r := range answered {
		by[r.Question.Kind] = append(by[r.Question.Kind], r)
	}
	if len(by) < 2 {
		return nil
	}
	var out []Group
	for kind, list := range by {
		g := Group{Kind: kind, Questions: len(list)}
		for i := range metrics {
			sum := 0.0
			for _, v := range column(list, s, i) {
				sum += v
			}
			g.Values = append(g.Values, sum/float64(len(list)))
		}
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b Group) int { return cmp.Compare(a.Kind, b.Kind) })
	return out
}

// apart is the share of pairs in which the first is greater, equals counting half.
func apart(with, without []float64) *float64 {
	if len(with) == 0 || slices.Max(with) == 0 && slices.Max(without) == 0 { // no search by meaning
		return nil
	}
	sum := 0.0
	for _, a := range with {
		for _, b := range without {
			switch {
			case a > b:
				sum++
			case a == b:
				sum += 0.5
			}
		}
	}
	sum /= float64(len(with) * len(without))
	return &sum
}

// Score finds a metric after a stage; false when there was no such stage, or the metric was not taken.
func (r *Report) Score(s Stage, m Metric) (Score, bool) {
	i := slices.IndexFunc(r.Scores, func(x Score) bool { return x.Stage == s && x.Metric == m })
	if i < 0 {
		return Score{}, false
	}
	return r.Scores[i], true
}

// Worst are the results of questions whose answer was lost on the way, or stands lowest, the worst first; at most n. Those whose
// every place is first are not among them.
func (r *Report) Worst(n int) []*Result {
	var out []*Result
	last := len(r.Metrics) - 1 // nDCG at the deepest
	value := func(x *Result) float64 { return x.Values[r.Final][last] }
	for i := range r.Results {
		if x := &r.Results[i]; !x.Question.Unanswerable && (x.Lost() || value(x) < 1) {
			out = append(out, x)
		}
	}
	slices.SortStableFunc(out, func(a, b *Result) int {
		lost := func(x *Result) int {
			if x.Lost() {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(lost(a), lost(b)), cmp.Compare(value(a), value(b)))
	})
	return out[:min(n, len(out))]
}
