package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/llm/tokens"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

var someNow = time.Date(2026, time.November, 24, 15, 0, 0, 0, time.UTC) // a Tuesday

func someHistory(t *testing.T) []trace.Record {
	t.Helper()
	return slices.Collect(History(HistoryConfig{Seed: 1, Now: someNow, CallsPerDay: 1000, Bodies: 1500}))
}

func TestHistoryIsDeterministic(t *testing.T) {
	cfg := HistoryConfig{Seed: 5, Now: someNow, Days: 2, CallsPerDay: 200}
	a, b := slices.Collect(History(cfg)), slices.Collect(History(cfg))
	if len(a) < 100 {
		t.Fatalf("got only %d records", len(a))
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("the same seed gave another history:\n%s", cmp.Diff(a, b))
	}
	cfg.Seed++
	if c := slices.Collect(History(cfg)); c[0].Call.ID == a[0].Call.ID {
		t.Error("another seed gave the same ids")
	}
}

func TestHistoryStopsWhenAsked(t *testing.T) {
	n := 0
	for range History(HistoryConfig{Now: someNow}) {
		if n++; n == 10 {
			break
		}
	}
	if n != 10 {
		t.Errorf("got %d records, want 10", n)
	}
}

// What a record says of its tokens is what its bodies have.
func TestHistoryCountsAreTrue(t *testing.T) {
	all := someHistory(t)
	checked := 0
	for i, r := range all {
		s := r.Call
		if !json.Valid(r.Body.Request) {
			t.Fatalf("the request is not JSON: %s", r.Body.Request)
		}
		if i < len(all)-1000 || s.UsageSource == llm.NoUsage {
			continue
		}
		checked++
		enc, _ := tokens.For(s.Model)
		if s.Provider != "openai" {
			enc = tokens.O200k
		}
		if got, want := s.Usage.Input(), int64(tokens.Request(string(s.Endpoint), enc, r.Body.Request)); got != want {
			t.Fatalf("%s %s: got %d input tokens, the request has %d\n%s", s.Project, s.Endpoint, got, want, r.Body.Request)
		}
		if s.Endpoint != llm.ChatCompletions {
			continue
		}
		a := llm.Assemble(s.Endpoint, llm.OpenAI, s.Stream, r.Body.Response)
		if len(a.Texts) != 1 {
			t.Fatalf("%s: no answer in %s", s.Project, r.Body.Response)
		}
		if got, want := s.Usage.OutputText, int64(tokens.CountString(tokens.O200k, a.Texts[0])); got != want {
			t.Fatalf("%s: got %d output tokens, the answer has %d: %q", s.Project, got, want, a.Texts[0])
		}
		if s.Status != trace.StatusOK {
			continue
		}
		m := llm.NewMeter(llm.MeterConfig{Endpoint: s.Endpoint, Path: s.Path, Dialect: llm.OpenAI, Stream: s.Stream, Status: 200})
		if s.Stream {
			var split llm.Splitter
			split.Write(r.Body.Response)
			for ev, ok := split.Next(); ok; ev, ok = split.Next() {
				m.Event(ev)
			}
		} else {
			m.Body(r.Body.Response)
		}
		out := m.End(false)
		if diff := cmp.Diff(s.Usage, out.Usage); diff != "" {
			t.Fatalf("%s: the record's usage is not what its answer says (-record +answer):\n%s\n%s", s.Project, diff, r.Body.Response)
		}
		if out.Model != s.Model || out.ResponseID != s.ResponseID || string(out.UsageRaw) != s.UsageRaw {
			t.Fatalf("the answer names %s, %s, %s; the record %s, %s, %s", out.Model, out.ResponseID, out.UsageRaw, s.Model, s.ResponseID, s.UsageRaw)
		}
	}
	if checked < 700 {
		t.Errorf("only %d records had something to count", checked)
	}
}

func TestHistoryMoney(t *testing.T) {
	book := price.Embedded()
	var unpriced, saved int
	for _, r := range someHistory(t) {
		s := r.Call
		_, known := s.KnownCost()
		switch {
		case s.Model == "house-llm-7b" && s.UsageSource != llm.NoUsage:
			unpriced++
			if known {
				t.Fatalf("%s has a cost: %v", s.Model, s.Cost)
			}
		case s.UsageSource == llm.NoUsage:
			if s.Cost != 0 || !known {
				t.Fatalf("nothing was used, but the cost is %v, %s", s.Cost, s.PriceStatus)
			}
		default:
			q := book.Quote(price.Charge{Provider: s.Provider, Model: s.Model, Usage: s.Usage, At: s.Start})
			if want, ok := q.Known(); !ok || s.Cost != want || s.PriceVersion == "" {
				t.Fatalf("%s: got %v, %s; the book says %v, %s", s.Model, s.Cost, s.PriceStatus, want, q.Status)
			}
		}
		if hit := s.Cache == trace.CacheHit || s.Cache == trace.CacheSemantic; hit != (s.Saved > 0) {
			t.Fatalf("cache %s saved %v", s.Cache, s.Saved)
		} else if hit {
			saved++
		}
		for _, a := range r.Attempts {
			if a.Cost != 0 || a.Kind != trace.KindAttempt || a.ParentID != s.SpanID || a.TraceID != s.TraceID {
				t.Fatalf("a bad attempt: %+v", a)
			}
		}
	}
	if unpriced == 0 || saved == 0 {
		t.Errorf("got %d unpriced calls and %d cache hits, want some", unpriced, saved)
	}
}

func TestHistoryShape(t *testing.T) {
	all := someHistory(t)
	ids := map[string]bool{}
	status, projects, cache := map[trace.Status]int{}, map[string]int{}, map[trace.Cache]int{}
	users := map[string]int{}
	bot := map[string][2]int{} // calls of the support bot by model, before and after the switch
	var week, weekend, bad, badErrors, calm, calmErrors, early, late, attempts, ttft int
	inc := incidentBefore(someNow)
	start := someNow.AddDate(0, 0, -30)
	last := time.Time{}
	for _, r := range all {
		s := r.Call
		if ids[s.ID] {
			t.Fatalf("two calls have the id %s", s.ID)
		}
		ids[s.ID] = true
		if at, ok := llm.IDTime(s.ID); !ok || at.Sub(s.Start).Abs() > time.Millisecond {
			t.Fatalf("the id %s does not tell the time %v", s.ID, s.Start)
		}
		if len(s.TraceID) != 32 || len(s.SpanID) != 16 {
			t.Fatalf("bad trace ids: %s %s", s.TraceID, s.SpanID)
		}
		if s.Start.Before(start) || s.Start.After(someNow) || s.Start.Truncate(time.Microsecond) != s.Start || s.Start.Before(last.Add(-10*time.Second)) {
			t.Fatalf("a call at %v, after one at %v", s.Start, last)
		}
		last = s.Start
		if s.Duration <= 0 || s.TTFT > s.Duration || (s.TTFT > 0) != (s.Stream && s.Status != trace.StatusError && s.HTTPStatus == 200) {
			t.Fatalf("%s, stream %v: first byte after %v of %v", s.Status, s.Stream, s.TTFT, s.Duration)
		}
		if (s.Status == trace.StatusOK) != (s.ErrorCode == "") {
			t.Fatalf("status %s with code %q", s.Status, s.ErrorCode)
		}
		status[s.Status]++
		projects[s.Project]++
		cache[s.Cache]++
		attempts += len(r.Attempts)
		if s.Stream {
			ttft++
		}
		if s.User != "" && s.Project == "support-bot" {
			users[s.User]++
		}
		if s.Project == "code-assistant" {
			if d := s.Start.Weekday(); d == time.Saturday || d == time.Sunday {
				weekend++
			} else {
				week++
			}
		}
		if inc.holds(s.Provider, s.Start) {
			bad++
			if s.Status == trace.StatusError {
				badErrors++
			}
		} else {
			calm++
			if s.Status == trace.StatusError {
				calmErrors++
			}
		}
		if s.Start.Before(start.AddDate(0, 0, 7)) {
			early++
		} else if s.Start.After(someNow.AddDate(0, 0, -7)) {
			late++
		}
		if s.Project == "support-bot" && s.Provider == "openai" {
			n := bot[s.ModelRequested]
			if s.Start.Sub(start) < time.Duration(switchAt*float64(30*24*time.Hour)) {
				n[0]++
			} else {
				n[1]++
			}
			bot[s.ModelRequested] = n
		}
	}
	for _, want := range []trace.Status{trace.StatusOK, trace.StatusError, trace.StatusClientClosed, trace.StatusRateLimited, trace.StatusBudget} {
		if status[want] == 0 {
			t.Errorf("no call ended as %s: %v", want, status)
		}
	}
	if share := float64(status[trace.StatusOK]) / float64(len(all)); share < .95 || share > .995 {
		t.Errorf("%.3f of the calls went well", share)
	}
	if len(projects) != len(apps) || len(cache) != 4 || attempts == 0 || ttft == 0 {
		t.Errorf("got projects %v, cache %v, %d attempts, %d streams", projects, cache, attempts, ttft)
	}
	if float64(badErrors)/float64(bad) < 8*float64(calmErrors)/float64(calm) {
		t.Errorf("errors in the incident %d of %d, else %d of %d", badErrors, bad, calmErrors, calm)
	}
	if weekend*10 > week {
		t.Errorf("the code assistant has %d calls at weekends, %d in the week", weekend, week)
	}
	if late <= early {
		t.Errorf("no growth: %d calls in the first week, %d in the last", early, late)
	}
	most, total := 0, 0
	for _, n := range users {
		most, total = max(most, n), total+n
	}
	if most*20 < total || len(users) < 100 {
		t.Errorf("the busiest of %d users made %d of %d calls, want a heavy tail", len(users), most, total)
	}
	// A conversation that was open at the change ends with the model it began with.
	if old, fresh := bot["gpt-4o"], bot["gpt-4.1-mini"]; old[0] == 0 || old[1] > 5 || fresh[0] != 0 || fresh[1] == 0 {
		t.Errorf("calls before and after the change: gpt-4o %v, gpt-4.1-mini %v", old, fresh)
	}
}

func TestLeanHistory(t *testing.T) {
	var with, without int
	for r := range History(HistoryConfig{Now: someNow, Days: 3, CallsPerDay: 400, Bodies: 100, Lean: true}) {
		if r.Body.Request == nil && r.Body.Response == nil {
			without++
		} else {
			with++
			if r.Body.Request == nil {
				t.Fatalf("half a body: %s", r.Body.Response)
			}
		}
	}
	if with == 0 || with > 130 || without < 5*with { // an embedding comes with its call
		t.Errorf("%d records have bodies and %d have none", with, without)
	}
}

func TestHistoryInOneProject(t *testing.T) {
	for r := range History(HistoryConfig{Now: someNow, Days: 1, CallsPerDay: 200, Project: "demo", KeyID: func(_, name string) string { return "id-" + name }}) {
		if r.Call.Project != "demo" || r.Call.Tags["app"] == "" || r.Call.KeyID != "id-"+r.Call.Key {
			t.Fatalf("got project %s, tags %v, key %s", r.Call.Project, r.Call.Tags, r.Call.KeyID)
		}
	}
}

func TestTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		s := New(Config{})
		keys := Keys()
		var n, streams, embeddings, continued int
		for r := range Traffic(ctx, TrafficConfig{Seed: 1, Rate: 2}) {
			n++
			if !slices.ContainsFunc(keys, func(k Key) bool { return k.Project == r.Project && k.Name == r.Key }) {
				t.Fatalf("no such key: %s %s", r.Project, r.Key)
			}
			if w := ask(t, s, r.Path, string(r.Body)); w.Code != 200 {
				t.Fatalf("%s: got %d: %s", r.Body, w.Code, w.Body)
			}
			if !strings.Contains(r.Header.Get("X-Weir-Tags"), "team=") {
				t.Errorf("got tags %q", r.Header.Get("X-Weir-Tags"))
			}
			if r.Stream {
				streams++
			}
			if r.Path == "/v1/embeddings" {
				embeddings++
			}
			if bytes.Contains(r.Body, []byte(`"role":"assistant"`)) {
				continued++
			}
		}
		if want := 600. * 1.2; math.Abs(float64(n)-want) > 120 {
			t.Errorf("got %d calls in five minutes, want about %.0f", n, want)
		}
		if streams == 0 || embeddings == 0 || continued == 0 {
			t.Errorf("got %d streams, %d embeddings, %d continued conversations", streams, embeddings, continued)
		}
	})
}

func BenchmarkHistory(b *testing.B) {
	n := 0
	for n < b.N {
		for range History(HistoryConfig{Seed: uint64(n), Now: someNow, CallsPerDay: 4000}) {
			if n++; n >= b.N {
				break
			}
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
