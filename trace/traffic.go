package trace

import (
	"context"
	"math"
	"time"
)

// TrafficQuery asks how what was asked and answered is spread, for each of Days spans of 24 hours that end at Until.
type TrafficQuery struct {
	Until   time.Time // of whole hours
	Days    int       // 1..92
	Project string    // "" is all
	// Minutes of each hour that are looked at, 1..60; 0 is 60. Which they are depends on the hour alone, so that the answer is the same
	// whenever it is asked for.
	Minutes int
}

// TrafficKind is what a TrafficCell counts calls by.
type TrafficKind string

// Calls with status ok by the LengthBin of their tokens; all calls by how they ended.
const (
	TrafficInput  TrafficKind = "input"
	TrafficOutput TrafficKind = "output"
	TrafficEnds   TrafficKind = "ends"
)

// TrafficCell is a number of calls of one span of 24 hours, one project, prompt and model that are alike.
type TrafficCell struct {
	Day     int // 0 is the last 24 hours before TrafficQuery.Until, 1 those before, …
	Project string
	Prompt  string // "" is none
	Model   string // as the answer named it
	Kind    TrafficKind
	Bin     int    // of TrafficInput and TrafficOutput, from 1 on: calls without tokens of the kind are not counted
	Status  Status // of TrafficEnds
	Reason  string // of TrafficEnds with StatusOK: the first of the finish reasons, but content_filter when any is; "" is none
	Calls   int64
}

// Traffic tells how what was asked and answered is spread. Safe for concurrent use. ErrAway is in the chain of an error that means the
// store is not there at the moment.
type Traffic interface {
	// Traffic hands over each cell once, in no order, and ends at the first error, its own or each's. The cell is valid until each
	// returns. A store may leave out calls of combinations of project, prompt and model of which there are more than it can count.
	Traffic(ctx context.Context, q TrafficQuery, each func(*TrafficCell) error) error
}

// Of LengthBin: bins an octave has, and the bin of all that is longer.
const (
	LengthBins  = 8
	longestBin  = 24*LengthBins + 1
	LengthCount = longestBin + 1
)

// LengthBin numbers lengths in tokens: 0 is none, and from 1 on each bin reaches 2^(1/8) times as far as the one before, 9 % further.
func LengthBin(tokens int64) int {
	if tokens < 1 {
		return 0
	}
	return min(longestBin, 1+int(math.Floor(LengthBins*math.Log2(float64(tokens)))))
}

// LengthEdge is where a bin begins, in tokens; bins may be any number, and of bin 0 it is 0.
func LengthEdge(bin float64) float64 {
	if bin < 1 {
		return max(0, bin)
	}
	return math.Exp2((bin - 1) / LengthBins)
}
