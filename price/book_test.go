package price

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-dev/weir/llm"
)

func with(tb testing.TB, overrides ...Entry) *Book {
	tb.Helper()
	b, err := Embedded().With(overrides...)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestOverrides(t *testing.T) {
	october := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	b := with(t,
		Entry{Provider: "openai", Model: "gpt-4o", Input: rate(t, "2"), Output: rate(t, "8")},
		Entry{Provider: "openai", Model: "gpt-4o", EffectiveFrom: october, Input: rate(t, "1.9"), Output: rate(t, "7.5")},
		Entry{Provider: "openai", Model: "gpt-4o", Project: "search", Input: rate(t, "1"), Output: rate(t, "4")},
		Entry{Provider: "openai", Model: "gpt-6-luna", EffectiveFrom: october, Input: rate(t, "0.09"), Output: rate(t, "0.4")},
		Entry{Provider: "local", Model: "*", Kind: Free},
		Entry{Provider: "local", Model: "qwen3*", Input: rate(t, "0.01"), Output: rate(t, "0.02")},
		Entry{Provider: "local", Model: "rerank", Kind: PerCall, UnitUSD: Cent},
		Entry{Provider: "simulated", Model: "gpt-4o-mini", Input: rate(t, "5"), Output: rate(t, "5")},
	)
	september := october.AddDate(0, 0, -1)
	for _, c := range []struct {
		what   string
		charge Charge
		input  string // price of the entry found
		kind   Kind
		rule   string
	}{
		{"for everybody", Charge{Provider: "openai", Model: "gpt-4o", Project: "chat", At: september}, "2", PerToken, "openai/gpt-4o, set for all projects"},
		{"from its day on", Charge{Provider: "openai", Model: "gpt-4o", Project: "chat", At: october}, "1.9", PerToken, "openai/gpt-4o, effective 2026-10-01, set for all projects"},
		{"of a project, before that for everybody", Charge{Provider: "openai", Model: "gpt-4o", Project: "search", At: october}, "1", PerToken, "openai/gpt-4o, set for project search"},
		{"before its day the catalogue holds", Charge{Provider: "openai", Model: "gpt-6-luna", At: september}, "0.1", PerToken, "openai/gpt-6-luna, effective 2026-09-22"},
		{"before the catalogue, whatever that says of the snapshot", Charge{Provider: "openai", Model: "gpt-4o-2024-08-06", At: october}, "1.9", PerToken, "openai/gpt-4o, effective 2026-10-01, set for all projects; the price of gpt-4o is taken for its snapshot gpt-4o-2024-08-06"},
		{"by the name asked for", Charge{Provider: "openai", Model: "served-by-7", Requested: "gpt-4o", At: october}, "1.9", PerToken, "openai/gpt-4o, effective 2026-10-01, set for all projects; priced as it was asked for"},
		{"other models as listed", Charge{Provider: "openai", Model: "gpt-4o-mini", At: october}, "0.15", PerToken, "openai/gpt-4o-mini"},
		{"a provider's every model", Charge{Provider: "local", Model: "llama3:8b", At: october}, "", Free, "local/*, set for all projects"},
		{"the longest pattern", Charge{Provider: "local", Model: "qwen3:32b", At: october}, "0.01", PerToken, "local/qwen3*, set for all projects"},
		{"the model itself before patterns", Charge{Provider: "local", Model: "rerank", At: october}, "", PerCall, "local/rerank, set for all projects"},
		{"simulated models have prices of their own too", Charge{Provider: "simulated", Model: "gpt-4o-mini", At: october}, "5", PerToken, "simulated/gpt-4o-mini, set for all projects"},
	} {
		c.charge.Usage = llm.Usage{InputUncached: 1}
		e, ok := b.Lookup(c.charge)
		if !ok || e.Input.String() != c.input || e.Kind != c.kind {
			t.Errorf("%s: found %s, input %q, kind %s, %v, want input %q, kind %s", c.what, e.Name(), e.Input, e.Kind, ok, c.input, c.kind)
		}
		if got := b.Quote(c.charge).Rule; got != c.rule {
			t.Errorf("%s:\ngot  rule %s\nwant      %s", c.what, got, c.rule)
		}
	}
}

func TestOverridesRefused(t *testing.T) {
	good := Entry{Provider: "openai", Model: "gpt-4o", Input: rate(t, "2"), Output: rate(t, "8")}
	dated := good
	dated.EffectiveFrom = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	elsewhere := dated
	elsewhere.EffectiveFrom = time.Date(2026, 10, 1, 2, 0, 0, 0, time.FixedZone("", 2*3600)) // the same moment
	forP := good
	forP.Project = "p"
	base := with(t, good, dated, forP)
	for _, c := range []struct {
		what string
		add  []Entry
		want []string
	}{
		{"twice at once", []Entry{{Provider: "a", Model: "x", Kind: Free}, {Provider: "a", Model: "x", Kind: Free}}, []string{"a/x: there are two for all projects from ever"}},
		{"once more", []Entry{good}, []string{"openai/gpt-4o: there are two for all projects from ever"}},
		{"one day twice", []Entry{elsewhere}, []string{"from 2026-10-01"}},
		{"one project twice", []Entry{forP}, []string{"project p"}},
		{"several faults", []Entry{{}, {Provider: "a", Model: "x"}}, []string{"provider is missing", "no price is given"}},
	} {
		_, err := base.With(c.add...)
		for _, want := range c.want {
			if !errors.Is(err, ErrEntry) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q in it", c.what, err, want)
			}
		}
	}
}

func TestBooksDoNotChange(t *testing.T) {
	before := Embedded()
	c := Charge{Provider: "openai", Model: "gpt-4o-mini", Usage: llm.Usage{InputUncached: 1_000_000}, At: today}
	if got, _ := before.Quote(c).Known(); got != 15*Cent {
		t.Fatalf("cost %s, want 0.15", got)
	}
	after := with(t, Entry{Provider: "openai", Model: "gpt-4o-mini", Input: rate(t, "0.1"), Output: rate(t, "0.5")})
	if got, _ := after.Quote(c).Known(); got != 10*Cent {
		t.Errorf("cost %s after the override, want 0.10", got)
	}
	if got, _ := before.Quote(c).Known(); got != 15*Cent {
		t.Errorf("cost %s in the book before the override, want 0.15", got)
	}
}

func TestVersions(t *testing.T) {
	a := with(t, Entry{Provider: "local", Model: "x", Input: rate(t, "1")})
	b := with(t, Entry{Provider: "local", Model: "x", Input: rate(t, "2")})
	c := Charge{Provider: "local", Model: "x", At: today}
	if a.Version() == b.Version() || a.Version() == Embedded().Version() {
		t.Errorf("books with other prices have the versions %s, %s and %s", Embedded().Version(), a.Version(), b.Version())
	}
	if x, y := a.Quote(c).Version, b.Quote(c).Version; x == y || !strings.HasSuffix(x, ":local/x") {
		t.Errorf("two prices of one model have the versions %s and %s, want two that end in :local/x", x, y)
	}
	c = Charge{Provider: "gemini", Model: "gemini-3.6-flash", At: today}
	if got, want := a.Quote(c).Version, "2026-11-23:gemini/gemini-3.6-flash@2026-08-13"; got != want {
		t.Errorf("version %s, want %s", got, want)
	}
}

func TestDefaultPrice(t *testing.T) {
	b := Embedded().WithDefault(Entry{Input: rate(t, "10"), Output: rate(t, "30")})
	c := Charge{Provider: "local", Model: "qwen3", Usage: llm.Usage{InputUncached: 100, OutputText: 10}, At: today}
	q := b.Explain(c)
	// 100 x 10 + 10 x 30 = 1300 millionths
	if q.Cost != 1_300_000 || q.Status != Default || !strings.HasPrefix(q.Version, "default-") {
		t.Errorf("got %+v, want 0.0013 by the default price", q)
	}
	if len(q.Lines) != 2 || q.Lines[0].AmountUSD != "0.001" {
		t.Errorf("lines %+v, want two, the first 0.001", q.Lines)
	}
	c.Provider, c.Model = "openai", "gpt-4o-mini"
	if q := b.Quote(c); q.Status != Exact {
		t.Errorf("a model with a price got %+v, want it exact", q)
	}
	// An embedding has no output price: the default takes over the whole charge.
	c.Model = "text-embedding-3-small"
	if q := b.Quote(c); q.Status != Default || q.Cost != 1_300_000 {
		t.Errorf("a bucket without a price got %+v, want the default price", q)
	}
	// A default that has no price for a bucket leaves it unpriced.
	if q := Embedded().WithDefault(Entry{Input: rate(t, "10")}).Quote(Charge{Provider: "local", Usage: llm.Usage{OutputText: 1}}); q.Status != Unpriced {
		t.Errorf("got %+v, want it unpriced", q)
	}
	// What was set by hand stays.
	set := with(t, Entry{Provider: "local", Model: "qwen3", Kind: Free}).WithDefault(Entry{Input: rate(t, "10")})
	if q := set.Quote(Charge{Provider: "local", Model: "qwen3", Usage: llm.Usage{InputUncached: 1}}); q.Status != Exact || q.Cost != 0 {
		t.Errorf("a model that is free got %+v, want it exact", q)
	}
	if b.Version() != Embedded().Version() {
		t.Errorf("the default changed the version to %s", b.Version())
	}
}

func TestBookIsSafeForConcurrentUse(t *testing.T) {
	b := with(t)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 2 * maxMemo {
				c := Charge{Provider: "openai", Model: "gpt-4o-mini", Project: strconv.Itoa(g*i%5000 + i%7), Usage: llm.Usage{InputUncached: 1_000_000}, At: today}
				if q := b.Quote(c); q.Cost != 15*Cent {
					t.Errorf("got %+v, want 0.15", q)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := len(b.memo.found); n > maxMemo {
		t.Errorf("%d names are remembered, want at most %d", n, maxMemo)
	}
}

func TestPolicy(t *testing.T) {
	for p, want := range map[Policy]bool{RejectUnpriced: true, DefaultPrice: true, AllowUnpriced: true, "": false, "ignore": false} {
		if p.Valid() != want {
			t.Errorf("%q is valid: %v, want %v", p, p.Valid(), want)
		}
	}
}
