package tokens

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPiecesAddUp(t *testing.T) {
	for _, enc := range []Encoding{O200k, CL100k} {
		rapid.Check(t, func(t *rapid.T) {
			text := rapid.OneOf(rapid.String(), rapid.SampledFrom(slices.Sorted(maps.Values(scripts)))).Draw(t, "text")
			text = strings.ToValidUTF8(text, "?")
			last, sum := 0, 0
			for end, count := range Pieces(enc, text) {
				if got := CountString(enc, text[last:end]); end <= last || got != count {
					t.Fatalf("the piece %q has %d tokens, said to have %d", text[last:end], got, count)
				}
				last, sum = end, sum+count
			}
			if want := CountString(enc, text); last != len(text) || sum != want {
				t.Fatalf("%d tokens of %d bytes, want %d of %d", sum, last, want, len(text))
			}
		})
	}
	for end := range Pieces(O200k, "Hello world") { // stops when it is told to
		if end != 5 {
			t.Errorf("the first piece ends at %d, want 5", end)
		}
		break
	}
}
