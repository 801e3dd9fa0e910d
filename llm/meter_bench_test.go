package llm_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weir-dev/weir/llm"
)

// chatStream is a chat stream of n content chunks with its usage and end.
func chatStream(n int) []byte {
	var b strings.Builder
	head := `data: {"id":"chatcmpl-Zx0xU2cgaeTUam77P0xpgdPKVKe9V","object":"chat.completion.chunk","created":1795442518,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_ee1d74bde0","choices":[`
	for i := range n {
		fmt.Fprintf(&b, head+`{"index":0,"delta":{"content":" word %d"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"k3Jd9"}`+"\n\n", i)
	}
	b.WriteString(head + `{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}` + "\n\n")
	b.WriteString(head + `],"usage":{"prompt_tokens":18,"completion_tokens":50,"total_tokens":68,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}}}` + "\n\n")
	b.WriteString("data: [DONE]\n\n")
	return []byte(b.String())
}

func BenchmarkStream(b *testing.B) {
	body := chatStream(50)
	config := llm.MeterConfig{Endpoint: llm.ChatCompletions, Dialect: llm.OpenAI, Stream: true, Status: 200}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	events := 0
	for b.Loop() {
		var s llm.Splitter
		m := llm.NewMeter(config)
		for at := 0; at < len(body); at += 1 << 10 {
			s.Write(body[at:min(at+1<<10, len(body))])
			for ev, ok := s.Next(); ok; ev, ok = s.Next() {
				m.Event(ev)
				events++
			}
		}
		if o := m.End(false); o.Usage.OutputText != 50 || o.Err != nil {
			b.Fatalf("%+v", o)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
}

func BenchmarkBody(b *testing.B) {
	body := []byte(`{"id":"chatcmpl-1","object":"chat.completion","created":1795461679,"model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":"assistant","content":"` +
		strings.Repeat("a weir raises the water ", 28) + `","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":17,"completion_tokens":23,"total_tokens":40,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0}},"service_tier":"default"}`)
	config := llm.MeterConfig{Endpoint: llm.ChatCompletions, Dialect: llm.OpenAI, Status: 200}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		m := llm.NewMeter(config)
		m.Body(body)
		if o := m.End(false); o.Usage.OutputText != 23 {
			b.Fatalf("%+v", o)
		}
	}
}

// A chunk of content is metered, and a small event split off, without an allocation.
func TestHotPathDoesNotAllocate(t *testing.T) {
	for name, c := range map[string]struct {
		config llm.MeterConfig
		event  string
	}{
		"openai":    {llm.MeterConfig{Endpoint: llm.ChatCompletions, Dialect: llm.OpenAI}, `data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"a\"b"},"finish_reason":null}],"usage":{"prompt_tokens":3,"completion_tokens":4}}` + "\n\n"},
		"responses": {llm.MeterConfig{Endpoint: llm.Responses, Dialect: llm.OpenAI}, "event: response.output_text.delta\n" + `data: {"type":"response.output_text.delta","delta":"x","output_index":0}` + "\n\n"},
		"anthropic": {llm.MeterConfig{Endpoint: llm.Messages, Dialect: llm.Anthropic}, "event: content_block_delta\n" + `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}` + "\n\n"},
		"gemini":    {llm.MeterConfig{Endpoint: llm.ChatCompletions, Dialect: llm.Gemini}, `data: {"candidates":[{"content":{"parts":[{"text":"x"}]},"index":0}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":2}}` + "\r\n\r\n"},
		"cohere":    {llm.MeterConfig{Endpoint: llm.ChatCompletions, Dialect: llm.Cohere}, `data: {"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"x"}}}}` + "\n\n"},
	} {
		c.config.Stream, c.config.Status = true, 200
		m := llm.NewMeter(c.config)
		var s llm.Splitter
		bytes := []byte(c.event)
		marks := llm.Mark(0)
		got := testing.AllocsPerRun(100, func() {
			s.Write(bytes)
			for ev, ok := s.Next(); ok; ev, ok = s.Next() {
				marks = m.Event(ev)
			}
		})
		if got != 0 || marks != llm.Content {
			t.Errorf("%s: %v allocations per event, mark %d; want none and %d", name, got, marks, llm.Content)
		}
	}
}
