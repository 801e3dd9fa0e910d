package ingest

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/internal/httperr"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// RecordConfig is what a Recording is made of.
type RecordConfig struct {
	Book     func() *price.Book // the price book in force
	Recorder trace.Recorder
	// Admit notes a call before it is sent on; an error refuses it. Nil notes nothing.
	Admit func(*llm.Call) error
	// Watch gives, for a call answered by a stream, what is told how many tokens of output were relayed as they come; its fault
	// cuts the stream. Nil, or nil for a call, watches nothing. A stream in a content encoding is not watched.
	Watch func(*llm.Call) func(tokens int64) *llm.Fault
	// Observers see every finished record before it is handed over. They must be quick and must not keep or change it.
	Observers []func(*trace.Record)
	// Keep applies the project's content policy to a body before it is recorded. Nil keeps all.
	Keep func(project string, body *trace.Body)
	// MaxCapture bounds the bytes recorded of a request and of an answer; 0 is 4 MiB each. Longer ones are cut and flagged.
	MaxCapture int
	Log        *slog.Logger
}

const (
	defaultCapture = 4 << 20
	wholeLimit     = 1 << 20  // a plain answer up to this is read whole before its head is sent, so that cost is a header
	meterLimit     = 32 << 20 // a plain answer beyond this is relayed without being read for usage
)

// Recording is the outermost stage of the chain: it meters every answer on the side and leaves one record of each call.
// Safe for concurrent use.
type Recording struct {
	next llm.Sender
	cfg  RecordConfig
}

var _ llm.Sender = (*Recording)(nil)

// Record wraps a chain.
func Record(next llm.Sender, cfg RecordConfig) *Recording {
	if cfg.MaxCapture <= 0 {
		cfg.MaxCapture = defaultCapture
	}
	return &Recording{next: next, cfg: cfg}
}

// Send passes the call on. The response's body, read to its end or closed before it, finishes the record: the last
// bytes are handed out only once the record is kept.
func (r *Recording) Send(ctx context.Context, call *llm.Call) (*llm.Response, error) {
	if r.cfg.Admit != nil {
		if err := r.cfg.Admit(call); err != nil {
			fault := notKept(err)
			r.Refused(call, fault)
			return nil, fault
		}
	}
	resp, err := r.next.Send(ctx, call)
	if err != nil {
		r.Refused(call, llm.AsFault(err))
		return nil, err
	}
	taken := false
	defer func() {
		if !taken { // a panic: nobody else would close the answer
			_ = resp.Body.Close()
		}
	}()
	resp, err = r.take(call, resp)
	taken = true
	return resp, err
}

// take puts a meter on an answer.
func (r *Recording) take(call *llm.Call, resp *llm.Response) (*llm.Response, error) {
	relabel(call, resp)
	t := &taking{rec: r, call: call, resp: resp, meter: llm.NewMeter(llm.MeterConfig{
		Endpoint: call.Endpoint, Path: call.Path, Dialect: resp.Dialect, Quirks: resp.Quirks,
		Stream: resp.Stream, Status: resp.Status, Header: resp.Header,
	})}
	switch {
	case resp.Stream && encoding(resp.Header) != "": // its events show only when it is decoded
		resp.Body = &longBody{taking: t, from: resp.Body}
	case resp.Stream:
		body := &streamBody{taking: t, from: resp.Body}
		if r.cfg.Watch != nil {
			body.spending.tell = r.cfg.Watch(call)
		}
		resp.Body = body
	default:
		return r.plain(t)
	}
	return resp, nil
}

// plain reads an answer that is not a stream. JSON up to wholeLimit is read whole; anything else is relayed as it comes.
func (r *Recording) plain(t *taking) (*llm.Response, error) {
	from := t.resp.Body
	if t.call.Endpoint == llm.Passthrough && !strings.Contains(t.resp.Header.Get("Content-Type"), "json") {
		t.resp.Body = &longBody{taking: t, from: from}
		return t.resp, nil
	}
	head, err := readAll(io.LimitReader(from, wholeLimit+1), min(t.resp.ContentLength(), wholeLimit))
	if err != nil {
		_ = from.Close()
		t.fault = llm.AsFault(err)
		t.fault.Attempts = t.resp.Attempts
		t.measure(head, false, true)
		if kept := t.finish(head, err); kept != nil {
			r.cfg.Log.Error("record of a broken answer lost", "call", t.call.ID, "error", kept)
		}
		return nil, t.fault
	}
	if len(head) > wholeLimit {
		t.resp.Body = &longBody{taking: t, from: from, head: head, kept: slices.Clip(head)}
		return t.resp, nil
	}
	_ = from.Close()
	t.measure(head, false, false)
	if err := t.finish(head, nil); err != nil {
		return nil, notKept(err)
	}
	t.resp.Body = &wholeBody{Reader: bytes.NewReader(head), taking: t}
	return t.resp, nil
}

// Refused records a call that got no answer to relay.
func (r *Recording) Refused(call *llm.Call, fault *llm.Fault) {
	e := httperr.Normal(fault)
	rec := r.begin(call)
	s := &rec.Call
	s.Duration = time.Since(call.Start)
	s.HTTPStatus, s.Error, s.ErrorCode = e.Status, e, e.Type
	s.Status = statusOf(fault.Code)
	s.UsageSource, s.PriceStatus = llm.NoUsage, price.Exact
	s.Attempts = len(fault.Attempts)
	if n := len(fault.Attempts); n > 0 {
		s.Provider, s.Model = fault.Attempts[n-1].Provider, fault.Attempts[n-1].Model
	}
	if s.Status == trace.StatusClientClosed {
		s.HTTPStatus = 0
		if len(fault.Attempts) > 0 { // the provider had the prompt and will charge for it
			s.Usage.InputUncached = int64(promptTokens(call, s.Model))
			s.UsageSource = llm.Estimated
			r.price(s, price.Charge{Provider: fault.Attempts[len(fault.Attempts)-1].PriceAs, Model: s.Model, Project: call.Project, Usage: s.Usage, At: call.Start})
		}
	}
	attemptSpans(rec, fault.Attempts)
	if err := r.keep(rec, call, nil); err != nil {
		r.cfg.Log.Error("record of a refused call lost", "call", call.ID, "error", err)
	}
}

// begin fills what is known from the call alone.
func (r *Recording) begin(call *llm.Call) *trace.Record {
	rec := &trace.Record{Call: trace.Span{
		ID: call.ID, TraceID: call.TraceID, SpanID: call.SpanID, ParentID: call.ParentID, Kind: trace.KindCall,
		Start: call.Start, Project: call.Project, KeyID: call.KeyID, Key: call.Key, User: call.User, Session: call.Session,
		Tags: call.Tags, Endpoint: call.Endpoint, Path: pathOnly(call.Path), Stream: call.Stream, ModelRequested: call.Model,
		Cache: trace.CacheOff,
	}}
	if u := call.Use; u != nil {
		s := &rec.Call
		s.Prompt, s.PromptVersion, s.PromptHash, s.PromptRevision = u.Prompt, u.PromptVersion, u.PromptHash, u.PromptRevision
		s.ModelRequested = cmp.Or(s.ModelRequested, u.Model)
		s.Experiment, s.Arm, s.Epoch, s.Unit, s.OwnText = u.Experiment, u.Arm, u.Epoch, u.Unit, u.OwnText
	}
	return rec
}

// price fills the cost and its explanation's key.
func (r *Recording) price(s *trace.Span, c price.Charge) {
	q := r.cfg.Book().Quote(c)
	s.Cost, s.PriceStatus, s.PriceVersion, s.PriceRule = q.Cost, q.Status, q.Version, q.Rule
	if q.Status == price.Unpriced {
		s.Cost = 0
	}
	if q.Clamped {
		s.Flags = append(s.Flags, "cost_clamped")
	}
}

// keep bounds the bodies, applies the content policy and hands the record over.
func (r *Recording) keep(rec *trace.Record, call *llm.Call, answer []byte) error {
	request := asked(call)
	rec.Body.Request, rec.Body.Response = request, answer
	if len(request) > r.cfg.MaxCapture {
		rec.Body.Request = request[:r.cfg.MaxCapture]
		rec.Call.Flags = append(rec.Call.Flags, "request_truncated")
	}
	if len(answer) > r.cfg.MaxCapture {
		rec.Body.Response = answer[:r.cfg.MaxCapture]
		rec.Call.Flags = append(rec.Call.Flags, "response_truncated")
	}
	if r.cfg.Keep != nil {
		r.cfg.Keep(call.Project, &rec.Body)
	}
	for _, o := range r.cfg.Observers {
		o(rec)
	}
	return r.cfg.Recorder.Record(rec)
}

// asked is what a call asked for: the client's body, with the messages of its prompt if it has one.
func asked(call *llm.Call) []byte {
	if call.Use != nil && call.Use.Request != nil {
		return call.Use.Request
	}
	return call.Body
}

// notKept is what a client is told whose call's record could not be kept, where the configuration refuses such calls.
func notKept(err error) *llm.Fault {
	return llm.Faultf(llm.RecordUnavailable, "the record of this call could not be kept, and this weir does not answer what it cannot record; the operator sees why in /readyz").Because(err)
}

func statusOf(code llm.Code) trace.Status {
	switch code {
	case llm.ClientClosed:
		return trace.StatusClientClosed
	case llm.BudgetExceeded:
		return trace.StatusBudget
	case llm.RateLimited:
		return trace.StatusRateLimited
	case llm.StreamCut:
		return trace.StatusCut
	}
	return trace.StatusError
}

// attemptSpans adds the tries of a call that needed more than one; a single try is the call itself.
func attemptSpans(rec *trace.Record, attempts []llm.Attempt) {
	if len(attempts) < 2 {
		return
	}
	for _, a := range attempts {
		s := trace.Span{
			ID: llm.NewID(a.Start), TraceID: rec.Call.TraceID, SpanID: a.SpanID, ParentID: rec.Call.SpanID, Kind: trace.KindAttempt,
			Start: a.Start, Duration: a.Duration, Project: rec.Call.Project, KeyID: rec.Call.KeyID, Key: rec.Call.Key,
			Endpoint: rec.Call.Endpoint, Path: rec.Call.Path, Stream: rec.Call.Stream,
			Provider: a.Provider, Model: a.Model, ModelRequested: rec.Call.ModelRequested,
			Status: trace.StatusOK, HTTPStatus: a.Status, UsageSource: llm.NoUsage, PriceStatus: price.Exact, Cache: trace.CacheOff,
		}
		if a.Err == nil && a.Status >= 400 { // the last one, whose answer was handed on
			a.Err = rec.Call.Error
		}
		if a.Err != nil {
			s.Status, s.Error, s.ErrorCode = trace.StatusError, a.Err, a.Err.Type
		}
		rec.Attempts = append(rec.Attempts, s)
	}
}

func pathOnly(p string) string {
	for i := range len(p) {
		if p[i] == '?' {
			return p[:i]
		}
	}
	return p
}
