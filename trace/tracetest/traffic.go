package tracetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

var _ trace.Traffic = (*Memory)(nil)

// Traffic implements trace.Traffic.
func (m *Memory) Traffic(_ context.Context, q trace.TrafficQuery, each func(*trace.TrafficCell) error) error {
	const day = 24 * time.Hour
	list, err := m.matching(trace.Filter{Since: q.Until.Add(-time.Duration(q.Days) * day), Until: q.Until, Project: q.Project})
	if err != nil {
		return err
	}
	cells := map[trace.TrafficCell]int64{}
	for i := range list {
		s := &list[i].Call
		if q.Minutes > 0 && (s.Start.Unix()/60+s.Start.Unix()/3600*7)%60 >= int64(q.Minutes) {
			continue
		}
		c := trace.TrafficCell{Day: int((q.Until.Unix() - 1 - s.Start.Unix()) / 86400), Project: s.Project, Prompt: s.Prompt, Model: s.Model}
		end := c
		end.Kind, end.Status = trace.TrafficEnds, s.Status
		if s.Status == trace.StatusOK {
			if len(s.FinishReasons) > 0 {
				end.Reason = s.FinishReasons[0]
			}
			if slices.Contains(s.FinishReasons, "content_filter") {
				end.Reason = "content_filter"
			}
			for kind, tokens := range map[trace.TrafficKind]int64{trace.TrafficInput: s.Usage.Input(), trace.TrafficOutput: s.Usage.Output()} {
				if tokens > 0 {
					c.Kind, c.Bin = kind, trace.LengthBin(tokens)
					cells[c]++
				}
			}
		}
		cells[end]++
	}
	for c, n := range cells {
		c.Calls = n
		if err := each(&c); err != nil {
			return err
		}
	}
	return nil
}

// TrafficStore is a store whose traffic is told.
type TrafficStore interface {
	trace.Writer
	trace.Traffic
}

// TestTraffic checks the contract of trace.Traffic on an empty store.
func TestTraffic(t *testing.T, s TrafficStore) {
	t.Helper()
	ctx := t.Context()
	until := t0.Truncate(time.Hour).Add(time.Hour)
	const day = 24 * time.Hour
	var records []trace.Record
	call := func(before time.Duration, change func(*trace.Span)) {
		t.Helper()
		records = append(records, at(until.Add(-before).Sub(t0), func(s *trace.Span) {
			s.Project, s.Prompt, s.Model, s.Status, s.FinishReasons, s.Usage = "p", "greet", "m", trace.StatusOK, []string{"stop"}, llm.Usage{InputUncached: 90, CacheRead: 10, OutputText: 1}
			change(s)
		}))
	}
	same := func(*trace.Span) {}
	call(time.Microsecond, same)
	call(day, same)
	call(day+time.Microsecond, same)
	call(2*day-time.Minute, func(s *trace.Span) { s.Usage = llm.Usage{Reasoning: 1 << 40} })
	call(time.Hour, func(s *trace.Span) { s.FinishReasons = []string{"stop", "content_filter"} })
	call(time.Hour, func(s *trace.Span) { s.FinishReasons, s.Usage = nil, llm.Usage{} })
	call(time.Hour, func(s *trace.Span) { s.Status, s.FinishReasons = trace.StatusError, nil })
	call(time.Hour, func(s *trace.Span) { s.Project, s.Prompt = "q", "" })
	call(-time.Microsecond, same)
	call(3*day+time.Microsecond, same)

	for minute := range 60 {
		call(10*day-time.Duration(minute)*time.Minute-time.Second, func(s *trace.Span) { s.Project = "every minute" })
	}
	check(t, s.Write(ctx, trace.Batch{Token: "traffic", Records: trace.Slice(records)}))

	read := func(q trace.TrafficQuery) map[trace.TrafficCell]int64 {
		t.Helper()
		out := map[trace.TrafficCell]int64{}
		check(t, s.Traffic(ctx, q, func(c *trace.TrafficCell) error {
			cell := *c
			cell.Calls = 0
			if out[cell] > 0 {
				t.Errorf("the cell %+v is told twice", cell)
			}
			out[cell] = c.Calls
			return nil
		}))
		return out
	}
	cell := func(day int, kind trace.TrafficKind, bin int, status trace.Status, reason string) trace.TrafficCell {
		return trace.TrafficCell{Day: day, Project: "p", Prompt: "greet", Model: "m", Kind: kind, Bin: bin, Status: status, Reason: reason}
	}
	of100, longest := trace.LengthBin(100), trace.LengthCount-1
	equal(t, "cells", read(trace.TrafficQuery{Until: until, Days: 3, Project: "p"}), map[trace.TrafficCell]int64{
		cell(0, trace.TrafficInput, of100, "", ""): 3, cell(0, trace.TrafficOutput, 1, "", ""): 3,
		cell(0, trace.TrafficEnds, 0, trace.StatusOK, "stop"): 2, cell(0, trace.TrafficEnds, 0, trace.StatusOK, "content_filter"): 1,
		cell(0, trace.TrafficEnds, 0, trace.StatusOK, ""): 1, cell(0, trace.TrafficEnds, 0, trace.StatusError, ""): 1,
		cell(1, trace.TrafficInput, of100, "", ""): 1, cell(1, trace.TrafficOutput, 1, "", ""): 1, cell(1, trace.TrafficOutput, longest, "", ""): 1,
		cell(1, trace.TrafficEnds, 0, trace.StatusOK, "stop"): 2,
	})
	if all := read(trace.TrafficQuery{Until: until, Days: 3}); len(all) != 13 {
		t.Errorf("%d cells of all projects, want 13", len(all))
	}

	some := trace.TrafficQuery{Until: until.Add(-9 * day), Days: 1, Project: "every minute", Minutes: 12}
	half := read(some)
	for c, n := range half {
		if n != 12 {
			t.Errorf("a sample of 12 minutes has %d calls of one each minute: %+v", n, c)
		}
	}
	if len(half) != 3 {
		t.Errorf("%d cells of a sample, want 3", len(half))
	}
	equal(t, "the sample asked for again", read(some), half)
	stop := fmt.Errorf("enough")
	if err := s.Traffic(ctx, some, func(*trace.TrafficCell) error { return stop }); err == nil {
		t.Error("the error of the one who reads is not given back")
	}
}
