package bleu

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func load(t *testing.T, name string, into any) bool {
	t.Helper()
	dir := os.Getenv("WEIR_VECTORS")
	if dir == "" {
		t.Skip("WEIR_VECTORS does not name the folder of the reference vectors")
	}
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
	return true
}

func TestTokenizers(t *testing.T) {
	var v struct{ Cases []map[string]json.RawMessage }
	load(t, "tokenizers.json", &v)
	for _, c := range v.Cases {
		var input string
		if err := json.Unmarshal(c["input"], &input); err != nil {
			t.Fatal(err)
		}
		for _, k := range Tokenizers {
			var want []string
			if err := json.Unmarshal(c[string(k)], &want); err != nil {
				t.Fatal(err)
			}
			if got := k.Tokens(input); !slices.Equal(got, want) {
				t.Errorf("%s %q: got %q, want %q", k, input, got, want)
			}
		}
	}
}

type params struct {
	Tokenize       string   `json:"tokenize"`
	SmoothMethod   string   `json:"smooth_method"`
	SmoothValue    *float64 `json:"smooth_value"`
	Lowercase      bool     `json:"lowercase"`
	EffectiveOrder bool     `json:"effective_order"`
	MaxOrder       int      `json:"max_ngram_order"`
}

func (p params) options() Options {
	return Options{Tokenizer: Tokenizer(p.Tokenize), Smoothing: Smoothing(p.SmoothMethod), Value: p.SmoothValue, Lowercase: p.Lowercase, Order: p.MaxOrder, EffectiveOrder: p.EffectiveOrder}
}

type corpus struct {
	Hyps []string
	Refs [][]*string
}

func (c corpus) stats(o Options) Stats {
	count := NewCounter(o)
	var sum Stats
	for i, h := range c.Hyps {
		var refs []Reference
		for _, stream := range c.Refs {
			r := Reference{Missing: stream[i] == nil}
			if !r.Missing {
				r.Text = *stream[i]
			}
			refs = append(refs, r)
		}
		s := count.Count(h, refs...)
		sum.Add(&s)
	}
	return sum
}

func TestGenerated(t *testing.T) {
	var v struct {
		Corpora []corpus
		Cases   []struct {
			params
			Corpus     int
			Score      float64
			Counts     []float64
			Totals     []float64
			Precisions []float64
			BP         float64
		}
	}
	load(t, "bleu_generated.json", &v)
	for i, c := range v.Cases {
		o := c.options()
		s := v.Corpora[c.Corpus].stats(o)
		got := s.Score(o)
		counts := o.Smoothing == AddK || slices.Equal(s.Correct[:len(c.Counts)], c.Counts) && slices.Equal(s.Total[:len(c.Totals)], c.Totals) // sacreBLEU adds k to its counts
		if math.Abs(got.Score-c.Score) > 1e-9 || math.Abs(got.BP-c.BP) > 1e-9 || !counts || !nearly(got.Precisions, c.Precisions) {
			t.Errorf("case %d %+v: got %+v, want %+v", i, c.params, got, c)
		}
	}
}

func nearly(got, want []float64) bool {
	return slices.EqualFunc(got, want, func(a, b float64) bool { return math.Abs(a-b) <= 1e-9 })
}

func TestOfficial(t *testing.T) {
	var v struct {
		Cases []struct {
			corpus
			ID        string
			Params    params
			Published float64 `json:"expected_published"`
			Tolerance float64 `json:"published_tolerance"`
			Full      struct{ Score float64 }
		}
		FromStatistics []struct {
			Correct, Total []float64
			SysLen         float64 `json:"sys_len"`
			RefLen         float64 `json:"ref_len"`
			params
			Score float64
		} `json:"from_statistics"`
	}
	load(t, "bleu_official.json", &v)
	for _, c := range v.Cases {
		o := c.Params.options()
		s := c.stats(o)
		if got := s.Score(o).Score; math.Abs(got-c.Full.Score) > 1e-9 || math.Abs(got-c.Published) > c.Tolerance {
			t.Errorf("%s: got %v, want %v (%v)", c.ID, got, c.Full.Score, c.Published)
		}
	}
	for i, c := range v.FromStatistics {
		s := Stats{Sys: c.SysLen, Ref: c.RefLen}
		copy(s.Correct[:], c.Correct)
		copy(s.Total[:], c.Total)
		o := c.options()
		o.Order = len(c.Correct)
		if got := s.Score(o).Score; math.Abs(got-c.Score) > 1e-9 {
			t.Errorf("statistics %d: got %v, want %v", i, got, c.Score)
		}
	}
}

// What sacreBLEU 2.6.0 says of our own inputs; see ../testdata/make.py.
func TestReference(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "testdata", "reference.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Corpora []corpus
		BLEU    []struct {
			Corpus     int
			Tokenize   Tokenizer
			Smooth     Smoothing
			Value      *float64
			Lowercase  bool
			Effective  bool
			Order      int
			Score      float64
			BP         float64
			Precisions []float64
			Sys, Ref   float64
		}
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	for i, c := range v.BLEU {
		o := Options{Tokenizer: c.Tokenize, Smoothing: c.Smooth, Value: c.Value, Lowercase: c.Lowercase, Order: c.Order, EffectiveOrder: c.Effective}
		if err := o.Check(); err != nil {
			t.Fatal(err)
		}
		s := v.Corpora[c.Corpus].stats(o)
		if got := s.Score(o); math.Abs(got.Score-c.Score) > 1e-9 || math.Abs(got.BP-c.BP) > 1e-9 || !nearly(got.Precisions, c.Precisions) || s.Sys != c.Sys || s.Ref != c.Ref {
			t.Errorf("case %d %+v %q: got %+v, want %+v", i, o, v.Corpora[c.Corpus].Hyps, got, c)
		}
	}
	if len(v.BLEU) < 1000 {
		t.Errorf("%d cases", len(v.BLEU))
	}
}

// segments are texts of 8 to 40 words, and the same with a word of five changed.
func segments(n int) (hyps, refs []string) {
	rng := rand.New(rand.NewPCG(1, 1))
	words := make([]string, 5000)
	for i := range words {
		b := make([]byte, 2+rng.IntN(8))
		for k := range b {
			b[k] = byte('a' + rng.IntN(26))
		}
		words[i] = string(b)
	}
	for range n {
		ref := make([]string, 8+rng.IntN(33))
		hyp := make([]string, len(ref))
		for i := range ref {
			ref[i] = words[rng.IntN(len(words))]
			if hyp[i] = ref[i]; rng.IntN(5) == 0 {
				hyp[i] = words[rng.IntN(len(words))]
			}
		}
		hyps, refs = append(hyps, strings.Join(hyp, " ")+`, (said "so").`), append(refs, strings.Join(ref, " ")+".")
	}
	return hyps, refs
}

func BenchmarkCorpus(b *testing.B) {
	hyps, refs := segments(1000)
	count := NewCounter(Options{})
	b.ReportAllocs()
	for b.Loop() {
		var sum Stats
		for i, h := range hyps {
			s := count.Count(h, Reference{Text: refs[i]})
			sum.Add(&s)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(hyps))/b.Elapsed().Seconds(), "segments/s")
}
