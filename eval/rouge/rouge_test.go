package rouge

import (
	"bufio"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func vectors(t *testing.T, name string) []byte {
	t.Helper()
	dir := os.Getenv("WEIR_VECTORS")
	if dir == "" {
		t.Skip("WEIR_VECTORS does not name the folder of the reference vectors")
	}
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestStems(t *testing.T) {
	lines := bufio.NewScanner(strings.NewReader(string(vectors(t, "porter_nltk.tsv"))))
	n := 0
	for lines.Scan() {
		word, want, ok := strings.Cut(lines.Text(), "\t")
		if !ok || strings.HasPrefix(word, "#") {
			continue
		}
		n++
		if got := Stem(word); got != want {
			t.Errorf("%s: got %s, want %s", word, got, want)
		}
	}
	if n < 9000 {
		t.Errorf("%d words", n)
	}
}

type prf struct{ Precision, Recall, Fmeasure float64 }

type pair struct {
	ID, Target, Prediction string
	Type                   string
	UseStemmer             bool    `json:"use_stemmer"`
	Published              *prf    `json:"expected_published"`
	Tolerance              float64 `json:"published_tolerance"`
	Full                   map[string]prf
}

func TestScores(t *testing.T) {
	var v struct {
		Official, Generated []pair
		Tokens              []struct {
			Input          string
			Plain, Stemmed []string
		}
	}
	if err := json.Unmarshal(vectors(t, "rouge.json"), &v); err != nil {
		t.Fatal(err)
	}
	for _, c := range v.Tokens {
		if got := Standard.Tokens(c.Input, false); !slices.Equal(got, c.Plain) {
			t.Errorf("%q: got %q, want %q", c.Input, got, c.Plain)
		}
		if got := Standard.Tokens(c.Input, true); !slices.Equal(got, c.Stemmed) {
			t.Errorf("stemmed %q: got %q, want %q", c.Input, got, c.Stemmed)
		}
	}
	types := []Type{"rouge1", "rouge2", "rouge3", "rouge4", L, Lsum}
	scorers := map[bool]*Scorer{false: NewScorer(Options{Types: types}), true: NewScorer(Options{Types: types, Stem: true})}
	for i, c := range slices.Concat(v.Official, v.Generated) {
		got := scorers[c.UseStemmer].Score(c.Prediction, c.Target)
		for k, ty := range types {
			want := c.Full[string(ty)]
			if math.Abs(got[k].Precision-want.Precision) > 1e-9 || math.Abs(got[k].Recall-want.Recall) > 1e-9 || math.Abs(got[k].F-want.Fmeasure) > 1e-9 {
				t.Errorf("%d %s %s: got %+v, want %+v of %q against %q", i, c.ID, ty, got[k], want, c.Prediction, c.Target)
			}
			if c.Published != nil && c.Type == string(ty) && math.Abs(got[k].F-c.Published.Fmeasure) > c.Tolerance {
				t.Errorf("%s: got %+v, published is %+v", c.ID, got[k], c.Published)
			}
		}
	}
}

// What rouge_score 0.1.2 says of our own inputs; see ../testdata/make.py.
func TestReference(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "testdata", "reference.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Rouge []struct {
			Hyp, Ref string
			Stem     bool
			Scores   map[Type][3]float64
		}
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	types := []Type{"rouge1", "rouge2", "rouge3", "rouge9", L, Lsum}
	for i, c := range v.Rouge {
		for k, got := range NewScorer(Options{Types: types, Stem: c.Stem}).Score(c.Hyp, c.Ref) {
			want := c.Scores[types[k]]
			if math.Abs(got.Precision-want[0]) > 1e-9 || math.Abs(got.Recall-want[1]) > 1e-9 || math.Abs(got.F-want[2]) > 1e-9 {
				t.Errorf("case %d %s of %q against %q: got %+v, want %v", i, types[k], c.Hyp, c.Ref, got, want)
			}
		}
	}
	if len(v.Rouge) < 100 {
		t.Errorf("%d cases", len(v.Rouge))
	}
}
