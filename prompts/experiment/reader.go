package experiment

import (
	"context"
	"time"

	"github.com/weir-dev/weir/prompts/experiment/stats"
)

// Reader gives what an analysis is made of. A store implements it; experimenttest has one in memory and the suite that every one
// must pass. It is safe for concurrent use.
//
// Only calls in the analysis count, and of a unit only those of the epoch of its first exposure, in the arm of that exposure: so
// a change of weights cuts all arms' units off at the same moment.
type Reader interface {
	// Moments answers one Cell for each epoch, arm and measure that has units, in any order. No units is no error.
	Moments(context.Context, Query, []Measure) ([]Cell, error)
	// Growth answers how many units came and how many calls there were in each step of time, by epoch and arm, ordered by time.
	// Steps begin at whole multiples of the step in UTC; those in which nothing happened are left out.
	Growth(ctx context.Context, q Query, step time.Duration) ([]Growth, error)
}

// Query picks the calls of one experiment.
type Query struct {
	Experiment string    // its name, as calls are recorded with it
	Unit       Unit      // by which units' earlier calls are found
	Since      time.Time // calls from here on; earlier ones only for PastCost
	Until      time.Time // calls before; zero: all
}

// Measure is a value that each unit has. What a unit's calls do not have (a price, a score) is left out of sums and counts, and a
// unit all of whose calls lack it is left out.
type Measure struct {
	// Metric is one of MetricNames, score:NAME, or Utility.
	Metric string
	// Per PerCall: y is the sum over the unit's calls, x the number of calls that have the value.
	// Per PerUnit: y is the unit's total, or its mean for latency, errors, scores and Utility; x is the covariate, 0 where unknown.
	Per Per
	// SLO is for latency: a call counts 1 when it took longer, in milliseconds, else 0.
	SLO float64
	// Winsorize replaces y by that percentile of y over all units of the query when it is above (stats.Percentile). 0: off.
	Winsorize float64
	Covariate Covariate
	// Log replaces y by its natural logarithm; units whose y is not above zero are left out.
	Log bool
	// Terms are those of Utility: y is the sum of weights times the unit's means over its calls. A unit that lacks one is left out.
	Terms []Term
}

// Utility is the metric of a Measure with Terms.
const Utility = "utility"

// Cell is the sums over the units of one epoch and arm.
type Cell struct {
	Epoch   int
	Arm     string
	Measure int // index into the measures asked for
	stats.Moments
}

// Growth is what came in one step of time. Arm is empty for what is outside the analysis.
type Growth struct {
	Time  time.Time
	Epoch int // 0: of calls outside the analysis
	Arm   string
	Units int64 // whose first exposure in the analysis it was; 0 outside it
	Calls int64 // in the analysis, as Reader says; all others of the experiment outside it
}
