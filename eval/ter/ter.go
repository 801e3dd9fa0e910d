// Package ter scores texts by translation edit rate exactly as sacreBLEU 2.6.0 does.
//
// TER is of Snover, Dorr, Schwartz, Micciulla and Makhoul (AMTA 2006): the fewest edits of words that make the text one of its
// references, where moving a run of words counts as one. Finding them all is NP-hard; which moves are looked at is as
// sacreBLEU has it, which follows Tercom.
package ter

import (
	"strings"

	"github.com/weir-dev/weir/eval/text"
)

// Options say which TER. The zero value is sacreBLEU's default.
type Options struct {
	Normalized    bool // punctuation is parted from words
	NoPunctuation bool // punctuation is taken out
	Asian         bool // the two above for Chinese and Japanese, too
	CaseSensitive bool
}

// Stats are what a score is made of: of one segment, or by Add of many. The zero value is of no text.
type Stats struct {
	Edits float64
	Ref   float64 // words of the references, on average
}

// Add adds another's.
func (s *Stats) Add(o *Stats) {
	s.Edits += o.Edits
	s.Ref += o.Ref
}

// Score is 100 times the edits for each word of the reference: 0 is best, and it may be more than 100.
func (s *Stats) Score() float64 {
	switch {
	case s.Ref > 0:
		return 100 * s.Edits / s.Ref
	case s.Edits > 0:
		return 100
	}
	return 0
}

// Signature says which TER a score is, as sacreBLEU writes it. refs is how many references each segment had, 0 when that
// varied; version is weir's.
func (o Options) Signature(refs int, version string) string {
	word := func(is bool, yes, no string) string {
		if is {
			return yes
		}
		return no
	}
	n := "var"
	if refs > 0 {
		n = itoa(refs)
	}
	return strings.Join([]string{
		"nrefs:" + n, "case:" + word(o.CaseSensitive, "mixed", "lc"), "tok:tercom", "norm:" + word(o.Normalized, "yes", "no"),
		"punct:" + word(o.NoPunctuation, "no", "yes"), "asian:" + word(o.Asian, "yes", "no"), "version:weir-" + version, "ref-impl:sacrebleu-2.6.0",
	}, "|")
}

// Counter counts segments. It keeps room between them and is for one goroutine.
type Counter struct {
	o     Options
	words text.Words
	hyp   []int32
	ref   []int32
	moves mover
}

// NewCounter makes a counter for a kind of TER.
func NewCounter(o Options) *Counter { return &Counter{o: o} }

// Count gives the statistics of one segment against the reference that is nearest; nil references are missing. Without any
// reference all its words are edits.
func (c *Counter) Count(hyp string, refs ...*string) Stats {
	c.words.Reset()
	c.hyp = c.read(c.hyp[:0], c.o.Words(hyp))
	var s Stats
	n := 0
	for _, r := range refs {
		if r == nil {
			continue
		}
		c.ref = c.read(c.ref[:0], c.o.referenceWords(*r))
		edits := float64(c.moves.edits(c.hyp, c.ref))
		if n == 0 || edits < s.Edits {
			s.Edits = edits
		}
		s.Ref += float64(len(c.ref))
		n++
	}
	if n == 0 {
		return Stats{Edits: float64(len(c.hyp))}
	}
	s.Ref /= float64(n)
	return s
}

func (c *Counter) read(dst []int32, words []string) []int32 {
	for _, w := range words {
		dst = append(dst, c.words.ID([]byte(w)))
	}
	return dst
}
