package simulator

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm/tokens"
)

// ask posts a body and returns the answer. Headers come in pairs.
func ask(t *testing.T, s *Simulator, path, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func decodeInto[T any](t *testing.T, w *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	if w.Code != http.StatusOK {
		t.Fatalf("got status %d, want 200: %s", w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("the answer is not JSON: %v\n%s", err, w.Body)
	}
	return v
}

// event is one event of a stream.
type event struct{ name, data string }

func readEvents(t *testing.T, r io.Reader) []event {
	t.Helper()
	var out []event
	var e event
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		switch line := lines.Text(); {
		case line == "":
			out = append(out, e)
			e = event{}
		case strings.HasPrefix(line, "event: "):
			e.name = line[len("event: "):]
		case strings.HasPrefix(line, "data: "):
			e.data = line[len("data: "):]
		default:
			t.Fatalf("unexpected line in the stream: %q", line)
		}
	}
	if e != (event{}) {
		t.Fatalf("the stream ends inside an event: %+v", e)
	}
	return out
}

const hello = `{"model":"gpt-4o-mini","messages":[{"role":"system","content":"You help customers of a shop."},{"role":"user","content":"Where is the refund for my broken espresso machine?"}]}`

func TestSameSeedSameAnswer(t *testing.T) {
	a := decodeInto[chatCompletion](t, ask(t, New(Config{Seed: 7}), "/v1/chat/completions", hello))
	b := decodeInto[chatCompletion](t, ask(t, New(Config{Seed: 7}), "/v1/chat/completions", hello))
	b.Created = a.Created
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("the same seed and body gave another answer (-first +second):\n%s", diff)
	}
	c := decodeInto[chatCompletion](t, ask(t, New(Config{Seed: 8}), "/v1/chat/completions", hello))
	if a.ID == c.ID || *a.Choices[0].Message.Content == *c.Choices[0].Message.Content {
		t.Errorf("another seed gave the same answer: %s", *c.Choices[0].Message.Content)
	}
}

func TestAnswerIsAboutThePrompt(t *testing.T) {
	got := *decodeInto[chatCompletion](t, ask(t, New(Config{}), "/v1/chat/completions", hello)).Choices[0].Message.Content
	if !strings.Contains(got, "broken espresso machine") && !strings.Contains(got, "refund") {
		t.Errorf("the answer does not mention what was asked: %s", got)
	}
	if strings.Contains(got, "{") {
		t.Errorf("the answer has a place left open: %s", got)
	}
}

func TestUsageIsCounted(t *testing.T) {
	for _, model := range []string{"gpt-4o-mini", "gpt-3.5-turbo-instruct", "o4-mini", "claude-haiku-5-5", "house-llm-7b"} {
		t.Run(model, func(t *testing.T) {
			body := strings.Replace(hello, "gpt-4o-mini", model, 1)
			s := New(Config{})
			got := decodeInto[chatCompletion](t, ask(t, s, "/v1/chat/completions", body))
			enc, _ := tokens.For(model)
			if want := tokens.ChatRequest(enc, []byte(body)); got.Usage.PromptTokens != want {
				t.Errorf("got %d prompt tokens, want %d", got.Usage.PromptTokens, want)
			}
			reasoning := got.Usage.CompletionDetails.Reasoning
			if want := tokens.CountString(enc, *got.Choices[0].Message.Content) + reasoning; got.Usage.CompletionTokens != want {
				t.Errorf("got %d completion tokens, want %d", got.Usage.CompletionTokens, want)
			}
			if reasons := model == "o4-mini"; (reasoning > 0) != reasons {
				t.Errorf("got %d reasoning tokens", reasoning)
			}
			if st := s.Stats(); st.CompletionTokens != int64(got.Usage.CompletionTokens) || st.PromptTokens != int64(got.Usage.PromptTokens) || st.Requests != 1 {
				t.Errorf("the counters say %+v, the usage %+v", st, got.Usage)
			}
		})
	}
}

func TestSnapshotNames(t *testing.T) {
	for asked, want := range map[string]string{
		"gpt-4o-mini":            "gpt-4o-mini-2024-07-18",
		"gpt-4o-mini-2024-07-18": "gpt-4o-mini-2024-07-18",
		"openai/gpt-4o":          "gpt-4o-2024-08-06",
		"house-llm-7b":           "house-llm-7b",
	} {
		got := decodeInto[chatCompletion](t, ask(t, New(Config{}), "/v1/chat/completions", strings.Replace(hello, "gpt-4o-mini", asked, 1)))
		if got.Model != want {
			t.Errorf("%s: got model %s, want %s", asked, got.Model, want)
		}
	}
}

func TestLimits(t *testing.T) {
	enc := tokens.O200k
	for _, tt := range []struct {
		model, field string
		limit        string
		reasoning    bool
	}{
		{"gpt-4o-mini", "max_tokens", "5", false},
		{"gpt-4o-mini", "max_completion_tokens", "1", false},
		{"o4-mini", "max_completion_tokens", "40", true}, // all of it is spent on thinking
	} {
		body := strings.Replace(hello, `{"model":"gpt-4o-mini"`, `{"model":"`+tt.model+`","`+tt.field+`":`+tt.limit, 1)
		got := decodeInto[chatCompletion](t, ask(t, New(Config{}), "/v1/chat/completions", body, "x-sim-reason", map[bool]string{true: "64", false: "0"}[tt.reasoning]))
		c := got.Choices[0]
		var want int
		if err := json.Unmarshal([]byte(tt.limit), &want); err != nil {
			t.Fatal(err)
		}
		if c.FinishReason != "length" || got.Usage.CompletionTokens != want {
			t.Errorf("%s: got %q with %d tokens, want length with %d", tt.model, c.FinishReason, got.Usage.CompletionTokens, want)
		}
		if n := tokens.CountString(enc, *c.Message.Content) + got.Usage.CompletionDetails.Reasoning; n != want {
			t.Errorf("%s: the text and the thinking have %d tokens, want %d", tt.model, n, want)
		}
	}
}

func TestStopSequence(t *testing.T) {
	got := decodeInto[chatCompletion](t, ask(t, New(Config{}), "/v1/chat/completions", strings.Replace(hello, "{", `{"stop":["STOP"],`, 1), "x-sim-text", "Go on. STOP here."))
	if text := *got.Choices[0].Message.Content; text != "Go on. " {
		t.Errorf("got %q, want what stands before the stop sequence", text)
	}
}

func TestCachedPrefix(t *testing.T) {
	long := strings.Repeat("The keeper notes level, flow and weather each morning before the gates are moved. ", 120)
	body := `{"model":"gpt-4o-mini","messages":[{"role":"system","content":"` + long + `"},{"role":"user","content":"What does the keeper note? N"}]}`
	hits := 0
	for i := range 50 {
		b := strings.Replace(body, "N", strings.Repeat("!", i), 1)
		u := decodeInto[chatCompletion](t, ask(t, New(Config{}), "/v1/chat/completions", b)).Usage
		cached := u.PromptDetails.Cached
		if cached > 0 {
			hits++
		}
		if cached%128 != 0 || cached > u.PromptTokens || cached != 0 && cached < 1024 {
			t.Errorf("got %d cached tokens of %d", cached, u.PromptTokens)
		}
	}
	if hits < 35 || hits == 50 {
		t.Errorf("got %d bodies of 50 with cached tokens, want most but not all", hits)
	}
	if u := decodeInto[chatCompletion](t, ask(t, New(Config{}), "/v1/chat/completions", hello)).Usage; u.PromptDetails.Cached != 0 {
		t.Errorf("a short prompt has %d cached tokens, want 0", u.PromptDetails.Cached)
	}
}

func TestChatStream(t *testing.T) {
	body := strings.Replace(hello, "{", `{"stream":true,"stream_options":{"include_usage":true},"n":2,`, 1)
	s := New(Config{})
	w := ask(t, s, "/v1/chat/completions", body)
	if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, "text/event-stream") {
		t.Fatalf("got content type %q", got)
	}
	events := readEvents(t, w.Body)
	if last := events[len(events)-1].data; last != "[DONE]" {
		t.Fatalf("the stream ends with %q, want [DONE]", last)
	}
	texts, finished, roles := make([]string, 2), make([]string, 2), make([]string, 2)
	var u *usage
	var ids []string
	for i, e := range events[:len(events)-1] {
		var c struct {
			ID      string
			Object  string
			Choices []struct {
				Index int
				Delta struct {
					Role    string
					Content string
				}
				FinishReason *string `json:"finish_reason"`
			}
			Usage *usage
		}
		if err := json.Unmarshal([]byte(e.data), &c); err != nil {
			t.Fatalf("event %d: %v: %s", i, err, e.data)
		}
		ids = append(ids, c.ID)
		if c.Object != "chat.completion.chunk" {
			t.Errorf("event %d: got object %q", i, c.Object)
		}
		if len(c.Choices) == 0 {
			if i != len(events)-2 {
				t.Errorf("event %d has no choices but is not the last", i)
			}
			u = c.Usage
			continue
		}
		ch := c.Choices[0]
		if finished[ch.Index] != "" {
			t.Errorf("event %d: choice %d goes on after its end", i, ch.Index)
		}
		texts[ch.Index] += ch.Delta.Content
		roles[ch.Index] += ch.Delta.Role
		if ch.FinishReason != nil {
			finished[ch.Index] = *ch.FinishReason
		}
	}
	if len(slices.Compact(ids)) != 1 {
		t.Errorf("the events have several ids: %v", slices.Compact(ids))
	}
	if diff := cmp.Diff([]string{"stop", "stop"}, finished); diff != "" {
		t.Errorf("finish reasons (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"assistant", "assistant"}, roles); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
	if texts[0] == texts[1] {
		t.Errorf("both choices say the same: %s", texts[0])
	}
	if u == nil {
		t.Fatal("no event carries the usage")
	}
	if want := tokens.CountString(tokens.O200k, texts[0]) + tokens.CountString(tokens.O200k, texts[1]); u.CompletionTokens != want {
		t.Errorf("got %d completion tokens, want %d", u.CompletionTokens, want)
	}
	if st := s.Stats(); st.Streams != 1 || st.CompletionTokens != int64(u.CompletionTokens) {
		t.Errorf("the counters say %+v", st)
	}
}

func TestStreamAndPlainSayTheSame(t *testing.T) {
	// The bodies differ, so the texts may; a text that is given must arrive unchanged.
	want := "One  two,\nthree – vier ünf.\n"
	body := strings.Replace(hello, "{", `{"stream":true,"metadata":{"sim-text":"One  two,\nthree – vier ünf.\n"},`, 1)
	for _, chunks := range []string{"0", "1", "4", "100"} {
		var got strings.Builder
		for _, e := range readEvents(t, ask(t, New(Config{}), "/v1/chat/completions", body, "x-sim-chunks", chunks).Body) {
			var c struct {
				Choices []struct{ Delta struct{ Content string } }
			}
			if e.data != "[DONE]" {
				if err := json.Unmarshal([]byte(e.data), &c); err != nil {
					t.Fatal(err)
				}
				got.WriteString(c.Choices[0].Delta.Content)
			}
		}
		if got.String() != want {
			t.Errorf("in %s chunks: got %q, want %q", chunks, got.String(), want)
		}
	}
}

func TestChunks(t *testing.T) {
	body := strings.Replace(hello, "{", `{"stream":true,`, 1)
	events := readEvents(t, ask(t, New(Config{}), "/v1/chat/completions", body, "x-sim-chunks", "50").Body)
	if got, want := len(events), 1+50+1+1; got != want { // role, content, finish, [DONE]
		t.Errorf("got %d events, want %d", got, want)
	}
	for _, e := range events {
		if strings.Contains(e.data, `"usage"`) {
			t.Errorf("usage was not asked for: %s", e.data)
		}
	}
}

func TestUsageDirective(t *testing.T) {
	for how, want := range map[string]string{"none": "null", "zero": `{"prompt_tokens":0,`} {
		w := ask(t, New(Config{}), "/v1/chat/completions", hello, "x-sim-usage", how)
		got := decodeInto[map[string]json.RawMessage](t, w)["usage"]
		if got == nil {
			got = json.RawMessage("null")
		}
		compact := strings.NewReplacer(" ", "", "\n", "").Replace(string(got))
		if !strings.HasPrefix(compact, want) {
			t.Errorf("%s: got usage %s, want %s", how, compact, want)
		}
	}
}

func TestErrors(t *testing.T) {
	const path = "/v1/chat/completions"
	for _, tt := range []struct {
		name, path, body string
		cfg              Config
		headers          []string
		status           int
		code             string
	}{
		{name: "not JSON", body: `{`, status: 400},
		{name: "wrong type", body: `{"model":"gpt-4o","messages":"hi"}`, status: 400, code: "invalid_type"},
		{name: "no model", body: `{"messages":[]}`, status: 400},
		{name: "no messages", body: `{"model":"gpt-4o"}`, status: 400, code: "missing_required_parameter"},
		{name: "bad role", body: `{"model":"gpt-4o","messages":[{"role":"king","content":""}]}`, status: 400, code: "invalid_value"},
		{name: "too hot", body: `{"model":"gpt-4o","temperature":3,"messages":[{"role":"user","content":"x"}]}`, status: 400, code: "invalid_value"},
		{name: "unknown model", body: `{"model":"gpt-9-tiny","messages":[]}`, status: 404, code: "model_not_found"},
		{name: "embedding model", body: `{"model":"text-embedding-3-small","messages":[]}`, status: 404},
		{name: "unknown path", path: "/v1/audio/speech", body: `{}`, status: 404},
		{name: "no key", cfg: Config{APIKey: "sk-right-key"}, body: hello, status: 401},
		{name: "wrong key", cfg: Config{APIKey: "sk-right-key"}, headers: []string{"Authorization", "Bearer sk-some-other-secret-key-0000"}, body: hello, status: 401, code: "invalid_api_key"},
		{name: "asked for 429", headers: []string{"x-sim-status", "429"}, body: hello, status: 429, code: "rate_limit_exceeded"},
		{name: "asked for 500 by model", body: `{"model":"sim-status-500","messages":[]}`, status: 500},
		{name: "asked for 529 by metadata", body: `{"model":"gpt-4o","metadata":{"sim-status":"529"}}`, status: 529},
		{name: "bad directive", headers: []string{"x-sim-cut", "soon"}, body: hello, status: 400, code: "invalid_value"},
		{name: "always failing", cfg: Config{ErrorRate: 1, Errors: []ErrorRate{{500, 1}}}, body: hello, status: 500},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := tt.path
			if p == "" {
				p = path
			}
			s := New(tt.cfg)
			w := ask(t, s, p, tt.body, tt.headers...)
			if w.Code != tt.status {
				t.Fatalf("got status %d, want %d: %s", w.Code, tt.status, w.Body)
			}
			var e struct {
				Error struct {
					Message, Type string
					Code          *string
				}
			}
			if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Error.Message == "" || e.Error.Type == "" {
				t.Fatalf("not an error object: %s", w.Body)
			}
			if got := e.Error.Code; (got == nil && tt.code != "") || (got != nil && *got != tt.code) {
				t.Errorf("got code %v, want %q", e.Error.Code, tt.code)
			}
			if strings.Contains(w.Body.String(), "other-secret") {
				t.Errorf("the error shows the key: %s", w.Body)
			}
			if (w.Header().Get("Retry-After") != "") != (tt.status == 429) {
				t.Errorf("got Retry-After %q", w.Header().Get("Retry-After"))
			}
			if s.Stats().Failed != 1 {
				t.Errorf("the failure was not counted: %+v", s.Stats())
			}
		})
	}
}

func TestMethodsAndPages(t *testing.T) {
	s := New(Config{APIKey: "sk-right-key"})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/chat/completions", nil)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != 405 || w.Header().Get("Allow") != "POST" {
		t.Errorf("got %d, Allow %q, want 405, POST", w.Code, w.Header().Get("Allow"))
	}
	w = ask(t, s, "/v1/chat/completions", hello, "Authorization", "Bearer sk-right-key", "x-sim-status", "503")
	if w.Code != 503 || w.Header().Get("Content-Type") != "text/html" || !strings.Contains(w.Body.String(), "<html>") {
		t.Errorf("got %d %s %s, want a page", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	if w = ask(t, s, "/v1/chat/completions", hello, "api-key", "sk-right-key"); w.Code != 200 {
		t.Errorf("got %d for the right key in api-key, want 200", w.Code)
	}
}

func TestErrorRate(t *testing.T) {
	s := New(Config{Seed: 3, ErrorRate: .3})
	seen := map[int]int{}
	for range 500 {
		seen[ask(t, s, "/v1/chat/completions", hello, "x-sim-text", "Yes.").Code]++
	}
	if failed := 500 - seen[200]; failed < 110 || failed > 190 {
		t.Errorf("got %d failures of 500, want about 150", failed)
	}
	for _, status := range []int{429, 500, 503, 400} {
		if seen[status] == 0 {
			t.Errorf("status %d never came: %v", status, seen)
		}
	}
}

func TestCut(t *testing.T) {
	srv := httptest.NewServer(New(Config{}))
	defer srv.Close()
	for _, stream := range []bool{true, false} {
		body := hello
		if stream {
			body = strings.Replace(hello, "{", `{"stream":true,`, 1)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/v1/chat/completions", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Sim-Cut", "3")
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err == nil {
			t.Errorf("stream %v: the connection was not dropped", stream)
		}
		if n := strings.Count(string(got), "\n\n"); stream && n != 3 {
			t.Errorf("got %d events, want 3:\n%s", n, got)
		}
		if !stream && (len(got) == 0 || json.Valid(got)) {
			t.Errorf("want half an answer, got %q", got)
		}
	}
}

func TestFailInStream(t *testing.T) {
	chat := strings.Replace(hello, "{", `{"stream":true,`, 1)
	s := New(Config{})
	events := readEvents(t, ask(t, s, "/v1/chat/completions", chat, "x-sim-fail", "3").Body)
	if len(events) != 4 || !strings.Contains(events[3].data, `"error":{"message"`) {
		t.Errorf("got %+v, want three events and an error", events)
	}
	events = readEvents(t, ask(t, s, "/v1/responses", `{"model":"gpt-4o","stream":true,"input":"Hi"}`, "x-sim-fail", "3").Body)
	if len(events) != 4 || events[3].name != "error" || !strings.Contains(events[3].data, `"code":"server_error"`) {
		t.Errorf("got %+v, want three events and an error", events)
	}
	if got := s.Stats(); got.Failed != 2 || got.CompletionTokens != 0 {
		t.Errorf("the counters say %+v, want two failures and nothing billed", got)
	}
}

func TestTimePasses(t *testing.T) {
	elapsed := func(s *Simulator, headers ...string) (d time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			ask(t, s, "/v1/chat/completions", strings.Replace(hello, "{", `{"stream":true,`, 1), headers...)
			d = time.Since(start)
		})
		return d
	}
	if got := elapsed(New(Config{})); got != 0 {
		t.Errorf("at speed 0: took %v, want 0", got)
	}
	full, tenth := elapsed(New(Config{Speed: 1})), elapsed(New(Config{Speed: .1}))
	if full < 200*time.Millisecond || full > 30*time.Second {
		t.Errorf("at speed 1: took %v, want about a second", full)
	}
	if ratio := float64(full) / float64(tenth); ratio < 9.9 || ratio > 10.1 {
		t.Errorf("at speed 0.1: took %v, want a tenth of %v", tenth, full)
	}
	if got, want := elapsed(New(Config{}), "x-sim-latency", "50ms", "x-sim-chunks", "10", "x-sim-delay", "5ms"), 100*time.Millisecond; got != want {
		t.Errorf("with directives: took %v, want %v", got, want)
	}
	if slow := elapsed(New(Config{Speed: 1, Seed: 1})); slow == full {
		t.Errorf("another seed took exactly as long: %v", slow)
	}
}

func TestCancel(t *testing.T) {
	for _, headers := range [][]string{{"x-sim-hang", "true"}, {"x-sim-hang", "3"}, {"x-sim-latency", "1h"}, {"x-sim-delay", "1h"}} {
		t.Run(strings.Join(headers, " "), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("the client gives up"))
				defer cancel()
				s := New(Config{})
				r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/chat/completions", strings.NewReader(strings.Replace(hello, "{", `{"stream":true,`, 1)))
				r.Header.Set(headers[0], headers[1])
				w := httptest.NewRecorder()
				start := time.Now()
				s.ServeHTTP(w, r)
				if got := time.Since(start); got != time.Minute {
					t.Errorf("took %v, want until the client went", got)
				}
				if got := s.Stats(); got.Cancelled != 1 || got.CompletionTokens != 0 {
					t.Errorf("the counters say %+v", got)
				}
				if n := strings.Count(w.Body.String(), "\n\n"); headers[1] == "3" && n != 3 {
					t.Errorf("got %d events before the hang, want 3", n)
				}
			})
		})
	}
}

func TestModels(t *testing.T) {
	s := New(Config{Models: []string{"my-model"}})
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return w
	}
	list := decodeInto[struct{ Data []modelEntry }](t, get("/v1/models"))
	for _, id := range append(Models(), "my-model", "gpt-4o-mini-2024-07-18") {
		if !slices.ContainsFunc(list.Data, func(m modelEntry) bool { return m.ID == id && m.Object == "model" }) {
			t.Errorf("%s is not listed", id)
		}
	}
	if got := decodeInto[modelEntry](t, get("/v1/models/my-model")).ID; got != "my-model" {
		t.Errorf("got %q", got)
	}
	if got := get("/v1/models/none").Code; got != 404 {
		t.Errorf("got %d for an unknown model, want 404", got)
	}
}

func TestModeration(t *testing.T) {
	type answer struct {
		Results []struct {
			Flagged    bool
			Categories map[string]bool
		}
	}
	got := decodeInto[answer](t, ask(t, New(Config{}), "/v1/moderations", `{"input":["How do I bake bread?","I will attack you"]}`))
	if len(got.Results) != 2 || got.Results[0].Flagged || !got.Results[1].Flagged || !got.Results[1].Categories["violence"] {
		t.Errorf("got %+v", got)
	}
}
