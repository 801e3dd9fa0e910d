// Package forecast says from the spend of past hours what will have been spent at the end of a window, with an interval.
package forecast

import (
	"math"
	"slices"
	"time"
)

// Method is how a forecast was made.
type Method string

// Seasonal: what each hour of the week cost in the weeks before. Linear: the mean of the hours there are, for want of two whole
// weeks. None: there is less than a day of history, or nothing to look ahead to.
const (
	Seasonal Method = "seasonal"
	Linear   Method = "linear"
	None     Method = "none"
)

const (
	hour = time.Hour
	day  = 24 * hour
	week = 7 * day

	// Weeks is how many whole weeks before now are looked at, at most.
	Weeks = 4

	seasonalFrom = 2  // whole weeks
	linearFrom   = 24 // hours
	bandFrom     = 3  // whole days, for an interval: of fewer it would hold less than it says
	paths        = 1000
)

// Level is the share of outcomes that the interval is made to hold.
const Level = 0.8

// Input is what is known. Amounts are in any unit.
type Input struct {
	// Hours has what was spent in each hour that ended by Now, by the hour's beginning in UTC. Hours that are missing cost nothing,
	// from the first that is there on.
	Hours map[time.Time]float64
	Spent float64        // in the window until Now
	Now   time.Time      // from here on it is a forecast
	End   time.Time      // of the window
	Zone  *time.Location // whose hours of the week count; nil: UTC
	Limit float64        // 0: none
}

// Forecast is an expectation of a window's end.
type Forecast struct {
	Method    Method
	Expected  float64   // what will have been spent at End
	Low, High float64   // with Band
	Band      bool      // there is an interval
	History   int       // hours looked at
	Course    []Step    // from Now to End, at most a step a day, or an hour when End is within two days
	Reaches   time.Time // when Limit will be reached as expected; zero: not in the window
	Over      float64   // the share of outcomes in which Limit is passed at End; with Band
}

// Step is a moment of the course, with what will have been spent by then.
type Step struct {
	At                  time.Time
	Expected, Low, High float64
}

// Make forecasts. It is a pure function: the same input gives the same answer.
//
// Seasonal expects of each hour to come the mean of the same hour of the week over the last two to four whole weeks. The
// interval comes from a thousand courses: each draws which weeks its means are made of, with replacement, and adds to each day
// how a past day, drawn at random, differed from those means. So it holds what the means may be wrong by, and what days differ by
// together. Linear does the same with one mean for all hours.
func Make(in Input) Forecast {
	if in.Zone == nil {
		in.Zone = time.UTC
	}
	out := Forecast{Method: None, Expected: in.Spent}
	past := history(in.Hours, in.Now)
	out.History = len(past)
	if len(past) < linearFrom || !in.End.After(in.Now) {
		return out
	}
	var m model
	if weeks := min(len(past)/int(week/hour), Weeks); weeks >= seasonalFrom {
		out.Method = Seasonal
		past = past[len(past)-weeks*int(week/hour):]
		m = seasonal(past, weeks, in)
	} else {
		out.Method = Linear
		m = linear(past, in)
	}
	out.History = len(past)
	m.course(&out, in)
	return out
}

// history is the hours before now without a gap, oldest first, from the first one known on; not more than Weeks.
func history(hours map[time.Time]float64, now time.Time) []float64 {
	end := now.UTC().Truncate(hour)
	first := end
	for at := range hours {
		if at.Before(first) {
			first = at.UTC().Truncate(hour)
		}
	}
	if from := end.Add(-Weeks * week); first.Before(from) {
		first = from
	}
	var out []float64
	for at := first; at.Before(end); at = at.Add(hour) {
		out = append(out, max(0, hours[at]))
	}
	return out
}

// model is what is expected of the hours to come.
type model struct {
	ahead  []float64   // expected of each hour from Now to End; the first and the last may be parts of one
	shares []float64   // of an hour
	weeks  [][]float64 // what each past week, or day, makes of ahead
	differ [][]float64 // how past days differed from their mean
	level  float64     // how much wider the mean may be off than its parts show, and
	noise  float64     // days than the past ones: the means were made of the same hours, and there are few of them
}

// ahead lists the hours from now to the end with their shares.
func ahead(in Input) (at []time.Time, shares []float64) {
	for t := in.Now.UTC(); t.Before(in.End); {
		next := t.Truncate(hour).Add(hour)
		if next.After(in.End) {
			next = in.End
		}
		at, shares = append(at, t), append(shares, float64(next.Sub(t))/float64(hour))
		t = next
	}
	return at, shares
}

// slot is the hour of the week in the zone.
func slot(t time.Time, zone *time.Location) int {
	l := t.In(zone)
	return int(l.Weekday())*24 + l.Hour()
}

func seasonal(past []float64, weeks int, in Input) model {
	begin := in.Now.UTC().Truncate(hour).Add(-time.Duration(len(past)) * hour)
	slots := make([]int, len(past))
	sums, counts := make([][168]float64, weeks), make([][168]float64, weeks)
	for i, y := range past {
		slots[i] = slot(begin.Add(time.Duration(i)*hour), in.Zone)
		w := i / 168
		sums[w][slots[i]] += y
		counts[w][slots[i]]++
	}
	var mean [168]float64
	for s := range 168 {
		n := 0.0
		for w := range weeks {
			mean[s] += sums[w][s]
			n += counts[w][s]
		}
		if n > 0 {
			mean[s] /= n
		}
	}
	m := model{level: small(weeks), noise: math.Sqrt(float64(weeks) / float64(weeks-1))}
	at, shares := ahead(in)
	m.shares = shares
	for i, t := range at {
		m.ahead = append(m.ahead, mean[slot(t, in.Zone)]*shares[i])
	}
	for w := range weeks {
		one := make([]float64, len(at))
		for i, t := range at {
			s := slot(t, in.Zone)
			one[i] = mean[s] * shares[i]
			if counts[w][s] > 0 { // a change of the clocks leaves one out
				one[i] = sums[w][s] / counts[w][s] * shares[i]
			}
		}
		m.weeks = append(m.weeks, one)
	}
	rest := make([]float64, len(past))
	for i, y := range past {
		rest[i] = y - mean[slots[i]]
	}
	m.differ = days(rest)
	return m
}

func linear(past []float64, in Input) model {
	mean := 0.0
	for _, y := range past {
		mean += y / float64(len(past))
	}
	at, shares := ahead(in)
	m := model{shares: shares, level: 1, noise: 1}
	for i := range at {
		m.ahead = append(m.ahead, mean*shares[i])
	}
	rest := make([]float64, len(past))
	for i, y := range past {
		rest[i] = y - mean
	}
	m.differ = days(rest)
	for _, b := range m.differ {
		sum := 0.0
		for _, d := range b {
			sum += d
		}
		one := make([]float64, len(at))
		for i := range at {
			one[i] = (mean + sum/float64(len(b))) * shares[i]
		}
		m.weeks = append(m.weeks, one)
	}
	if n := len(m.differ); n > 1 {
		m.level, m.noise = small(n), small(n)
	}
	return m
}

// student are the 90 % points of Student's distribution over that of the normal one, from one degree of freedom on.
var student = []float64{2.40, 1.47, 1.28, 1.20, 1.15, 1.12, 1.10, 1.09, 1.08, 1.07}

// small is by how much the spread of n values that were drawn from themselves is too small.
func small(n int) float64 {
	wide := 1.0
	if n-2 < len(student) {
		wide = student[n-2]
	}
	return wide * math.Sqrt(float64(n)/float64(n-1))
}

// days cuts a list of hours into days, back from its end. What is left over is part of none.
func days(list []float64) [][]float64 {
	return slices.Collect(slices.Chunk(list[len(list)%24:], 24))
}
