package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

// sessionBytes bounds the bodies of one answer, about: the turn that exceeds it is the last.
const sessionBytes = 4 << 20

var sessionParams = []param{
	{name: "project", about: "whose session it is; the one that asked last unless given"},
	{name: "limit", about: "how many calls, 1 to 1000; 50 unless given", kind: "integer"},
	{name: "cursor", about: "the next of the part before"},
}

// sessionList is a page of sessions.
type sessionList struct {
	Sessions []bundle `json:"sessions"`
	Next     string   `json:"next"` // "" at the end
}

// sessionTurn is a call of a session with what was said.
type sessionTurn struct {
	call
	Error    *llm.Error      `json:"error"`
	Request  json.RawMessage `json:"request"` // JSON, or a string of what is not; null when none is kept
	Response json.RawMessage `json:"response"`
}

// sessionCalls is a session.
type sessionCalls struct {
	Session bundle        `json:"session"`
	Turns   []sessionTurn `json:"turns"` // oldest first
	Next    string        `json:"next"`  // "" at the end
}

func (a *API) listSessions(w http.ResponseWriter, r *http.Request) error {
	page, err := a.readBundles(r, a.cfg.Bundles.Sessions)
	if err != nil {
		return fmt.Errorf("list sessions: %w", err)
	}
	return answer(w, http.StatusOK, sessionList{bundlesOf(page.Bundles), page.Next})
}

// readBundles reads the page that is asked for.
func (a *API) readBundles(r *http.Request, read func(context.Context, trace.Filter, int, string) (trace.BundlePage, error)) (trace.BundlePage, error) {
	q := r.URL.Query()
	f, err := readFilter(q, time.Now(), time.UTC)
	if err != nil {
		return trace.BundlePage{}, err
	}
	limit, err := readLimit(q, 50)
	if err != nil {
		return trace.BundlePage{}, err
	}
	return read(r.Context(), f, limit, q.Get("cursor"))
}

func (a *API) getCallSession(w http.ResponseWriter, r *http.Request) error {
	q, id := r.URL.Query(), r.PathValue("id")
	limit, err := readLimit(q, 50)
	if err != nil {
		return err
	}
	page, err := a.cfg.Bundles.Sessions(r.Context(), trace.Filter{Session: id, Project: q.Get("project")}, 1, "")
	if err != nil {
		return fmt.Errorf("read session: %w", err)
	}
	if len(page.Bundles) == 0 {
		return llm.Faultf(llm.NotFound, "no call of the session %s is in the store: it never was, or it is older than what is kept", clip(id))
	}
	s := &page.Bundles[0]
	f := trace.Filter{Session: id, Project: s.First.Project, Since: s.First.Start, Until: s.Last.Add(time.Microsecond)}
	after := ""
	if text := q.Get("cursor"); text != "" {
		at, id, ok := strings.Cut(text, " ")
		start, err := time.Parse(stampLayout, at)
		if !ok || err != nil {
			return bad("cursor", "the cursor is not one of this session: use the next of the part before, or leave it out to begin at the first call")
		}
		f.Since, after = start, id
	}
	out := sessionCalls{Session: bundleOf(s), Turns: []sessionTurn{}}
	bytes, last := 0, ""
	for rec, err := range a.cfg.Reader.Export(r.Context(), f, true) {
		if err != nil {
			return fmt.Errorf("read the calls of a session: %w", err)
		}
		if after != "" && rec.Call.Start.Equal(f.Since) && rec.Call.ID <= after {
			continue // of the part before
		}
		if len(out.Turns) == limit || bytes > sessionBytes {
			out.Next = last
			break
		}
		out.Turns = append(out.Turns, sessionTurn{callOf(&rec.Call), rec.Call.Error, jsonOf(rec.Body.Request), jsonOf(rec.Body.Response)})
		bytes += len(rec.Body.Request) + len(rec.Body.Response)
		last = stampText(rec.Call.Start) + " " + rec.Call.ID
	}
	return answer(w, http.StatusOK, out)
}
