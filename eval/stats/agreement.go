package stats

import (
	"fmt"
	"math"
	"slices"
)

// Weighting is how far apart two categories are for kappa.
type Weighting string

// The weightings: all differences the same, the distance of the categories, and its square, which is usual for ordinal grades.
const (
	Unweighted Weighting = "unweighted"
	Linear     Weighting = "linear"
	Quadratic  Weighting = "quadratic"
)

func (w Weighting) distance(i, j int) float64 {
	d := math.Abs(float64(i - j))
	switch {
	case d == 0:
		return 0
	case w == Linear:
		return d
	case w == Quadratic:
		return d * d
	}
	return 1
}

// Kappa is Cohen's kappa of two raters of the same items, who used categories numbered from 0 in order. False when not defined:
// no items, unequal numbers of them, a category below zero, or chance alone would agree always, as when all is one class.
func Kappa(a, b []int, w Weighting) (float64, bool) {
	if len(a) != len(b) || len(a) == 0 || min(slices.Min(a), slices.Min(b)) < 0 {
		return 0, false
	}
	rows, columns := map[int]float64{}, map[int]float64{}
	var observed float64
	for i := range a {
		rows[a[i]]++
		columns[b[i]]++
		observed += w.distance(a[i], b[i])
	}
	var expected float64
	for i, r := range rows {
		for j, c := range columns {
			// Counts and distances are whole, so the sum is exact in any order.
			expected += w.distance(i, j) * r * c
		}
	}
	if expected == 0 {
		return 0, false
	}
	return 1 - observed*float64(len(a))/expected, true
}

// KappaInterval is the bootstrap interval of Kappa over items. False when Kappa is not defined.
func KappaInterval(a, b []int, w Weighting, o Resampling) (Interval, bool) {
	if _, ok := Kappa(a, b, w); !ok {
		return Interval{}, false
	}
	x, y := make([]int, len(a)), make([]int, len(a))
	return BootstrapItems(len(a), func(items []int) (float64, bool) {
		for i, item := range items {
			x[i], y[i] = a[item], b[item]
		}
		return Kappa(x, y, w)
	}, o)
}

// Fleiss is Fleiss' kappa of a table: a row an item, a column a category, how many raters chose it; every row must sum to the same
// number of raters, two at least. False when chance alone would agree always.
func Fleiss(table [][]int) (float64, bool, error) {
	if len(table) == 0 {
		return 0, false, errNoData
	}
	raters := 0
	for _, n := range table[0] {
		raters += n
	}
	if raters < 2 {
		return 0, false, fmt.Errorf("the first item has %d ratings: Fleiss' kappa needs two at least", raters)
	}
	var agreed float64
	totals := make([]float64, len(table[0]))
	for i, row := range table {
		if len(row) != len(totals) {
			return 0, false, fmt.Errorf("item %d has %d categories where the first has %d", i, len(row), len(totals))
		}
		sum := 0
		for j, n := range row {
			if n < 0 {
				return 0, false, fmt.Errorf("item %d has a category that %d raters chose", i, n)
			}
			sum += n
			totals[j] += float64(n)
			agreed += float64(n * (n - 1))
		}
		if sum != raters {
			return 0, false, fmt.Errorf("item %d has %d ratings where the first has %d: Fleiss' kappa needs as many for all; Alpha takes missing ones", i, sum, raters)
		}
	}
	all := float64(len(table) * raters)
	observed := agreed / (all * float64(raters-1))
	var chance float64
	for _, t := range totals {
		chance += t / all * (t / all)
	}
	if slices.Max(totals) == all {
		return 0, false, nil
	}
	return (observed - chance) / (1 - chance), true, nil
}

// FleissInterval is the bootstrap interval of Fleiss over items.
func FleissInterval(table [][]int, o Resampling) (Interval, bool) {
	if _, ok, err := Fleiss(table); err != nil || !ok {
		return Interval{}, false
	}
	drawn := make([][]int, len(table))
	return BootstrapItems(len(table), func(items []int) (float64, bool) {
		for i, item := range items {
			drawn[i] = table[item]
		}
		v, ok, err := Fleiss(drawn)
		return v, ok && err == nil
	}, o)
}
