package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// units of the times that people write, beside Go's own.
var units = map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}

// parseSpan reads a length of time: 90s, 15m, 24h, 30d, 2w.
func parseSpan(text string) (time.Duration, bool) {
	if len(text) < 2 {
		return 0, false
	}
	unit, ok := units[text[len(text)-1]]
	n, err := strconv.ParseInt(text[:len(text)-1], 10, 32)
	if !ok || err != nil || n < 0 || n > int64(100*365*24*time.Hour/unit) {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

// parseMoment reads a point in time: now, today, yesterday, a day, a minute or an RFC 3339 time. Those without a zone
// are meant in now's.
func parseMoment(text string, now time.Time) (time.Time, bool) {
	year, month, day := now.Date()
	switch text {
	case "now":
		return now, true
	case "today":
		return time.Date(year, month, day, 0, 0, 0, 0, now.Location()), true
	case "yesterday":
		return time.Date(year, month, day-1, 0, 0, 0, 0, now.Location()), true
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly, "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04:05", time.DateTime} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// parsePast reads a moment, or how long ago it was. The empty text is the zero time.
func parsePast(flag, text string, now time.Time) (time.Time, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}, nil
	}
	if span, ok := parseSpan(text); ok {
		return now.Add(-span), nil
	}
	if t, ok := parseMoment(text, now); ok {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("--%s %q is no time: write how long ago (15m, 24h, 30d, 2w), today, yesterday, a day (2026-11-23) or a time (2026-11-23T08:00:00Z)", flag, text)
}

// parseFuture reads a moment, or in how long it will be. The empty text is the zero time.
func parseFuture(flag, text string, now time.Time) (time.Time, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}, nil
	}
	t, ok := parseMoment(text, now)
	if span, is := parseSpan(text); is {
		t, ok = now.Add(span), true
	}
	switch {
	case !ok:
		return time.Time{}, fmt.Errorf("--%s %q is no time: write in how long (12h, 30d, 52w), a day (2027-01-31) or a time (2027-01-31T08:00:00Z)", flag, text)
	case !t.After(now):
		return time.Time{}, fmt.Errorf("--%s %q is not in the future", flag, text)
	}
	return t, nil
}

// stamp writes a time as the API reads it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }
