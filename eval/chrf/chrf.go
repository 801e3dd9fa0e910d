// Package chrf scores texts by chrF and chrF++ exactly as sacreBLEU 2.6.0 does.
//
// chrF is of Popović (WMT 2015), chrF++ of Popović (WMT 2017).
package chrf

import (
	"fmt"
	"math"
	"strings"
)

// Bounds of Options.
const (
	MaxCharOrder = 12
	MaxWordOrder = 4
	maxOrders    = MaxCharOrder + MaxWordOrder
)

// Options say which chrF. The zero value is chrF2: characters up to 6, no words, beta 2.
type Options struct {
	CharOrder  *int     // longest n-grams of characters; 6 unless given
	WordOrder  int      // longest n-grams of words: 2 for chrF++
	Beta       *float64 // how much more recall weighs than precision; 2 unless given
	Lowercase  bool
	Whitespace bool // white space counts as characters
	// EpsSmoothing averages the F of all orders, as chrF++.py and NLTK do, in place of leaving out those that are too long.
	EpsSmoothing bool
}

func (o Options) charOrder() int {
	if o.CharOrder == nil {
		return 6
	}
	return *o.CharOrder
}

func (o Options) beta() float64 {
	if o.Beta == nil {
		return 2
	}
	return *o.Beta
}

func (o Options) orders() int { return o.charOrder() + o.WordOrder }

// Check says what is wrong with options.
func (o Options) Check() error {
	switch {
	case o.charOrder() < 0 || o.charOrder() > MaxCharOrder:
		return fmt.Errorf("the character order is %d: want 0 to %d", o.charOrder(), MaxCharOrder)
	case o.WordOrder < 0 || o.WordOrder > MaxWordOrder:
		return fmt.Errorf("the word order is %d: want 0 to %d", o.WordOrder, MaxWordOrder)
	case o.orders() == 0:
		return fmt.Errorf("neither characters nor words are counted: want an order above 0")
	case !(o.beta() > 0) || math.IsInf(o.beta(), 0):
		return fmt.Errorf("beta is %v: want a number above 0", o.beta())
	}
	return nil
}

// Order are the n-grams of one order.
type Order struct{ Hyp, Ref, Match float64 }

// Stats are what a score is made of, characters before words: of one segment, or by Add of many. The zero value is of no text.
type Stats [maxOrders]Order

// Add adds another's.
func (s *Stats) Add(o *Stats) {
	for i := range s {
		s[i].Hyp += o[i].Hyp
		s[i].Ref += o[i].Ref
		s[i].Match += o[i].Match
	}
}

// Score is the F score, from 0 to 100.
func (s *Stats) Score(o Options) float64 {
	const eps = 1e-16
	factor := o.beta() * o.beta()
	f := func(precision, recall float64) float64 {
		if d := factor*precision + recall; d > 0 {
			return (1 + factor) * precision * recall / d
		}
		return eps
	}
	var score, precision, recall float64
	effective := 0
	for _, n := range s[:o.orders()] {
		p, r := eps, eps
		if n.Hyp > 0 {
			p = n.Match / n.Hyp
		}
		if n.Ref > 0 {
			r = n.Match / n.Ref
		}
		score += f(p, r)
		if n.Hyp > 0 && n.Ref > 0 {
			precision += p
			recall += r
			effective++
		}
	}
	if o.EpsSmoothing {
		return 100 * score / float64(o.orders())
	}
	if effective == 0 {
		return 0
	}
	precision /= float64(effective)
	recall /= float64(effective)
	if precision+recall == 0 {
		return 0
	}
	return 100 * (1 + factor) * precision * recall / (factor*precision + recall)
}

// Name is chrF2, chrF2++, and so on.
func (o Options) Name() string {
	return fmt.Sprintf("chrF%d%s", int(o.beta()), strings.Repeat("+", o.WordOrder))
}

// Signature says which chrF a score is, as sacreBLEU writes it. refs is how many references each segment had, 0 when that
// varied; version is weir's.
func (o Options) Signature(refs int, version string) string {
	parts := []string{
		"nrefs:var", "case:mixed", "eff:yes", fmt.Sprintf("nc:%d", o.charOrder()), fmt.Sprintf("nw:%d", o.WordOrder), "space:no",
		"version:weir-" + version, "ref-impl:sacrebleu-2.6.0",
	}
	if refs > 0 {
		parts[0] = fmt.Sprintf("nrefs:%d", refs)
	}
	if o.Lowercase {
		parts[1] = "case:lc"
	}
	if o.EpsSmoothing {
		parts[2] = "eff:no"
	}
	if o.Whitespace {
		parts[5] = "space:yes"
	}
	return strings.Join(parts, "|")
}
