package otelout

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	otel "go.opentelemetry.io/otel/trace"
)

// Part is a span that is no call: of work that weir did for one.
type Part struct {
	TraceID, SpanID, ParentID string // as in trace.Span
	Name                      string
	Outside                   bool // it waited for another system
	Start                     time.Time
	Duration                  time.Duration
	Err                       error
	Attributes                map[string]any // texts, whole numbers and floats; others are left out
}

// Parts queues spans.
func (e *Exporter) Parts(parts []Part) {
	for i := range parts {
		e.part(&parts[i])
	}
}

func (e *Exporter) part(p *Part) {
	traceID, err := otel.TraceIDFromHex(p.TraceID)
	if err != nil {
		return
	}
	ctx := context.WithValue(context.Background(), idsKey{}, ids{traceID, p.SpanID})
	if parent, err := otel.SpanIDFromHex(p.ParentID); err == nil {
		ctx = otel.ContextWithSpanContext(ctx, otel.NewSpanContext(otel.SpanContextConfig{
			TraceID: traceID, SpanID: parent, TraceFlags: otel.FlagsSampled, Remote: true,
		}))
	}
	kind := otel.SpanKindInternal
	if p.Outside {
		kind = otel.SpanKindClient
	}
	var list []attribute.KeyValue
	for name, v := range p.Attributes {
		switch v := v.(type) {
		case string:
			list = append(list, attribute.String(name, v))
		case int:
			list = append(list, attribute.Int(name, v))
		case float64:
			list = append(list, attribute.Float64(name, v))
		}
	}
	_, span := e.tracer.Start(ctx, p.Name, otel.WithTimestamp(p.Start), otel.WithSpanKind(kind), otel.WithAttributes(list...))
	if p.Err != nil {
		span.SetStatus(codes.Error, p.Err.Error())
	}
	span.End(otel.WithTimestamp(p.Start.Add(max(p.Duration, time.Nanosecond))))
}
