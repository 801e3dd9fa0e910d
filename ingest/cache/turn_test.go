package cache

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
)

// equalJSON compares two texts as what they say.
func equalJSON(t *testing.T, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("%v in %s", err, got)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("%v in %s", err, want)
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("(-want +got): %s", diff)
	}
}

// datas are the events' data.
func datas(stream string) (out []string) {
	for event := range strings.SplitSeq(strings.TrimSuffix(stream, "\n\n"), "\n\n") {
		out = append(out, strings.TrimPrefix(event, "data: "))
	}
	return out
}

func TestAPlainAnswerIsMadeOfAStream(t *testing.T) {
	p := answering(200, true, chunks)
	s := serve(t, p)
	wants(t, s, chat(streams), llm.CacheMiss, chunks)
	use, got := ask(t, s, chat())
	if use != llm.CacheHit || p.calls.Load() != 1 {
		t.Fatalf("cache %q after %d calls", use, p.calls.Load())
	}
	equalJSON(t, got, `{"object":"chat.completion","id":"c1","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"message":
		{"role":"assistant","content":"Thrée \"x\".","refusal":null,"reasoning_content":"Hm."},"logprobs":null,"finish_reason":"stop"}],
		"usage":{"prompt_tokens":10,"completion_tokens":9,"total_tokens":19,"completion_tokens_details":{"reasoning_tokens":4}}}`)
}

func TestAPlainAnswerWithToolCallsIsMadeOfAStream(t *testing.T) {
	const head = `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","service_tier":"default","system_fingerprint":null,"obfuscation":"aaa","choices":[`
	stream := `data: ` + head + `{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"t1","type":"function","function":{"name":"f","arguments":""}}]},"logprobs":null,"finish_reason":null}],"usage":null}` + "\n\n" +
		`data: ` + head + `{"index":1,"delta":{"role":"assistant","content":"No.","refusal":null},"finish_reason":null}]}` + "\n\n" +
		`data: ` + head + `{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":1}"}},{"index":1,"id":"t2","type":"function","function":{"name":"g","arguments":"{}"}}]},"finish_reason":null}]}` + "\n\n" +
		`data: ` + head + `{"index":1,"delta":{},"finish_reason":"length"}]}` + "\n\n" +
		`data: ` + head + `{"index":0,"delta":{},"finish_reason":"tool_calls"}]}` + "\n\n" +
		`data: ` + head + `],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}` + "\n\n" + done
	got, ok := wholeOf([]byte(stream))
	if !ok {
		t.Fatal("not made")
	}
	equalJSON(t, string(got), `{"object":"chat.completion","id":"c1","created":1,"model":"m","service_tier":"default","system_fingerprint":null,"choices":[
		{"index":0,"message":{"role":"assistant","content":null,"refusal":null,"tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},
			{"id":"t2","type":"function","function":{"name":"g","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls"},
		{"index":1,"message":{"role":"assistant","content":"No.","refusal":null},"logprobs":null,"finish_reason":"length"}],
		"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`)
}

func TestAStreamIsMadeOfAPlainAnswer(t *testing.T) {
	pretty := strings.NewReplacer(`,"choices"`, ",\r\n  \"choices\"", `"message":{`, "\"message\": {\n").Replace(plain)
	for _, tt := range []struct {
		asked bool
		usage string
	}{{false, ""}, {true, `,"usage":null`}} {
		p := answering(200, false, pretty)
		s := serve(t, p)
		wants(t, s, chat(), llm.CacheMiss, pretty)
		resp, err := s.Send(t.Context(), chat(streams, func(c *llm.Call) { c.AskedUsage = tt.asked }))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		if resp.Cache != llm.CacheHit || !resp.Stream || resp.UsageAsked == tt.asked || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") || resp.Header.Get("Content-Length") != "" {
			t.Errorf("%+v", resp)
		}
		got := datas(string(b))
		if len(got) != 4 || got[3] != "[DONE]" {
			t.Fatalf("%q", b)
		}
		const head = `{"object":"chat.completion.chunk","id":"chatcmpl-1","created":1,"model":"gpt-4o-mini-2024-07-18","choices":[`
		equalJSON(t, got[0], head+`{"index":0,"delta":{"role":"assistant","content":"Three."},"finish_reason":null}]`+tt.usage+`}`)
		equalJSON(t, got[1], head+`{"index":0,"delta":{},"finish_reason":"stop"}]`+tt.usage+`}`)
		equalJSON(t, got[2], head+`],"usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,"prompt_tokens_details":{"cached_tokens":40},"completion_tokens_details":{"reasoning_tokens":5}}}`)
		if out := resp.Outcome(false); out.Usage.Reasoning != 5 || out.Usage.CacheRead != 40 {
			t.Errorf("%+v", out)
		}
		// It says what the plain answer said, as every client and weir's own meter read it.
		if a := llm.Assemble(llm.ChatCompletions, llm.OpenAI, true, b); len(a.Texts) != 1 || a.Texts[0] != "Three." {
			t.Errorf("%+v", a)
		}
	}
}

func TestAnAnswerTurnedTwiceSaysTheSame(t *testing.T) {
	const tools = `{"id":"c","object":"chat.completion","created":1,"model":"m","system_fingerprint":"fp","choices":[
		{"index":0,"message":{"role":"assistant","content":null,"refusal":null,"annotations":[],"tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{\"a\":[1,2]}"}},{"id":"t2","type":"function","function":{"name":"g","arguments":""}}]},"logprobs":null,"finish_reason":"tool_calls"},
		{"index":1,"message":{"role":"assistant","content":"a\n\"b\"","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`
	const refused = `{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":"No.","reasoning":"Hm"},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`
	for _, want := range []string{tools, refused} {
		stream, ok := chunksOf([]byte(want), false)
		if !ok {
			t.Fatalf("no stream of %s", want)
		}
		got, ok := wholeOf(stream)
		if !ok {
			t.Fatalf("nothing of %s", stream)
		}
		equalJSON(t, string(got), strings.Replace(want, `"annotations":[],`, "", 1))
	}
}

func TestWhatCannotBeTurnedIsAMiss(t *testing.T) {
	unmetered, _, _ := strings.Cut(plain, `,"usage"`)
	for name, text := range map[string]string{
		"sound":           strings.Replace(plain, `"content":"Three."`, `"content":null,"audio":{"id":"a","data":"x"}`, 1),
		"parts":           strings.Replace(plain, `"Three."`, `[{"type":"text","text":"Three."}]`, 1),
		"unknown around":  strings.Replace(plain, `"created":1`, `"created":1,"citations":["x"]`, 1),
		"unknown within":  strings.Replace(plain, `"role":"assistant"`, `"role":"assistant","images":[1]`, 1),
		"no usage":        unmetered + "}",
		"unknown of some": strings.Replace(plain, `"index":0`, `"index":0,"content_filter_results":{"a":1}`, 1),
	} {
		p := &provider{answer: func(_ int64, c *llm.Call) (*llm.Response, error) {
			if c.Stream {
				return said(200, true, chunks), nil
			}
			return said(200, false, text), nil
		}}
		s := serve(t, p)
		wants(t, s, chat(), llm.CacheMiss, text)
		if s.Counts().Fills != 1 {
			t.Errorf("%s: the plain answer was not kept", name)
		}
		wants(t, s, chat(streams), llm.CacheMiss, chunks)
		wants(t, s, chat(), llm.CacheHit, text) // each form has its own entry now
		wants(t, s, chat(streams), llm.CacheHit, chunks)
	}
	for name, edit := range map[string][2]string{
		"logprobs":        {`"finish_reason":null`, `"logprobs":{"content":[{"token":"a"}]},"finish_reason":null`},
		"sound":           {`"content":""`, `"audio":{"id":"a"}`},
		"unknown around":  {`"created":1`, `"created":1,"citations":["x"]`},
		"an old function": {`"content":""`, `"function_call":{"name":"f","arguments":""}`},
		"custom tool":     {`"content":""`, `"tool_calls":[{"index":0,"id":"a","type":"custom"}]`},
		"two reasonings":  {`"reasoning_content":"Hm."`, `"reasoning_content":"Hm.","reasoning":"Hm."`},
	} {
		stream := strings.Replace(chunks, edit[0], edit[1], 1)
		if stream == chunks {
			t.Fatalf("%s changes nothing", name)
		}
		if got, ok := wholeOf([]byte(stream)); ok {
			t.Errorf("%s: made %s", name, got)
		}
	}
	// Other endpoints have no other form.
	p := answering(200, false, strings.Replace(plain, `"message":{"role":"assistant","content":"Three."}`, `"text":"Three."`, 1))
	s := serve(t, p)
	legacy := func(c *llm.Call) { c.Endpoint, c.Path = llm.Completions, "/completions" }
	if use, _ := ask(t, s, chat(legacy)); use != llm.CacheMiss || s.Counts().Fills != 1 {
		t.Errorf("cache %q, %+v", use, s.Counts())
	}
	if use, _ := ask(t, s, chat(legacy, streams)); use != llm.CacheMiss {
		t.Errorf("cache %q", use)
	}
}
