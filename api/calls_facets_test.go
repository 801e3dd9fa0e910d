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
	for _, other := range []string{"", "sort=time", "sort=tokens", "sort=cost&user=u1"} {
		got := w.refused(w.ask("GET", "/calls?"+other+"&cursor="+url.QueryEscape(page.Next), ""), 400, llm.InvalidRequest, "same order", "leave it out")
		if got.Error.Param == nil || *got.Error.Param != "cursor" {
			t.Errorf("%s: the answer blames %v", other, got.Error.Param)
		}
	}
}
