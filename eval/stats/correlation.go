package stats

import (
	"cmp"
	"math"
	"slices"
)

// Pearson is the correlation of two rows of numbers. False when not defined: fewer than two, unequal numbers of them, or no spread.
func Pearson(x, y []float64) (float64, bool) {
	if len(x) != len(y) || len(x) < 2 {
		return 0, false
	}
	var mx, my, xx, yy, xy float64
	for i := range x {
		n := float64(i + 1)
		dx, dy := x[i]-mx, y[i]-my
		mx += dx / n
		my += dy / n
		xx += dx * (x[i] - mx)
		yy += dy * (y[i] - my)
		xy += dx * (y[i] - my)
	}
	spread := math.Sqrt(xx) * math.Sqrt(yy)
	if !(spread > 0) || math.IsInf(spread, 0) {
		return 0, false
	}
	return min(1, max(-1, xy/spread)), true
}

// PearsonInterval is the bootstrap interval of Pearson over pairs.
func PearsonInterval(x, y []float64, o Resampling) (Interval, bool) {
	if _, ok := Pearson(x, y); !ok {
		return Interval{}, false
	}
	a, b := make([]float64, len(x)), make([]float64, len(x))
	return BootstrapItems(len(x), func(items []int) (float64, bool) {
		for i, item := range items {
			a[i], b[i] = x[item], y[item]
		}
		return Pearson(a, b)
	}, o)
}

// Spearman is the correlation of ranks; equal numbers share the mean of their ranks.
func Spearman(x, y []float64) (float64, bool) {
	if len(x) != len(y) {
		return 0, false
	}
	return Pearson(ranks(x), ranks(y))
}

// SpearmanInterval is Fisher's interval with the standard error of Bonett and Wright (2000), √((1+ρ²/2)/(n-3)). False for fewer than four
// pairs, or where Spearman is not defined.
func SpearmanInterval(x, y []float64, level float64) (Interval, bool) {
	rho, ok := Spearman(x, y)
	if !ok || len(x) < 4 {
		return Interval{}, false
	}
	if level <= 0 || level >= 1 {
		level = DefaultLevel
	}
	if math.Abs(rho) == 1 {
		return Interval{Low: rho, High: rho, Level: level}, true
	}
	half := quantile((1+level)/2) * math.Sqrt((1+rho*rho/2)/float64(len(x)-3))
	z := math.Atanh(rho)
	return Interval{Low: math.Tanh(z - half), High: math.Tanh(z + half), Level: level}, true
}

// ranks numbers values from 1 in order; equal ones get the mean of their places.
func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(x[a], x[b]) })
	out := make([]float64, len(x))
	for i := 0; i < len(order); {
		j := i + 1
		for j < len(order) && x[order[j]] == x[order[i]] {
			j++
		}
		for _, k := range order[i:j] {
			out[k] = float64(i+j+1) / 2
		}
		i = j
	}
	return out
}

// KappaOfTable is Kappa of a square table of counts: a row is what the one rater said, a column the other.
func KappaOfTable(table [][]int, w Weighting) (float64, bool) {
	rows, columns := make([]float64, len(table)), make([]float64, len(table))
	var n, observed, expected float64
	for i, row := range table {
		if len(row) != len(table) {
			return 0, false
		}
		for j, c := range row {
			rows[i] += float64(c)
			columns[j] += float64(c)
			observed += w.distance(i, j) * float64(c)
			n += float64(c)
		}
	}
	for i, r := range rows {
		for j, c := range columns {
			expected += w.distance(i, j) * r * c
		}
	}
	if n == 0 || expected == 0 {
		return 0, false
	}
	return 1 - observed*n/expected, true
}

// KappaTableInterval is the bootstrap interval of Kappa over items whose ratings are a and b, numbers below k.
func KappaTableInterval(a, b []int, k int, w Weighting, o Resampling) (Interval, bool) {
	table := make([][]int, k)
	for i := range table {
		table[i] = make([]int, k)
	}
	return BootstrapItems(min(len(a), len(b)), func(items []int) (float64, bool) {
		for i := range table {
			clear(table[i])
		}
		for _, item := range items {
			table[a[item]][b[item]]++
		}
		return KappaOfTable(table, w)
	}, o)
}
