package clickhouse

import (
	"slices"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

// source is a table that sums can be read from. unit is how long the time is that one of its rows sums up; 0 is calls
// itself, which knows all dimensions.
type source struct {
	table string
	unit  time.Duration
	dims  []dimension
}

// The sources for questions without users and with them, coarsest first.
var (
	sources = []source{
		{"usage_1d", day, usageDimensions},
		{"usage_1h", time.Hour, usageDimensions},
		{"usage_1m", time.Minute, usageDimensions},
		{"calls", 0, nil},
	}
	userSources = []source{
		{"usage_user_1d", day, userDayDimensions},
		{"usage_user_1h", time.Hour, append([]dimension{"user"}, usageDimensions...)},
		{"calls", 0, nil},
	}
)

// part is a source read over [since, until); zero times are open ends.
type part struct {
	source
	since, until time.Time
}

// rawDays bounds questions that only calls can answer.
const rawDays = 92

// plan covers [since, until) by the coarsest sources that know the dimensions and whose rows are no longer than grain
// and begin where its multiples do (a grain of 0 means that only calls will do). Edges that are not whole units of a
// source are read from finer ones, so that the sum is exact whatever the times.
func plan(since, until time.Time, dims []dimension, grain time.Duration) []part {
	known := sources
	if slices.Contains(dims, "user") {
		known = userSources
	}
	var usable []source
	for _, s := range known {
		if s.unit == 0 || s.unit <= grain && subset(dims, s.dims) {
			usable = append(usable, s)
		}
	}
	return cover(usable, since, until)
}

func cover(from []source, since, until time.Time) []part {
	if !since.IsZero() && !until.IsZero() && !since.Before(until) {
		return nil
	}
	s := from[0]
	if s.unit == 0 {
		return []part{{s, since, until}}
	}
	lo, hi := since, until
	if !lo.IsZero() {
		lo = ceil(lo, s.unit)
	}
	if !hi.IsZero() {
		hi = floor(hi, s.unit)
	}
	if !lo.IsZero() && !hi.IsZero() && !lo.Before(hi) {
		return cover(from[1:], since, until)
	}
	var parts []part
	if !lo.Equal(since) {
		parts = cover(from[1:], since, lo)
	}
	parts = append(parts, part{s, lo, hi})
	if !hi.Equal(until) {
		parts = append(parts, cover(from[1:], hi, until)...)
	}
	return parts
}

func subset(dims, of []dimension) bool {
	for _, d := range dims {
		if !slices.Contains(of, d) {
			return false
		}
	}
	return true
}

// wholeHours says whether zone is a whole number of hours from UTC all the time from since to until, so that its days
// are made of whole hours.
func wholeHours(zone *time.Location, since, until time.Time) bool {
	if since.IsZero() || since.Year() < 2000 {
		since = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if until.IsZero() {
		until = time.Now().Add(day)
	}
	for t := since; ; t = t.Add(day) {
		if t.After(until) {
			t = until
		}
		if _, offset := t.In(zone).Zone(); offset%3600 != 0 {
			return false
		}
		if !t.Before(until) {
			return true
		}
	}
}

// refuseWide refuses parts that read nothing but calls over more than rawDays of the time that there are calls of.
func refuseWide(parts []part, oldest, newest time.Time, what string) error {
	since, until := parts[0].since, parts[len(parts)-1].until
	if since.Before(oldest) {
		since = oldest
	}
	if until.IsZero() || until.After(newest) {
		until = newest
	}
	if until.Sub(since) <= rawDays*day {
		return nil
	}
	f := llm.Faultf(llm.InvalidRequest, "%s is answered from the calls themselves, for at most %d days at a time: give a since and an until that are nearer", what, rawDays)
	f.Param = "since"
	return f
}

// mainlyCalls says whether parts read nothing but calls.
func mainlyCalls(parts []part) bool {
	return !slices.ContainsFunc(parts, func(p part) bool { return p.unit != 0 })
}

// searchedPlan is plan for a filter; a text is looked for in calls only.
func searchedPlan(f *trace.Filter, dims []dimension, grain time.Duration) []part {
	if f.Text != "" {
		grain = 0
	}
	return plan(f.Since, f.Until, dims, grain)
}
