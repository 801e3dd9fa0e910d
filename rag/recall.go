package rag

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Recall measures how much of what is nearest to a question by meaning the approximate search finds: of a share of the questions
// that pipelines are asked it has the index compare with every point too, behind the answer, one at a time. Safe for concurrent use.
type Recall struct {
	tell    func(pipeline string, mean float64)
	waiting chan searched

	mu   sync.Mutex                // guards last
	last map[string]*recallMeasure // by pipeline
}

// The bounds of what is measured.
const (
	recallWaiting   = 8   // questions; those beyond are not measured
	recallQuestions = 100 // the mean is over so many of the last ones
	recallTimeout   = 30 * time.Second
)

// recallMeasure is what was found of a collection.
type recallMeasure struct {
	collection string
	values     []float64 // the oldest is at next once there are recallQuestions
	next       int
}

// searched is a question as it was searched with, and what was found by meaning.
type searched struct {
	pipeline, collection string
	index                Index
	query                Query
	found                map[string]bool // ids
}

// NewRecall makes one that tells the mean of a pipeline's last questions whenever another is measured. tell may be nil.
func NewRecall(tell func(pipeline string, mean float64)) *Recall {
	return &Recall{tell: tell, waiting: make(chan searched, recallWaiting), last: map[string]*recallMeasure{}}
}

// Run measures until ctx ends.
func (r *Recall) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-r.waiting:
			r.measure(ctx, &s)
		}
	}
}

// Of is the mean of the last questions of a pipeline, at most 100 and of one collection, and how many these are: 0, none was measured.
func (r *Recall) Of(pipeline string) (mean float64, questions int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.last[pipeline]
	if m == nil {
		return 0, 0
	}
	for _, v := range m.values {
		mean += v
	}
	return mean / float64(len(m.values)), len(m.values)
}

// offer has a search measured, for a share of them and for the first one of each collection. It does not wait.
func (r *Recall) offer(s searched, share float64, hits []Hit) {
	if share <= 0 || s.query.Exact || s.query.Vector == nil || (rand.Float64() >= share && !r.first(s.pipeline, s.collection)) { //nolint:gosec // a sample
		return
	}
	s.found = make(map[string]bool, len(hits))
	for i := range hits {
		s.found[hits[i].ID] = true
	}
	s.query.Exact, s.query.Terms, s.query.Vectors = true, Terms{}, false
	select {
	case r.waiting <- s:
	default:
	}
}

// first says whether nothing is known of a collection yet.
func (r *Recall) first(pipeline, collection string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.last[pipeline]
	return m == nil || m.collection != collection
}

// measure searches exactly. What cannot be searched, and a question that nothing is near to, says nothing.
func (r *Recall) measure(ctx context.Context, s *searched) {
	ctx, cancel := context.WithTimeout(ctx, recallTimeout)
	defer cancel()
	exact, err := s.index.Search(ctx, s.collection, s.query)
	if err != nil || len(exact.Dense) == 0 {
		return
	}
	there := 0
	for i := range exact.Dense {
		if s.found[exact.Dense[i].ID] {
			there++
		}
	}
	r.keep(s, float64(there)/float64(len(exact.Dense)))
	if r.tell != nil {
		mean, _ := r.Of(s.pipeline)
		r.tell(s.pipeline, mean)
	}
}

func (r *Recall) keep(s *searched, value float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.last[s.pipeline]
	switch {
	case m == nil || m.collection != s.collection:
		r.last[s.pipeline] = &recallMeasure{collection: s.collection, values: []float64{value}}
	case len(m.values) < recallQuestions:
		m.values = append(m.values, value)
	default:
		m.values[m.next] = value
		m.next = (m.next + 1) % recallQuestions
	}
}
