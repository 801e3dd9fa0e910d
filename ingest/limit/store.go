package limit

import (
	"context"
	"time"
)

// Kind is what a counter counts.
type Kind string

// Requests and Tokens are counted by the minute; Concurrent counts slots that are taken and given back.
const (
	Requests   Kind = "requests"
	Tokens     Kind = "tokens"
	Concurrent Kind = "concurrent"
)

// Ask is what is wanted of one counter.
type Ask struct {
	Kind    Kind
	Counter string // its name, the same in every process that shares the store
	Limit   int64  // units a minute, or slots; 1 and more
	Burst   int64  // of Requests and Tokens: units at once after a quiet time, from 1 to Limit
	N       int64  // units
	rule    string // whose it is, for people
}

// State is how a counter stands after Take, or, where nothing was taken, before it.
type State struct {
	Fits      bool          // there was room for what was asked
	Remaining int64         // units that could be taken now
	Reset     time.Duration // until all of the burst could be taken, if nothing is taken meanwhile; 0 of Concurrent
	Wait      time.Duration // where it does not fit: until it would; 0 when nobody can tell, or never
}

// Store keeps the counters. A counter that was never heard of is full: all its units are there. Safe for concurrent use.
//
// A rate is a bucket of Burst units that fills by Limit units a minute: in a span of time at most Burst and the span's
// share of Limit are taken. What Settle takes beyond that is owed, for an hour at most.
//
// A store that outlives the processes which use it must give back the slots of one that died.
type Store interface {
	// Take takes what all asks want, or, unless all of it is there, nothing: in one step, whatever else is asked at the
	// same time. It gives a state for each ask and whether they were taken. After an error nothing is promised, and the
	// caller does not settle.
	Take(ctx context.Context, asks []Ask) (states []State, taken bool, err error)
	// Settle corrects what was taken: of a rate N more units were used than were taken, or fewer, where it is negative;
	// of slots N is negative and gives them back. It may return before others see it, and what it cannot do it may leave.
	Settle(ctx context.Context, asks []Ask) error
}
