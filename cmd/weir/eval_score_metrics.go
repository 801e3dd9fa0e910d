package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/weir-dev/weir/eval/bleu"
	"github.com/weir-dev/weir/eval/chrf"
	"github.com/weir-dev/weir/eval/rouge"
	"github.com/weir-dev/weir/eval/ter"
)

// segmentScorer takes segments one after the other.
type segmentScorer interface {
	add(hyp string, refs []*string)
	// done gives the scores; refs is how many references each segment had, 0 when that varied.
	done(refs int) []scored
}

// scorers makes those that the flags ask for.
func (o *scoreOptions) scorers() ([]segmentScorer, error) {
	var out []segmentScorer
	for _, m := range o.metrics {
		switch m = strings.ToLower(strings.TrimSpace(m)); m {
		case "bleu":
			b := bleu.Options{Tokenizer: bleu.Tokenizer(o.tokenize), Smoothing: bleu.Smoothing(o.smooth), Lowercase: o.lowercase, Order: o.maxOrder, EffectiveOrder: o.effective}
			if o.given("smooth-value") {
				b.Value = &o.smoothValue
			}
			if o.maxOrder == 0 {
				return nil, fmt.Errorf("--max-order is 0: want 1 to %d", bleu.MaxOrder)
			}
			if err := b.Check(); err != nil {
				return nil, err
			}
			each := b
			each.EffectiveOrder = o.effective || !o.given("effective-order")
			out = append(out, &bleuScorer{o: b, each: each, count: bleu.NewCounter(b), sentences: o.sentences})
		case "chrf":
			c := chrf.Options{CharOrder: &o.charOrder, WordOrder: o.wordOrder, Beta: &o.beta, Lowercase: o.lowercase, Whitespace: o.whitespace, EpsSmoothing: o.eps}
			if err := c.Check(); err != nil {
				return nil, err
			}
			out = append(out, &chrfScorer{o: c, count: chrf.NewCounter(c), sentences: o.sentences})
		case "ter":
			t := ter.Options{Normalized: o.normalized, NoPunctuation: o.noPunct, Asian: o.asian, CaseSensitive: o.caseSensitive}
			out = append(out, &terScorer{o: t, count: ter.NewCounter(t), sentences: o.sentences})
		case "rouge":
			r := rouge.Options{Stem: o.stemmer, Tokenizer: rouge.Standard}
			if o.unicode {
				r.Tokenizer = rouge.Unicode
			}
			for _, name := range o.rougeTypes {
				t := rouge.Type(strings.TrimSpace(name))
				if err := t.Check(); err != nil {
					return nil, err
				}
				r.Types = append(r.Types, t)
			}
			if len(r.Types) == 0 {
				return nil, errors.New("--rouge-types names none: want rouge1 to rouge9, rougeL or rougeLsum")
			}
			out = append(out, &rougeScorer{o: r, score: rouge.NewScorer(r), sums: make([]rouge.Score, len(r.Types)), each: make([][]float64, len(r.Types)), sentences: o.sentences})
		default:
			return nil, fmt.Errorf("the metric %q is unknown: want %s", m, strings.Join(metricNames, ", "))
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("name a metric: --metric %s", strings.Join(metricNames, ","))
	}
	return out, nil
}

type bleuScorer struct {
	o, each   bleu.Options
	count     *bleu.Counter
	sum       bleu.Stats
	refs      []bleu.Reference
	sentences bool
	list      []float64
}

func (b *bleuScorer) add(hyp string, refs []*string) {
	b.refs = b.refs[:0]
	for _, r := range refs {
		if r == nil {
			b.refs = append(b.refs, bleu.Reference{Missing: true})
		} else {
			b.refs = append(b.refs, bleu.Reference{Text: *r})
		}
	}
	s := b.count.Count(hyp, b.refs...)
	b.sum.Add(&s)
	if b.sentences {
		b.list = append(b.list, s.Score(b.each).Score)
	}
}

func (b *bleuScorer) done(refs int) []scored {
	s := b.sum.Score(b.o)
	return []scored{{Name: "bleu", Score: &s.Score, Signature: b.o.Signature(refs, version), Sentences: b.list, Detail: map[string]any{
		"precisions": s.Precisions, "brevity_penalty": s.BP, "hyp_len": s.Sys, "ref_len": s.Ref,
	}}}
}

type chrfScorer struct {
	o         chrf.Options
	count     *chrf.Counter
	sum       chrf.Stats
	sentences bool
	list      []float64
}

func (c *chrfScorer) add(hyp string, refs []*string) {
	s := c.count.Count(hyp, refs...)
	c.sum.Add(&s)
	if c.sentences {
		c.list = append(c.list, s.Score(c.o))
	}
}

func (c *chrfScorer) done(refs int) []scored {
	score := c.sum.Score(c.o)
	return []scored{{Name: "chrf", Score: &score, Signature: c.o.Signature(refs, version), Sentences: c.list, Detail: map[string]any{"variant": c.o.Name()}}}
}

type terScorer struct {
	o         ter.Options
	count     *ter.Counter
	sum       ter.Stats
	sentences bool
	list      []float64
}

func (t *terScorer) add(hyp string, refs []*string) {
	s := t.count.Count(hyp, refs...)
	t.sum.Add(&s)
	if t.sentences {
		t.list = append(t.list, s.Score())
	}
}

func (t *terScorer) done(refs int) []scored {
	score := t.sum.Score()
	return []scored{{Name: "ter", Score: &score, Signature: t.o.Signature(refs, version), Sentences: t.list, Detail: map[string]any{
		"edits": t.sum.Edits, "ref_len": t.sum.Ref,
	}}}
}

type rougeScorer struct {
	o         rouge.Options
	score     *rouge.Scorer
	sums      []rouge.Score
	n         int
	sentences bool
	each      [][]float64 // by type
	there     []string
}

func (r *rougeScorer) add(hyp string, refs []*string) {
	r.there = r.there[:0]
	for _, ref := range refs {
		if ref != nil {
			r.there = append(r.there, *ref)
		}
	}
	for i, s := range r.score.Score(hyp, r.there...) {
		r.sums[i].Precision += s.Precision
		r.sums[i].Recall += s.Recall
		r.sums[i].F += s.F
		if r.sentences {
			r.each[i] = append(r.each[i], s.F)
		}
	}
	r.n++
}

func (r *rougeScorer) done(refs int) []scored {
	out := make([]scored, len(r.o.Types))
	for i, t := range r.o.Types {
		n := float64(r.n)
		p, rec, f := r.sums[i].Precision/n, r.sums[i].Recall/n, r.sums[i].F/n
		out[i] = scored{Name: string(t), Precision: &p, Recall: &rec, F: &f, Signature: r.o.Signature(refs, version), Sentences: r.each[i]}
	}
	return out
}
