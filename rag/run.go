package rag

import (
	"errors"
	"maps"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// run is one question on its way. It belongs to one goroutine at a time.
type run struct {
	*Pipeline
	*asker
	question Question
	began    time.Time
	span     string // of the whole
	steps    []stepRun
	done     bool // told

	collection Collection
	searched   string    // the question as it was searched with
	vector     []float32 // of it
	found      []*Candidate
	sources    []*Source
	prompt     int // tokens of the passages

	retrieved  time.Duration
	generation *llm.Call
	cost       func() (price.USD, bool) // of the generation, once it has ended
	answer     string
	citations  []Citation
	silent     bool // not in the sources
	failed     error
}

// stepRun is one stage as it ran.
type stepRun struct {
	Step
	span       string
	start      time.Time
	took       time.Duration
	out        int    // chunks that came out
	note       string // what is worth knowing: why it was skipped, what failed
	err        error
	attributes map[string]any
	skipped    bool // on purpose
	failed     bool // it did not do what it is for, and the question went on
}

// begin starts a question on the account of a call.
func (p *Pipeline) begin(on *llm.Call, q Question) *run {
	c := on.Clone()
	if _, there := c.Tags[tag]; !there && len(c.Tags) < maxTags {
		c.Tags = maps.Clone(c.Tags)
		if c.Tags == nil {
			c.Tags = map[string]string{}
		}
		c.Tags[tag] = p.cfg.Name
	}
	return &run{Pipeline: p, asker: &asker{top: p.cfg.Top, on: c}, question: q, began: time.Now(), span: llm.NewSpanID(), searched: q.Text}
}

const (
	tag     = "rag" // that what a pipeline asks is tagged with
	maxTags = 32    // as many as a call may have
)

// step runs a stage.
func (r *run) step(s Step, f func(*stepRun) error) error {
	st := stepRun{Step: s, span: llm.NewSpanID(), start: time.Now()}
	st.err = f(&st)
	st.took = time.Since(st.start)
	r.steps = append(r.steps, st)
	return st.err
}

func (st *stepRun) set(name string, value any) {
	if st.attributes == nil {
		st.attributes = map[string]any{}
	}
	st.attributes[name] = value
}

// end tells of the question, once.
func (r *run) end(err error) {
	if r.done {
		return
	}
	r.done = true
	r.failed = errors.Join(r.failed, err)
	if r.cfg.Ran != nil {
		r.cfg.Ran(r.ran())
	}
	if r.cfg.Spans != nil {
		r.cfg.Spans(r.spans())
	}
	if r.cfg.Answered != nil && r.collection.Name != "" && r.question.Collection == "" { // a test of another collection says nothing of this one
		r.cfg.Answered(r.on, r.asked())
	}
}

// price estimates what a call of the question's payer would cost.
func (r *run) price(model string, u llm.Usage) (price.USD, bool) {
	return r.cfg.Price(r.on.Project, model, u)
}
