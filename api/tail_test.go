package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
	"github.com/weir-dev/weir/trace/tail"
	"github.com/weir-dev/weir/trace/tracetest"
)

// tailWorld is a world whose tail runs in a bubble.
type tailWorld struct {
	*world
	calls tracetest.Arriving
	stop  context.CancelFunc // as weir stops
}

func inTail(t *testing.T, do func(*testing.T, *tailWorld)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		w := &tailWorld{world: newWorld(t), calls: tracetest.Arriving{Memory: tracetest.Memory{Preview: tracetest.Preview}}}
		w.api.cfg.Reader = &w.calls
		w.api.cfg.Tail = tail.New(tail.Config{Arrivals: &w.calls, Log: slog.New(slog.DiscardHandler)})
		ctx, stop := context.WithCancel(t.Context())
		w.stop = stop
		var running sync.WaitGroup
		running.Go(func() { w.api.cfg.Tail.Run(ctx) })
		do(t, w)
		stop()
		running.Wait()
	})
}

// come lets calls of a project come.
func (w *tailWorld) come(project string, ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		r := example()
		r.Call.ID, r.Call.Project, r.Call.Start = id, project, time.Now()
		w.batches++
		if err := w.calls.Write(w.t.Context(), trace.Batch{Token: fmt.Sprint(w.batches), Records: trace.Slice([]trace.Record{r})}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// flow is a client that takes what is flushed to it.
type flow struct {
	header http.Header
	leave  context.CancelFunc
	done   chan struct{} // closed when the answer has ended

	mu      sync.Mutex // guards all below
	status  int
	written bytes.Buffer
	flushed bytes.Buffer
	stuck   chan struct{} // while not nil, a flush waits for it
}

func (f *flow) Header() http.Header { return f.header }

func (f *flow) WriteHeader(status int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status = status
}

func (f *flow) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.written.Write(p)
}

func (f *flow) FlushError() error {
	f.mu.Lock()
	stuck := f.stuck
	f.mu.Unlock()
	if stuck != nil {
		<-stuck
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	_, err := f.written.WriteTo(&f.flushed)
	return err
}

// hold makes the client take nothing until it is let go.
func (f *flow) hold() (letGo func()) {
	stuck := make(chan struct{})
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stuck = stuck
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.stuck = nil
		close(stuck)
	}
}

// text is what the client took since it was asked before.
func (f *flow) text() string {
	synctest.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.flushed.String()
	f.flushed.Reset()
	return out
}

// listen opens the tail as the admin and waits until it is open, or refused.
func (w *tailWorld) listen(query string, change ...func(*http.Request)) *flow {
	w.t.Helper()
	ctx, leave := context.WithCancel(w.t.Context())
	r := httptest.NewRequestWithContext(ctx, "GET", prefix+"/calls/tail"+query, http.NoBody)
	r.Header.Set("Authorization", "Bearer "+token)
	for _, c := range change {
		c(r)
	}
	f := &flow{header: http.Header{}, leave: leave, done: make(chan struct{})}
	go func() {
		defer close(f.done)
		w.handler.ServeHTTP(f, r)
	}()
	synctest.Wait()
	return f
}

// ended says whether the answer is over.
func (f *flow) ended() bool {
	synctest.Wait()
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// sent is an event as it came.
type sent struct{ name, data string }

func eventsOf(t *testing.T, text string) (out []sent) {
	t.Helper()
	var s llm.Splitter
	s.Write([]byte(text))
	for e, ok := s.Next(); ok; e, ok = s.Next() {
		if len(e.Data) > 0 {
			out = append(out, sent{e.Name, string(e.Data)})
		}
	}
	if rest := s.Pending(); len(rest) > 0 {
		t.Errorf("half an event: %q", rest)
	}
	return out
}

// ids are those of the calls among events, which are all there are.
func (w *tailWorld) ids(text string) (out []string) {
	w.t.Helper()
	for _, e := range eventsOf(w.t, text) {
		var c struct{ ID string }
		if err := json.Unmarshal([]byte(e.data), &c); e.name != "call" || err != nil || !strings.Contains(text, "id: "+c.ID+"\nevent: call\n") {
			w.t.Errorf("event %s of %s: %v", e.name, e.data, err)
		}
		out = append(out, c.ID)
	}
	return out
}

func TestTailShowsTheLineOfTheList(t *testing.T) {
	inTail(t, func(t *testing.T, w *tailWorld) {
		w.come("p", "before")
		all, picked := w.listen(""), w.listen("?project=q&tag.team=a&status=ok")
		if got := all.text(); got != "id: before\n\n" || all.status != http.StatusOK || all.header.Get("Content-Type") != contentEvents || all.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("begins with %d %v %q", all.status, all.header, got)
		}
		w.come("p", "one")
		w.come("q", "two")
		time.Sleep(2 * time.Second)
		got := all.text()
		if ids := w.ids(got); !slices.Equal(ids, []string{"one", "two"}) {
			t.Errorf("all: %v", ids)
		}
		var list struct{ Calls []json.RawMessage }
		w.get("/calls", &list)
		if event := eventsOf(t, got)[1]; event.data != string(list.Calls[0]) || !strings.Contains(event.data, `"input_preview":"Where is my order?"`) {
			t.Errorf("the event is\n%s\nand the list has\n%s", event.data, list.Calls[0])
		}
		if ids := w.ids(picked.text()); !slices.Equal(ids, []string{"two"}) {
			t.Errorf("picked: %v", ids)
		}
		all.leave()
		picked.leave()
		if !all.ended() || !picked.ended() {
			t.Error("a client has left and is still served")
		}
		w.come("p", "three")
		again := w.listen("", header("Last-Event-ID", "one"))
		if ids := w.ids(again.text()); !slices.Equal(ids, []string{"two", "three"}) {
			t.Errorf("after the first: %v", ids)
		}
		again.leave()
	})
}

func TestTailToOneThatIsSlow(t *testing.T) {
	inTail(t, func(t *testing.T, w *tailWorld) {
		f := w.listen("")
		f.text()
		letGo := f.hold()
		w.come("p", "first") // is written, and not taken
		time.Sleep(2 * time.Second)
		records := make([]trace.Record, 1200)
		for i := range records {
			records[i].Call = trace.Span{ID: fmt.Sprintf("%05d", i), Kind: trace.KindCall, Start: time.Now()}
		}
		w.batches++
		if err := w.calls.Write(t.Context(), trace.Batch{Token: fmt.Sprint(w.batches), Records: trace.Slice(records)}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		letGo()
		got := eventsOf(t, f.text())
		if last := got[len(got)-1]; len(got) != 1+1000+1 || last != (sent{"skipped", `{"calls":200}`}) {
			t.Errorf("%d events, the last is %v", len(got), last)
		}
		f.leave()
	})
}

func TestTailBeats(t *testing.T) {
	inTail(t, func(t *testing.T, w *tailWorld) {
		f := w.listen("")
		f.text()
		time.Sleep(3*heartbeat + time.Second)
		if got, want := f.text(), strings.Repeat(": weir\n\n", 3); got != want {
			t.Errorf("in %v: %q, want %q", 3*heartbeat, got, want)
		}
		f.leave()
	})
}

func TestTailEndsWithItsSession(t *testing.T) {
	inTail(t, func(t *testing.T, w *tailWorld) {
		cookie := func(member string) func(*http.Request) {
			text := w.api.sessions.begin(ticket{who: caller{"ann", account.Viewer}, member: member}, time.Now().Add(2*time.Hour-sessionLife))
			return func(r *http.Request) { stranger(r); r.AddCookie(&http.Cookie{Name: cookieName, Value: text}) }
		}
		asMember := w.member("bob", account.Viewer)
		expires, removed, stays := w.listen("", cookie("")), w.listen("", asMember), w.listen("")
		time.Sleep(time.Hour)
		for _, f := range []*flow{expires, removed, stays} {
			if f.text(); f.ended() {
				t.Fatal("ended too early")
			}
		}
		members, err := w.members.ListMembers(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range members {
			if err := w.members.RemoveMember(t.Context(), m.ID, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(heartbeat)
		const signedOut = "event: end\ndata: {\"reason\":\"signed_out\"}\n\n"
		if got := removed.text(); got != signedOut || !removed.ended() {
			t.Errorf("a member that was removed: %q", got)
		}
		expires.text()
		time.Sleep(time.Hour)
		if got := expires.text(); !strings.HasSuffix(got, signedOut) || !expires.ended() {
			t.Errorf("a session that is over: %q", got)
		}
		if stays.ended() {
			t.Error("the admin's ended too")
		}
		stays.leave()
	})
}

func TestTailEndsAsWeirStops(t *testing.T) {
	inTail(t, func(t *testing.T, w *tailWorld) {
		f := w.listen("")
		f.text()
		w.stop()
		if got := f.text(); got != "event: end\ndata: {\"reason\":\"stopping\"}\n\n" || !f.ended() {
			t.Errorf("as weir stops: %q", got)
		}
		late := w.listen("")
		if got := late.text() + late.written.String(); late.status != http.StatusServiceUnavailable || !strings.Contains(got, "is stopping") {
			t.Errorf("too late: %d %s", late.status, got)
		}
	})
}

func TestTailIsFull(t *testing.T) {
	inTail(t, func(t *testing.T, w *tailWorld) {
		var all []*flow
		for range tail.MostListeners {
			all = append(all, w.listen(""))
		}
		w.refused(w.ask("GET", "/calls/tail", ""), http.StatusTooManyRequests, llm.RateLimited, "64 listen", "close a console")
		all[0].leave()
		<-all[0].done
		if next := w.listen(""); next.status != http.StatusOK {
			t.Errorf("after one has left: %d", next.status)
		} else {
			next.leave()
		}
		for _, f := range all {
			f.leave()
			<-f.done
		}
	})
}

func TestTailRefuses(t *testing.T) {
	inTail(t, func(_ *testing.T, w *tailWorld) {
		for query, words := range map[string]string{
			"q=refund": "GET /api/v1/calls has q", "since=1h": "shows what comes", "cursor=x": "Last-Event-ID", "limit=5": "until it is left", "sort=cost": "in the order they came",
			"colour=red": "no parameter", "status=fine": "want ok",
		} {
			w.refused(w.ask("GET", "/calls/tail?"+query, ""), http.StatusBadRequest, llm.InvalidRequest, words)
		}
		w.calls.Away = func() error { return context.DeadlineExceeded }
		w.refused(w.ask("GET", "/calls/tail", ""), http.StatusServiceUnavailable, llm.RecordUnavailable, "cannot be reached")
		w.calls.Away = nil
		if rec := w.knock("HEAD", "/calls/tail", func(*http.Request) {}); rec.Code != http.StatusOK {
			w.t.Errorf("HEAD: %d", rec.Code)
		}
	})
}
