package cache

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-dev/weir/llm"
)

// SemanticConfig is what answering by meaning is made of.
type SemanticConfig struct {
	Vectors Vectors
	// Top is where a call of weir's own enters: the outermost stage, so that what it asks is limited, paid for and recorded as
	// any call.
	Top llm.Sender
	// Home names the place where the answers are, so that a question is never looked for among those whose answers are in
	// another process.
	Home string

	Model      string        // that makes vectors of questions, as a client would ask for it
	Dimensions int           // of a vector; 0: as many as the model gives
	Floor      float64       // a client that asks for less likeness gets this; 0 is DefaultFloor
	Timeout    time.Duration // for all that is asked before the call goes on as a miss; 0 is DefaultSemanticTimeout
	MaxVectors int           // about so many are kept; 0 is DefaultMaxVectors

	// Audit has a model look at a share of the answers given, from 0 to 1.
	Audit Audit
}

// Audit says who looks at how many answers.
type Audit struct {
	Share float64
	Model string // "": nobody
}

// Bounds of what is not configured.
const (
	DefaultFloor           = 0.8
	DefaultSemanticTimeout = 2 * time.Second
	DefaultMaxVectors      = 200_000
)

const (
	tried  = 8    // neighbours whose answers are looked for
	nearly = 1e-6 // what is lost when numbers are rounded: the same text has a similarity of 1
)

// semantic finds answers by what questions mean.
type semantic struct {
	SemanticConfig
	writes chan job
	audits chan audit
	resting

	vectors sync.Mutex // held while points are added and while some are purged

	hits, failures, refused            atomic.Int64
	kept, lost                         atomic.Int64
	agreed, disagreed, unsure, skipped atomic.Int64
}

func newSemantic(cfg SemanticConfig) *semantic {
	const waiting, watching = 1024, 64
	if cfg.Floor <= 0 {
		cfg.Floor = DefaultFloor
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = DefaultSemanticTimeout
	}
	if cfg.MaxVectors <= 0 {
		cfg.MaxVectors = DefaultMaxVectors
	}
	return &semantic{SemanticConfig: cfg, writes: make(chan job, waiting), audits: make(chan audit, watching)}
}

// SemanticCounts are what answering by meaning did since the stage was made.
type SemanticCounts struct {
	Hits     int64 // calls answered with the answer of a like question
	Failures int64 // questions that went on as misses because no vector was had, or none could be looked for
	Refused  int64 // questions that went on because a limit or a budget left no room for their vector
	Kept     int64 // questions kept to be found by their meaning
	Lost     int64 // questions that were not

	Agreed, Disagreed, Unsure int64 // what audits said; Unsure: nothing of use
	Skipped                   int64 // audits left out because too many waited
}

// SemanticCounts gives the counts of this moment, and false when the stage does not answer by meaning.
func (s *Stage) SemanticCounts() (SemanticCounts, bool) {
	if s.sem == nil {
		return SemanticCounts{}, false
	}
	m := s.sem
	return SemanticCounts{
		Hits: m.hits.Load(), Failures: m.failures.Load(), Refused: m.refused.Load(), Kept: m.kept.Load(), Lost: m.lost.Load(),
		Agreed: m.agreed.Load(), Disagreed: m.disagreed.Load(), Unsure: m.unsure.Load(), Skipped: m.skipped.Load(),
	}, true
}

// likeness settles from which similarity on a like question counts: what the client says, but never less than the floor, else
// what the policy says.
func (s *Stage) likeness(call *llm.Call, policy Policy, w *wish) {
	switch {
	case s.sem == nil || policy.Semantic < 0 || call.Endpoint == llm.Embeddings || call.Endpoint == llm.Completions:
		w.semantic = 0
	case !w.likeness:
		w.semantic = policy.Semantic
	case w.semantic > 0:
		w.semantic = max(w.semantic, s.sem.Floor)
	}
}

// like looks for the answer of a like question, and takes the vector of this one for the answer to come. Whatever fails, the
// call goes on.
func (a *asking) like(ctx context.Context) (*Entry, *Neighbor) {
	m := a.sem
	rest, text, ok := Question(a.call)
	if !ok || !m.awake(time.Now()) {
		return nil, nil
	}
	within, cancel := context.WithTimeout(ctx, m.Timeout)
	defer cancel()
	vector, space, err := m.embed(within, a.call, text)
	if err == nil {
		a.asked = &Point{Place: Place{m.partition(rest, space), a.plainKey()}, Vector: vector}
		if !a.wish.read {
			return nil, nil
		}
		var found []Neighbor
		if found, err = m.Vectors.Nearest(within, a.asked.Partition, vector, a.wish.semantic-nearly, tried); err == nil {
			m.well()
			return a.first(within, found)
		}
		err = fmt.Errorf("look for like questions: %w", err)
	}
	switch {
	case ctx.Err() != nil: // the client went away
	case refusedByWeir(err):
		m.refused.Add(1)
	default:
		m.failures.Add(1)
		m.failed(time.Now())
		a.cfg.Log.Warn("a call goes on without looking for like questions", "call", a.call.ID, "error", err)
	}
	return nil, nil
}

// refusedByWeir says that a limit or a budget of the caller's own is in the way.
func refusedByWeir(err error) bool {
	f, ok := errors.AsType[*llm.Fault](err)
	return ok && (f.Code == llm.RateLimited || f.Code == llm.BudgetExceeded)
}

// first gives the nearest answer that is there. Points whose answers are gone are let go of.
func (a *asking) first(ctx context.Context, found []Neighbor) (*Entry, *Neighbor) {
	for i := range found {
		n := &found[i]
		key := n.Answer
		if a.call.Stream {
			key = key.other()
		}
		if e := a.find(ctx, key); e != nil && e.Project == a.call.Project {
			n.Score = min(n.Score, 1)
			return e, n
		}
		if a.gone(ctx, n.Answer) {
			a.sem.enqueue(job{gone: &Place{a.asked.Partition, n.Answer}})
		}
	}
	return nil, nil
}

// gone says that the store has an answer in neither form.
func (a *asking) gone(ctx context.Context, key Key) bool {
	for _, k := range [...]Key{key, key.other()} {
		if e, err := a.cfg.Store.Get(ctx, k); err != nil || e != nil {
			return false
		}
	}
	return true
}

// plainKey is the call's key in the form of a plain body.
func (a *asking) plainKey() Key {
	if a.call.Stream {
		return a.key.other()
	}
	return a.key
}

// partition is the key of what must be equal, the space in which vectors are compared included.
func (m *semantic) partition(rest Key, space string) Key {
	b := appendText(append(make([]byte, 0, 256), rest[:]...), m.Home)
	return sha256.Sum256(appendText(b, space))
}

// point keeps where the question of a new answer lies.
func (a *asking) point(e *Entry) {
	p := *a.asked
	p.Labels = Labels{Project: e.Project, Requested: e.Requested, Model: e.Model, Answered: e.Outcome.Model, Tags: e.Tags}
	p.Stored, p.Expires = e.Stored, e.Expires
	a.sem.enqueue(job{add: &p, purges: a.purges})
}

// meant notes an answer that was given for a like question.
func (a *asking) meant(e *Entry, near *Neighbor) {
	m := a.sem
	m.hits.Add(1)
	if m.Audit.Model == "" || a.asked == nil || rand.Float64() >= m.Audit.Share {
		return
	}
	select {
	case m.audits <- audit{call: a.call, entry: e, place: Place{a.asked.Partition, near.Answer}}:
	default:
		m.skipped.Add(1)
	}
}

// resting keeps away from what failed several times in a row, for a while, so that a service that is down does not cost every
// call its timeout.
type resting struct {
	mu    sync.Mutex // guards fails, until
	fails int
	until time.Time
}

func (r *resting) awake(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !now.Before(r.until)
}

func (r *resting) well() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fails = 0
}

func (r *resting) failed(now time.Time) {
	const patience, longest = 3, 30 * time.Second
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fails++; r.fails >= patience {
		r.until = now.Add(min(longest, time.Second<<min(r.fails-patience, 5)))
	}
}
