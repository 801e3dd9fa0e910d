package report

import (
	"errors"
	"fmt"
	"time"

	"github.com/weir-dev/weir/price"
)

// Kind is how long the period of a report is.
type Kind string

// Calendar weeks begin on Monday and are numbered as ISO 8601 does, months on their first; both at midnight of the period's zone.
const (
	Week  Kind = "week"
	Month Kind = "month"
)

// Kinds are all of them.
var Kinds = []Kind{Week, Month}

// ErrPeriod is in the chain of an error that says what is wrong with the words for a period.
var ErrPeriod = errors.New("no period of a report")

// Period is a calendar week or month of a time zone: [Since, Until). The zero value is none.
type Period struct {
	Kind         Kind
	Since, Until time.Time // in the period's zone
}

// At is the period that holds a moment.
func At(kind Kind, at time.Time, zone *time.Location) Period {
	since, until := price.Window(kind).Span(at, zone)
	return Period{kind, since, until}
}

// Last is the last period that is over at a moment.
func Last(kind Kind, now time.Time, zone *time.Location) Period { return At(kind, now, zone).Before() }

// Before is the period that ends where this one begins.
func (p Period) Before() Period { return At(p.Kind, p.Since.Add(-time.Minute), p.Since.Location()) }

// After is the period that begins where this one ends.
func (p Period) After() Period { return At(p.Kind, p.Until, p.Since.Location()) }

// Name is the period as it is written and read: 2026-W47, 2026-10.
func (p Period) Name() string {
	if p.Kind == Month {
		return p.Since.Format("2006-01")
	}
	year, week := p.Since.ISOWeek()
	return fmt.Sprintf("%04d-W%02d", year, week)
}

// Title is the period as people say it: Week 47, 16 to 22 November 2026.
func (p Period) Title() string {
	if p.Kind == Month {
		return p.Since.Format("January 2006")
	}
	_, week := p.Since.ISOWeek()
	last := p.Until.AddDate(0, 0, -1)
	first := "2"
	switch {
	case p.Since.Year() != last.Year():
		first = "2 January 2006"
	case p.Since.Month() != last.Month():
		first = "2 January"
	}
	return fmt.Sprintf("Week %d, %s to %s", week, p.Since.Format(first), last.Format("2 January 2006"))
}

// Days are the days of the period as text, 2026-11-16, in order.
func (p Period) Days() []string {
	var out []string
	year, month, day := p.Since.Date()
	for i := 0; ; i++ {
		at := time.Date(year, month, day+i, 12, 0, 0, 0, time.UTC)
		text := at.Format(time.DateOnly)
		if text >= p.Until.Format(time.DateOnly) {
			return out
		}
		out = append(out, text)
	}
}

// Parse reads the words for a period: 2026-W47 of a week, 2026-10 of a month, a day of either as 2026-10-14, last for the last one that is
// over at now, which nothing means too, and this for the one that is not over. One that has not begun is refused.
func Parse(kind Kind, of string, now time.Time, zone *time.Location) (Period, error) {
	if kind != Week && kind != Month {
		return Period{}, fmt.Errorf("%w: %q is neither week nor month", ErrPeriod, clip(string(kind), 40))
	}
	var p Period
	switch of {
	case "", "last":
		return Last(kind, now, zone), nil
	case "this":
		return At(kind, now, zone), nil
	}
	day, err := time.Parse(time.DateOnly, of)
	if err != nil {
		day, err = parseName(kind, of)
	}
	if err != nil || day.Year() < 1970 {
		example := "2026-W47"
		if kind == Month {
			example = "2026-10"
		}
		return p, fmt.Errorf("%w: %q is no %s: want %s, a day of it as 2026-10-14, last or this", ErrPeriod, clip(of, 40), kind, example)
	}
	p = At(kind, time.Date(day.Year(), day.Month(), day.Day(), 12, 0, 0, 0, zone), zone)
	if p.Since.After(now) {
		return p, fmt.Errorf("%w: the %s %s has not begun", ErrPeriod, kind, p.Name())
	}
	return p, nil
}

// parseName gives a day of the week or month with a name.
func parseName(kind Kind, name string) (time.Time, error) {
	if kind == Month {
		return time.Parse("2006-01", name)
	}
	var year, week int
	if len(name) != len("2026-W47") {
		return time.Time{}, ErrPeriod
	}
	if _, err := fmt.Sscanf(name, "%4d-W%2d", &year, &week); err != nil {
		return time.Time{}, ErrPeriod
	}
	first := time.Date(year, time.January, 4, 0, 0, 0, 0, time.UTC) // is always in the first week
	day := first.AddDate(0, 0, 7*(week-1))
	if y, w := day.ISOWeek(); y != year || w != week {
		return time.Time{}, ErrPeriod
	}
	return day, nil
}
