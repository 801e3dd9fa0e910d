package api

import (
	"cmp"
	"fmt"
	"net/http"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// outlineSpans bounds the spans of one trace in an outline.
const outlineSpans = 10_000

// bundle is what is said of spans that belong together.
type bundle struct {
	ID            string       `json:"id"`
	Project       string       `json:"project"` // of the first span, as all up to input_preview
	Key           string       `json:"key"`
	User          string       `json:"user"`
	Session       string       `json:"session"`
	TraceID       string       `json:"trace_id"`
	Kind          trace.Kind   `json:"kind"`
	Name          string       `json:"name"` // the endpoint of a call, the name of any other span
	Model         string       `json:"model"`
	Status        trace.Status `json:"status"`
	HTTPStatus    int          `json:"http_status"`
	ErrorCode     string       `json:"error_code"`
	InputPreview  string       `json:"input_preview"`
	FirstID       string       `json:"first_id"`
	StartTime     stamp        `json:"start_time"`
	LastTime      stamp        `json:"last_time"` // start of the newest span
	EndTime       stamp        `json:"end_time"`
	DurationMS    float64      `json:"duration_ms"`
	Spans         int64        `json:"spans"`
	Calls         int64        `json:"calls"`
	Errors        int64        `json:"errors"`
	UnpricedCalls int64        `json:"unpriced_calls"`
	CostUSD       *price.USD   `json:"cost_usd"` // of the priced calls; null when no call has a price
	SavedUSD      price.USD    `json:"saved_usd"`
	InputTokens   int64        `json:"input_tokens"`
	OutputTokens  int64        `json:"output_tokens"`
	Usage         llm.Usage    `json:"usage"`
	Models        []string     `json:"models"` // that answered, at most 8
	Users         []string     `json:"users"`  // that asked, at most 8
	Scores        int64        `json:"scores"` // that hold
}

// traceList is a page of traces.
type traceList struct {
	Traces []bundle `json:"traces"`
	Next   string   `json:"next"` // "" at the end
}

// outlineSpan is a span of an outline: what a waterfall shows of it.
type outlineSpan struct {
	ID           string       `json:"id"`
	SpanID       string       `json:"span_id"`
	ParentID     string       `json:"parent_id"`
	Kind         trace.Kind   `json:"kind"`
	Name         string       `json:"name"`
	Model        string       `json:"model"`
	Provider     string       `json:"provider"`
	Status       trace.Status `json:"status"`
	HTTPStatus   int          `json:"http_status"`
	Error        string       `json:"error"`
	OffsetMS     float64      `json:"offset_ms"` // after the start of the trace
	DurationMS   float64      `json:"duration_ms"`
	TTFTMS       *float64     `json:"ttft_ms"`
	InputTokens  int64        `json:"input_tokens"`
	OutputTokens int64        `json:"output_tokens"`
	CostUSD      *price.USD   `json:"cost_usd"`
	Cache        trace.Cache  `json:"cache"`
}

// traceOutline is a trace without what was said.
type traceOutline struct {
	Trace bundle        `json:"trace"`
	Spans []outlineSpan `json:"spans"` // earliest first
	More  bool          `json:"more"`  // there are more spans than an answer holds
}

// bundleRoutes are those of traces, sessions and end users.
func (a *API) bundleRoutes() []route {
	return []route{
		{
			method: "GET", path: "/traces", name: "listTraces", summary: "Traces with a call that the filter picks, the newest such call first; their figures are of the whole trace",
			params: append(append([]param{}, filterParams...), pageParams...), status: http.StatusOK, out: traceList{}, handle: a.listTraces,
		},
		{
			method: "GET", path: "/traces/{id}/outline", name: "getTraceOutline", summary: "A trace and what a waterfall shows of its spans, earliest first, at most 10,000",
			status: http.StatusOK, out: traceOutline{}, handle: a.getTraceOutline,
		},
		{
			method: "GET", path: "/sessions", name: "listSessions", summary: "Sessions with a call that the filter picks, the newest such call first; their figures are of the whole session",
			params: append(append([]param{}, filterParams...), pageParams...), status: http.StatusOK, out: sessionList{}, handle: a.listSessions,
		},
		{
			method: "GET", path: "/sessions/{id}", name: "getCallSession", summary: "A session and its calls with what was said, oldest first",
			params: sessionParams, status: http.StatusOK, out: sessionCalls{}, handle: a.getCallSession,
		},
		{
			method: "GET", path: "/users", name: "listUsers", summary: "End users with what they spent, and over time",
			params: append(append([]param{}, userParams...), filterParams...), status: http.StatusOK, out: userList{}, handle: a.listUsers,
		},
	}
}

func (a *API) listTraces(w http.ResponseWriter, r *http.Request) error {
	page, err := a.readBundles(r, a.cfg.Bundles.Traces)
	if err != nil {
		return fmt.Errorf("list traces: %w", err)
	}
	return answer(w, http.StatusOK, traceList{bundlesOf(page.Bundles), page.Next})
}

func (a *API) getTraceOutline(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	spans, err := a.cfg.Reader.Trace(r.Context(), id, outlineSpans+1)
	if err != nil {
		return fmt.Errorf("read trace: %w", err)
	}
	if len(spans) == 0 {
		return llm.Faultf(llm.NotFound, "no span of the trace %s is in the store: it never was, or it is older than what is kept", clip(id))
	}
	out := traceOutline{More: len(spans) > outlineSpans}
	spans = spans[:min(len(spans), outlineSpans)]
	page, err := a.cfg.Bundles.Traces(r.Context(), trace.Filter{TraceID: id, Since: spans[0].Start}, 1, "")
	if err != nil {
		return fmt.Errorf("sum up trace: %w", err)
	}
	if len(page.Bundles) == 0 { // it was removed meanwhile, or has neither a call nor a pipeline
		page.Bundles = []trace.Bundle{sumSpans(id, spans)}
	}
	out.Trace, out.Spans = bundleOf(&page.Bundles[0]), make([]outlineSpan, len(spans))
	for i := range spans {
		out.Spans[i] = outlineOf(&spans[i].Span, spans[0].Start)
	}
	return answer(w, http.StatusOK, out)
}

// sumSpans is the bundle of spans that no list has.
func sumSpans(id string, spans []trace.CallRow) trace.Bundle {
	b := trace.Bundle{ID: id, First: spans[0], Last: spans[len(spans)-1].Start, Spans: int64(len(spans))}
	for i := range spans {
		if end := spans[i].End(); end.After(b.End) {
			b.End = end
		}
	}
	return b
}

func outlineOf(s *trace.Span, start time.Time) outlineSpan {
	out := outlineSpan{
		ID: s.ID, SpanID: s.SpanID, ParentID: s.ParentID, Kind: s.Kind, Name: string(s.Endpoint), Model: s.Model, Provider: s.Provider,
		Status: s.Status, HTTPStatus: s.HTTPStatus, OffsetMS: millis(s.Start.Sub(start)), DurationMS: millis(s.Duration), TTFTMS: knownMillis(s.TTFT),
		InputTokens: s.Usage.Input(), OutputTokens: s.Usage.Output(), Cache: cmp.Or(s.Cache, trace.CacheOff),
	}
	if out.Model == "" {
		out.Model = s.ModelRequested
	}
	if s.Kind == trace.KindCall { // money is counted on calls only
		out.CostUSD = knownCost(s)
	}
	if s.Error != nil {
		if out.Error = s.Error.Message; out.Error == "" {
			out.Error = s.Error.Type
		}
	}
	return out
}

func bundlesOf(list []trace.Bundle) []bundle {
	out := make([]bundle, len(list))
	for i := range list {
		out[i] = bundleOf(&list[i])
	}
	return out
}

func bundleOf(b *trace.Bundle) bundle {
	f := &b.First
	out := bundle{
		ID: b.ID, Project: f.Project, Key: f.Key, User: f.User, Session: f.Session, TraceID: f.TraceID, Kind: f.Kind, Name: string(f.Endpoint), Model: f.Model,
		Status: f.Status, HTTPStatus: f.HTTPStatus, ErrorCode: f.ErrorCode, InputPreview: f.InputPreview, FirstID: f.ID,
		StartTime: stamp(f.Start), LastTime: stamp(b.Last), EndTime: stamp(b.End), DurationMS: millis(b.End.Sub(f.Start)),
		Spans: b.Spans, Calls: b.Calls, Errors: b.Errors, UnpricedCalls: b.Unpriced, SavedUSD: b.Saved,
		InputTokens: b.Usage.Input(), OutputTokens: b.Usage.Output(), Usage: b.Usage, Models: list(b.Models), Users: list(b.Users), Scores: b.Scores,
	}
	if out.Model == "" {
		out.Model = f.ModelRequested
	}
	if b.Calls == 0 || b.Unpriced < b.Calls {
		out.CostUSD = &b.Cost
	}
	return out
}
