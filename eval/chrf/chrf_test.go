package chrf

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

func TestVectors(t *testing.T) {
	dir := os.Getenv("WEIR_VECTORS")
	if dir == "" {
		t.Skip("WEIR_VECTORS does not name the folder of the reference vectors")
	}
	b, err := os.ReadFile(filepath.Join(dir, "chrf.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Cases []struct {
			ID     json.RawMessage
			Level  string
			Hyps   []string
			Refs   [][]*string
			Params struct {
				CharOrder  int     `json:"char_order"`
				WordOrder  int     `json:"word_order"`
				Beta       float64 `json:"beta"`
				Lowercase  bool    `json:"lowercase"`
				Whitespace bool    `json:"whitespace"`
				Eps        bool    `json:"eps_smoothing"`
			}
			Score float64
			Name  string
		}
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	for _, c := range v.Cases {
		p := c.Params
		o := Options{CharOrder: &p.CharOrder, WordOrder: p.WordOrder, Beta: &p.Beta, Lowercase: p.Lowercase, Whitespace: p.Whitespace, EpsSmoothing: p.Eps}
		count := NewCounter(o)
		var sum Stats
		for i, h := range c.Hyps {
			var refs []*string
			for _, stream := range c.Refs {
				refs = append(refs, stream[i])
			}
			s := count.Count(h, refs...)
			sum.Add(&s)
		}
		if got := sum.Score(o); math.Abs(got-c.Score) > 1e-9 || o.Name() != c.Name {
			t.Errorf("%s %+v: got %v (%s), want %v (%s)", c.ID, p, got, o.Name(), c.Score, c.Name)
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
		Corpora []struct {
			Hyps []string
			Refs [][]*string
		}
		ChrF []struct {
			Corpus     int
			CharOrder  int `json:"char_order"`
			WordOrder  int `json:"word_order"`
			Beta       float64
			Whitespace bool
			Eps        bool
			Lowercase  bool
			Score      float64
		}
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	for i, c := range v.ChrF {
		o := Options{CharOrder: &c.CharOrder, WordOrder: c.WordOrder, Beta: &c.Beta, Lowercase: c.Lowercase, Whitespace: c.Whitespace, EpsSmoothing: c.Eps}
		count := NewCounter(o)
		var sum Stats
		for k, h := range v.Corpora[c.Corpus].Hyps {
			var refs []*string
			for _, stream := range v.Corpora[c.Corpus].Refs {
				refs = append(refs, stream[k])
			}
			s := count.Count(h, refs...)
			sum.Add(&s)
		}
		if got := sum.Score(o); math.Abs(got-c.Score) > 1e-9 {
			t.Errorf("case %d %q: got %v, want %+v", i, v.Corpora[c.Corpus].Hyps, got, c)
		}
	}
	if len(v.ChrF) < 150 {
		t.Errorf("%d cases", len(v.ChrF))
	}
}
