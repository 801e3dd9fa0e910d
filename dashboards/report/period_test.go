package report

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestPeriods(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	for _, c := range []struct {
		kind               Kind
		at                 string
		name, title        string
		hours              float64
		before, after      string
		firstDay, lastDay  string
		countOfDays        int
		beginsAt, theEndAt string
	}{
		{Week, "2026-11-18", "2026-W47", "Week 47, 16 to 22 November 2026", 168, "2026-W46", "2026-W48", "2026-11-16", "2026-11-22", 7, "2026-11-15T23:00:00Z", "2026-11-22T23:00:00Z"},
		{Week, "2026-10-25", "2026-W43", "Week 43, 19 to 25 October 2026", 169, "2026-W42", "2026-W44", "2026-10-19", "2026-10-25", 7, "2026-10-18T22:00:00Z", "2026-10-25T23:00:00Z"}, // summer time ends
		{Month, "2026-03-31", "2026-03", "March 2026", 31*24 - 1, "2026-02", "2026-04", "2026-03-01", "2026-03-31", 31, "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"},
		{Week, "2027-01-02", "2026-W53", "Week 53, 28 December 2026 to 3 January 2027", 168, "2026-W52", "2027-W01", "2026-12-28", "2027-01-03", 7, "2026-12-27T23:00:00Z", "2027-01-03T23:00:00Z"},
		{Month, "2028-02-29", "2028-02", "February 2028", 29 * 24, "2028-01", "2028-03", "2028-02-01", "2028-02-29", 29, "2028-01-31T23:00:00Z", "2028-02-29T23:00:00Z"},
	} {
		day, err := time.ParseInLocation(time.DateOnly, c.at, berlin)
		if err != nil {
			t.Fatal(err)
		}
		p := At(c.kind, day.Add(23*time.Hour+59*time.Minute), berlin)
		days := p.Days()
		got := []any{p.Name(), p.Title(), p.Until.Sub(p.Since).Hours(), p.Before().Name(), p.After().Name(), days[0], days[len(days)-1], len(days), p.Since.UTC().Format(time.RFC3339), p.Until.UTC().Format(time.RFC3339)}
		want := []any{c.name, c.title, c.hours, c.before, c.after, c.firstDay, c.lastDay, c.countOfDays, c.beginsAt, c.theEndAt}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.at, diff)
		}
		for _, words := range []string{c.name, c.at} {
			again, err := Parse(c.kind, words, day.AddDate(1, 0, 0), berlin)
			if err != nil || again != p {
				t.Errorf("Parse(%q) = %+v, %v, want %+v", words, again, err, p)
			}
		}
		if !p.Before().Until.Equal(p.Since) || !p.After().Since.Equal(p.Until) {
			t.Errorf("%s does not join its neighbours", p.Name())
		}
	}
}

func TestWordsThatAreNoPeriod(t *testing.T) {
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		kind Kind
		of   string
	}{{Week, "2026-W54"}, {Week, "2026-W00"}, {Week, "2025-W53"}, {Week, "2026-11"}, {Week, "2026-W4"}, {Week, "2026-W047"}, {Month, "2026-13"}, {Month, "2026-W47"}, {Month, "1969-12"}, {Month, "yesterday"}, {Month, "2026-12"}, {Week, "2026-11-30"}, {"day", "2026-11-20"}} {
		if p, err := Parse(c.kind, c.of, now, time.UTC); !errors.Is(err, ErrPeriod) {
			t.Errorf("%s %q is %+v, %v", c.kind, c.of, p, err)
		}
	}
	for of, want := range map[string]string{"": "2026-W47", "last": "2026-W47", "this": "2026-W48"} {
		if p, err := Parse(Week, of, now, time.UTC); err != nil || p.Name() != want {
			t.Errorf("%q is %s, %v, want %s", of, p.Name(), err, want)
		}
	}
}
