package route

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// Admit is asked before each attempt. An error skips the target, a Final one all that follow; when no target is left, the
// last fault is the answer. The hold may be nil. Safe for concurrent use.
type Admit func(ctx context.Context, try Try) (Hold, error)

// Try is an attempt about to be made.
type Try struct {
	Asked    *llm.Call // as the client made it
	Call     *llm.Call // as it would go to the target
	Provider *Provider
}

// Hold is what was set aside for an attempt.
type Hold interface {
	// Call is what is to be sent: the try's, or a copy that is bounded.
	Call() *llm.Call
	// GiveUp says that the attempt was not answered, or that its answer is not relayed. The hold of an attempt that is not given
	// up is settled by the call's record.
	GiveUp()
}

// Final makes of a refusal one that no other target changes.
func Final(err error) error { return finalError{err} }

type finalError struct{ error }

// Unwrap gives the refusal.
func (e finalError) Unwrap() error { return e.error }

// Fallback sends a call to its model's targets in turn, each as often as its route says, until one answers in a way that is
// worth relaying. An answer is worth relaying unless its status is one that may pass (408, 409, 429, 5xx) and a try is
// left. A provider that failed several times in a row is passed over for a while, as long as another target is left. No
// try follows an answer that was handed on. The response lists every attempt. admit may be nil.
func Fallback(table *Table, admit Admit) llm.Sender {
	return llm.SenderFunc(func(ctx context.Context, call *llm.Call) (*llm.Response, error) {
		if call.Endpoint == llm.Models {
			return table.models(ctx, call)
		}
		plan, err := table.plan(call)
		if err != nil {
			return nil, err
		}
		return table.try(ctx, call, plan, admit)
	})
}

// plan of a call: a passthrough call names its provider, every other one its model.
func (t *Table) plan(call *llm.Call) (Plan, error) {
	if call.Provider == "" {
		return t.Resolve(call.Model)
	}
	if _, ok := t.byName[call.Provider]; !ok {
		return Plan{}, llm.Faultf(llm.EndpointDenied, "project %s sends %s to provider %s, which is not configured", call.Project, call.Path, call.Provider)
	}
	return Plan{Targets: []Target{{Provider: call.Provider, Model: call.Model}}}, nil
}

// trying is one call on its way through its plan.
type trying struct {
	table    *Table
	call     *llm.Call
	plan     Plan
	admit    Admit
	attempts []llm.Attempt
	last     *llm.Fault // why there is no answer yet
}

func (t *Table) try(ctx context.Context, call *llm.Call, plan Plan, admit Admit) (*llm.Response, error) {
	w := &trying{table: t, call: call, plan: plan, admit: admit}
	for i, target := range plan.Targets {
		final := i == len(plan.Targets)-1
		if !final && t.passOver(target.Provider, plan.Targets[i+1:]) {
			w.last = llm.Faultf(llm.UpstreamUnavailable, "provider %s failed %d times in a row and is left alone for a while", target.Provider, breakAfter)
			continue
		}
		resp, more := w.target(ctx, target, final)
		if resp != nil {
			resp.Attempts = append(w.attempts, resp.Attempts...)
			return resp, nil
		}
		if !more {
			break
		}
	}
	return nil, w.fault()
}

// passOver says that a provider is ill and that a later target is not.
func (t *Table) passOver(provider string, later []Target) bool {
	now := time.Now()
	h, ok := t.health[provider]
	if !ok || h.admit(now) {
		return false
	}
	return slices.ContainsFunc(later, func(o Target) bool {
		other, ok := t.health[o.Provider]
		return ok && !other.ill(now)
	})
}

// target tries one target as often as the plan says. No response: more says whether another target may be tried.
func (w *trying) target(ctx context.Context, target Target, final bool) (resp *llm.Response, more bool) {
	provider, ok := w.table.byName[target.Provider]
	if !ok {
		w.last = llm.Faultf(llm.ModelUnknown, "the route %s names provider %s, which is not configured", w.call.Model, target.Provider)
		return nil, true
	}
	there := aimed(w.call, target)
	for n := 1; ; n++ {
		sent, hold, err := w.hold(ctx, there, provider)
		if err != nil {
			w.last = llm.AsFault(err)
			if h, ok := w.table.health[provider.Name]; ok {
				h.unknown() // it was not asked
			}
			_, final := errors.AsType[finalError](err)
			return nil, !final
		}
		began := time.Now()
		resp, err := w.once(ctx, provider, sent)
		asked := w.judge(provider.Name, resp, err, time.Since(began))
		wait, again := time.Duration(0), false
		if n < w.plan.Retry.attempts() {
			wait, again = w.plan.Retry.delay(n, asked)
		}
		tried := !again
		switch {
		case err == nil && (!mayPassElsewhere(resp.Status) || tried && final):
			return resp, false
		case err == nil:
			w.giveUp(resp, target)
			letGo(hold)
		default:
			w.last = llm.AsFault(err)
			w.attempts = append(w.attempts, w.last.Attempts...)
			if w.last.Code == llm.ClientClosed || ctx.Err() != nil {
				return nil, false // the provider has the prompt, and the record says what it costs
			}
			letGo(hold)
			if !isUpstream(w.last.Code) {
				return nil, true // trying again would not change it
			}
		}
		if tried {
			return nil, true
		}
		if !sleep(ctx, wait) {
			w.last = llm.Faultf(llm.ClientClosed, "the client went away while provider %s was to be tried again", provider.Name)
			return nil, false
		}
	}
}

// hold asks for room for an attempt, and says what is to be sent.
func (w *trying) hold(ctx context.Context, there *llm.Call, provider *Provider) (*llm.Call, Hold, error) {
	if w.admit == nil {
		return there, nil, nil
	}
	h, err := w.admit(ctx, Try{Asked: w.call, Call: there, Provider: provider})
	if err != nil || h == nil {
		return there, nil, err
	}
	return h.Call(), h, nil
}

func letGo(h Hold) {
	if h != nil {
		h.GiveUp()
	}
}

// once sends, within the plan's own limit for the first byte.
func (w *trying) once(ctx context.Context, provider *Provider, call *llm.Call) (*llm.Response, error) {
	if w.plan.FirstByte <= 0 {
		return provider.Send.Send(ctx, call)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	late := time.AfterFunc(w.plan.FirstByte, func() {
		cancel(llm.Faultf(llm.UpstreamTimeout, "provider %s did not begin to answer within %v, the route's first_byte", provider.Name, w.plan.FirstByte))
	})
	resp, err := provider.Send.Send(ctx, call)
	late.Stop()
	if err != nil {
		cancel(nil)
		return nil, err
	}
	resp.Body = &cancelling{resp.Body, cancel}
	return resp, nil
}

// cancelling lets go of a context when the body is closed.
type cancelling struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

// Close closes the body.
func (c *cancelling) Close() error {
	err := c.ReadCloser.Close()
	c.cancel(nil)
	return err
}

// judge tells the provider's health of a try and reads how long the provider asked to be left alone.
func (w *trying) judge(provider string, resp *llm.Response, err error, took time.Duration) (asked time.Duration) {
	h, ok := w.table.health[provider]
	if !ok {
		return 0
	}
	switch {
	case err == nil && resp.Status < 400:
		h.good(took)
	case err == nil && (resp.Status >= 500 || resp.Status == http.StatusTooManyRequests):
		h.bad(time.Now())
	case err != nil && isUpstream(llm.AsFault(err).Code):
		h.bad(time.Now())
	default:
		h.unknown()
	}
	if err == nil {
		asked, _ = llm.RetryDelay(resp.Status, resp.Header, nil)
	}
	return asked
}

// giveUp closes an answer that is not relayed and marks its attempts.
func (w *trying) giveUp(resp *llm.Response, target Target) {
	w.attempts = append(w.attempts, failed(resp)...)
	_ = resp.Body.Close()
	w.last = llm.Faultf(llm.UpstreamUnavailable, "provider %s answered %d", target.Provider, resp.Status)
}

// fault is the answer when nobody answered.
func (w *trying) fault() *llm.Fault {
	if w.last == nil {
		w.last = llm.Faultf(llm.ModelUnknown, "the route %s has no targets", w.call.Model)
	}
	fault := *w.last
	fault.Attempts = w.attempts
	if len(w.attempts) > 1 && fault.Code != llm.ClientClosed {
		fault.Message = fmt.Sprintf("none of %d tries was answered; the last: %s", len(w.attempts), w.last.Message)
	}
	return &fault
}

func isUpstream(code llm.Code) bool {
	return code == llm.UpstreamUnavailable || code == llm.UpstreamTimeout
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
