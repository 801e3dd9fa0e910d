package price

import (
	"fmt"
	"strings"
	"time"
)

// Days says on which days of the week, in UTC, a Peak holds.
type Days string

// Days of a Peak. Public holidays are not known here: on one that the provider exempts, the peak price is quoted.
const (
	EveryDay Days = "daily"
	Weekdays Days = "mon-fri"
)

// Hours are spans of a day in UTC, each from its first minute to before its last.
type Hours []span

type span struct{ from, until int } // minutes after midnight

// ParseHours reads "01:00-04:00 06:00-10:00".
func ParseHours(s string) (Hours, error) {
	var out Hours
	for part := range strings.FieldsSeq(s) {
		a, b, ok := strings.Cut(part, "-")
		from, errFrom := minutes(a)
		until, errUntil := minutes(b)
		if !ok || errFrom != nil || errUntil != nil || from >= until {
			return nil, fmt.Errorf("hours %q: want spans within one UTC day such as 01:00-04:00, separated by spaces", part)
		}
		out = append(out, span{from, until})
	}
	if out == nil {
		return nil, fmt.Errorf("hours %q: want at least one span such as 01:00-04:00", s)
	}
	return out, nil
}

// minutes reads 24:00 as the end of the day.
func minutes(s string) (int, error) {
	if s == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0, err
	}
	return t.Hour()*60 + t.Minute(), nil
}

// String writes what ParseHours reads.
func (h Hours) String() string {
	parts := make([]string, len(h))
	for i, s := range h {
		parts[i] = fmt.Sprintf("%02d:%02d-%02d:%02d", s.from/60, s.from%60, s.until/60, s.until%60)
	}
	return strings.Join(parts, " ")
}

// MarshalText writes what ParseHours reads.
func (h Hours) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText is ParseHours.
func (h *Hours) UnmarshalText(b []byte) error {
	v, err := ParseHours(string(b))
	if err != nil {
		return err
	}
	*h = v
	return nil
}

// UnmarshalText refuses days that are not known.
func (d *Days) UnmarshalText(b []byte) error {
	switch v := Days(b); v {
	case EveryDay, Weekdays:
		*d = v
		return nil
	default:
		return fmt.Errorf("days %q: want %s or %s", v, EveryDay, Weekdays)
	}
}

// holds says whether p is in force at a moment.
func (p *Peak) holds(at time.Time) bool {
	at = at.UTC()
	if at.Before(p.From) || !p.Until.IsZero() && !at.Before(p.Until) {
		return false
	}
	if day := at.Weekday(); p.Days == Weekdays && (day == time.Saturday || day == time.Sunday) {
		return false
	}
	minute := at.Hour()*60 + at.Minute()
	for _, s := range p.Hours {
		if s.from <= minute && minute < s.until {
			return true
		}
	}
	return false
}
