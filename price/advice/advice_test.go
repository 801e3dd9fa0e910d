package advice

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"github.com/weir-dev/weir/price"
)

var until = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)

// days of facts, so that what they cost is a tenth of what a month does.
func span(days int) Span {
	since := until.AddDate(0, 0, -days)
	return Span{Since: since, Until: until, First: since, TextsSince: since}
}

func find(f *Facts) []Finding {
	return Find(f, price.Embedded(), func(p string) string { return p })
}

func openai(model string) Group { return Group{Project: "p", Provider: "openai", Model: model} }

// Each kind of finding, with a saving that can be worked out by hand from the prices of gpt-4o (2.50 in, 1.25 cached, 10.00 out) and
// claude-sonnet-4-5 (3.00 in, 3.75 and 6.00 to write), and without one where a figure is too small.
func TestWhatIsFound(t *testing.T) {
	claude := Group{Project: "p", Provider: "anthropic", Model: "claude-sonnet-4-5", Key: "k"}
	users := []UserSpend{{"", 900, 900 * price.Dollar}, {"heavy", 50, 20 * price.Dollar}}
	for i := range 20 {
		users = append(users, UserSpend{fmt.Sprint("u", i), 10, price.Dollar + price.USD(i)*price.Cent})
	}
	for _, c := range []struct {
		name string
		in   Facts
		want Kind
		usd  string // saved in thirty days; "": nothing is found
	}{
		// 100 calls × 2048 tokens × 1.25 per million × 10.
		{"prefixes", Facts{Prefixes: []Prefix{{Group: openai("gpt-4o"), Calls: 120, Unread: 100, Firsts: 20, Bytes: 100 * 8192, Requests: 400_000, Input: 100_000}}}, PromptCaching, "2.560000000"},
		{"few prefixes", Facts{Prefixes: []Prefix{{Group: openai("gpt-4o"), Calls: 9, Unread: 9, Bytes: 9 * 8192, Requests: 400_000, Input: 100_000}}}, "", ""},
		{"short prefixes", Facts{Prefixes: []Prefix{{Group: openai("gpt-4o"), Calls: 120, Unread: 100, Bytes: 100 * 4000, Requests: 400_000, Input: 100_000}}}, "", ""},
		{"prefixes of no price", Facts{Prefixes: []Prefix{{Group: openai("no-such-model"), Calls: 120, Unread: 100, Bytes: 100 * 8192, Requests: 400_000, Input: 100_000}}}, "", ""},
		// What is written for nobody costs more than what is read: 20 firsts × 20000 tokens × 0.75 > 10 reads × … × 2.70.
		{"prefixes that writes would cost more than", Facts{Prefixes: []Prefix{{Group: claude, Calls: 110, Unread: 10, Firsts: 100, Bytes: 10 * 8192, Requests: 400_000, Input: 100_000}}}, "", ""},
		{"repeats", Facts{Repeats: []Repeat{{Group: openai("gpt-4o"), Calls: 30, Hits: 25, Cost: 3 * price.Dollar, Spared: 2 * price.Dollar}}}, ResponseCache, "20.000000000"},
		{"few repeats", Facts{Repeats: []Repeat{{Group: openai("gpt-4o"), Calls: 30, Hits: 9, Cost: 3 * price.Dollar, Spared: 2 * price.Dollar}}}, "", ""},
		// 1,000,000 × 0.75 + 1,000,000 × 3.00, × 10.
		{"unread writes", Facts{Writes: []Writes{{Group: claude, Calls: 50, Unread: 40, Unread5m: 1e6, Unread1h: 1e6, Written: 3e6}}}, UnreadWrites, "37.500000000"},
		{"few unread writes", Facts{Writes: []Writes{{Group: claude, Calls: 50, Unread: 9, Unread5m: 1e6}}}, "", ""},
		{"long inputs", Facts{Inputs: []Inputs{{Group: openai("gpt-4o"), Calls: 100, Median: 100, P95: 5000, Long: 10, Excess: 400_000}}}, LongInputs, "10.000000000"},
		{"not so long inputs", Facts{Inputs: []Inputs{{Group: openai("gpt-4o"), Calls: 1000, Median: 100, P95: 300, Long: 10, Excess: 400_000}}}, "", ""},
		{"long histories", Facts{Histories: []Histories{{Group: openai("gpt-4o"), Sessions: 3, Calls: 30, Input: 700_000, Output: 3000, Excess: 400_000, Cost: 5 * price.Dollar}}}, LongHistories, "10.000000000"},
		{"histories that were cached", Facts{Histories: []Histories{{Group: openai("gpt-4o"), Sessions: 3, Calls: 30, Input: 700_000, Output: 3000, Excess: 400_000, Cost: 50 * price.Cent}}}, LongHistories, "5.000000000"},
		{"paid failures", Facts{Failures: []Failures{{Group: openai("gpt-4o"), Calls: 12, Cost: price.Dollar}}}, PaidFailures, "10.000000000"},
		{"few paid failures", Facts{Failures: []Failures{{Group: openai("gpt-4o"), Calls: 2, Cost: price.Dollar}}}, "", ""},
		{"cut answers", Facts{Cuts: []Cuts{{Group: openai("gpt-4o"), Calls: 30, Again: 12, Cost: price.Dollar}}}, CutAnswers, "10.000000000"},
		{"cut answers that nobody asked for again", Facts{Cuts: []Cuts{{Group: openai("gpt-4o"), Calls: 30, Again: 2, Cost: price.Dollar}}}, "", ""},
		// Median 1.10, median deviation 0.05, and so a deviation of 0.11: a tenth of the median. 20 - 1.10 - 0.33, × 10.
		{"a heavy user", Facts{Users: users}, HeavyUsers, "185.700000000"},
		// One finding for all. Median 1.105, deviation 0.1105: 30 + 20 - 2 × (1.105 + 0.3315), × 10.
		{"heavy users", Facts{Users: append(slices.Clone(users), UserSpend{"heavier", 9, 30 * price.Dollar})}, HeavyUsers, "471.270000000"},
		{"few users", Facts{Users: users[:8]}, "", ""},
		// gpt-4o-mini is at 0.15 in and 0.60 out: 6 % of the price. 3 dollars less 6 %, × 10.
		{"tiny answers", Facts{Outputs: []Outputs{{Group: openai("gpt-4o-2024-08-06"), Calls: 100, Input: 1e6, Output: 50_000, P95: 5, Cost: 3 * price.Dollar}}}, TinyAnswers, "28.200000000"},
		{"answers that are not tiny", Facts{Outputs: []Outputs{{Group: openai("gpt-4o-2024-08-06"), Calls: 100, Input: 1e6, Output: 50_000, P95: 500, Cost: 3 * price.Dollar}}}, "", ""},
		{"tiny answers of a small model", Facts{Outputs: []Outputs{{Group: openai("gpt-4.1-nano"), Calls: 100, Input: 1e6, Output: 50_000, P95: 5, Cost: 3 * price.Dollar}}}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.in.Span = span(3)
			got := find(&c.in)
			if c.usd == "" {
				if len(got) != 0 {
					t.Errorf("found %+v", got)
				}
				return
			}
			if len(got) != 1 || got[0].Kind != c.want || got[0].Saving.String() != c.usd {
				t.Fatalf("found %+v, want one %s that saves %s", got, c.want, c.usd)
			}
			f := got[0]
			if f.Title == "" || f.How == "" || f.Do == "" || len(f.About) == 0 || len(f.Evidence) < 2 {
				t.Errorf("incomplete: %+v", f)
			}
			for _, e := range f.Evidence {
				if _, err := strconv.ParseFloat(e.Value, 64); err != nil || e.Name == "" || e.Unit == "" {
					t.Errorf("evidence %+v is no figure", e)
				}
			}
		})
	}
}

// An hour of calls is not taken for a month: what is reckoned up is at least a day.
func TestAnHourIsNoMonth(t *testing.T) {
	f := Facts{Failures: []Failures{{Group: openai("gpt-4o"), Calls: 12, Cost: price.Dollar}}}
	f.Span = Span{Since: until.AddDate(0, 0, -30), Until: until, First: until.Add(-time.Hour), TextsSince: until.AddDate(0, 0, -7)}
	if got := find(&f); len(got) != 1 || got[0].Saving != 30*price.Dollar {
		t.Errorf("%+v", got)
	}
	f.Span.First = f.Span.Since // texts of seven days: 30/7
	if got := find(&f); len(got) != 1 || got[0].Saving != 4_285_714_286 {
		t.Errorf("%+v", got)
	}
}

// Names of clients do not break out of their line.
func TestNamesAreShort(t *testing.T) {
	g := Group{Model: "m", User: "a\nb\x1b[31m\u202e" + string(make([]byte, 500))}
	if got := named(g); len([]rune(got)) > 80 || strings.ContainsFunc(got, unicode.IsControl) || strings.ContainsRune(got, '\u202e') {
		t.Errorf("%q", got)
	}
}

// Whatever the facts, what is found saves something, and what saves more comes first.
func TestFindingsAreInOrder(t *testing.T) {
	models := []string{"gpt-4o", "gpt-4o-mini", "no-such-model", "gpt-4.1"}
	rapid.Check(t, func(t *rapid.T) {
		n := func(name string) int64 { return rapid.Int64Range(0, 1e9).Draw(t, name) }
		f := Facts{Span: span(rapid.IntRange(0, 40).Draw(t, "days"))}
		for range rapid.IntRange(0, 4).Draw(t, "groups") {
			g := openai(rapid.SampledFrom(models).Draw(t, "model"))
			f.Prefixes = append(f.Prefixes, Prefix{Group: g, Calls: n("c"), Unread: n("u"), Firsts: n("f"), Bytes: n("b"), Requests: n("r"), Input: n("i")})
			f.Writes = append(f.Writes, Writes{Group: g, Calls: n("c"), Unread: n("u"), Unread5m: n("5"), Unread1h: n("1")})
			f.Inputs = append(f.Inputs, Inputs{Group: g, Calls: n("c"), Median: n("m"), P95: n("p"), Long: n("l"), Excess: n("e")})
			f.Histories = append(f.Histories, Histories{Group: g, Calls: n("c"), Input: n("i"), Output: n("o"), Excess: n("e"), Cost: price.USD(n("$"))})
			f.Outputs = append(f.Outputs, Outputs{Group: g, Calls: n("c"), Input: n("i"), Output: n("o"), P95: rapid.Int64Range(0, 30).Draw(t, "p95"), Cost: price.USD(n("$"))})
			f.Users = append(f.Users, UserSpend{fmt.Sprint(n("u")), n("c"), price.USD(n("$"))})
		}
		before := price.MaxUSD
		for _, x := range find(&f) {
			if x.Saving <= 0 || x.Saving > before {
				t.Fatalf("%s saves %s after %s", x.Kind, x.Saving, before)
			}
			before = x.Saving
		}
	})
}
