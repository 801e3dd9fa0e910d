package eval

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-dev/weir/price"
)

// countedTarget is a target that says what it is given, costs a millidollar and counts.
type countedTarget struct {
	mu    sync.Mutex // guards asked
	asked map[Key]int
	fail  func(Ask, int) error
}

func (c *countedTarget) Ask(_ context.Context, a Ask) (Answer, error) {
	c.mu.Lock()
	if c.asked == nil {
		c.asked = map[Key]int{}
	}
	c.asked[a.Key]++
	n := c.asked[a.Key]
	c.mu.Unlock()
	if c.fail != nil {
		if err := c.fail(a, n); err != nil {
			return Answer{}, err
		}
	}
	cost := price.USD(1_000_000)
	return Answer{Text: Text(a.Item.Input), Cost: &cost}, nil
}

func manyItems(t *testing.T, n int) []Item {
	t.Helper()
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, `{"id":"i%03d","input":"%d","expected":"%d"}`+"\n", i, i, i%10)
	}
	return itemsOf(t, lines.String())
}

func newRunner(t *testing.T, dir string, items []Item, target Target, change func(*Definition)) *Runner {
	t.Helper()
	d := Definition{
		Name: "n", Repeat: 1, Concurrency: 4, Retries: 2, Timeout: Duration(time.Minute), Targets: []TargetConfig{{Name: "t", Model: "m"}}, Scorers: []ScorerConfig{{Name: "exact", Metric: "exact"}},
	}
	if change != nil {
		change(&d)
	}
	run := Run{ID: "r1", Name: "n", State: Running, Items: len(items), Definition: d}
	j, err := CreateJournal(dir, &run, items)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return &Runner{Run: run, Items: items, Targets: map[string]Target{"t": target}, Journal: j, Grace: time.Minute}
}

// resumed is a runner that goes on with what a journal says.
func resumed(t *testing.T, dir string, target Target) *Runner {
	t.Helper()
	j, was, err := OpenJournal(dir, "r1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return &Runner{Run: was.Run, Items: was.Items, Targets: map[string]Target{"t": target}, Journal: j, Past: was, Grace: time.Minute}
}

// wantWhole wants a result with a score for each ask.
func wantWhole(t *testing.T, run Run, results []Result, items int) {
	t.Helper()
	if run.State != Done || run.Reason != "" {
		t.Errorf("the run is %s: %s", run.State, run.Reason)
	}
	if len(results) != items*run.Definition.Repeat {
		t.Errorf("%d results, want %d", len(results), items*run.Definition.Repeat)
	}
	for i := range results {
		if len(results[i].Scores) != len(run.Definition.Scorers) || results[i].Scores["exact"].State == "" {
			t.Errorf("%+v has no score", results[i].Key)
		}
	}
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := &countedTarget{fail: func(a Ask, n int) error {
			switch {
			case a.Item.ID == "i003" && n == 1:
				return &AskError{Err: errors.New("busy"), Again: true, Wait: 3 * time.Second}
			case a.Item.ID == "i004":
				return &AskError{Err: errors.New("busy"), Again: true}
			case a.Item.ID == "i005":
				return errors.New("refused")
			}
			return nil
		}}
		seen := 0
		r := newRunner(t, t.TempDir(), manyItems(t, 30), target, func(d *Definition) { d.Repeat = 2 })
		r.Observe = func(p Progress, _ *Result) { seen++ }
		results, run, err := r.Do(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wantWhole(t, run, results, 30)
		if n := target.asked[Key{"t", "i004", 1}]; n != 3 {
			t.Errorf("what may pass was asked %d times, want 3", n)
		}
		if n := target.asked[Key{"t", "i005", 1}]; n != 1 {
			t.Errorf("what was refused was asked %d times", n)
		}
		sum := run.Summary.Targets[0]
		if seen != 60 || sum.Asked != 60 || sum.Failed != 4 || sum.Missing != 0 || sum.Cost != 56_000_000 || sum.Priced != 56 || sum.Reasons["busy"] != 2 || sum.Reasons["refused"] != 2 {
			t.Errorf("seen %d: %+v", seen, sum)
		}
		exact := run.Summary.Of("t", "exact")
		if exact.Scored != 56 || exact.Failed != 4 || *exact.Passed != 16 || exact.Coverage != 56.0/60 || *exact.Repeats != 0 {
			t.Errorf("%+v", exact)
		}
	})
}

// A run stops before it passes its max cost, and goes on when it may spend more; nothing is asked twice.
func TestMaxCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, target, limit := t.TempDir(), &countedTarget{}, price.USD(7_500_000)
		r := newRunner(t, dir, manyItems(t, 20), target, func(d *Definition) { d.MaxCost = &limit })
		results, run, err := r.Do(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if run.State != Stopped || len(results) != 7 || !strings.Contains(run.Reason, "max cost is reached: another ask could pass 0.007500000") {
			t.Errorf("%s with %d results: %s", run.State, len(results), run.Reason)
		}
		if got := run.Summary.Targets[0]; got.Missing != 13 || got.Scores[0].Coverage != 7.0/20 {
			t.Errorf("%+v", got)
		}
		_ = r.Journal.Close()
		next := resumed(t, dir, target)
		next.Run.Definition.MaxCost = nil
		results, run, err = next.Do(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wantWhole(t, run, results, 20)
		for k, n := range target.asked {
			if n != 1 {
				t.Errorf("%v was asked %d times", k, n)
			}
		}
	})
}

func TestATargetMayStopTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := &countedTarget{fail: func(a Ask, _ int) error {
			if a.Item.ID >= "i010" {
				return &AskError{Err: errors.New("HTTP 429: the budget is spent"), Stop: true}
			}
			return nil
		}}
		results, run, err := newRunner(t, t.TempDir(), manyItems(t, 50), target, nil).Do(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if run.State != Stopped || run.Reason != "HTTP 429: the budget is spent" || len(results) > 10 || len(results) < 10-4 || len(target.asked) > 20 { // of those at work beside the one that stops, some may not have asked
			t.Errorf("%s with %d results after %d asks: %s", run.State, len(results), len(target.asked), run.Reason)
		}
	})
}

// What is under way when somebody interrupts the run comes in: it may be paid for.
func TestInterrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		slow := TargetFunc(func(ctx context.Context, a Ask) (Answer, error) {
			if a.Item.ID == "i005" {
				stop()
			}
			select {
			case <-time.After(10 * time.Second):
				return Answer{Text: "late"}, nil
			case <-ctx.Done():
				return Answer{}, ctx.Err()
			}
		})
		results, run, err := newRunner(t, t.TempDir(), manyItems(t, 50), slow, nil).Do(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if run.State != Stopped || run.Reason != "it was interrupted" || len(results) < 6 || len(results) > 8 { // those that began with the one that interrupts
			t.Errorf("%s with %d results: %s", run.State, len(results), run.Reason)
		}
		stuck := TargetFunc(func(ctx context.Context, _ Ask) (Answer, error) { <-ctx.Done(); return Answer{}, ctx.Err() })
		r := newRunner(t, t.TempDir(), manyItems(t, 50), stuck, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		results, run, err = r.Do(ctx)
		if err != nil || run.State != Stopped || len(results) != 0 || time.Since(begin) != time.Second+r.Grace {
			t.Errorf("%s with %d results after %v, %v", run.State, len(results), time.Since(begin), err)
		}
	})
}

// remembers is a target whose answers can be had later.
type remembers struct {
	countedTarget
	answers map[Key]Answer
}

func (r *remembers) Recover(_ context.Context, a Ask) (Answer, bool, error) {
	got, ok := r.answers[a.Key]
	return got, ok, nil
}

// The process dies with asks begun, one of them answered, a line half written: the answer that was paid for is found, the rest asked again.
func TestResumeAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		items := manyItems(t, 5)
		r := newRunner(t, dir, items, &countedTarget{}, nil)
		for i, it := range items[:3] {
			k := Key{"t", it.ID, 1}
			if err := r.Journal.Begin(k); err != nil {
				t.Fatal(err)
			}
			if i == 0 { // answered, not scored
				if err := r.Journal.Put(&Result{Key: k, ItemHash: it.Hash(), Answer: Answer{Text: "0"}}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, _, err := OpenJournal(dir, "r1"); !errors.Is(err, ErrRunBusy) {
			t.Errorf("a second process takes the run: %v", err)
		}
		_ = r.Journal.Close()
		file := filepath.Join(dir, "r1", journalFile)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(text, `{"result":{"target":"t","item":"i00`...), 0o600); err != nil {
			t.Fatal(err)
		}
		target := &remembers{answers: map[Key]Answer{{"t", "i001", 1}: {Text: "1", CallID: "c1"}}}
		results, run, err := resumed(t, dir, target).Do(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wantWhole(t, run, results, 5)
		if len(target.asked) != 3 || target.asked[Key{"t", "i000", 1}] != 0 || target.asked[Key{"t", "i001", 1}] != 0 {
			t.Errorf("asked: %v", target.asked)
		}
		if results[1].Answer.CallID != "c1" || *run.Summary.Of("t", "exact").Passed != 5 {
			t.Errorf("%+v, %+v", results[1].Answer, run.Summary)
		}
		if again, err := ReadJournal(dir, "r1"); err != nil || len(again.Results) != 5 || len(again.Open) != 0 || again.Run.State != Done {
			t.Errorf("%+v, %v", again, err)
		}
	})
}

func TestRetryFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		down := true
		target := &countedTarget{fail: func(a Ask, _ int) error {
			if down && a.Item.ID < "i003" {
				return errors.New("down")
			}
			return nil
		}}
		r := newRunner(t, dir, manyItems(t, 6), target, nil)
		if _, run, err := r.Do(t.Context()); err != nil || run.State != Done || run.Summary.Targets[0].Failed != 3 {
			t.Fatalf("%+v, %v", run, err)
		}
		_ = r.Journal.Close()
		down = false
		next := resumed(t, dir, target)
		next.Again = true
		results, run, err := next.Do(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wantWhole(t, run, results, 6)
		if run.Summary.Targets[0].Failed != 0 || target.asked[Key{"t", "i005", 1}] != 1 {
			t.Errorf("%+v, asked %v", run.Summary, target.asked)
		}
	})
}

func TestJournalsThatAreNotThere(t *testing.T) {
	for _, id := range []string{"none", "", "../r1", "a b"} {
		if _, err := ReadJournal(t.TempDir(), id); !errors.Is(err, ErrNoRun) {
			t.Errorf("read %q: %v, want ErrNoRun", id, err)
		}
		if _, _, err := OpenJournal(t.TempDir(), id); !errors.Is(err, ErrNoRun) {
			t.Errorf("open %q: %v, want ErrNoRun", id, err)
		}
	}
}
