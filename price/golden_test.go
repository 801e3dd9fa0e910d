package price

import (
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/llm"
)

// at reads a time of a table.
func at(tb testing.TB, s string) time.Time {
	tb.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// The arithmetic stands in millionths of a dollar: tokens x dollars per million tokens.
func TestCostByProvider(t *testing.T) {
	for _, c := range []struct {
		what, provider, model string
		usage                 llm.Usage
		want                  string
	}{
		// prompt 100 with 40 cached, completion 50 with 10 reasoning: 60 x 0.15 + 40 x 0.075 + 50 x 0.6 = 9 + 3 + 30 = 42
		{"OpenAI: cached and reasoning inside", "openai", "gpt-4o-mini", llm.Usage{InputUncached: 60, CacheRead: 40, OutputText: 40, Reasoning: 10}, "0.000042000"},
		// 1000 = 500 fresh + 400 cached + 100 written: 500 x 4 + 400 x 0.4 + 100 x 5 + 200 x 20 = 2000 + 160 + 500 + 4000 = 6660
		{"OpenAI: cache writes since 5.6", "openai", "gpt-5.6-sol", llm.Usage{InputUncached: 500, CacheRead: 400, CacheWrite5m: 100, OutputText: 200}, "0.006660000"},
		// writes at 1.25 x 2 = 2.5 for twelve hours too, whose price is not listed: 100 x 2.5 + 10 x 2.5 = 275
		{"OpenAI: a long write without a price", "openai", "gpt-5.6-terra", llm.Usage{CacheWrite5m: 100, CacheWrite1h: 10}, "0.000275000"},
		// the write price was not found: input instead. 100 x 8 = 800
		{"OpenAI: a write without a price", "openai", "gpt-6.2-astra", llm.Usage{CacheWrite5m: 100}, "0.000800000"},
		// 10 x 2.5 + 20 x 40 + 5 x 10 + 4 x 80 = 25 + 800 + 50 + 320 = 1195
		{"OpenAI: audio in and out", "openai", "gpt-4o-audio-preview-2024-12-17", llm.Usage{InputUncached: 10, InputAudio: 20, OutputText: 5, OutputAudio: 4}, "0.001195000"},
		// 8 x 0.02 = 0.16
		{"OpenAI: an embedding has no output", "openai", "text-embedding-3-small", llm.Usage{InputUncached: 8}, "0.000000160"},
		// 1000 x 3 + 2000 x 0.3 + 300 x 3.75 + 100 x 6 + 500 x 15 = 3000 + 600 + 1125 + 600 + 7500 = 12825
		{"Anthropic: cached outside, two lifetimes", "anthropic", "claude-sonnet-4-5", llm.Usage{InputUncached: 1000, CacheRead: 2000, CacheWrite5m: 300, CacheWrite1h: 100, OutputText: 400, Reasoning: 100}, "0.012825000"},
		// the read is 0.025 x input: 1000 x 0.25 = 250
		{"Anthropic: a read that is not a tenth", "anthropic", "claude-fable-5-1", llm.Usage{CacheRead: 1000}, "0.000250000"},
		// 100 x 0.3 + 50 x 1 + 20 x 2.5 + 30 x 2.5 = 30 + 50 + 50 + 75 = 205
		{"Gemini: audio apart, thoughts as output", "gemini", "gemini-2.5-flash", llm.Usage{InputUncached: 100, InputAudio: 50, OutputText: 20, Reasoning: 30}, "0.000205000"},
		// no audio price: 10 x 1.25 = 12.5
		{"Gemini: audio as text", "gemini", "gemini-2.5-pro", llm.Usage{InputAudio: 10}, "0.000012500"},
		// 10 x 0.15 + 5 x 0.6 = 1.5 + 3 = 4.5
		{"Azure", "azure", "gpt-4o-mini-2024-07-18", llm.Usage{InputUncached: 10, OutputText: 5}, "0.000004500"},
		// 100 x 3.3 + 1000 x 0.33 + 10 x 4.125 + 10 x 6.6 + 10 x 16.5 = 330 + 330 + 41.25 + 66 + 165 = 932.25
		{"Bedrock: a geo profile", "bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", llm.Usage{InputUncached: 100, CacheRead: 1000, CacheWrite5m: 10, CacheWrite1h: 10, OutputText: 10}, "0.000932250"},
		// 3 x 1 + 7 x 0.1 + 11 x 5 = 3 + 0.7 + 55 = 58.7
		{"Vertex", "vertex", "claude-haiku-4-5@20251001", llm.Usage{InputUncached: 3, CacheRead: 7, OutputText: 11}, "0.000058700"},
		// 10 x 0.5 + 20 x 0.05 + 30 x 1.5 = 5 + 1 + 45 = 51
		{"Mistral", "mistral", "mistral-large-2512", llm.Usage{InputUncached: 10, CacheRead: 20, OutputText: 30}, "0.000051000"},
		// hit 100, miss 20: 20 x 0.15 + 100 x 0.003 + 30 x 0.6 = 3 + 0.3 + 18 = 21.3
		{"DeepSeek: hit and miss", "deepseek", "deepseek-flash", llm.Usage{InputUncached: 20, CacheRead: 100, OutputText: 25, Reasoning: 5}, "0.000021300"},
		// 10 x 0.15 + 10 x 0.075 + 10 x 0.6 = 1.5 + 0.75 + 6 = 8.25
		{"Groq", "groq", "openai/gpt-oss-120b", llm.Usage{InputUncached: 10, CacheRead: 10, OutputText: 6, Reasoning: 4}, "0.000008250"},
		// completion 10 + reasoning 90, already added: 32 x 2 + 4 x 0.5 + 100 x 6 = 64 + 2 + 600 = 666
		{"xAI: reasoning added by the meter", "xai", "grok-4.5", llm.Usage{InputUncached: 32, CacheRead: 4, OutputText: 10, Reasoning: 90}, "0.000666000"},
		// a cached count without a price: (10 + 5) x 0.88 + 2 x 0.88 = 14.96
		{"Together: a read without a price", "together", "meta-llama/Llama-3.3-70B-Instruct-Turbo", llm.Usage{InputUncached: 10, CacheRead: 5, OutputText: 2}, "0.000014960"},
		// 10 x 0.95 + 100 x 0.16 + 5 x 4 = 9.5 + 16 + 20 = 45.5
		{"Fireworks", "fireworks", "kimi-k2p6", llm.Usage{InputUncached: 10, CacheRead: 100, OutputText: 5}, "0.000045500"},
		// 4 x 2.5 + 6 x 10 = 70
		{"Cohere", "cohere", "command-a-03-2025", llm.Usage{InputUncached: 4, OutputText: 6}, "0.000070000"},
		// 10 x 2 + 20 x 8 + 30 x 3 = 20 + 160 + 90 = 270
		{"Perplexity: reasoning at its own price", "perplexity", "sonar-deep-research", llm.Usage{InputUncached: 10, OutputText: 20, Reasoning: 30}, "0.000270000"},
		// 10 x 3 + 10 x 0.3 + 10 x 3.75 + 10 x 15 = 30 + 3 + 37.5 + 150 = 220.5
		{"OpenRouter", "openrouter", "anthropic/claude-sonnet-4.5", llm.Usage{InputUncached: 10, CacheRead: 10, CacheWrite5m: 10, OutputText: 10}, "0.000220500"},
		// half of 2.5 and 10: 10 x 1.25 + 10 x 5 = 62.5
		{"OpenRouter: batch", "openrouter", "openai/gpt-4o:batch", llm.Usage{InputUncached: 10, OutputText: 10}, "0.000062500"},
		{"OpenRouter: free", "openrouter", "qwen/qwen3-coder:free", llm.Usage{InputUncached: 1000, OutputText: 1000}, "0.000000000"},
		{"nothing used", "openai", "gpt-4o-mini", llm.Usage{}, "0.000000000"},
		{"negative counts pay nothing back", "openai", "gpt-4o-mini", llm.Usage{InputUncached: -1000, OutputText: 5}, "0.000003000"},
	} {
		q := Embedded().Quote(Charge{Provider: c.provider, Model: c.model, Usage: c.usage, At: today})
		if q.Cost.String() != c.want || q.Status != Exact || q.Clamped {
			t.Errorf("%s: %s %s (%s), want %s exact", c.what, q.Status, q.Cost, q.Rule, c.want)
		}
	}
}

func TestCostByLength(t *testing.T) {
	for _, c := range []struct {
		what, provider, model string
		usage                 llm.Usage
		want                  string
	}{
		// 272000 x 2 = 544000
		{"at the threshold", "openai", "gpt-6.1-sol", llm.Usage{InputUncached: 272_000}, "0.544000000"},
		// the whole request: 272001 x 4 + 10 x 15 = 1088004 + 150 = 1088154
		{"one token over", "openai", "gpt-6.1-sol", llm.Usage{InputUncached: 272_001, OutputText: 10}, "1.088154000"},
		// cached tokens count, and their prices move like input: 1 x 4 + 272000 x 0.1 x 2 = 4 + 54400 = 54404
		{"over by cached tokens", "openai", "gpt-6.1-sol", llm.Usage{InputUncached: 1, CacheRead: 272_000}, "0.054404000"},
		// 2 x: 100000 x 6 + 50000 x 0.6 + 50000 x 7.5 + 1 x 12 + 1000 x 22.5 = 600000 + 30000 + 375000 + 12 + 22500 = 1027512
		{"all buckets move", "anthropic", "claude-sonnet-4-5", llm.Usage{InputUncached: 100_000, CacheRead: 50_000, CacheWrite5m: 50_000, CacheWrite1h: 1, OutputText: 1000}, "1.027512000"},
		// 5 x: 100001 x 0.5 + 4 x 2.5 = 50000.5 + 10 = 50010.5
		{"five times", "anthropic", "claude-haiku-5-5", llm.Usage{InputUncached: 100_001, OutputText: 4}, "0.050010500"},
		// 200001 x 2.5 + 10 x 15 = 500002.5 + 150 = 500152.5
		{"Gemini", "gemini", "gemini-2.5-pro", llm.Usage{InputUncached: 200_001, OutputText: 5, Reasoning: 5}, "0.500152500"},
		// long output is not a long prompt: 10 x 1.25 + 300000 x 10 = 3000012.5
		{"output does not count", "gemini", "gemini-2.5-pro", llm.Usage{InputUncached: 10, OutputText: 300_000}, "3.000012500"},
	} {
		q := Embedded().Quote(Charge{Provider: c.provider, Model: c.model, Usage: c.usage, At: today})
		if q.Cost.String() != c.want || q.Status != Exact {
			t.Errorf("%s: %s %s (%s), want %s exact", c.what, q.Status, q.Cost, q.Rule, c.want)
		}
	}
}

func TestCostByServiceTier(t *testing.T) {
	usage := llm.Usage{InputUncached: 1000, CacheRead: 1000, OutputText: 100}
	for _, c := range []struct{ provider, model, tier, want, rule string }{
		// 1000 x 0.25 + 1000 x 0.025 + 100 x 2 = 250 + 25 + 200 = 475
		{"openai", "gpt-5-mini-2025-08-07", "", "0.000475000", "openai/gpt-5-mini-2025-08-07"},
		{"openai", "gpt-5-mini-2025-08-07", "default", "0.000475000", "openai/gpt-5-mini-2025-08-07"},
		// half: 125 + 12.5 + 100 = 237.5
		{"openai", "gpt-5-mini-2025-08-07", "flex", "0.000237500", "openai/gpt-5-mini-2025-08-07; service tier flex"},
		{"openai", "gpt-5-mini-2025-08-07", "batch", "0.000237500", "openai/gpt-5-mini-2025-08-07; service tier batch"},
		// 1.8 x: 450 + 45 + 360 = 855
		{"openai", "gpt-5-mini-2025-08-07", "priority", "0.000855000", "openai/gpt-5-mini-2025-08-07; service tier priority"},
		{"openai", "gpt-5-mini-2025-08-07", "fast", "0.000855000", "openai/gpt-5-mini-2025-08-07; service tier fast"},
		{"openai", "gpt-5-mini-2025-08-07", "scale", "0.000475000", "openai/gpt-5-mini-2025-08-07; service tier not known here, standard price"},
		// no flex price: 1000 x 0.15 + 1000 x 0.075 + 100 x 0.6 = 150 + 75 + 60 = 285
		{"openai", "gpt-4o-mini", "flex", "0.000285000", "openai/gpt-4o-mini; no price of its own for service tier flex, standard price"},
		// 5/3 x input and output, exactly: 250 + 125 + 100 = 475
		{"openai", "gpt-4o-mini", "priority", "0.000475000", "openai/gpt-4o-mini; service tier priority"},
		// Anthropic's fast mode, 6 x: 30000 + 3000 + 15000 = 48000
		{"anthropic", "claude-opus-4-7-20260416", "fast", "0.048000000", "anthropic/claude-opus-4-7-20260416; service tier fast"},
		// 30/19 x: 1000 x 1.5 + 1000 x 0.16 x 30/19 + 100 x 6 = 1500 + 252.631578… + 600 = 2352.631578947…
		{"fireworks", "accounts/fireworks/models/kimi-k2p6", "priority", "0.002352632", "accounts/fireworks/models/kimi-k2p6; service tier priority"},
	} {
		q := Embedded().Quote(Charge{Provider: c.provider, Model: c.model, Usage: usage, ServiceTier: c.tier, At: today})
		if q.Cost.String() != c.want || q.Status != Exact || strings.TrimPrefix(q.Rule, c.provider+"/") != strings.TrimPrefix(c.rule, c.provider+"/") {
			t.Errorf("%s %s: %s %s (%s), want %s exact (%s)", c.model, c.tier, q.Status, q.Cost, q.Rule, c.want, c.rule)
		}
	}
	// Long and flex: 0.5 x 2 x 2 = 2 for input, 0.5 x 1.5 x 10 = 7.5 for output: 300000 x 2 + 10 x 7.5 = 600075
	q := Embedded().Quote(Charge{
		Provider: "openai", Model: "gpt-6.1-sol", ServiceTier: "flex", At: today,
		Usage: llm.Usage{InputUncached: 300_000, OutputText: 10},
	})
	if q.Cost.String() != "0.600075000" {
		t.Errorf("long and flex: %s (%s), want 0.600075000", q.Cost, q.Rule)
	}
}

// 1000 misses, 1000 hits and 1000 tokens of output.
func TestCostByHour(t *testing.T) {
	for _, c := range []struct{ what, model, at, want string }{
		{"Monday, peak", "deepseek-v4-pro", "2026-11-23T01:00:00Z", "0.005324000"},                      // 1320 + 44 + 3960
		{"Monday, between the peaks", "deepseek-v4-pro", "2026-11-23T05:00:00Z", "0.002662000"},         // 660 + 22 + 1980
		{"Monday, second peak", "deepseek-v4-pro", "2026-11-23T09:59:59Z", "0.005324000"},               //
		{"Saturday", "deepseek-v4-pro", "2026-11-21T01:00:00Z", "0.002662000"},                          //
		{"a Sunday when peaks were daily", "deepseek-v4-pro", "2026-08-23T01:00:00Z", "0.005324000"},    //
		{"Sunday 6 September", "deepseek-v4-pro", "2026-09-06T01:00:00Z", "0.002662000"},                //
		{"Monday 7 September", "deepseek-v4-pro", "2026-09-07T01:00:00Z", "0.005324000"},                //
		{"the day it began, before the hour", "deepseek-v4-pro", "2026-08-16T02:00:00Z", "0.002662000"}, // a Sunday, peaks from 16:00 on
		{"before there were peaks", "deepseek-v4-pro", "2026-08-14T02:00:00Z", "0.001308625"},           // 435 + 3.625 + 870
		{"Flash, peak", "deepseek-flash", "2026-11-23T01:00:00Z", "0.001506000"},                        // 300 + 6 + 1200
		{"Flash, its first price", "deepseek-v4-flash", "2026-08-20T08:00:00Z", "0.001774000"},          // 440 + 14 + 1320
		{"Flash, since 10 September", "deepseek-v4-flash", "2026-09-10T08:00:00Z", "0.001506000"},       // 300 + 6 + 1200
	} {
		q := Embedded().Quote(Charge{
			Provider: "deepseek", Model: c.model, At: at(t, c.at),
			Usage: llm.Usage{InputUncached: 1000, CacheRead: 1000, OutputText: 1000},
		})
		if q.Cost.String() != c.want || q.Status != Exact {
			t.Errorf("%s: %s %s (%s), want %s exact", c.what, q.Status, q.Cost, q.Rule, c.want)
		}
	}
}
