package bleu

import (
	"math"

	"github.com/weir-dev/weir/eval/text"
)

// Counter counts segments. It keeps room between them and is for one goroutine.
type Counter struct {
	o     Options
	words text.Words
	room  preparer
	hyp   []int32
	refs  [][]int32
	grams grams
}

// NewCounter makes a counter for a kind of BLEU. Options must pass their Check.
func NewCounter(o Options) *Counter {
	return &Counter{o: o.filled()}
}

// Reference is one of a segment's references.
type Reference struct {
	Text    string
	Missing bool // the segment has no such reference, which is not the same as an empty one
}

// Count gives the statistics of one segment against its references. A segment all of whose references are missing has none but
// its own length.
func (c *Counter) Count(hyp string, refs ...Reference) Stats {
	c.words.Reset()
	c.hyp = c.ids(c.hyp[:0], hyp)
	s := Stats{Sys: float64(len(c.hyp))}
	nearest, n := math.MaxInt, 0
	for _, r := range refs {
		if r.Missing {
			continue
		}
		if n == len(c.refs) {
			c.refs = append(c.refs, nil)
		}
		c.refs[n] = c.ids(c.refs[n][:0], r.Text)
		length := len(c.refs[n])
		far, best := abs(length-len(c.hyp)), abs(nearest-len(c.hyp))
		if n == 0 || far < best || far == best && length < nearest {
			nearest = length
		}
		n++
	}
	if n > 0 {
		s.Ref = float64(nearest)
	}
	for order := 1; order <= c.o.Order; order++ {
		if len(c.hyp) < order {
			break
		}
		s.Total[order-1] = float64(len(c.hyp) - order + 1)
		s.Correct[order-1] = float64(c.grams.matches(c.hyp, c.refs[:n], order))
	}
	return s
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// ids gives a segment's tokens as numbers, which are the same for equal tokens of one call of Count.
func (c *Counter) ids(dst []int32, s string) []int32 {
	if c.o.Lowercase {
		s = text.Lower(s)
	}
	rest := c.room.prepare(c.o.Tokenizer, s)
	for {
		var token []byte
		if token, rest = text.NextField(rest); token == nil {
			return dst
		}
		dst = append(dst, c.words.ID(token))
	}
}

// grams counts n-grams of one order at a time.
type grams struct {
	ids   text.Grams
	hyp   []int32 // number of the n-gram at each place
	refs  [][]int32
	have  []int32 // by number: in the hypothesis
	most  []int32 // by number: the most in a reference
	count []int32 // by number: in the reference at hand
}

// matches is how many of the hypothesis' n-grams are in a reference: of each as many as the reference that has the most of it.
// It is to be called with orders 1, 2, … of the same texts.
func (g *grams) matches(hyp []int32, refs [][]int32, order int) int {
	g.ids.Reset()
	for len(g.refs) < len(refs) {
		g.refs = append(g.refs, nil)
	}
	if order == 1 {
		g.hyp = append(g.hyp[:0], hyp...)
		for i, r := range refs {
			g.refs[i] = append(g.refs[i][:0], r...)
		}
	}
	g.hyp = g.ids.Extend(g.hyp, hyp, order, true)
	n := g.ids.Len()
	g.have, g.most, g.count = text.Zeroed(g.have, n), text.Zeroed(g.most, n), text.Zeroed(g.count, n)
	for _, id := range g.hyp {
		g.have[id]++
	}
	for i := range refs {
		g.refs[i] = g.ids.Extend(g.refs[i], refs[i], order, false)
		for _, id := range g.refs[i] {
			if id >= 0 {
				g.count[id]++
				g.most[id] = max(g.most[id], g.count[id])
			}
		}
		for _, id := range g.refs[i] {
			if id >= 0 {
				g.count[id] = 0
			}
		}
	}
	total := 0
	for id, n := range g.have {
		total += int(min(n, g.most[id]))
	}
	return total
}
