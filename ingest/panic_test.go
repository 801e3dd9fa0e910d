package ingest

import (
	"context"
	"log/slog"
	"net/http"
	"testing"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// panics is an answer's body that cannot be read.
type panics struct{ closed int }

func (*panics) Read([]byte) (int, error) { panic("reading") }
func (p *panics) Close() error           { p.closed++; return nil }

// An answer is closed also when taking its record panics: whoever holds something until then waits for it.
func TestAPanicLeavesNoAnswerOpen(t *testing.T) {
	body := &panics{}
	r := Record(llm.SenderFunc(func(context.Context, *llm.Call) (*llm.Response, error) {
		return &llm.Response{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: body, Dialect: llm.OpenAI}, nil
	}), RecordConfig{Book: price.Embedded, Recorder: trace.RecorderFunc(func(*trace.Record) error { return nil }), Log: slog.New(slog.DiscardHandler)})
	defer func() {
		if recover() == nil || body.closed == 0 {
			t.Errorf("closed %d times", body.closed)
		}
	}()
	_, _ = r.Send(t.Context(), &llm.Call{Endpoint: llm.ChatCompletions, Dialect: llm.OpenAI, Body: []byte(`{}`)})
}
