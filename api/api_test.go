package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/weir-dev/weir/llm"
)

func TestFailures(t *testing.T) {
	w := newWorld(t)
	w.record(example())
	reads := []string{"/calls", "/calls/call-1", "/traces/x", "/costs", "/facets", "/prices/unpriced", "/export/calls"}

	w.store.Away = func() error { return errors.New("dial unix: secret detail") }
	for _, target := range reads {
		rec := w.ask("GET", target, "")
		got := w.refused(rec, http.StatusServiceUnavailable, llm.RecordUnavailable, "cannot be reached")
		if rec.Header().Get("Retry-After") != "5" || strings.Contains(got.Error.Message, "secret") {
			t.Errorf("GET %s: Retry-After %q, message %q", target, rec.Header().Get("Retry-After"), got.Error.Message)
		}
	}
	w.store.Away = nil

	w.api.cfg.Reader = broken{errors.New("table calls: secret detail")}
	for _, target := range reads {
		w.log.Reset()
		rec := w.ask("GET", target, "", header("X-Request-Id", "req-7"))
		got := w.refused(rec, http.StatusInternalServerError, llm.Internal)
		if strings.Contains(rec.Body.String(), "secret detail") || !strings.Contains(w.log.String(), "secret detail") || !strings.Contains(w.log.String(), "req-7") {
			t.Errorf("GET %s: answered %q, logged %q", target, got.Error.Message, w.log)
		}
	}

	w.log.Reset()
	w.api.cfg.Reader = broken{&llm.Fault{Code: llm.InvalidRequest, Message: "too wide", Param: "since"}}
	got := w.refused(w.ask("GET", "/costs", ""), http.StatusBadRequest, llm.InvalidRequest, "too wide")
	if got.Error.Param == nil || *got.Error.Param != "since" || w.log.Len() > 0 {
		t.Errorf("param %v, log %q", got.Error.Param, w.log)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.api.cfg.Reader = broken{context.Canceled}
	w.refused(w.ask("GET", "/calls", "", func(r *http.Request) { *r = *r.WithContext(ctx) }), 499, llm.ClientClosed)
	if w.log.Len() > 0 {
		t.Errorf("a client that left is logged: %s", w.log)
	}
}

func TestNowhere(t *testing.T) {
	w := newWorld(t)
	for _, target := range []string{"/nonsense", "", "/", "/calls/", "//calls", "/calls/../keys", "/calls/a/b", "/<script>"} {
		w.refused(w.ask("GET", target, "", stranger), http.StatusNotFound, llm.NotFound, "openapi.json")
	}
	for _, tt := range []struct{ method, target, allow string }{
		{"POST", "/calls", "GET, HEAD"},
		{"PUT", "/keys", "GET, HEAD, POST"},
		{"DELETE", "/keys", "GET, HEAD, POST"},
		{"GET", "/keys/abc", "DELETE"},
		{"OPTIONS", "/prices", "GET, HEAD, POST, DELETE"},
		{"BREW", "/session", "GET, HEAD, POST, DELETE"},
		{"POST", "/openapi.json", "GET, HEAD"},
	} {
		rec := w.ask(tt.method, tt.target, "", stranger)
		w.refused(rec, http.StatusMethodNotAllowed, llm.MethodNotAllowed, tt.method)
		if got := rec.Header().Get("Allow"); got != tt.allow {
			t.Errorf("%s %s: Allow %q, want %q", tt.method, tt.target, got, tt.allow)
		}
	}
}
