package evaltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/price"
)

var at = time.Date(2026, 11, 24, 8, 0, 0, 123456000, time.UTC)

func snapshot(t *testing.T, lines string, splits ...eval.Split) eval.Snapshot {
	t.Helper()
	items, err := eval.ReadJSONL("items", strings.NewReader(lines))
	if err != nil {
		t.Fatal(err)
	}
	s, err := eval.NewSnapshot(items, splits...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDatasets checks the contract of eval.Datasets on an empty store.
func TestDatasets(t *testing.T, db eval.Datasets) {
	t.Helper()
	ctx := t.Context()
	if _, err := db.DatasetVersions(ctx, "none"); !errors.Is(err, eval.ErrNoDataset) {
		t.Errorf("versions of nothing: %v, want ErrNoDataset", err)
	}
	if err := db.DeleteDataset(ctx, "none"); !errors.Is(err, eval.ErrNoDataset) {
		t.Errorf("delete nothing: %v, want ErrNoDataset", err)
	}
	first := snapshot(t, `{"id":"a","input":"x","expected":"y \"q\" é\u0000"}`+"\n"+`{"id":"b","input":{"n":1}}`, eval.Split{Name: "test", Share: 0.25})
	second := snapshot(t, `{"id":"a","input":"x2"}`)
	put := func(name string, s *eval.Snapshot, number int, made bool) {
		t.Helper()
		v, is, err := db.PutDataset(ctx, eval.Version{Dataset: name, Message: "why " + name, Author: "ann", CreatedAt: at}, s)
		if err != nil || is != made || v.Number != number || v.Hash != s.Hash || v.Items != len(s.Items) || v.Author != "ann" || !v.CreatedAt.Equal(at) {
			t.Fatalf("put %s: got %+v, %v, %v; want number %d, made %v", name, v, is, err, number, made)
		}
	}
	put("d", &first, 1, true)
	put("d", &first, 1, false)
	put("d", &second, 2, true)
	put("d", &first, 3, true)
	put("c", &first, 1, true)

	list, err := db.ListDatasets(ctx)
	if err != nil || len(list) != 2 || list[0].Dataset != "c" || list[1].Dataset != "d" || list[1].Number != 3 {
		t.Errorf("list: %+v, %v", list, err)
	}
	versions, err := db.DatasetVersions(ctx, "d")
	if err != nil || len(versions) != 3 || versions[0].Number != 3 || versions[2].Number != 1 || versions[2].Message != "why d" {
		t.Errorf("versions: %+v, %v", versions, err)
	}
	for ref, want := range map[string]*eval.Snapshot{"": &first, "2": &second, "1": &first, second.Hash: &second, second.Hash[:8]: &second} {
		_, got, err := db.Dataset(ctx, "d", ref)
		if err != nil {
			t.Fatalf("version %q: %v", ref, err)
		}
		if diff := cmp.Diff(*want, got); diff != "" {
			t.Errorf("version %q (-want +got):\n%s", ref, diff)
		}
	}
	for _, ref := range []string{"4", "0", second.Hash[:7], "zzzzzzzzz"} {
		if _, _, err := db.Dataset(ctx, "d", ref); !errors.Is(err, eval.ErrNoDataset) {
			t.Errorf("version %q: %v, want ErrNoDataset", ref, err)
		}
	}
	if err := db.DeleteDataset(ctx, "d"); err != nil {
		t.Fatal(err)
	}
	if _, got, err := db.Dataset(ctx, "c", ""); err != nil || got.Hash != first.Hash || len(got.Items) != 2 {
		t.Errorf("contents that another dataset shared are gone: %+v, %v", got, err)
	}
	var lines strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&lines, `{"id":"i%d","input":%q}`+"\n", i, strings.Repeat("long ", 50))
	}
	large := snapshot(t, lines.String())
	put("large", &large, 1, true)
	if _, got, err := db.Dataset(ctx, "large", "1"); err != nil || got.Hash != large.Hash || len(got.Items) != 3000 {
		t.Errorf("a large one comes back with %d items, %v", len(got.Items), err)
	}
}

func run(id, name string, state eval.RunState) eval.Run {
	return eval.Run{
		ID: id, Name: name, State: state, Snapshot: "h", Items: 2, CreatedAt: at, UpdatedAt: at,
		Definition: eval.Definition{Name: name, Dataset: "d.jsonl", Repeat: 1, Concurrency: 4, Timeout: eval.Duration(time.Minute), Targets: []eval.TargetConfig{{Name: "t", Command: []string{"cat"}}}, Scorers: []eval.ScorerConfig{{Name: "exact", Metric: "exact"}}},
		Summary:    eval.Summary{Targets: []eval.TargetSummary{}},
	}
}

// TestRuns checks the contract of eval.Runs on an empty store.
func TestRuns(t *testing.T, db eval.Runs) {
	t.Helper()
	ctx := t.Context()
	put := func(r eval.Run, want error) {
		t.Helper()
		if err := db.PutRun(ctx, r); !errors.Is(err, want) {
			t.Errorf("put %s: got %v, want %v", r.ID, err, want)
		}
	}
	one := run("r1", "n", eval.Running)
	put(one, nil)
	one.State, one.Reason = eval.Stopped, "budget"
	put(one, nil)
	one.State, one.Reason, one.Items = eval.Done, "", 3
	put(one, nil)
	got, err := db.GetRun(ctx, "r1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(one, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	later := one
	later.UpdatedAt = at.Add(time.Hour)
	put(later, nil)
	later.Items = 4
	put(later, eval.ErrRunDone)
	put(run("r2", "n", eval.Running), nil)
	put(run("r3", "m", eval.Done), nil)
	for _, c := range []struct {
		f     eval.RunFilter
		limit int
		want  string
	}{
		{eval.RunFilter{}, 10, "r3 r2 r1"},
		{eval.RunFilter{}, 2, "r3 r2"},
		{eval.RunFilter{Before: "r2"}, 2, "r1"},
		{eval.RunFilter{Name: "n"}, 9, "r2 r1"},
		{eval.RunFilter{State: eval.Done}, 9, "r3 r1"},
		{eval.RunFilter{Name: "none"}, 9, ""},
	} {
		list, err := db.ListRuns(ctx, c.f, c.limit)
		var ids []string
		for _, r := range list {
			ids = append(ids, r.ID)
		}
		if got := strings.Join(ids, " "); err != nil || got != c.want {
			t.Errorf("list %+v: got %q, %v; want %q", c.f, got, err, c.want)
		}
	}
	if err := db.DeleteRun(ctx, "r1"); err != nil {
		t.Error(err)
	}
	if err := db.DeleteRun(ctx, "r1"); !errors.Is(err, eval.ErrNoRun) {
		t.Errorf("deleted twice: %v, want ErrNoRun", err)
	}
	if _, err := db.GetRun(ctx, "r1"); !errors.Is(err, eval.ErrNoRun) {
		t.Errorf("after it was deleted: %v, want ErrNoRun", err)
	}
}

func row(target, item string, repeat int) eval.Row {
	cost, judged := price.USD(1_234_567), price.USD(7_000_000_001)
	passed := true
	return eval.Row{Name: "n", Input: "in 'x' \\", Expected: "é", Result: eval.Result{
		Key: eval.Key{Target: target, Item: item, Repeat: repeat}, ItemHash: "h",
		Answer: eval.Answer{
			Text: "says " + item, CallID: "c", Model: "m", Prompt: "p@3", Cost: &cost, LatencyMS: 1.5, InputTokens: 3, OutputTokens: 4, Tries: 2, At: at,
			Contexts: []string{"é 'found'", ""}, Citations: []eval.Citation{{ID: "1", Document: "d", Quote: "q", Start: 3, End: 4}},
			ToolCalls: []eval.ToolCall{{Name: "f", Arguments: json.RawMessage(`{"a":1}`)}},
		},
		Scores: map[string]eval.Score{
			"judge": {State: eval.Scored, Value: 0.5, Cost: &judged, Votes: []float64{0.5, 0.25, 0.75}},
			"exact": {State: eval.Scored, Value: 1, Passed: &passed}, "bleu": {State: eval.Scored, Value: 31.25, Reason: "so"}, "f": {State: eval.Failed, Reason: "why"}, "u": {State: eval.Unscorable, Reason: "no"},
		},
	}}
}

// TestResults checks the contract of eval.Results on an empty store.
func TestResults(t *testing.T, db eval.Results) {
	t.Helper()
	ctx := t.Context()
	lost := eval.Row{Name: "n", Result: eval.Result{Key: eval.Key{Target: "b", Item: "i1", Repeat: 1}, ItemHash: "h", Answer: eval.Answer{Error: "HTTP 500", Tries: 3, At: at}, Scores: map[string]eval.Score{}}}
	batch := []eval.Row{row("a", "i2", 1), row("a", "i1", 2), row("a", "i1", 1), lost}
	for range 2 {
		if err := db.PutResults(ctx, "r1", batch); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.PutResults(ctx, "r2", []eval.Row{row("a", "i1", 1)}); err != nil {
		t.Fatal(err)
	}
	want := func(what, target string, after eval.Key, limit int, rows ...eval.Row) {
		t.Helper()
		got := []eval.Row{}
		for r, err := range db.Results(ctx, "r1", target, after, limit) {
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			got = append(got, r)
		}
		if diff := cmp.Diff(append([]eval.Row{}, rows...), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	want("all", "", eval.Key{}, 0, batch[2], batch[1], batch[0], lost)
	want("one target", "b", eval.Key{}, 0, lost)
	want("a page", "", eval.Key{Target: "a", Item: "i1", Repeat: 1}, 2, batch[1], batch[0])
	again := row("b", "i1", 1)
	if err := db.PutResults(ctx, "r1", []eval.Row{again}); err != nil {
		t.Fatal(err)
	}
	want("asked again", "", eval.Key{}, 0, batch[2], batch[1], batch[0], again)
	for _, err := range db.Results(ctx, "r1", "", eval.Key{}, 0) {
		if err != nil {
			t.Error(err)
		}
		break // a reader may leave early
	}
	if err := db.DeleteResults(ctx, "r1"); err != nil {
		t.Fatal(err)
	}
	want("deleted", "", eval.Key{}, 0)
	if err := db.PutResults(ctx, "r1", nil); err != nil {
		t.Error(err)
	}
}
