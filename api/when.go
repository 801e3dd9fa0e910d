package api

import (
	"strconv"
	"strings"
	"time"
)

// stampLayout is how the API writes times: RFC 3339 in UTC with microseconds.
const stampLayout = "2006-01-02T15:04:05.000000Z"

// stamp is a time as the API writes it.
type stamp time.Time

// MarshalJSON writes the time in UTC with microseconds.
func (s stamp) MarshalJSON() ([]byte, error) {
	return []byte(`"` + stampText(time.Time(s)) + `"`), nil
}

func stampText(t time.Time) string { return t.UTC().Format(stampLayout) }

// stampOf is null for the zero time.
func stampOf(t time.Time) *stamp {
	if t.IsZero() {
		return nil
	}
	s := stamp(t)
	return &s
}

// ago has the units of how long ago something was.
var ago = map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}

// parseMoment reads RFC 3339, or a day, which means its first moment in zone.
func parseMoment(text string, zone *time.Location) (time.Time, bool) {
	// A + that was not escaped in an address arrives as a blank.
	if strings.Contains(text, "T") {
		text = strings.Replace(text, " ", "+", 1)
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t.UTC(), true
	}
	if t, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		return t.UTC(), true
	}
	return time.Time{}, false
}

// parseWhen reads a query's time: a moment, or how long before now it was (90s 15m 24h 30d 2w). Empty is the zero time.
func parseWhen(name, text string, now time.Time, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, ok := parseMoment(text, zone); ok {
		if t.Year() < 1970 { // above all the zero time, which would mean no bound at all
			return t, bad(name, "%s=%q is before 1970; leave it out for no bound", name, clip(text))
		}
		return t, nil
	}
	if unit, ok := ago[text[len(text)-1]]; ok {
		const most = 100 * 365 * 24 * time.Hour
		if n, err := strconv.ParseUint(text[:len(text)-1], 10, 32); err == nil && n <= uint64(most/unit) {
			return now.Add(-time.Duration(n) * unit).UTC(), nil
		}
	}
	return time.Time{}, bad(name, "%s=%q is no time: want RFC 3339 (2026-11-23T08:00:00Z), a day (2026-11-23), or how long ago (15m, 24h, 30d, 2w)", name, clip(text))
}
