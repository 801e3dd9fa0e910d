package eval

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/weir-dev/weir/price"
)

// Runner does a run, or what is left of one.
type Runner struct {
	Run     Run
	Items   []Item // those of the run, its split and limit applied
	Targets map[string]Target
	Journal *Journal
	Judges  Judges // what scorers of the metric judge ask
	// Past is what a journal said of the run before; the zero value is of a new one. Asks that failed are asked anew if Again is set.
	Past  Journaled
	Again bool
	// Grace is how long asks under way may go on after the run's context has ended.
	Grace time.Duration
	// Stopped is, after Do, why the run did not come to its end; nil when it did. ErrSpent is in its chain when money was the reason.
	Stopped error
	// Observe is told of each result, one at a time; nil: nobody is.
	Observe func(Progress, *Result)
}

// Progress is how far a run has come.
type Progress struct {
	Done   int       `json:"done"` // asks that have a result with all its scores
	Total  int       `json:"total"`
	Failed int       `json:"failed"`    // of those done: without an answer
	Spent  price.USD `json:"spent_usd"` // for answers and for scores, as far as their cost is known
	// ToCome is what the rest is expected to cost: as much for each ask as those cost that are done. It is meaningless unless Known.
	ToCome price.USD `json:"to_come_usd"`
	Known  bool      `json:"known"` // the cost of something is
}

// runner is a Runner at work.
type runner struct {
	*Runner
	scorers map[string]Scorer
	items   map[string]*Item

	mu       sync.Mutex // guards what follows
	progress Progress
	asked    int // that cost something, or could have
	flying   int // asks under way
	results  []Result
	stopped  error // why no more is asked
}

// ErrSpent says that a run stopped because it may not spend more. Test with errors.Is.
var ErrSpent = errors.New("the run may not spend more")

var errInterrupted = errors.New("it was interrupted")

// interrupted is why a context ended: the cause that it was cancelled with, or just that.
func interrupted(ctx context.Context) error {
	if why := context.Cause(ctx); why != nil && !errors.Is(why, ctx.Err()) {
		return why
	}
	return errInterrupted
}

// spentError is an ErrSpent in words of its own.
type spentError struct{ error }

// Is makes it an ErrSpent.
func (spentError) Is(target error) bool { return target == ErrSpent }

// Unwrap gives the sentence's own chain.
func (e spentError) Unwrap() error { return e.error }

// Do asks what is to be asked, scores it and gives the results sorted. The run stops, to be resumed, when the context ends, when a target
// says so, and before its max cost is passed: then the state of the run is Stopped. Every ask that was made has a result with a score of
// every scorer. The error is that of the journal, without which no more is asked.
func (rn *Runner) Do(ctx context.Context) ([]Result, Run, error) {
	r := &runner{Runner: rn, scorers: map[string]Scorer{}, items: map[string]*Item{}}
	for i := range rn.Items {
		r.items[rn.Items[i].ID] = &rn.Items[i]
	}
	with := rn.Judges
	with.Items = rn.Items
	for _, c := range rn.Run.Definition.Scorers {
		s, err := newScorer(ctx, c, with)
		if err != nil {
			return nil, rn.Run, fmt.Errorf("scorer %s: %w", c.Name, err)
		}
		defer s.Close()
		r.scorers[c.Name] = s
	}
	todo := r.plan()
	late, cancel := r.late(ctx)
	defer cancel()
	if rn.Run.Definition.MaxCost != nil && r.asked == 0 && len(todo) > 0 {
		r.one(ctx, late, todo[0]) // alone: what an ask costs is not known before
		todo = todo[1:]
	}
	jobs := make(chan Key)
	var workers sync.WaitGroup
	for range min(rn.Run.Definition.Concurrency, len(todo)) {
		workers.Go(func() {
			for k := range jobs {
				r.one(ctx, late, k)
			}
		})
	}
	r.feed(ctx, jobs, todo)
	workers.Wait()
	return r.finish(ctx)
}

// plan is what is still to be asked, each item of all targets in turn, and takes over what was.
func (r *runner) plan() []Key {
	d := &r.Run.Definition
	past := map[Key]*Result{}
	for i := range r.Past.Results {
		past[r.Past.Results[i].Key] = &r.Past.Results[i]
	}
	var todo []Key
	for n := 1; n <= d.Repeat; n++ {
		for i := range r.Items {
			for _, t := range d.Targets {
				k := Key{t.Name, r.Items[i].ID, n}
				was := past[k]
				if was == nil || r.Again && was.Answer.Error != "" {
					todo = append(todo, k)
					continue
				}
				r.progress.Done++
				r.count(was)
				r.results = append(r.results, *was)
			}
		}
	}
	r.progress.Total = len(d.Targets) * len(r.Items) * d.Repeat
	return todo
}

// late is a context that ends a while after ctx does, so that what is under way, and may be paid for, comes in.
func (r *runner) late(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	after := context.AfterFunc(ctx, func() { timer.Reset(r.Grace) })
	go func() {
		select {
		case <-timer.C:
			cancel()
		case <-out.Done():
		}
	}()
	return out, func() { after(); cancel() }
}

// feed gives jobs out until there are no more, or no more may be asked.
func (r *runner) feed(ctx context.Context, jobs chan<- Key, todo []Key) {
	defer close(jobs)
	for _, k := range todo {
		if ctx.Err() != nil || !r.goOn() {
			return
		}
		select {
		case jobs <- k:
		case <-ctx.Done():
			return
		}
	}
}

// goOn says whether another ask may be made.
func (r *runner) goOn() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stopped == nil
}

// take says whether an ask may begin now: what is spent, and what those under way are expected to cost, must leave room for it.
func (r *runner) take(ctx context.Context) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped == nil && ctx.Err() != nil {
		r.stopped = interrupted(ctx)
	}
	if limit := r.Run.Definition.MaxCost; r.stopped == nil && limit != nil {
		each := price.USD(0)
		if r.asked > 0 {
			each = r.progress.Spent / price.USD(r.asked)
		}
		if r.progress.Spent >= *limit || r.progress.Spent+each*price.USD(r.flying+1) > *limit && r.asked > 0 {
			r.stopped = spentError{fmt.Errorf("the run's max cost is reached: another ask could pass %s", *limit)}
		}
	}
	if r.stopped != nil {
		return false
	}
	r.flying++
	return true
}

// stop lets nothing more be asked.
func (r *runner) stop(why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped == nil {
		r.stopped = why
	}
}

// one asks, scores and keeps.
func (r *runner) one(ctx, late context.Context, k Key) {
	if !r.take(ctx) {
		return
	}
	defer func() {
		r.mu.Lock()
		r.flying--
		r.mu.Unlock()
	}()
	it := r.items[k.Item]
	answer, ok := r.ask(ctx, late, Ask{Key: k, Run: r.Run.ID, Item: it})
	if !ok {
		return
	}
	out := Result{Key: k, ItemHash: it.Hash(), Answer: answer, Scores: map[string]Score{}}
	// The answer is kept before it is scored: a scorer may bring this process down, the answer is paid for.
	if err := r.Journal.Put(&out); err != nil {
		r.stop(err)
		return
	}
	if why := r.score(late, it, &out); why != nil {
		r.stop(why)
	}
	if err := r.Journal.Put(&out); err != nil {
		r.stop(err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.Done++
	r.count(&out)
	r.results = append(r.results, out)
	if r.Observe != nil {
		r.Observe(r.progress, &out)
	}
}

// count adds a result to the progress. The caller holds mu, or is alone.
func (r *runner) count(out *Result) {
	if out.Answer.Error != "" {
		r.progress.Failed++
	}
	if out.Answer.Cost != nil {
		r.progress.Spent += *out.Answer.Cost
		r.progress.Known = true
	}
	for _, s := range out.Scores {
		if s.Cost != nil {
			r.progress.Spent += *s.Cost
			r.progress.Known = true
		}
	}
	r.asked++
	r.progress.ToCome = r.progress.Spent / price.USD(r.asked) * price.USD(max(0, r.progress.Total-r.progress.Done))
}

// score fills in the scores that are missing. The error says why the run had better stop: some are missing still, and are made when it is
// resumed.
func (r *runner) score(ctx context.Context, it *Item, out *Result) (stop error) {
	if out.Scores == nil { // from a journal
		out.Scores = map[string]Score{}
	}
	for name, s := range r.scorers {
		if _, there := out.Scores[name]; there {
			continue
		}
		score := s.Score(ctx, Sample{it, &out.Answer})
		if end, can := s.(stopping); can && score.State == "" {
			stop = end.stopped()
			continue
		}
		out.Scores[name] = score
	}
	return stop
}

// ask asks a target until it answers, or it is no use. False: the ask was not made, or the run must stop.
func (r *runner) ask(ctx, late context.Context, a Ask) (Answer, bool) {
	target := r.Targets[a.Target]
	if from, can := target.(Recoverer); can && r.Past.Open[a.Key] {
		answer, found, err := from.Recover(late, a)
		if err != nil {
			r.stop(fmt.Errorf("look for the answer that %s was about to give to %s: %w", a.Target, a.Item.ID, err))
			return Answer{}, false
		}
		if found {
			answer.Tries, answer.At = 1, time.Now().UTC()
			return answer, true
		}
	}
	if err := r.Journal.Begin(a.Key); err != nil {
		r.stop(err)
		return Answer{}, false
	}
	for try := 1; ; try++ {
		answer, err := target.Ask(late, a)
		if err == nil {
			answer.Tries, answer.At = try, time.Now().UTC()
			return answer, true
		}
		e := asAskError(err)
		switch {
		case e.Stop:
			r.stop(e.Err)
			return Answer{}, false
		case late.Err() != nil:
			r.stop(interrupted(ctx))
			return Answer{}, false
		case !e.Again || try > r.Run.Definition.Retries:
			return Answer{Error: clip(e.Error()), Tries: try, At: time.Now().UTC()}, true
		}
		if !pause(ctx, try, e.Wait) {
			r.stop(interrupted(ctx))
			return Answer{}, false
		}
	}
}

// pause waits before an ask is made again: twice as long each time, with some chance in it, or as long as the target wants, up to a minute.
func pause(ctx context.Context, try int, wanted time.Duration) bool {
	wait := min(250*time.Millisecond<<min(try-1, 6), 15*time.Second)
	wait = wait/2 + rand.N(wait/2+1)
	wait = min(max(wait, wanted), time.Minute)
	select {
	case <-time.After(wait):
		return true
	case <-ctx.Done():
		return false
	}
}

// finish scores what was only answered, and says how the run stands.
func (r *runner) finish(ctx context.Context) ([]Result, Run, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.results {
		out := &r.results[i]
		if len(out.Scores) == len(r.scorers) {
			continue
		}
		if ctx.Err() != nil || r.stopped != nil { // they are scored when the run is resumed
			r.progress.Done--
			continue
		}
		had := map[string]bool{}
		for name := range out.Scores {
			had[name] = true
		}
		if why := r.score(ctx, r.items[out.Item], out); why != nil {
			r.stopped = why
			r.progress.Done--
		}
		if err := r.Journal.Put(out); err != nil {
			return r.results, r.Run, err
		}
		for name, s := range out.Scores { // what it was not counted with when it was taken over
			if s.Cost != nil && !had[name] {
				r.progress.Spent += *s.Cost
			}
		}
		if r.Observe != nil {
			r.Observe(r.progress, out)
		}
	}
	slices.SortFunc(r.results, func(a, b Result) int { return order(&a, &b) })
	run := r.Run
	run.State, run.Reason, run.UpdatedAt = Done, "", time.Now().UTC()
	if r.progress.Done < r.progress.Total {
		run.State = Stopped
		if r.stopped == nil {
			r.stopped = interrupted(ctx)
		}
		r.Stopped = r.stopped
		run.Reason = r.stopped.Error()
	}
	run.Summary = Summarise(&run.Definition, r.Items, r.results)
	progress := r.progress
	run.Progress = &progress
	if err := r.Journal.SetRun(&run); err != nil {
		return r.results, run, err
	}
	return r.results, run, r.Journal.failure()
}
