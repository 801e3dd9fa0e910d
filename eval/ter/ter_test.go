package ter

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
	b, err := os.ReadFile(filepath.Join(dir, "ter.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Cases []struct {
			ID     json.RawMessage
			Hyps   []string
			Refs   [][]*string
			Params struct {
				Normalized    bool
				NoPunct       bool `json:"no_punct"`
				Asian         bool `json:"asian_support"`
				CaseSensitive bool `json:"case_sensitive"`
			}
			Score     float64
			Edits     float64 `json:"num_edits"`
			RefLength float64 `json:"ref_length"`
		}
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	for _, c := range v.Cases {
		o := Options{c.Params.Normalized, c.Params.NoPunct, c.Params.Asian, c.Params.CaseSensitive}
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
		if got := sum.Score(); math.Abs(got-c.Score) > 1e-9 || sum.Edits != c.Edits || math.Abs(sum.Ref-c.RefLength) > 1e-9 {
			t.Errorf("%s %+v: got %v %+v, want %v, %v edits, %v words", c.ID, o, got, sum, c.Score, c.Edits, c.RefLength)
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
		TER []struct {
			Corpus        int
			Normalized    bool
			NoPunct       bool `json:"no_punct"`
			Asian         bool
			CaseSensitive bool `json:"case_sensitive"`
			Score         float64
			Edits, Ref    float64
		}
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	for i, c := range v.TER {
		o := Options{c.Normalized, c.NoPunct, c.Asian, c.CaseSensitive}
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
		if got := sum.Score(); math.Abs(got-c.Score) > 1e-9 || sum.Edits != c.Edits || math.Abs(sum.Ref-c.Ref) > 1e-9 {
			t.Errorf("case %d %q: got %v %+v, want %+v", i, v.Corpora[c.Corpus].Hyps, got, sum, c)
		}
	}
	if len(v.TER) < 300 {
		t.Errorf("%d cases", len(v.TER))
	}
}
