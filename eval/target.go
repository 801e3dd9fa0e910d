package eval

import (
	"context"
	"errors"
	"time"
)

// Ask is one question to a target.
type Ask struct {
	Key
	Run  string // the run's id
	Item *Item
}

// Target answers items. Safe for concurrent use.
type Target interface {
	// Ask gives the target an item. An *AskError says whether it is worth asking again, and whether to go on at all.
	Ask(ctx context.Context, a Ask) (Answer, error)
}

// Recoverer is a target whose answers outlive the one who asked.
type Recoverer interface {
	// Recover looks for the answer to an ask that was begun before this process, and was perhaps paid for.
	Recover(ctx context.Context, a Ask) (Answer, bool, error)
}

// TargetFunc makes a function a Target.
type TargetFunc func(context.Context, Ask) (Answer, error)

// Ask calls f.
func (f TargetFunc) Ask(ctx context.Context, a Ask) (Answer, error) { return f(ctx, a) }

// AskError says why there is no answer.
type AskError struct {
	Err   error
	Again bool          // it may pass
	Stop  bool          // no other ask would do better: the run stops, to be resumed
	Wait  time.Duration // until then; 0: not said
}

// Error is the cause.
func (e *AskError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *AskError) Unwrap() error { return e.Err }

func asAskError(err error) *AskError {
	if e, ok := errors.AsType[*AskError](err); ok {
		return e
	}
	return &AskError{Err: err}
}
