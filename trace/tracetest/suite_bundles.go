package tracetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

type lister func(context.Context, trace.Filter, int, string) (trace.BundlePage, error)

// readAll reads a list in pages of a size.
func (c contract) readAll(list lister, f trace.Filter, size int) []trace.Bundle {
	c.t.Helper()
	var all []trace.Bundle
	for cursor, pages := "", 0; ; pages++ {
		page, err := list(c.t.Context(), f, size, cursor)
		check(c.t, err)
		if len(page.Bundles) > size || pages > 100 {
			c.t.Fatalf("page %d has %d bundles", pages, len(page.Bundles))
		}
		all = append(all, page.Bundles...)
		if cursor = page.Next; cursor == "" {
			return all
		}
	}
}

func bundleNames(list []trace.Bundle) []string {
	var out []string
	for i := range list {
		out = append(out, list[i].First.Project+"/"+list[i].ID)
	}
	return out
}

func (c contract) bundles() {
	t, s := c.t, c.store
	of := func(traceID, project, session string) func(*trace.Span) {
		return func(s *trace.Span) { s.TraceID, s.Project, s.Session = traceID, project, session }
	}
	failed := func(s *trace.Span) { s.Status, s.ErrorCode, s.HTTPStatus = trace.StatusError, "server_error", 500 }
	question := func(r trace.Record) trace.Record { return body(r, "Where is it?", "There.") }
	three := whole()
	three.Call.TraceID, three.Call.Project, three.Call.Session, three.Call.Start = "c", "shop", "s2", t0.Add(5*time.Minute)
	for i := range three.Attempts {
		three.Attempts[i].TraceID, three.Attempts[i].ID = "c", llm.NewID(t0)
		three.Attempts[i].Start = three.Call.Start.Add(time.Duration(i+1) * time.Millisecond)
	}
	chain := trace.Record{
		Call: trace.Span{
			ID: llm.NewID(t0), TraceID: "d", SpanID: llm.NewSpanID(), Kind: trace.KindChain, Start: t0.Add(20 * time.Minute), Duration: 2 * time.Second,
			Project: "docs", Endpoint: "rag handbook", Status: trace.StatusOK, PriceStatus: price.Exact, UsageSource: llm.NoUsage, Cache: trace.CacheOff,
		},
		Attempts: []trace.Span{{
			ID: llm.NewID(t0), TraceID: "d", SpanID: llm.NewSpanID(), Kind: trace.KindRetrieval, Start: t0.Add(20 * time.Minute), Duration: time.Second,
			Project: "docs", Endpoint: "retrieval", Status: trace.StatusOK, PriceStatus: price.Exact, UsageSource: llm.NoUsage, Cache: trace.CacheOff,
		}},
	}
	write(t, s, "b1",
		question(at(0, of("a", "shop", "s1"))),
		at(time.Minute, of("b", "shop", ""), failed),
		at(2*time.Minute, of("a", "shop", "s1"), failed, func(s *trace.Span) {
			s.User, s.Model, s.PriceStatus, s.Cost = "bob", "unheard-of", price.Unpriced, 0
		}),
		at(3*time.Minute, of("b", "shop", "s1")), // the session goes on in another trace
		at(4*time.Minute, of("e", "zoo", "s1")),  // another project's session of the same name
		three, chain,
		at(40*24*time.Hour, of("f", "shop", "s3")),
		at(-40*24*time.Hour, of("g", "shop", "s4")),
	)
	for _, size := range []int{1, 2, 3, 1000} {
		equal(t, fmt.Sprintf("traces in pages of %d", size), bundleNames(c.readAll(s.Traces, trace.Filter{}, size)),
			[]string{"shop/f", "docs/d", "shop/c", "zoo/e", "shop/b", "shop/a", "shop/g"})
		equal(t, fmt.Sprintf("sessions in pages of %d", size), bundleNames(c.readAll(s.Sessions, trace.Filter{}, size)),
			[]string{"shop/s3", "shop/s2", "zoo/s1", "shop/s1", "shop/s4"})
		equal(t, fmt.Sprintf("traces of errors in pages of %d", size), bundleNames(c.readAll(s.Traces, trace.Filter{Status: "error"}, size)), []string{"shop/c", "shop/a", "shop/b"})
		equal(t, fmt.Sprintf("sessions of a project in a time, in pages of %d", size),
			bundleNames(c.readAll(s.Sessions, trace.Filter{Project: "shop", Since: t0, Until: t0.Add(4 * time.Minute)}, size)), []string{"shop/s1"})
		equal(t, fmt.Sprintf("traces that speak of a word, in pages of %d", size), bundleNames(c.readAll(s.Traces, trace.Filter{Text: "BESTELLUNG", Since: t0}, size)), []string{"shop/c"})
	}

	page, err := s.Traces(t.Context(), trace.Filter{TraceID: "a"}, 5, "")
	check(t, err)
	a := page.Bundles[0]
	equal(t, "the figures of a trace", []any{a.Spans, a.Calls, a.Errors, a.Unpriced, a.Cost, a.Usage, a.Models, a.Users, a.First.InputPreview, a.First.Start, a.Last, a.End}, []any{
		int64(2), int64(2), int64(1), int64(1), price.USD(13_500),
		llm.Usage{InputUncached: 20, OutputText: 40},
		[]string{"gpt-4o-mini", "unheard-of"},
		[]string{"ann", "bob"},
		"Where is it?", t0, t0.Add(2 * time.Minute), t0.Add(2*time.Minute + 800*time.Millisecond),
	})
	page, err = s.Traces(t.Context(), trace.Filter{TraceID: "c"}, 5, "")
	check(t, err)
	if b := page.Bundles[0]; b.Spans != 3 || b.Calls != 1 || b.Cost != three.Call.Cost || b.First.ID != three.Call.ID {
		t.Errorf("a trace of a call with two attempts: %d spans, %d calls, %v, first %s", b.Spans, b.Calls, b.Cost, b.First.ID)
	}
	page, err = s.Traces(t.Context(), trace.Filter{TraceID: "d"}, 5, "")
	check(t, err)
	if b := page.Bundles[0]; b.Spans != 2 || b.Calls != 0 || b.First.Kind != trace.KindChain || b.First.Endpoint != "rag handbook" {
		t.Errorf("a trace of a pipeline: %d spans, %d calls, first a %s %s", b.Spans, b.Calls, b.First.Kind, b.First.Endpoint)
	}
	page, err = s.Sessions(t.Context(), trace.Filter{Session: "s1", Project: "shop", Until: t0.Add(time.Minute)}, 5, "")
	check(t, err)
	if b := page.Bundles[0]; b.Calls != 3 || b.Errors != 1 || b.Cost != 27_000 {
		t.Errorf("a session is summed up whole, whatever picked it: %d calls, %d errors, %v", b.Calls, b.Errors, b.Cost)
	}

	page, err = s.Traces(t.Context(), trace.Filter{}, 2, "")
	check(t, err)
	for name, ask := range map[string]func() error{
		"nonsense":       func() error { _, err := s.Traces(t.Context(), trace.Filter{}, 2, "nonsense"); return err },
		"another list's": func() error { _, err := s.Sessions(t.Context(), trace.Filter{}, 2, page.Next); return err },
		"another filter's": func() error {
			_, err := s.Traces(t.Context(), trace.Filter{Project: "shop"}, 2, page.Next)
			return err
		},
	} {
		if err := ask(); !errors.Is(err, trace.ErrBadCursor) {
			t.Errorf("a cursor that is %s: %v, want ErrBadCursor", name, err)
		}
	}
}

func (c contract) users() {
	t, s := c.t, c.store
	of := func(user, session string, cost price.USD) func(*trace.Span) {
		return func(s *trace.Span) { s.User, s.Session, s.Cost = user, session, cost }
	}
	failed := func(s *trace.Span) { s.Status = trace.StatusError }
	write(t, s, "u1",
		at(0, of("ann", "s1", 5_000)), at(90*time.Minute, of("ann", "s2", 7_000)),
		at(time.Minute, of("bob", "", 9_000), failed), at(2*time.Minute, of("bob", "", 1_000), failed), at(3*time.Minute, of("bob", "", 0)),
		at(4*time.Minute, of("cleo", "s1", 12_000), func(s *trace.Span) { s.Usage.OutputText = 5000 }),
		at(5*time.Minute, of("", "", 50_000)),
		at(-60*24*time.Hour, of("dora", "s9", 1_000)),
	)
	f := trace.Filter{Since: t0.Add(-24 * time.Hour), Until: t0.Add(48 * time.Hour)}
	for order, want := range map[trace.UserOrder][]string{
		trace.ByCost: {"ann", "cleo", "bob"}, trace.ByCalls: {"bob", "ann", "cleo"}, trace.ByTokens: {"cleo", "bob", "ann"}, trace.ByErrors: {"bob", "ann", "cleo"},
	} {
		for _, size := range []int{2, 1000} {
			var got []string
			q := trace.UserQuery{Filter: f, Order: order, Limit: size}
			for range 10 {
				page, err := s.Users(t.Context(), q)
				check(t, err)
				for i := range page.Users {
					got = append(got, page.Users[i].Name)
				}
				if q.Cursor = page.Next; q.Cursor == "" {
					break
				}
			}
			equal(t, fmt.Sprintf("users by %s in pages of %d", order, size), got, want)
		}
	}
	page, err := s.Users(t.Context(), trace.UserQuery{Filter: f, Order: trace.ByCost, Limit: 2})
	check(t, err)
	ann := page.Users[0]
	equal(t, "figures of a user", []any{ann.Calls, ann.Cost, ann.Errors, ann.LastSeen, ann.Sessions, page.Count, page.Total.Cost, page.Total.Calls, page.Step, page.Since},
		[]any{int64(2), price.USD(12_000), int64(0), t0.Add(90 * time.Minute), int64(2), int64(3), price.USD(84_000), int64(7), time.Hour, f.Since.Truncate(time.Hour)})
	var spent []string
	for i, v := range ann.Trend {
		if v != 0 {
			spent = append(spent, fmt.Sprintf("%d: %v", i, v))
		}
	}
	equal(t, "the trend of a user", spent, []string{"24: " + price.USD(5_000).String(), "26: " + price.USD(7_000).String()})
	if len(ann.Trend) != 73 { // hours that begin at half past
		t.Errorf("the trend has %d steps, want 73", len(ann.Trend))
	}
	f.User = "bob"
	page, err = s.Users(t.Context(), trace.UserQuery{Filter: f, Order: trace.ByCost, Limit: 10})
	check(t, err)
	if len(page.Users) != 1 || page.Users[0].Errors != 2 || page.Total.Cost != 84_000 {
		t.Errorf("one user: %d users, total %v", len(page.Users), page.Total.Cost)
	}
	f.User = ""
	page, err = s.Users(t.Context(), trace.UserQuery{Filter: f, Order: trace.ByTokens, Limit: 1})
	check(t, err)
	for _, bad := range []trace.UserQuery{{Order: trace.ByCost, Limit: 2, Cursor: "nonsense"}, {Filter: f, Order: trace.ByErrors, Limit: 1, Cursor: page.Next}} {
		if _, err := s.Users(t.Context(), bad); !errors.Is(err, trace.ErrBadCursor) {
			t.Errorf("the cursor %.20q of another list: %v, want ErrBadCursor", bad.Cursor, err)
		}
	}
}
