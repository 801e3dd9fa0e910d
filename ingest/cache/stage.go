package cache

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-dev/weir/llm"
)

// Config is what a Stage is made of.
type Config struct {
	Store Store
	// Policy says what holds for a call whose client says nothing. Nil: the zero Policy for all.
	Policy func(*llm.Call) Policy
	// MaxEntry bounds an answer that is kept, in bytes; 0 is 1 MiB.
	MaxEntry int
	// Semantic, if not nil, answers a question also with the answer of one that means the same.
	Semantic *SemanticConfig
	Log      *slog.Logger
}

const defaultMaxEntry = 1 << 20

// Stage answers calls from a store, and fills it with answers that come by. Safe for concurrent use.
type Stage struct {
	next    llm.Sender
	cfg     Config
	flights flights
	sem     *semantic // nil: none

	hits, misses, fills atomic.Int64

	mu     sync.RWMutex // held for reading while an entry is put, for writing while some are purged
	purges int64        // an answer that was asked for before a purge is not kept after it
}

var _ llm.Sender = (*Stage)(nil)

// Serve wraps what answers calls.
func Serve(next llm.Sender, cfg Config) *Stage {
	if cfg.MaxEntry <= 0 {
		cfg.MaxEntry = defaultMaxEntry
	}
	if cfg.Policy == nil {
		cfg.Policy = func(*llm.Call) Policy { return Policy{} }
	}
	s := &Stage{next: next, cfg: cfg, flights: flights{under: map[Key]*flight{}}}
	if cfg.Semantic != nil {
		s.sem = newSemantic(*cfg.Semantic)
	}
	return s
}

// Counts are what the stage did since it was made.
type Counts struct {
	Hits   int64 // calls answered from the store
	Misses int64 // calls that asked for it and were not
	Fills  int64 // answers kept
}

// Counts gives the counts of this moment.
func (s *Stage) Counts() Counts {
	return Counts{Hits: s.hits.Load(), Misses: s.misses.Load(), Fills: s.fills.Load()}
}

// Usage says what the store holds.
func (s *Stage) Usage(ctx context.Context) (Usage, error) { return s.cfg.Store.Usage(ctx) }

// Purge removes what the filter picks. Answers that are under way are not kept, whatever the filter says. The vectors of
// their questions go too; an error may be about these alone, which answer nothing without the entries.
func (s *Stage) Purge(ctx context.Context, f Filter) (int, error) {
	n, err := s.purgeEntries(ctx, f)
	if s.sem == nil {
		return n, err
	}
	return n, errors.Join(err, s.purgeVectors(ctx, f))
}

func (s *Stage) purgeEntries(ctx context.Context, f Filter) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.purges++
	return s.cfg.Store.Purge(ctx, f)
}

// asking is one call on its way past the store.
type asking struct {
	*Stage
	call   *llm.Call
	wish   wish
	key    Key
	purges int64
	asked  *Point // the question's, as far as it is known; nil without a vector
}

// Send answers from the store when it may and can. Of equal calls for a plain answer that come at once, one is sent on and
// the others take its answer; when there is none to take, one of them is sent on, and after that each for itself.
func (s *Stage) Send(ctx context.Context, call *llm.Call) (*llm.Response, error) {
	w, err := s.wishOf(call)
	if err != nil {
		return nil, err
	}
	if !w.read && !w.fill {
		return s.next.Send(ctx, call)
	}
	key, ok := keyOf(call)
	if !ok {
		return s.next.Send(ctx, call)
	}
	s.mu.RLock()
	a := &asking{Stage: s, call: call, wish: w, key: key, purges: s.purges}
	s.mu.RUnlock()
	if !w.read {
		return a.ask(ctx, nil)
	}
	if call.Stream {
		if e := a.find(ctx, key); e != nil {
			return a.hit(e, nil), nil
		}
		return a.ask(ctx, nil)
	}
	for range 2 {
		f, leads := s.flights.join(key) // before the look, so that nothing comes between them and one look will do
		e := a.find(ctx, key)
		if leads {
			if e == nil {
				return a.ask(ctx, f)
			}
			s.flights.land(key, f, e, nil, false)
		}
		if e != nil {
			return a.hit(e, nil), nil
		}
		select {
		case <-f.landed:
		case <-ctx.Done():
			return nil, llm.Faultf(llm.ClientClosed, "the client went away while it waited for the answer of an equal call")
		}
		if f.entry != nil && w.takes(f.entry, time.Now()) && w.takesNear(f.near) {
			return a.hit(f.entry, f.near), nil
		}
		if !f.again {
			break
		}
	}
	return a.ask(ctx, nil)
}

// find gives the answer that the store has under a key, in the form that was asked for or, of a chat, made of the other one.
func (a *asking) find(ctx context.Context, key Key) *Entry {
	now := time.Now()
	if e := a.get(ctx, key); e != nil && a.wish.takes(e, now) && (!e.Uncounted || !a.call.AskedUsage) {
		return e
	}
	if a.call.Endpoint != llm.ChatCompletions {
		return nil
	}
	if e := a.get(ctx, key.other()); e != nil && a.wish.takes(e, now) {
		return e.turned(a.call.AskedUsage)
	}
	return nil
}

// get reads the store. A store that fails is as good as none.
func (a *asking) get(ctx context.Context, key Key) *Entry {
	e, err := a.cfg.Store.Get(ctx, key)
	if err != nil {
		a.cfg.Log.Warn("response cache not read", "error", err)
		return nil
	}
	return e
}

// ask sends the call on, unless a question like it was answered. A flight that is led lands in any case.
func (a *asking) ask(ctx context.Context, f *flight) (*llm.Response, error) {
	var kept *Entry
	var near *Neighbor
	again := true // whoever waits may try what failed here
	defer func() { a.flights.land(a.key, f, kept, near, again) }()
	if a.wish.semantic > 0 {
		if kept, near = a.like(ctx); kept != nil {
			return a.hit(kept, near), nil
		}
	}
	a.misses.Add(1)
	resp, err := a.next.Send(ctx, a.call)
	if err != nil {
		return nil, err
	}
	resp.Cache = llm.CacheMiss
	switch {
	case !a.wish.fill || !a.mayKeep(resp):
	case resp.Stream:
		resp.Body = &watched{asking: a, ctx: context.WithoutCancel(ctx), resp: resp, from: resp.Body}
	default:
		kept, again = a.takeWhole(ctx, resp)
	}
	return resp, nil
}

// keep puts an entry into the store.
func (a *asking) keep(ctx context.Context, e *Entry) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.Stage.purges != a.purges {
		return
	}
	if err := a.cfg.Store.Put(ctx, a.key, e); err != nil {
		a.cfg.Log.Warn("response cache not filled", "error", err)
		return
	}
	a.fills.Add(1)
	if a.asked != nil {
		a.point(e)
	}
}
