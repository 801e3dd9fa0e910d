package text

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestFields(t *testing.T) {
	for in, want := range map[string][]string{
		"":                              {},
		"  ":                            {},
		" a  b\t\nc ":                   {"a", "b", "c"},
		"a\x1cb\x1dc\x1ed\x1fe":         {"a", "b", "c", "d", "e"},
		"a\u00a0b\u2003c\u3000d\u0085e": {"a", "b", "c", "d", "e"},
		"a\u200bb":                      {"a\u200bb"}, // a space of no width is none
		"\x00\x1b":                      {"\x00\x1b"},
	} {
		if got := Fields(in); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
		var got []string
		for token, rest := NextField([]byte(in)); token != nil; token, rest = NextField(rest) {
			got = append(got, string(token))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %q one by one, want %q", in, got, want)
		}
	}
}

func TestLower(t *testing.T) {
	for in, want := range map[string]string{
		"plain":      "plain",
		"ABC xyz":    "abc xyz",
		"İstanbul":   "i̇stanbul",
		"ΟΔΟΣ":       "οδος",
		"ΟΔΟΣ.":      "οδος.",
		"ΣΊΣΥΦΟΣ ΑΣ": "σίσυφος ας",
		"Σ":          "σ",
		"ΑΣ'":        "ας'",
		"ΑΣ'Α":       "ασ'α",
		"ẞ":          "ß",
		"DŽ":         "dž",
	} {
		if got := Lower(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestGrams(t *testing.T) {
	items := []int32{1, 2, 1, 2, 3}
	var g Grams
	a := append([]int32(nil), items...)
	other := []int32{2, 1, 2, 9}
	b := append([]int32(nil), other...)
	for order, want := range []struct {
		a, b []int32
	}{
		{[]int32{0, 1, 0, 1, 2}, []int32{1, 0, 1, -1}},
		{[]int32{0, 1, 0, 2}, []int32{1, 0, -1}},
		{[]int32{0, 1, 2}, []int32{1, -1}},
	} {
		g.Reset()
		a = g.Extend(a, items, order+1, true)
		b = g.Extend(b, other, order+1, false)
		if !slices.Equal(a, want.a) || !slices.Equal(b, want.b) {
			t.Errorf("order %d: %v and %v, want %v and %v", order+1, a, b, want.a, want.b)
		}
	}
}

func TestLines(t *testing.T) {
	read := func(in string, isJSON bool) (out []string, err error) {
		l := NewLines("f", iotest.OneByteReader(strings.NewReader(in)), isJSON)
		for {
			s, err := l.Next()
			if errors.Is(err, io.EOF) {
				return out, nil
			}
			if err != nil {
				return out, err
			}
			if s == nil {
				out = append(out, "(null)")
			} else {
				out = append(out, *s)
			}
		}
	}
	for in, want := range map[string][]string{
		"":                 nil,
		"a":                {"a"},
		"a\n":              {"a"},
		"a\r\nb\rc\n\nd\r": {"a", "b", "c", "", "d"},
		"\n\n":             {"", ""},
	} {
		if got, err := read(in, false); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %q, %v, want %q", in, got, err, want)
		}
	}
	if got, err := read("\"a\\nb\"\nnull\r\n\"\"", true); err != nil || !slices.Equal(got, []string{"a\nb", "(null)", ""}) {
		t.Errorf("got %q, %v", got, err)
	}
	for in, word := range map[string]string{"ok\n\xff\n": "f, line 2: not valid UTF-8 at byte 1", "\"a\"\nb\n": "f, line 2: want one JSON string", "\"a\"\n\n": "line 2", "[1]": "line 1"} {
		if _, err := read(in, in != "ok\n\xff\n"); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q: %v, want %q in it", in, err, word)
		}
	}
}
