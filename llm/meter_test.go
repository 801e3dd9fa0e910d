package llm_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
)

var (
	openai    = llm.MeterConfig{Endpoint: llm.ChatCompletions, Path: "/chat/completions", Dialect: llm.OpenAI, Status: 200}
	responses = llm.MeterConfig{Endpoint: llm.Responses, Path: "/responses", Dialect: llm.OpenAI, Status: 200}
	anthropic = llm.MeterConfig{Endpoint: llm.Messages, Path: "/messages", Dialect: llm.Anthropic, Status: 200}
	gemini    = llm.MeterConfig{Endpoint: llm.ChatCompletions, Dialect: llm.Gemini, Status: 200}
	cohere    = llm.MeterConfig{Endpoint: llm.ChatCompletions, Dialect: llm.Cohere, Status: 200}
)

func passthrough(path string) llm.MeterConfig {
	return llm.MeterConfig{Endpoint: llm.Passthrough, Path: path, Dialect: llm.OpenAI, Status: 200}
}

// stream meters events given as their data.
func stream(c llm.MeterConfig, cut bool, data ...string) (llm.Outcome, []llm.Mark) {
	c.Stream = true
	m := llm.NewMeter(c)
	var marks []llm.Mark
	for _, d := range data {
		marks = append(marks, m.Event(llm.Event{Data: []byte(d)}))
	}
	return m.End(cut), marks
}

func plain(c llm.MeterConfig, cut bool, body string) llm.Outcome {
	m := llm.NewMeter(c)
	m.Body([]byte(body))
	return m.End(cut)
}

const (
	hello  = `{"id":"i","model":"m","choices":[{"index":0,"delta":{"content":"hello"}}]}`
	stop   = `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`
	counts = `{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}`
	done   = `[DONE]`
)

func TestMarks(t *testing.T) {
	for _, c := range []struct {
		name   string
		config llm.MeterConfig
		data   string
		want   llm.Mark
	}{
		{"content", openai, hello, llm.Content},
		{"role only", openai, `{"choices":[{"delta":{"role":"assistant","content":"","refusal":null},"obfuscation":"x"}]}`, 0},
		{"reasoning", openai, `{"choices":[{"delta":{"content":null,"reasoning_content":"x"}}]}`, llm.Content},
		{"tool call", openai, `{"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}`, llm.Content},
		{"refusal", openai, `{"choices":[{"delta":{"refusal":"x"}}]}`, llm.Content},
		{"legacy text", openai, `{"choices":[{"text":"x"}]}`, llm.Content},
		{"usage alone", openai, counts, llm.UsageOnly},
		{"usage beside a choice", openai, `{"choices":[{"delta":{}}],"usage":{"prompt_tokens":5,"completion_tokens":2}}`, 0},
		{"empty choices without usage", openai, `{"choices":[],"usage":null,"prompt_filter_results":[]}`, 0},
		{"empty choices with an error", openai, `{"choices":[],"usage":{},"error":{"message":"x"}}`, llm.Failed},
		{"done", openai, done, llm.Terminal},
		{"error", openai, `{"error":{"message":"x"}}`, llm.Failed},
		{"flat error", openai, `{"object":"error","message":"x"}`, llm.Failed},
		{"no JSON", openai, `{"choices":`, 0},
		{"empty", openai, ``, 0},
		{"transcript delta", passthrough("/audio/transcriptions"), `{"type":"transcript.text.delta","delta":"x"}`, llm.Content},
		{"transcript done", passthrough("/audio/transcriptions"), `{"type":"transcript.text.done","text":"x","usage":{"type":"tokens","input_tokens":1,"output_tokens":1}}`, llm.Terminal},
		{"image", passthrough("/images/generations"), `{"type":"image_generation.partial_image","b64_json":"x"}`, llm.Content},
		{"text delta", responses, `{"type":"response.output_text.delta","delta":"x"}`, llm.Content},
		{"empty delta", responses, `{"type":"response.output_text.delta","delta":""}`, 0},
		{"arguments", responses, `{"type":"response.function_call_arguments.delta","delta":"{"}`, llm.Content},
		{"call", responses, `{"type":"response.output_item.added","item":{"type":"function_call","arguments":""}}`, llm.Content},
		{"created", responses, `{"type":"response.created","response":{"status":"in_progress","error":null}}`, 0},
		{"completed", responses, `{"type":"response.completed","response":{"status":"completed","output":[]}}`, llm.Terminal},
		{"incomplete", responses, `{"type":"response.incomplete","response":{"status":"incomplete"}}`, llm.Terminal},
		{"failed", responses, `{"type":"response.failed","response":{"status":"failed","error":{"code":"x"}}}`, llm.Terminal | llm.Failed},
		{"bare error", responses, `{"type":"error","code":"x"}`, llm.Failed},
		{"nested error", responses, `{"type":"error","error":{"code":"x"}}`, llm.Failed},
		{"start", anthropic, `{"type":"message_start","message":{"id":"x"}}`, 0},
		{"text", anthropic, `{"type":"content_block_delta","delta":{"type":"text_delta","text":"x"}}`, llm.Content},
		{"signature", anthropic, `{"type":"content_block_delta","delta":{"type":"signature_delta","signature":"x"}}`, 0},
		{"tool use", anthropic, `{"type":"content_block_start","content_block":{"type":"tool_use","id":"x"}}`, llm.Content},
		{"empty text block", anthropic, `{"type":"content_block_start","content_block":{"type":"text","text":""}}`, 0},
		{"ping", anthropic, `{"type":"ping"}`, 0},
		{"stop", anthropic, `{"type":"message_stop"}`, llm.Terminal},
		{"anthropic error", anthropic, `{"type":"error","error":{"type":"overloaded_error"}}`, llm.Failed},
		{"new event type", anthropic, `{"type":"brand_new","x":1}`, 0},
		{"gemini text", gemini, `{"candidates":[{"content":{"parts":[{"text":"x"}]}}]}`, llm.Content},
		{"gemini end", gemini, `{"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"STOP"}]}`, llm.Content | llm.Terminal},
		{"gemini blocked", gemini, `{"promptFeedback":{"blockReason":"SAFETY"}}`, llm.Terminal},
		{"gemini error", gemini, `{"error":{"code":503}}`, llm.Failed},
		{"cohere text", cohere, `{"type":"content-delta","delta":{"message":{"content":{"text":"x"}}}}`, llm.Content},
		{"cohere call", cohere, `{"type":"tool-call-start","delta":{"message":{"tool_calls":{"id":"x"}}}}`, llm.Content},
		{"cohere end", cohere, `{"type":"message-end","delta":{"finish_reason":"COMPLETE"}}`, llm.Terminal},
	} {
		if _, marks := stream(c.config, false, c.data); marks[0] != c.want {
			t.Errorf("%s: mark %04b, want %04b", c.name, marks[0], c.want)
		}
	}
}

func TestCompleteness(t *testing.T) {
	for _, c := range []struct {
		name   string
		config llm.MeterConfig
		cut    bool
		data   []string
		whole  bool
	}{
		{"done", openai, false, []string{hello, stop, done}, true},
		{"done, then cut", openai, true, []string{hello, stop, done}, true},
		{"done without a finish reason", openai, false, []string{hello, done}, true},
		{"finished and ended", openai, false, []string{hello, stop}, true},
		{"finished and cut", openai, true, []string{hello, stop}, false},
		{"one of two finished", openai, false, []string{`{"choices":[{"index":1,"delta":{"content":"x"}}]}`, hello, stop}, false},
		{"nothing came", openai, false, nil, false},
		{"no terminal event", responses, false, []string{`{"type":"response.output_text.delta","delta":"x"}`}, false},
		{"stop reason without message_stop", anthropic, false, []string{`{"type":"message_start","message":{}}`, `{"type":"message_delta","delta":{"stop_reason":"end_turn"}}`}, true},
		{"message_start alone", anthropic, false, []string{`{"type":"message_start","message":{}}`}, false},
		{"gemini without finish", gemini, false, []string{`{"candidates":[{"content":{"parts":[{"text":"x"}]}}]}`}, false},
		{"cohere without end", cohere, false, []string{`{"type":"message-start","id":"x"}`}, false},
		{"unknown stream", passthrough("/threads/x/runs"), false, []string{`{"object":"thread.run"}`}, true},
		{"unknown stream, cut", passthrough("/threads/x/runs"), true, []string{`{"object":"thread.run"}`}, false},
	} {
		o, _ := stream(c.config, c.cut, c.data...)
		if whole := o.Err == nil; whole != c.whole || !whole && (o.Err.Type != "stream_truncated" || o.Err.Status != 502 || !o.Err.Retryable) {
			t.Errorf("%s: error %+v, want whole = %v", c.name, o.Err, c.whole)
		}
	}
	if o := plain(openai, true, `{"choices":[{"message":{"content":"x`); o.Err == nil || o.Err.Type != "stream_truncated" || o.Source != llm.Estimated || !o.Delivered {
		t.Errorf("a plain body that was cut: %+v", o)
	}
}

func TestUsage(t *testing.T) {
	chunk := func(usage string) string { return `{"choices":[],"usage":` + usage + `}` }
	xai := openai
	xai.Quirks.ReasoningApart = true
	for _, c := range []struct {
		name    string
		outcome func() llm.Outcome
		want    llm.Usage
		source  llm.UsageSource
		clamped bool
	}{
		{"null does not clear", streamOf(openai, false, hello, stop, counts, chunk(`null`), done), llm.Usage{InputUncached: 5, OutputText: 2}, llm.FromProvider, false},
		{"zeros do not replace", streamOf(openai, false, hello, stop, counts, chunk(`{"prompt_tokens":0,"completion_tokens":0}`), done), llm.Usage{InputUncached: 5, OutputText: 2}, llm.FromProvider, false},
		{"nonsense does not replace", streamOf(openai, false, hello, stop, counts, chunk(`{"prompt_tokens":-1,"completion_tokens":3}`), done), llm.Usage{InputUncached: 5, OutputText: 2}, llm.FromProvider, true},
		{"zeros beside output say nothing", streamOf(openai, false, hello, stop, chunk(`{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}`), done), llm.Usage{}, llm.Estimated, false},
		{"missing output", streamOf(openai, false, hello, stop, chunk(`{"prompt_tokens":4}`), done), llm.Usage{}, llm.Estimated, true},
		{"absurd count", streamOf(openai, false, hello, stop, chunk(`{"prompt_tokens":9000000000000000000,"completion_tokens":1}`), done), llm.Usage{}, llm.Estimated, true},
		{"fraction", streamOf(openai, false, hello, stop, chunk(`{"prompt_tokens":1.5,"completion_tokens":1}`), done), llm.Usage{}, llm.Estimated, true},
		{
			"details clamp in order", streamOf(openai, false, hello, stop, chunk(`{"prompt_tokens":10,"completion_tokens":6,"prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":5,"audio_tokens":3},"completion_tokens_details":{"audio_tokens":4,"reasoning_tokens":4}}`), done),
			llm.Usage{CacheRead: 4, CacheWrite5m: 5, InputAudio: 1, OutputAudio: 4, Reasoning: 2},
			llm.FromProvider, true,
		},
		{"detail that makes no sense", streamOf(openai, false, hello, stop, chunk(`{"prompt_tokens":10,"completion_tokens":6,"prompt_tokens_details":{"cached_tokens":"4"}}`), done), llm.Usage{InputUncached: 10, OutputText: 6}, llm.FromProvider, true},
		{"usage before an error", streamOf(openai, false, hello, counts, `{"error":{"message":"x"}}`), llm.Usage{InputUncached: 5, OutputText: 2}, llm.FromProvider, false},
		{"error before output", streamOf(openai, false, `{"error":{"message":"x"}}`), llm.Usage{}, llm.NoUsage, false},
		{"cut before output", streamOf(openai, true), llm.Usage{}, llm.NoUsage, false},
		{"finished without output or usage", streamOf(openai, false, stop, done), llm.Usage{}, llm.Estimated, false},
		{"running usage, cut", streamOf(openai, true, `{"choices":[{"delta":{"content":"x"}}],"usage":{"prompt_tokens":5,"completion_tokens":1}}`), llm.Usage{InputUncached: 5, OutputText: 1}, llm.FromProvider, false},
		{"running usage, then content, cut", streamOf(openai, true, `{"choices":[{"delta":{"content":"x"}}],"usage":{"prompt_tokens":5,"completion_tokens":1}}`, hello), llm.Usage{InputUncached: 5}, llm.Estimated, false},
		{"xai inclusive by its total", streamOf(xai, false, hello, stop, chunk(`{"prompt_tokens":5,"completion_tokens":9,"total_tokens":14,"completion_tokens_details":{"reasoning_tokens":7}}`), done), llm.Usage{InputUncached: 5, OutputText: 2, Reasoning: 7}, llm.FromProvider, false},
		{"together", plainOf(openai, `{"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":9,"completion_tokens":1,"cached_tokens":4}}`), llm.Usage{InputUncached: 5, CacheRead: 4, OutputText: 1}, llm.FromProvider, false},
		{"deep research", plainOf(openai, `{"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":9,"completion_tokens":3,"citation_tokens":8,"num_search_queries":2,"reasoning_tokens":50}}`), llm.Usage{InputUncached: 9, OutputText: 3, Reasoning: 50}, llm.FromProvider, false},
		{"vectors without usage", plainOf(llm.MeterConfig{Endpoint: llm.Embeddings, Dialect: llm.OpenAI, Status: 200}, `{"data":[{"embedding":[1]}]}`), llm.Usage{}, llm.Estimated, false},
		{"images by the piece", plainOf(passthrough("/images/generations"), `{"data":[{"url":"a"},{"url":"b"}]}`), llm.Usage{}, llm.FromProvider, false},
		{"other endpoints bill nothing known", plainOf(passthrough("/files"), `{"data":[{"id":"a"}]}`), llm.Usage{}, llm.NoUsage, false},
		{"a stored response was paid before", plainOf(passthrough("/responses/resp_1"), `{"object":"response","status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"x"}]}],"usage":{"input_tokens":5,"output_tokens":5}}`), llm.Usage{}, llm.NoUsage, false},
		{"anthropic split without a sum", plainOf(anthropic, `{"type":"message","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2,"cache_creation":{"ephemeral_5m_input_tokens":3,"ephemeral_1h_input_tokens":4}}}`), llm.Usage{InputUncached: 1, CacheWrite5m: 3, CacheWrite1h: 4, OutputText: 2}, llm.FromProvider, false},
		{"anthropic excess over the split", plainOf(anthropic, `{"type":"message","content":[],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2,"cache_creation_input_tokens":10,"cache_creation":{"ephemeral_5m_input_tokens":3,"ephemeral_1h_input_tokens":4}}}`), llm.Usage{InputUncached: 1, CacheWrite5m: 6, CacheWrite1h: 4, OutputText: 2}, llm.FromProvider, false},
		{"anthropic split over its sum", plainOf(anthropic, `{"type":"message","content":[],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2,"cache_creation_input_tokens":5,"cache_creation":{"ephemeral_5m_input_tokens":3,"ephemeral_1h_input_tokens":4}}}`), llm.Usage{InputUncached: 1, CacheWrite5m: 1, CacheWrite1h: 4, OutputText: 2}, llm.FromProvider, true},
		{"anthropic error before output keeps the input", streamOf(anthropic, false, `{"type":"message_start","message":{"usage":{"input_tokens":7,"output_tokens":1}}}`, `{"type":"error","error":{"type":"overloaded_error"}}`), llm.Usage{InputUncached: 7}, llm.FromProvider, false},
		{"gemini cached audio", plainOf(gemini, `{"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":100,"cachedContentTokenCount":60,"candidatesTokenCount":1,"promptTokensDetails":[{"modality":"AUDIO","tokenCount":50}],"cacheTokensDetails":[{"modality":"AUDIO","tokenCount":20}]}}`), llm.Usage{InputUncached: 10, CacheRead: 60, InputAudio: 30, OutputText: 1}, llm.FromProvider, false},
		{"gemini array stream", plainOf(gemini, `[{"candidates":[{"content":{"parts":[{"text":"x"}]}}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":1}},{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2}}]`), llm.Usage{InputUncached: 3, OutputText: 2}, llm.FromProvider, false},
		{"gemini without a count of output, cut", streamOf(gemini, true, `{"candidates":[{"content":{"parts":[{"text":"x"}]}}],"usageMetadata":{"promptTokenCount":3}}`), llm.Usage{InputUncached: 3}, llm.Estimated, false},
		{"cohere cached", plainOf(cohere, `{"message":{"content":[{"type":"text","text":"x"}]},"finish_reason":"COMPLETE","usage":{"billed_units":{"input_tokens":9.0,"output_tokens":1},"cached_tokens":4}}`), llm.Usage{InputUncached: 5, CacheRead: 4, OutputText: 1}, llm.FromProvider, false},
	} {
		o := c.outcome()
		if d := cmp.Diff(c.want, o.Usage); d != "" || o.Source != c.source || o.Clamped != c.clamped {
			t.Errorf("%s: source %s, clamped %v, want %s, %v; usage (-want +got):\n%s", c.name, o.Source, o.Clamped, c.source, c.clamped, d)
		}
		if (o.InputMissing || o.OutputMissing) != (o.Source == llm.Estimated) {
			t.Errorf("%s: missing %v, %v with source %s", c.name, o.InputMissing, o.OutputMissing, o.Source)
		}
	}
}

func streamOf(c llm.MeterConfig, cut bool, data ...string) func() llm.Outcome {
	return func() llm.Outcome { o, _ := stream(c, cut, data...); return o }
}

func plainOf(c llm.MeterConfig, body string) func() llm.Outcome {
	return func() llm.Outcome { return plain(c, false, body) }
}

func TestUnits(t *testing.T) {
	if o := plain(passthrough("/images/generations"), false, `{"data":[{"url":"a"},{"url":"b"}]}`); o.Units.Image != 2 || !o.Delivered {
		t.Errorf("images: %+v", o.Units)
	}
	if o := plain(passthrough("/images/generations"), false, `{"data":[{"url":"a"}],"usage":{"input_tokens":1,"output_tokens":2}}`); o.Units.Image != 0 || o.Usage.OutputText != 2 {
		t.Errorf("images paid by tokens: %+v %+v", o.Units, o.Usage)
	}
	search := `{"type":"response.output_item.done","item":{"type":"web_search_call","status":"completed"}}`
	o, _ := stream(responses, false, search, search, `{"type":"response.completed","response":{"status":"completed","output":[{"type":"web_search_call"},{"type":"web_search_call"},{"type":"message","content":[{"type":"output_text","text":"x"}]}]}}`)
	if o.Units.WebSearch != 2 || !o.Delivered || o.FinishReasons[0] != "stop" {
		t.Errorf("searches: %+v", o)
	}
}

func TestProviderCost(t *testing.T) {
	for usage, want := range map[string]string{
		`"cost":6.8e-07`: "0.00000068", `"cost":0.00215064`: "0.00215064", `"cost":1E+2`: "100", `"cost":12.50`: "12.50", `"cost":0`: "0",
		`"cost":1.25e1`: "12.5", `"cost":-1`: "", `"cost":"1"`: "", `"cost":null`: "", `"cost":1e999`: "",
		`"cost":0.1000000000000000055511151231257827`: "0.1000000000000000055511151231257827",
		`"cost":{"total_cost":1e-05}`:                 "0.00001", `"cost_in_usd_ticks":1235000`: "0.0001235", `"cost_in_usd_ticks":0`: "0",
		`"cost_in_usd_ticks":20000000000`: "2", `"cost_in_usd_ticks":12345678901234`: "1234.5678901234", `"cost_in_usd_ticks":-5`: "",
	} {
		o := plain(openai, false, `{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,`+usage+`}}`)
		if o.ProviderCost != want {
			t.Errorf("%s is read as %q, want %q", usage, o.ProviderCost, want)
		}
	}
}

func TestOutcomeOfErrors(t *testing.T) {
	failed := plain(responses, false, `{"object":"response","status":"failed","error":{"code":"server_error","message":"m"},"output":[]}`)
	if failed.Err == nil || failed.Err.Type != "server_error" || failed.Source != llm.NoUsage {
		t.Errorf("a failed response: %+v", failed)
	}
	silent := plain(responses, false, `{"object":"response","status":"failed","error":null,"output":[]}`)
	if silent.Err == nil || silent.Err.Status != 502 {
		t.Errorf("a response that failed without a reason: %+v", silent.Err)
	}
	groq, _ := stream(openai, false, hello, `{"choices":[{"delta":{},"finish_reason":"stop"}],"x_groq":{"id":"r","error":"over capacity"}}`, done)
	if groq.Err == nil || groq.Err.Message != "over capacity" {
		t.Errorf("groq's own error: %+v", groq.Err)
	}
	bad := openai
	bad.Status = 500
	if o, _ := stream(bad, false); o.Err == nil || o.Err.Status != 500 {
		t.Errorf("an event stream of status 500: %+v", o.Err)
	}
}

func TestHostileChoices(t *testing.T) {
	o, _ := stream(openai, false,
		`{"choices":[{"index":2000000000,"delta":{"content":"x"},"finish_reason":"stop"},{"index":-1,"delta":{"content":"x"}},{"index":1e30}]}`,
		`{"id":"`+strings.Repeat("i", 5000)+`","model":"`+strings.Repeat("é", 5000)+`","choices":[{"index":2,"finish_reason":"eos"}]}`, done)
	if d := cmp.Diff([]string{"", "", "stop"}, o.FinishReasons); d != "" {
		t.Errorf("finish reasons (-want +got):\n%s", d)
	}
	if len(o.Model) > 600 || len(o.ResponseID) > 600 {
		t.Errorf("a model of %d and an id of %d bytes are kept", len(o.Model), len(o.ResponseID))
	}
}

func FuzzMeterEvent(f *testing.F) {
	for _, c := range readTranscripts(f) {
		if c.want.Stream && len(c.body) < 4000 {
			f.Add(c.body, uint8(len(c.name)), c.want.Extra.Abort)
		}
	}
	configs := []llm.MeterConfig{openai, responses, anthropic, gemini, cohere, passthrough("/audio/speech")}
	f.Fuzz(func(t *testing.T, body []byte, which uint8, cut bool) {
		c := configs[int(which)%len(configs)]
		c.Stream = true
		m := llm.NewMeter(c)
		var s llm.Splitter
		s.Write(body)
		for ev, ok := s.Next(); ok; ev, ok = s.Next() {
			m.Event(ev)
		}
		soundOutcome(t, m.End(cut))
		soundAnswer(t, llm.Assemble(c.Endpoint, c.Dialect, true, body), len(body))
	})
}

func FuzzMeterBody(f *testing.F) {
	for _, c := range readTranscripts(f) {
		if !c.want.Stream && len(c.body) < 4000 {
			f.Add(c.body, uint8(len(c.name)), 200+uint16(len(c.name)))
		}
	}
	configs := []llm.MeterConfig{openai, responses, anthropic, gemini, cohere, passthrough("/images/edits"), {Endpoint: llm.Embeddings}}
	f.Fuzz(func(t *testing.T, body []byte, which uint8, status uint16) {
		c := configs[int(which)%len(configs)]
		c.Status = int(status % 600)
		soundOutcome(t, plain(c, which > 127, string(body)))
		soundAnswer(t, llm.Assemble(c.Endpoint, c.Dialect, false, body), len(body))
		llm.LastUserText(c.Endpoint, c.Dialect, body, 100)
		llm.RetryDelay(c.Status, nil, body)
	})
}

func soundOutcome(t *testing.T, o llm.Outcome) {
	t.Helper()
	u := o.Usage
	for _, n := range []int64{u.InputUncached, u.CacheRead, u.CacheWrite5m, u.CacheWrite1h, u.InputAudio, u.OutputText, u.Reasoning, u.OutputAudio, u.Input(), u.Output()} {
		if n < 0 {
			t.Fatalf("negative usage %+v", u)
		}
	}
	if (o.Source == llm.Estimated) != (o.InputMissing || o.OutputMissing) || o.Source == llm.NoUsage && u != (llm.Usage{}) || o.Source == "" {
		t.Fatalf("inconsistent source: %+v", o)
	}
	if o.Err != nil && (o.Err.Type == "" || o.Err.Status < 400) {
		t.Fatalf("half an error: %+v", o.Err)
	}
}

func soundAnswer(t *testing.T, a llm.Answer, size int) {
	t.Helper()
	n := len(a.Refusal) + len(a.Reasoning)
	for _, s := range a.Texts {
		n += len(s)
	}
	if n > 3*size { // each broken byte may become U+FFFD
		t.Fatalf("%d bytes of text from %d", n, size)
	}
	if len(a.Texts) > 1024 || len(a.ToolCalls) > 1024*1024 {
		t.Fatalf("%d texts, %d calls", len(a.Texts), len(a.ToolCalls))
	}
}
