package eval

import (
	"iter"
	"runtime/debug"
	"sync"

	"github.com/weir-dev/weir/eval/bleu"
	"github.com/weir-dev/weir/eval/chrf"
	"github.com/weir-dev/weir/eval/rouge"
	"github.com/weir-dev/weir/eval/ter"
)

// builtAs is weir's version in the signatures of figures.
var builtAs = sync.OnceValue(func() string {
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" && b.Main.Version != "(devel)" {
		return b.Main.Version
	}
	return "dev"
})

func overlapMetrics() []metric {
	out := []metric{
		{name: "bleu", about: "BLEU from 0 to 100, of single answers with effective order", make: newBLEU},
		{name: "chrf", about: "chrF from 0 to 100; with word_order 2 chrF++", make: newChrF},
		{name: "ter", about: "translation edit rate, 0 is best", lower: true, make: newTER},
	}
	for _, t := range []rouge.Type{"rouge1", "rouge2", rouge.L, rouge.Lsum} {
		out = append(out, metric{name: string(t), about: "the F of " + string(t) + ", from 0 to 1", make: func(c ScorerConfig) (Scorer, error) { return newROUGE(t, c), nil }})
	}
	return out
}

// counting is a metric that is computed from counts, which add up over answers. Its counter is for one goroutine.
type counting[S any] struct {
	mu     sync.Mutex // guards count
	count  func(hyp string, refs []string) S
	add    func(sum, one *S)
	one    func(*S) float64
	corpus func(*S) float64
	sign   func(refs int) string
}

// Score implements Scorer.
func (c *counting[S]) Score(s Sample) Score {
	refs, err := expectedTexts(s)
	if err != nil {
		return unscorable(err.Error())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	stats := c.count(s.Answer.Text, refs)
	return scored(c.one(&stats))
}

// Corpus implements CorpusScorer.
func (c *counting[S]) Corpus(samples iter.Seq[Sample]) (float64, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var sum S
	n, refs := 0, 0
	for s := range samples {
		want, err := expectedTexts(s)
		if err != nil || s.Answer.Error != "" {
			continue
		}
		if n++; n == 1 {
			refs = len(want)
		} else if refs != len(want) {
			refs = 0 // it varies
		}
		stats := c.count(s.Answer.Text, want)
		c.add(&sum, &stats)
	}
	if n == 0 {
		return 0, ""
	}
	return c.corpus(&sum), c.sign(refs)
}

func newBLEU(c ScorerConfig) (Scorer, error) {
	o := bleu.Options{Tokenizer: bleu.Tokenizer(c.Tokenize), Lowercase: c.Lowercase}
	single := o
	single.EffectiveOrder = true
	if err := o.Check(); err != nil {
		return nil, err
	}
	counter := bleu.NewCounter(o)
	return counted(&counting[bleu.Stats]{
		count: func(hyp string, refs []string) bleu.Stats {
			list := make([]bleu.Reference, len(refs))
			for i, r := range refs {
				list[i].Text = r
			}
			return counter.Count(hyp, list...)
		},
		add: (*bleu.Stats).Add, one: func(s *bleu.Stats) float64 { return s.Score(single).Score }, corpus: func(s *bleu.Stats) float64 { return s.Score(o).Score },
		sign: func(refs int) string { return o.Signature(refs, builtAs()) },
	}), nil
}

func pointers(refs []string) []*string {
	out := make([]*string, len(refs))
	for i := range refs {
		out[i] = &refs[i]
	}
	return out
}

func newChrF(c ScorerConfig) (Scorer, error) {
	o := chrf.Options{WordOrder: c.WordOrder, Lowercase: c.Lowercase}
	if err := o.Check(); err != nil {
		return nil, err
	}
	counter := chrf.NewCounter(o)
	score := func(s *chrf.Stats) float64 { return s.Score(o) }
	return counted(&counting[chrf.Stats]{
		count: func(hyp string, refs []string) chrf.Stats { return counter.Count(hyp, pointers(refs)...) },
		add:   (*chrf.Stats).Add, one: score, corpus: score, sign: func(refs int) string { return o.Signature(refs, builtAs()) },
	}), nil
}

func newTER(ScorerConfig) (Scorer, error) {
	var o ter.Options
	counter := ter.NewCounter(o)
	return counted(&counting[ter.Stats]{
		count: func(hyp string, refs []string) ter.Stats { return counter.Count(hyp, pointers(refs)...) },
		add:   (*ter.Stats).Add, one: (*ter.Stats).Score, corpus: (*ter.Stats).Score, sign: func(refs int) string { return o.Signature(refs, builtAs()) },
	}), nil
}

func newROUGE(t rouge.Type, c ScorerConfig) Scorer {
	var mu sync.Mutex // the scorer is for one goroutine
	scorer := rouge.NewScorer(rouge.Options{Types: []rouge.Type{t}, Stem: c.Stemmer, Tokenizer: rouge.Tokenizer(c.Tokenize)})
	return ScorerFunc(func(s Sample) Score {
		refs, err := expectedTexts(s)
		if err != nil {
			return unscorable(err.Error())
		}
		mu.Lock()
		defer mu.Unlock()
		return scored(scorer.Score(s.Answer.Text, refs...)[0].F)
	})
}

// corpusScorer is a pure function with a figure over all answers.
type corpusScorer struct {
	ScorerFunc
	over func(iter.Seq[Sample]) (float64, string)
}

// Corpus implements CorpusScorer.
func (c corpusScorer) Corpus(samples iter.Seq[Sample]) (value float64, signature string) {
	return c.over(samples)
}

func counted[S any](c *counting[S]) Scorer { return corpusScorer{ScorerFunc: c.Score, over: c.Corpus} }
