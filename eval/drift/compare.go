package drift

import (
	"fmt"
	"math"
	"slices"

	"github.com/weir-dev/weir/eval/stats"
	"github.com/weir-dev/weir/trace"
)

// tested is one comparison of a day with its reference.
type tested struct {
	rankSum     *stats.RankSum
	distance    *stats.Distance
	homogeneity *stats.Homogeneity
}

func compareDays(k kind, reference, day []int64) (t tested) {
	if k == length {
		if v, ok := stats.RankSumOfCounts(reference, day); ok {
			t.rankSum = &v
		}
		if v, ok := stats.DistanceOfCounts(reference, day); ok {
			t.distance = &v
		}
		return t
	}
	if v, ok := stats.HomogeneityOfCounts(reference, day); ok {
		t.homogeneity = &v
	}
	return t
}

// Medians of the squares of the tests' figures when nothing but chance is at work.
const (
	medianNormal     = 0.454936 // of the square of a normal variable
	medianKolmogorov = 0.684942 // of the square of Kolmogorov's
)

// medianFreedom is that of a chi-square variable over its degrees of freedom (Wilson and Hilferty 1931).
func medianFreedom(freedom int) float64 {
	third := 1 - 2/(9*float64(freedom))
	return third * third * third
}

// noise is how far the days before lie apart as a rule.
type noise struct {
	location, shape float64 // of the rank sum or of homogeneity; of the distance
	freedom         int     // what that is known by
}

// usual measures the noise: each day is compared with the same weekday a week before, and the median of the squares of the test's figures
// is put against the one that chance has. Days that were odd do not count in a median, nor does a change that lasts, which lies between
// seven of the pairs.
func usual(k kind, s *sampled) (noise, bool) {
	var location, shape []float64
	for d := 1; d+7 < days; d++ {
		reference := s.days[d+7]
		if total(s.days[d]) < leastOfDay || total(reference) < leastOfDay {
			continue
		}
		t := compareDays(k, reference, s.days[d])
		if t.rankSum != nil {
			location = append(location, t.rankSum.Z*t.rankSum.Z/medianNormal)
		}
		if t.distance != nil {
			shape = append(shape, t.distance.Scaled*t.distance.Scaled/medianKolmogorov)
		}
		if t.homogeneity != nil {
			location = append(location, t.homogeneity.ChiSquare/float64(t.homogeneity.Freedom)/medianFreedom(t.homogeneity.Freedom))
		}
		if k != length && t.homogeneity == nil { // all of one class, as on the days beside it
			location = append(location, 0)
		}
	}
	if len(location) < leastDays {
		return noise{}, false
	}
	n := noise{location: max(1, median(location)), shape: 1, freedom: 4}
	if len(shape) > 0 {
		n.shape = max(1, median(shape))
	}
	// A median of so many squares is known about as well as a variance of so many degrees of freedom.
	switch {
	case len(location) >= 18:
		n.freedom = 12
	case len(location) >= 12:
		n.freedom = 8
	}
	return n, true
}

func median(x []float64) float64 {
	slices.Sort(x)
	if n := len(x); n%2 == 0 {
		return (x[n/2-1] + x[n/2]) / 2
	}
	return x[len(x)/2]
}

// chance is the p of a comparison, noise counted in. The tails are Student's, since the noise is an estimate.
func (t *tested) chance(n noise) float64 {
	student := func(z float64) float64 { return stats.StudentTail(z, n.freedom) }
	p := 1.0
	if t.rankSum != nil {
		p = min(p, 2*student(t.rankSum.Z/math.Sqrt(n.location)))
	}
	if t.distance != nil {
		p = min(p, 2*student(stats.NormalOf(stats.KolmogorovTail(t.distance.Scaled/math.Sqrt(n.shape)))))
	}
	if t.homogeneity != nil {
		p = min(p, student(stats.NormalOf(stats.ChiSquareTail(t.homogeneity.ChiSquare/n.location, t.homogeneity.Freedom))))
	}
	return min(1, p)
}

// compare fills a series in, as far as that can be said of it alone: the state is not Drifted or Steady before judge has seen all.
func (s *Series) compare(of *sampled) {
	k := s.Metric.kind()
	reference, weeks := of.reference(0)
	today := of.days[0]
	s.N, s.ReferenceN, s.Weeks = total(today), total(reference), weeks
	s.Days = daily(k, of)
	s.Classes = classes(k, of.names, reference, today)
	s.values(k, reference, today, 0)
	known, ok := usual(k, of)
	switch {
	case weeks < leastWeeks:
		s.State, s.Reason = TooEarly, fmt.Sprintf("there are calls of this weekday in %s before it: %d are needed", plural(weeks, "week"), leastWeeks)
		return
	case s.N < leastCalls || s.ReferenceN < leastBefore:
		s.State, s.Reason = TooFew, fmt.Sprintf("%s in the day and %d on the same day of the weeks before: %d and %d are compared", plural(int(s.N), "call"), s.ReferenceN, leastCalls, leastBefore)
		return
	case !ok:
		s.State, s.Reason = TooEarly, fmt.Sprintf("fewer than %d of the days before have calls enough, a week apart, to say how far days differ as a rule", leastDays)
		return
	}
	t := compareDays(k, reference, today)
	p := t.chance(known)
	s.RankSum, s.Distance, s.Homogeneity, s.P, s.Noise = t.rankSum, t.distance, t.homogeneity, &p, &known.location
	if v, ok := shiftOf(k, reference, today); ok {
		s.Shift = &v
	}
	s.effect(k, of.names, reference, today, known.location)
}

// shiftOf is the PSI of a day: of lengths over groups that hold about as many of the reference each.
func shiftOf(k kind, reference, day []int64) (stats.Shift, bool) {
	if k == length {
		ends := stats.Pooled(reference, psiGroups)
		reference, day = stats.Pool(reference, ends), stats.Pool(day, ends)
	}
	return stats.PSIOfCounts(reference, day)
}

// values gives the figures of both, of a mix those of a class.
func (s *Series) values(k kind, reference, today []int64, class int) {
	value := func(n []int64) *float64 {
		all := total(n)
		if all == 0 {
			return nil
		}
		var v float64
		switch k {
		case length:
			v = middle(n)
		case rate:
			v = float64(at(n, 1)) / float64(all)
		default:
			v = float64(at(n, class)) / float64(all)
		}
		return &v
	}
	s.Value, s.ReferenceValue = value(today), value(reference)
}

// middle is the median length, values taken to lie evenly within a bin's octave.
func middle(n []int64) float64 {
	half, below := float64(total(n))/2, 0.0
	for bin, v := range n {
		if below+float64(v) >= half && v > 0 {
			return trace.LengthEdge(float64(bin) + (half-below)/float64(v))
		}
		below += float64(v)
	}
	return 0
}

func at(n []int64, i int) int64 {
	if i < len(n) {
		return n[i]
	}
	return 0
}

// effect says how much has changed.
func (s *Series) effect(k kind, names []string, reference, today []int64, spread float64) {
	if k == length {
		if d, within, ok := stats.LocationShift(reference, today, spread, 0); ok {
			s.Effect = &Effect{Kind: "ratio", Value: times(d), Low: times(within.Low), High: times(within.High)}
		}
		return
	}
	class := 1
	if k == mix {
		class = movedClass(reference, today)
	}
	d, within, ok := stats.RiskDifference(at(reference, class), total(reference), at(today, class), total(today), 0)
	if !ok {
		return
	}
	wide := math.Sqrt(spread)
	s.Effect = &Effect{Kind: "difference", Value: d, Low: max(-1, d-wide*(d-within.Low)), High: min(1, d+wide*(within.High-d))}
	if k == mix {
		s.Effect.Class = names[class]
		s.values(k, reference, today, class)
	}
}

// times turns a difference of bins into how many times as long that is.
func times(bins float64) float64 { return math.Exp2(bins / trace.LengthBins) }

// movedClass is the class whose share changed most.
func movedClass(reference, today []int64) (class int) {
	most := -1.0
	for i := range max(len(reference), len(today)) {
		d := math.Abs(float64(at(today, i))/float64(total(today)) - float64(at(reference, i))/float64(total(reference)))
		if d > most {
			most, class = d, i
		}
	}
	return class
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
