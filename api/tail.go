package api

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace/tail"
)

const (
	contentEvents = "text/event-stream"
	// heartbeat is how often a tail says something, and looks whether its session still holds.
	heartbeat = 15 * time.Second
	// fullRetry is when a place at the tail is worth asking for again.
	fullRetry = 30 * time.Second
)

// Why a tail ends.
const (
	endStopping  = "stopping"
	endSignedOut = "signed_out"
)

// tailRoute is that of the tail. It has the filters of lists, but for those that are not of one call as it comes.
func (a *API) tailRoute() route {
	list := "GET " + prefix + "/calls has "
	instead := map[string]string{
		"q":      "the tail does not look into what was said; " + list + "q, and the tail the filters project, model, user, session, status, tag.k and others",
		"since":  "the tail shows what comes; " + list + "the past, and the header Last-Event-ID goes on after a call of the last minute",
		"until":  "the tail shows what comes, until it is left; " + list + "the past",
		"cursor": "the tail has no pages; the header Last-Event-ID goes on after a call of the last minute",
		"limit":  "the tail shows what comes, until it is left; " + list + "a limit",
		"sort":   "the tail shows calls in the order they came",
		"order":  "the tail shows calls in the order they came",
	}
	params := slices.DeleteFunc(slices.Clone(filterParams), func(p param) bool { return instead[p.name] != "" })
	return route{
		method: "GET", path: "/calls/tail", name: "tailCalls", params: params, instead: instead,
		summary: "Calls as they are recorded, as server-sent events: call, whose data is a call as lists have it and whose id is the call's; skipped, when the client is too slow, " +
			"with their number; end, with the reason stopping or signed_out. The header Last-Event-ID goes on after a call, within the last minute. A comment comes every 15 seconds",
		status: http.StatusOK, out: listedCall{}, stream: contentEvents, handle: a.tailCalls,
	}
}

// tailCalls sends events until the client leaves, weir stops or the session ends.
func (a *API) tailCalls(w http.ResponseWriter, r *http.Request) error {
	f, err := readFilter(r.URL.Query(), time.Now(), time.UTC)
	if err != nil {
		return err
	}
	after := r.Header.Get("Last-Event-ID")
	l, err := a.cfg.Tail.Follow(r.Context(), f, after)
	if err != nil {
		return tailFault(err)
	}
	defer l.Close()
	w.Header().Set("Content-Type", contentEvents)
	w.Header().Set("X-Accel-Buffering", "no") // a proxy that collects answers would hold the calls back
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	s := events{w, http.NewResponseController(w)}
	if after == "" {
		s.place(cmp.Or(l.From(), "0")) // who connects again before a call came names it
		_, _ = io.WriteString(w, "\n")
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for err := s.Flush(); err == nil; err = s.Flush() { // an error is a client that has left
		select {
		case <-r.Context().Done():
			return nil
		case <-a.cfg.Tail.Stopped():
			s.take(l)
			s.end(endStopping)
			return nil
		case <-l.Ready():
			s.take(l)
		case <-beat.C:
			if a.signedOut(r) {
				s.end(endSignedOut)
				return nil
			}
			_, _ = io.WriteString(w, ": weir\n\n")
		}
	}
	return nil
}

// tailFault says why nobody more may listen.
func tailFault(err error) error {
	switch {
	case errors.Is(err, tail.ErrFull):
		f := llm.Faultf(llm.RateLimited, "%d listen to the tail of calls already, which is the most: close a console that is live or a weir calls tail, or list calls with GET %s/calls", tail.MostListeners, prefix)
		f.RetryAfter = fullRetry
		return f
	case errors.Is(err, tail.ErrStopping):
		f := llm.Faultf(llm.RecordUnavailable, "this weir is stopping; connect again when it is back")
		f.RetryAfter = awayRetry
		return f
	}
	return fmt.Errorf("follow calls: %w", err)
}

// signedOut says whether a request would be refused by now. That it cannot be found out at the moment is no reason.
func (a *API) signedOut(r *http.Request) bool {
	_, err := a.letIn(r, account.Viewer)
	f, ok := errors.AsType[*llm.Fault](err)
	return ok && (f.Code == llm.Unauthorized || f.Code == llm.Forbidden)
}

// events writes server-sent events. What cannot be written is told by Flush.
type events struct {
	to io.Writer
	*http.ResponseController
}

// take sends what came to a listener.
func (s events) take(l *tail.Listener) {
	calls, skipped := l.Take()
	for _, c := range calls {
		s.place(c.ID)
		s.send("call", listedOf(c))
	}
	if skipped > 0 {
		s.send("skipped", map[string]int64{"calls": skipped})
	}
}

// end says why nothing more comes.
func (s events) end(reason string) {
	s.send("end", map[string]string{"reason": reason})
	_ = s.Flush()
}

// place begins an event with an id, which a client names when it connects again.
func (s events) place(id string) {
	if !strings.ContainsAny(id, "\r\n\x00") {
		_, _ = io.WriteString(s.to, "id: "+id+"\n")
	}
}

// send ends an event with its name and data.
func (s events) send(name string, data any) {
	text, err := json.Marshal(data) // on one line
	if err == nil {
		_, _ = fmt.Fprintf(s.to, "event: %s\ndata: %s\n\n", name, text)
	}
}
