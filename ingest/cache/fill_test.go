package cache

import (
	"io"
	"strings"
	"testing"

	"github.com/weir-dev/weir/llm"
)

func TestEveryEndpointThatIsModelled(t *testing.T) {
	message := `{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":"Three."}],"stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":3}}`
	messages := "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude\",\"content\":[],\"usage\":{\"input_tokens\":10,\"output_tokens\":1}}}\n\n" +
		"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Three.\"}}\n\n" +
		"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":3}}\n\n"
	response := `{"id":"resp_1","object":"response","status":"completed","model":"gpt-4o-mini","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Three."}]}],"usage":{"input_tokens":10,"output_tokens":3,"total_tokens":13}}`
	responses := "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"Three.\"}\n\n"
	for name, tt := range map[string]struct {
		endpoint llm.Endpoint
		dialect  llm.Dialect
		stream   bool
		body     string
		kept     bool
	}{
		"message":              {llm.Messages, llm.Anthropic, false, message, true},
		"message overloaded":   {llm.Messages, llm.Anthropic, false, `{"type":"error","error":{"type":"overloaded_error","message":"x"}}`, false},
		"messages":             {llm.Messages, llm.Anthropic, true, messages + "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n", true},
		"messages cut":         {llm.Messages, llm.Anthropic, true, messages, false},
		"messages failed":      {llm.Messages, llm.Anthropic, true, messages + "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}\n\n", false},
		"response":             {llm.Responses, llm.OpenAI, false, response, true},
		"response failed":      {llm.Responses, llm.OpenAI, false, strings.Replace(response, `"completed"`, `"failed","error":{"code":"server_error","message":"x"}`, 1), false},
		"response queued":      {llm.Responses, llm.OpenAI, false, strings.Replace(response, `"completed"`, `"queued"`, 1), false},
		"responses":            {llm.Responses, llm.OpenAI, true, responses + `data: {"type":"response.completed","response":` + response + "}\n\n", true},
		"responses cut":        {llm.Responses, llm.OpenAI, true, responses, false},
		"legacy":               {llm.Completions, llm.OpenAI, false, `{"id":"c","object":"text_completion","model":"m","choices":[{"index":0,"text":"Three.","finish_reason":"length"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`, true},
		"embeddings":           {llm.Embeddings, llm.OpenAI, false, `{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AAAA"}],"model":"e","usage":{"prompt_tokens":1,"total_tokens":1}}`, true},
		"embeddings of nobody": {llm.Embeddings, llm.OpenAI, false, `{"object":"list","data":[],"model":"e","usage":{"prompt_tokens":1,"total_tokens":1}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := &provider{answer: func(int64, *llm.Call) (*llm.Response, error) {
				r := said(200, tt.stream, tt.body)
				r.Dialect = tt.dialect
				return r, nil
			}}
			s := serve(t, p)
			c := func() *llm.Call {
				return chat(func(c *llm.Call) { c.Endpoint, c.Dialect, c.Stream = tt.endpoint, tt.dialect, tt.stream })
			}
			wants(t, s, c(), llm.CacheMiss, tt.body)
			again := llm.CacheMiss
			if tt.kept {
				again = llm.CacheHit
			}
			wants(t, s, c(), again, tt.body)
		})
	}
}

func TestOnlyCompleteSuccessesAreKept(t *testing.T) {
	const sse, whole = true, false
	limit := strings.Repeat("x", defaultMaxEntry)
	for name, tt := range map[string]struct {
		status int
		stream bool
		body   string
	}{
		"429":                    {429, whole, `{"error":{"message":"slow down","type":"rate_limit_error"}}`},
		"400":                    {400, whole, `{"error":{"message":"no"}}`},
		"500":                    {500, whole, `{"error":{"message":"oops"}}`},
		"503 with an answer":     {503, whole, plain},
		"201":                    {201, whole, plain},
		"an error within 200":    {200, whole, `{"error":{"message":"overloaded","type":"server_error"}}`},
		"a failed choice":        {200, whole, strings.Replace(plain, `"stop"`, `"error"`, 1)},
		"no finish reason":       {200, whole, strings.Replace(plain, `"stop"`, `null`, 1)},
		"no choices":             {200, whole, `{"id":"x","object":"chat.completion","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`},
		"an empty message":       {200, whole, strings.Replace(plain, `"Three."`, `""`, 1)},
		"cut JSON":               {200, whole, plain[:len(plain)-1]},
		"not JSON":               {200, whole, `<html>busy</html>`},
		"nothing":                {200, whole, ``},
		"too long":               {200, whole, strings.Replace(plain, "Three", limit, 1)},
		"a stream":               {200, sse, plain},
		"stream without its end": {200, sse, opened + finished + counted},
		"stream cut in an event": {200, sse, opened + finished[:40]},
		"stream cut at its end":  {200, sse, opened + finished + counted + "data: [DO"},
		"stream with an error":   {200, sse, opened + `data: {"error":{"message":"oops"}}` + "\n\n" + done},
		"stream unfinished":      {200, sse, opened + done},
		"stream 429":             {429, sse, chunks},
		"stream too long":        {200, sse, strings.Replace(chunks, "Thr", limit, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			p := answering(tt.status, tt.stream, tt.body)
			s := serve(t, p)
			c := func() *llm.Call {
				if tt.stream {
					return chat(streams)
				}
				return chat()
			}
			for range 2 {
				wants(t, s, c(), llm.CacheMiss, tt.body)
			}
			if u, _ := s.Usage(t.Context()); p.calls.Load() != 2 || u.Entries != 0 {
				t.Errorf("%d calls, %+v", p.calls.Load(), u)
			}
		})
	}
	for name, change := range map[string]func(*llm.Response){
		"packed":      func(r *llm.Response) { r.Header.Set("Content-Encoding", "gzip") },
		"mislabelled": func(r *llm.Response) { r.Stream = true },
		"broken off": func(r *llm.Response) {
			r.Body = &headed{io.MultiReader(strings.NewReader(plain), failing{io.ErrUnexpectedEOF}), r.Body}
		},
		"failed before weir's": func(r *llm.Response) {
			r.Outcome = func(bool) llm.Outcome { return llm.Outcome{Err: &llm.Error{Type: "x"}, Delivered: true} }
		},
	} {
		p := &provider{answer: func(int64, *llm.Call) (*llm.Response, error) {
			r := said(200, false, plain)
			change(r)
			return r, nil
		}}
		s := serve(t, p)
		for range 2 {
			if use, b := ask(t, s, chat()); use != llm.CacheMiss || !strings.HasPrefix(b, plain) {
				t.Errorf("%s: cache %q, answer %q", name, use, b)
			}
		}
		if p.calls.Load() != 2 {
			t.Errorf("%s was kept", name)
		}
	}
}

func TestAStreamWhoseClientLeavesIsNotKept(t *testing.T) {
	p := answering(200, true, chunks)
	s := serve(t, p)
	for range 2 {
		resp, err := s.Send(t.Context(), chat(streams))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(resp.Body, make([]byte, len(opened))); err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.Cache != llm.CacheMiss {
			t.Errorf("cache %q", resp.Cache)
		}
	}
	resp, err := s.Send(t.Context(), chat(streams))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.ReadFull(resp.Body, make([]byte, len(chunks))) // all of it, but not the end behind it
	_ = resp.Body.Close()
	wants(t, s, chat(streams), llm.CacheHit, chunks)
}
