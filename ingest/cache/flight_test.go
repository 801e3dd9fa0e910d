package cache

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-dev/weir/llm"
)

type slow struct {
	provider
	let chan struct{}
}

func (p *slow) Send(ctx context.Context, call *llm.Call) (*llm.Response, error) {
	n := p.calls.Add(1)
	select {
	case <-p.let:
	case <-ctx.Done():
		return nil, llm.Faultf(llm.ClientClosed, "gone")
	}
	return p.answer(n, call)
}

func TestEqualCallsAtOnceMakeOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &slow{let: make(chan struct{})}
		p.answer = answering(200, false, plain).answer
		s := serve(t, p)
		const n = 200
		var hits, misses atomic.Int64
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() {
				use, b := ask(t, s, chat())
				if b != plain {
					t.Errorf("answer %q", b)
				}
				if use == llm.CacheHit {
					hits.Add(1)
				} else {
					misses.Add(1)
				}
			})
		}
		synctest.Wait()
		close(p.let)
		wg.Wait()
		if p.calls.Load() != 1 || hits.Load() != n-1 || misses.Load() != 1 {
			t.Errorf("%d calls upstream, %d hits, %d misses", p.calls.Load(), hits.Load(), misses.Load())
		}
		if got := s.Counts(); got != (Counts{Hits: n - 1, Misses: 1, Fills: 1}) {
			t.Errorf("%+v", got)
		}
	})
}

func TestOneThatWaitsTakesTheLeadOfOneThatFails(t *testing.T) {
	for name, fails := range map[string]func(p *slow, leave context.CancelFunc){
		"its client leaves":     func(_ *slow, leave context.CancelFunc) { leave() },
		"the provider is busy":  func(p *slow, _ context.CancelFunc) { p.let <- struct{}{} },
		"the provider is away":  func(p *slow, _ context.CancelFunc) { p.let <- struct{}{} },
		"the answer breaks off": func(p *slow, _ context.CancelFunc) { p.let <- struct{}{} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &slow{let: make(chan struct{})}
				p.answer = func(n int64, _ *llm.Call) (*llm.Response, error) {
					switch {
					case n > 1:
						return said(200, false, plain), nil
					case name == "the provider is busy":
						return said(429, false, `{"error":{"message":"slow down"}}`), nil
					case name == "the answer breaks off":
						r := said(200, false, "")
						r.Body = io.NopCloser(failing{io.ErrUnexpectedEOF})
						return r, nil
					}
					return nil, llm.Faultf(llm.UpstreamUnavailable, "away")
				}
				s := serve(t, p)
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				var wg sync.WaitGroup
				wg.Go(func() {
					if resp, err := s.Send(ctx, chat()); err == nil && resp.Cache != llm.CacheMiss {
						t.Errorf("the first one: %+v", resp)
					}
				})
				synctest.Wait()
				var hits atomic.Int64
				for range 9 {
					wg.Go(func() {
						use, b := ask(t, s, chat())
						if b != plain {
							t.Errorf("answer %q", b)
						}
						if use == llm.CacheHit {
							hits.Add(1)
						}
					})
				}
				synctest.Wait()
				fails(p, leave)
				synctest.Wait()
				close(p.let)
				wg.Wait()
				if p.calls.Load() != 2 || hits.Load() != 8 {
					t.Errorf("%d calls upstream, %d hits", p.calls.Load(), hits.Load())
				}
			})
		})
	}
}

func TestAnAnswerThatCannotBeSharedIsWaitedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &slow{let: make(chan struct{})}
		long := strings.Replace(plain, "Three", strings.Repeat("x", defaultMaxEntry), 1)
		p.answer = answering(200, false, long).answer
		s := serve(t, p)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() { wants(t, s, chat(), llm.CacheMiss, long) })
		}
		synctest.Wait()
		if n := p.calls.Load(); n != 1 {
			t.Errorf("%d calls before the first answer", n)
		}
		p.let <- struct{}{}
		synctest.Wait()
		if n := p.calls.Load(); n != 5 {
			t.Errorf("%d calls after it, want all at once", n)
		}
		close(p.let)
		wg.Wait()
	})
}

func TestWhoWaitsCanLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &slow{let: make(chan struct{})}
		p.answer = answering(200, false, plain).answer
		s := serve(t, p)
		var wg sync.WaitGroup
		wg.Go(func() { wants(t, s, chat(), llm.CacheMiss, plain) })
		synctest.Wait()
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		_, err := s.Send(ctx, chat())
		if f, ok := errors.AsType[*llm.Fault](err); !ok || f.Code != llm.ClientClosed {
			t.Errorf("Send: %v", err)
		}
		close(p.let)
		wg.Wait()
	})
}
