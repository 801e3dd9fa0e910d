package otelout

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

// A collector that is named by the standard variables gets the spans as OTLP over HTTP, the last ones at the stop.
func TestSpansReachACollector(t *testing.T) {
	got := make(chan []byte, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body io.Reader = r.Body
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Error(err)
				return
			}
			body = z
		}
		b, err := io.ReadAll(body)
		if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
			t.Errorf("%s %s: %v", r.URL.Path, r.Header.Get("Content-Type"), err)
		}
		got <- b
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
	e, err := New(t.Context(), "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	const traceID, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "53995c3f42cd8ad8"
	e.Observe(&trace.Record{Call: trace.Span{
		ID: "call-1", TraceID: traceID, SpanID: "00f067aa0ba902b7", ParentID: parent, Kind: trace.KindCall, Start: time.Now(), Duration: time.Second,
		Endpoint: llm.ChatCompletions, ModelRequested: "gpt-4o-mini", Status: trace.StatusOK, Usage: llm.Usage{InputUncached: 7},
	}})
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	body := <-got
	id, _ := hex.DecodeString(traceID)
	parentID, _ := hex.DecodeString(parent)
	for what, want := range map[string][]byte{
		"the trace's id": id, "the caller's span": parentID, "the name": []byte("chat gpt-4o-mini"), "usage": []byte("gen_ai.usage.input_tokens"),
		"the call's id": []byte("call-1"), "the service": []byte("weir"), "the environment": []byte("deployment.environment.name"),
	} {
		if !bytes.Contains(body, want) {
			t.Errorf("the export lacks %s", what)
		}
	}
}
