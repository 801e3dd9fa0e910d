package trace

import (
	"context"
	"time"
)

// Arrival is a call as lists have it, with when it came into the store, by the store's clock, in whole seconds.
type Arrival struct {
	CallRow
	At time.Time
}

// ArrivalQuery picks what came into the store in [Since, Until), whenever it began. Filter's own times are not looked at, nor its text.
type ArrivalQuery struct {
	Filter       Filter
	Since, Until time.Time // of whole seconds
	After        Arrival   // only what is ordered behind it; the zero value: all
	Limit        int       // 1..10000
}

// Arrivals tells what came into the store, for who looks at each call once. Safe for concurrent use. ErrAway is in the chain of an error
// that means the store is not there at the moment.
type Arrivals interface {
	// StoreTime is the time by which arrivals are stamped.
	StoreTime(ctx context.Context) (time.Time, error)
	// Arrived gives calls by the second they came and by id. One that is still being written is not seen, and may have its stamp for
	// some seconds already: who has to see each looks again at the last minute.
	Arrived(ctx context.Context, q ArrivalQuery) ([]Arrival, error)
}

// ScoreValue is a score's number with the start of what it is of.
type ScoreValue struct {
	At    time.Time
	Value float64
}

// ScoreValues gives the bare numbers of many scores. Safe for concurrent use.
type ScoreValues interface {
	// ScoreValues gives the numbers that hold of what the filter picks, oldest first: all, or a sample of about most of them that is the
	// same whenever it is asked for.
	ScoreValues(ctx context.Context, f ScoreFilter, most int) ([]ScoreValue, error)
}
