package price

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
)

func TestUnpriced(t *testing.T) {
	b := with(t, Entry{Provider: "x", Model: "input", Input: rate(t, "1")}, Entry{Provider: "x", Model: "output", Output: rate(t, "1")})
	for _, c := range []struct {
		what   string
		charge Charge
		rule   string
	}{
		{"no such model", Charge{Provider: "openai", Model: "gpt-99", Usage: llm.Usage{InputUncached: 1}}, "no price is known for openai/gpt-99"},
		{"no such provider", Charge{Provider: "local", Model: "gpt-4o", Usage: llm.Usage{InputUncached: 1}}, "no price is known for local/gpt-4o"},
		{"before its first day", Charge{Provider: "openai", Model: "gpt-6-luna", At: at(t, "2026-09-21T00:00:00Z"), Usage: llm.Usage{InputUncached: 1}}, "no price is known for openai/gpt-6-luna"},
		{"output of an embedding", Charge{Provider: "openai", Model: "text-embedding-3-small", Usage: llm.Usage{InputUncached: 1, OutputText: 1}}, "openai/text-embedding-3-small; output text: no price is known"},
		{"reasoning without any output price", Charge{Provider: "x", Model: "input", Usage: llm.Usage{InputUncached: 1, Reasoning: 1}}, "x/input, set for all projects; reasoning: no price is known"},
		{"a cache read without any input price", Charge{Provider: "x", Model: "output", Usage: llm.Usage{CacheRead: 1, OutputText: 1}}, "x/output, set for all projects; cache read: no price is known"},
		{"seconds against a price per token", Charge{Provider: "openai", Model: "gpt-4o-transcribe", Units: llm.Units{AudioSeconds: 8.5}}, "openai/gpt-4o-transcribe; the price is per token, and the answer was counted in other units"},
		{"images against a price per token", Charge{Provider: "openai", Model: "gpt-4o", Units: llm.Units{Image: 1}}, "openai/gpt-4o; the price is per token, and the answer was counted in other units"},
		{"no seconds against a price per second", Charge{Provider: "y", Model: "z", Usage: llm.Usage{InputUncached: 1}}, "y/z, set for all projects; the price is per second, and the seconds are not known"},
		{"seconds that are no number", Charge{Provider: "y", Model: "z", Units: llm.Units{AudioSeconds: math.NaN()}}, "y/z, set for all projects; the price is per second, and the seconds are not known"},
	} {
		book, err := b.With(Entry{Provider: "y", Model: "z", Kind: PerSecond, UnitUSD: Cent})
		if err != nil {
			t.Fatal(err)
		}
		if c.charge.At.IsZero() {
			c.charge.At = today
		}
		q := book.Explain(c.charge)
		if _, known := q.Known(); known || q.Status != Unpriced || q.Cost != 0 || q.Rule != c.rule {
			t.Errorf("%s: %s %s (%s), want unpriced (%s)", c.what, q.Status, q.Cost, q.Rule, c.rule)
		}
	}
}

func TestUnits(t *testing.T) {
	b := with(t,
		Entry{Provider: "x", Model: "second", Kind: PerSecond, UnitUSD: 100_000},
		Entry{Provider: "x", Model: "call", Kind: PerCall, UnitUSD: 25 * Cent},
		Entry{Provider: "x", Model: "free", Kind: Free},
	)
	for _, c := range []struct {
		what   string
		charge Charge
		want   string
		lines  []Line
	}{
		// 8.47 x 0.0001, by the decimal and not by the binary fraction nearest to it
		{"seconds", Charge{Model: "second", Units: llm.Units{AudioSeconds: 8.47}}, "0.000847000", []Line{{Bucket: "audio_seconds", Tokens: 8, AmountUSD: "0.000847", Rule: "8.47 seconds at 0.000100000 dollars"}}},
		{"no seconds, nothing used", Charge{Model: "second"}, "0.000000000", nil},
		{"a call", Charge{Model: "call", Usage: llm.Usage{InputUncached: 7}, Units: llm.Units{Image: 1}}, "0.250000000", []Line{
			{Bucket: "input_uncached", Tokens: 7, AmountUSD: "0", Rule: "not billed by token"},
			{Bucket: "call", Tokens: 1, AmountUSD: "0.250000000", Rule: "0.250000000 dollars a call"},
			{Bucket: "image", Tokens: 1, AmountUSD: "0", Rule: "in the price of the call"},
		}},
		{"free", Charge{Model: "free", Usage: llm.Usage{OutputText: 7}, Units: llm.Units{WebSearch: 2}}, "0.000000000", []Line{
			{Bucket: "output_text", Tokens: 7, PerMTok: "0", AmountUSD: "0", Rule: "free"},
			{Bucket: "web_search", Tokens: 2, AmountUSD: "0", Rule: "free"},
		}},
	} {
		c.charge.Provider, c.charge.At = "x", today
		q := b.Explain(c.charge)
		if q.Cost.String() != c.want || q.Status != Exact {
			t.Errorf("%s: %s %s (%s), want %s exact", c.what, q.Status, q.Cost, q.Rule, c.want)
		}
		if diff := cmp.Diff(c.lines, q.Lines); diff != "" {
			t.Errorf("%s: lines (-want +got):\n%s", c.what, diff)
		}
	}
}

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		what   string
		charge Charge
		rule   string
		lines  []Line
	}{
		{
			"long, flex, cached, searched",
			Charge{
				Provider: "openai", Model: "gpt-6.1-sol-2026-12-01", ServiceTier: "flex",
				Usage: llm.Usage{InputUncached: 272_000, CacheRead: 10, CacheWrite5m: 4, OutputText: 20, Reasoning: 3}, Units: llm.Units{WebSearch: 2},
			},
			"openai/gpt-6.1-sol, effective 2026-09-29; the price of gpt-6.1-sol is taken for its snapshot gpt-6.1-sol-2026-12-01; service tier flex; over 272000 input tokens; 2 web searches not priced",
			[]Line{
				{"input_uncached", 272_000, "2", "0.544", "input uncached, flex: 0.5 x input, over 272000 input tokens: 2 x input"},
				{"cache_read", 10, "0.1", "0.000001", "cache read, flex: 0.5 x input, over 272000 input tokens: 2 x input"},
				{"cache_write_5m", 4, "2.5", "0.00001", "cache write 5m, flex: 0.5 x input, over 272000 input tokens: 2 x input"},
				{"output_text", 20, "7.5", "0.00015", "output text, flex: 0.5 x output, over 272000 input tokens: 1.5 x output"},
				{"reasoning", 3, "7.5", "0.0000225", "reasoning, as output text, flex: 0.5 x output, over 272000 input tokens: 1.5 x output"},
				{"web_search", 2, "", "", "counted, not priced: no list price per search"},
			},
		},
		{
			"peak, without an audio price",
			Charge{Provider: "deepseek", Model: "deepseek-flash", At: at(t, "2026-11-23T01:00:00Z"), Usage: llm.Usage{CacheRead: 1, InputAudio: 1}},
			"deepseek/deepseek-flash, effective 2026-09-10; peak hour 01:00-04:00 06:00-10:00 UTC",
			[]Line{
				{"cache_read", 1, "0.006", "0.000000006", "cache read, peak hour 01:00-04:00 06:00-10:00 UTC"},
				{"input_audio", 1, "0.3", "0.0000003", "input audio, no price of its own, as input uncached, peak hour 01:00-04:00 06:00-10:00 UTC: 2 x input"},
			},
		},
		{
			"a price that no decimal can write",
			Charge{Provider: "fireworks", Model: "kimi-k2p6", ServiceTier: "priority", Usage: llm.Usage{CacheRead: 19}},
			"fireworks/accounts/fireworks/models/kimi-k2p6; kimi-k2p6 is another name of accounts/fireworks/models/kimi-k2p6 (short name); service tier priority",
			[]Line{{"cache_read", 19, "0.252631578947368421052632", "0.0000048", "cache read, priority: 30/19 x input (exactly 24/95, shown with 24 decimals)"}},
		},
		{
			"no price",
			Charge{Provider: "local", Model: "qwen3", Usage: llm.Usage{InputUncached: 5}, Units: llm.Units{AudioSeconds: 0.5}},
			"no price is known for local/qwen3",
			[]Line{
				{"input_uncached", 5, "", "", "no price is known"},
				{"audio_seconds", 1, "", "", "0.5 seconds, counted: no price per second"},
			},
		},
		{
			"no price for one bucket",
			Charge{Provider: "openai", Model: "text-embedding-3-small", Usage: llm.Usage{InputUncached: 5, OutputText: 1}},
			"openai/text-embedding-3-small; output text: no price is known",
			[]Line{
				{"input_uncached", 5, "0.02", "0.0000001", "input uncached"},
				{"output_text", 1, "", "", "output text: no price is known"},
			},
		},
	} {
		if c.charge.At.IsZero() {
			c.charge.At = today
		}
		q := Embedded().Explain(c.charge)
		if q.Rule != c.rule {
			t.Errorf("%s:\ngot  rule %s\nwant      %s", c.what, q.Rule, c.rule)
		}
		if diff := cmp.Diff(c.lines, q.Lines); diff != "" {
			t.Errorf("%s: lines (-want +got):\n%s", c.what, diff)
		}
		q.Lines = nil
		if diff := cmp.Diff(Embedded().Quote(c.charge), q); diff != "" {
			t.Errorf("%s: Explain is not Quote with lines (-want +got):\n%s", c.what, diff)
		}
	}
}
