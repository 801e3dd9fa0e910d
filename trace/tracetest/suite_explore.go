package tracetest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// facetText shows facets as field: value=calls …, others.
func facetText(all []trace.FieldFacets) string {
	var b strings.Builder
	for _, f := range all {
		fmt.Fprintf(&b, "%s:", f.Field)
		for _, v := range f.Values {
			fmt.Fprintf(&b, " %s=%d", v.Value, v.Calls)
		}
		if f.MoreValues > 0 || f.MoreCalls > 0 {
			fmt.Fprintf(&b, " +%d=%d", f.MoreValues, f.MoreCalls)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (c contract) callFacets() {
	t, s := c.t, c.store
	all := append([]string{"tag", "tag.team", "tag.none"}, trace.FacetFields...)
	got, err := s.CountFacets(t.Context(), trace.FacetQuery{Fields: all, Limit: 5})
	check(t, err)
	if len(got) != len(all) || got[0].Field != "tag" || len(got[3].Values) != 0 {
		t.Errorf("of an empty store %+v", got)
	}
	shop := func(c *trace.Span) {
		c.Project, c.Key, c.KeyID, c.User, c.Model, c.Provider = "shop", "prod", "k9", "bob", "big", "azure"
		c.Status, c.ErrorCode, c.Cache, c.Endpoint = trace.StatusError, "http_500", trace.CacheMiss, llm.Embeddings
		c.Tags, c.PriceStatus = map[string]string{"team": "red", "env": "prod"}, price.Unpriced
	}
	write(t, s, "fa",
		at(0), at(time.Second), body(at(2*time.Hour, func(c *trace.Span) { c.User, c.Tags = "", map[string]string{"team": "blue"} }), "Where is it?", "There."),
		at(-40*24*time.Hour, func(c *trace.Span) { c.Model, c.PriceStatus = "small", price.Default }),
		body(at(3*time.Hour, shop), "Where is that?", "Nowhere."), at(3*time.Hour+time.Second, shop, func(c *trace.Span) { c.Model, c.Tags["team"] = "small", "blue" }),
	)
	for _, tt := range []struct {
		name   string
		q      trace.FacetQuery
		facets string
	}{
		{"everything", trace.FacetQuery{Fields: trace.FacetFields}, `project: default=4 shop=2
model: gpt-4o-mini=3 small=2 big=1
provider: openai=4 azure=2
status: ok=4 error=2
endpoint: chat.completions=4 embeddings=2
cache: off=4 miss=2
key: dev=4 prod=2
user: ann=3 bob=2
error_code: http_500=2
price_status: exact=3 unpriced=2 default=1
`},
		{"the rest in others", trace.FacetQuery{Fields: []string{"model", "user", "tag", "tag.team", "price_status"}, Limit: 1}, `model: gpt-4o-mini=3 +2=3
user: ann=3 +1=2
tag: team=3 +1=2
tag.team: blue=2 +1=1
price_status: exact=3 +2=3
`},
		{"its own filter does not narrow a field", trace.FacetQuery{Filter: trace.Filter{Model: "small", Status: "error"}, Fields: []string{"model", "status", "project", "user"}}, `model: big=1 small=1
status: error=1 ok=1
project: shop=1
user: bob=1
`},
		{"several values", trace.FacetQuery{Filter: trace.Filter{Any: map[string][]string{"model": {"small", "big"}, "status": {"error", "cut"}}}, Fields: []string{"model", "status", "project", "user"}}, `model: big=1 small=1
status: error=2 ok=1
project: shop=2
user: bob=2
`},
		{"values left out", trace.FacetQuery{Filter: trace.Filter{Not: map[string][]string{"user": {"ann"}, "tag.team": {"red"}}}, Fields: []string{"user", "tag.team", "model", "tag"}}, `user: ann=3 bob=1
tag.team: blue=2 red=1
model: gpt-4o-mini=1 small=1
tag: team=2 env=1
`},
		{"left out where few are asked for", trace.FacetQuery{Filter: trace.Filter{Project: "shop", Not: map[string][]string{"model": {"big"}, "error_code": {"http_429"}}}, Fields: []string{"model", "project", "error_code"}}, `model: big=1 small=1
project: default=4 shop=1
error_code: http_500=1
`},
		{"a user", trace.FacetQuery{Filter: trace.Filter{User: "bob", Key: "k9"}, Fields: []string{"user", "key", "model", "tag.team"}}, `user: bob=2
key: prod=2
model: big=1 small=1
tag.team: blue=1 red=1
`},
		{"tags", trace.FacetQuery{Filter: trace.Filter{Tags: map[string]string{"team": "red", "env": "prod"}}, Fields: []string{"tag.team", "tag.env", "tag", "project", "error_code"}}, `tag.team: blue=1 red=1
tag.env: prod=1
tag: env=1 team=1
project: shop=1
error_code: http_500=1
`},
		{"what no rollup has", trace.FacetQuery{Filter: trace.Filter{ErrorCode: "http_500", Unpriced: true, PriceStatus: "unpriced", Session: "s1"}, Fields: []string{"error_code", "price_status", "model", "user"}}, `error_code: http_500=2
price_status: unpriced=2
model: big=1 small=1
user: bob=2
`},
		{"a price", trace.FacetQuery{Filter: trace.Filter{PriceStatus: "default"}, Fields: []string{"price_status", "model"}}, `price_status: exact=3 unpriced=2 default=1
model: small=1
`},
		{"a text", trace.FacetQuery{Filter: trace.Filter{Text: "where", Project: "shop"}, Fields: []string{"project", "model", "tag"}}, `project: default=1 shop=1
model: big=1
tag: env=1 team=1
`},
		{"a time", trace.FacetQuery{Filter: trace.Filter{Since: t0.Add(time.Second), Until: t0.Add(3 * time.Hour)}, Fields: []string{"project", "user", "tag.team", "error_code"}}, `project: default=2
user: ann=1
tag.team: blue=1
error_code:
`},
		{"no time", trace.FacetQuery{Filter: trace.Filter{Since: t0, Until: t0}, Fields: []string{"project", "tag"}}, "project:\ntag:\n"},
	} {
		tt.q.Limit = cmp.Or(tt.q.Limit, 10)
		if tt.q.Filter.Text != "" && tt.q.Filter.Until.IsZero() {
			tt.q.Filter.Since, tt.q.Filter.Until = t0, t0.Add(24*time.Hour)
		}
		got, err := s.CountFacets(t.Context(), tt.q)
		check(t, err)
		equal(t, tt.name, facetText(got), tt.facets)
		for _, f := range got {
			if !f.Since.Equal(tt.q.Filter.Since) {
				t.Errorf("%s: %s is counted from %v, want %v", tt.name, f.Field, f.Since, tt.q.Filter.Since)
			}
		}
	}
	for _, field := range []string{"", "colour", "tag.", "model) --"} {
		_, err := s.CountFacets(t.Context(), trace.FacetQuery{Fields: []string{field}, Limit: 1})
		if fault, ok := errors.AsType[*llm.Fault](err); !ok || fault.Code != llm.InvalidRequest {
			t.Errorf("by %q: %v, want weir_invalid_request", field, err)
		}
	}
	hostile := "\x00'); DROP TABLE calls; --\\"
	_, err = s.CountFacets(t.Context(), trace.FacetQuery{Filter: trace.Filter{Model: hostile}, Fields: []string{"tag." + hostile, "model"}, Limit: 1})
	check(t, err)
}

// bothWays are all orders, down and up.
func bothWays() []trace.CallOrder {
	out := slices.Clone(trace.CallOrders)
	for _, by := range trace.CallOrders {
		out = append(out, by.Up())
	}
	return out
}

func (c contract) sortedCalls() {
	t, s := c.t, c.store
	if page, err := s.SortedCalls(t.Context(), trace.Filter{}, trace.CallsByCost, 5, ""); err != nil || len(page.Calls) != 0 || page.Next != "" {
		t.Errorf("of an empty store %+v, %v", page, err)
	}
	var records []trace.Record
	for i := range 24 { // many of one value, some of one microsecond, some of no value
		r := body(at(time.Duration(i/4)*5*time.Hour, func(c *trace.Span) {
			c.Cost, c.Project = []price.USD{7, 7, price.MaxUSD / 10, 0, -3}[i%5], []string{"a", "b", "a", "a"}[i%4]
			c.Duration = time.Duration(i%3) * time.Second
			c.Usage.Reasoning = int64(i % 4)
			if i%6 == 0 {
				c.PriceStatus, c.Cost = price.Unpriced, 0
			}
			if i%2 == 0 {
				c.TTFT = time.Duration(i%7+1) * time.Millisecond
			}
		}), "needle", []string{"a word", "another one"}[i%2])
		r.Attempts = []trace.Span{{Kind: trace.KindAttempt, TraceID: "x", SpanID: fmt.Sprint(i), Start: r.Call.Start, Duration: time.Hour}}
		records = append(records, r)
	}
	write(t, s, "so", records...)
	for _, f := range []trace.Filter{{}, {Project: "a", Since: t0.Add(time.Hour)}, {Text: "word", Until: t0.Add(100 * time.Hour)}} {
		for _, by := range bothWays() {
			_, up := by.Base()
			var want []trace.Span
			for _, r := range records {
				if f.Matches(&r.Call) && (f.Text == "" || strings.Contains(string(r.Body.Response), f.Text)) {
					want = append(want, r.Call)
				}
			}
			slices.SortFunc(want, func(a, b trace.Span) int {
				x, xKnown := by.Of(&a)
				y, yKnown := by.Of(&b)
				known := map[bool]int{true: 0, false: 1}
				if !xKnown && !yKnown {
					x, y = 0, 0
				}
				if up {
					x, y = y, x
				}
				byTime := compare(&b, &a)
				if by == trace.CallsByTime.Up() {
					byTime = -byTime
				}
				return cmp.Or(cmp.Compare(known[xKnown], known[yKnown]), cmp.Compare(y, x), byTime)
			})
			for _, limit := range []int{5, 1000} {
				if limit == 1000 && f.Project != "" {
					continue
				}
				var got []string
				for cursor := ""; ; {
					page, err := s.SortedCalls(t.Context(), f, by, limit, cursor)
					check(t, err)
					if len(page.Calls) > limit || len(got) > len(want) {
						t.Fatalf("by %s, limit %d: a page of %d calls after %d", by, limit, len(page.Calls), len(got))
					}
					for _, c := range page.Calls {
						got = append(got, c.ID)
					}
					if cursor = page.Next; cursor == "" {
						break
					}
				}
				ids := make([]string, len(want))
				for i := range want {
					ids[i] = want[i].ID
				}
				equal(t, fmt.Sprintf("by %s in pages of %d of %+v", by, limit, f), got, ids)
			}
		}
	}
	page, err := s.SortedCalls(t.Context(), trace.Filter{}, trace.CallsByCost, 3, "")
	check(t, err)
	newest, err := s.Calls(t.Context(), trace.Filter{}, 3, "")
	check(t, err)
	for name, bad := range map[string]struct {
		f      trace.Filter
		by     trace.CallOrder
		cursor string
	}{
		"nonsense":          {trace.Filter{}, trace.CallsByCost, "nonsense"},
		"of another order":  {trace.Filter{}, trace.CallsByTokens, page.Next},
		"of another filter": {trace.Filter{Project: "a"}, trace.CallsByCost, page.Next},
		"of the newest":     {trace.Filter{}, trace.CallsByCost, newest.Next},
		"for the newest":    {trace.Filter{}, trace.CallsByTime, page.Next},
		"for the other way": {trace.Filter{}, trace.CallsByCost.Up(), page.Next},
		"for the oldest":    {trace.Filter{}, trace.CallsByTime.Up(), newest.Next},
	} {
		if _, err := s.SortedCalls(t.Context(), bad.f, bad.by, 3, bad.cursor); !errors.Is(err, trace.ErrBadCursor) {
			t.Errorf("a cursor %s gives %v, want ErrBadCursor", name, err)
		}
	}
}
