package report

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/weir-dev/weir/price"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// full has something in every part.
func full(t *testing.T) *Report {
	t.Helper()
	p := At(Week, time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC), zone(t, "Europe/Berlin"))
	r := &Report{
		Kind: Week, Name: p.Name(), Title: p.Title(), Since: p.Since.UTC(), Until: p.Until.UTC(), Through: p.Until.UTC(), Timezone: "Europe/Berlin", Project: "support",
		MadeAt: p.Until.Add(8 * time.Hour).UTC(), URL: "https://weir.test/reports?of=2026-W47&period=week&project=support",
		Total: Figures{Calls: 12_345, Errors: 120, UnpricedCalls: 1, CacheHits: 800, CostUSD: new(price.USD(123_456_789_012)), SavedUSD: 4_500_000_000, InputTokens: 9_876_543, OutputTokens: 1_234_567, LatencyP50MS: new(812.4), LatencyP95MS: new(4210.0)},
		Before: Before{
			Name: "2026-W46", Since: p.Before().Since.UTC(), Until: p.Since.UTC(),
			Total:     Figures{Calls: 10_000, Errors: 90, CostUSD: new(price.USD(100_000_000_000)), LatencyP50MS: new(800.0), LatencyP95MS: new(3990.0)},
			ChangeUSD: new(price.USD(23_456_789_012)), ChangePercent: new(23.456789012),
		},
		Budgets: []Budget{
			{Name: "support-month", Scope: map[string]string{"project": "support"}, Window: price.Month, LimitUSD: new(400 * price.Dollar), Windows: 1, SpentUSD: 331 * price.Dollar, UsedPercent: new(82.75), PeriodUSD: new(price.USD(123_456_789_012))},
			{Name: "support-day", Scope: map[string]string{"project": "support"}, Window: price.Day, LimitUSD: new(20 * price.Dollar), LimitCalls: new(int64(3000)), Windows: 7, Reached: 2, SpentUSD: 21 * price.Dollar, SpentCalls: 2900, UsedPercent: new(105.0), PeriodUSD: new(price.Dollar)},
			{Name: "burst", Scope: map[string]string{"project": "support"}, Window: "rolling:24h0m0s", LimitTokens: new(int64(1_000_000))},
		},
		Forecast: Forecast{Name: p.After().Title(), At: p.Until.UTC(), ExpectedUSD: new(price.USD(130_000_000_000)), LowUSD: new(118 * price.Dollar), HighUSD: new(145 * price.Dollar), Level: 0.8, Method: "seasonal"},
		Savings: Savings{
			SavedUSD: 4_500_000_000, BeforeUSD: 4 * price.Dollar, Asked: 4000, Exact: CacheUse{700, 4 * price.Dollar}, Semantic: CacheUse{100, 500_000_000}, HitPercent: new(20.0),
			WithoutUSD: new(price.USD(127_956_789_012)), SavedPercent: new(3.5168), InputTokens: 9_000_000, CachedTokens: 3_000_000, CachedShare: new(100.0 / 3),
		},
		Routes: []Route{{Model: "fast", Calls: 5000, CostUSD: 8 * price.Dollar, Targets: []RouteTarget{{"openai", "gpt-4o-mini", 4500, 5 * price.Dollar}, {"openai", "gpt-4o", 500, 3 * price.Dollar}}, Compared: 4990, Dearest: "openai/gpt-4o", DearestUSD: new(30 * price.Dollar), ReturnUSD: new(22 * price.Dollar)}},
		Movers: []Movers{
			{By: "model", Rows: []Mover{{"gpt-4o", 80 * price.Dollar, 50 * price.Dollar, 30 * price.Dollar, 2000, "https://weir.test/calls?model=gpt-4o"}, {"claude-haiku-4-5", 0, 6_543_210_988, -6_543_210_988, 0, "https://weir.test/calls?model=claude-haiku-4-5"}}, More: 1},
			{By: "user", Rows: []Mover{{"", 3 * price.Cent, 0, 3 * price.Cent, 12, ""}}},
			{By: "prompt", Rows: []Mover{}},
			{By: "key", Rows: []Mover{}},
		},
		Scores: []Score{
			{Name: "helpfulness", Kind: "number", N: 500, Mean: new(0.8412), BeforeN: 480, BeforeMean: new(0.8001)},
			{Name: "tone", Kind: "category", N: 40, Categories: map[string]int64{"warm": 30, "neutral": 9, "cold": 1}},
		},
		Incidents: Incidents{
			Alerts:   []Alert{{Rule: "errors", Labels: map[string]string{"model": "gpt-4o"}, Severity: "ALERT", Since: p.Since.Add(50 * time.Hour).UTC(), Until: new(p.Since.Add(51 * time.Hour).UTC()), Value: "12 %", URL: "https://weir.test/alerts?rule=errors"}, {Rule: "spend", Labels: map[string]string{}, Severity: "WARNING", Since: p.Since.Add(30 * time.Hour).UTC(), URL: "https://weir.test/alerts?rule=spend"}},
			Peaks:    []Peak{{Since: p.Since.Add(50 * time.Hour).UTC(), Until: p.Since.Add(52 * time.Hour).UTC(), Calls: 300, Errors: 60, Percent: 20, URL: "https://weir.test/calls?status=error"}},
			Breaches: []Breach{{Budget: "support-day", Kind: "refused", Count: 17, First: p.Since.Add(41 * time.Hour).UTC(), Last: new(p.Since.Add(90 * time.Hour).UTC())}, {Budget: "support-month", Kind: "refused", Count: 3, Beyond: true, First: p.Since.Add(41 * time.Hour).UTC()}},
		},
	}
	past := p.Before().Days()
	for i, day := range p.Days() {
		r.Days = append(r.Days, Day{Day: day, Calls: int64(1500 + i), Errors: int64(10 + i), CostUSD: new(price.USD(i+12) * price.Dollar), SavedUSD: price.Cent, BeforeDay: past[i], BeforeUSD: new(price.USD(18-i) * price.Dollar)})
	}
	return r
}

// empty is a month in which nothing was called, which is not over.
func empty() *Report {
	p := At(Month, time.Date(2026, 2, 10, 0, 0, 0, 0, time.UTC), time.UTC)
	r := &Report{
		Kind: Month, Name: p.Name(), Title: p.Title(), Since: p.Since, Until: p.Until, Through: p.Since.Add(10 * 24 * time.Hour), Timezone: "UTC", MadeAt: p.Since.Add(10 * 24 * time.Hour),
		Total: Figures{CostUSD: new(price.USD(0))}, Before: Before{Name: "2026-01", Total: Figures{CostUSD: new(price.USD(0))}, ChangeUSD: new(price.USD(0))}, Forecast: Forecast{Name: p.Title(), Method: "none"},
		Movers: []Movers{{By: "model"}, {By: "user"}, {By: "prompt"}, {By: "key"}},
	}
	for _, day := range p.Days()[:10] {
		r.Days = append(r.Days, Day{Day: day, CostUSD: new(price.USD(0))})
	}
	return r
}

func TestGolden(t *testing.T) {
	for name, r := range map[string]*Report{"full": full(t), "empty": empty()} {
		page, err := r.HTML()
		if err != nil {
			t.Fatal(err)
		}
		for file, got := range map[string]string{name + ".html": page, name + ".txt": r.Subject() + "\n\n" + r.Brief() + "\n\n" + r.Text()} {
			golden := filepath.Join("testdata", file)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", file, diff)
			}
		}
	}
}

// Names that clients chose are text, whatever is in them, and do not grow without end.
func TestHostileNames(t *testing.T) {
	const nasty = "<img src=x onerror=alert(1)>\" onmouseover=\"alert(2)\r\n</style><script>alert(3)</script>\u202egnp.exe {{.}}"
	long := strings.Repeat("ü", 10_000)
	plain := shape(t, mustHTML(t, named(t, "x")))
	for _, name := range []string{nasty, long, "javascript:alert(1)", "\xff\xfe", "שלום\u202b עולם"} {
		r := named(t, name)
		page, err := r.HTML()
		if err != nil {
			t.Fatal(err)
		}
		if got := shape(t, page); got != plain {
			t.Errorf("%.40q changes the elements of the page:\n%s", name, cmp.Diff(plain, got))
		}
		text := r.Subject() + r.Brief() + r.Text()
		for _, bad := range []string{"\u202e", "\u202b", "\r", "\xff", long} {
			if strings.Contains(text, bad) || bad != "\r" && strings.Contains(page, bad) {
				t.Errorf("%.40q: %.20q is left in it", name, bad)
			}
		}
		if len(page) > 60_000 || len(text) > 30_000 {
			t.Errorf("%.40q makes %d and %d bytes of it", name, len(page), len(text))
		}
	}
}

// named is a report in which everything that others name has one name.
func named(t *testing.T, name string) *Report {
	t.Helper()
	r := full(t)
	r.Project = name
	for i := range r.Movers {
		r.Movers[i].Rows = []Mover{{Name: name, CostUSD: price.Dollar, ChangeUSD: price.Dollar, URL: "javascript:alert(1)"}}
	}
	r.Budgets[0].Name, r.Routes[0].Model, r.Routes[0].Targets[0].Model, r.Routes[0].Dearest = name, name, name, name
	r.Scores[0].Name, r.Scores[1].Categories = name, map[string]int64{name: 1}
	r.Incidents.Alerts[0].Rule, r.Incidents.Alerts[0].Labels, r.Incidents.Alerts[0].Value = name, map[string]string{name: name}, name
	r.Incidents.Breaches[0].Budget = name
	return r
}

func mustHTML(t *testing.T, r *Report) string {
	t.Helper()
	page, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// shape is the elements of a page with the names of their attributes, and refuses what could run or load.
func shape(t *testing.T, page string) string {
	t.Helper()
	var b strings.Builder
	for z := html.NewTokenizer(strings.NewReader(page)); z.Next() != html.ErrorToken; {
		token := z.Token()
		if token.Type != html.StartTagToken && token.Type != html.SelfClosingTagToken {
			continue
		}
		if token.Data == "br" || token.Data == "a" { // a name that is none has no link
			continue
		}
		fmt.Fprintf(&b, "%s", token.Data)
		for _, a := range token.Attr {
			fmt.Fprintf(&b, " %s", a.Key)
			if strings.HasPrefix(a.Key, "on") || a.Key == "src" || a.Key == "href" && !strings.HasPrefix(a.Val, "https://weir.test/") && !strings.HasPrefix(a.Val, "#") {
				t.Errorf("%s has %s=%.60q", token.Data, a.Key, a.Val)
			}
		}
		b.WriteByte('\n')
		switch token.Data {
		case "script", "iframe", "img", "link", "object", "base", "form":
			t.Errorf("there is a %s", token.Data)
		}
	}
	return b.String()
}

func TestAmounts(t *testing.T) {
	for u, want := range map[price.USD]string{
		0: "$0.00", 1: "$0.000000001", 13_500: "$0.0000135", 123_456: "$0.000123", 5 * price.Cent: "$0.05", 999_999_999: "$1.00", price.Dollar: "$1.00", 1_005_000_000: "$1.00", 1_015_000_000: "$1.02",
		1_234_567_890_123_456: "$1,234,567.89", -2 * price.Dollar: "−$2.00", price.MaxUSD: "$1,000,000,000.00",
	} {
		if got := usd(u); got != want {
			t.Errorf("%s is shown as %s, want %s", u, got, want)
		}
	}
}
