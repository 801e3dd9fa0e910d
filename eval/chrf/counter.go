package chrf

import (
	"strings"
	"unicode/utf8"

	"github.com/weir-dev/weir/eval/text"
)

// Counter counts segments. It keeps room between them and is for one goroutine.
type Counter struct {
	o     Options
	ids   text.Words
	hyp   side
	ref   side
	grams text.Grams
	have  []int32
	seen  []int32
}

// side is a text as numbers.
type side struct{ chars, words, a []int32 }

// NewCounter makes a counter for a kind of chrF. Options must pass their Check.
func NewCounter(o Options) *Counter {
	return &Counter{o: o}
}

// Count gives the statistics of one segment against the reference that gives the highest score; nil references are missing.
// Without any, the segment counts with its own n-grams and none of a reference.
func (c *Counter) Count(hyp string, refs ...*string) Stats {
	c.ids.Reset()
	c.read(&c.hyp, hyp)
	var best Stats
	score, any := -1.0, false
	for _, r := range refs {
		if r == nil {
			continue
		}
		any = true
		c.read(&c.ref, *r)
		s := c.compare()
		if f := s.Score(c.o); f > score {
			score, best = f, s
		}
	}
	if !any {
		return Stats{}
	}
	return best
}

// read makes numbers of a text, the same for equal characters and words of one Count.
func (c *Counter) read(s *side, line string) {
	if c.o.Lowercase {
		line = text.Lower(line)
	}
	s.chars, s.words = s.chars[:0], s.words[:0]
	for _, r := range line {
		if c.o.Whitespace || !text.IsSpace(r) {
			s.chars = append(s.chars, r)
		}
	}
	if c.o.WordOrder == 0 {
		return
	}
	rest := []byte(line)
	for {
		var w []byte
		if w, rest = text.NextField(rest); w == nil {
			return
		}
		for _, part := range apart(w) {
			if len(part) > 0 {
				s.words = append(s.words, c.ids.ID(part))
			}
		}
	}
}

// punctuation is Python's string.punctuation.
const punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

// apart takes the punctuation at the end of a word off, or else that at its beginning.
func apart(w []byte) [2][]byte {
	last := len(w) - 1
	switch {
	case utf8.RuneCount(w) == 1:
	case strings.IndexByte(punctuation, w[last]) >= 0:
		return [2][]byte{w[:last], w[last:]}
	case strings.IndexByte(punctuation, w[0]) >= 0:
		return [2][]byte{w[:1], w[1:]}
	}
	return [2][]byte{w}
}

func (c *Counter) compare() (s Stats) {
	n := c.o.charOrder()
	c.orders(s[:n], c.hyp.chars, c.ref.chars)
	c.orders(s[n:n+c.o.WordOrder], c.hyp.words, c.ref.words)
	return s
}

// orders counts n-grams of 1, 2, … items.
func (c *Counter) orders(out []Order, hyp, ref []int32) {
	c.hyp.a, c.ref.a = append(c.hyp.a[:0], hyp...), append(c.ref.a[:0], ref...)
	for i := range out {
		order := i + 1
		c.grams.Reset()
		c.hyp.a = c.grams.Extend(c.hyp.a, hyp, order, true)
		n := c.grams.Len()
		c.have, c.seen = text.Zeroed(c.have, n), text.Zeroed(c.seen, n)
		for _, id := range c.hyp.a {
			c.have[id]++
		}
		c.ref.a = c.grams.Extend(c.ref.a, ref, order, false)
		for _, id := range c.ref.a {
			if id >= 0 {
				c.seen[id]++
			}
		}
		o := Order{Hyp: float64(len(c.hyp.a)), Ref: float64(len(c.ref.a))}
		for id, have := range c.have {
			o.Match += float64(min(have, c.seen[id]))
		}
		if o.Ref == 0 { // as the reference implementation has it: an order that the reference lacks does not count
			o.Hyp = 0
		}
		out[i] = o
	}
}
