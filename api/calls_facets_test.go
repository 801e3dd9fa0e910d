package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

func TestCallFacets(t *testing.T) {
	w := newWorld(t)
	equalJSON(t, w.ask("GET", "/calls/facets?fields=model", "").Body.String(), `{"since":null,"until":null,"fields":[{"field":"model","since":null,"values":[],"others":{"values":0,"calls":0}}]}`)
	for i, model := range []string{"gpt-4o", "gpt-4o", "small", "tiny"} {
		w.record(changed(fmt.Sprint("c", i), func(r *trace.Record) {
			r.Call.Model, r.Call.ModelRequested, r.Call.Tags = model, "fast", map[string]string{"team": []string{"a", "b"}[i%2], "env": "prod"}
		}))
	}
	equalJSON(t, w.ask("GET", "/calls/facets?since=2026-11-23T08:00:00Z&until=2026-11-24&model=gpt-4o&fields=model,tag.team,tag&limit=1", "").Body.String(), `{
		"since":"2026-11-23T08:00:00.000000Z","until":"2026-11-24T00:00:00.000000Z","fields":[
		{"field":"model","since":"2026-11-23T08:00:00.000000Z","values":[{"value":"gpt-4o","calls":2}],"others":{"values":2,"calls":2}},
		{"field":"tag.team","since":"2026-11-23T08:00:00.000000Z","values":[{"value":"a","calls":1}],"others":{"values":1,"calls":1}},
		{"field":"tag","since":"2026-11-23T08:00:00.000000Z","values":[{"value":"env","calls":2}],"others":{"values":1,"calls":2}}]}`)
	var usual struct {
		Fields []struct{ Field string }
	}
	w.get("/calls/facets", &usual)
	var names []string
	for _, f := range usual.Fields {
		names = append(names, f.Field)
	}
	if got := strings.Join(names, ","); got != "project,model,provider,status,endpoint,cache,key,user,error_code" {
		t.Errorf("the usual fields are %s", got)
	}
	many := "project"
	for i := range 20 {
		many += fmt.Sprintf(",tag.t%d", i)
	}
	w.refused(w.ask("GET", "/calls/facets?fields="+many, ""), 400, llm.InvalidRequest, "21 fields")
	w.refused(w.ask("GET", "/calls/facets", "", stranger), http.StatusUnauthorized, llm.Unauthorized)
	w.refused(w.ask("DELETE", "/calls/facets", ""), http.StatusMethodNotAllowed, llm.MethodNotAllowed)
	w.store.Away = func() error { return errors.New("refused") }
	w.refused(w.ask("GET", "/calls/facets", ""), http.StatusServiceUnavailable, llm.RecordUnavailable)
}

func TestSortedCalls(t *testing.T) {
	w := newWorld(t)
	for i, cost := range []price.USD{5, 9, 9, 0, 1} {
		w.record(changed(fmt.Sprint("c", i), func(r *trace.Record) {
			c := &r.Call
			c.Start, c.Cost = t0.Add(time.Duration(i)*time.Second), cost
			c.Duration, c.TTFT, c.Usage = time.Duration(10-i)*time.Second, time.Duration(i)*time.Millisecond, llm.Usage{InputUncached: int64(i % 3)}
			if i == 4 {
				c.PriceStatus = price.Unpriced
			}
		}))
	}
	for query, want := range map[string]string{
		"":                        "c4 c3 c2 c1 c0",
		"sort=time":               "c4 c3 c2 c1 c0",
		"sort=cost":               "c2 c1 c0 c3 c4", // of equal ones the newest first, what is not known last
		"sort=duration":           "c0 c1 c2 c3 c4",
		"sort=ttft":               "c4 c3 c2 c1 c0",
		"sort=tokens":             "c2 c4 c1 c3 c0",
		"sort=cost&limit=2":       "c2 c1",
		"sort=cost&user=nobody":   "",
		"sort=cost&order=desc":    "c2 c1 c0 c3 c4",
		"sort=cost&order=asc":     "c3 c0 c2 c1 c4", // of equal ones the newest first, what is not known last
		"sort=time&order=asc":     "c0 c1 c2 c3 c4",
		"order=asc":               "c0 c1 c2 c3 c4",
		"sort=ttft&order=asc":     "c1 c2 c3 c4 c0",
		"sort=tokens&q=where":     "c2 c4 c1 c3 c0",
		"price_status=exact":      "c3 c2 c1 c0",
		"price_status=default":    "",
		"sort=cost&unpriced=true": "c4",
	} {
		if got := w.ids(query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	var page struct {
		Next string
	}
	w.get("/calls?sort=cost&limit=2", &page)
	if got := w.ids("sort=cost&limit=2&cursor=" + url.QueryEscape(page.Next)); got != "c0 c3" {
		t.Errorf("the second page has %s", got)
	}
	w.get("/calls?sort=cost&limit=2&order=asc", &page)
	if got := w.ids("sort=cost&limit=2&order=asc&cursor=" + url.QueryEscape(page.Next)); got != "c2 c1" {
		t.Errorf("the second page upwards has %s", got)
	}
	for _, other := range []string{"", "sort=time", "sort=tokens", "sort=cost&user=u1", "sort=cost"} {
		got := w.refused(w.ask("GET", "/calls?"+other+"&cursor="+url.QueryEscape(page.Next), ""), 400, llm.InvalidRequest, "same order", "leave it out")
		if got.Error.Param == nil || *got.Error.Param != "cursor" {
			t.Errorf("%s: the answer blames %v", other, got.Error.Param)
		}
	}
}

// Parameters that are given again pick calls with any of their values, those with not. in front leave some out, wherever calls are filtered.
func TestSeveralValues(t *testing.T) {
	w := newWorld(t)
	for i, model := range []string{"gpt-4o", "mini", "small", "tiny"} {
		w.record(changed(fmt.Sprint("c", i), func(r *trace.Record) {
			c := &r.Call
			c.Start, c.Model, c.ModelRequested, c.User, c.Session = t0.Add(time.Duration(i)*time.Second), model, model, fmt.Sprint("u", i), "s"
			c.TraceID, c.Status, c.ErrorCode = fmt.Sprintf("%032x", i+1), trace.StatusOK, ""
			c.Tags = map[string]string{"team": []string{"a", "b", "c", ""}[i]}
			if i == 3 {
				c.Status, c.ErrorCode = trace.StatusError, "http_500"
			}
		}))
	}
	for query, want := range map[string]string{
		"model=mini&model=tiny":                   "c3 c1",
		"model=mini&model=mini&model=":            "c1",
		"model=&model=":                           "c3 c2 c1 c0",
		"not.model=mini&not.model=tiny":           "c2 c0",
		"model=mini&model=tiny&not.status=error":  "c1",
		"model=mini&not.model=mini":               "",
		"tag.team=a&tag.team=":                    "c3 c0",
		"not.tag.team=":                           "c2 c1 c0",
		"not.tag.team=a&not.tag.none=a":           "c3 c2 c1",
		"status=ok&status=error&not.user=u0":      "c3 c2 c1",
		"error_code=http_500&error_code=http_429": "c3",
		"not.user=":                               "c3 c2 c1 c0",
		"sort=time&order=asc&not.model=mini":      "c0 c2 c3",
		"model=mini&model=tiny&q=where":           "c3 c1",
	} {
		if got := w.ids(query); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	const two = "model=mini&model=tiny&not.user=u3"
	for target, want := range map[string]string{
		"/costs?by=model&" + two:                         `"model":"mini","calls":1`,
		"/export/calls?" + two:                           `"id":"c1"`,
		"/users?" + two:                                  `"user":"u1"`,
		"/traces?" + two:                                 fmt.Sprintf(`"id":"%032x"`, 2),
		"/sessions?" + two:                               `"calls":4`, // of the whole session
		"/facets?" + two:                                 `"user":[{"value":"u1","calls":1}]`,
		"/calls/facets?fields=user&limit=9&" + two:       `"values":[{"value":"u1","calls":1},{"value":"u3","calls":1}]`,
		"/calls/facets?fields=model&" + two:              `{"value":"gpt-4o","calls":1},{"value":"mini","calls":1},{"value":"small","calls":1}]`,
		"/costs/forecast?window=month&" + two:            `"window":"month"`,
		"/costs/advice?user=u1&user=u2&not.model=gpt-4o": `"findings"`,
	} {
		rec := w.ask("GET", target, "")
		if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%s: %d %s, want %s", target, rec.Code, rec.Body, want)
		}
	}
	fifty := strings.Repeat("&user=x", 60) // the same again
	for i := range 50 {
		fifty += fmt.Sprintf("&user=x%d", i)
	}
	for query, want := range map[string]string{
		"status=ok&status=fine":     `status="fine" is unknown`,
		"not.status=fine":           `not.status="fine" is unknown`,
		"not.colour=red":            `"not.colour" is no parameter`,
		"not.not.model=a":           `"not.not.model" is no parameter`,
		"not.q=a":                   `"not.q" is no parameter`,
		"not.=a":                    `"not." is no parameter`,
		"not.tag.=a":                `"not.tag." is no parameter`,
		"q=a&q=b":                   "given 2 times",
		"limit=1&limit=2":           "given 2 times",
		"model=a&model=%ff":         "not text",
		fifty[1:]:                   "51 values; at most 50",
		"sort=cost&order=backwards": `order="backwards" is unknown: want desc or asc`,
	} {
		w.refused(w.ask("GET", "/calls?"+query, ""), 400, llm.InvalidRequest, want)
	}
	w.refused(w.ask("GET", "/costs/advice?not.status=ok", ""), 400, llm.InvalidRequest, "no parameter")
	w.refused(w.ask("GET", "/calls/tail?order=asc", ""), 400, llm.InvalidRequest, "in the order they came")
}
