package outbox

import (
	"context"
	"log/slog"
	"time"

	"github.com/weir-dev/weir/price"
)

const (
	// Tries is how often something is told before it is given up.
	Tries = 8
	// First is the wait before the second try; doubled each time: twenty minutes in all.
	First = 10 * time.Second

	look  = 15 * time.Second // for what waits since others failed, or was left by a process that ended
	lease = 3 * time.Minute  // a replica that took something tells it within that
	batch = 16
)

// Config is where a Box finds what is to be told, and how it is told. Every field is needed.
type Config[T any] struct {
	// Claim takes up to most that wait to be told at now, and puts each off until a later time, so that nobody else takes it
	// meanwhile.
	Claim func(ctx context.Context, now, until time.Time, most int) ([]T, error)
	// Delivery is how far one has come.
	Delivery func(*T) price.Delivery
	Send     func(context.Context, *T) error
	// Note keeps what became of one.
	Note func(context.Context, *T, price.Delivery) error
	What func(*T) []any // its name for the log, as slog's attributes
	Noun string         // of many, for the log: events of budgets
	Log  *slog.Logger
}

// Box tells of what waits in a store until it was told or was tried often enough, so that nothing is lost by a restart; several
// replicas share the work. Something can be told twice, with the same id.
type Box[T any] struct {
	cfg  Config[T]
	wake chan struct{}
}

// New makes a Box; Run makes it work.
func New[T any](cfg Config[T]) *Box[T] { return &Box[T]{cfg: cfg, wake: make(chan struct{}, 1)} }

// Wake makes Run look now. It never waits.
func (b *Box[T]) Wake() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Run tells until ctx ends.
func (b *Box[T]) Run(ctx context.Context) {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		for b.Tell(ctx) == batch {
		}
		select {
		case <-ctx.Done():
			return
		case <-b.wake:
		case <-tick.C:
		}
	}
}

// Tell takes some that wait and tells them, once each, and gives their number.
func (b *Box[T]) Tell(ctx context.Context) int {
	now := time.Now()
	list, err := b.cfg.Claim(ctx, now, now.Add(lease), batch)
	if err != nil {
		if ctx.Err() == nil {
			b.cfg.Log.Warn("what waits to be told could not be read; it is looked for again", "of", b.cfg.Noun, "error", err)
		}
		return 0
	}
	for i := range list {
		one := &list[i]
		err := b.cfg.Send(ctx, one)
		if ctx.Err() != nil {
			return 0 // taken again when the lease is over
		}
		d := Outcome(b.cfg.Delivery(one), err, time.Now())
		if d.State == price.DeliveryFailed {
			b.cfg.Log.Error("one was not told, and is not tried any more", append(b.cfg.What(one), "of", b.cfg.Noun, "tries", d.Tries, "error", err)...)
		}
		if err := b.cfg.Note(ctx, one, d); err != nil {
			b.cfg.Log.Warn("that one was told was not recorded; it may be told again", append(b.cfg.What(one), "of", b.cfg.Noun, "error", err)...)
		}
	}
	return len(list)
}

// Outcome is what becomes of a delivery after a try that ended with err, or well.
func Outcome(d price.Delivery, err error, now time.Time) price.Delivery {
	out := price.Delivery{State: price.DeliveryDone, Tries: d.Tries + 1, At: now}
	if err == nil {
		return out
	}
	out.Error = err.Error()
	if out.Tries >= Tries {
		out.State = price.DeliveryFailed
		return out
	}
	out.State, out.Next = price.DeliveryWaiting, now.Add(First<<(out.Tries-1))
	return out
}
