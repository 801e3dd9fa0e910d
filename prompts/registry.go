package prompts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-dev/weir/llm"
)

// RegistryConfig is what a Registry is made of.
type RegistryConfig struct {
	Store States
	// Replicas are the other weirs with the same store. Nil: there are none.
	Replicas Replicas
	Name     string // of this weir among them, for people
	// LastGood is the file that holds the snapshot for a start without the store; "" holds none.
	LastGood string
	Log      *slog.Logger
}

// The clock of replicas. A move of a label waits at most patience for those that are alive; one that died without a word
// counts as alive until its lease runs out.
const (
	lease    = 6 * time.Second
	renewal  = 2 * time.Second
	patience = 5 * time.Second
	again    = 250 * time.Millisecond // between looks at who serves what, when nobody says a word
)

// Registry holds the snapshot that calls are answered with. Reading it costs nanoseconds; it is exchanged whole when the
// store changes. Safe for concurrent use.
type Registry struct {
	cfg     RegistryConfig
	id      string
	started time.Time
	now     atomic.Pointer[Snapshot]
	until   atomic.Pointer[time.Time] // when our lease has run out at the latest, by this process's clock
	told    atomic.Int64              // revision that the others know of
	away    atomic.Bool               // the store did not answer when it was asked last
	wake    chan struct{}             // somebody changed something

	reading  sync.Mutex // one at a time reads the store and exchanges the snapshot
	telling  sync.Mutex // one at a time tells the others, so that they hear the newest last
	catching sync.Mutex // one call at a time finds out what was missed

	mu     sync.Mutex // guards heard, failed, kept
	heard  chan struct{}
	failed error // why the snapshot may be old, nil when it is not
	kept   int64 // revision in the file
}

// OpenRegistry reads the store. When it does not answer, the last good snapshot on disk serves, if there is one: Health
// tells. With replicas, Run must follow soon, since this one counts as alive from now on.
func OpenRegistry(ctx context.Context, cfg RegistryConfig) (*Registry, error) {
	r := &Registry{cfg: cfg, id: llm.NewID(time.Now()), started: time.Now(), wake: make(chan struct{}, 1), heard: make(chan struct{}), kept: -1}
	r.until.Store(&time.Time{})
	// Whoever moves a label waits for this one before it has read anything, so that no move falls in between.
	err := r.renew(ctx)
	if err == nil {
		err = r.Refresh(ctx)
	}
	if err == nil {
		return r, nil
	}
	last, lerr := readLastGood(cfg.LastGood)
	if lerr != nil {
		return nil, fmt.Errorf("read prompts: %w", errors.Join(err, lerr))
	}
	cfg.Log.Warn("prompts could not be read; the last good ones serve", "revision", last.Revision, "error", err)
	r.kept = last.Revision
	r.now.CompareAndSwap(nil, NewSnapshot(last))
	return r, nil
}

// Current is the snapshot in force.
func (r *Registry) Current() *Snapshot { return r.now.Load() }

// ready is Current for a call. When the lease has run out unnoticed, as after a long halt of the process, the store is asked
// first; when it is known that the store does not answer, the snapshot of before serves.
func (r *Registry) ready(ctx context.Context) *Snapshot {
	if r.cfg.Replicas != nil && !r.away.Load() && time.Now().After(*r.until.Load()) {
		r.catching.Lock()
		defer r.catching.Unlock()
		if !r.away.Load() && time.Now().After(*r.until.Load()) {
			if err := r.follow(context.WithoutCancel(ctx)); err != nil {
				r.cfg.Log.Warn("prompts not refreshed; the ones of before stay in force", "revision", r.Revision(), "error", err)
			}
		}
	}
	return r.now.Load()
}

// Revision is that of the snapshot in force.
func (r *Registry) Revision() int64 {
	if s := r.now.Load(); s != nil {
		return s.Revision()
	}
	return 0
}

// Refresh reads the store when it has changed. What was stored before it is called is in force when it returns nil.
func (r *Registry) Refresh(ctx context.Context) error {
	r.reading.Lock()
	defer r.reading.Unlock()
	err := r.read(ctx)
	r.note(err)
	return err
}

// note remembers how the last reading went.
func (r *Registry) note(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = err
	r.away.Store(err != nil)
}

func (r *Registry) read(ctx context.Context) error {
	now := r.now.Load()
	if now != nil {
		revision, err := r.cfg.Store.Revision(ctx)
		if err != nil {
			return fmt.Errorf("read the prompts' revision: %w", err)
		}
		if revision == now.Revision() {
			return nil
		}
	}
	state, err := r.cfg.Store.State(ctx)
	if err != nil {
		return fmt.Errorf("read prompts: %w", err)
	}
	r.now.Store(NewSnapshot(state))
	return nil
}

// Run keeps the snapshot up to date until ctx ends: what other replicas change is heard of by a push, and looked for with
// each renewal of the lease besides.
func (r *Registry) Run(ctx context.Context) {
	var loops sync.WaitGroup
	if r.cfg.Replicas != nil {
		loops.Go(func() { r.listen(ctx) })
	}
	tick := time.NewTicker(renewal)
	defer tick.Stop()
	well := true
	for {
		r.keep()
		select {
		case <-ctx.Done():
			loops.Wait()
			r.leave(ctx)
			return
		case <-r.wake:
		case <-tick.C:
		}
		err := r.follow(ctx)
		if err != nil && ctx.Err() == nil && well {
			r.cfg.Log.Warn("prompts not refreshed; the ones of before stay in force", "revision", r.Revision(), "error", err)
		}
		well = err == nil
	}
}

// follow takes over what has changed and says so.
func (r *Registry) follow(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, renewal)
	defer cancel()
	if r.cfg.Replicas != nil && time.Until(*r.until.Load()) < lease-renewal/2 {
		if err := r.renew(ctx); err != nil { // first of all: from here on changes wait for us
			r.note(err)
			return err
		}
	}
	if err := r.Refresh(ctx); err != nil {
		return err
	}
	if r.cfg.Replicas == nil || r.Revision() == r.told.Load() {
		return nil
	}
	if err := r.renew(ctx); err != nil {
		return err
	}
	return r.cfg.Replicas.Wake(ctx)
}

// renew tells the others what is served here.
func (r *Registry) renew(ctx context.Context) error {
	if r.cfg.Replicas == nil {
		return nil
	}
	r.telling.Lock()
	defer r.telling.Unlock()
	asked, revision := time.Now(), r.Revision()
	err := r.cfg.Replicas.RenewReplica(ctx, Replica{ID: r.id, Name: r.cfg.Name, StartedAt: r.started, Revision: revision}, lease)
	if err != nil {
		return fmt.Errorf("renew the lease of this replica: %w", err)
	}
	r.told.Store(revision)
	until := asked.Add(lease)
	r.until.Store(&until)
	return nil
}

// listen hears of changes until ctx ends.
func (r *Registry) listen(ctx context.Context) {
	const shortest, longest = 100 * time.Millisecond, 5 * time.Second
	pause := shortest
	for ctx.Err() == nil {
		err := r.cfg.Replicas.Watch(ctx, func() {
			pause = shortest
			r.hear()
		})
		if ctx.Err() != nil {
			return
		}
		r.cfg.Log.Debug("the push of changes is interrupted", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
			pause = min(2*pause, longest)
		}
	}
}

// hear wakes Run, and those that wait for other replicas.
func (r *Registry) hear() {
	select {
	case r.wake <- struct{}{}:
	default: // it is about to look
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.heard)
	r.heard = make(chan struct{})
}

// leave takes this replica out of those that are waited for.
func (r *Registry) leave(ctx context.Context) {
	if r.cfg.Replicas == nil {
		return
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewal)
	defer cancel()
	if err := r.cfg.Replicas.RemoveReplica(last, r.id); err != nil {
		r.cfg.Log.Warn("this replica could not sign off; moves of labels wait for its lease to run out", "error", err)
	}
}

// Health says what keeps the snapshot from being the present one, or nil.
func (r *Registry) Health() error {
	r.mu.Lock()
	failed := r.failed
	r.mu.Unlock()
	switch {
	case failed != nil:
		return fmt.Errorf("calls are answered with the prompts of revision %d, which may be old: %w", r.Revision(), failed)
	case r.cfg.Replicas != nil && time.Now().After(*r.until.Load()):
		return fmt.Errorf("calls are answered with the prompts of revision %d, which may be old: the lease of this replica has run out, and moves of labels do not wait for it", r.Revision())
	}
	return nil
}
