package limit

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/weir-dev/weir/llm"
)

// slotWait is what a client is told when all slots are taken: nobody knows when one comes back.
const slotWait = time.Second

// Enforce lets a call through when there is room for it in all limits on requests and on calls under way; one without is
// refused with a *llm.Fault of code RateLimited and takes nothing. A slot is given back when the answer's body is closed,
// or at once when there is no answer.
func Enforce(next llm.Sender, l *Limits) llm.Sender {
	return llm.SenderFunc(func(ctx context.Context, call *llm.Call) (*llm.Response, error) {
		asks := l.asks(nil, call, Requests, 1)
		rates := len(asks)
		asks = l.asks(asks, call, Concurrent, 1)
		states, fault := l.take(ctx, asks)
		if fault != nil {
			return nil, fault
		}
		if states == nil {
			return next.Send(ctx, call)
		}
		resp, err := l.holding(ctx, call, next, asks[rates:])
		if err != nil {
			if f := llm.AsFault(err); f.Header != nil { // refused by a limit further in
				setHeaders(f.Header, Requests, asks, states)
			}
			return nil, err
		}
		resp.Header = setHeaders(resp.Header, Requests, asks, states)
		return resp, nil
	})
}

// EnforceTokens lets a call through when there is room for its input, as it is estimated, in all limits on tokens. What it
// used in truth is settled by Observe.
func EnforceTokens(next llm.Sender, l *Limits) llm.Sender {
	return llm.SenderFunc(func(ctx context.Context, call *llm.Call) (*llm.Response, error) {
		if call.Endpoint == llm.Models || call.Endpoint == llm.CountTokens {
			return next.Send(ctx, call)
		}
		asks := l.asks(nil, call, Tokens, 0)
		if len(asks) == 0 {
			return next.Send(ctx, call)
		}
		n := Estimate(call)
		for i := range asks {
			asks[i].N = n
		}
		states, fault := l.take(ctx, asks)
		if fault != nil {
			return nil, fault
		}
		if states == nil {
			return next.Send(ctx, call)
		}
		l.remember(call.ID, asks)
		resp, err := next.Send(ctx, call)
		if err != nil {
			return nil, err
		}
		resp.Header = setHeaders(resp.Header, Tokens, asks, states)
		return resp, nil
	})
}

// take asks the store. No states and no fault: there is nothing to ask, or nobody.
func (l *Limits) take(ctx context.Context, asks []Ask) ([]State, *llm.Fault) {
	if len(asks) == 0 {
		return nil, nil
	}
	states, taken, err := l.cfg.Store.Take(ctx, asks)
	if err != nil {
		l.cfg.Log.Warn("limits could not be asked; the call passes", "error", err)
		return nil, nil
	}
	if !taken {
		fault, by := refusal(asks, states)
		l.cfg.Refused(by.rule, by.Kind)
		return nil, fault
	}
	return states, nil
}

// refusal says which limit there is no room in, the one that lasts longest if there are several.
func refusal(asks []Ask, states []State) (*llm.Fault, *Ask) {
	worst := -1
	for i, s := range states {
		if !s.Fits && (worst < 0 || s.Wait > states[worst].Wait) {
			worst = i
		}
	}
	a, s := asks[worst], states[worst]
	fault := &llm.Fault{Code: llm.RateLimited, RetryAfter: s.Wait}
	of := "the limit of " + a.rule
	if a.rule == all {
		of = "the limit of this weir"
	}
	switch {
	case a.Kind == Concurrent:
		fault.RetryAfter = slotWait
		fault.Message = fmt.Sprintf("%s, %d calls at once, is reached: try again when one has ended", of, a.Limit)
	case a.N > a.Burst:
		fault.Message = fmt.Sprintf("the call asks for about %d %s, and %s is %d a minute: it can never pass; make it shorter", a.N, a.Kind, of, a.Limit)
	default:
		fault.Message = fmt.Sprintf("%s, %d %s a minute, is reached: try again in %v", of, a.Limit, a.Kind, rounded(s.Wait))
	}
	kind := a.Kind
	if kind == Concurrent {
		kind = Requests // it has no headers of its own
	}
	fault.Header = setHeaders(nil, kind, asks, states)
	if a.N > a.Burst {
		fault.Header["X-Should-Retry"] = []string{"false"}
	}
	return fault, &asks[worst]
}

// holding sends a call that has slots, and sees to it that they are given back once.
func (l *Limits) holding(ctx context.Context, call *llm.Call, next llm.Sender, slots []Ask) (*llm.Response, error) {
	if len(slots) == 0 {
		return next.Send(ctx, call)
	}
	h := &holding{limits: l, ctx: context.WithoutCancel(ctx), slots: slots}
	kept := false
	defer h.unless(&kept) // refused, failed or panicking
	resp, err := next.Send(ctx, call)
	if err != nil {
		return nil, err
	}
	kept = true
	h.ReadCloser = resp.Body
	resp.Body = h
	return resp, nil
}

// holding is an answer's body that holds slots until it is closed.
type holding struct {
	io.ReadCloser
	limits   *Limits
	ctx      context.Context //nolint:containedctx // what is left to do when the body is closed has no other
	slots    []Ask
	released atomic.Bool
}

// Close closes the body and gives the slots back, even if closing panics.
func (h *holding) Close() error {
	defer h.release()
	return h.ReadCloser.Close()
}

func (h *holding) release() {
	if h.released.Swap(true) {
		return
	}
	for i := range h.slots {
		h.slots[i].N = -1
	}
	h.limits.settle(h.ctx, h.slots)
}

func (h *holding) unless(kept *bool) {
	if !*kept {
		h.release()
	}
}

func (l *Limits) settle(ctx context.Context, asks []Ask) {
	if err := l.cfg.Store.Settle(ctx, asks); err != nil {
		names := make([]string, len(asks))
		for i := range asks {
			names[i] = string(asks[i].Kind) + " of " + asks[i].rule
		}
		l.cfg.Log.Warn("limits could not be settled", "limits", strings.Join(names, ", "), "error", err)
	}
}
