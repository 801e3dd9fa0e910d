package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/api"
	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/ingest"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// Bounds of runs that the server makes.
const (
	mostServed  = 8               // on their way at one time
	stopWait    = 5 * time.Second // for what is under way, before an answer to who stopped it
	servedGrace = 5 * time.Second // for what is under way, when the server ends
	storeAgain  = 5 * time.Second // until a run that is done is stored once more, when its store is away
)

// evalsProject is whose account the calls of such runs are on.
const evalsProject = "evals"

// errStopped is why a run was stopped by a person.
type errStopped struct{ by string }

// Error says who.
func (e errStopped) Error() string { return "it was stopped by " + e.by }

var errServerEnds = errors.New("the server ends")

// servedEvals makes runs in the background of the server: through the gateway like any call, kept in a folder of the data directory while they
// go on, so that a server that died goes on with them.
type servedEvals struct {
	dir      string
	datasets eval.Datasets
	runs     eval.Runs
	results  eval.Results
	gateway  http.Handler // with keys of its own
	key      account.Secret
	admin    account.Secret
	log      *slog.Logger
	api      http.Handler // set once it is made: it asks this in turn

	mu      sync.Mutex // guards what follows
	ctx     context.Context
	active  map[string]*servedRun
	waiting sync.WaitGroup
}

// servedRun is one on its way.
type servedRun struct {
	cancel context.CancelCauseFunc
	done   chan struct{}
}

var (
	_ api.EvalRunner = (*servedEvals)(nil)
	_ eval.Sink      = (*servedEvals)(nil)
)

// newServedEvals makes one whose calls go the way of all calls.
func newServedEvals(dir string, datasets eval.Datasets, runs eval.Runs, results eval.Results, door ingest.Config, admin account.Secret, log *slog.Logger) *servedEvals {
	key := account.MintToken()
	door.Keys, door.Passthrough = innerKeys{key, account.Key{ID: evalsProject, Name: evalsProject, Project: evalsProject}}, false
	return &servedEvals{
		dir: dir, datasets: datasets, runs: runs, results: results, gateway: ingest.New(door), key: key, admin: admin, log: log, active: map[string]*servedRun{},
	}
}

// Run goes on with runs that were on their way when the server ended, takes new ones, and ends them, to be gone on with, when the context ends.
func (s *servedEvals) Run(ctx context.Context) {
	own, end := context.WithCancelCause(context.WithoutCancel(ctx))
	s.mu.Lock()
	s.ctx = own
	s.mu.Unlock()
	ids, err := eval.Journals(s.dir)
	if err != nil {
		s.log.Error("runs of evaluations that were on their way are not gone on with", "error", err)
	}
	for _, id := range ids {
		was, err := eval.ReadJournal(s.dir, id)
		if err != nil || was.Run.State != eval.Running {
			continue
		}
		if _, err := s.goOn(ctx, id, nil); err != nil {
			s.log.Error("run of an evaluation is not gone on with", "run", id, "error", err)
		}
	}
	<-ctx.Done()
	end(errServerEnds)
	s.mu.Lock()
	s.ctx = nil
	s.mu.Unlock()
	s.waiting.Wait()
}

// client asks this weir's own API.
func (s *servedEvals) client() *client {
	return &client{
		base: &url.URL{Scheme: "http", Host: "weir"}, token: s.admin, where: "this process", timeout: time.Minute, http: &http.Client{Transport: innerTransport{to: s.api}},
	}
}

// dataset reads the items of a definition.
func (s *servedEvals) dataset(ctx context.Context, d *eval.Definition) (eval.Version, []eval.Item, error) {
	name, ref, _ := strings.Cut(d.Dataset, "@")
	v, snapshot, err := s.datasets.Dataset(ctx, name, ref)
	if err != nil {
		return v, nil, err
	}
	items, err := snapshot.Part(d.Split)
	if err != nil {
		return v, nil, &eval.ReadError{Name: "definition", Faults: []eval.LineFault{{Line: 1, Reason: err.Error()}}}
	}
	if d.Limit > 0 {
		items = items[:min(d.Limit, len(items))]
	}
	return v, items, nil
}

// Estimate implements api.EvalRunner.
func (s *servedEvals) Estimate(ctx context.Context, d eval.Definition) (eval.Estimate, error) {
	d, err := eval.Served(d)
	if err != nil {
		return eval.Estimate{}, err
	}
	_, items, err := s.dataset(ctx, &d)
	if err != nil {
		return eval.Estimate{}, err
	}
	return estimateRun(ctx, s.client(), &d, items, nil)
}

// Begin implements api.EvalRunner.
func (s *servedEvals) Begin(ctx context.Context, d eval.Definition, author string) (eval.Run, error) {
	d, err := eval.Served(d)
	if err != nil {
		return eval.Run{}, err
	}
	v, items, err := s.dataset(ctx, &d)
	if err != nil {
		return eval.Run{}, err
	}
	if name, ref, _ := strings.Cut(d.Dataset, "@"); ref == "" {
		d.Dataset = fmt.Sprintf("%s@%d", name, v.Number)
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	run := eval.Run{
		ID: llm.NewID(now), Name: d.Name, State: eval.Running, Snapshot: v.Hash, Items: len(items), Definition: d, Author: author, Served: true,
		CreatedAt: now, UpdatedAt: now, Summary: eval.Summary{Targets: []eval.TargetSummary{}}, Progress: &eval.Progress{Total: len(items) * len(d.Targets) * d.Repeat},
	}
	if err := s.room(); err != nil {
		return run, err
	}
	if err := s.runs.PutRun(ctx, run); err != nil { // before anything is asked: whoever looks finds it
		return run, err
	}
	journal, err := eval.CreateJournal(s.dir, &run, items)
	if err != nil {
		return run, err
	}
	return run, s.start(&eval.Runner{Run: run, Items: items, Journal: journal, Grace: servedGrace}) //nolint:contextcheck // it outlives who asked for it
}

// room says whether another run may begin.
func (s *servedEvals) room() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ctx == nil:
		return fmt.Errorf("%w: the server is about to end, or to begin; try again", eval.ErrRunBusy)
	case len(s.active) >= mostServed:
		return fmt.Errorf("%d %w: wait for one, or stop it", len(s.active), errManyRuns)
	}
	return nil
}

// errManyRuns is a kind of eval.ErrRunBusy.
var errManyRuns = manyRuns{errors.New("runs are on their way, as many as there may be")}

type manyRuns struct{ error }

// Is makes it an eval.ErrRunBusy.
func (manyRuns) Is(target error) bool { return target == eval.ErrRunBusy }

// Resume implements api.EvalRunner.
func (s *servedEvals) Resume(ctx context.Context, id string, most *price.USD) (eval.Run, error) {
	if err := s.room(); err != nil {
		return eval.Run{}, err
	}
	return s.goOn(ctx, id, most)
}

// goOn takes a run up again from its folder.
func (s *servedEvals) goOn(ctx context.Context, id string, most *price.USD) (eval.Run, error) {
	journal, was, err := eval.OpenJournal(s.dir, id)
	if errors.Is(err, eval.ErrNoRun) {
		if run, gerr := s.runs.GetRun(ctx, id); gerr == nil && run.State == eval.Done {
			return run, eval.ErrRunDone
		}
		return eval.Run{}, fmt.Errorf("%w in the data directory of this server: another replica may have it", err)
	}
	if err != nil {
		return eval.Run{}, err
	}
	run := was.Run
	if most != nil {
		run.Definition.MaxCost = most
	}
	run.State, run.Reason, run.UpdatedAt = eval.Running, "", time.Now().UTC()
	if err := errors.Join(journal.SetRun(&run), s.runs.PutRun(ctx, run)); err != nil {
		return run, errors.Join(err, journal.Close())
	}
	return run, s.start(&eval.Runner{Run: run, Items: was.Items, Journal: journal, Past: was, Grace: servedGrace}) //nolint:contextcheck // it outlives who asked for it
}

// start makes a run in the background.
func (s *servedEvals) start(runner *eval.Runner) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx == nil {
		return errors.Join(fmt.Errorf("%w: the server is about to end; it goes on when it is there again", eval.ErrRunBusy), runner.Journal.Close())
	}
	server := s.ctx
	ctx, cancel := context.WithCancelCause(server)
	one := &servedRun{cancel, make(chan struct{})}
	s.active[runner.Run.ID] = one
	s.waiting.Go(func() {
		defer close(one.done)
		defer cancel(nil)
		s.make(ctx, server, runner)
		s.mu.Lock()
		delete(s.active, runner.Run.ID)
		s.mu.Unlock()
	})
	return nil
}

// make makes a run, and stores it. server is the context that all runs end with.
func (s *servedEvals) make(ctx, server context.Context, runner *eval.Runner) {
	log := s.log.With("run", runner.Run.ID, "evaluation", runner.Run.Name)
	live := eval.NewLive(s, runner.Run, runner.Items, runner.Past.Results, storeEvery)
	results, run, err := s.ask(ctx, runner, live)
	if err != nil { // the disk, or what it is made of: what is answered is in the journal
		run.State, run.Reason, run.UpdatedAt = eval.Stopped, err.Error(), time.Now().UTC()
		log.Error("run of an evaluation has stopped", "error", err)
		s.keep(log, runner, &run)
	}
	if server.Err() != nil && run.State != eval.Done {
		run.State, run.Reason = eval.Running, "" // it goes on when the server is there again
		s.keep(log, runner, &run)
	}
	stored := s.store(server, log, live, runner, &run, results)
	if err := runner.Journal.Close(); err != nil {
		log.Warn("the run's journal was not closed well", "error", err)
	}
	if stored && run.State == eval.Done { // the stores have all of it
		if err := eval.RemoveJournal(s.dir, run.ID); err != nil {
			log.Warn("the run's folder stays", "error", err)
		}
	}
	log.Info("run of an evaluation", "state", run.State, "reason", run.Reason)
}

// keep writes down how a run stands, for the next start of the server.
func (s *servedEvals) keep(log *slog.Logger, runner *eval.Runner, run *eval.Run) {
	if err := runner.Journal.SetRun(run); err != nil {
		log.Error("how the run stands is not written down: is the disk full?", "error", err)
	}
}

// store stores what came of a run, as often as it takes until the server ends; then it is done when the server is there again.
func (s *servedEvals) store(server context.Context, log *slog.Logger, live *eval.Live, runner *eval.Runner, run *eval.Run, results []eval.Result) bool {
	for {
		within, cancel := context.WithTimeout(context.WithoutCancel(server), time.Minute)
		err := live.End(within, run, results)
		cancel()
		if err == nil {
			return true
		}
		log.Warn("the run is not stored yet", "error", err)
		select {
		case <-time.After(storeAgain):
		case <-server.Done():
			run.State, run.Reason = eval.Running, ""
			s.keep(log, runner, run)
			return false
		}
	}
}

// ask gives a run its targets and judges, and makes it.
func (s *servedEvals) ask(ctx context.Context, runner *eval.Runner, live *eval.Live) ([]eval.Result, eval.Run, error) {
	client := s.client()
	r := &evalRun{
		d: runner.Run.Definition, c: client, s: &screen{out: io.Discard, err: io.Discard},
		entered: &eval.Gateway{
			URL: "http://weir/v1", Key: s.key.Reveal(), Client: &http.Client{Transport: innerTransport{s.gateway, runner.Run.Author}}, Recorded: recordedAnswer(client),
		},
	}
	if _, err := r.targets(ctx, runner); err != nil {
		return runner.Past.Results, runner.Run, err
	}
	if _, err := r.judges(ctx, runner); err != nil {
		return runner.Past.Results, runner.Run, err
	}
	watched := goUntil(ctx, live.Watch)
	defer watched()
	runner.Observe = live.Observe
	results, run, err := runner.Do(ctx)
	return results, run, err
}

// Stop implements api.EvalRunner.
func (s *servedEvals) Stop(ctx context.Context, id, by string) (eval.Run, error) {
	s.mu.Lock()
	one := s.active[id]
	s.mu.Unlock()
	if one != nil {
		one.cancel(errStopped{by})
		select {
		case <-one.done:
		case <-time.After(stopWait):
		case <-ctx.Done():
		}
		return s.runs.GetRun(ctx, id)
	}
	run, err := s.runs.GetRun(ctx, id)
	switch {
	case err != nil:
		return run, err
	case run.State == eval.Running:
		return run, fmt.Errorf("%w: this server does not have it; another replica may", eval.ErrRunBusy)
	}
	return run, nil
}

// Forget implements api.EvalRunner.
func (s *servedEvals) Forget(_ context.Context, id string) error {
	s.mu.Lock()
	_, busy := s.active[id]
	s.mu.Unlock()
	if busy {
		return fmt.Errorf("%w: stop the run before it is removed", eval.ErrRunBusy)
	}
	return eval.RemoveJournal(s.dir, id)
}

// StoreRows implements eval.Sink.
func (s *servedEvals) StoreRows(ctx context.Context, run string, rows []eval.Row) error {
	return s.results.PutResults(ctx, run, rows)
}

// StoreRun implements eval.Sink.
func (s *servedEvals) StoreRun(ctx context.Context, run *eval.Run) error {
	return s.runs.PutRun(ctx, *run)
}
