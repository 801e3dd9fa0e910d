package price

import (
	"math"
	"strings"
	"testing"

	"github.com/weir-dev/weir/llm"
)

// A price of 0.0005 is half a nanodollar a token; such prices are set by hand.
func TestRounding(t *testing.T) {
	b := with(t,
		Entry{Provider: "x", Model: "half", Input: rate(t, "0.0005"), Output: rate(t, "0.000250")},
		Entry{Provider: "x", Model: "tiny", Input: rate(t, "0.000000000001"), Output: rate(t, "0")},
	)
	for _, c := range []struct {
		what, provider, model string
		usage                 llm.Usage
		want                  USD
	}{
		{"0.5 to 0", "x", "half", llm.Usage{InputUncached: 1}, 0},
		{"1.5 to 2", "x", "half", llm.Usage{InputUncached: 3}, 2},
		{"2.5 to 2", "x", "half", llm.Usage{InputUncached: 5}, 2},
		{"3.5 to 4", "x", "half", llm.Usage{InputUncached: 7}, 4},
		{"0.75 to 1", "x", "half", llm.Usage{InputUncached: 1, OutputText: 1}, 1},
		// each bucket alone would be rounded to 0: the sum 0.5 + 0.25 + 0.25 is 1
		{"the sum, not its parts", "x", "half", llm.Usage{InputUncached: 1, OutputText: 1, Reasoning: 1}, 1},
		// 4 x 3.625 = 14.5, 12 x 3.625 = 43.5
		{"14.5 to 14", "deepseek", "deepseek-v4-pro", llm.Usage{CacheRead: 4}, 14},
		{"43.5 to 44", "deepseek", "deepseek-v4-pro", llm.Usage{CacheRead: 12}, 44},
		{"just under a half", "x", "tiny", llm.Usage{InputUncached: 499_999_999}, 0},
		{"a half", "x", "tiny", llm.Usage{InputUncached: 500_000_000}, 0},
		{"just over a half", "x", "tiny", llm.Usage{InputUncached: 500_000_001}, 1},
	} {
		q := b.Quote(Charge{Provider: c.provider, Model: c.model, Usage: c.usage, At: at(t, "2026-08-01T12:00:00Z")})
		if q.Cost != c.want || q.Status != Exact {
			t.Errorf("%s: %s %d, want %d", c.what, q.Status, q.Cost, c.want)
		}
	}
}

func TestClamping(t *testing.T) {
	b := with(t,
		Entry{Provider: "x", Model: "dollar", Input: rate(t, "999999.999999999999"), Output: rate(t, "999999.999999999999")},
		Entry{Provider: "x", Model: "third", Input: rate(t, "3"), CacheRead: rate(t, "1"), FlexInput: rate(t, "1"), Output: rate(t, "1")},
		Entry{Provider: "x", Model: "nano", Input: rate(t, "0.001")},
	)
	most := llm.Usage{
		InputUncached: math.MaxInt64, CacheRead: math.MaxInt64, CacheWrite5m: math.MaxInt64, CacheWrite1h: math.MaxInt64,
		InputAudio: math.MaxInt64, OutputText: math.MaxInt64, Reasoning: math.MaxInt64, OutputAudio: math.MaxInt64,
	}
	for _, c := range []struct {
		what, model, tier string
		usage             llm.Usage
		want              USD
		clamped           bool
	}{
		{"far beyond 128 bits", "dollar", "", most, MaxUSD, true},
		{"one bucket of it", "dollar", "", llm.Usage{InputUncached: math.MaxInt64}, MaxUSD, true},
		{"in fractions", "third", "flex", most, MaxUSD, true},
		{"the largest amount", "nano", "", llm.Usage{InputUncached: int64(MaxUSD)}, MaxUSD, false},
		{"one nanodollar more", "nano", "", llm.Usage{InputUncached: int64(MaxUSD) + 1}, MaxUSD, true},
		{"the largest count", "nano", "", llm.Usage{InputUncached: math.MaxInt64}, MaxUSD, true},
		{"the smallest count", "nano", "", llm.Usage{InputUncached: math.MinInt64}, 0, false},
	} {
		q := b.Quote(Charge{Provider: "x", Model: c.model, ServiceTier: c.tier, Usage: c.usage, At: today})
		if q.Cost != c.want || q.Clamped != c.clamped || q.Status != Exact {
			t.Errorf("%s: %s %s, clamped %v, want %s, %v", c.what, q.Status, q.Cost, q.Clamped, c.want, c.clamped)
		}
	}
	// The sum that overflows must not have gone round to a small one, nor past the long-context threshold.
	q := Embedded().Quote(Charge{Provider: "openai", Model: "gpt-6.1-sol", Usage: most, At: today})
	if !q.Clamped || !strings.HasSuffix(q.Rule, "over 272000 input tokens") {
		t.Errorf("got %+v, want it clamped at the long price", q)
	}
}

var usual = Charge{
	Provider: "openai", Model: "gpt-4o-mini-2024-07-18", Requested: "gpt-4o-mini", Project: "default", ServiceTier: "default", At: today,
	Usage: llm.Usage{InputUncached: 1200, CacheRead: 1024, OutputText: 300, Reasoning: 64},
}

func TestQuoteDoesNotAllocate(t *testing.T) {
	b := Embedded()
	if n := testing.AllocsPerRun(100, func() { b.Quote(usual) }); n > 0 {
		t.Errorf("Quote allocates %v times, want 0", n)
	}
}

func BenchmarkQuote(b *testing.B) {
	book := Embedded()
	b.ReportAllocs()
	for b.Loop() {
		book.Quote(usual)
	}
}

func BenchmarkExplain(b *testing.B) {
	book := Embedded()
	b.ReportAllocs()
	for b.Loop() {
		book.Explain(usual)
	}
}
