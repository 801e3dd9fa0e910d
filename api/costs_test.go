package api

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// costs are three calls over two days: one priced, one that failed without a price, one that a formula was sent with.
func (w *world) costs() {
	w.t.Helper()
	w.record(
		example(),
		changed("late", func(r *trace.Record) {
			c := &r.Call
			c.Start, c.Model, c.User = time.Date(2026, 11, 23, 23, 30, 0, 0, time.UTC), "unknown", "=HYPERLINK(\"x\")"
			c.PriceStatus, c.Cost, c.Status, c.Stream, c.TTFT = price.Unpriced, 0, trace.StatusError, false, 0
		}),
		changed("next", func(r *trace.Record) {
			c := &r.Call
			c.Start, c.Cache, c.Cost, c.Saved = t0.Add(24*time.Hour), trace.CacheHit, 0, 13_500
			c.Usage = llm.Usage{InputUncached: 1, CacheRead: 2, CacheWrite5m: 3, CacheWrite1h: 4, InputAudio: 5, OutputText: 6, Reasoning: 7, OutputAudio: 8}
		}),
	)
}

func TestCosts(t *testing.T) {
	w := newWorld(t)
	w.costs()
	equalJSON(t, w.ask("GET", "/costs?by=model,day", "").Body.String(), `{"rows":[
		{"model":"gpt-4o-mini-2024-07-18","day":"2026-11-23","calls":1,"errors":0,"unpriced_calls":0,"cache_hits":0,"cost_usd":"0.000013500","saved_usd":"0.000000000",
		 "input_tokens":10,"output_tokens":20,"usage":{"input_uncached":10,"cache_read":0,"cache_write_5m":0,"cache_write_1h":0,"output_text":20,"reasoning":0,"input_audio":0,"output_audio":0},
		 "latency_p50_ms":812.4,"latency_p95_ms":812.4,"ttft_p50_ms":210.1},
		{"model":"unknown","day":"2026-11-23","calls":1,"errors":1,"unpriced_calls":1,"cache_hits":0,"cost_usd":null,"saved_usd":"0.000000000",
		 "input_tokens":10,"output_tokens":20,"usage":{"input_uncached":10,"cache_read":0,"cache_write_5m":0,"cache_write_1h":0,"output_text":20,"reasoning":0,"input_audio":0,"output_audio":0},
		 "latency_p50_ms":812.4,"latency_p95_ms":812.4,"ttft_p50_ms":null},
		{"model":"gpt-4o-mini-2024-07-18","day":"2026-11-24","calls":1,"errors":0,"unpriced_calls":0,"cache_hits":1,"cost_usd":"0.000000000","saved_usd":"0.000013500",
		 "input_tokens":15,"output_tokens":21,"usage":{"input_uncached":1,"cache_read":2,"cache_write_5m":3,"cache_write_1h":4,"output_text":6,"reasoning":7,"input_audio":5,"output_audio":8},
		 "latency_p50_ms":812.4,"latency_p95_ms":812.4,"ttft_p50_ms":210.1}],
		"total":{"calls":3,"errors":1,"unpriced_calls":1,"cache_hits":1,"cost_usd":"0.000013500","saved_usd":"0.000013500",
		 "input_tokens":35,"output_tokens":61,"usage":{"input_uncached":21,"cache_read":2,"cache_write_5m":3,"cache_write_1h":4,"output_text":46,"reasoning":7,"input_audio":5,"output_audio":8},
		 "latency_p50_ms":812.4,"latency_p95_ms":812.4,"ttft_p50_ms":210.1}}`)
	equalJSON(t, w.ask("GET", "/costs?by=user&project=none", "").Body.String(), `{"rows":[],
		"total":{"calls":0,"errors":0,"unpriced_calls":0,"cache_hits":0,"cost_usd":"0.000000000","saved_usd":"0.000000000","input_tokens":0,"output_tokens":0,
		 "usage":{"input_uncached":0,"cache_read":0,"cache_write_5m":0,"cache_write_1h":0,"output_text":0,"reasoning":0,"input_audio":0,"output_audio":0},
		 "latency_p50_ms":null,"latency_p95_ms":null,"ttft_p50_ms":null}}`)
}

// groups asks for costs and gives the values of the groups with their calls.
func (w *world) groups(query string, by ...string) string {
	w.t.Helper()
	var got struct{ Rows []map[string]any }
	w.get("/costs?"+query, &got)
	var out []string
	for _, r := range got.Rows {
		var values []string
		for _, name := range by {
			values = append(values, r[name].(string))
		}
		out = append(out, strings.Join(values, ",")+"="+fmt.Sprint(r["calls"]))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestCostGroups(t *testing.T) {
	w := newWorld(t)
	w.costs()
	for _, tt := range []struct{ query, by, want string }{
		{"by=day", "day", "2026-11-23=2 2026-11-24=1"},
		{"by=day&timezone=Europe/Berlin", "day", "2026-11-23=1 2026-11-24=2"},
		{"by=day&timezone=Europe/Berlin&since=2026-11-24", "day", "2026-11-24=2"}, // the day of that zone
		{"by=month", "month", "2026-11=3"},
		{"by=hour&until=2026-11-23T23:30:00Z", "hour", "2026-11-23T08:00:00Z=1"},
		{"by=minute&status=error", "minute", "2026-11-23T23:30:00Z=1"},
		{"by=tag.team,status", "tag.team,status", "a,error=1 a,ok=2"},
		{"by=project,key,provider,endpoint&unpriced=true", "project,key,provider,endpoint", "default,dev,openai,chat.completions=1"},
		{"by=session,prompt,arm,user&model=unknown", "session,prompt,arm,user", `s1,,,=HYPERLINK("x")=1`},
		{"", "", ""},
	} {
		if got := w.groups(tt.query, strings.Split(tt.by, ",")...); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.query, got, tt.want)
		}
	}
}

func TestCostsAsCSV(t *testing.T) {
	w := newWorld(t)
	w.costs()
	table := func(target string, change ...func(*http.Request)) [][]string {
		t.Helper()
		rec := w.ask("GET", target, "", change...)
		if got := rec.Header().Get("Content-Type"); rec.Code != 200 || got != "text/csv; charset=utf-8" {
			t.Fatalf("%s: %d %s %s", target, rec.Code, got, rec.Body)
		}
		rows, err := csv.NewReader(rec.Body).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	want := [][]string{
		append([]string{"user", "model"}, sumColumns...),
		strings.Split("u1,gpt-4o-mini-2024-07-18,2,0,0,1,0.000013500,0.000013500,25,41,11,2,3,4,5,26,7,8,812.4,812.4,210.1", ","),
		append([]string{`'=HYPERLINK("x")`, "unknown"}, strings.Split("1,1,1,0,,0.000000000,10,20,10,0,0,0,0,20,0,0,812.4,812.4,", ",")...),
	}
	if diff := cmp.Diff(want, table("/costs?by=user,model&format=csv")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if diff := cmp.Diff(want, table("/costs?by=user,model", header("Accept", "text/csv, */*;q=0.1"))); diff != "" {
		t.Errorf("by Accept: -want +got\n%s", diff)
	}
	if got := table("/costs?format=csv"); len(got) != 2 || got[1][0] != "3" {
		t.Errorf("without groups: %v, want the total", got)
	}
	if rec := w.ask("GET", "/costs?format=json", "", header("Accept", "text/csv")); rec.Header().Get("Content-Type") != "application/json" {
		t.Errorf("format=json gives %s", rec.Header().Get("Content-Type"))
	}
}

func TestFacets(t *testing.T) {
	w := newWorld(t)
	w.costs()
	equalJSON(t, w.ask("GET", "/facets?until=2026-11-24", "").Body.String(), `{
		"project":[{"value":"default","calls":2}],"key":[{"value":"dev","calls":2}],
		"user":[{"value":"=HYPERLINK(\"x\")","calls":1},{"value":"u1","calls":1}],
		"model":[{"value":"gpt-4o-mini-2024-07-18","calls":1},{"value":"unknown","calls":1}],
		"provider":[{"value":"openai","calls":2}],"status":[{"value":"error","calls":1},{"value":"ok","calls":1}]}`)
	equalJSON(t, w.ask("GET", "/facets?project=none", "").Body.String(), `{"project":[],"key":[],"user":[],"model":[],"provider":[],"status":[]}`)
	var got struct{ User []trace.Facet }
	w.get("/facets?limit=1", &got)
	if len(got.User) != 1 || got.User[0].Value != "u1" {
		t.Errorf("limit=1: %v", got.User)
	}
}

func TestSystem(t *testing.T) {
	w := newWorld(t)
	equalJSON(t, w.ask("GET", "/system", "").Body.String(), `{
		"version":"v1","started_at":"2026-11-23T08:00:00.123456Z","uptime_seconds":60,"data_dir":"data","listen":"127.0.0.1:4000",
		"clickhouse":{"mode":"embedded","ok":true,"error":""},"control":{"kind":"sqlite"},"qdrant":null,
		"providers":[{"name":"openai","kind":"openai","base_url":"https://api.example/v1","live":true}],
		"replicas":[{"id":"r1","name":"host 127.0.0.1:4000","started_at":"2026-11-23T08:00:00.123456Z","prompts_revision":7}]}`)
}

func TestExport(t *testing.T) {
	w := newWorld(t)
	w.costs()
	lines := func(target string) []map[string]any {
		t.Helper()
		rec := w.ask("GET", target, "")
		if rec.Code != 200 || rec.Header().Get("Content-Type") != "application/x-ndjson" || !strings.Contains(rec.Header().Get("Content-Disposition"), "weir-calls.jsonl") {
			t.Fatalf("%s: %d %v", target, rec.Code, rec.Header())
		}
		var out []map[string]any
		for line := range strings.Lines(rec.Body.String()) {
			var v map[string]any
			if err := json.Unmarshal([]byte(line), &v); err != nil {
				t.Fatal(err)
			}
			out = append(out, v)
		}
		return out
	}
	got := lines("/export/calls")
	if len(got) != 3 || got[0]["id"] != "call-1" || got[2]["id"] != "next" || got[0]["cost_usd"] != "0.000013500" || got[1]["cost_usd"] != nil {
		t.Errorf("got %v", got)
	}
	if _, ok := got[0]["request"]; ok {
		t.Error("bodies come without being asked for")
	}
	got = lines("/export/calls?format=jsonl&bodies=true&until=2026-11-23T09:00:00Z")
	if len(got) != 1 || got[0]["request"].(map[string]any)["n"] != 1.5 || !strings.HasPrefix(got[0]["response"].(string), "data: ") {
		t.Errorf("with bodies: %v", got)
	}
	if got := lines("/export/calls?project=none"); len(got) != 0 {
		t.Errorf("nothing to export: %v", got)
	}
}

func TestExportAsCSV(t *testing.T) {
	w := newWorld(t)
	w.costs()
	for _, bodies := range []bool{false, true} {
		rec := w.ask("GET", fmt.Sprintf("/export/calls?format=csv&bodies=%v", bodies), "")
		rows, err := csv.NewReader(rec.Body).ReadAll()
		if err != nil || len(rows) != 4 || rec.Header().Get("Content-Type") != "text/csv; charset=utf-8" {
			t.Fatalf("%v, %d rows, %v", err, len(rows), rec.Header())
		}
		cell := func(row int, column string) string { return rows[row][slices.Index(rows[0], column)] }
		for _, tt := range []struct {
			row          int
			column, want string
		}{
			{1, "id", "call-1"},
			{1, "start_time", "2026-11-23T08:00:00.123456Z"},
			{1, "tags", `{"team":"a"}`},
			{1, "cost_usd", "0.000013500"},
			{1, "ttft_ms", "210.1"},
			{1, "finish_reasons", "stop"},
			{1, "stream", "true"},
			{2, "cost_usd", ""},
			{2, "ttft_ms", ""},
			{2, "user", `'=HYPERLINK("x")`},
			{3, "output_audio", "8"},
			{3, "saved_usd", "0.000013500"},
		} {
			if got := cell(tt.row, tt.column); got != tt.want {
				t.Errorf("row %d, %s: %q, want %q", tt.row, tt.column, got, tt.want)
			}
		}
		if bodies && cell(1, "request") != string(example().Body.Request) {
			t.Errorf("request: %q", cell(1, "request"))
		}
	}
}

// A client must be able to tell a part from the whole: the connection breaks where the store did.
func TestExportCutOff(t *testing.T) {
	w := newWorld(t)
	w.api.cfg.Reader = cutShort{broken{errors.New("disk on fire")}}
	for _, format := range []string{"jsonl", "csv", "parquet"} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", prefix+"/export/calls?format="+format, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		func() {
			defer func() {
				if got := recover(); got != http.ErrAbortHandler { //nolint:errorlint // a panic's value, not an error's chain
					t.Errorf("%s: %v, want the connection broken off", format, got)
				}
			}()
			w.handler.ServeHTTP(httptest.NewRecorder(), r)
		}()
	}
	if !strings.Contains(w.log.String(), "disk on fire") {
		t.Errorf("log: %s", w.log)
	}
}
