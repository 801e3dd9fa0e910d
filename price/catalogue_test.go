package price

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestEmbeddedIsWhole(t *testing.T) {
	b := Embedded()
	if err := b.check(); err != nil {
		t.Fatal(err)
	}
	if b.Version() != "2026-11-23" {
		t.Errorf("version %s, want 2026-11-23", b.Version())
	}
	count := map[string]int{}
	for e := range b.Entries() {
		count[e.Provider]++
		if e.Status == "" || e.Kind == PerToken && len(e.Sources) == 0 {
			t.Errorf("%s has status %q and sources %v, want both", e.Name(), e.Status, e.Sources)
		}
	}
	for provider, want := range map[string]int{
		"anthropic": 39, "azure": 106, "bedrock": 90, "cohere": 10, "deepseek": 8, "fireworks": 42, "gemini": 30, "groq": 12,
		"mistral": 35, "openai": 142, "openrouter": 87 + 1, // the free variants
		"perplexity": 5, "together": 33, "vertex": 40, "xai": 34,
	} {
		if count[provider] != want {
			t.Errorf("%s has %d prices, want %d", provider, count[provider], want)
		}
		if !slices.Contains(listed, provider) {
			t.Errorf("%s is not searched for simulated models", provider)
		}
		delete(count, provider)
	}
	if len(count) > 0 {
		t.Errorf("unexpected providers %v", count)
	}
}

// Every alias with a fixed meaning leads to a price, and every entry is found by its own name on its first day.
func TestEveryNameLeadsToAPrice(t *testing.T) {
	b := Embedded()
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for e := range b.Entries() {
		if got, ok := b.Find(e.Provider, e.Model, e.EffectiveFrom); !ok || got.Model != e.Model || !got.EffectiveFrom.Equal(e.EffectiveFrom) {
			t.Errorf("%s from %s finds %s, %v", e.Name(), since(e.EffectiveFrom), got.Name(), ok)
		}
	}
	for l := range b.aliases.lines() {
		if isPattern(l.alias) {
			continue
		}
		if _, ok := b.Find(l.provider, l.alias, now); !ok {
			t.Errorf("alias %s of %s finds no price", l.alias, l.provider)
		}
	}
}

const smallCatalogue = `{"weir_prices":1,"version":"2026-01-01"}
{"alias":"small","provider":"a","model":"x"}
{"provider":"a","model":"x","kind":"token","input_usd_per_mtok":"1","output_usd_per_mtok":"2"}
`

func TestCatalogueSaysWhatIsWrong(t *testing.T) {
	if b, err := parseCatalogue(smallCatalogue); err != nil {
		t.Fatal(err)
	} else if err := b.check(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, want string }{
		{"", "line 1: "},
		{`{"weir_prices":2,"version":"2026-01-01"}`, "line 1: weir_prices is 2, want 1"},
		{`{"weir_prices":1,"version":"new"}`, `line 1: version "new" is no day`},
		{`{"weir_prices":1,"version":"2026-01-01"} {}`, "line 1: more than one"},
		{smallCatalogue + "nonsense", "line 4: "},
		{smallCatalogue + `{"model":"x","provider":"a"}`, "line 4: "},
		{smallCatalogue + `{"provider":"a","model":"y","effective_from":"soon","kind":"free"}`, "line 4: "},
		{smallCatalogue + `{"provider":"a","model":"x","kind":"free"}`, "line 4: invalid price of a/x: there are two from ever"},
		{smallCatalogue + `{"alias":"small","provider":"a","model":"y"}`, "line 4: alias \"small\" of a has two meanings"},
		{smallCatalogue + `{"alias":"big"}`, "line 4: "},
		{smallCatalogue + `{"alias":"big","provider":"a"}`, "line 4: "},
		{smallCatalogue + `{"alias":"big","provider":"a","model":"x","times":"-2"}`, "line 4: "},
		{smallCatalogue + `{"provider":"a","model":"y","kind":"token","input_usd_per_mtok":"much"}`, "line 4: "},
		{smallCatalogue + `{"provider":"a","model":"y","kind":"token"}`, "line 4: "},
		{smallCatalogue + `{"provider":"a","model":"y","kind":"free","provider":"b"}`, "line 4: "},
	} {
		b, err := parseCatalogue(c.text)
		if err == nil {
			err = b.check()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\ngot  %v\nwant %s", c.text, err, c.want)
		}
	}
}

func FuzzCatalogue(f *testing.F) {
	f.Add(smallCatalogue)
	f.Add(smallCatalogue + `{"alias":"*[1m]","provider":"a","model":"$1","times":"0.5"}` + "\n")
	f.Add(smallCatalogue + `{"provider":"a","model":"y*","effective_from":"2026-02-03","kind":"call","unit_usd":"1"}` + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		b, err := parseCatalogue(text)
		if err == nil {
			err = b.check()
		}
		if err != nil {
			if !strings.Contains(err.Error(), "line ") {
				t.Fatalf("the error names no line: %v", err)
			}
			return
		}
		for e := range b.Entries() {
			if _, ok := b.Find(e.Provider, e.Model, e.EffectiveFrom); !ok {
				t.Fatalf("%s is not found by its own name", e.Name())
			}
		}
	})
}

func BenchmarkParseCatalogue(b *testing.B) {
	for b.Loop() {
		if _, err := parseCatalogue(catalogue); err != nil {
			b.Fatal(err)
		}
	}
}
