package route

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// Admit is asked before each attempt, with the call as it would go to the target. A *llm.Fault skips the target; when
// no target is left, the last fault is the answer. Safe for concurrent use.
type Admit func(ctx context.Context, call *llm.Call, priceAs string) error

// Fallback sends a call to its model's targets in turn until one answers in a way that is worth relaying. An answer
// is worth relaying unless its status is one that may pass elsewhere (408, 409, 429, 5xx) and a target is left. The
// response lists every attempt. admit may be nil.
func Fallback(table *Table, admit Admit) llm.Sender {
	return llm.SenderFunc(func(ctx context.Context, call *llm.Call) (*llm.Response, error) {
		if call.Endpoint == llm.Models {
			return table.models(ctx, call)
		}
		targets, err := table.targets(call)
		if err != nil {
			return nil, err
		}
		return table.try(ctx, call, targets, admit)
	})
}

// targets of a call: a passthrough call names its provider, every other one its model.
func (t *Table) targets(call *llm.Call) ([]Target, error) {
	if call.Provider == "" {
		return t.Resolve(call.Model)
	}
	if _, ok := t.byName[call.Provider]; !ok {
		return nil, llm.Faultf(llm.EndpointDenied, "project %s sends %s to provider %s, which is not configured", call.Project, call.Path, call.Provider)
	}
	return []Target{{Provider: call.Provider, Model: call.Model}}, nil
}

func (t *Table) try(ctx context.Context, call *llm.Call, targets []Target, admit Admit) (*llm.Response, error) {
	var attempts []llm.Attempt
	var last *llm.Fault
	for i, target := range targets {
		provider, ok := t.byName[target.Provider]
		if !ok {
			last = llm.Faultf(llm.ModelUnknown, "the route %s names provider %s, which is not configured", call.Model, target.Provider)
			continue
		}
		there := aimed(call, target)
		if admit != nil {
			if err := admit(ctx, there, provider.PriceAs); err != nil {
				last = llm.AsFault(err)
				continue
			}
		}
		resp, err := provider.Send.Send(ctx, there)
		if err != nil {
			last = llm.AsFault(err)
			attempts = append(attempts, last.Attempts...)
			if last.Code == llm.ClientClosed || ctx.Err() != nil {
				break
			}
			continue
		}
		if i < len(targets)-1 && mayPassElsewhere(resp.Status) {
			attempts = append(attempts, failed(resp)...)
			_ = resp.Body.Close()
			last = llm.Faultf(llm.UpstreamUnavailable, "provider %s answered %d", target.Provider, resp.Status)
			continue
		}
		resp.Attempts = append(attempts, resp.Attempts...)
		return resp, nil
	}
	if last == nil {
		last = llm.Faultf(llm.ModelUnknown, "the route %s has no targets", call.Model)
	}
	fault := *last
	fault.Attempts = attempts
	if len(attempts) > 1 {
		fault.Message = fmt.Sprintf("none of %d providers could answer; the last: %s", len(attempts), last.Message)
	}
	return nil, &fault
}

// aimed is the call as it goes to the target: its model in the provider's spelling.
func aimed(call *llm.Call, target Target) *llm.Call {
	if target.Model == call.Model {
		return call
	}
	there := *call
	there.Model = target.Model
	if len(call.Body) > 0 && call.Endpoint != llm.Passthrough {
		quoted, _ := json.Marshal(target.Model) // a string cannot fail
		there.Body = rawjson.Set(call.Body, "model", quoted)
	}
	return &there
}

func mayPassElsewhere(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusConflict || status == http.StatusTooManyRequests || status >= 500
}

// failed marks the attempts of an answer that is not relayed.
func failed(resp *llm.Response) []llm.Attempt {
	const enough = 64 << 10
	head, _ := io.ReadAll(io.LimitReader(resp.Body, enough)) // what could not be read is only a message less
	for i := range resp.Attempts {
		if resp.Attempts[i].Err == nil {
			resp.Attempts[i].Err = llm.NormalError(resp.Status, resp.Header, head)
		}
	}
	return resp.Attempts
}
