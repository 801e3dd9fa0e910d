// Package bleu scores texts by BLEU exactly as sacreBLEU 2.6.0 does.
//
// BLEU is of Papineni, Roukos, Ward and Zhu (ACL 2002); which of its many variants a score is, its Signature says.
package bleu

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Smoothing is what is done about orders without a match.
type Smoothing string

// The smoothings, as Chen and Cherry (WMT 2014) describe them: exponential decay, a floor of the number of matches, a number
// added to matches and totals of all orders but the first, and none.
const (
	Exp         Smoothing = "exp"
	Floor       Smoothing = "floor"
	AddK        Smoothing = "add-k"
	NoSmoothing Smoothing = "none"
)

// Smoothings are all there are.
var Smoothings = []Smoothing{Exp, Floor, AddK, NoSmoothing}

// MaxOrder bounds Options.Order.
const MaxOrder = 16

// Options say which BLEU. The zero value is sacreBLEU's default of a corpus.
type Options struct {
	Tokenizer      Tokenizer // "" is 13a
	Smoothing      Smoothing // "" is exp
	Value          *float64  // of floor, 0.1 unless given, and of add-k, 1
	Lowercase      bool
	Order          int  // longest n-grams; 0 is 4
	EffectiveOrder bool // orders for which the texts are too short do not count: needed for single segments
}

func (o Options) filled() Options {
	if o.Tokenizer == "" {
		o.Tokenizer = V13a
	}
	if o.Smoothing == "" {
		o.Smoothing = Exp
	}
	if o.Order == 0 {
		o.Order = 4
	}
	if o.Value == nil {
		v := map[Smoothing]float64{Floor: 0.1, AddK: 1}[o.Smoothing]
		o.Value = &v
	}
	return o
}

// Check says what is wrong with options.
func (o Options) Check() error {
	f := o.filled()
	switch {
	case !slices.Contains(Tokenizers, f.Tokenizer):
		return fmt.Errorf("tokenizer %q is unknown: want %v (sacreBLEU's flores, spm and mecab tokenizers need models that are not part of weir)", f.Tokenizer, Tokenizers)
	case !slices.Contains(Smoothings, f.Smoothing):
		return fmt.Errorf("smoothing %q is unknown: want %v", f.Smoothing, Smoothings)
	case f.Order < 1 || f.Order > MaxOrder:
		return fmt.Errorf("the highest order is %d: want 1 to %d", f.Order, MaxOrder)
	case math.IsNaN(*f.Value) || math.IsInf(*f.Value, 0) || *f.Value < 0:
		return fmt.Errorf("the smoothing value is %v: want a number that is not below zero", *f.Value)
	}
	return nil
}

// Stats are what a score is made of: of one segment, or by Add of many. The zero value is of no text.
type Stats struct {
	Correct [MaxOrder]float64 // n-grams of order i+1 that a reference has, too
	Total   [MaxOrder]float64
	Sys     float64 // tokens
	Ref     float64 // tokens of the references nearest in length
}

// Add adds another's.
func (s *Stats) Add(o *Stats) {
	for i := range s.Correct {
		s.Correct[i] += o.Correct[i]
		s.Total[i] += o.Total[i]
	}
	s.Sys += o.Sys
	s.Ref += o.Ref
}

// Score is a BLEU score, from 0 to 100.
type Score struct {
	Score      float64
	Precisions []float64 // by order, from 0 to 100
	BP         float64   // brevity penalty
	Stats
}

// Score computes it.
func (s *Stats) Score(o Options) Score {
	o = o.filled()
	out := Score{Precisions: make([]float64, o.Order), Stats: *s}
	switch {
	case s.Sys >= s.Ref:
		out.BP = 1
	case s.Sys > 0:
		out.BP = math.Exp(1 - s.Ref/s.Sys)
	}
	any := false
	for i := range o.Order {
		any = any || s.Correct[i] > 0
	}
	if !any {
		return out
	}
	var (
		eff   = o.Order
		decay = 1.0
		logs  float64
	)
	for i := range o.Order {
		correct, total := s.Correct[i], s.Total[i]
		if o.Smoothing == AddK && i > 0 {
			correct += *o.Value
			total += *o.Value
		}
		if total == 0 {
			break
		}
		if o.EffectiveOrder {
			eff = i + 1
		}
		switch {
		case correct != 0:
			out.Precisions[i] = 100 * correct / total
		case o.Smoothing == Exp:
			decay *= 2
			out.Precisions[i] = 100 / (decay * total)
		case o.Smoothing == Floor:
			out.Precisions[i] = 100 * *o.Value / total
		}
	}
	for _, p := range out.Precisions[:eff] {
		if p == 0 {
			logs += -9999999999
		} else {
			logs += math.Log(p)
		}
	}
	out.Score = out.BP * math.Exp(logs/float64(eff))
	return out
}

// Signature says which BLEU a score is, as sacreBLEU writes it. refs is how many references each segment had, 0 when that
// varied; version is weir's.
func (o Options) Signature(refs int, version string) string {
	o = o.filled()
	parts := []string{"nrefs:var", "case:mixed", "eff:no", "tok:" + string(o.Tokenizer), "smooth:" + string(o.Smoothing), "version:weir-" + version, "ref-impl:sacrebleu-2.6.0"}
	if refs > 0 {
		parts[0] = fmt.Sprintf("nrefs:%d", refs)
	}
	if o.Lowercase {
		parts[1] = "case:lc"
	}
	if o.EffectiveOrder {
		parts[2] = "eff:yes"
	}
	if o.Smoothing == Floor || o.Smoothing == AddK {
		parts[4] += fmt.Sprintf("[%.2f]", *o.Value)
	}
	return strings.Join(parts, "|")
}
