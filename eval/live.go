package eval

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"
)

// Batches of results that are stored at one time.
const (
	rowsAtOnce  = 500
	bytesAtOnce = 8 << 20
)

// Sink is where a run is stored while it goes on.
type Sink interface {
	// StoreRows adds rows to a run; one of the same key stands in place of an earlier one.
	StoreRows(ctx context.Context, run string, rows []Row) error
	// StoreRun stores how a run stands.
	StoreRun(ctx context.Context, run *Run) error
}

// Live stores a run's results and how far it has come, every few seconds while it goes on. What could not be stored is stored later. Each
// result is stored as it is in the end, exactly once if nothing fails, and in place of what was stored before where a crash lies between.
// Safe for concurrent use.
type Live struct {
	sink  Sink
	every time.Duration
	items map[string]*Item
	list  []Item

	storing sync.Mutex // held while something is stored: batches come one after another

	mu       sync.Mutex // guards what follows
	run      Run
	progress Progress
	results  map[Key]*Result // the last of each
	stored   map[Key][sha256.Size]byte
	changed  bool
}

// NewLive stores a run of items, of which some results may be known from before.
func NewLive(sink Sink, run Run, items []Item, past []Result, every time.Duration) *Live {
	l := &Live{sink: sink, run: run, list: items, every: every, items: map[string]*Item{}, results: map[Key]*Result{}, stored: map[Key][sha256.Size]byte{}}
	for i := range items {
		l.items[items[i].ID] = &items[i]
	}
	for i := range past {
		if len(past[i].Scores) == len(run.Definition.Scorers) { // what is only answered is observed when it is scored
			l.results[past[i].Key] = &past[i]
		}
	}
	l.progress = Progress{Total: len(items) * len(run.Definition.Targets) * max(1, run.Definition.Repeat), Done: len(l.results)}
	return l
}

// Observe takes a result in. It is quick: it can be a Runner's Observe, or be called by one.
func (l *Live) Observe(p Progress, r *Result) {
	one := *r
	l.mu.Lock()
	defer l.mu.Unlock()
	l.progress, l.changed = p, true
	l.results[r.Key] = &one
}

// Watch stores what is new every few seconds until the context ends. A failure is tried again the next time, and told by End if it stays.
func (l *Live) Watch(ctx context.Context) {
	wait := l.every
	for {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		begin := time.Now()
		if l.step(ctx) != nil && ctx.Err() != nil {
			return
		}
		wait = max(l.every, 10*time.Since(begin)) // the figures of a large run take a while
	}
}

// step stores what is new, and how far the run has come.
func (l *Live) step(ctx context.Context) error {
	l.mu.Lock()
	if !l.changed {
		l.mu.Unlock()
		return nil
	}
	l.changed = false
	results := make([]Result, 0, len(l.results))
	for _, r := range l.results {
		results = append(results, *r)
	}
	run, progress := l.run, l.progress
	l.mu.Unlock()
	err := l.store(ctx, results)
	if err == nil {
		run.UpdatedAt, run.Progress = time.Now().UTC(), &progress
		run.Summary = Summarise(&run.Definition, l.list, results)
		err = l.sink.StoreRun(ctx, &run)
	}
	if err != nil {
		l.mu.Lock()
		l.changed = true
		l.mu.Unlock()
	}
	return err
}

// End stores what is not stored yet, and how the run stands now. Watch is over by then, or stores nothing more.
func (l *Live) End(ctx context.Context, run *Run, results []Result) error {
	if err := l.store(ctx, results); err != nil {
		return err
	}
	return l.sink.StoreRun(ctx, run)
}

// store gives the sink the results that it does not have as they are.
func (l *Live) store(ctx context.Context, results []Result) error {
	l.storing.Lock()
	defer l.storing.Unlock()
	var rows []Row
	var sums [][sha256.Size]byte
	size := 0
	send := func() error {
		if len(rows) == 0 {
			return nil
		}
		if err := l.sink.StoreRows(ctx, l.run.ID, rows); err != nil {
			return err
		}
		for i := range rows {
			l.stored[rows[i].Key] = sums[i]
		}
		rows, sums, size = nil, nil, 0
		return nil
	}
	for i := range results {
		sum := sha256.Sum256(marshal(results[i]))
		if had, there := l.stored[results[i].Key]; there && had == sum {
			continue
		}
		row := Row{Result: results[i], Name: l.run.Name}
		if it := l.items[row.Item]; it != nil {
			row.Input, row.Expected = Text(it.Input), Text(it.Expected)
		}
		more := len(row.Answer.Text) + len(row.Input) + len(row.Expected)
		for _, c := range row.Answer.Contexts {
			more += len(c)
		}
		if len(rows) == rowsAtOnce || len(rows) > 0 && size+more > bytesAtOnce {
			if err := send(); err != nil {
				return err
			}
		}
		rows, sums, size = append(rows, row), append(sums, sum), size+more
	}
	return send()
}
