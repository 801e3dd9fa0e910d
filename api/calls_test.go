package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// equalJSON compares texts as JSON values.
func equalJSON(t *testing.T, got, want string) {
	t.Helper()
	var g, v any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("%v in %s", err, got)
	}
	if err := json.Unmarshal([]byte(want), &v); err != nil {
		t.Fatalf("%v in %s", err, want)
	}
	if diff := cmp.Diff(v, g); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// The promised example, letter by letter, and what stands beside it.
func TestListOfCalls(t *testing.T) {
	w := newWorld(t)
	equalJSON(t, w.ask("GET", "/calls", "").Body.String(), `{"calls":[],"next":""}`)
	w.record(example())
	equalJSON(t, w.ask("GET", "/calls", "").Body.String(), `{"calls":[{
		"id":"call-1","trace_id":"0af7651916cd43dd8448eb211c80319c","start_time":"2026-11-23T08:00:00.123456Z","duration_ms":812.4,"ttft_ms":210.1,
		"project":"default","key":"dev","user":"u1","session":"s1","tags":{"team":"a"},"endpoint":"chat.completions","stream":true,
		"provider":"openai","model_requested":"fast","model":"gpt-4o-mini-2024-07-18","status":"ok","http_status":200,"error_code":"",
		"usage":{"input_uncached":10,"cache_read":0,"cache_write_5m":0,"cache_write_1h":0,"output_text":20,"reasoning":0,"input_audio":0,"output_audio":0},
		"usage_source":"provider","cost_usd":"0.000013500","saved_usd":"0.000000000","price_status":"exact","price_version":"v","cache":"miss","cache_neighbor":"","cache_score":null,
		"attempts":1,"prompt":"","arm":"",
		"units":{"web_search":0,"image":0,"audio_seconds":0},"finish_reasons":["stop"],"flags":[],
		"input_preview":"Where is my order?","output_preview":""}],"next":""}`)
}

func TestUnknownIsNull(t *testing.T) {
	w := newWorld(t)
	w.record(changed("call-2", func(r *trace.Record) {
		c := &r.Call
		c.PriceStatus, c.Cost, c.TTFT, c.Tags, c.Stream = price.Unpriced, 99, 0, nil, false
		c.Prompt, c.PromptVersion = "greet", 7
	}))
	var got struct {
		Calls []map[string]any
	}
	w.get("/calls", &got)
	c := got.Calls[0]
	for name, want := range map[string]any{"cost_usd": nil, "ttft_ms": nil, "prompt": "greet@7", "price_status": "unpriced"} {
		if c[name] != want {
			t.Errorf("%s is %v, want %v", name, c[name], want)
		}
	}
	if tags, ok := c["tags"].(map[string]any); !ok || len(tags) != 0 {
		t.Errorf("tags are %v, want {}", c["tags"])
	}
}

// ids asks for calls and gives their ids, newest first.
func (w *world) ids(query string) string {
	w.t.Helper()
	var got struct {
		Calls []struct{ ID string }
	}
	w.get("/calls?"+query, &got)
	ids := make([]string, len(got.Calls))
	for i, c := range got.Calls {
		ids[i] = c.ID
	}
	return strings.Join(ids, " ")
}

func TestFilters(t *testing.T) {
	w := newWorld(t)
	now := time.Now().UTC()
	w.record(
		example(),
		changed("other", func(r *trace.Record) {
			c := &r.Call
			c.Start = t0.Add(time.Hour)
			c.Project, c.Key, c.KeyID, c.Provider, c.Model, c.ModelRequested = "p2", "ci", "other-key-id", "anthropic", "claude", "smart"
			c.User, c.Session, c.Status, c.ErrorCode, c.Endpoint = "u2", "s2", trace.StatusError, "http_500", llm.Messages
			c.Cache, c.Prompt, c.PromptVersion, c.Arm, c.TraceID = trace.CacheHit, "greet", 3, "b", strings.Repeat("f", 32)
			c.Tags, c.PriceStatus = map[string]string{"team": "b", "a.b": "=+ &"}, price.Unpriced
			r.Body = trace.Body{Request: []byte(`{"messages":[{"role":"user","content":"Straße"}]}`)}
		}),
		changed("recent", func(r *trace.Record) {
			r.Call.Start, r.Call.Project = now.Add(-90*time.Minute), "recent"
		}),
	)
	for _, tt := range []struct{ query, want string }{
		{"project=p2", "other"},
		{"project=default", "call-1"},
		{"project=P2", ""},
		{"project=&since=2026-11-23T08:00:00Z&until=2026-11-23T10:00:00Z", "other call-1"}, // an empty parameter is none
		{"key=ci", "other"},
		{"key=other-key-id", "other"},
		{"provider=anthropic", "other"},
		{"model=smart", "other"},
		{"model=claude", "other"},
		{"user=u2", "other"},
		{"session=s2", "other"},
		{"status=error", "other"},
		{"endpoint=messages", "other"},
		{"cache=hit", "other"},
		{"prompt=greet", "other"},
		{"prompt=greet@3", "other"},
		{"arm=b", "other"},
		{"trace=" + strings.Repeat("f", 32), "other"},
		{"error_code=http_500", "other"},
		{"tag.team=b", "other"},
		{"tag.a.b=" + url.QueryEscape("=+ &"), "other"},
		{"tag.team=b&project=default", ""},
		{"q=stra%C3%9Fe", "other"},
		{"q=" + url.QueryEscape("order WHERE") + "&project=default", "call-1"},
		{"unpriced=true", "other"},
		{"unpriced=false&project=p2", "other"},
		{"price_status=unpriced", "other"},
		{"since=2026-11-23T08:30:00Z&until=2026-11-23T10:00:00Z", "other"},
		{"since=2026-11-23T09:30:00%2B01:00&until=2026-11-23T10:00:00Z", "other"},
		{"since=2026-11-23T09:30:00+01:00&until=2026-11-23T10:00:00Z", "other"}, // a + that nobody escaped
		{"until=2026-11-23T08:00:00.123456Z&project=default", ""},
		{"since=2026-11-23T08:00:00.123456Z&until=2026-11-23T08:00:00.123457Z", "call-1"},
		{"since=2h&project=recent", "recent"},
		{"since=1h&project=recent", ""},
		{"since=120m&until=60m", "recent"},
		{"limit=1&project=default", "call-1"},
	} {
		if got := w.ids(tt.query); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.query, got, tt.want)
		}
	}
	day := now.Add(-90 * time.Minute).Format(time.DateOnly)
	if got := w.ids("project=recent&since=" + day); got != "recent" {
		t.Errorf("since its day %s: %q", day, got)
	}
}

func TestBadParameters(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct{ target, param, word string }{
		{"/calls?limit=0", "limit", "1 to 1000"},
		{"/calls?limit=1001", "limit", "1 to 1000"},
		{"/calls?limit=ten", "limit", "1 to 1000"},
		{"/calls?cursor=garbage", "cursor", "leave it out"},
		{"/calls?since=yesterdayish", "since", "how long ago"},
		{"/calls?since=30y", "since", "how long ago"},
		{"/calls?since=-5m", "since", "how long ago"},
		{"/calls?since=99999999999d", "since", "how long ago"},
		{"/calls?since=m", "since", "how long ago"},
		{"/calls?until=2026-13-01", "until", "RFC 3339"},
		{"/calls?since=2026-11-24&until=2026-11-23", "until", "before since"},
		{"/calls?since=0001-01-01", "since", "before 1970"},
		{"/calls?until=1969-12-31T23:59:59Z", "until", "before 1970"},
		{"/calls?status=fine", "status", "client_closed"},
		{"/calls?cache=warm", "cache", "semantic"},
		{"/calls?unpriced=yes", "unpriced", "true"},
		{"/calls?price_status=free", "price_status", "unpriced"},
		{"/calls?sort=price", "sort", "duration"},
		{"/calls/facets?fields=colour", "fields", "tag.k"},
		{"/calls/facets?fields=model,model", "fields", "twice"},
		{"/calls?projet=a", "projet", "no parameter"},
		{"/calls?tag.=a", "tag.", "no parameter"},
		{"/calls?tag.k.=a&tag=b", "tag", "no parameter"},
		{"/calls?limit=1&limit=2", "limit", "once"},
		{"/calls?user=%ff", "user", "UTF-8"},
		{"/calls?user=a%00b", "user", "UTF-8"},
		{"/calls?a;b=c", "", "malformed"},
		{"/calls?user=%zz", "", "malformed"},
		{"/calls/call-1?full=true", "full", "which has none"},
		{"/traces/x?limit=3", "limit", "which has none"},
		{"/costs?by=colour", "by", "tag.k"},
		{"/costs?by=model,", "by", "no column"},
		{"/costs?by=tag.", "by", "no column"},
		{"/costs?by=model,model", "by", "twice"},
		{"/costs?by=day,hour", "by", "more than one"},
		{"/costs?by=model;DROP", "", "malformed"},
		{"/costs?timezone=Mars/Olympus", "timezone", "Europe/Berlin"},
		{"/costs?timezone=Local", "timezone", "Europe/Berlin"},
		{"/costs?timezone=../../etc/passwd", "timezone", "Europe/Berlin"},
		{"/costs?format=xml", "format", "csv"},
		{"/costs?status=fine", "status", "client_closed"},
		{"/facets?limit=-1", "limit", "1 to 1000"},
		{"/facets?q=a&cache=x", "cache", "semantic"},
		{"/export/calls?format=xml", "format", "jsonl or csv or parquet"},
		{"/export/calls?bodies=maybe", "bodies", "true or false"},
		{"/export/calls?limit=5", "limit", "no parameter"},
		{"/export/calls?since=x", "since", "how long ago"},
		{"/prices?at=soon", "at", "how long ago"},
		{"/prices/unpriced?since=soon", "since", "how long ago"},
		{"/spool?x=1", "x", "which has none"},
	} {
		got := w.refused(w.ask("GET", tt.target, ""), http.StatusBadRequest, llm.InvalidRequest, tt.word)
		if param := got.Error.Param; tt.param == "" && param != nil || tt.param != "" && (param == nil || *param != tt.param) {
			t.Errorf("%s: the answer blames %v, want %s", tt.target, param, tt.param)
		}
	}
}

func TestPages(t *testing.T) {
	w := newWorld(t)
	want := make([]string, 0, 7)
	for i := range 7 {
		id := fmt.Sprintf("page-%d", i)
		w.record(changed(id, func(r *trace.Record) { r.Call.Start = t0.Add(time.Duration(i) * time.Second) }))
		want = append(want, id)
	}
	slices.Reverse(want)
	var got []string
	cursor := ""
	for range 4 {
		var page struct {
			Calls []struct{ ID string }
			Next  string
		}
		w.get("/calls?project=default&limit=3&cursor="+url.QueryEscape(cursor), &page)
		for _, c := range page.Calls {
			got = append(got, c.ID)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || cursor != "" {
		t.Errorf("next %q, -want +got\n%s", cursor, diff)
	}
	var page struct{ Next string }
	w.get("/calls?project=default&limit=3", &page)
	w.refused(w.ask("GET", "/calls?project=other&limit=3&cursor="+url.QueryEscape(page.Next), ""), 400, llm.InvalidRequest, "same filters")
}

func TestCall(t *testing.T) {
	w := newWorld(t)
	w.record(example())
	rec := w.ask("GET", "/calls/call-1", "")
	equalJSON(t, rec.Body.String(), `{
		"id":"call-1","trace_id":"0af7651916cd43dd8448eb211c80319c","start_time":"2026-11-23T08:00:00.123456Z","duration_ms":812.4,"ttft_ms":210.1,
		"project":"default","key":"dev","user":"u1","session":"s1","tags":{"team":"a"},"endpoint":"chat.completions","stream":true,
		"provider":"openai","model_requested":"fast","model":"gpt-4o-mini-2024-07-18","status":"ok","http_status":200,"error_code":"",
		"usage":{"input_uncached":10,"cache_read":0,"cache_write_5m":0,"cache_write_1h":0,"output_text":20,"reasoning":0,"input_audio":0,"output_audio":0},
		"usage_source":"provider","cost_usd":"0.000013500","saved_usd":"0.000000000","price_status":"exact","price_version":"v","cache":"miss","cache_neighbor":"","cache_score":null,
		"prompt":"","arm":"","units":{"web_search":0,"image":0,"audio_seconds":0},"finish_reasons":["stop"],"flags":[],
		"span_id":"b7ad6b7169203331","parent_id":"","key_id":"abcdefghijkl","path":"/chat/completions","response_id":"","service_tier":"",
		"prompt_hash":"","prompt_revision":0,"experiment":"","epoch":0,"unit":"",
		"usage_raw":{"prompt_tokens":10,"completion_tokens":20},"price_rule":"","held_usd":null,"provider_cost_usd":null,"error":null,
		"attempts":[{"id":"call-1","provider":"openai","model":"gpt-4o-mini-2024-07-18","status":"ok","http_status":200,"error":null,
			"start_time":"2026-11-23T08:00:00.123456Z","duration_ms":812.4,"cost_usd":"0.000013500"}],
		"cost_explained":[
			{"bucket":"input_uncached","tokens":10,"price_usd_per_mtok":"0.15","amount_usd":"0.0000015","rule":"input uncached"},
			{"bucket":"output_text","tokens":20,"price_usd_per_mtok":"0.6","amount_usd":"0.000012","rule":"output text"}],
		"cost_note":"`+noteOf(t, rec)+`",
		"request":{"messages":[{"role":"user","content":"Where is my order?"}],"n":1.50},
		"response":"data: {\"choices\":[]}\n\ndata: [DONE]\n\n"}`)
	if !strings.Contains(rec.Body.String(), `"n":1.50`) {
		t.Error("a number of the request is not as it was recorded")
	}
	if note := noteOf(t, rec); !strings.Contains(note, "charged by the price v;") {
		t.Errorf("the note %q does not name the price of the row", note)
	}
	w.refused(w.ask("GET", "/calls/none", ""), http.StatusNotFound, llm.NotFound, "no call")
	w.refused(w.ask("GET", "/calls/a%2Fb", ""), http.StatusNotFound, llm.NotFound, "no call")
}

func noteOf(t *testing.T, rec *httptest.ResponseRecorder) string {
	t.Helper()
	var v struct {
		Note string `json:"cost_note"`
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v in %s", err, rec.Body)
	}
	return v.Note
}

// A record that is on its way to the store can be read, also while the store is away.
func TestCallInSpool(t *testing.T) {
	w := newWorld(t)
	w.store.Away = func() error { return errors.New("gone") }
	w.spool.waiting = []trace.Record{changed("waiting", func(r *trace.Record) {
		r.Call.Start = t0.In(time.FixedZone("east", 3600)).Add(789 * time.Nanosecond)
	})}
	var got struct {
		ID        string
		StartTime string `json:"start_time"`
	}
	w.get("/calls/waiting", &got)
	if got.ID != "waiting" || got.StartTime != "2026-11-23T08:00:00.123456Z" {
		t.Errorf("got %+v", got)
	}
	w.refused(w.ask("GET", "/calls/call-1", ""), http.StatusServiceUnavailable, llm.RecordUnavailable)
}

func TestBodies(t *testing.T) {
	w := newWorld(t)
	for i, tt := range []struct {
		name, body, want string
	}{
		{"nothing", "", `null`},
		{"an object", `{"a": [1, 2.50, "x"]}`, `{"a":[1,2.50,"x"]}`},
		{"an event stream", "data: {}\n\n", `"data: {}\n\n"`},
		{"HTML", `<script>alert(1)</script>`, `"<script>alert(1)</script>"`},
		{"HTML in JSON", `{"a":"</script><img src=x onerror=alert(1)>"}`, `{"a":"</script><img src=x onerror=alert(1)>"}`},
		{"invalid UTF-8", "ab\xff\xfec", `"ab` + "\uFFFD" + `c"`},
		{"invalid UTF-8 in JSON", "{\"a\":\"\xff\"}", `{"a":"` + "\uFFFD" + `"}`},
		{"JSON that was cut", `{"a":[1,`, `"{\"a\":[1,"`},
		{"two values", `{} {}`, `"{} {}"`},
		{"a digest", `"sha256:00"`, `"sha256:00"`},
		{"NUL and line separators", "\x00\u2028", `"\u0000\u2028"`},
		{"nested without end", strings.Repeat("[", 20_000), `"` + strings.Repeat("[", 20_000) + `"`},
	} {
		id := fmt.Sprintf("body-%d", i)
		w.record(changed(id, func(r *trace.Record) { r.Body = trace.Body{Request: []byte(tt.body), Response: []byte(tt.body)} }))
		rec := w.ask("GET", "/calls/"+id, "")
		var got struct{ Request, Response json.RawMessage }
		if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		equalJSON(t, string(got.Request), tt.want)
		equalJSON(t, string(got.Response), tt.want)
		if strings.ContainsAny(rec.Body.String(), "<>") || rec.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("%s: markup reaches the wire: %.300s", tt.name, rec.Body)
		}
	}
}

func TestAttempts(t *testing.T) {
	w := newWorld(t)
	failed := &llm.Error{Type: "server_error", Message: "no", Status: 500, Retryable: true}
	w.record(
		changed("two", func(r *trace.Record) {
			first := trace.Span{
				ID: "a1", Kind: trace.KindAttempt, Start: t0, Duration: time.Second, Provider: "openai", Model: "gpt-4o", Status: trace.StatusError,
				HTTPStatus: 500, Error: failed, PriceStatus: price.Exact,
			}
			second := first
			second.ID, second.Provider, second.Status, second.HTTPStatus, second.Error = "a2", "my-openai", trace.StatusOK, 200, nil
			r.Attempts = []trace.Span{first, second}
			r.Call.Attempts = 2
		}),
		changed("none", func(r *trace.Record) { r.Call.Attempts = 0 }),
		changed("one-failed", func(r *trace.Record) {
			r.Call.Status, r.Call.Error, r.Call.ErrorCode, r.Call.HTTPStatus = trace.StatusError, failed, "server_error", 500
		}),
	)
	type try struct {
		ID      string
		Status  string
		Error   *llm.Error
		CostUSD *string `json:"cost_usd"`
	}
	zero, cost := "0.000000000", "0.000013500"
	for id, want := range map[string][]try{
		"two":        {{"a1", "error", failed, &zero}, {"a2", "ok", nil, &cost}},
		"none":       {},
		"one-failed": {{"one-failed", "error", failed, &cost}},
	} {
		var got struct {
			Attempts []try
			Error    *llm.Error
		}
		w.get("/calls/"+id, &got)
		if diff := cmp.Diff(want, got.Attempts); diff != "" {
			t.Errorf("%s: -want +got\n%s", id, diff)
		}
		if id == "one-failed" && !cmp.Equal(got.Error, failed) {
			t.Errorf("error is %+v, want %+v", got.Error, failed)
		}
	}
}

func TestExplanations(t *testing.T) {
	version := price.Embedded().Explain(price.Charge{Provider: "openai", Model: "gpt-4o-mini-2024-07-18", At: t0, Usage: llm.Usage{InputUncached: 1}}).Version
	for i, tt := range []struct {
		name   string
		change func(*trace.Span)
		lines  int
		note   string // "" is no note
	}{
		{"as it was charged", func(s *trace.Span) { s.PriceVersion = version }, 2, ""},
		{"by the price book's name of the provider", func(s *trace.Span) { s.PriceVersion, s.Provider = version, "my-openai" }, 2, ""},
		{"another price of the same amount", func(*trace.Span) {}, 2, "comes to the same"},
		{"another amount", func(s *trace.Span) { s.Cost = 99 }, 2, "charged $0.000000099 by the price v; the lines are by the price in force, " + version + ", and come to $0.000013500"},
		{"a price that is gone", func(s *trace.Span) { s.Provider = "nobody" }, 2, "the book in force has no price for it"},
		{"priced since", func(s *trace.Span) { s.PriceStatus = price.Unpriced }, 2, "it would cost $0.000013500"},
		{"never priced", func(s *trace.Span) {
			s.PriceStatus, s.Provider, s.PriceRule = price.Unpriced, "nobody", "no price is known for nobody/x"
		}, 2, "no price is known for nobody/x"},
		{"from the cache", func(s *trace.Span) { s.Cache, s.Saved, s.Cost = trace.CacheHit, s.Cost, 0 }, 2, "answered from the cache"},
		{"refused before it was sent", func(s *trace.Span) { s.Cost, s.PriceVersion, s.Usage = 0, "", llm.Usage{} }, 0, ""},
		{"recorded lines", func(s *trace.Span) { s.CostLines = []price.Line{{Bucket: "image", Tokens: 1, Rule: "counted"}} }, 1, ""},
	} {
		w := newWorld(t)
		id := fmt.Sprintf("call-%d", i)
		w.record(changed(id, func(r *trace.Record) { tt.change(&r.Call) }))
		var got struct {
			Lines []costLine `json:"cost_explained"`
			Note  string     `json:"cost_note"`
		}
		w.get("/calls/"+id, &got)
		if len(got.Lines) != tt.lines || (tt.note == "") != (got.Note == "") || !strings.Contains(got.Note, tt.note) {
			t.Errorf("%s: %d lines, note %q; want %d lines, note %q", tt.name, len(got.Lines), got.Note, tt.lines, tt.note)
		}
	}
}

func TestLostCall(t *testing.T) {
	w := newWorld(t)
	w.record(changed("lost", func(r *trace.Record) {
		c := &r.Call
		c.PriceStatus, c.Held, c.ProviderCost, c.UsageRaw, c.Flags = price.Unpriced, 5_000, "0.00001", "not json", []string{"at_risk"}
	}))
	var got map[string]any
	w.get("/calls/lost", &got)
	for name, want := range map[string]any{"cost_usd": nil, "held_usd": "0.000005000", "provider_cost_usd": "0.00001", "usage_raw": "not json"} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}

func TestTrace(t *testing.T) {
	w := newWorld(t)
	w.record(changed("in-trace", func(r *trace.Record) {
		r.Attempts = []trace.Span{
			{
				ID: "a1", TraceID: r.Call.TraceID, SpanID: "1111111111111111", ParentID: r.Call.SpanID, Kind: trace.KindAttempt, Start: t0.Add(time.Millisecond),
				Status: trace.StatusError, Error: &llm.Error{Type: "x", Status: 500}, PriceStatus: price.Exact, UsageSource: llm.NoUsage, Cache: trace.CacheOff,
			},
		}
	}))
	var got struct {
		TraceID string `json:"trace_id"`
		Spans   []struct {
			ID, Kind string
			SpanID   string `json:"span_id"`
			ParentID string `json:"parent_id"`
			Error    *llm.Error
		}
	}
	id := example().Call.TraceID
	w.get("/traces/"+id, &got)
	if got.TraceID != id || len(got.Spans) != 2 || got.Spans[0].Kind != "call" || got.Spans[1].ParentID != got.Spans[0].SpanID || got.Spans[1].Error == nil {
		t.Errorf("got %+v", got)
	}
	w.refused(w.ask("GET", "/traces/"+strings.Repeat("0", 32), ""), http.StatusNotFound, llm.NotFound, "trace")
}

// What is read of an address never picks more than it says, and never fails but with a sentence that names the parameter.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{"project=a&since=30d", "tag.k=v&tag.=x", "since=2026-11-23T08:00:00 01:00", "limit=7&limit=8", "model=a&model=b&model=&not.user=u&not.tag.k=&tag.k=", "not.not.model=a&not.q=b", "status=ok&until=m", "by=a%00", ";", "q=%ff", "since=0s&until=0s"} {
		f.Add(s)
	}
	now := t0
	f.Fuzz(func(t *testing.T, raw string) {
		rt := route{method: "GET", path: "/calls", params: slices.Concat(filterParams, pageParams)}
		if err := rt.checkQuery(raw); err != nil {
			if faultOf(err).Code != llm.InvalidRequest {
				t.Errorf("%q: %v", raw, err)
			}
			return
		}
		q, err := url.ParseQuery(raw)
		if err != nil {
			t.Fatalf("%q passed the check: %v", raw, err)
		}
		got, err := readFilter(q, now, time.UTC)
		if err != nil {
			if fault := faultOf(err); fault.Code != llm.InvalidRequest || !q.Has(fault.Param) || !strings.Contains(fault.Message, fault.Param) {
				t.Errorf("%q: %v", raw, err)
			}
			return
		}
		if q.Get("q") != got.Text {
			t.Errorf("%q became %+v", raw, got)
		}
		for name, values := range q { // each value is asked for, or left out, and nothing else is
			field, not := strings.CutPrefix(name, exclude)
			if !trace.IsFilterField(field) {
				continue
			}
			want := asked(field, values)
			i := slices.IndexFunc(got.Conditions(), func(c trace.Condition) bool { return c.Field == field && c.Not == not })
			if len(want) > 0 != (i >= 0) || i >= 0 && !slices.Equal(got.Conditions()[i].Values, want) {
				t.Errorf("%q became %+v", raw, got)
			}
		}
		if (q.Get("since") == "") != got.Since.IsZero() || (q.Get("until") == "") != got.Until.IsZero() || !got.Since.IsZero() && !got.Until.IsZero() && got.Until.Before(got.Since) {
			t.Errorf("%q became %v to %v", raw, got.Since, got.Until)
		}
		if _, err := readLimit(q, 50); err != nil && q.Get("limit") == "" {
			t.Errorf("%q: %v", raw, err)
		}
	})
}
