package limit

import (
	"math/bits"
	"time"
)

const (
	minute = int64(time.Minute)
	// owed bounds in minutes what a rate may owe, so that a provider's absurd usage does not shut it for years.
	owed = 60
)

// rate is a generic cell rate algorithm: the one moment by which a bucket will be full again. It is exact: frac holds the
// part of a nanosecond, in parts of one limit-th. The zero value is a full bucket.
type rate struct {
	full int64 // nanoseconds
	frac int64 // less than the limit
}

// span is how long n units take at limit a minute.
func span(n, limit int64) rate {
	hi, lo := bits.Mul64(uint64(n), uint64(minute))
	q, r := bits.Div64(hi, lo, uint64(limit)) // n is bounded by limit and most: hi is below limit
	return rate{int64(q), int64(r)}
}

// from is the rate as it counts at now: never full before it.
func (r rate) from(now, limit int64) rate {
	if r.full < now {
		return rate{full: now}
	}
	if r.frac >= limit { // the limit was another
		return rate{full: r.full + 1}
	}
	return r
}

func (r rate) plus(d rate, limit int64) rate {
	r.full += d.full
	if r.frac += d.frac; r.frac >= limit {
		r.frac -= limit
		r.full++
	}
	return r
}

func (r rate) minus(d rate, limit int64) rate {
	r.full -= d.full
	if r.frac -= d.frac; r.frac < 0 {
		r.frac += limit
		r.full--
	}
	return r
}

func (r rate) over(d rate) bool { return r.full > d.full || r.full == d.full && r.frac > d.frac }

// ceil is the whole nanoseconds from now until r.
func (r rate) ceil(now int64) time.Duration {
	d := r.full - now
	if r.frac > 0 {
		d++
	}
	return time.Duration(max(d, 0))
}

// take gives the rate after n more units, and false when the bucket has not so many.
func (r rate) take(now int64, a *Ask) (rate, bool) {
	if a.N > a.Burst {
		return r, false
	}
	after := r.from(now, a.Limit).plus(span(a.N, a.Limit), a.Limit)
	empty := rate{full: now}.plus(span(a.Burst, a.Limit), a.Limit)
	if after.over(empty) {
		return r, false
	}
	return after, true
}

// state says how the bucket stands; wait is worked out for what does not fit.
func (r rate) state(now int64, a *Ask, fits bool) State {
	r = r.from(now, a.Limit)
	empty := rate{full: now}.plus(span(a.Burst, a.Limit), a.Limit)
	s := State{Fits: fits, Reset: r.ceil(now)}
	if empty.over(r) {
		left := empty.minus(r, a.Limit)
		hi, lo := bits.Mul64(uint64(left.full), uint64(a.Limit))
		lo, carry := bits.Add64(lo, uint64(left.frac), 0)
		n, _ := bits.Div64(hi+carry, lo, uint64(minute)) // at most the burst
		s.Remaining = int64(n)
	}
	if !fits && a.N <= a.Burst {
		s.Wait = r.plus(span(a.N, a.Limit), a.Limit).minus(span(a.Burst, a.Limit), a.Limit).ceil(now)
	}
	return s
}

// settle takes n more units whatever there is, or gives some back.
func (r rate) settle(now int64, a *Ask) rate {
	r = r.from(now, a.Limit)
	if a.N < 0 {
		return r.minus(span(min(-a.N, owed*a.Limit), a.Limit), a.Limit)
	}
	r = r.plus(span(min(a.N, owed*a.Limit), a.Limit), a.Limit)
	if last := now + owed*minute; r.full > last {
		return rate{full: last}
	}
	return r
}
