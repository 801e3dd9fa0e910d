package upstream

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
)

const (
	claudeAnswer = `{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[{"type":"text","text":"Yes."}],"stop_reason":"end_turn","usage":{"input_tokens":2,"output_tokens":1}}`
	claudeHi     = `{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}`
)

// native is claudeHi as an Anthropic client sends it.
func native(path string) *llm.Call {
	c := chatCall("claude-sonnet-4-5", claudeHi)
	c.Endpoint, c.Dialect, c.Path = llm.Messages, llm.Anthropic, path
	return c
}

func TestHeadersSent(t *testing.T) {
	p := newProvider(t, says(200, claudeAnswer))
	bring := func(c *llm.Call, key string) *llm.Call { c.UpstreamAuth = "Bearer " + key; return c }
	with := func(c *llm.Call, header ...string) *llm.Call {
		for i := 0; i < len(header); i += 2 {
			c.Header.Set(header[i], header[i+1])
		}
		return c
	}
	anthropic := closed(t, NewAnthropic(p.config(t, "anthropic", "/v1")))
	azure := closed(t, NewAzure(p.config(t, "azure", "")))
	for _, c := range []struct {
		name string
		send llm.Sender
		call *llm.Call
		want map[string]string
	}{
		{"native", anthropic, native("/messages?beta=true"), map[string]string{"X-Api-Key": "provider-canary", "Anthropic-Version": "2023-06-01", "Authorization": "", "Content-Type": "application/json"}},
		{"native, the client's version and beta", anthropic, with(native("/messages"), "Anthropic-Version", "2024-01-01", "Anthropic-Beta", "a,b", "X-Stainless-Lang", "go"), map[string]string{"Anthropic-Version": "2024-01-01", "Anthropic-Beta": "a,b", "X-Stainless-Lang": "go"}},
		{"translated, OpenAI's own headers stay", anthropic, with(chatCall("claude-sonnet-4-5", claudeHi), "Openai-Organization", "o", "X-Stainless-Lang", "go", "User-Agent", "u", "Anthropic-Beta", "a"), map[string]string{"X-Api-Key": "provider-canary", "Openai-Organization": "", "X-Stainless-Lang": "", "User-Agent": "u", "Anthropic-Beta": "a", "Anthropic-Version": "2023-06-01"}},
		{"a client's own key", anthropic, bring(native("/messages"), "sk-ant-api-1"), map[string]string{"X-Api-Key": "sk-ant-api-1", "Authorization": ""}},
		{"a client's own token", anthropic, bring(native("/messages"), "sk-ant-oat01-1"), map[string]string{"X-Api-Key": "", "Authorization": "Bearer sk-ant-oat01-1"}},
		{"azure", azure, chatCall("d", claudeHi), map[string]string{"Api-Key": "provider-canary", "Authorization": ""}},
		{"azure, a token of Entra", azure, bring(chatCall("d", claudeHi), "eyJhbGciOi"), map[string]string{"Api-Key": "", "Authorization": "Bearer eyJhbGciOi"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := c.call.Header.Clone()
			_, _, err := send(t, c.send, c.call)
			check(t, err)
			for name, want := range c.want {
				if got := p.asked.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if d := cmp.Diff(before, c.call.Header); d != "" {
				t.Errorf("the call's own headers changed:\n%s", d)
			}
		})
	}
}

func TestGeminiKeyIsAHeader(t *testing.T) {
	p := newProvider(t, says(200, `{"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"STOP"}]}`))
	_, _, err := send(t, closed(t, NewGemini(p.config(t, "gemini", "/v1beta"))), chatCall("gemini-2.5-flash", `{"messages":[{"role":"user","content":"Hi"}]}`))
	check(t, err)
	if got := p.asked.Header.Get("X-Goog-Api-Key"); got != "provider-canary" || strings.Contains(p.asked.URL.RawQuery, "canary") {
		t.Errorf("X-Goog-Api-Key %q, query %q", got, p.asked.URL.RawQuery)
	}
}

func TestAzurePlaces(t *testing.T) {
	chat := func(endpoint llm.Endpoint, path string) *llm.Call {
		c := chatCall("my deployment", claudeHi)
		c.Endpoint, c.Path = endpoint, path
		return c
	}
	for _, c := range []struct {
		base, version string
		call          *llm.Call
		want          string
	}{
		{"", "", chat(llm.ChatCompletions, "/chat/completions"), "/openai/deployments/my%20deployment/chat/completions?api-version=2024-10-21"},
		{"/openai", "2025-01-01-preview", chat(llm.Embeddings, "/embeddings?x=1"), "/openai/deployments/my%20deployment/embeddings?x=1&api-version=2025-01-01-preview"},
		{"/", "v", chat(llm.Responses, "/responses"), "/openai/responses?api-version=v"},
		{"", "v", chat(llm.Models, "/models"), "/openai/models?api-version=v"},
		{"", "v", chat(llm.Passthrough, "/images/generations"), "/openai/deployments/my%20deployment/images/generations?api-version=v"},
		{"/openai/v1", "", chat(llm.ChatCompletions, "/chat/completions"), "/openai/v1/chat/completions"},
		{"/openai/v1/", "preview", chat(llm.ChatCompletions, "/chat/completions"), "/openai/v1/chat/completions?api-version=preview"},
	} {
		p := newProvider(t, says(200, "{}"))
		cfg := p.config(t, "azure", c.base)
		cfg.APIVersion = c.version
		_, _, err := send(t, closed(t, NewAzure(cfg)), c.call)
		check(t, err)
		if got := p.asked.URL.RequestURI(); got != c.want {
			t.Errorf("base %q: asked at %s, want %s", c.base, got, c.want)
		}
	}
}

func TestAzureOfAnOldVersionIsAskedOnceMoreWithoutStreamOptions(t *testing.T) {
	var bodies []string
	p := newProvider(t, nil)
	p.answer = func(w http.ResponseWriter, r *http.Request) {
		bodies = append(bodies, string(p.body))
		if strings.Contains(string(p.body), "stream_options") {
			says(400, `{"error":{"message":"Unrecognized request argument supplied: stream_options","type":"invalid_request_error","param":null,"code":null}}`)(w, r)
			return
		}
		streams("data: [DONE]\n\n")(w, r)
	}
	resp, body, err := send(t, closed(t, NewAzure(p.config(t, "azure", ""))), chatCall("d", `{"stream":true,"messages":[]}`))
	if err != nil || resp.Status != 200 || body != "data: [DONE]\n\n" || resp.UsageAsked || len(bodies) != 2 {
		t.Errorf("%d %q, asked %v, error %v", resp.Status, body, bodies, err)
	}
}

func TestModelsAreListedInOpenAIsForm(t *testing.T) {
	list := func(path string) *llm.Call {
		return &llm.Call{Endpoint: llm.Models, Dialect: llm.OpenAI, Method: "GET", Path: path, Header: http.Header{}}
	}
	p := newProvider(t, nil)
	anthropic, gemini := closed(t, NewAnthropic(p.config(t, "anthropic", "/v1"))), closed(t, NewGemini(p.config(t, "gemini", "/v1beta")))
	for _, c := range []struct {
		send               llm.Sender
		path, answer       string
		asked, want        string
		status, wantStatus int
	}{
		{anthropic, "/models", `{"data":[{"type":"model","id":"claude-x","display_name":"X","created_at":"2026-01-02T00:00:00Z"}],"has_more":false}`, "/v1/models?limit=1000", `{"object":"list","data":[{"id":"claude-x","object":"model","created":1767312000,"owned_by":"anthropic"}]}` + "\n", 200, 200},
		{anthropic, "/models/claude-x", `{"type":"model","id":"claude-x"}`, "/v1/models/claude-x", `{"id":"claude-x","object":"model","created":0,"owned_by":"anthropic"}`, 200, 200},
		{gemini, "/models", `{"models":[{"name":"models/gemini-x"}]}`, "/v1beta/models?pageSize=1000", `{"object":"list","data":[{"id":"gemini-x","object":"model","created":0,"owned_by":"google"}]}` + "\n", 200, 200},
		{gemini, "/models/gemini-x", `{"name":"models/gemini-x"}`, "/v1beta/models/gemini-x", `{"id":"gemini-x","object":"model","created":0,"owned_by":"google"}`, 200, 200},
		{anthropic, "/models/nix", `{"type":"error","error":{"type":"not_found_error","message":"model: nix"}}`, "/v1/models/nix", `{"error":{"message":"model: nix","type":"not_found_error","param":null,"code":"not_found_error"}}`, 404, 404},
	} {
		p.answer = says(c.status, c.answer)
		resp, body, err := send(t, c.send, list(c.path))
		check(t, err)
		if got := p.asked.URL.RequestURI(); got != c.asked || body != c.want || resp.Status != c.wantStatus {
			t.Errorf("%s: asked at %s, got %d %s; want %s, %d %s", c.path, got, resp.Status, body, c.asked, c.wantStatus, c.want)
		}
	}
}

func TestWhatAProviderDoesNotSpeakIsRefused(t *testing.T) {
	p := newProvider(t, says(200, "{}"))
	embeddings := chatCall("m", `{"input":"x"}`)
	embeddings.Endpoint, embeddings.Path = llm.Embeddings, "/embeddings"
	for name, c := range map[string]struct {
		send llm.Sender
		call *llm.Call
	}{
		"openai":    {closed(t, NewOpenAI(p.config(t, "openai", "/v1"))), native("/messages")},
		"azure":     {closed(t, NewAzure(p.config(t, "azure", ""))), native("/messages")},
		"gemini":    {closed(t, NewGemini(p.config(t, "gemini", "/v1"))), native("/messages")},
		"anthropic": {closed(t, NewAnthropic(p.config(t, "anthropic", "/v1"))), embeddings},
	} {
		f := faultOf(t, c.send, c.call)
		if f.Code != llm.InvalidRequest || !strings.Contains(f.Message, "provider "+name) || p.asked != nil {
			t.Errorf("%s: %v, asked %v", name, f, p.asked)
		}
	}
}

func TestFaultsNameTheProvider(t *testing.T) {
	p := newProvider(t, says(200, claudeAnswer))
	cfg := p.config(t, "claude-east", "/v1")
	p.Close()
	f := faultOf(t, closed(t, NewAnthropic(cfg)), native("/messages"))
	if f.Code != llm.UpstreamUnavailable || !strings.Contains(f.Message, "claude-east") || len(f.Attempts) != 1 || strings.Contains(f.Error(), "provider-canary") {
		t.Errorf("%v, attempts %v", f, f.Attempts)
	}
}

func TestAPlainAnswerThatBreaksOffIsAFault(t *testing.T) {
	p := newProvider(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, claudeAnswer)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	f := faultOf(t, closed(t, NewAnthropic(p.config(t, "anthropic", "/v1"))), chatCall("claude-sonnet-4-5", claudeHi))
	if f.Code != llm.UpstreamUnavailable || len(f.Attempts) != 1 || f.Attempts[0].Status != 200 {
		t.Errorf("%v, attempts %v", f, f.Attempts)
	}
}

// TestEventsAreTranslatedAsTheyCome: the client has an event before the provider sends the next.
func TestEventsAreTranslatedAsTheyCome(t *testing.T) {
	next := make(chan struct{})
	defer close(next)
	p := newProvider(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, ev := range []string{
			`{"type":"message_start","message":{"id":"msg_1","model":"claude","usage":{"input_tokens":2,"output_tokens":1}}}`,
			`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}` + "\n\ndata: " + `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"one"}}`,
			`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"two"}}`,
			`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":4}}` + "\n\ndata: " + `{"type":"message_stop"}`,
		} {
			_, _ = fmt.Fprintf(w, "data: %s\n\n", ev)
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	})
	resp, err := closed(t, NewAnthropic(p.config(t, "anthropic", "/v1"))).Send(t.Context(), chatCall("claude-sonnet-4-5", `{"stream":true,"messages":[{"role":"user","content":"Hi"}]}`))
	check(t, err)
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for _, want := range []string{`"role":"assistant"`, `"content":"one"`, `"content":"two"`, `"finish_reason":"stop"`, `data: [DONE]`} {
		for lines.Scan() && lines.Text() == "" {
		}
		if !strings.Contains(lines.Text(), want) {
			t.Fatalf("got %q, want %s", lines.Text(), want)
		}
		if want != `"finish_reason":"stop"` { // [DONE] comes with it
			next <- struct{}{}
		}
	}
	if out := resp.Outcome(false); out.Usage.Output() != 4 || out.Source != llm.FromProvider {
		t.Errorf("outcome %+v", out)
	}
}

// TestAClientThatLeavesATranslatedStream: what the provider has said by then is metered.
func TestAClientThatLeavesATranslatedStream(t *testing.T) {
	gone := make(chan struct{})
	p := newProvider(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, `data: {"type":"message_start","message":{"id":"m","model":"claude","usage":{"input_tokens":12,"output_tokens":1}}}`+"\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(gone)
	})
	resp, err := closed(t, NewAnthropic(p.config(t, "anthropic", "/v1"))).Send(t.Context(), chatCall("claude-sonnet-4-5", `{"stream":true,"messages":[{"role":"user","content":"Hi"}]}`))
	check(t, err)
	_, err = resp.Body.Read(make([]byte, 1000))
	check(t, err)
	check(t, resp.Body.Close())
	<-gone
	if out := resp.Outcome(true); out.Usage.InputUncached != 12 || out.Err == nil || out.Err.Type != "stream_truncated" {
		t.Errorf("outcome %+v, error %+v", out, out.Err)
	}
}

// TestAToolLoopGoesRound: what the client was given and sends back as it is reaches the provider as the provider said it.
func TestAToolLoopGoesRound(t *testing.T) {
	const tools = `,"tools":[{"type":"function","function":{"name":"level","parameters":{"type":"object","properties":{"gauge":{"type":"string"}}}}}]`
	for _, c := range []struct {
		name, model, answer string
		send                func(*provider) llm.Sender
		want                []string // in the second request
	}{
		{
			"anthropic", "claude-sonnet-4-5",
			`{"id":"m","type":"message","role":"assistant","model":"c","content":[{"type":"thinking","thinking":"Hm \"é\".","signature":"c2ln"},{"type":"text","text":"Looking."},{"type":"tool_use","id":"toolu_1","name":"level","input":{"gauge":"Kew"}}],"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":1}}`,
			func(p *provider) llm.Sender { return closed(t, NewAnthropic(p.config(t, "anthropic", "/v1"))) },
			[]string{
				`{"role":"assistant","content":[{"type":"thinking","thinking":"Hm \"é\".","signature":"c2ln"},{"type":"text","text":"Looking."},{"type":"tool_use","id":"toolu_1","name":"level","input":{"gauge":"Kew"}}]}`,
				`{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"3.1 m"}]}`, `"thinking":{"type":"enabled"`,
			},
		},
		{
			"gemini", "gemini-3-pro",
			`{"candidates":[{"content":{"parts":[{"functionCall":{"name":"level","args":{"gauge":"Kew"}},"thoughtSignature":"c2ln"}],"role":"model"},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1},"responseId":"r"}`,
			func(p *provider) llm.Sender { return closed(t, NewGemini(p.config(t, "gemini", "/v1beta"))) },
			[]string{
				`{"role":"model","parts":[{"functionCall":{"name":"level","args":{"gauge":"Kew"}},"thoughtSignature":"c2ln"}]}`,
				`{"role":"user","parts":[{"functionResponse":{"name":"level","response":{"output":"3.1 m"}}}]}`,
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t, says(200, c.answer))
			s := c.send(p)
			_, body, err := send(t, s, chatCall(c.model, `{"reasoning_effort":"low","max_tokens":8000,"messages":[{"role":"user","content":"x"}]`+tools+`}`))
			check(t, err)
			var got struct {
				Choices []struct{ Message json.RawMessage }
			}
			check(t, json.Unmarshal([]byte(body), &got))
			var said struct {
				ToolCalls []struct{ ID string } `json:"tool_calls"`
			}
			check(t, json.Unmarshal(got.Choices[0].Message, &said))
			second := fmt.Sprintf(`{"reasoning_effort":"low","max_tokens":8000,"messages":[{"role":"user","content":"x"},%s,{"role":"tool","tool_call_id":%q,"content":"3.1 m"}]%s}`, got.Choices[0].Message, said.ToolCalls[0].ID, tools)
			_, _, err = send(t, s, chatCall(c.model, second))
			check(t, err)
			for _, want := range c.want {
				if !strings.Contains(string(p.body), want) {
					t.Errorf("the provider got\n%s\nwithout\n%s", p.body, want)
				}
			}
		})
	}
}

func TestTellsWhenToTryAgain(t *testing.T) {
	p := newProvider(t, says(429, `{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"20.2s"}]}}`))
	resp, _, err := send(t, closed(t, NewGemini(p.config(t, "gemini", "/v1beta"))), chatCall("gemini-2.5-flash", `{"messages":[{"role":"user","content":"x"}]}`))
	check(t, err)
	if got := resp.Header.Get("Retry-After"); got != "21" || resp.Status != 429 {
		t.Errorf("%d, Retry-After %q", resp.Status, got)
	}
}

func TestDefaultsOfClaudes(t *testing.T) {
	for model, want := range map[string]struct {
		max  int64
		mode thinking
	}{
		"claude-instant-1.2": {4096, noThinking}, "claude-3-opus-20240229": {4096, noThinking}, "claude-3-5-haiku-20241022": {8192, noThinking},
		"claude-3-7-sonnet-latest": {64_000, budgeted}, "claude-opus-4-20250514": {32_000, budgeted}, "claude-opus-4-1": {32_000, budgeted},
		"claude-sonnet-4@20250514": {64_000, budgeted}, "claude-opus-4-5-20251101": {64_000, budgeted}, "anthropic.claude-opus-4-6-v1:0": {64_000, adaptive},
		"claude-sonnet-5": {64_000, adaptive}, "claude-mythos-preview": {64_000, adaptive},
	} {
		c := readClaude(model)
		if c.maxOutput() != want.max || c.thinking() != want.mode {
			t.Errorf("%s: %+v gives %d, %v; want %d, %v", model, c, c.maxOutput(), c.thinking(), want.max, want.mode)
		}
	}
	if got := readClaude("claude-sonnet-4-5").defaultMax(450_000); got != 50_000 {
		t.Errorf("beside a long prompt %d, want room for it", got)
	}
	if got := readClaude("claude-sonnet-4-5").defaultMax(4_500_000); got != 8192 {
		t.Errorf("beside an image %d", got)
	}
}

func TestDroppedNamesAreSafeInAHeader(t *testing.T) {
	_, dropped, fault := toAnthropic("a", chatCall("claude-sonnet-4-5", `{"messages":[],"a\r\nX: y":1,"`+strings.Repeat("n", 100)+`":1,"seed":1,"é,":2}`))
	if fault != nil {
		t.Fatal(fault)
	}
	if want := []string{"a__X:_y", strings.Repeat("n", 64), "seed", "__"}; !slices.Equal(dropped, want) {
		t.Errorf("dropped %q, want %q", dropped, want)
	}
}
