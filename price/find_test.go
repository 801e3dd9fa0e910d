package price

import (
	"strings"
	"testing"
	"time"
)

// today is a Monday outside DeepSeek's peak hours.
var today = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestFind(t *testing.T) {
	for _, c := range []struct {
		rule, provider, model, want string // want is the entry's model; empty: no price
	}{
		{"the name as it is", "openai", "gpt-4o-mini", "gpt-4o-mini"},
		{"the snapshot as it is", "openai", "gpt-4o-mini-2024-07-18", "gpt-4o-mini-2024-07-18"},
		{"nothing is guessed from the beginning of a name", "openai", "gpt-4o-mini-turbo", ""},

		{"alias to a fixed model", "mistral", "mistral-large-latest", "mistral-large-2512"},
		{"alias of an alias", "openai", "gpt-5.6-2026-07-09", "gpt-5.6-sol"},
		{"alias only at its provider", "groq", "mistral-large-latest", ""},
		{"alias with a star", "azure", "gpt-35-turbo-0125", "gpt-3.5-turbo-0125"},
		{"alias of a version", "gemini", "gemini-2.5-flash-001", "gemini-2.5-flash"},
		{"suffix", "anthropic", "claude-sonnet-4-5-thinking", "claude-sonnet-4-5"},
		{"suffix in brackets", "anthropic", "claude-sonnet-4-5[1m]", "claude-sonnet-4-5"},
		{"two suffixes", "anthropic", "claude-sonnet-4-5-thinking[1m]", "claude-sonnet-4-5"},
		{"routing preference", "openrouter", "anthropic/claude-sonnet-4.5:nitro", "anthropic/claude-sonnet-4.5"},
		{"resource name", "gemini", "models/gemini-2.5-pro", "gemini-2.5-pro"},
		{"resource name and version", "gemini", "models/gemini-2.5-flash-001", "gemini-2.5-flash"},
		{"resource name at vertex", "vertex", "publishers/anthropic/models/claude-haiku-4-5@20251001", "claude-haiku-4-5@20251001"},
		{"owner at vertex", "vertex", "google/gemini-2.5-pro", "gemini-2.5-pro"},
		{"vertex, default version", "vertex", "claude-opus-5@default", "claude-opus-5"},
		{"vertex, new version", "vertex", "claude-opus-5@20260724", "claude-opus-5"},
		{"fine-tuned", "openai", "ft:gpt-4o-mini-2024-07-18:acme::abc123", "ft:gpt-4o-mini-2024-07-18"},
		{"fine-tuned, a checkpoint", "openai", "ft:gpt-4o-mini-2024-07-18:acme:x:abc123:ckpt-step-90", "ft:gpt-4o-mini-2024-07-18"},
		{"fine-tuned without a price of its own", "openai", "ft:gpt-5:acme::abc123", ""},
		{"geo profile", "bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"},
		{"geo profile before the premium", "bedrock", "apac.anthropic.claude-3-haiku-20240307-v1:0", "anthropic.claude-3-haiku-20240307-v1:0"},
		{"geo profile of Nova", "bedrock", "eu.amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"},
		{"ARN of a model", "bedrock", "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"},
		{"ARN of a profile", "bedrock", "arn:aws:bedrock:eu-west-1:1234:inference-profile/eu.anthropic.claude-opus-5", "us.anthropic.claude-opus-5"},
		{"short name", "fireworks", "kimi-k2p6", "accounts/fireworks/models/kimi-k2p6"},
		{"dedicated deployment: no list price", "fireworks", "accounts/acme/deployedModels/kimi-k2p6-1", ""},
		{"moving name of a vendor: no list price", "openrouter", "~anthropic/claude-sonnet-latest", ""},
		{"free variant", "openrouter", "qwen/qwen3-coder:free", "*:free"},

		{"snapshot with dashes", "openai", "gpt-6.1-sol-2026-12-01", "gpt-6.1-sol"},
		{"snapshot without", "anthropic", "claude-opus-5-5-20260922", "claude-opus-5-5"},
		{"snapshot of Bedrock", "bedrock", "anthropic.claude-sonnet-5-20260630-v1:0", "anthropic.claude-sonnet-5"},
		{"eight digits that are no date", "anthropic", "claude-opus-5-5-20269922", ""},

		{"provider in front", "openai", "openai/gpt-4o-mini", "gpt-4o-mini"},
		{"provider in front of an alias", "mistral", "mistral/mistral-large-latest", "mistral-large-2512"},
		{"provider in front of OpenRouter's name", "openrouter", "openrouter/openai/gpt-4o", "openai/gpt-4o"},
		{"another provider in front", "openai", "anthropic/claude-sonnet-4-5", ""},

		{"a provider that the book does not know", "local", "gpt-4o-mini", ""},
		{"no provider", "", "gpt-4o-mini", ""},
		{"the simulated provider", "simulated", "gpt-4o-mini", "gpt-4o-mini"},
		{"the simulated provider, an alias", "simulated", "mistral-large-latest", "mistral-large-2512"},
		{"the simulated provider, nobody's model", "simulated", "weir-1", ""},
		{"a name too long to be one", "openai", "gpt-4o-mini" + strings.Repeat("-", maxModel), ""},
	} {
		got, ok := Embedded().Find(c.provider, c.model, today)
		if got.Model != c.want || ok != (c.want != "") {
			t.Errorf("%s: Find(%s, %s) = %q, %v, want %q", c.rule, c.provider, c.model, got.Model, ok, c.want)
		}
	}
}

func TestSimulatedPrefersTheMaker(t *testing.T) {
	for model, want := range map[string]string{
		"gpt-4o-mini": "openai", "claude-sonnet-4-5": "anthropic", "gemini-2.5-flash": "gemini", "deepseek-v4-pro": "deepseek",
		"llama-3.3-70b-versatile": "groq",
	} {
		if got, _ := Embedded().Find("simulated", model, today); got.Provider != want {
			t.Errorf("%s is priced by %q, want %s", model, got.Provider, want)
		}
	}
}

func TestFindByDate(t *testing.T) {
	for _, c := range []struct{ provider, model, at, input string }{
		{"gemini", "gemini-3.6-flash", "2026-07-20T23:59:59Z", ""}, // not for sale yet
		{"gemini", "gemini-3.6-flash", "2026-07-21T00:00:00Z", "1.5"},
		{"gemini", "gemini-3.6-flash", "2026-08-12T23:59:59.999999999Z", "1.5"},
		{"gemini", "gemini-3.6-flash", "2026-08-13T00:00:00Z", "0.75"},
		{"gemini", "gemini-3.6-flash", "2026-12-31T23:59:59Z", "0.75"},
		{"gemini", "gemini-3.6-flash", "2027-01-01T00:30:00+01:00", "0.75"}, // still the year before in UTC
		{"gemini", "gemini-3.6-flash", "2027-01-01T00:00:00Z", "1.5"},
		{"gemini", "gemini-flash-latest", "2027-01-01T00:00:00Z", "1.5"},     // through the alias
		{"openai", "gpt-5.6-luna-2026-07-09", "2026-07-15T00:00:00Z", "1"},   // the snapshot's own row starts later
		{"openai", "gpt-5.6-luna-2026-07-09", "2026-07-30T00:00:00Z", "0.2"}, // and then holds
		{"openai", "o3", "2026-11-23T00:00:00Z", "2"},
		{"anthropic", "claude-sonnet-5-5", "0001-01-01T00:00:00Z", "2"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // found, then remembered
			if got, _ := Embedded().Find(c.provider, c.model, at); got.Input.String() != c.input {
				t.Errorf("%s/%s at %s has input price %q, want %q", c.provider, c.model, c.at, got.Input, c.input)
			}
		}
	}
}

// A rule that says there is no list price stops the search, but not at a price set by hand.
func TestNoListPrice(t *testing.T) {
	b, err := parseCatalogue(smallCatalogue + `{"alias":"own-*","provider":"a","unpriced":true}
{"provider":"a","model":"own-x","kind":"token","input_usd_per_mtok":"1"}
`)
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := b.Find("a", "own-x-20260101", today); ok {
		t.Errorf("found %s, want nothing: the rule is more than a snapshot's date", e.Name())
	}
	if _, ok := b.Find("a", "own-x", today); !ok {
		t.Error("a price of the very name is not found")
	}
	if b, err = b.With(Entry{Provider: "a", Model: "*", Kind: Free}); err != nil {
		t.Fatal(err)
	}
	if e, ok := b.Find("a", "own-x-20260101", today); !ok || e.Kind != Free {
		t.Errorf("found %s, %v, want the price set for all models", e.Name(), ok)
	}
}

// What is remembered is what a fresh search finds, on every day on which something changes and beside it.
func TestMemoryIsRight(t *testing.T) {
	b := with(t)
	for _, nanos := range b.dates {
		for _, off := range []time.Duration{time.Nanosecond, 0, -time.Nanosecond} {
			for _, model := range []string{"gemini/gemini-3.6-flash", "gemini/gemini-flash-latest", "openai/gpt-5.6-luna", "deepseek/deepseek-v4-flash", "anthropic/claude-sonnet-5-5"} {
				provider, name, _ := strings.Cut(model, "/")
				c := Charge{Provider: provider, Model: name, At: time.Unix(0, nanos).Add(off)}
				got, want := b.lookup(&c), b.resolve(&c)
				if (got == nil) != (want == nil) || got != nil && got.entry != want.entry {
					t.Errorf("%s at %s: %+v is remembered, %+v is right", model, c.At.UTC(), got, want)
				}
			}
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct{ pattern, s, want string }{
		{"a", "a", ""},
		{"a", "ab", "no"},
		{"*", "", "<>"},
		{"*-x", "a-x-x", "<a-x>"},
		{"ft:*:*", "ft:a:b:c", "<a><b:c>"},
		{"v#", "v1", "<1>"},
		{"v#", "v12", "no"},
		{"v##.#", "v12.3", "<12><3>"},
		{"*@########", "m@20260101", "<m><20260101>"},
		{"*", "é", "<é>"},
	} {
		wild, ok := match(c.pattern, c.s)
		got := ""
		for _, w := range wild {
			got += "<" + w + ">"
		}
		if !ok {
			got = "no"
		}
		if got != c.want {
			t.Errorf("match(%q, %q) = %s, want %s", c.pattern, c.s, got, c.want)
		}
	}
}

func TestClosest(t *testing.T) {
	for _, c := range []struct{ provider, model, want string }{
		{"openai", "gpt-4o-minni", "openai/gpt-4o-mini"},
		{"anthropic", "claude-4.5-sonnet", "anthropic/claude-sonnet-4-5"},
		{"gemini", "gemini-2-5-flash", "gemini/gemini-2.5-flash"},
		{"openai", "gpt-9", "openai/gpt-4"},
		{"local", "mistralai/Mistral-Large-2512", "mistral/mistral-large-2512"},
		{"ollama", "zzzzzzzzzzzz", ""},
		{"ollama", "", ""},
	} {
		if got := Embedded().Closest(c.provider, c.model); got != c.want {
			t.Errorf("Closest(%s, %s) = %q, want %q", c.provider, c.model, got, c.want)
		}
	}
}
