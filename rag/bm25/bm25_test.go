package bm25

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/weir-dev/weir/rag"
)

// vectors are facts of Qdrant's own implementation.
type vectors struct {
	IDs       map[string]uint32 `json:"token_ids"`
	Documents []struct {
		Tokens  []string           `json:"tokens"`
		Average float64            `json:"avg_len"`
		Weights map[string]float64 `json:"weights"`
		Indices map[string]uint32  `json:"indices"`
	} `json:"documents"`
	IDF []struct {
		N   int64   `json:"N"`
		DF  int64   `json:"df"`
		IDF float64 `json:"idf"`
	} `json:"idf_reference"`
}

func TestQdrant(t *testing.T) {
	text, err := os.ReadFile("testdata/bm25_qdrant.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.IDs) < 20 || len(v.Documents) < 4 || len(v.IDF) < 5 {
		t.Fatalf("the vectors hold %d ids, %d documents and %d frequencies", len(v.IDs), len(v.Documents), len(v.IDF))
	}
	for word, want := range v.IDs {
		if got := ID(word); got != want {
			t.Errorf("ID(%q) = %d, want %d", word, got, want)
		}
	}
	for _, d := range v.Documents {
		got := weigh(d.Tokens, d.Average)
		want := make(map[uint32]float32)
		for word, weight := range d.Weights {
			want[d.Indices[word]] = float32(weight)
		}
		if diff := cmp.Diff(asMap(got), want); diff != "" {
			t.Errorf("weights of %v (-got +want):\n%s", d.Tokens, diff)
		}
	}
	for _, f := range v.IDF {
		if got := IDF(f.N, f.DF); math.Abs(got-f.IDF) > 1e-12 {
			t.Errorf("IDF(%d, %d) = %v, want %v", f.N, f.DF, got, f.IDF)
		}
	}
}

func asMap(terms rag.Terms) map[uint32]float32 {
	m := make(map[uint32]float32)
	for i, id := range terms.IDs {
		m[id] = terms.Weights[i]
	}
	return m
}

func TestWords(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"The cats sat on the MATS.", []string{"cat", "sat", "mat"}},
		{"I don't think it's running; weren't the runners' shoes generously sized?", []string{"think", "run", "runner", "shoe", "generous", "size"}},
		{"max_tokens=4096, gpt-4o", []string{"max", "token", "4096", "gpt", "4o"}},
		{"Äpfel und CAFÉS, 日本語 ½", []string{"äpfel", "und", "café", "日本語", "½"}},
		{"to be or not to be", []string{}},
		{" \t\n.,;", []string{}},
		{"\xff\xfebroken\x80bytes", []string{"broken", "byte"}},
		{strings.Repeat("Ab", 40), []string{strings.Repeat("ab", 40)}}, // too long to be a word of English
	} {
		if diff := cmp.Diff(Words(c.text), c.want); diff != "" {
			t.Errorf("Words(%q) (-got +want):\n%s", c.text, diff)
		}
	}
}

// TestDocument: what must hold of every text.
func TestDocument(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		average := rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(0.01, 500)).Draw(t, "average")
		terms, words := Document(text, average)
		if len(terms.IDs) != len(terms.Weights) || len(terms.IDs) > words {
			t.Fatalf("%d ids, %d weights of %d words", len(terms.IDs), len(terms.Weights), words)
		}
		for i, w := range terms.Weights {
			if !(w > 0) || math.IsInf(float64(w), 0) {
				t.Fatalf("weight %v", w)
			}
			if i > 0 && terms.IDs[i-1] >= terms.IDs[i] {
				t.Fatalf("ids %v are not ascending and unique", terms.IDs)
			}
		}
		if q := Query(text); !slices.Equal(q.IDs, terms.IDs) {
			t.Fatalf("a text asked for itself has ids %v, want %v", q.IDs, terms.IDs)
		}
	})
}

// Two words whose ids are the same weigh what both weigh, and are asked for once.
func TestCollision(t *testing.T) {
	one, other := collision(t)
	got := weigh([]string{one, other}, 2)
	alone := weigh([]string{one, "elsewhere"}, 2)
	if len(got.IDs) != 1 || len(alone.IDs) != 2 {
		t.Fatalf("%q and %q have ids %v", one, other, got.IDs)
	}
	if want := 2 * asMap(alone)[ID(one)]; got.Weights[0] != want {
		t.Errorf("weight %v, want %v", got.Weights[0], want)
	}
	q := Query(one + " " + other)
	if diff := cmp.Diff(q, rag.Terms{IDs: []uint32{ID(one)}, Weights: []float32{1}}); diff != "" {
		t.Errorf("query (-got +want):\n%s", diff)
	}
}

// collision finds two words of one id: among a hundred thousand there are two in all likelihood, and always the same ones.
func collision(t *testing.T) (one, other string) {
	t.Helper()
	seen := make(map[uint32]string)
	digits := []byte("q000000")
	for range 1_000_000 {
		for i := len(digits) - 1; i > 0; i-- {
			if digits[i]++; digits[i] <= '9' {
				break
			}
			digits[i] = '0'
		}
		word := string(digits)
		if first, ok := seen[ID(word)]; ok {
			return first, word
		}
		seen[ID(word)] = word
	}
	t.Fatal("no two words of one id")
	return "", ""
}

func BenchmarkDocument(b *testing.B) {
	text := strings.Repeat("Streams are copied event by event, flushed at once, with their bytes unchanged; usage is read on the side. ", 9)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		Document(text, DefaultAverage)
	}
}
