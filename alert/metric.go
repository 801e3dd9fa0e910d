package alert

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/weir-dev/weir/trace"
)

// Metric is what a rule looks at.
type Metric string

// What there is to look at.
const (
	Spend         Metric = "spend"          // dollars in the window
	SpendForecast Metric = "spend_forecast" // dollars expected at the end of the present month
	SpendAnomaly  Metric = "spend_anomaly"  // how far the last whole hour's spend is from that hour of the week, in robust deviations
	Calls         Metric = "calls"
	Errors        Metric = "errors"
	Tokens        Metric = "tokens"
	UnpricedCalls Metric = "unpriced_calls"
	ErrorRate     Metric = "error_rate"     // a share of calls
	CacheHitRate  Metric = "cache_hit_rate" // a share of the calls that the cache was asked for
	LatencyP95    Metric = "latency_p95"    // seconds
	TTFTP95       Metric = "ttft_p95"       // seconds until the first token of streams
	ScoreMean     Metric = "score_mean"
	JudgeCoverage Metric = "judge_coverage" // a share of the calls that an online evaluation picked
	BudgetUsed    Metric = "budget_used"    // a share of the limit
	SpoolWaiting  Metric = "spool_waiting"  // records
	SpoolOldest   Metric = "spool_oldest"   // seconds
	DriftPSI      Metric = "drift_psi"      // the largest PSI among the series of traffic that have drifted, 0 when none has
)

// Unit is how a metric's values are meant.
type Unit string

// The units of metrics.
const (
	Dollars    Unit = "usd"
	Share      Unit = "share" // 0 to 1, shown as percent
	Seconds    Unit = "seconds"
	Count      Unit = "count"
	Number     Unit = "number"
	Deviations Unit = "deviations"
)

// source is where a metric's values come from.
type source int

const (
	fromCalls source = iota
	fromForecast
	fromAnomaly
	fromScores
	fromCoverage
	fromBudgets
	fromSpool
	fromDrift
)

// info is what is known of a metric.
type info struct {
	name   Metric
	unit   Unit
	title  string // as people say it
	source source
	// additive: the values of two spans next to each other add up, or follow from figures that do.
	additive bool
	// of gives the value of sums, false when there is nothing to say one of. Of fromCalls only.
	of func(s *trace.Sums) (float64, bool)
	// weight orders contributors: how much of the value is theirs.
	weight func(s *trace.Sums) float64
}

func counted(of func(*trace.Sums) float64) func(*trace.Sums) (float64, bool) {
	return func(s *trace.Sums) (float64, bool) { return of(s), true }
}

func share(of func(*trace.Sums) int64) func(*trace.Sums) (float64, bool) {
	return func(s *trace.Sums) (float64, bool) {
		return float64(of(s)) / float64(max(s.Calls, 1)), s.Calls > 0
	}
}

func seconds(of func(*trace.Sums) time.Duration) func(*trace.Sums) (float64, bool) {
	return func(s *trace.Sums) (float64, bool) { d := of(s); return d.Seconds(), d > 0 }
}

var (
	cost     = func(s *trace.Sums) float64 { return s.Cost.Float64() }
	calls    = func(s *trace.Sums) float64 { return float64(s.Calls) }
	errs     = func(s *trace.Sums) float64 { return float64(s.Errors) }
	tokens   = func(s *trace.Sums) float64 { return float64(s.Usage.Input() + s.Usage.Output()) }
	unpriced = func(s *trace.Sums) float64 { return float64(s.UnpricedCalls) }
	misses   = func(s *trace.Sums) float64 { return float64(s.Calls - s.CacheHits) }
	latency  = func(s *trace.Sums) float64 { return s.LatencyP95.Seconds() }
	ttft     = func(s *trace.Sums) float64 { return s.TTFTP95.Seconds() }
)

// metrics lists them all.
var metrics = []info{
	{Spend, Dollars, "spend", fromCalls, true, counted(cost), cost},
	{SpendForecast, Dollars, "expected spend of the month", fromForecast, false, nil, cost},
	{SpendAnomaly, Deviations, "spend of the last hour against that hour of the week", fromAnomaly, false, nil, cost},
	{Calls, Count, "calls", fromCalls, true, counted(calls), calls},
	{Errors, Count, "errors", fromCalls, true, counted(errs), errs},
	{Tokens, Count, "tokens", fromCalls, true, counted(tokens), tokens},
	{UnpricedCalls, Count, "calls without a price", fromCalls, true, counted(unpriced), unpriced},
	{ErrorRate, Share, "share of errors", fromCalls, true, share(func(s *trace.Sums) int64 { return s.Errors }), errs},
	{CacheHitRate, Share, "share of cache hits", fromCalls, true, share(func(s *trace.Sums) int64 { return s.CacheHits }), misses},
	{LatencyP95, Seconds, "latency of the slowest twentieth", fromCalls, false, seconds(func(s *trace.Sums) time.Duration { return s.LatencyP95 }), latency},
	{TTFTP95, Seconds, "time to the first token of the slowest twentieth", fromCalls, false, seconds(func(s *trace.Sums) time.Duration { return s.TTFTP95 }), ttft},
	{ScoreMean, Number, "mean score", fromScores, false, nil, calls},
	{JudgeCoverage, Share, "share of picked calls that were scored", fromCoverage, false, nil, calls},
	{BudgetUsed, Share, "used share of the budget", fromBudgets, false, nil, cost},
	{SpoolWaiting, Count, "records that wait to be stored", fromSpool, false, nil, nil},
	{SpoolOldest, Seconds, "age of the oldest record that waits", fromSpool, false, nil, nil},
	{DriftPSI, Number, "drift of the last day's traffic (PSI)", fromDrift, false, nil, calls},
}

// Metrics lists the names of all metrics.
func Metrics() []Metric {
	out := make([]Metric, len(metrics))
	for i := range metrics {
		out[i] = metrics[i].name
	}
	return out
}

func infoOf(m Metric) (*info, bool) {
	for i := range metrics {
		if metrics[i].name == m {
			return &metrics[i], true
		}
	}
	return nil, false
}

// Unit is how the values are meant.
func (m Metric) Unit() Unit {
	if i, ok := infoOf(m); ok {
		return i.unit
	}
	return Number
}

// Title is the metric as people say it.
func (m Metric) Title() string {
	if i, ok := infoOf(m); ok {
		return i.title
	}
	return string(m)
}

// Text is a value as people read it.
func (u Unit) Text(v float64) string {
	switch u {
	case Dollars:
		places := 2
		if v := math.Abs(v); v > 0 && v < 1 {
			places = min(9, 2-int(math.Floor(math.Log10(v))))
		}
		return fmt.Sprintf("$%.*f", places, v)
	case Share:
		return strconv.FormatFloat(math.Round(v*10_000)/100, 'f', -1, 64) + " %"
	case Seconds:
		return strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64) + " s"
	case Deviations:
		return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) + " deviations"
	}
	return strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64)
}
