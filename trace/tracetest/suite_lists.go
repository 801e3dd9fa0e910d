package tracetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

func (c contract) pages() {
	t, s := c.t, c.store
	var records []trace.Record
	for i := range 25 { // several calls in one microsecond, minute and day, and gaps
		records = append(records, at(time.Duration(i/3)*7*time.Hour, func(c *trace.Span) { c.Project = []string{"a", "b"}[i%2] }))
	}
	records = append(records, at(-400*24*time.Hour), at(-30*24*time.Hour))
	write(t, s, "p", records...)
	slices.SortFunc(records, func(a, b trace.Record) int { return compare(&b.Call, &a.Call) })

	for _, limit := range []int{1, 2, 7, 26, 27, 1000} {
		var got []string
		for cursor, pages := "", 0; ; pages++ {
			page, err := s.Calls(t.Context(), trace.Filter{}, limit, cursor)
			check(t, err)
			if len(page.Calls) > limit || pages > len(records) {
				t.Fatalf("limit %d: page %d has %d calls", limit, pages, len(page.Calls))
			}
			for _, c := range page.Calls {
				got = append(got, c.ID)
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		var want []string
		for _, r := range records {
			want = append(want, r.Call.ID)
		}
		equal(t, fmt.Sprintf("ids in pages of %d", limit), got, want)
	}

	page, err := s.Calls(t.Context(), trace.Filter{Project: "a"}, 3, "")
	check(t, err)
	for name, bad := range map[string]struct {
		f      trace.Filter
		cursor string
	}{
		"nonsense":              {trace.Filter{}, "nonsense"},
		"not base64":            {trace.Filter{}, "%%%"},
		"of another list":       {trace.Filter{Project: "b"}, page.Next},
		"of a filter with tags": {trace.Filter{Project: "a", Tags: map[string]string{"x": "y"}}, page.Next},
	} {
		if _, err := s.Calls(t.Context(), bad.f, 3, bad.cursor); !errors.Is(err, trace.ErrBadCursor) {
			t.Errorf("a cursor %s gives %v, want ErrBadCursor", name, err)
		}
	}
	if _, err := s.Calls(t.Context(), trace.Filter{Project: "a", Since: t0}, 3, page.Next); err != nil {
		t.Errorf("a cursor with a later since: %v", err)
	}
}

func (c contract) find() {
	t, s := c.t, c.store
	near, far := at(0, func(c *trace.Span) { c.Prompt, c.CostLines = "greet", []price.Line{{Bucket: "x"}} }), at(90*24*time.Hour)
	strange := at(time.Hour, func(c *trace.Span) { c.ID = "its-own" })
	late := at(time.Hour, func(c *trace.Span) { c.ID = llm.NewID(t0.Add(-time.Hour)) }) // its id tells another time
	write(t, s, "f", near, far, strange, late)
	got, err := s.Spans(t.Context(), []string{near.Call.ID, far.Call.ID, strange.Call.ID, late.Call.ID, llm.NewID(t0), "none", "'"})
	check(t, err)
	if len(got) != 4 || got[near.Call.ID].Prompt != "greet" || got[near.Call.ID].CostLines != nil || !got[far.Call.ID].Start.Equal(far.Call.Start) {
		t.Errorf("found %+v", got)
	}
	if got, err := s.Spans(t.Context(), nil); err != nil || len(got) != 0 {
		t.Errorf("of no ids %v, %v", got, err)
	}
}

func (c contract) filters() {
	t, s := c.t, c.store
	odd := at(time.Hour, func(c *trace.Span) {
		c.Project, c.KeyID, c.Key, c.Provider = "shop", "k9", "prod", "anthropic"
		c.ModelRequested, c.Model, c.User, c.Session = "smart", "claude-sonnet-4", "bob", "s9"
		c.Status, c.Endpoint, c.Cache = trace.StatusError, llm.Embeddings, trace.CacheHit
		c.Prompt, c.PromptVersion, c.Arm, c.ErrorCode = "greet", 7, "b", "http_500"
		c.Tags = map[string]string{"team": "red", "env": "prod", "empty": ""}
		c.PriceStatus = price.Unpriced
	})
	near := at(2*time.Hour, func(c *trace.Span) {
		c.Prompt, c.PromptVersion = "greet", 3
		c.Tags = map[string]string{"team": "prod", "env": "red"} // the same names and values, joined otherwise
	})
	write(t, s, "f", odd, near, at(0))
	for name, test := range map[string]struct {
		f    trace.Filter
		want []trace.Record
	}{
		"nothing":                          {trace.Filter{}, []trace.Record{near, odd, at(0)}},
		"project":                          {trace.Filter{Project: "shop"}, []trace.Record{odd}},
		"key name":                         {trace.Filter{Key: "prod"}, []trace.Record{odd}},
		"key id":                           {trace.Filter{Key: "k9"}, []trace.Record{odd}},
		"provider":                         {trace.Filter{Provider: "anthropic"}, []trace.Record{odd}},
		"model requested":                  {trace.Filter{Model: "smart"}, []trace.Record{odd}},
		"model answered":                   {trace.Filter{Model: "claude-sonnet-4"}, []trace.Record{odd}},
		"user":                             {trace.Filter{User: "bob"}, []trace.Record{odd}},
		"session":                          {trace.Filter{Session: "s9"}, []trace.Record{odd}},
		"status":                           {trace.Filter{Status: "error"}, []trace.Record{odd}},
		"endpoint":                         {trace.Filter{Endpoint: "embeddings"}, []trace.Record{odd}},
		"cache":                            {trace.Filter{Cache: "hit"}, []trace.Record{odd}},
		"prompt":                           {trace.Filter{Prompt: "greet"}, []trace.Record{near, odd}},
		"prompt version":                   {trace.Filter{Prompt: "greet@7"}, []trace.Record{odd}},
		"no such version":                  {trace.Filter{Prompt: "greet@8"}, nil},
		"arm":                              {trace.Filter{Arm: "b"}, []trace.Record{odd}},
		"trace":                            {trace.Filter{TraceID: odd.Call.TraceID}, []trace.Record{odd}},
		"error code":                       {trace.Filter{ErrorCode: "http_500"}, []trace.Record{odd}},
		"unpriced":                         {trace.Filter{Unpriced: true}, []trace.Record{odd}},
		"tag":                              {trace.Filter{Tags: map[string]string{"team": "red"}}, []trace.Record{odd}},
		"two tags":                         {trace.Filter{Tags: map[string]string{"team": "red", "env": "prod"}}, []trace.Record{odd}},
		"tags crossed":                     {trace.Filter{Tags: map[string]string{"team": "red", "env": "red"}}, nil},
		"empty tag":                        {trace.Filter{Tags: map[string]string{"empty": ""}}, []trace.Record{odd}},
		"absent tag":                       {trace.Filter{Tags: map[string]string{"absent": ""}}, nil},
		"several":                          {trace.Filter{Project: "shop", Status: "error", User: "bob"}, []trace.Record{odd}},
		"several, none":                    {trace.Filter{Project: "shop", Status: "ok"}, nil},
		"any of two":                       {trace.Filter{Any: map[string][]string{"model": {"smart", "gpt-4o-mini"}}}, []trace.Record{near, odd, at(0)}},
		"any of none":                      {trace.Filter{Any: map[string][]string{"user": {}}, Not: map[string][]string{"user": nil}}, []trace.Record{near, odd, at(0)}},
		"any of a field and its own value": {trace.Filter{User: "bob", Any: map[string][]string{"user": {"ann", "cem"}}}, nil},
		"any of two tags":                  {trace.Filter{Any: map[string][]string{"tag.team": {"red", "prod"}}}, []trace.Record{near, odd}},
		"any of versions":                  {trace.Filter{Any: map[string][]string{"prompt": {"greet@3", "greet@8"}}}, []trace.Record{near}},
		"any of traces":                    {trace.Filter{Any: map[string][]string{"trace": {odd.Call.TraceID, "x"}}}, []trace.Record{odd}},
		"not a key's id":                   {trace.Filter{Not: map[string][]string{"key": {"k9", "other"}}}, []trace.Record{near, at(0)}},
		"not a model":                      {trace.Filter{Not: map[string][]string{"model": {"smart"}}}, []trace.Record{near, at(0)}},
		"not a version":                    {trace.Filter{Not: map[string][]string{"prompt": {"greet@7"}}}, []trace.Record{near, at(0)}},
		"not a tag":                        {trace.Filter{Not: map[string][]string{"tag.team": {"red"}}}, []trace.Record{near, at(0)}},
		"not an empty tag":                 {trace.Filter{Not: map[string][]string{"tag.empty": {""}}}, []trace.Record{near, at(0)}},
		"not a trace":                      {trace.Filter{Not: map[string][]string{"trace": {odd.Call.TraceID}}}, []trace.Record{near, at(0)}},
		"not an error":                     {trace.Filter{Not: map[string][]string{"error_code": {"http_500"}}}, []trace.Record{near, at(0)}},
		"one and not it":                   {trace.Filter{Project: "shop", Not: map[string][]string{"project": {"shop"}}}, nil},
		"since":                            {trace.Filter{Since: t0.Add(time.Hour)}, []trace.Record{near, odd}},
		"since, a bit":                     {trace.Filter{Since: t0.Add(time.Hour + 1)}, []trace.Record{near}},
		"until":                            {trace.Filter{Until: t0.Add(time.Hour)}, []trace.Record{at(0)}},
		"until, a bit":                     {trace.Filter{Until: t0.Add(time.Hour + 1)}, []trace.Record{odd, at(0)}},
		"no time":                          {trace.Filter{Since: t0, Until: t0}, nil},
		"far away":                         {trace.Filter{Since: time.Date(1, 1, 1, 1, 0, 0, 0, time.UTC), Until: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}, []trace.Record{near, odd, at(0)}},
	} {
		page, err := s.Calls(t.Context(), test.f, 10, "")
		check(t, err)
		var got, want []time.Time
		for _, c := range page.Calls {
			got = append(got, c.Start)
		}
		for _, r := range test.want {
			want = append(want, r.Call.Start)
		}
		equal(t, "calls by "+name, got, want)
		costs, err := s.Costs(t.Context(), trace.CostQuery{Filter: test.f})
		check(t, err)
		if costs.Total.Calls != int64(len(want)) {
			t.Errorf("costs by %s: %d calls, want %d", name, costs.Total.Calls, len(want))
		}
	}
}

func (c contract) search() {
	t, s := c.t, c.store
	order := body(at(0), "Where is my ORDER, Žofie?", "It left the résumé desk.")
	other := body(at(time.Minute, func(c *trace.Span) { c.User = "bob" }), "Translate “Straße”", "Strasse")
	write(t, s, "s", order, other, at(2*time.Minute))
	for text, want := range map[string][]time.Time{
		"order":         {order.Call.Start},
		"Order where":   {order.Call.Start}, // every word, in any order and place
		"ŽOFIE":         {order.Call.Start}, // escaped on the wire
		"résumé order":  {order.Call.Start}, // one in the answer, one in the question
		"order strasse": nil,
		"str":           {other.Call.Start},
		"messages":      {other.Call.Start, order.Call.Start}, // in the bodies only
		"no such word":  nil,
		"  ":            {t0.Add(2 * time.Minute), other.Call.Start, order.Call.Start},
		"%' _":          nil,
	} {
		page, err := s.Calls(t.Context(), trace.Filter{Text: text, Until: t0.Add(time.Hour)}, 10, "")
		check(t, err)
		var got []time.Time
		for _, c := range page.Calls {
			got = append(got, c.Start)
		}
		equal(t, fmt.Sprintf("search %q", text), got, want)
		costs, err := s.Costs(t.Context(), trace.CostQuery{Filter: trace.Filter{Text: text, Since: t0, Until: t0.Add(time.Hour)}, By: []string{"user"}})
		check(t, err)
		if costs.Total.Calls != int64(len(want)) {
			t.Errorf("costs of %q: %d calls, want %d", text, costs.Total.Calls, len(want))
		}
	}
}

func (c contract) traces() {
	t, s := c.t, c.store
	first := whole()
	second := at(40*24*time.Hour, func(c *trace.Span) { c.TraceID = first.Call.TraceID }) // in another month
	write(t, s, "t1", first, at(0))
	write(t, s, "t2", second)
	spans, err := s.Trace(t.Context(), first.Call.TraceID, 100)
	check(t, err)
	var got []string
	for _, c := range spans {
		got = append(got, string(c.Kind)+" "+c.SpanID)
	}
	equal(t, "spans", got, []string{
		"call " + first.Call.SpanID, "attempt " + first.Attempts[0].SpanID, "attempt " + first.Attempts[1].SpanID, "call " + second.Call.SpanID,
	})
	spans, err = s.Trace(t.Context(), first.Call.TraceID, 2)
	check(t, err)
	if len(spans) != 2 || spans[0].SpanID != first.Call.SpanID {
		t.Errorf("the first two spans are %d spans", len(spans))
	}
}

func (c contract) export() {
	t, s := c.t, c.store
	records := []trace.Record{at(-40 * 24 * time.Hour), whole(), body(at(time.Hour), "q", "a"), at(2 * time.Hour)}
	write(t, s, "e", records[2], records[0], records[3], records[1])
	var got []trace.Record
	for r, err := range s.Export(t.Context(), trace.Filter{}, true) {
		check(t, err)
		got = append(got, r)
	}
	equal(t, "Export", got, records)
	got = nil
	for r, err := range s.Export(t.Context(), trace.Filter{Project: "shop"}, false) {
		check(t, err)
		got = append(got, r)
	}
	records[1].Body = trace.Body{}
	equal(t, "Export without bodies", got, records[1:2])
	for _, err := range s.Export(t.Context(), trace.Filter{}, true) {
		check(t, err)
		break // a reader may stop
	}
}
