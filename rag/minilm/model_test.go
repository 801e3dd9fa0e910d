//go:build hugot

package minilm

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/weir-dev/weir/rag"
)

// reference is what sentence-transformers 5 gives for all-MiniLM-L6-v2.
func reference(t *testing.T) (texts []string, ids [][]uint32, vectors [][]float32) {
	t.Helper()
	text, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		Text   string
		IDs    []uint32
		Vector []byte // base64 of little-endian float32
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		v := make([]float32, len(one.Vector)/4)
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(one.Vector[4*i:]))
		}
		texts, ids, vectors = append(texts, one.Text), append(ids, one.IDs), append(vectors, v)
	}
	return texts, ids, vectors
}

func cosine(a, b []float32) float64 {
	var dot, aa, bb float64
	for i := range a {
		dot += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return dot / math.Sqrt(aa*bb)
}

// TestModelAgreesWithTheReference needs the model: WEIR_MINILM_DIR names its folder.
func TestModelAgreesWithTheReference(t *testing.T) {
	dir := os.Getenv("WEIR_MINILM_DIR")
	if dir == "" {
		t.Skip("WEIR_MINILM_DIR names no folder of all-MiniLM-L6-v2")
	}
	folder, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := Load("local:all-MiniLM-L6-v2", folder)
	if err != nil {
		t.Fatal(err)
	}
	texts, ids, want := reference(t)
	for i, text := range texts {
		if got := folder.Tokenizer.IDs(text, folder.MaxTokens); !slices.Equal(got, ids[i]) {
			t.Errorf("tokens of %.60q: %v, want %v", text, got, ids[i])
		}
	}
	got, err := loaded.Embed(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		if c := cosine(got[i], want[i]); !(c >= 0.9999) {
			t.Errorf("the vector of %.60q has the cosine %v to the reference's", text, c)
		}
		var square float64
		for _, x := range got[i] {
			square += float64(x) * float64(x)
		}
		if math.Abs(square-1) > 1e-5 {
			t.Errorf("the vector of %.60q has the length %v", text, math.Sqrt(square))
		}
	}
	// Alone, beside others and in another order a text has the same vector.
	alone, err := loaded.Embed(t.Context(), texts[4:5])
	if err != nil {
		t.Fatal(err)
	}
	if c := cosine(alone[0], got[4]); c < 0.999999 {
		t.Errorf("alone a text has another vector: cosine %v", c)
	}

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := loaded.Embed(ended, texts); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context's end: %v", err)
	}

	// No text has a token beyond the vocabulary or the positions; the error of one that had would name it.
	m := loaded.(*Model)
	bad := [][]uint32{ids[4], slices.Repeat([]uint32{7592}, 600)}
	wide := *folder
	wide.MaxTokens = 600
	m.folder = &wide
	if err := m.batch(t.Context(), m.many, bad, []int{0, 1}, 600, make([][]float32, 2)); !errors.Is(err, rag.ErrTextRefused) || !strings.Contains(err.Error(), "text 1:") {
		t.Errorf("a text that is longer than the network's positions: %v", err)
	}
}
