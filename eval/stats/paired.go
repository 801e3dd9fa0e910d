package stats

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
)

// Rows are per-segment statistics of one system, a row a segment, all rows of the same width: whatever a metric sums over
// segments before it makes its score (matches and totals of n-grams, edits and lengths, or just a score).
type Rows [][]float64

// Metric makes a corpus score of the sums of n segments' statistics. It must not keep sums, and must not change it.
type Metric func(sums []float64, n int) float64

// MeanMetric is the mean of statistics of width one.
func MeanMetric(sums []float64, n int) float64 { return sums[0] / float64(n) }

// Scores are rows of width one.
func Scores(x []float64) Rows {
	rows := make(Rows, len(x))
	for i := range x {
		rows[i] = x[i : i+1 : i+1]
	}
	return rows
}

// DefaultTrials is how many shufflings a randomisation test makes unless told: as sacreBLEU.
const DefaultTrials = 10000

// Randomisation are the settings of a randomisation test. The zero value is ready: 10,000 trials, seed 0.
type Randomisation struct {
	Trials int // 0 is DefaultTrials
	Seed   uint64
}

// Test is the outcome of a paired test of b against a.
type Test struct {
	N     int     `json:"n"` // pairs
	A     float64 `json:"a"`
	B     float64 `json:"b"`
	Delta float64 `json:"delta"` // B-A
	// P is the two-sided p-value: the share of trials at least as far from zero as Delta, (count+1)/(trials+1). Ties count, so
	// that two equal systems have P = 1.
	P float64 `json:"p"`
	// PLess is one-sided: of "b is not worse than a". Small when b is worse.
	PLess float64 `json:"p_less"`
	// PGreater is one-sided: of "b is not better than a". Small when b is better.
	PGreater float64 `json:"p_greater"`
	// PStrict is two-sided as sacreBLEU 2.6.0 counts it: only trials farther from zero than Delta. For comparison with papers;
	// do not decide by it, for two equal systems it is 1/(trials+1).
	PStrict float64 `json:"p_strict"`
	Trials  int     `json:"trials"`
}

// chunk is how many segments are shuffled by one byte.
const chunk = 8

// Randomise is the paired approximate randomisation test (Noreen 1989; Riezler and Maxwell 2005): in every trial, each segment's
// statistics change sides with probability one half. It is preferred to the paired bootstrap, whose p-value, at 5 %,
// rejects a true null in more than 10 % of cases. Memory does not grow with the number of segments.
func Randomise(a, b Rows, metric Metric, o Randomisation) (Test, error) {
	width, err := paired(a, b)
	if err != nil {
		return Test{}, err
	}
	trials := o.Trials
	if trials <= 0 {
		trials = DefaultTrials
	}
	var (
		n          = len(a)
		sumA, sumB = sums(a, width), sums(b, width)
		moved      = make([]float64, trials*width) // what each trial moves from b's side to a's
		subset     = make([]float64, (1<<chunk)*width)
		random     = source(o.Seed)
		word       [8]byte
	)
	for start := 0; start < n; start += chunk {
		size := min(chunk, n-start)
		if !subsets(subset[:(1<<size)*width], a[start:start+size], b[start:start+size], width) {
			// Nothing differs here, but the dice are thrown all the same: a trial's swaps do not depend on other segments' scores.
			skip(random, trials)
			continue
		}
		mask := byte(1<<size - 1)
		for t := range trials {
			if t%8 == 0 {
				binary.LittleEndian.PutUint64(word[:], random.Uint64())
			}
			from := int(word[t%8]&mask) * width
			if width == 1 {
				moved[t] += subset[from]
				continue
			}
			to := moved[t*width : (t+1)*width]
			for j, v := range subset[from : from+width] {
				to[j] += v
			}
		}
	}
	out := Test{N: n, A: metric(sumA, n), B: metric(sumB, n), Trials: trials}
	out.Delta = out.B - out.A
	if math.IsNaN(out.Delta) || math.IsInf(out.Delta, 0) {
		return Test{}, fmt.Errorf("paired test: the metric is %v of one side and %v of the other: nothing to compare", out.A, out.B)
	}
	var both, strict, less, greater int
	swapA, swapB := make([]float64, width), make([]float64, width)
	// Sums taken in another order differ in their last bits: differences nearer than this are ties.
	tie := 1e-10 * max(math.Abs(out.A), math.Abs(out.B), math.Abs(out.Delta))
	for t := range trials {
		for j := range width {
			m := moved[t*width+j]
			swapA[j], swapB[j] = sumA[j]+m, sumB[j]-m
		}
		delta := metric(swapB, n) - metric(swapA, n)
		if math.Abs(delta) >= math.Abs(out.Delta)-tie {
			both++
		}
		if math.Abs(delta) > math.Abs(out.Delta)+tie {
			strict++
		}
		if delta <= out.Delta+tie {
			less++
		}
		if delta >= out.Delta-tie {
			greater++
		}
	}
	p := func(count int) float64 { return float64(count+1) / float64(trials+1) }
	out.P, out.PStrict, out.PLess, out.PGreater = p(both), p(strict), p(less), p(greater)
	return out, nil
}

// RandomiseMeans is Randomise of the mean of one score a segment.
func RandomiseMeans(a, b []float64, o Randomisation) (Test, error) {
	return Randomise(Scores(a), Scores(b), MeanMetric, o)
}

// subsets fills table with the sums of b-a over every subset of the segments, the subset's bits its index, and says whether any
// segment differs.
func subsets(table []float64, a, b Rows, width int) bool {
	clear(table[:width])
	differ := false
	for i := range a {
		half := (1 << i) * width
		for j := range width {
			d := b[i][j] - a[i][j]
			differ = differ || d != 0
			for k := j; k < half; k += width {
				table[half+k] = table[k] + d
			}
		}
	}
	return differ
}

// skip throws the dice of one chunk away.
func skip(random *rand.PCG, trials int) {
	for range (trials + 7) / 8 {
		random.Uint64()
	}
}

// paired checks that rows can be compared and returns their width.
func paired(a, b Rows) (int, error) {
	if len(a) != len(b) {
		return 0, fmt.Errorf("paired test: %d segments of one side and %d of the other: pairs need both; drop segments that one side lacks, or compare unpaired", len(a), len(b))
	}
	wa, err := a.width()
	if err != nil {
		return 0, err
	}
	wb, err := b.width()
	if err != nil {
		return 0, err
	}
	if wa != wb {
		return 0, fmt.Errorf("paired test: %d statistics a segment of one side and %d of the other: both must come from the same metric", wa, wb)
	}
	return wa, nil
}

// width checks rows and returns how wide they are.
func (r Rows) width() (int, error) {
	if len(r) == 0 || len(r[0]) == 0 {
		return 0, errNoData
	}
	for i, row := range r {
		if len(row) != len(r[0]) {
			return 0, fmt.Errorf("segment %d has %d statistics where the first has %d: all must come from the same metric", i, len(row), len(r[0]))
		}
		for _, v := range row {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return 0, fmt.Errorf("segment %d has the statistic %v: only finite ones can be compared; leave out what could not be scored", i, v)
			}
		}
	}
	return len(r[0]), nil
}

func sums(rows Rows, width int) []float64 {
	s := make([]float64, width)
	for _, row := range rows {
		for j, v := range row {
			s[j] += v
		}
	}
	return s
}
