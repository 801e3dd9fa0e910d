package eval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/weir-dev/weir/eval/judge"
)

// Bounds of vectors.
const (
	vectorsAtOnce = 64   // expected texts in a request
	vectorsKept   = 4096 // answers whose vectors are remembered within a run
)

func cosineMetrics() []metric {
	return []metric{{
		name: "cosine", about: "-1 to 1: how like the answer is to what is expected, the best of several, by the vectors of an embedding model; model: M",
		make: func(c ScorerConfig) (Scorer, error) {
			if c.Model == "" {
				return nil, errors.New("there is no model: want model: text-embedding-3-small, or another that makes vectors")
			}
			return ScorerFunc(func(Sample) Score { return failed("no model can be asked here: vectors are made with weir eval run") }), nil
		},
	}}
}

// cosine compares answers with what is expected by vectors. What is expected of many items is made into vectors by one request, always the
// same for the same items; each answer by one of its own: so the gateway's cache knows them again in a later run.
type cosine struct {
	model string
	asker *judge.Asker

	mu     sync.Mutex // guards what follows
	stop   error
	chunks map[string]*vectors // by expected text: the request that has it
	made   map[string]*vectors // by answer
}

// vectors are those of some texts, made when they are first needed.
type vectors struct {
	texts []string

	mu   sync.Mutex // held while they are made
	done bool
	of   [][]float64
}

var _ stopping = (*cosine)(nil)

func newCosine(model string, asker *judge.Asker, items []Item) *cosine {
	c := &cosine{model: model, asker: asker, chunks: map[string]*vectors{}, made: map[string]*vectors{}}
	var at *vectors
	for i := range items {
		for _, text := range texts(items[i].Expected) {
			if c.chunks[text] != nil || strings.TrimSpace(text) == "" {
				continue
			}
			if at == nil || len(at.texts) == vectorsAtOnce {
				at = &vectors{}
			}
			at.texts = append(at.texts, text)
			c.chunks[text] = at
		}
	}
	return c
}

func (c *cosine) stopped() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stop
}

// Close does nothing: what is asked is the run's.
func (*cosine) Close() error { return nil }

// Score implements Scorer.
func (c *cosine) Score(ctx context.Context, s Sample) Score {
	if c.stopped() != nil {
		return Score{}
	}
	expected, err := expectedTexts(s)
	if err != nil {
		return unscorable(err.Error())
	}
	expected = slices.DeleteFunc(slices.Clone(expected), func(t string) bool { return strings.TrimSpace(t) == "" })
	switch {
	case len(expected) == 0:
		return unscorable("what is expected is empty: it has no vector")
	case strings.TrimSpace(s.Answer.Text) == "":
		return unscorable("the answer is empty: it has no vector")
	}
	var tally judge.Tally
	said, err := c.vector(ctx, s.Answer.Text, c.answer(s.Answer.Text), &tally)
	best, found := -1.0, false
	for _, text := range expected {
		if err != nil {
			break
		}
		var wanted []float64
		if wanted, err = c.vector(ctx, text, c.chunk(text), &tally); err != nil {
			break
		}
		if v, ok := judge.Cosine(said, wanted); ok {
			best, found = max(best, v), true
		}
	}
	out := scored(best)
	switch _, stops := errors.AsType[*judge.StopError](err); {
	case stops || err != nil && ctx.Err() != nil:
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.stop == nil {
			c.stop = fmt.Errorf("vectors: %w", err)
		}
		return Score{}
	case err != nil:
		out = failed(clip(err.Error()))
	case !found:
		out = unscorable("the embedding model made vectors that cannot be compared")
	}
	if tally.Calls > tally.Unpriced {
		out.Cost = &tally.Cost
	}
	return out
}

// chunk is the request that an expected text is in.
func (c *cosine) chunk(text string) *vectors {
	if v := c.chunks[text]; v != nil { // not written after it was made
		return v
	}
	return c.answer(text)
}

// answer is the request of one text.
func (c *cosine) answer(text string) *vectors {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.made[text]
	if v == nil {
		if len(c.made) >= vectorsKept {
			clear(c.made)
		}
		v = &vectors{texts: []string{text}}
		c.made[text] = v
	}
	return v
}

// vector is that of a text, out of a request that is made now unless it was. What it took is added to the tally of who needed it first.
func (c *cosine) vector(ctx context.Context, text string, v *vectors, tally *judge.Tally) ([]float64, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.done {
		got, took, err := c.asker.Embed(ctx, c.model, v.texts)
		tally.Add(took)
		if err != nil {
			return nil, err
		}
		v.of, v.done = got, true
	}
	return v.of[slices.Index(v.texts, text)], nil
}
