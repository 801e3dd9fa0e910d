package clickhouse

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

func TestPlan(t *testing.T) {
	t.Parallel()
	at := func(s string) time.Time {
		if s == "" {
			return time.Time{}
		}
		v, err := time.Parse("2006-01-02 15:04:05", s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	few, many, raw := []dimension{"model", "key"}, []dimension{"user", "model"}, []dimension{"tag"}
	for _, test := range []struct {
		name         string
		since, until string
		dims         []dimension
		grain        time.Duration
		want         string
	}{
		{"everything", "", "", few, day, "usage_1d"},
		{"whole days", "2026-03-01 00:00:00", "2026-03-03 00:00:00", few, day, "usage_1d 01T00:00:00-03T00:00:00"},
		{"open end", "2026-03-01 05:00:00", "", few, day, "usage_1h 01T05:00:00-02T00:00:00, usage_1d 02T00:00:00-"},
		{
			"odd edges", "2026-03-01 22:58:30", "2026-03-04 01:02:03", few, day,
			"calls 01T22:58:30-01T22:59:00, usage_1m 01T22:59:00-01T23:00:00, usage_1h 01T23:00:00-02T00:00:00, " +
				"usage_1d 02T00:00:00-04T00:00:00, usage_1h 04T00:00:00-04T01:00:00, usage_1m 04T01:00:00-04T01:02:00, calls 04T01:02:00-04T01:02:03",
		},
		{
			"odd edges, users", "2026-03-01 22:58:30", "2026-03-04 01:02:03", many, day,
			"calls 01T22:58:30-01T23:00:00, usage_user_1h 01T23:00:00-02T00:00:00, usage_user_1d 02T00:00:00-04T00:00:00, " +
				"usage_user_1h 04T00:00:00-04T01:00:00, calls 04T01:00:00-04T01:02:03",
		},
		{"users and a dimension that their days leave out", "2026-03-01 00:00:00", "2026-03-03 00:00:00", []dimension{"user", "status"}, day, "usage_user_1h 01T00:00:00-03T00:00:00"},
		{"hours", "2026-03-01 22:00:00", "2026-03-03 00:00:00", few, time.Hour, "usage_1h 01T22:00:00-03T00:00:00"},
		{"minutes", "2026-03-01 22:00:00", "2026-03-03 00:00:00", few, time.Minute, "usage_1m 01T22:00:00-03T00:00:00"},
		{"minutes of users", "2026-03-01 22:00:00", "2026-03-03 00:00:00", many, time.Minute, "calls 01T22:00:00-03T00:00:00"},
		{"tags", "2026-03-01 22:00:00", "", raw, day, "calls 01T22:00:00-"},
		{"within a minute", "2026-03-01 22:00:01", "2026-03-01 22:00:02", few, day, "calls 01T22:00:01-01T22:00:02"},
		{"within an hour", "2026-03-01 22:00:01", "2026-03-01 22:02:00", few, day, "calls 01T22:00:01-01T22:01:00, usage_1m 01T22:01:00-01T22:02:00"},
		{"nothing", "2026-03-01 22:00:01", "2026-03-01 22:00:01", few, day, ""},
		{"backwards", "2026-03-02 00:00:00", "2026-03-01 00:00:00", few, day, ""},
	} {
		var got []string
		for _, p := range plan(at(test.since), at(test.until), test.dims, test.grain) {
			s := p.table
			if !p.since.IsZero() || !p.until.IsZero() {
				s += " "
				if !p.since.IsZero() {
					s += p.since.Format("02T15:04:05")
				}
				s += "-"
				if !p.until.IsZero() {
					s += p.until.Format("02T15:04:05")
				}
			}
			got = append(got, s)
		}
		if s := strings.Join(got, ", "); s != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, s, test.want)
		}
	}
}

func TestWholeHours(t *testing.T) {
	t.Parallel()
	winter, summer := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	for zone, want := range map[string]bool{
		"UTC": true, "Europe/Berlin": true, "America/New_York": true, "Asia/Kolkata": false, "Asia/Kathmandu": false, "Australia/Lord_Howe": false,
	} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := wholeHours(loc, winter, summer); got != want {
			t.Errorf("wholeHours(%s) = %v, want %v", zone, got, want)
		}
	}
	lordHowe, err := time.LoadLocation("Australia/Lord_Howe") // +11:00 in its summer, +10:30 in its winter
	if err != nil {
		t.Fatal(err)
	}
	if !wholeHours(lordHowe, winter, winter.Add(10*day)) {
		t.Error("Lord Howe Island's summer is a whole number of hours from UTC")
	}
}

// TestQuestionsFromCallsAreBounded asks questions that no rollup answers over more days than calls are read for.
func TestQuestionsFromCallsAreBounded(t *testing.T) {
	t.Parallel()
	db := openTest(t, testConfig(t))
	now := time.Now().UTC().Truncate(time.Microsecond)
	var records []trace.Record
	for i, age := range []time.Duration{0, 50 * day, 200 * day} {
		records = append(records, trace.Record{Call: trace.Span{ID: fmt.Sprint(i), Kind: trace.KindCall, Start: now.Add(-age), Session: "s", User: "u"}})
	}
	if err := db.Write(t.Context(), trace.Batch{Token: "x", Records: trace.Slice(records)}); err != nil {
		t.Fatal(err)
	}
	kolkata, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	for name, q := range map[string]trace.CostQuery{
		"tag":     {By: []string{"tag.team"}},
		"session": {Filter: trace.Filter{Session: "s"}},
		"text":    {Filter: trace.Filter{Text: "word"}},
		"zone":    {By: []string{"user", "day"}, Timezone: kolkata},
	} {
		_, err := db.Costs(t.Context(), q)
		if fault, ok := errors.AsType[*llm.Fault](err); !ok || fault.Code != llm.InvalidRequest || fault.Param != "since" {
			t.Errorf("%s without a since: %v, want weir_invalid_request", name, err)
		}
		q.Filter.Since = now.Add(-91 * day)
		if _, err := db.Costs(t.Context(), q); err != nil {
			t.Errorf("%s over 91 days: %v", name, err)
		}
	}
	_, err = db.SortedCalls(t.Context(), trace.Filter{}, trace.CallsByCost, 10, "")
	if fault, ok := errors.AsType[*llm.Fault](err); !ok || fault.Param != "since" {
		t.Errorf("calls by cost without a since: %v, want weir_invalid_request", err)
	}
	if page, err := db.SortedCalls(t.Context(), trace.Filter{Since: now.Add(-91 * day)}, trace.CallsByCost, 10, ""); err != nil || len(page.Calls) != 2 {
		t.Errorf("calls by cost over 91 days: %d, %v, want 2", len(page.Calls), err)
	}
	got, err := db.Costs(t.Context(), trace.CostQuery{By: []string{"user"}})
	if err != nil || got.Total.Calls != 3 {
		t.Errorf("costs by user over 200 days: %d calls, %v, want 3", got.Total.Calls, err)
	}
	for name, q := range map[string]trace.CostQuery{
		"timezone": {Timezone: time.FixedZone("nowhere", 60)},
		"by":       {By: []string{"model", "model"}},
		"two":      {By: []string{"day", "hour"}},
	} {
		_, err := db.Costs(t.Context(), q)
		if fault, ok := errors.AsType[*llm.Fault](err); !ok || fault.Code != llm.InvalidRequest {
			t.Errorf("bad %s: %v, want weir_invalid_request", name, err)
		}
	}
}
