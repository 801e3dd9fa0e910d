package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/eval/evaltest"
	"github.com/weir-dev/weir/price"
)

// servedWorld is stores and a gateway that counts what each item was asked for.
type servedWorld struct {
	evaltest.Memory
	dir string

	mu    sync.Mutex // guards what follows
	asked map[string]int
	gate  chan struct{} // an answer takes one out; nil: none is needed
	users map[string]bool
}

// ServeHTTP is the gateway: it says what it was told, for a tenth of a cent.
func (w *servedWorld) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	var in struct{ Messages []struct{ Content string } }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.URL.Path != "/v1/chat/completions" || len(in.Messages) != 1 {
		http.Error(out, "what?", http.StatusBadRequest)
		return
	}
	w.mu.Lock()
	gate := w.gate
	w.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-r.Context().Done():
			return
		}
	}
	w.mu.Lock()
	w.asked[in.Messages[0].Content]++
	w.users[r.Header.Get("X-Weir-User")] = true
	w.mu.Unlock()
	out.Header().Set("X-Weir-Cost-USD", "0.001000000")
	fmt.Fprintf(out, `{"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}`, in.Messages[0].Content)
}

// serve begins a server on the world's folder; end ends it.
func (w *servedWorld) serve(t *testing.T) (s *servedEvals, end func()) {
	t.Helper()
	s = &servedEvals{
		dir: w.dir, datasets: w, runs: w, results: w, gateway: w, key: account.NewSecret("k"), admin: account.NewSecret("a"), log: slog.New(slog.DiscardHandler), active: map[string]*servedRun{},
		api: http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/calls") {
				_, _ = io.WriteString(out, `{"calls":[]}`) // nothing was recorded
				return
			}
			http.NotFound(out, r)
		}),
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { s.Run(ctx); close(ended) }()
	within(t, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.ctx != nil })
	return s, sync.OnceFunc(func() { cancel(); <-ended })
}

// within waits for something to become true.
func within(t *testing.T, is func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !is() {
		if time.Now().After(deadline) {
			t.Fatal("it does not come true within a minute")
		}
		<-time.After(2 * time.Millisecond)
	}
}

func (w *servedWorld) state(t *testing.T, id string) eval.Run {
	t.Helper()
	run, err := w.GetRun(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func (w *servedWorld) rows(t *testing.T, id string) (n int) {
	t.Helper()
	for _, err := range w.Results(t.Context(), id, "", eval.Key{}, 0) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func newServedWorld(t *testing.T, items int) *servedWorld {
	t.Helper()
	w := &servedWorld{dir: t.TempDir(), asked: map[string]int{}, users: map[string]bool{}}
	var lines strings.Builder
	for i := range items {
		fmt.Fprintf(&lines, `{"id":"i%02d","input":"item %d","expected":"item %d"}`+"\n", i, i, i)
	}
	list, err := eval.ReadJSONL("items", strings.NewReader(lines.String()))
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := eval.NewSnapshot(list)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.PutDataset(t.Context(), eval.Version{Dataset: "faq"}, &snapshot); err != nil {
		t.Fatal(err)
	}
	return w
}

var servedDefinition = eval.Definition{
	Name: "faq", Dataset: "faq", Concurrency: 2, Targets: []eval.TargetConfig{{Name: "t", Model: "m"}}, Scorers: []eval.ScorerConfig{{Name: "exact", Metric: "exact"}},
}

// A run that a server makes goes on after the server has ended, though its dataset is gone by then, and asks nothing twice.
func TestServedRunOutlivesItsServer(t *testing.T) {
	w := newServedWorld(t, 12)
	w.gate = make(chan struct{})
	s, end := w.serve(t)
	defer end()
	run, err := s.Begin(t.Context(), servedDefinition, "ann")
	if err != nil || run.State != eval.Running || !run.Served || run.Author != "ann" || run.Definition.Dataset != "faq@1" || run.Progress.Total != 12 {
		t.Fatalf("%+v, %v", run, err)
	}
	for range 5 {
		w.gate <- struct{}{}
	}
	if err := w.DeleteDataset(t.Context(), "faq"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Begin(t.Context(), servedDefinition, "ann"); !errors.Is(err, eval.ErrNoDataset) {
		t.Errorf("of a dataset that is gone: %v", err)
	}
	if err := s.Forget(t.Context(), run.ID); !errors.Is(err, eval.ErrRunBusy) {
		t.Errorf("removed while it is on its way: %v", err)
	}
	gate := w.gate
	go func() { // what is under way comes in while the server ends
		for range 2 {
			gate <- struct{}{}
		}
	}()
	end()
	was, err := eval.ReadJournal(w.dir, run.ID)
	if err != nil || was.Run.State != eval.Running || len(was.Results) < 5 {
		t.Fatalf("%s with %d results, %v", was.Run.State, len(was.Results), err)
	}
	if got := w.rows(t, run.ID); got != len(was.Results) || w.state(t, run.ID).State != eval.Running {
		t.Errorf("%d rows are stored of %d, and the run is %s", got, len(was.Results), w.state(t, run.ID).State)
	}

	w.mu.Lock()
	w.gate = nil
	w.mu.Unlock()
	_, end = w.serve(t)
	defer end()
	within(t, func() bool { return w.state(t, run.ID).State == eval.Done })
	end()
	done := w.state(t, run.ID)
	if got := done.Summary.Of("t", "exact"); w.rows(t, run.ID) != 12 || got == nil || got.Coverage != 1 || *got.Mean != 1 || done.Summary.Targets[0].Cost != 12_000_000 || done.Progress.Done != 12 {
		t.Errorf("%d rows, %+v", w.rows(t, run.ID), done.Summary)
	}
	for item, n := range w.asked {
		if n != 1 {
			t.Errorf("%s was asked %d times", item, n)
		}
	}
	if !w.users["ann"] || len(w.users) != 1 {
		t.Errorf("asked for %v", w.users)
	}
	if ids, err := eval.Journals(w.dir); err != nil || len(ids) != 0 {
		t.Errorf("folders that stay: %v, %v", ids, err)
	}
}

// A run stops when somebody says so, or when it may not spend more, and goes on.
func TestServedRunStopsAndResumes(t *testing.T) {
	w := newServedWorld(t, 20)
	w.gate = make(chan struct{})
	s, end := w.serve(t)
	defer end()
	d := servedDefinition
	d.MaxCost = new(price.USD(8_500_000))
	run, err := s.Begin(t.Context(), d, "ann")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		w.gate <- struct{}{}
	}
	close(w.gate) // from here on nothing waits
	within(t, func() bool { return w.state(t, run.ID).State == eval.Stopped })
	if got := w.state(t, run.ID); !strings.Contains(got.Reason, "max cost is reached") || w.rows(t, run.ID) != 8 || got.Progress.Spent != 8_000_000 {
		t.Errorf("%s with %d rows and %+v", got.Reason, w.rows(t, run.ID), got.Progress)
	}
	w.mu.Lock()
	w.gate = make(chan struct{})
	w.mu.Unlock()
	within(t, func() bool { // until the folder is let go of
		_, err = s.Resume(t.Context(), run.ID, new(price.USD(100_000_000)))
		return !errors.Is(err, eval.ErrRunBusy)
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Resume(t.Context(), run.ID, nil); !errors.Is(err, eval.ErrRunBusy) {
		t.Errorf("resumed twice: %v", err)
	}
	w.gate <- struct{}{}
	stopped := make(chan error, 1)
	go func() {
		_, err := s.Stop(t.Context(), run.ID, "bob")
		stopped <- err
	}()
	within(t, func() bool {
		select { // what is under way comes in
		case w.gate <- struct{}{}:
		default:
		}
		return w.state(t, run.ID).State == eval.Stopped
	})
	if err := <-stopped; err != nil || w.state(t, run.ID).Reason != "it was stopped by bob" {
		t.Errorf("%v, %q", err, w.state(t, run.ID).Reason)
	}
	w.mu.Lock()
	w.gate = nil
	w.mu.Unlock()
	within(t, func() bool {
		_, err = s.Resume(t.Context(), run.ID, nil)
		return !errors.Is(err, eval.ErrRunBusy)
	})
	within(t, func() bool { return w.state(t, run.ID).State == eval.Done })
	for item, n := range w.asked {
		if n != 1 {
			t.Errorf("%s was asked %d times", item, n)
		}
	}
	if _, err := s.Resume(t.Context(), run.ID, nil); err == nil {
		t.Error("a run that is done goes on")
	}
	if _, err := s.Stop(t.Context(), "none", "bob"); !errors.Is(err, eval.ErrNoRun) {
		t.Errorf("stop nothing: %v", err)
	}
	if _, err := s.Begin(t.Context(), eval.Definition{Name: "n", Dataset: "faq", Targets: []eval.TargetConfig{{Name: "t", Command: []string{"id"}}}, Scorers: servedDefinition.Scorers}, "eve"); !errors.Is(err, eval.ErrNotServed) {
		t.Errorf("a command: %v", err)
	}
	e, err := s.Estimate(t.Context(), servedDefinition)
	if err != nil || e.Calls != 20 || len(e.Unpriced) != 1 {
		t.Errorf("%+v, %v", e, err)
	}
}
