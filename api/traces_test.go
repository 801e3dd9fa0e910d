package api

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// turn is the example, a number of minutes later.
func turn(n int, change func(*trace.Span)) trace.Record {
	return changed(fmt.Sprintf("call-%d", n), func(r *trace.Record) {
		r.Call.Start = t0.Add(time.Duration(n) * time.Minute)
		r.Body.Request = fmt.Appendf(nil, `{"messages":[{"role":"user","content":"Question %d"}]}`, n)
		if change != nil {
			change(&r.Call)
		}
	})
}

func TestTraces(t *testing.T) {
	w := newWorld(t)
	equalJSON(t, w.ask("GET", "/traces", "").Body.String(), `{"traces":[],"next":""}`)
	retried := turn(1, func(s *trace.Span) { s.Attempts, s.TraceID = 2, "t1" })
	retried.Attempts = []trace.Span{
		{ID: "a1", TraceID: "t1", SpanID: "00000000000000a1", ParentID: retried.Call.SpanID, Kind: trace.KindAttempt, Start: retried.Call.Start, Duration: time.Second, Provider: "azure", Status: trace.StatusError, HTTPStatus: 429, Error: &llm.Error{Type: "rate_limit", Message: "slow down"}},
		{ID: "a2", TraceID: "t1", SpanID: "00000000000000a2", ParentID: retried.Call.SpanID, Kind: trace.KindAttempt, Start: retried.Call.Start.Add(time.Second), Duration: time.Second, Provider: "openai", Status: trace.StatusOK, HTTPStatus: 200, Cost: 99, PriceStatus: price.Exact},
	}
	w.record(retried, turn(2, func(s *trace.Span) {
		s.TraceID, s.ParentID, s.Status, s.ErrorCode, s.PriceStatus = "t1", retried.Call.SpanID, trace.StatusError, "server_error", price.Unpriced
	}), turn(3, func(s *trace.Span) { s.TraceID, s.PriceStatus = "t2", price.Unpriced }))

	var got traceListText
	w.get("/traces?limit=1", &got)
	if len(got.Traces) != 1 || got.Traces[0].ID != "t2" || got.Traces[0].CostUSD != nil || got.Next == "" {
		t.Fatalf("the first page is %+v: want the trace t2 without a cost, since it has no price", got)
	}
	w.get("/traces?limit=1&cursor="+url.QueryEscape(got.Next), &got)
	if one := got.Traces[0]; one.ID != "t1" || *one.CostUSD != "0.000013500" || one.Spans != 4 || one.Calls != 2 || one.Errors != 1 || one.UnpricedCalls != 1 || one.InputPreview != "Question 1" || got.Next != "" {
		t.Errorf("the second page is %+v", got)
	}
	w.get("/traces?status=error", &got)
	if len(got.Traces) != 1 || got.Traces[0].ID != "t1" {
		t.Errorf("traces of errors are %+v, want t1", got.Traces)
	}

	var outline struct {
		Trace bundleText
		Spans []struct {
			ID         string
			Kind       string
			ParentID   string   `json:"parent_id"`
			OffsetMS   float64  `json:"offset_ms"`
			DurationMS float64  `json:"duration_ms"`
			TTFTMS     *float64 `json:"ttft_ms"`
			CostUSD    *string  `json:"cost_usd"`
			Error      string
		}
		More bool
	}
	w.get("/traces/t1/outline", &outline)
	var ids []string
	for _, s := range outline.Spans {
		ids = append(ids, s.ID)
	}
	if got := strings.Join(ids, " "); got != "call-1 a1 a2 call-2" && got != "a1 call-1 a2 call-2" || outline.More || outline.Trace.Calls != 2 {
		t.Errorf("the outline has %s of %+v", got, outline.Trace)
	}
	for _, s := range outline.Spans {
		switch s.ID {
		case "a1":
			if s.Error != "slow down" || s.CostUSD != nil {
				t.Errorf("the failed attempt is %+v", s)
			}
		case "a2":
			if s.OffsetMS != 1000 || s.CostUSD != nil {
				t.Errorf("the second attempt is %+v: money is counted on calls only", s)
			}
		case "call-1":
			if s.CostUSD == nil || *s.CostUSD != "0.000013500" || *s.TTFTMS != 210.1 {
				t.Errorf("the call is %+v", s)
			}
		case "call-2":
			if s.CostUSD != nil || s.OffsetMS != 60_000 || s.ParentID != retried.Call.SpanID {
				t.Errorf("the unpriced call is %+v", s)
			}
		}
	}
	w.refused(w.ask("GET", "/traces/none/outline", ""), http.StatusNotFound, llm.NotFound, "none", "no span")
	w.refused(w.ask("GET", "/traces?limit=0", ""), http.StatusBadRequest, llm.InvalidRequest, "limit")
	w.refused(w.ask("GET", "/traces?status=odd", ""), http.StatusBadRequest, llm.InvalidRequest, "status")
	w.refused(w.ask("GET", "/traces?cursor=odd", ""), http.StatusBadRequest, llm.InvalidRequest, "cursor")
}

type bundleText struct {
	ID, Project          string
	Spans, Calls, Errors int
	UnpricedCalls        int     `json:"unpriced_calls"`
	CostUSD              *string `json:"cost_usd"`
	InputPreview         string  `json:"input_preview"`
	DurationMS           float64 `json:"duration_ms"`
	InputTokens          int     `json:"input_tokens"`
}

type traceListText struct {
	Traces []bundleText
	Next   string
}

func TestSessions(t *testing.T) {
	w := newWorld(t)
	w.record(turn(1, nil), turn(2, nil), turn(3, func(s *trace.Span) { s.Project = "other" }), turn(4, func(s *trace.Span) { s.Session = "a/b ü" }), turn(5, func(s *trace.Span) { s.Session = "" }))
	var list struct {
		Sessions []bundleText
		Next     string
	}
	w.get("/sessions", &list)
	if len(list.Sessions) != 3 || list.Sessions[0].ID != "a/b ü" || list.Sessions[1].Project != "other" || list.Sessions[2].Calls != 2 || *list.Sessions[2].CostUSD != "0.000027000" {
		t.Fatalf("the sessions are %+v", list)
	}
	type sessionText struct {
		Session bundleText
		Turns   []struct {
			ID      string
			Request struct {
				Messages []struct{ Content string }
			}
			Response string
		}
		Next string
	}
	read := func(target string) (ids string, s sessionText) {
		w.get(target, &s)
		for _, turn := range s.Turns {
			ids += turn.ID + ":" + turn.Request.Messages[0].Content + " "
			if !strings.HasPrefix(turn.Response, "data: ") {
				t.Errorf("the answer is %q", turn.Response)
			}
		}
		return ids, s
	}
	if got, s := read("/sessions/s1?project=default"); got != "call-1:Question 1 call-2:Question 2 " || s.Session.Calls != 2 || s.Next != "" {
		t.Errorf("the session is %s%+v", got, s.Session)
	}
	if got, s := read("/sessions/s1"); got != "call-3:Question 3 " || s.Session.Project != "other" {
		t.Errorf("of two projects' sessions the one that asked last is %s%+v", got, s.Session)
	}
	if got, _ := read("/sessions/" + url.PathEscape("a/b ü")); got != "call-4:Question 4 " {
		t.Errorf("the session with a slash is %s", got)
	}
	first, s := read("/sessions/s1?project=default&limit=1")
	rest, end := read("/sessions/s1?project=default&limit=1&cursor=" + url.QueryEscape(s.Next))
	if first != "call-1:Question 1 " || rest != "call-2:Question 2 " || end.Next != "" {
		t.Errorf("in parts of one: %s, then %s, then %q", first, rest, end.Next)
	}
	w.refused(w.ask("GET", "/sessions/none", ""), http.StatusNotFound, llm.NotFound, "none")
	w.refused(w.ask("GET", "/sessions/s1?cursor=odd", ""), http.StatusBadRequest, llm.InvalidRequest, "cursor")

	big := turn(6, func(s *trace.Span) { s.Session = "big" })
	big.Body.Request = []byte(`{"messages":[{"content":"` + strings.Repeat("x", sessionBytes) + `"}]}`)
	w.record(big, turn(7, func(s *trace.Span) { s.Session = "big" }))
	if _, s := read("/sessions/big"); len(s.Turns) != 1 || s.Next == "" {
		t.Errorf("an answer of more than %d bytes goes on after %d turns, next %q", sessionBytes, len(s.Turns), s.Next)
	}
}

func TestUsers(t *testing.T) {
	w := newWorld(t)
	equalJSON(t, w.ask("GET", "/users?since=2026-11-22&until=2026-11-24", "").Body.String(), `{"users":[],"count":0,"next":"","step_seconds":3600,"trend_since":"2026-11-22T00:00:00.000000Z",
		"total":{"calls":0,"errors":0,"unpriced_calls":0,"cache_hits":0,"cost_usd":"0.000000000","saved_usd":"0.000000000","input_tokens":0,"output_tokens":0,
		"usage":{"input_uncached":0,"cache_read":0,"cache_write_5m":0,"cache_write_1h":0,"output_text":0,"reasoning":0,"input_audio":0,"output_audio":0},"latency_p50_ms":null,"latency_p95_ms":null,"ttft_p50_ms":null}}`)
	w.record(turn(1, nil), turn(2, func(s *trace.Span) { s.User = "u2"; s.Status = trace.StatusError }), turn(3, func(s *trace.Span) { s.User = "u2"; s.Cost = 1 }), turn(4, func(s *trace.Span) { s.User = "" }))
	var got struct {
		Users []struct {
			User     string
			Calls    int
			CostUSD  string `json:"cost_usd"`
			LastSeen string `json:"last_seen"`
			Sessions int
			Trend    []string
		}
		Count int
		Total struct {
			CostUSD string `json:"cost_usd"`
		}
		Next string
	}
	w.get("/users?since=2026-11-22&until=2026-11-24&limit=1", &got)
	u := got.Users[0]
	if u.User != "u2" || u.Calls != 2 || u.CostUSD != "0.000013501" || u.LastSeen != "2026-11-23T08:03:00.123456Z" || u.Sessions != 1 || got.Count != 2 || got.Total.CostUSD != "0.000040501" {
		t.Errorf("the first user is %+v of %+v", u, got)
	}
	if len(u.Trend) != 48 || u.Trend[32] != "0.000013501" {
		t.Errorf("the trend is %v", u.Trend)
	}
	w.get("/users?since=2026-11-22&until=2026-11-24&limit=1&cursor="+url.QueryEscape(got.Next), &got)
	if got.Users[0].User != "u1" || got.Next != "" {
		t.Errorf("the second page is %+v", got)
	}
	w.refused(w.ask("GET", "/users?order=name", ""), http.StatusBadRequest, llm.InvalidRequest, "order", "cost")
	w.refused(w.ask("GET", "/users?cursor=odd", ""), http.StatusBadRequest, llm.InvalidRequest, "cursor")
}
