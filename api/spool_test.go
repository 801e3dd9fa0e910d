package api

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

func TestSpool(t *testing.T) {
	w := newWorld(t)
	w.spool.stats = SpoolStats{
		Counters: trace.Counters{Accepted: 10, Written: 4, Waiting: 3, Quarantined: 2, Dropped: 1, BodiesDropped: 5, OldestWaitingSeconds: 0.4},
		AtRisk:   6, Damaged: 1, Discarded: 1, Lost: 7, UnderWay: 8, Segments: 2, Bytes: 1000, MaxBytes: 4000,
	}
	const counts = `"accepted":10,"written":4,"waiting":3,"quarantined":2,"dropped":1,"bodies_dropped":5,"oldest_waiting_seconds":0.4,
		"at_risk":6,"damaged":1,"discarded":1,"lost":7,"under_way":8,"segments":2,"bytes":1000,"max_bytes":4000`
	equalJSON(t, w.ask("GET", "/spool", "").Body.String(), `{`+counts+`,"problems":[],"error":""}`)
	w.spool.stats.Error = "the disk is full"
	w.spool.stats.Problems = []SpoolProblem{{Kind: "full", Message: "the disk is full", Action: "Free space."}}
	equalJSON(t, w.ask("GET", "/spool", "").Body.String(),
		`{`+counts+`,"problems":[{"kind":"full","message":"the disk is full","action":"Free space.","past":false}],"error":"the disk is full"}`)
}

func TestQuarantine(t *testing.T) {
	w := newWorld(t)
	equalJSON(t, w.ask("GET", "/spool/quarantine", "").Body.String(), `{"records":[],"total":0,"truncated":false}`)
	w.spool.quarantined = []Quarantined{
		{Number: 4, At: t0, Reason: "cannot parse a value", Bytes: 700, Record: example()},
		{Number: 9, At: t0, Reason: "record does not decode", Bytes: 70, Undecodable: true},
	}
	const readable = `"id":"call-1","number":4,"since":"2026-11-23T08:00:00.123456Z","reason":"cannot parse a value","bytes":700,"readable":true,
		"start_time":"2026-11-23T08:00:00.123456Z","project":"default","key":"dev","provider":"openai","model":"gpt-4o-mini-2024-07-18","status":"ok"`
	const unreadable = `"id":"9","number":9,"since":"2026-11-23T08:00:00.123456Z","reason":"record does not decode","bytes":70,"readable":false,
		"start_time":null,"project":"","key":"","provider":"","model":"","status":null`
	equalJSON(t, w.ask("GET", "/spool/quarantine", "").Body.String(), `{"records":[{`+readable+`},{`+unreadable+`}],"total":2,"truncated":false}`)
	equalJSON(t, w.ask("GET", "/spool/quarantine?limit=1", "").Body.String(), `{"records":[{`+readable+`}],"total":2,"truncated":true}`)
	equalJSON(t, w.ask("GET", "/spool/quarantine/9", "").Body.String(), `{`+unreadable+`,"call":null}`)
	for _, id := range []string{"4", "call-1"} {
		var got struct {
			ID, Reason string
			Call       struct {
				ID      string
				Request any
			}
		}
		if w.get("/spool/quarantine/"+id, &got); got.ID != "call-1" || got.Reason == "" || got.Call.ID != "call-1" || got.Call.Request == nil {
			t.Errorf("%s: %+v", id, got)
		}
	}
	for _, target := range []string{"POST /spool/quarantine/call-1/resend", "POST /spool/quarantine/9/resend", "DELETE /spool/quarantine/4", "DELETE /spool/quarantine/damaged"} {
		method, path, _ := strings.Cut(target, " ")
		if rec := w.ask(method, path, ""); rec.Code != map[string]int{"POST": http.StatusAccepted, "DELETE": http.StatusNoContent}[method] {
			t.Errorf("%s: %d %s", target, rec.Code, rec.Body)
		}
	}
	if !slices.Equal(w.spool.resent, []int64{4, 9}) || !slices.Equal(w.spool.discarded, []int64{4}) || w.spool.damaged != 1 {
		t.Errorf("resent %v, discarded %v, damaged %d times", w.spool.resent, w.spool.discarded, w.spool.damaged)
	}
}

func TestQuarantineRefusals(t *testing.T) {
	w := newWorld(t)
	for _, target := range []string{"/spool/quarantine/4", "/spool/quarantine/nothing"} {
		w.refused(w.ask("GET", target, ""), http.StatusNotFound, llm.NotFound, "GET /api/v1/spool/quarantine lists them")
		w.refused(w.ask("POST", target+"/resend", ""), http.StatusNotFound, llm.NotFound, "lists them")
		w.refused(w.ask("DELETE", target, ""), http.StatusNotFound, llm.NotFound, "lists them")
	}
	w.refused(w.ask("POST", "/spool/quarantine/4/resend", "", stranger), http.StatusUnauthorized, llm.Unauthorized)
	w.refused(w.ask("GET", "/spool/quarantine?limit=0", ""), http.StatusBadRequest, llm.InvalidRequest, "1 to 1000")
	w.spool.quarantined = []Quarantined{{Number: 4, At: t0}}
	for _, tt := range []struct {
		err    error
		status int
		code   llm.Code
		words  string
	}{
		{ErrNotQuarantined, http.StatusNotFound, llm.NotFound, "no record in quarantine"}, // somebody was quicker
		{ErrUndecodable, http.StatusBadRequest, llm.InvalidRequest, "cannot be resent"},
		{ErrSpoolFull, http.StatusServiceUnavailable, llm.RecordUnavailable, "free disk space"},
		{errors.New("input/output error"), http.StatusInternalServerError, llm.Internal, ""},
	} {
		w.spool.err = fmt.Errorf("resend record 4: %w", tt.err)
		w.refused(w.ask("POST", "/spool/quarantine/4/resend", ""), tt.status, tt.code, tt.words)
	}
	w.refused(w.ask("DELETE", "/spool/quarantine/4", ""), http.StatusInternalServerError, llm.Internal)
	w.refused(w.ask("DELETE", "/spool/quarantine/damaged", ""), http.StatusInternalServerError, llm.Internal)
	w.refused(w.ask("GET", "/spool/quarantine", ""), http.StatusInternalServerError, llm.Internal)
}
