package retrieval

// Result is what a search for one question came to.
type Result struct {
	Question *Question           `json:"question"`
	Values   map[Stage][]float64 `json:"values"` // of the metrics, in their order; none for a question that nothing answers
	Fates    []Fate              `json:"fates"`
	Empty    bool                `json:"empty"`  // nothing was given to the model
	Cosine   float64             `json:"cosine"` // the best of the search by meaning
	stages   map[Stage]bool
}

// Measure takes the metrics of what was found, after each stage there was.
func Measure(t *Target, f *Found, metrics []Metric) Result {
	r := Result{Question: t.Question, Empty: len(f.Contexts) == 0, Cosine: f.Cosine, stages: map[Stage]bool{}}
	for _, s := range Stages {
		r.stages[s] = f.has(s)
	}
	if t.Question.Unanswerable {
		return r
	}
	r.Values = map[Stage][]float64{}
	for _, s := range Stages {
		ranking := f.ranking(t, s)
		for _, m := range metrics {
			r.Values[s] = append(r.Values[s], m.of(ranking))
		}
	}
	r.Fates = f.fates(t)
	return r
}

// Lost says whether something that answers the question was not given to the model.
func (r *Result) Lost() bool {
	for i := range r.Fates {
		if r.Fates[i].End != Given {
			return true
		}
	}
	return false
}
