package tracetest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

var _ trace.Bundles = (*Memory)(nil)

type bundleKey struct{ project, id string }

func traceKey(s *trace.Span) bundleKey { return bundleKey{"", s.TraceID} }

func sessionKey(s *trace.Span) bundleKey {
	if s.Session == "" {
		return bundleKey{}
	}
	return bundleKey{s.Project, s.Session}
}

// Traces lists traces.
func (m *Memory) Traces(_ context.Context, f trace.Filter, limit int, cursor string) (trace.BundlePage, error) {
	return m.bundles(f, limit, cursor, "traces", traceKey)
}

// Sessions lists sessions.
func (m *Memory) Sessions(_ context.Context, f trace.Filter, limit int, cursor string) (trace.BundlePage, error) {
	return m.bundles(f, limit, cursor, "sessions", sessionKey)
}

func (m *Memory) bundles(f trace.Filter, limit int, cursor, name string, key func(*trace.Span) bundleKey) (trace.BundlePage, error) {
	picked, err := m.matching(f)
	if err != nil {
		return trace.BundlePage{}, err
	}
	all, err := m.matching(trace.Filter{})
	if err != nil {
		return trace.BundlePage{}, err
	}
	bare := f
	bare.Since, bare.Until = time.Time{}, time.Time{}
	list := fmt.Sprintf("%s %+v", name, bare)
	var after place
	if cursor != "" {
		if err := json.Unmarshal([]byte(cursor), &after); err != nil || after.Filter != list {
			return trace.BundlePage{}, fmt.Errorf("cursor %.40q: %w", cursor, trace.ErrBadCursor)
		}
	}
	var page trace.BundlePage
	var last trace.Span
	seen := map[bundleKey]bool{}
	for i := range picked {
		s := &picked[i].Call
		k := key(s)
		if k.id == "" || seen[k] {
			continue
		}
		seen[k] = true
		if cursor != "" && compare(s, &trace.Span{ID: after.ID, Start: time.UnixMicro(after.Micros)}) >= 0 {
			continue
		}
		if len(page.Bundles) == limit {
			next, err := json.Marshal(place{list, last.Start.UnixMicro(), last.ID})
			page.Next = string(next)
			return page, err
		}
		last = *s
		page.Bundles = append(page.Bundles, bundleOf(k, all, key, name == "traces"))
	}
	return page, nil
}

// bundleOf sums up the spans of a key; those of calls only unless attempts count as well.
func bundleOf(k bundleKey, all []entry, key func(*trace.Span) bundleKey, attempts bool) trace.Bundle {
	b := trace.Bundle{ID: k.id}
	span := func(s *trace.Span, input string) {
		b.Spans++
		if later := s.Start; later.After(b.Last) {
			b.Last = later
		}
		if s.End().After(b.End) {
			b.End = s.End().Truncate(time.Microsecond)
		}
		if s.User != "" && !slices.Contains(b.Users, s.User) {
			b.Users = append(b.Users, s.User)
		}
		if f := &b.First; f.ID == "" || earlier(s, &f.Span) {
			*f = trace.CallRow{Span: trace.Span{
				ID: s.ID, Kind: s.Kind, Start: s.Start, Duration: s.Duration, TraceID: s.TraceID, SpanID: s.SpanID, ParentID: s.ParentID,
				Project: s.Project, Key: s.Key, User: s.User, Session: s.Session, Endpoint: s.Endpoint, Stream: s.Stream, Provider: s.Provider,
				ModelRequested: s.ModelRequested, Model: s.Model, Status: s.Status, HTTPStatus: s.HTTPStatus, ErrorCode: s.ErrorCode,
			}, InputPreview: input}
		}
	}
	for i := range all {
		e := &all[i]
		s := &e.Call
		if key(s) != k {
			continue
		}
		span(s, first300(e.input))
		if attempts {
			for i := range e.Attempts {
				span(&e.Attempts[i], "")
			}
		}
		if s.Kind != trace.KindCall {
			continue
		}
		var one sums
		one.add(s)
		add(&b, &one.Sums)
		if s.Model != "" && !slices.Contains(b.Models, s.Model) {
			b.Models = append(b.Models, s.Model)
		}
	}
	slices.Sort(b.Models)
	slices.Sort(b.Users)
	b.Models, b.Users = b.Models[:min(8, len(b.Models))], b.Users[:min(8, len(b.Users))]
	return b
}

// earlier says whether a begins a bundle rather than b: what starts first, of those a call, of those the longest.
func earlier(a, b *trace.Span) bool {
	tried := func(s *trace.Span) int {
		if s.Kind == trace.KindAttempt {
			return 1
		}
		return 0
	}
	return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(tried(a), tried(b)), cmp.Compare(b.Duration, a.Duration)) < 0
}

func add(b *trace.Bundle, s *trace.Sums) {
	b.Calls, b.Errors, b.Unpriced, b.Cost, b.Saved = b.Calls+s.Calls, b.Errors+s.Errors, b.Unpriced+s.UnpricedCalls, b.Cost+s.Cost, b.Saved+s.Saved
	u, v := &b.Usage, &s.Usage
	u.InputUncached, u.CacheRead, u.CacheWrite5m, u.CacheWrite1h = u.InputUncached+v.InputUncached, u.CacheRead+v.CacheRead, u.CacheWrite5m+v.CacheWrite5m, u.CacheWrite1h+v.CacheWrite1h
	u.InputAudio, u.OutputText, u.Reasoning, u.OutputAudio = u.InputAudio+v.InputAudio, u.OutputText+v.OutputText, u.Reasoning+v.Reasoning, u.OutputAudio+v.OutputAudio
}

// Users lists end users, their spend in steps of an hour or of a day.
func (m *Memory) Users(ctx context.Context, q trace.UserQuery) (trace.UserPage, error) {
	all, err := m.matching(q.Filter)
	if err != nil {
		return trace.UserPage{}, err
	}
	rows, err := m.Costs(ctx, trace.CostQuery{Filter: q.Filter, By: []string{"user"}})
	if err != nil {
		return trace.UserPage{}, err
	}
	whole := q.Filter
	whole.User = ""
	total, err := m.Costs(ctx, trace.CostQuery{Filter: whole})
	if err != nil {
		return trace.UserPage{}, err
	}
	until := q.Filter.Until
	if until.IsZero() {
		until = time.Now()
	}
	since := q.Filter.Since
	if since.IsZero() {
		since = until.Add(-30 * 24 * time.Hour)
	}
	page := trace.UserPage{Total: total.Total, Step: 24 * time.Hour}
	if until.Sub(since) <= 3*24*time.Hour {
		page.Step = time.Hour
	}
	page.Since = since.UTC().Truncate(page.Step)
	var users []trace.User
	for _, r := range rows.Rows {
		if r.Group[0] == "" {
			continue
		}
		u := trace.User{Name: r.Group[0], Sums: r.Sums, Trend: make([]price.USD, int(until.Add(-1).Sub(page.Since)/page.Step)+1)}
		sessions := map[bundleKey]bool{}
		for i := range all {
			s := &all[i].Call
			if s.User != u.Name {
				continue
			}
			if s.Start.After(u.LastSeen) {
				u.LastSeen = s.Start
			}
			if s.Session != "" {
				sessions[sessionKey(s)] = true
			}
			if at := int(s.Start.Sub(page.Since) / page.Step); at >= 0 && at < len(u.Trend) {
				u.Trend[at] += s.Cost
			}
		}
		u.Sessions = int64(len(sessions))
		users = append(users, u)
	}
	figure := func(u *trace.User) int64 {
		switch q.Order {
		case trace.ByCalls:
			return u.Calls
		case trace.ByTokens:
			return u.Usage.Input() + u.Usage.Output()
		case trace.ByErrors:
			return u.Errors
		}
		return int64(u.Cost)
	}
	slices.SortFunc(users, func(a, b trace.User) int {
		return cmp.Or(cmp.Compare(figure(&b), figure(&a)), cmp.Compare(a.Name, b.Name))
	})
	page.Count = int64(len(users))
	if q.Cursor != "" {
		i := slices.IndexFunc(users, func(u trace.User) bool { return "after "+string(q.Order)+" "+u.Name == q.Cursor })
		if i < 0 {
			return trace.UserPage{}, fmt.Errorf("cursor %.40q: %w", q.Cursor, trace.ErrBadCursor)
		}
		users = users[i+1:]
	}
	if len(users) > q.Limit {
		users = users[:q.Limit]
		page.Next = "after " + string(q.Order) + " " + users[q.Limit-1].Name
	}
	page.Users = users
	return page, nil
}
