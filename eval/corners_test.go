package eval

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/weir-dev/weir/eval/bleu"
	"github.com/weir-dev/weir/eval/chrf"
	"github.com/weir-dev/weir/eval/rouge"
	"github.com/weir-dev/weir/eval/ter"
)

// What sacreBLEU 2.6.0 and rouge_score 0.1.2 say of segments made of what implementations differ on; see testdata/corners.py.
func TestCorners(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "corners.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Tokenizers []bleu.Tokenizer
		Rouge      []rouge.Type
		Segments   []struct {
			Hyp       string
			Refs      []string
			Lowercase bool
			Bleu      []float64
			Chrf      []float64
			Ter       []float64
			Rouge     [][]float64
		}
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Segments) < 200 {
		t.Errorf("%d segments", len(v.Segments))
	}
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-9 }
	for n, c := range v.Segments {
		var refs []bleu.Reference
		var texts []*string
		for i := range c.Refs {
			refs, texts = append(refs, bleu.Reference{Text: c.Refs[i]}), append(texts, &c.Refs[i])
		}
		for i, k := range v.Tokenizers {
			o := bleu.Options{Tokenizer: k, Smoothing: bleu.Exp, Lowercase: c.Lowercase, EffectiveOrder: true}
			s := bleu.NewCounter(o).Count(c.Hyp, refs...)
			if got := s.Score(o).Score; !near(got, c.Bleu[i]) {
				t.Errorf("%d: BLEU %s of %q against %q: got %v, want %v", n, k, c.Hyp, c.Refs, got, c.Bleu[i])
			}
		}
		for i, o := range []chrf.Options{{}, {WordOrder: 2}, {WordOrder: 2, Lowercase: true, Whitespace: true}} {
			s := chrf.NewCounter(o).Count(c.Hyp, texts...)
			if got := s.Score(o); !near(got, c.Chrf[i]) {
				t.Errorf("%d: %s of %q against %q: got %v, want %v", n, o.Name(), c.Hyp, c.Refs, got, c.Chrf[i])
			}
		}
		for i, o := range []ter.Options{{}, {Normalized: true, NoPunctuation: true, Asian: true, CaseSensitive: true}} {
			s := ter.NewCounter(o).Count(c.Hyp, texts...)
			if got := s.Score(); !near(got, c.Ter[i]) {
				t.Errorf("%d: TER %+v of %q against %q: got %v, want %v", n, o, c.Hyp, c.Refs, got, c.Ter[i])
			}
		}
		for i, stem := range []bool{false, true} {
			for k, got := range rouge.NewScorer(rouge.Options{Types: v.Rouge, Stem: stem}).Score(c.Hyp, c.Refs[0]) {
				if want := c.Rouge[i][3*k : 3*k+3]; !near(got.Precision, want[0]) || !near(got.Recall, want[1]) || !near(got.F, want[2]) {
					t.Errorf("%d: %s (stem %v) of %q against %q: got %+v, want %v", n, v.Rouge[k], stem, c.Hyp, c.Refs[0], got, want)
				}
			}
		}
	}
}
