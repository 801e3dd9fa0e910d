package account

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Keyring answers which key a presented text is, from memory: no store is asked on the path of a call that carries a
// known key. Changes made through the same process are seen at once (Refresh); those of another process within
// Every, and a key it has never heard of is looked up once. Safe for concurrent use.
type Keyring struct {
	store Keys
	every time.Duration

	keys atomic.Pointer[map[string]Key]

	mu     sync.Mutex // guards used, missed and the order of refreshes
	used   map[string]time.Time
	missed map[string]time.Time
}

// NewKeyring reads the keys once. every is the interval of Run's refreshes; 0 is two seconds.
func NewKeyring(ctx context.Context, store Keys, every time.Duration) (*Keyring, error) {
	if every <= 0 {
		every = 2 * time.Second
	}
	r := &Keyring{store: store, every: every, used: map[string]time.Time{}, missed: map[string]time.Time{}}
	return r, r.Refresh(ctx)
}

// Refresh reads the keys again.
func (r *Keyring) Refresh(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	list, err := r.store.ListKeys(ctx)
	if err != nil {
		return err
	}
	keys := make(map[string]Key, len(list))
	for _, k := range list {
		keys[k.ID] = k
	}
	r.keys.Store(&keys)
	return nil
}

// Run refreshes and notes last uses until ctx ends; onError hears of failures, during which the last known keys hold.
func (r *Keyring) Run(ctx context.Context, onError func(error)) {
	tick := time.NewTicker(r.every)
	defer tick.Stop()
	lastTouch := time.Now()
	for {
		select {
		case <-ctx.Done():
			flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			if err := r.touch(flush); err != nil {
				onError(err)
			}
			return
		case now := <-tick.C:
			if err := r.Refresh(ctx); err != nil && ctx.Err() == nil {
				onError(err)
			}
			if now.Sub(lastTouch) >= time.Minute {
				lastTouch = now
				if err := r.touch(ctx); err != nil && ctx.Err() == nil {
					onError(err)
				}
			}
		}
	}
}

func (r *Keyring) touch(ctx context.Context) error {
	r.mu.Lock()
	used := r.used
	r.used = map[string]time.Time{}
	clear(r.missed)
	r.mu.Unlock()
	if len(used) == 0 {
		return nil
	}
	return r.store.TouchKeys(ctx, used)
}

// Open finds the live key that the text is, and false when it is none.
func (r *Keyring) Open(ctx context.Context, text string, now time.Time) (Key, bool) {
	id, ok := KeyID(text)
	if !ok {
		return Key{}, false
	}
	k, ok := (*r.keys.Load())[id]
	if !ok {
		if k, ok = r.lookUp(ctx, id, now); !ok {
			return Key{}, false
		}
	}
	if !k.Opens(text) || !k.Live(now) {
		return Key{}, false
	}
	r.note(id, now)
	return k, true
}

// Limits gives a key's own limits, by its id; none for a key that is not known.
func (r *Keyring) Limits(id string) Limits { return (*r.keys.Load())[id].Limits }

// Models gives the patterns of models that a key is limited to, by its id; none for a key that may ask for any, or is not known.
func (r *Keyring) Models(id string) []string { return (*r.keys.Load())[id].Models }

// note remembers a last use, at most one a minute for each key so that the path of a call rarely takes the lock for long.
func (r *Keyring) note(id string, now time.Time) {
	r.mu.Lock()
	if now.Sub(r.used[id]) >= time.Second {
		r.used[id] = now
	}
	r.mu.Unlock()
}

// lookUp asks the store for an id made elsewhere, once in a while for each unknown id and within a bound for all of
// them, so that guessing ids does not become load on the store.
func (r *Keyring) lookUp(ctx context.Context, id string, now time.Time) (Key, bool) {
	const most = 1000
	r.mu.Lock()
	if now.Sub(r.missed[id]) < r.every || len(r.missed) >= most {
		r.mu.Unlock()
		return Key{}, false
	}
	r.missed[id] = now
	r.mu.Unlock()
	k, err := r.store.Key(ctx, id)
	if err != nil {
		return Key{}, false
	}
	if err := r.Refresh(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return k, true // the key is good; the next refresh will bring it in
	}
	return k, true
}
