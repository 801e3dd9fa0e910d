package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/trace"
)

// maxFacetFields bounds the fields that calls are counted by in one answer.
const maxFacetFields = 20

// usualFacets are the fields of an answer when none are named.
var usualFacets = []string{"project", "model", "provider", "status", "endpoint", "cache", "key", "user", "error_code"}

var callFacetParams = []param{
	{name: "fields", about: "what to count calls by, separated by commas: " + strings.Join(trace.FacetFields, " ") + " tag.k, and tag for the names of tags; unless given " + strings.Join(usualFacets, " ")},
	{name: "limit", about: "values of each field, 1 to 1000; 20 unless given", kind: "integer"},
}

// facetOthers are the values of a field that are not named.
type facetOthers struct {
	Values int64 `json:"values"`
	Calls  int64 `json:"calls"`
}

// fieldFacets are the values of a field, most calls first.
type fieldFacets struct {
	Field  string        `json:"field"`
	Since  *stamp        `json:"since"` // counted from here, which may be later than was asked for when there are very many calls; null: from the first call on
	Values []trace.Facet `json:"values"`
	Others facetOthers   `json:"others"`
}

// callFacets is how many calls have which values.
type callFacets struct {
	Since  *stamp        `json:"since"` // as asked for; null: from the first call on
	Until  *stamp        `json:"until"` // null: up to the newest
	Fields []fieldFacets `json:"fields"`
}

// facetRoutes are those of counting calls by their fields.
func (a *API) facetRoutes() []route {
	return []route{{
		method: "GET", path: "/calls/facets", name: "getCallFacets",
		summary: "How many calls have each value of some fields, most calls first; what is asked of a field does not narrow its own values",
		params:  slices.Concat(filterParams, callFacetParams), status: http.StatusOK, out: callFacets{}, handle: a.getCallFacets,
	}}
}

func (a *API) getCallFacets(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f, err := readFilter(q, time.Now(), time.UTC)
	if err != nil {
		return err
	}
	limit, err := readLimit(q, 20)
	if err != nil {
		return err
	}
	fields, err := readFacetFields(q)
	if err != nil {
		return err
	}
	counted, err := a.cfg.Explorer.CountFacets(r.Context(), trace.FacetQuery{Filter: f, Fields: fields, Limit: limit})
	if err != nil {
		return fmt.Errorf("count calls by their fields: %w", err)
	}
	out := callFacets{Since: stampOf(f.Since), Until: stampOf(f.Until), Fields: make([]fieldFacets, len(counted))}
	for i := range counted {
		c := &counted[i]
		out.Fields[i] = fieldFacets{c.Field, stampOf(c.Since), list(c.Values), facetOthers{c.MoreValues, c.MoreCalls}}
	}
	return answer(w, http.StatusOK, out)
}

// readFacetFields reads fields.
func readFacetFields(q url.Values) ([]string, error) {
	text := q.Get("fields")
	if text == "" {
		return usualFacets, nil
	}
	fields := strings.Split(text, ",")
	if len(fields) > maxFacetFields {
		return nil, bad("fields", "fields names %d fields, and %d are counted at a time", len(fields), maxFacetFields)
	}
	for i, name := range fields {
		switch {
		case !trace.FacetField(name):
			return nil, bad("fields", "fields=%q is nothing to count calls by: want %s, tag.k or tag", clip(name), strings.Join(trace.FacetFields, ", "))
		case slices.Contains(fields[:i], name):
			return nil, bad("fields", "fields names %s twice", clip(name))
		}
	}
	return fields, nil
}
