package ingest

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/weir-dev/weir/internal/httperr"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/llm/tokens"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// taking is the record of one answered call while it is being taken.
type taking struct {
	rec   *Recording
	call  *llm.Call
	resp  *llm.Response
	meter *llm.Meter

	fault  *llm.Fault // what the client is told in place of the answer, if it is
	plain  []byte     // of a measured answer: what was read
	unread bool       // of a measured answer: not all of it was read
	flags  []string

	once  sync.Once
	kept  error         // what keeping the record said
	ttft  time.Duration // 0 until content was seen
	cost  price.USD
	known bool
}

// Cost is what the call cost, with the calls that were made for it, once it is finished and if it is known.
func (t *taking) Cost() (price.USD, bool) {
	if t.resp.Spent == nil {
		return t.cost, t.known
	}
	within, known := t.resp.Spent()
	return t.cost + price.USD(within), t.known && known
}

// content notes the moment of the first output.
func (t *taking) content() {
	if t.ttft == 0 {
		t.ttft = max(time.Since(t.call.Start), time.Nanosecond)
	}
}

// finish writes the record, once. broken is nil for an answer that came to its end; a ClientClosed fault when the
// client left first; else what the provider's connection said. The error is what the recorder answered.
func (t *taking) finish(answer []byte, broken error) error {
	t.once.Do(func() { t.kept = t.write(answer, broken) })
	return t.kept
}

func (t *taking) write(answer []byte, broken error) error {
	left := isClientClosed(broken)
	out := t.outcome(broken != nil)
	if t.unread && broken == nil && out.Err != nil && out.Err.Type == "stream_truncated" {
		out.Err = nil // its end could not be read; that is not to say that there is none
	}
	rec := t.rec.begin(t.call)
	s := &rec.Call
	s.Duration, s.TTFT = time.Since(t.call.Start), t.ttft
	s.Provider, s.Model = t.resp.Provider, t.resp.Model
	if out.Model != "" {
		s.Model = out.Model
	}
	s.ResponseID, s.FinishReasons, s.ServiceTier = out.ResponseID, out.FinishReasons, out.ServiceTier
	s.HTTPStatus, s.Attempts = t.resp.Status, len(t.resp.Attempts)
	s.Status, s.Error = trace.StatusOK, out.Err
	if fault, ok := errors.AsType[*llm.Fault](broken); ok && !left && fault.Code == llm.UpstreamTimeout && s.Error != nil {
		s.Error.Message = fault.Message
	}
	switch {
	case left:
		s.Status, s.Error = trace.StatusClientClosed, nil
		s.ErrorCode = string(llm.ClientClosed)
	case out.Err != nil:
		s.Status, s.ErrorCode = trace.StatusError, out.Err.Type
	}
	if fault, ok := errors.AsType[*llm.Fault](broken); ok && fault.Code == llm.StreamCut {
		s.Status, s.Error, s.ErrorCode = trace.StatusCut, httperr.Normal(fault), string(fault.Code)
	}
	switch {
	case t.fault == nil:
	case left:
		s.HTTPStatus = 0
	default:
		s.Error = httperr.Normal(t.fault)
		s.Status, s.HTTPStatus, s.ErrorCode = trace.StatusError, s.Error.Status, s.Error.Type
	}
	s.Flags = append(s.Flags, t.flags...)
	if out.Clamped {
		s.Flags = append(s.Flags, "usage_clamped")
	}
	t.usage(s, out, answer, left)
	t.cached(s)
	attemptSpans(rec, t.resp.Attempts)
	t.cost, t.known = s.KnownCost()
	return t.rec.keep(rec, t.call, answer)
}

// outcome is what was metered: by the provider's sender, if it translated the answer, else here.
func (t *taking) outcome(cut bool) llm.Outcome {
	if t.resp.Outcome != nil {
		return t.resp.Outcome(cut)
	}
	return t.meter.End(cut)
}

// usage fills buckets, source and cost, counting what the provider did not report.
func (t *taking) usage(s *trace.Span, out llm.Outcome, answer []byte, left bool) {
	s.Usage, s.UsageSource, s.UsageRaw = out.Usage, out.Source, string(out.UsageRaw)
	s.Units, s.ProviderCost = out.Units, out.ProviderCost
	if left && out.Source == llm.NoUsage { // nothing relayed yet, but the provider has the prompt
		out.InputMissing, s.UsageSource = true, llm.Estimated
	}
	if t.call.Endpoint == llm.Passthrough && (out.InputMissing || out.OutputMissing) || t.unmetered(out) {
		// What weir does not model or cannot read it cannot count either: the cost is not known, which is not zero.
		s.PriceStatus, s.UsageSource, s.Flags = price.Unpriced, llm.NoUsage, append(s.Flags, "unmetered")
		return
	}
	if out.InputMissing {
		s.Usage.InputUncached = int64(promptTokens(t.call, s.Model))
	}
	if out.OutputMissing {
		enc, _ := tokens.For(s.Model)
		if t.plain != nil {
			answer = t.plain
		}
		a := llm.Assemble(t.call.Endpoint, t.resp.Dialect, t.resp.Stream, answer)
		s.Usage.OutputText = int64(answerTokens(enc, a))
	}
	if s.UsageSource == llm.NoUsage {
		s.PriceStatus = price.Exact // nothing was generated: the cost is zero, and known
		return
	}
	t.rec.price(s, price.Charge{
		Provider: t.resp.PriceAs, Model: s.Model, Requested: t.resp.Model, Project: t.call.Project,
		Usage: s.Usage, Units: s.Units, ServiceTier: s.ServiceTier, At: t.call.Start,
	})
}

// cached says what the response cache had to do with the answer. One out of it costs nothing, and saves what the provider
// would have charged.
func (t *taking) cached(s *trace.Span) {
	switch t.resp.Cache {
	case llm.CacheMiss:
		s.Cache = trace.CacheMiss
	case llm.CacheHit, llm.CacheSemantic:
		s.Cache = trace.Cache(t.resp.Cache)
		s.CacheNeighbor, s.CacheScore = t.resp.CacheNeighbor, t.resp.CacheScore
		if cost, ok := s.KnownCost(); ok {
			s.Saved = cost
		}
		s.Cost, s.PriceStatus = 0, price.Exact
	}
}

// unmetered says that the provider's own count, if there is one, is in a part of the answer that could not be read.
func (t *taking) unmetered(out llm.Outcome) bool {
	return t.unread && t.resp.Status < 400 && out.Source != llm.FromProvider &&
		t.call.Endpoint != llm.Models && t.call.Endpoint != llm.CountTokens
}

func promptTokens(call *llm.Call, model string) int {
	enc, _ := tokens.For(model)
	return tokens.Request(string(call.Endpoint), enc, asked(call))
}

// answerTokens counts everything the model wrote that can be seen.
func answerTokens(enc tokens.Encoding, a llm.Answer) int {
	n := tokens.CountString(enc, a.Refusal) + tokens.CountString(enc, a.Reasoning)
	for _, text := range a.Texts {
		n += tokens.CountString(enc, text)
	}
	for _, c := range a.ToolCalls {
		n += tokens.CountString(enc, c.Name) + tokens.CountString(enc, c.Arguments)
	}
	return n
}

var errClientClosed = llm.Faultf(llm.ClientClosed, "the client went away before the answer's end")

func isClientClosed(err error) bool {
	if f, ok := errors.AsType[*llm.Fault](err); ok {
		return f.Code == llm.ClientClosed
	}
	return errors.Is(err, context.Canceled)
}

// wholeBody is an answer that was recorded before it is relayed.
type wholeBody struct {
	*bytes.Reader
	*taking
}

// Close has nothing left to do.
func (*wholeBody) Close() error { return nil }
