// Package otelout sends finished calls on as OpenTelemetry spans with the GenAI attributes.
package otelout

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	otel "go.opentelemetry.io/otel/trace"

	"github.com/weir-dev/weir/trace"
)

// Exporter sends one span for each call, joined to the caller's trace, with one child for each attempt of a call that
// needed several. Spans are queued in memory, sent in batches and dropped when the collector cannot keep up: the record
// is in the store, these are a copy. Safe for concurrent use.
type Exporter struct {
	provider *sdk.TracerProvider
	tracer   otel.Tracer
}

// New makes an exporter that sends OTLP over HTTP as the standard OTEL_* variables say.
func New(ctx context.Context, version string) (*Exporter, error) {
	client, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("open OTLP exporter (see OTEL_EXPORTER_OTLP_ENDPOINT): %w", err)
	}
	res, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "weir"), attribute.String("service.version", version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("open OTLP exporter: describe this process (see OTEL_RESOURCE_ATTRIBUTES): %w", err)
	}
	return newExporter(sdk.WithBatcher(client), sdk.WithResource(res)), nil
}

func newExporter(opts ...sdk.TracerProviderOption) *Exporter {
	opts = append(opts, sdk.WithIDGenerator(fixedIDs{}), sdk.WithSampler(sdk.AlwaysSample()))
	p := sdk.NewTracerProvider(opts...)
	return &Exporter{provider: p, tracer: p.Tracer("github.com/weir-dev/weir")}
}

// Close sends what waits, until ctx ends.
func (e *Exporter) Close(ctx context.Context) error { return e.provider.Shutdown(ctx) }

// Observe queues a call's spans.
func (e *Exporter) Observe(r *trace.Record) {
	e.span(&r.Call, otel.SpanKindServer)
	for i := range r.Attempts {
		e.span(&r.Attempts[i], otel.SpanKindClient)
	}
}

func (e *Exporter) span(s *trace.Span, kind otel.SpanKind) {
	traceID, err := otel.TraceIDFromHex(s.TraceID)
	if err != nil {
		return
	}
	ctx := context.WithValue(context.Background(), idsKey{}, ids{traceID, s.SpanID})
	if parent, err := otel.SpanIDFromHex(s.ParentID); err == nil {
		ctx = otel.ContextWithSpanContext(ctx, otel.NewSpanContext(otel.SpanContextConfig{
			TraceID: traceID, SpanID: parent, TraceFlags: otel.FlagsSampled, Remote: true,
		}))
	}
	operation := operations[string(s.Endpoint)]
	if operation == "" {
		operation = string(s.Endpoint)
	}
	name := operation
	if s.ModelRequested != "" {
		name += " " + s.ModelRequested
	}
	_, span := e.tracer.Start(ctx, name, otel.WithTimestamp(s.Start), otel.WithSpanKind(kind), otel.WithAttributes(attributes(s, operation)...))
	if s.Status != trace.StatusOK {
		message := s.ErrorCode
		if s.Error != nil && s.Error.Message != "" {
			message = s.Error.Message
		}
		span.SetStatus(codes.Error, message)
	}
	span.End(otel.WithTimestamp(s.Start.Add(max(s.Duration, time.Nanosecond))))
}

// attributes of a span; those that are not known are left out.
func attributes(s *trace.Span, operation string) []attribute.KeyValue {
	out := make([]attribute.KeyValue, 0, 40)
	text := func(k, v string) {
		if v != "" {
			out = append(out, attribute.String(k, v))
		}
	}
	number := func(k string, v int64) {
		if v != 0 {
			out = append(out, attribute.Int64(k, v))
		}
	}
	text(operationName, operation)
	text(providerName, s.Provider)
	text(system, s.Provider)
	text(requestModel, s.ModelRequested)
	text(responseModel, s.Model)
	text(responseID, s.ResponseID)
	text(serviceTier, s.ServiceTier)
	if s.Stream {
		out = append(out, attribute.Bool(requestStream, true))
	}
	if len(s.FinishReasons) > 0 {
		out = append(out, attribute.StringSlice(finishReasons, s.FinishReasons))
	}
	if s.TTFT > 0 {
		out = append(out, attribute.Float64(firstChunk, s.TTFT.Seconds()))
	}
	if s.Kind == trace.KindCall {
		u := s.Usage
		out = append(out, attribute.Int64(inputTokens, u.Input()), attribute.Int64(outputTokens, u.Output()))
		number(cacheReadTokens, u.CacheRead)
		number(cacheWriteTokens, u.CacheWrite5m+u.CacheWrite1h)
		number(cacheCreateTokens, u.CacheWrite5m+u.CacheWrite1h)
		number(reasoningTokens, u.Reasoning)
		number(audioInputTokens, u.InputAudio)
		number(audioOutputTokens, u.OutputAudio)
		if usd, ok := s.KnownCost(); ok {
			out = append(out, attribute.Float64(usageCost, usd.Float64()))
			text(weirCostUSD, usd.String())
		}
		text(weirCallID, s.ID)
		text(weirPriceStatus, string(s.PriceStatus))
		text(weirUsageSource, string(s.UsageSource))
		text(weirCache, string(s.Cache))
		if text(weirCacheNeighbor, s.CacheNeighbor); s.CacheScore != 0 {
			out = append(out, attribute.Float64(weirCacheScore, s.CacheScore))
		}
		number(weirAttempts, int64(s.Attempts))
	}
	text(conversationID, s.Session)
	text(sessionID, s.Session)
	text(userID, s.User)
	text(promptName, s.Prompt)
	if s.PromptVersion > 0 {
		text(promptVersion, fmt.Sprint(s.PromptVersion))
	}
	text(errorType, s.ErrorCode)
	text(weirProject, s.Project)
	text(weirKey, s.Key)
	text(weirProvider, s.Provider)
	text(weirStatus, string(s.Status))
	number(responseStatusCode, int64(s.HTTPStatus))
	for k, v := range s.Tags {
		text(weirTagPrefix+k, v)
	}
	return out
}

// fixedIDs gives spans the ids they already have in the record.
type fixedIDs struct{}

type idsKey struct{}

type ids struct {
	trace otel.TraceID
	span  string
}

// NewIDs is asked for a root span.
func (fixedIDs) NewIDs(ctx context.Context) (otel.TraceID, otel.SpanID) {
	v, _ := ctx.Value(idsKey{}).(ids)
	id, _ := otel.SpanIDFromHex(v.span)
	return v.trace, id
}

// NewSpanID is asked for a span with a parent.
func (fixedIDs) NewSpanID(ctx context.Context, _ otel.TraceID) otel.SpanID {
	v, _ := ctx.Value(idsKey{}).(ids)
	id, _ := otel.SpanIDFromHex(v.span)
	return id
}
