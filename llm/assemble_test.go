package llm_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
)

func TestAssemble(t *testing.T) {
	events := func(data ...string) string { return "data: " + strings.Join(data, "\n\ndata: ") + "\n\n" }
	for _, c := range []struct {
		name     string
		endpoint llm.Endpoint
		dialect  llm.Dialect
		stream   bool
		body     string
		want     llm.Answer
	}{
		{"cut in the text", llm.ChatCompletions, llm.OpenAI, false, `{"choices":[{"index":0,"message":{"role":"assistant","content":"half a sent\u00e`, llm.Answer{Texts: []string{"half a sent"}}},
		{"cut in the second choice", llm.ChatCompletions, llm.OpenAI, false, `{"choices":[{"message":{"content":"a"}},{"message":{"content":"b"}},{"mess`, llm.Answer{Texts: []string{"a", "b", ""}}},
		{
			"cut in the arguments", llm.ChatCompletions, llm.OpenAI, false, `{"choices":[{"message":{"tool_calls":[{"id":"i","function":{"name":"f","arguments":"{\"a\":`,
			llm.Answer{Texts: []string{""}, ToolCalls: []llm.ToolCall{{ID: "i", Name: "f", Arguments: `{"a":`}}},
		},
		{
			"function_call", llm.ChatCompletions, llm.OpenAI, false, `{"choices":[{"message":{"content":null,"function_call":{"name":"f","arguments":"{}"}}}]}`,
			llm.Answer{Texts: []string{""}, ToolCalls: []llm.ToolCall{{Name: "f", Arguments: `{}`}}},
		},
		{"reasoning said twice", llm.ChatCompletions, llm.OpenAI, true, events(`{"choices":[{"delta":{"reasoning":"r","reasoning_content":"r"}}]}`), llm.Answer{Texts: []string{""}, Reasoning: "r"}},
		{
			"calls without index", llm.ChatCompletions, llm.OpenAI, true, events(
				`{"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{\"x\""}}]}}]}`,
				`{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":":1}"}}]}}]}`,
				`{"choices":[{"delta":{"tool_calls":[{"id":"b","function":{"name":"g","arguments":"{}"}}]}}]}`),
			llm.Answer{Texts: []string{""}, ToolCalls: []llm.ToolCall{{ID: "a", Name: "f", Arguments: `{"x":1}`}, {Index: 1, ID: "b", Name: "g", Arguments: "{}"}}},
		},
		{"content parts", llm.ChatCompletions, llm.OpenAI, true, events(`{"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"t"}]},{"type":"text","text":"x"}]}}]}`), llm.Answer{Texts: []string{"x"}, Reasoning: "t"}},
		{"transcript deltas, then the whole", llm.Passthrough, llm.OpenAI, true, events(`{"type":"transcript.text.delta","delta":"a"}`, `{"type":"transcript.text.delta","delta":"b"}`, `{"type":"transcript.text.done","text":"ab"}`), llm.Answer{Texts: []string{"ab"}}},
		{"responses without deltas", llm.Responses, llm.OpenAI, true, events(`{"type":"response.completed","response":{"output":[{"type":"message","content":[{"type":"output_text","text":"x"}]}]}}`), llm.Answer{Texts: []string{"x"}}},
		{"responses refusal", llm.Responses, llm.OpenAI, false, `{"output":[{"type":"message","content":[{"type":"refusal","refusal":"no"}]}]}`, llm.Answer{Texts: []string{""}, Refusal: "no"}},
		{
			"responses calls", llm.Responses, llm.OpenAI, false, `{"output":[{"type":"reasoning","summary":[{"type":"summary_text","text":"r"}]},{"type":"function_call","call_id":"c","id":"fc","name":"f","arguments":"{}"},{"type":"custom_tool_call","call_id":"d","name":"g","input":"raw"}]}`,
			llm.Answer{Texts: []string{""}, Reasoning: "r", ToolCalls: []llm.ToolCall{{ID: "c", Name: "f", Arguments: "{}"}, {Index: 1, ID: "d", Name: "g", Arguments: "raw"}}},
		},
		{
			"anthropic cut in the input", llm.Messages, llm.Anthropic, true, events(
				`{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}`,
				`{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"a"}}`),
			llm.Answer{Texts: []string{""}, ToolCalls: []llm.ToolCall{{ID: "t", Name: "f", Arguments: `{"a`}}},
		},
		{
			"gemini array, cut", llm.ChatCompletions, llm.Gemini, false, `[{"candidates":[{"content":{"parts":[{"text":"a"}]}}]},` + "\n" + `{"candidates":[{"content":{"parts":[{"text":"b"},{"functionCall":{"name":"f"}}`,
			llm.Answer{Texts: []string{"ab"}, ToolCalls: []llm.ToolCall{{Name: "f", Arguments: "{}"}}},
		},
		{
			"cohere calls", llm.ChatCompletions, llm.Cohere, true, events(
				`{"type":"tool-plan-delta","delta":{"message":{"tool_plan":"plan"}}}`,
				`{"type":"tool-call-start","index":0,"delta":{"message":{"tool_calls":{"id":"c","function":{"name":"f","arguments":""}}}}}`,
				`{"type":"tool-call-delta","index":0,"delta":{"message":{"tool_calls":{"function":{"arguments":"{}"}}}}}`),
			llm.Answer{Texts: []string{""}, Reasoning: "plan", ToolCalls: []llm.ToolCall{{ID: "c", Name: "f", Arguments: "{}"}}},
		},
		{
			"cohere body", llm.ChatCompletions, llm.Cohere, false, `{"message":{"content":[{"type":"thinking","thinking":"t"},{"type":"text","text":"x"}],"tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]}}`,
			llm.Answer{Texts: []string{"x"}, Reasoning: "t", ToolCalls: []llm.ToolCall{{ID: "c", Name: "f", Arguments: "{}"}}},
		},
		{"broken UTF-8", llm.ChatCompletions, llm.OpenAI, false, "{\"choices\":[{\"message\":{\"content\":\"a\xffb\"}}]}", llm.Answer{Texts: []string{"a\ufffdb"}}},
		{"no JSON", llm.ChatCompletions, llm.OpenAI, false, `<html>`, llm.Answer{}},
		{"nothing", llm.Messages, llm.Anthropic, true, ``, llm.Answer{}},
	} {
		if d := cmp.Diff(c.want, llm.Assemble(c.endpoint, c.dialect, c.stream, []byte(c.body))); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

// Wherever a body is cut, what is read is the beginning of what there was.
func TestAssembleAnyCut(t *testing.T) {
	for _, name := range []string{"openai-chat-basic", "openai-responses-basic", "anthropic-messages-tools", "gemini-generate-basic", "cohere-chatv2-basic", "openai-chat-stream-escapes"} {
		c := readTranscript(t, name)
		for i := range c.body {
			a := llm.Assemble(c.config.Endpoint, c.config.Dialect, c.want.Stream, c.body[:i])
			if len(a.Texts) > 0 && !strings.HasPrefix(c.want.Text, a.Texts[0]) {
				t.Errorf("%s cut at %d: %q", name, i, a.Texts[0])
			}
		}
	}
}

func TestLastUserText(t *testing.T) {
	for _, c := range []struct {
		name     string
		endpoint llm.Endpoint
		dialect  llm.Dialect
		body     string
		want     string
	}{
		{"chat", llm.ChatCompletions, llm.OpenAI, `{"messages":[{"role":"system","content":"s"},{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c\n"},{"role":"tool","content":"d"}]}`, "c\n"},
		{"parts", llm.ChatCompletions, llm.OpenAI, `{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"x"}},{"type":"text","text":"b"}]}]}`, "a\nb"},
		{"tool results are not what was said", llm.Messages, llm.Anthropic, `{"system":"s","messages":[{"role":"user","content":"a"},{"role":"user","content":[{"type":"tool_result","content":"r"}]}]}`, "a"},
		{"prompt", llm.Completions, llm.OpenAI, `{"prompt":"p"}`, "p"},
		{"prompts", llm.Completions, llm.OpenAI, `{"prompt":["p","q"]}`, "q"},
		{"token prompt", llm.Completions, llm.OpenAI, `{"prompt":[1,2,3]}`, ""},
		{"input", llm.Embeddings, llm.OpenAI, `{"input":["a","b"]}`, "b"},
		{"responses text", llm.Responses, llm.OpenAI, `{"input":"x"}`, "x"},
		{"responses items", llm.Responses, llm.OpenAI, `{"input":[{"role":"user","content":[{"type":"input_text","text":"x"}]},{"type":"function_call_output","output":"y"}]}`, "x"},
		{"gemini", llm.ChatCompletions, llm.Gemini, `{"contents":[{"parts":[{"text":"x"}]},{"role":"model","parts":[{"text":"y"}]}]}`, "x"},
		{"image prompt", llm.Passthrough, llm.OpenAI, `{"prompt":"a weir"}`, "a weir"},
		{"cut", llm.ChatCompletions, llm.OpenAI, `{"messages":[{"role":"user","content":"the river ri`, "the river ri"},
		{"no JSON", llm.ChatCompletions, llm.OpenAI, `--boundary`, ""},
		{"empty", llm.Models, llm.OpenAI, ``, ""},
	} {
		if got := llm.LastUserText(c.endpoint, c.dialect, []byte(c.body), 1<<20); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	for _, c := range readTranscripts(t) {
		if c.want.Endpoint == "chat" && llm.LastUserText(c.config.Endpoint, c.config.Dialect, c.request, 1<<20) == "" && json.Valid(c.request) {
			t.Errorf("%s: nothing said in %s", c.name, c.request)
		}
	}
}
