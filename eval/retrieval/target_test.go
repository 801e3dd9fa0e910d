package retrieval

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// cut makes passages of a text between offsets, without space at their ends as splitters leave it.
func cut(text string, at ...int) []Passage {
	var out []Passage
	from := 0
	for _, to := range append(at, len(text)) {
		part := text[from:to]
		start := from + len(part) - len(strings.TrimLeft(part, " \n"))
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, Passage{ID: string(rune('a' + len(out))), Text: part, Start: start, End: start + len(part)})
		}
		from = to
	}
	return out
}

const leave = "Every employee has thirty\ndays of paid leave.  Unused days expire in March. Ask the office."

func TestHolding(t *testing.T) {
	for name, tt := range map[string]struct {
		passages []Passage
		quote    string
		want     []string
	}{
		"whole in one":                 {cut(leave, 47), "thirty days of paid leave", []string{"a"}},
		"white space is white space":   {cut(leave, 47), " Unused\tdays  expire ", []string{"b"}},
		"cut in two halves":            {cut(leave, 25), "thirty days", []string{"a"}},
		"cut unevenly":                 {cut(leave, 30), "thirty days of paid leave", []string{"b"}},
		"cut in three":                 {cut(leave, 24, 35), "employee has thirty days of paid leave", []string{"a"}},
		"over a gap":                   {cut(leave, 47, 50), "paid leave. Unused days", []string{"a"}},
		"not there":                    {cut(leave, 47), "forty days", nil},
		"no quote":                     {cut(leave, 47), "  ", nil},
		"a passage that says nonsense": {[]Passage{{ID: "a", Text: "thirty days", Start: -5, End: 1 << 60}}, "thirty days", nil},
		"overlapping passages": {
			[]Passage{{ID: "a", Text: leave[:45], End: 45}, {ID: "b", Text: leave[19:45], Start: 19, End: 45}}, "thirty days of paid", []string{"a", "b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(NewText(tt.passages).holding(tt.quote), tt.want, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// However a text is cut, some passage holds a quote of it, and each that is named shares something with it.
func TestHoldingHoweverItIsCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"é", "one", "two", "drei", "\n\n", "fünf."}), 3, 40).Draw(t, "words"), " ")
		words := strings.Fields(text)
		if len(words) == 0 {
			return
		}
		var at []int
		for i := range text {
			if i > 0 && rapid.IntRange(0, 9).Draw(t, "cut here") == 0 {
				at = append(at, i)
			}
		}
		from := rapid.IntRange(0, len(words)-1).Draw(t, "from")
		quote := strings.Join(words[from:rapid.IntRange(from, len(words)-1).Draw(t, "to")+1], " ")
		if got := NewText(cut(text, at...)); got.Count(quote) > 0 && len(got.holding(quote)) == 0 {
			t.Errorf("no passage of %q cut at %v holds %q", text, at, quote)
		}
	})
}

func TestAim(t *testing.T) {
	texts := map[string]*Text{"leave.md": NewText(cut(leave, 47))}
	q := &Question{Relevant: []Label{
		{Document: "leave.md", Quote: "thirty days"},
		{Document: "leave.md", Quote: "paid leave", Grade: 3}, // in the same passage: one item
		{Document: "leave.md", Quote: "Ask the office"},
		{Document: "gone.md", Quote: "whatever"},
		{Document: "travel.md"},
	}}
	got := Aim(q, func(id string) *Text { return texts[id] })
	if diff := cmp.Diff(got.grades(), map[string]float64{"place 1": 3, "place 2": 1, "place 3": 1, "place 4": 1}); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(got.Missing(), []int{3}); diff != "" {
		t.Error(diff)
	}
	for _, tt := range []struct{ id, document, want string }{
		{"a", "leave.md", "place 1"}, {"b", "leave.md", "place 2"}, {"x", "travel.md", "place 4"}, {"y", "other.md", "passage y"},
	} {
		if got := got.itemOf(&Chunk{ID: tt.id, Document: tt.document}); got != tt.want {
			t.Errorf("%s of %s: got %s, want %s", tt.id, tt.document, got, tt.want)
		}
	}
}
