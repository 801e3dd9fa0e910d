package hashing

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func embed(t interface {
	Helper()
	Fatal(args ...any)
}, e Embedder, texts ...string,
) [][]float32 {
	t.Helper()
	vectors, err := e.Embed(context.Background(), texts)
	if err != nil {
		t.Fatal(err)
	}
	return vectors
}

func cosine(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// Collections that were made by an earlier weir hold these vectors.
func TestNeverChanges(t *testing.T) {
	sum := sha256.New()
	for _, v := range embed(t, New(64), "A weir is the low dam that measures a river's flow.", "日本語 text, ÜBER ½", "", strings.Repeat("x", 1000)) {
		for _, x := range v {
			_ = binary.Write(sum, binary.LittleEndian, math.Round(float64(x)*1e6))
		}
	}
	const want = "18598e72051c2d6644086dd1fa69e76b54c0ccab09b55281bcff691e53429427"
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		t.Errorf("the vectors have sum %s, want %s: a new form needs a new name in Model", got, want)
	}
	if got, want := New(64).Model(), "hashing-v1/64"; got != want {
		t.Errorf("Model() = %q, want %q", got, want)
	}
}

func TestUnit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := New(rapid.IntRange(1, 300).Draw(t, "dimensions"))
		text := rapid.String().Draw(t, "text")
		v := embed(t, e, text, text)
		if len(v[0]) != e.Dimensions() || !slices.Equal(v[0], v[1]) {
			t.Fatalf("%d dimensions, want %d, twice the same", len(v[0]), e.Dimensions())
		}
		if length := math.Sqrt(cosine(v[0], v[0])); math.Abs(length-1) > 1e-5 {
			t.Fatalf("length %v", length)
		}
	})
}

func TestNear(t *testing.T) {
	v := embed(t, New(384),
		"How are budgets reset at the end of a day?",
		"A budget's window ends with the day; then it is reset to its whole limit.",
		"The engine is loaded from a library that npm delivers.")
	if near, far := cosine(v[0], v[1]), cosine(v[0], v[2]); near < far+0.1 {
		t.Errorf("similarity to the answer %.3f, to something else %.3f", near, far)
	}
}

func TestGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(8).Embed(ctx, []string{"a"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func BenchmarkEmbed(b *testing.B) {
	text := []string{strings.Repeat("Streams are copied event by event, flushed at once, with their bytes unchanged; usage is read on the side. ", 9)}
	e := New(384)
	b.SetBytes(int64(len(text[0])))
	for b.Loop() {
		if _, err := e.Embed(b.Context(), text); err != nil {
			b.Fatal(err)
		}
	}
}
