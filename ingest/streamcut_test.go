package ingest

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// A stream that costs more than there is room for ends with an error event of its own kind, and is charged for what came.
func TestAStreamIsCutInItsOwnDialect(t *testing.T) {
	const anthropicStart = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"claude-sonnet-4-5\",\"role\":\"assistant\",\"content\":[],\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n"
	const anthropicDelta = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" word\"}}\n\n"
	const responsesDelta = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":\" word\",\"sequence_number\":1}\n\n"
	for _, c := range []struct {
		endpoint    llm.Endpoint
		dialect     llm.Dialect
		head, delta string
		want        string // after three deltas
	}{
		{llm.ChatCompletions, llm.OpenAI, "", chunk, `data: {"error":{"code":"weir_stream_cut","message":"no more","param":null,"type":"insufficient_quota"}}` + "\n\n"},
		{llm.Messages, llm.Anthropic, anthropicStart, anthropicDelta, "event: error\ndata: {\"error\":{\"code\":\"weir_stream_cut\",\"message\":\"no more\",\"type\":\"rate_limit_error\"},\"type\":\"error\"}\n\n"},
		{llm.Responses, llm.OpenAI, "", responsesDelta, "event: error\ndata: {\"type\":\"error\",\"code\":\"weir_stream_cut\",\"message\":\"no more\",\"param\":null,\"sequence_number\":3}\n\n"},
	} {
		t.Run(string(c.endpoint), func(t *testing.T) {
			closed := make(chan struct{})
			send := llm.SenderFunc(func(_ context.Context, call *llm.Call) (*llm.Response, error) {
				return &llm.Response{
					Status: http.StatusOK, Header: streamHeader, Stream: true, Provider: "p", PriceAs: "openai", Model: call.Model, Dialect: c.dialect,
					Body: &closing{io.MultiReader(strings.NewReader(c.head), strings.NewReader(strings.Repeat(c.delta, 50))), closed},
				}, nil
			})
			mem := &memory{came: make(chan struct{}, 1)}
			var told []int64
			rec := Record(send, RecordConfig{
				Book: price.Embedded, Recorder: mem, Log: slog.New(slog.DiscardHandler),
				Watch: func(*llm.Call) func(int64) *llm.Fault {
					return func(tokens int64) *llm.Fault {
						if told = append(told, tokens); tokens > 3 {
							return llm.Faultf(llm.StreamCut, "no more")
						}
						return nil
					}
				},
			})
			resp, err := rec.Send(t.Context(), &llm.Call{ID: "c", Endpoint: c.endpoint, Dialect: c.dialect, Model: "gpt-4o-mini", Stream: true, Path: "/x", Body: []byte(`{"messages":[]}`)})
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(resp.Body)
			if want := c.head + strings.Repeat(c.delta, 3) + c.want; err != nil || string(text) != want {
				t.Errorf("%v, the client read\n%s\nwant\n%s", err, text, want)
			}
			if err := resp.Body.Close(); err != nil {
				t.Fatal(err)
			}
			<-closed
			s := mem.records[0].Call
			if s.Status != trace.StatusCut || s.ErrorCode != "weir_stream_cut" || s.HTTPStatus != http.StatusOK || s.Usage.OutputText != 3 || s.UsageSource != llm.Estimated {
				t.Errorf("recorded %+v", s)
			}
			if got := string(mem.records[0].Body.Response); got != c.head+strings.Repeat(c.delta, 3) {
				t.Errorf("recorded as answered:\n%s", got)
			}
		})
	}
}

// closing tells when it is closed.
type closing struct {
	io.Reader
	done chan struct{}
}

func (c *closing) Close() error { close(c.done); return nil }
