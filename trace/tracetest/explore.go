package tracetest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

var _ trace.Explorer = (*Memory)(nil)

// CountFacets counts call by call.
func (m *Memory) CountFacets(_ context.Context, q trace.FacetQuery) ([]trace.FieldFacets, error) {
	out := make([]trace.FieldFacets, 0, len(q.Fields))
	for _, field := range q.Fields {
		if !trace.FacetField(field) {
			return nil, llm.Faultf(llm.InvalidRequest, "calls cannot be counted by %q", field)
		}
		all, err := m.matching(q.Filter.Without(field))
		if err != nil {
			return nil, err
		}
		counts := map[string]int64{}
		for i := range all {
			for _, value := range facetValues(&all[i].Call, field) {
				if value != "" {
					counts[value]++
				}
			}
		}
		one := trace.FieldFacets{Field: field, Since: q.Filter.Since}
		for value, n := range counts {
			one.Values = append(one.Values, trace.Facet{Value: value, Calls: n})
		}
		slices.SortFunc(one.Values, func(a, b trace.Facet) int {
			return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Value, b.Value))
		})
		for len(one.Values) > q.Limit {
			last := len(one.Values) - 1
			one.MoreValues++
			one.MoreCalls += one.Values[last].Calls
			one.Values = one.Values[:last]
		}
		out = append(out, one)
	}
	return out, nil
}

func facetValues(s *trace.Span, field string) []string {
	switch field {
	case "error_code":
		return []string{s.ErrorCode}
	case "price_status":
		return []string{string(s.PriceStatus)}
	case "tag":
		var names []string
		for name := range s.Tags {
			names = append(names, name)
		}
		return names
	}
	value, _ := groupOf(s, field, time.UTC)
	return []string{value}
}

// sortedPlace is the cursor of SortedCalls.
type sortedPlace struct {
	Filter string // and order
	ID     string
}

// SortedCalls sorts all calls.
func (m *Memory) SortedCalls(ctx context.Context, f trace.Filter, by trace.CallOrder, limit int, cursor string) (trace.Page, error) {
	if by == trace.CallsByTime {
		return m.Calls(ctx, f, limit, cursor)
	}
	all, err := m.matching(f) // newest first
	if err != nil {
		return trace.Page{}, err
	}
	base, up := by.Base()
	if base == trace.CallsByTime {
		slices.SortFunc(all, func(a, b entry) int { return compare(&a.Call, &b.Call) })
		base = ""
	}
	slices.SortStableFunc(all, func(a, b entry) int {
		x, xKnown := by.Of(&a.Call)
		y, yKnown := by.Of(&b.Call)
		switch {
		case xKnown != yKnown && xKnown:
			return -1
		case xKnown != yKnown:
			return 1
		case !xKnown || base == "":
			return 0
		case up:
			return cmp.Compare(x, y)
		}
		return cmp.Compare(y, x)
	})
	bare := f
	bare.Since, bare.Until = time.Time{}, time.Time{}
	place := sortedPlace{Filter: fmt.Sprintf("%s of %+v", by, bare)}
	if cursor != "" {
		var from sortedPlace
		err := json.NewDecoder(strings.NewReader(cursor)).Decode(&from)
		at := slices.IndexFunc(all, func(e entry) bool { return e.Call.ID == from.ID })
		if place.ID = from.ID; err != nil || at < 0 || from != place {
			return trace.Page{}, fmt.Errorf("cursor %.40q: %w", cursor, trace.ErrBadCursor)
		}
		all = all[at+1:]
	}
	var page trace.Page
	for i := range all {
		if i == limit {
			place.ID = all[i-1].Call.ID
			next, err := json.Marshal(place)
			page.Next = string(next)
			return page, err
		}
		page.Calls = append(page.Calls, all[i].line())
	}
	return page, nil
}
