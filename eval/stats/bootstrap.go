package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// DefaultSamples is how many resamples a bootstrap draws unless told.
const DefaultSamples = 2000

// Resampling are the settings of a bootstrap. The zero value is ready: 2,000 samples, 95 %, seed 0.
type Resampling struct {
	Samples int     // 0 is DefaultSamples
	Level   float64 // 0 is DefaultLevel
	Seed    uint64
}

func (r Resampling) filled() Resampling {
	if r.Samples <= 0 {
		r.Samples = DefaultSamples
	}
	if r.Level <= 0 || r.Level >= 1 {
		r.Level = DefaultLevel
	}
	return r
}

// interval takes the percentile interval of values, which it sorts: at 95 %, from the value at n/40 to that at n-n/40-1.
func (r Resampling) interval(values []float64) Interval {
	slices.Sort(values)
	cut := int(float64(len(values)) * (1 - r.Level) / 2 * (1 + 1e-12))
	return Interval{Low: values[cut], High: values[len(values)-cut-1], Level: r.Level}
}

// Bootstrapped is a corpus score with its bootstrap interval.
type Bootstrapped struct {
	Interval
	Value float64 `json:"value"` // of the data as they are
	Mean  float64 `json:"mean"`  // of the resamples
}

// Bootstrap is the percentile interval of a corpus metric, segments drawn with replacement.
func Bootstrap(rows Rows, metric Metric, o Resampling) (Bootstrapped, error) {
	width, err := rows.width()
	if err != nil {
		return Bootstrapped{}, err
	}
	o = o.filled()
	n := len(rows)
	out := Bootstrapped{Value: metric(sums(rows, width), n)}
	values := make([]float64, o.Samples)
	total := make([]float64, width)
	random := rand.New(source(o.Seed)) //nolint:gosec // drawing samples, not secrets
	for s := range values {
		clear(total)
		for range n {
			for j, v := range rows[random.IntN(n)] {
				total[j] += v
			}
		}
		values[s] = metric(total, n)
		out.Mean += values[s] / float64(o.Samples)
	}
	out.Interval = o.interval(values)
	return out, nil
}

// BootstrapMean is the percentile interval of the mean of x.
func BootstrapMean(x []float64, o Resampling) (Bootstrapped, error) {
	return Bootstrap(Scores(x), MeanMetric, o)
}

// BootstrapPair is the outcome of a paired bootstrap: Value is the difference b-a.
type BootstrapPair struct {
	Bootstrapped
	// P is sacreBLEU's: the share of resamples whose |difference| minus the mean of such is over the |difference| observed. It
	// rejects a true null too often (more than 10 % at 5 %): report the interval, decide by Randomise.
	P float64 `json:"p"`
}

// BootstrapPaired is the percentile interval of the difference of a corpus metric between two systems, the same segments drawn
// for both.
func BootstrapPaired(a, b Rows, metric Metric, o Resampling) (BootstrapPair, error) {
	width, err := paired(a, b)
	if err != nil {
		return BootstrapPair{}, err
	}
	o = o.filled()
	n := len(a)
	out := BootstrapPair{Bootstrapped: Bootstrapped{Value: metric(sums(b, width), n) - metric(sums(a, width), n)}}
	if math.IsNaN(out.Value) || math.IsInf(out.Value, 0) {
		return BootstrapPair{}, fmt.Errorf("paired bootstrap: the difference of the metric is %v: nothing to compare", out.Value)
	}
	values, distances := make([]float64, o.Samples), make([]float64, o.Samples)
	totalA, totalB := make([]float64, width), make([]float64, width)
	random := rand.New(source(o.Seed)) //nolint:gosec // drawing samples, not secrets
	var meanDistance float64
	for s := range values {
		clear(totalA)
		clear(totalB)
		for range n {
			i := random.IntN(n)
			for j, v := range a[i] {
				totalA[j] += v
				totalB[j] += b[i][j]
			}
		}
		values[s] = metric(totalB, n) - metric(totalA, n)
		distances[s] = math.Abs(values[s])
		out.Mean += values[s] / float64(o.Samples)
		meanDistance += distances[s] / float64(o.Samples)
	}
	count := 0
	for _, d := range distances {
		if d-meanDistance > math.Abs(out.Value) {
			count++
		}
	}
	out.P = float64(count+1) / float64(o.Samples+1)
	out.Interval = o.interval(values)
	return out, nil
}

// BootstrapItems is the percentile interval of any statistic of n items: statistic is given the drawn items' indices, which it
// must not keep, and answers false where it is not defined; such draws are left out. False when more than half of them are.
func BootstrapItems(n int, statistic func(items []int) (float64, bool), o Resampling) (Interval, bool) {
	if n <= 0 {
		return Interval{}, false
	}
	o = o.filled()
	random := rand.New(source(o.Seed)) //nolint:gosec // drawing samples, not secrets
	items := make([]int, n)
	values := make([]float64, 0, o.Samples)
	for range o.Samples {
		for i := range items {
			items[i] = random.IntN(n)
		}
		if v, ok := statistic(items); ok {
			values = append(values, v)
		}
	}
	if 2*len(values) < o.Samples {
		return Interval{}, false
	}
	return o.interval(values), true
}
