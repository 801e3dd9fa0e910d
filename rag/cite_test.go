package rag

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const handbook = "# Leave\n\nEvery employee has **30 days** of paid leave a year — “part-timers” pro rata.\nUnused days expire on 31\u00a0March.\n\nCafe\u0301 vouchers are worth € 5."

func handbookSources() []*Source {
	from := strings.Index(handbook, "Every")
	return []*Source{
		{Number: 1, Candidate: &Candidate{Chunk: Chunk{ID: "c1", Document: "leave.md", Title: "Leave"}}, Text: handbook[from:], Start: from, End: len(handbook)},
		{Number: 2, Candidate: &Candidate{Chunk: Chunk{ID: "c2", Document: "travel.md"}}, Text: "Trains before planes.", Start: 100, End: 121},
	}
}

func TestCite(t *testing.T) {
	type short struct {
		Source   int
		Quote    string
		Verified bool
	}
	for name, test := range map[string]struct {
		answer, block string
		want          []short
	}{
		"letter by letter":         {"30 days [1].", `[1] "Unused days expire"`, []short{{1, "Unused days expire", true}}},
		"other quotes and spaces":  {"x [1]", "[1] “every employee has 30 days of paid leave a year - \"part-timers\" pro  rata.”", []short{{1, "Every employee has **30 days** of paid leave a year — “part-timers” pro rata.", true}}},
		"a hard space":             {"x [1]", `[1]: "expire on 31 March"`, []short{{1, "expire on 31\u00a0March", true}}},
		"composed characters":      {"x [1]", `- [1] "Café vouchers"`, []short{{1, "Cafe\u0301 vouchers", true}}},
		"a stop that is not there": {"x [1]", `[1] "30 days of paid leave."`, []short{{1, "30 days** of paid leave", true}}},
		"an ellipsis":              {"x [1]", `[1] "Every employee … expire on 31 March"`, []short{{1, "Every employee", true}, {1, "expire on 31\u00a0March", true}}},
		"not in the source":        {"x [2]", `[2] "Unused days expire"`, []short{{2, "Unused days expire", false}}},
		"changed words":            {"x [1]", `[1] "Unused days never expire"`, []short{{1, "Unused days never expire", false}}},
		"half of a word":           {"x [1]", `[1] "nused days expir"`, []short{{1, "nused days expir", false}}},
		"half an ellipsis":         {"x [1]", `[1] "Unused days ... never"`, []short{{1, "Unused days ... never", false}}},
		"no such source":           {"x [7]", `[7] "Unused days"`, []short{{7, "Unused days", false}}},
		"a mark without a quote":   {"Days that are unused days expire on 31 March [1].", "", []short{{1, "Unused days expire on 31\u00a0March", true}}},
		"a mark and other words":   {"Take the train [2]!", "", []short{{2, "", false}}},
		"in the answer itself":     {`It says "trains before planes" [2].`, "", []short{{2, "Trains before planes", true}}},
		"two in one mark":          {"a [1, 2]", "[1] \"Unused days\"\n[2] \"Trains\"", []short{{1, "Unused days", true}, {2, "Trains", true}}},
		"a quote of two lines":     {"a [1]", "[1] \"pro rata.\nUnused days\"", []short{{1, "pro rata.\nUnused days", true}}},
		"two on one line":          {"a [1]", `[1] "pro rata" [2]: "Trains before planes" - [1] "Unused days"`, []short{{1, "pro rata", true}, {2, "Trains before planes", true}, {1, "Unused days", true}}},
		"without quotes around it": {"a [1]", "[1] Unused days\n[2] Trains", []short{{1, "Unused days", true}, {2, "Trains", true}}},
		"the same twice":           {"a [1] b [1]", "[1] \"Unused days\"\n[1] \"unused days\"", []short{{1, "Unused days", true}}},
		"nothing":                  {"I do not know.", "", nil},
		"an empty quote":           {"a", `[1] ""`, nil},
		"a year in brackets":       {"a [2024]", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []short
			for _, c := range Cite(test.answer, test.block, handbookSources()) {
				got = append(got, short{c.Source, c.Quote, c.Verified})
				if c.Verified && c.Document == "leave.md" && handbook[c.Start:c.End] != c.Quote {
					t.Errorf("document[%d:%d] is %q, not %q", c.Start, c.End, handbook[c.Start:c.End], c.Quote)
				}
				if !c.Verified && (c.Start != 0 || c.End != 0) {
					t.Errorf("not verified, and yet at %d:%d", c.Start, c.End)
				}
			}
			if diff := cmp.Diff(got, test.want); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCiteProperties(t *testing.T) {
	words := rapid.SliceOfN(rapid.SampledFrom([]string{"Alpha", "béta", "“gamma”", "5\u00a0%", "**bold**", "e\u0301", "ﬁne", "-", "x", "日本", "\n"}), 1, 20)
	rapid.Check(t, func(t *rapid.T) {
		list := words.Draw(t, "text")
		text := strings.Join(list, " ")
		lead := strings.Repeat("§", rapid.IntRange(0, 3).Draw(t, "lead"))
		s := &Source{Number: 1, Candidate: &Candidate{Chunk: Chunk{ID: "c", Document: "d"}}, Text: text, Start: len(lead), End: len(lead) + len(text)}
		from := rapid.IntRange(0, len(list)-1).Draw(t, "from")
		to := rapid.IntRange(from+1, len(list)).Draw(t, "to")
		quote := strings.Join(list[from:to], " ")
		if fold(quote).text == "" {
			return
		}
		got := Cite("said [1]", `[1] "`+strings.ToUpper(quote)+`"`, []*Source{s})
		for _, c := range got {
			if !c.Verified {
				if strings.Trim(fold(quote).text, `-"' `) == "" {
					return // only marks
				}
				t.Fatalf("%q is in %q and was not found", quote, text)
			}
			if whole := lead + text; whole[c.Start:c.End] != c.Quote || !utf8.ValidString(c.Quote) {
				t.Fatalf("[%d:%d] of %q is not %q", c.Start, c.End, whole, c.Quote)
			}
		}
	})
}

func FuzzCite(f *testing.F) {
	f.Add("30 days [1].", `[1] "Unused days expire"`)
	f.Add("[1][2, 3] \xff “x” [1]", "[1] … [2] ... \n[999]")
	f.Fuzz(func(t *testing.T, answer, block string) {
		for _, c := range Cite(answer, block, handbookSources()) {
			if c.Verified && c.Document == "leave.md" && handbook[c.Start:c.End] != c.Quote {
				t.Errorf("document[%d:%d] is not %q", c.Start, c.End, c.Quote)
			}
		}
	})
}

func TestQuoteFilter(t *testing.T) {
	const whole = "  Thirty days [1].\n\n<QUOTES>\n[1] \"30 days\"\n</quotes>\n\nBye <q> a<b </quote"
	wantShown, wantBlock := "Thirty days [1].\n\nBye <q> a<b </quote", "\n[1] \"30 days\"\n"
	rapid.Check(t, func(t *rapid.T) {
		var f quoteFilter
		var shown strings.Builder
		for rest := whole; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "bytes")
			shown.WriteString(f.Write(rest[:n]))
			rest = rest[n:]
		}
		rest, block := f.End()
		shown.WriteString(rest)
		if got := shown.String(); got != wantShown || f.Shown() != wantShown {
			t.Fatalf("shown %q (%q), want %q", got, f.Shown(), wantShown)
		}
		if block != wantBlock {
			t.Fatalf("block %q, want %q", block, wantBlock)
		}
	})
}
