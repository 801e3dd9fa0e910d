package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// checkClient compares what the client got.
func (want *outcome) checkClient(t *testing.T, d *dialogue, got *answered) {
	t.Helper()
	if got.id() == "" {
		t.Fatalf("the answer has no call id: %d %v %s", got.status, got.header, got.body)
	}
	if status := max(want.status, 200); want.status == 0 && got.status != 200 || want.status != 0 && got.status != status {
		t.Errorf("status %d, want %d: %.300s", got.status, status, got.body)
	}
	if broken := got.err != nil; broken != want.broken {
		t.Errorf("the answer ended with %v after %d bytes; broken off was %v", got.err, len(got.body), want.broken)
	}
	for name, value := range want.headers {
		if got.header.Get(name) != value {
			t.Errorf("header %s: %.80q, want %.80q", name, got.header.Get(name), value)
		}
	}
	if n := fmt.Sprint(max(want.attempts, 1)); got.header.Get("X-Weir-Attempts") != n || !strings.HasSuffix(got.header.Get("X-Weir-Provider"), d.kind) || got.header.Get("X-Weir-Model") != d.model {
		t.Errorf("X-Weir-Attempts %q, -Provider %q, -Model %q", got.header.Get("X-Weir-Attempts"), got.header.Get("X-Weir-Provider"), got.header.Get("X-Weir-Model"))
	}
	if want.code == "" {
		if string(got.body) != want.body {
			t.Errorf("the client got\n%.600q\nwant\n%.600q", got.body, want.body)
		}
		return
	}
	var e struct {
		Type  string
		Error struct{ Type, Message, Code string }
	}
	if err := json.Unmarshal(got.body, &e); err != nil || e.Error.Code != want.code || e.Error.Message == "" || e.Error.Type == "" || (d.kind == "anthropic") != (e.Type == "error") {
		t.Errorf("the error is %s (%v), want the code %s in the shape of %s", got.body, err, want.code, d.kind)
	}
	if strings.Contains(string(got.body), "canary") {
		t.Error("the provider's key is in the error")
	}
}

// checkRecord compares what was recorded, in the store and as the API shows it.
func (want *outcome) checkRecord(t *testing.T, u *upstreams, d *dialogue, got *answered, rec trace.Record) {
	t.Helper()
	if want.attempts > 1 || !utf8.Valid(rec.Body.Response) {
		whole, err := u.reader.Call(t.Context(), got.id()) // with its attempts
		if err != nil {
			t.Fatal(err)
		}
		rec = whole
		want.checkAPI(t, u, got.id())
	}
	c := &rec.Call
	status := want.record
	if status == "" {
		status = trace.StatusOK
	}
	if c.Status != status || c.ErrorCode != want.errors || c.HTTPStatus != got.status || (c.Error != nil) != (want.errors != "") {
		t.Errorf("recorded %s %q %d %+v, want %s %q %d", c.Status, c.ErrorCode, c.HTTPStatus, c.Error, status, want.errors, got.status)
	}
	if c.Stream != d.stream || c.Endpoint != d.endpoint || c.Model != d.model || !strings.HasSuffix(c.Provider, d.kind) {
		t.Errorf("recorded stream %v, endpoint %s, model %s, provider %s", c.Stream, c.Endpoint, c.Model, c.Provider)
	}
	want.checkUsage(t, d, c, got)
	slices.Sort(c.Flags)
	if !slices.Equal(c.Flags, want.flags) {
		t.Errorf("flags %q, want %q", c.Flags, want.flags)
	}
	want.checkAttempts(t, &rec)
	kept := want.body
	if want.kept != nil {
		kept = *want.kept
	}
	if got := string(rec.Body.Response); got != kept && (!want.keptMore || !strings.HasPrefix(got, kept)) {
		t.Errorf("the answer on record is\n%.600q\nwant\n%.600q", rec.Body.Response, kept)
	}
}

func (want *outcome) checkUsage(t *testing.T, d *dialogue, c *trace.Span, got *answered) {
	t.Helper()
	if c.UsageSource != want.source {
		t.Errorf("usage comes from %q, want %q", c.UsageSource, want.source)
	}
	cost, known := c.KnownCost()
	switch {
	case known == want.unpriced:
		t.Errorf("price status %s, want unpriced: %v", c.PriceStatus, want.unpriced)
	case want.source == llm.FromProvider && c.Usage != d.usage:
		t.Errorf("usage %+v, want %+v", c.Usage, d.usage)
	case want.source == llm.Estimated && (c.Usage.Input() == 0 || c.Usage.Output() == 0):
		t.Errorf("estimated usage %+v: both sides were used", c.Usage)
	case want.source == llm.NoUsage && (c.Usage != llm.Usage{} || cost != 0):
		t.Errorf("usage %+v for %v, want none", c.Usage, cost)
	}
	if want.source != llm.NoUsage {
		q := price.Embedded().Quote(price.Charge{Provider: d.kind, Model: c.Model, Usage: c.Usage, At: c.Start})
		if cost != q.Cost || cost == 0 {
			t.Errorf("cost %v, want %v", cost, q.Cost)
		}
	}
	for where, h := range map[string]http.Header{"header": got.header, "trailer": got.trailer} {
		if told := h.Get(costHeaderName); told != "" && (!known || told != cost.String()) {
			t.Errorf("the %s says %s, the record %v (known: %v)", where, told, cost, known)
		}
	}
	if complete := want.code == "" && !want.broken && known; complete && got.header.Get(costHeaderName) == "" && got.trailer.Get(costHeaderName) == "" {
		t.Error("the client was not told the cost")
	}
}

const costHeaderName = "X-Weir-Cost-Usd"

// checkAttempts: a call that took one try is its own attempt; each of several has a span.
func (want *outcome) checkAttempts(t *testing.T, rec *trace.Record) {
	t.Helper()
	n := max(want.attempts, 1)
	if rec.Call.Attempts != n || n > 1 && len(rec.Attempts) != n || n == 1 && len(rec.Attempts) != 0 {
		t.Fatalf("%d attempts with %d spans, want %d", rec.Call.Attempts, len(rec.Attempts), n)
	}
	for i := range rec.Attempts {
		a := &rec.Attempts[i]
		bad := want.statuses[i] != 200
		if a.HTTPStatus != want.statuses[i] || (a.Status == trace.StatusError) != bad || bad != (a.ErrorCode != "") || a.ParentID != rec.Call.SpanID {
			t.Errorf("attempt %d: %s %q %d, want %d", i, a.Status, a.ErrorCode, a.HTTPStatus, want.statuses[i])
		}
	}
	if n > 1 {
		if waited := rec.Attempts[1].Start.Sub(rec.Attempts[0].Start); waited < want.waited {
			t.Errorf("tried again after %v, want %v at least", waited, want.waited)
		}
	}
}

// checkAPI: whatever bytes are on record, the API shows them as valid JSON in valid UTF-8.
func (want *outcome) checkAPI(t *testing.T, u *upstreams, id string) {
	t.Helper()
	var raw json.RawMessage
	u.get(t, "/calls/"+id, &raw)
	if !utf8.Valid(raw) || !json.Valid(raw) {
		t.Errorf("the API's answer is no JSON: %.300q", raw)
	}
	var call struct {
		Attempts []json.RawMessage `json:"attempts"`
		CostUSD  *price.USD        `json:"cost_usd"`
	}
	if err := json.Unmarshal(raw, &call); err != nil || len(call.Attempts) != max(want.attempts, 1) || (call.CostUSD == nil) != want.unpriced {
		t.Errorf("the API says %d attempts and a cost of %v (%v)", len(call.Attempts), call.CostUSD, err)
	}
}
