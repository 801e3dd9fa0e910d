package forecast

import (
	"math/rand/v2"
	"slices"
	"time"
)

// course fills the forecast with what the model expects and, with enough days, what it leaves open.
func (m *model) course(out *Forecast, in Input) {
	edges := steps(in)
	out.Course = make([]Step, len(edges))
	total, next := in.Spent, 0
	if in.Limit > 0 && total >= in.Limit {
		out.Reaches = in.Now
	}
	at := in.Now
	for i, more := range m.ahead {
		end := at.Add(time.Duration(m.shares[i] * float64(hour)))
		if in.Limit > 0 && out.Reaches.IsZero() && total+more >= in.Limit {
			out.Reaches = at.Add(time.Duration(float64(end.Sub(at)) * (in.Limit - total) / more))
		}
		total += more
		if i == edges[next].hours-1 {
			out.Course[next] = Step{At: edges[next].at, Expected: total, Low: total, High: total}
			next++
		}
		at = end
	}
	out.Expected, out.Low, out.High = total, total, total
	if len(m.differ) < bandFrom {
		return
	}
	out.Band = true
	ends := m.draw(edges)
	for i := range edges {
		slices.Sort(ends[i])
		s := &out.Course[i]
		s.Low, s.High = in.Spent+quantile(ends[i], (1-Level)/2), in.Spent+quantile(ends[i], (1+Level)/2)
		s.Low, s.High = min(max(s.Low, in.Spent), s.Expected), max(s.High, s.Expected)
	}
	last := out.Course[len(edges)-1]
	out.Low, out.High = last.Low, last.High
	if in.Limit > 0 {
		i, _ := slices.BinarySearch(ends[len(edges)-1], in.Limit-in.Spent)
		out.Over = 1 - float64(i)/paths
	}
}

// edge is the end of a step: a moment, and how many of the hours ahead have passed by then.
type edge struct {
	at    time.Time
	hours int
}

// steps are the moments of the course. There is at least one, the end.
func steps(in Input) []edge {
	at, shares := ahead(in)
	every := 24
	if in.End.Sub(in.Now) <= 2*day {
		every = 1
	}
	var out []edge
	for i := range at {
		if i == len(at)-1 {
			out = append(out, edge{in.End, i + 1})
		} else if (i+1)%every == 0 {
			out = append(out, edge{at[i].Add(time.Duration(shares[i] * float64(hour))), i + 1})
		}
	}
	return out
}

// draw gives for each step what is spent from now on until then, in each of the courses.
func (m *model) draw(edges []edge) [][]float64 {
	rnd := rand.New(rand.NewPCG(1, 2)) // the same question has the same answer
	ends := make([][]float64, len(edges))
	for i := range ends {
		ends[i] = make([]float64, paths)
	}
	weights := make([]float64, len(m.weeks))
	for p := range paths {
		clear(weights)
		for range m.weeks {
			weights[rnd.IntN(len(weights))] += 1 / float64(len(weights))
		}
		sum, next := 0.0, 0
		var rest []float64 // of a day
		for i, mean := range m.ahead {
			level := -mean
			for w, weight := range weights {
				if weight > 0 {
					level += weight * m.weeks[w][i]
				}
			}
			if len(rest) == 0 {
				rest = m.differ[rnd.IntN(len(m.differ))]
			}
			sum += mean + m.level*level + m.noise*rest[0]*m.shares[i]
			rest = rest[1:]
			if i == edges[next].hours-1 {
				ends[next][p] = max(0, sum)
				next++
			}
		}
	}
	return ends
}

// quantile of a sorted list, between its values.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}
