// Package stats says how sure one may be of scores: tests between two runs, intervals, agreement of raters, rank metrics.
//
// Every function is pure and safe for concurrent use, and what is random in it is drawn from the seed it is given: the same
// numbers and the same seed give the same answer on every machine. A statistic that is not defined (no data, a single class)
// comes back with false or as an error, never as zero. Scores are taken as "higher is better" where that matters.
package stats

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
)

// Interval is a confidence interval, ends included.
type Interval struct {
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	Level float64 `json:"level"` // such as 0.95
}

// HalfWidth is half the distance of the ends.
func (i Interval) HalfWidth() float64 { return (i.High - i.Low) / 2 }

// Contains says whether x is within.
func (i Interval) Contains(x float64) bool { return i.Low <= x && x <= i.High }

// DefaultLevel is the level of intervals when none is given.
const DefaultLevel = 0.95

// errNoData is said when there is nothing to compute from.
var errNoData = errors.New("there are no scores: a statistic needs at least one")

// Mean is the arithmetic mean, and false when x is empty.
func Mean(x []float64) (float64, bool) {
	if len(x) == 0 {
		return 0, false
	}
	var mean float64
	for i, v := range x {
		mean += (v - mean) / float64(i+1)
	}
	return mean, true
}

// SD is the standard deviation of a sample (divisor n-1), and false when x has fewer than two values.
func SD(x []float64) (float64, bool) {
	if len(x) < 2 {
		return 0, false
	}
	var mean, squares float64
	for i, v := range x {
		d := v - mean
		mean += d / float64(i+1)
		squares += d * (v - mean)
	}
	return math.Sqrt(squares / float64(len(x)-1)), true
}

// differences are b-a, item by item; they must be as many, and finite.
func differences(a, b []float64) ([]float64, error) {
	if len(a) != len(b) {
		return nil, fmt.Errorf("paired scores: %d of one side and %d of the other: pairs need both; drop items that one side lacks, or compare unpaired", len(a), len(b))
	}
	if len(a) == 0 {
		return nil, errNoData
	}
	d := make([]float64, len(a))
	for i := range a {
		d[i] = b[i] - a[i]
		if math.IsNaN(d[i]) || math.IsInf(d[i], 0) {
			return nil, fmt.Errorf("paired scores: item %d has %v and %v: only finite scores can be compared; leave out what could not be scored", i, a[i], b[i])
		}
	}
	return d, nil
}

// quantile is the standard normal quantile of p.
func quantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// cumulative is the standard normal distribution function.
func cumulative(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// source is the random source of a seed.
func source(seed uint64) *rand.PCG { return rand.NewPCG(seed, 0x9e3779b97f4a7c15) }
