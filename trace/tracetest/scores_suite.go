package tracetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

var zeroTime time.Time

// TestScores checks the contract of trace.Scores. open gives a new, empty store.
func TestScores(t *testing.T, open func(*testing.T) trace.Scores) {
	t.Run("lists", func(t *testing.T) { scoreLists(t, open(t)) })
	t.Run("revisions", func(t *testing.T) { scoreRevisions(t, open(t)) })
	t.Run("figures", func(t *testing.T) { scoreFigures(t, open(t)) })
	t.Run("values", func(t *testing.T) {
		if s, ok := open(t).(valued); ok {
			scoreValues(t, s)
		}
	})
}

func score(id string, change func(*trace.Score)) trace.Score {
	s := trace.Score{
		ID: id, Revision: 1, CallID: "call-" + id, TraceID: "trace-" + id, CallStart: t0, Project: "p", Name: "helpful", Kind: trace.NumberScore, Value: 1,
		Source: trace.FromAPI, At: t0.Add(time.Hour),
	}
	if change != nil {
		change(&s)
	}
	return s
}

func put(t *testing.T, s trace.Scores, batch ...trace.Score) {
	t.Helper()
	if err := s.PutScores(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

func listed(t *testing.T, s trace.Scores, f trace.ScoreFilter) []trace.Score {
	t.Helper()
	page, err := s.ListScores(t.Context(), f, 1000, "")
	if err != nil {
		t.Fatal(err)
	}
	return page.Scores
}

func scoreLists(t *testing.T, s trace.Scores) {
	if got := listed(t, s, trace.ScoreFilter{}); len(got) != 0 {
		t.Fatalf("a new store holds %v", got)
	}
	cost := price.USD(1_234_567)
	whole := score("whole", func(s *trace.Score) {
		s.Cost = &cost
		s.CallStart = t0.Add(40 * 24 * time.Hour)
		s.User, s.Session, s.Model, s.Prompt, s.PromptVersion = "u", "se'ss\\ion", "gpt-4o", "greet", 7
		s.Experiment, s.Arm, s.Epoch, s.Unit = "tone", "b", 2, "u\x00\xff{}"
		s.Name, s.Kind, s.Value, s.Category, s.Comment = "tone", trace.CategoryScore, 0, "rude", "<b>\n'); DROP TABLE scores"
		s.Source, s.Author, s.Config = trace.FromJudge, "judge", "judge@3"
	})
	plain := score("plain", nil)
	put(t, s, whole, plain)
	put(t, s, whole, plain) // the same batch again
	same := func(what string, f trace.ScoreFilter, want ...trace.Score) {
		t.Helper()
		if diff := cmp.Diff(want, listed(t, s, f), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: -want +got\n%s", what, diff)
		}
	}
	same("all", trace.ScoreFilter{}, whole, plain)
	for what, f := range map[string]trace.ScoreFilter{
		"since": {Since: t0.Add(time.Hour)}, "id": {ID: "whole"}, "call": {CallID: "call-whole"}, "trace": {TraceID: "trace-whole"}, "name": {Name: "tone"},
		"source": {Source: "judge"}, "config": {Config: "judge@3"}, "model": {Model: "gpt-4o"}, "prompt": {Prompt: "greet"}, "version": {Prompt: "greet@7"},
		"experiment": {Experiment: "tone"}, "arm": {Arm: "b"},
	} {
		same(what, f, whole)
	}
	same("until", trace.ScoreFilter{Until: t0.Add(time.Hour)}, plain)
	same("project", trace.ScoreFilter{Project: "p", Source: "api"}, plain)
	same("none", trace.ScoreFilter{Prompt: "greet@8"})

	var many []trace.Score
	for i := range 25 {
		many = append(many, score(fmt.Sprintf("n%02d", i), func(s *trace.Score) { s.Name, s.CallStart = "paged", t0.Add(time.Duration(i/2)*time.Second) }))
	}
	put(t, s, many...)
	var got []string
	f := trace.ScoreFilter{Name: "paged"}
	for cursor := ""; ; {
		page, err := s.ListScores(t.Context(), f, 10, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range page.Scores {
			got = append(got, x.ID)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
		if _, err := s.ListScores(t.Context(), trace.ScoreFilter{Name: "other"}, 10, cursor); !errors.Is(err, trace.ErrBadCursor) {
			t.Errorf("a cursor of another list: %v", err)
		}
	}
	if len(got) != 25 || got[0] != "n24" || got[1] != "n23" || got[24] != "n00" {
		t.Errorf("paged through %v", got)
	}
}

func scoreRevisions(t *testing.T, s trace.Scores) {
	first := score("a", nil)
	second := score("a", func(s *trace.Score) { s.Revision, s.Value = 2, 0.5 })
	put(t, s, second)
	put(t, s, first, score("b", nil)) // what is older does not hold, whenever it comes
	if got := listed(t, s, trace.ScoreFilter{ID: "a"}); len(got) != 1 || got[0].Value != 0.5 {
		t.Errorf("of two revisions hold %+v", got)
	}
	put(t, s, score("a", func(s *trace.Score) { s.Revision, s.Deleted = 3, true }))
	if got := listed(t, s, trace.ScoreFilter{}); len(got) != 1 || got[0].ID != "b" {
		t.Errorf("after a deletion hold %+v", got)
	}
	sums, err := s.SumScores(t.Context(), trace.ScoreQuery{})
	if err != nil || len(sums) != 1 || sums[0].N != 1 || sums[0].SD != 0 {
		t.Errorf("figures of one score: %+v, %v", sums, err)
	}
	put(t, s, score("a", func(s *trace.Score) { s.Revision, s.Value = 4, 0.25 }))
	if got := listed(t, s, trace.ScoreFilter{ID: "a"}); len(got) != 1 || got[0].Value != 0.25 {
		t.Errorf("given again after a deletion hold %+v", got)
	}
}

func scoreFigures(t *testing.T, s trace.Scores) {
	if got, err := s.SumScores(t.Context(), trace.ScoreQuery{By: []string{"arm"}}); err != nil || len(got) != 0 {
		t.Errorf("figures of nothing: %v, %v", got, err)
	}
	n := 0
	add := func(change func(*trace.Score)) {
		n++
		put(t, s, score(fmt.Sprint(n), change))
	}
	for _, v := range []float64{1, 2, 3, 6} {
		add(func(s *trace.Score) { s.Value, s.Arm, s.Experiment = v, "a", "x" })
	}
	add(func(s *trace.Score) { s.Value, s.Arm, s.Experiment = -4, "b", "x" })
	add(func(s *trace.Score) {
		s.Name, s.Kind, s.Value, s.Prompt, s.PromptVersion = "ok", trace.BooleanScore, 1, "g", 2
	})
	add(func(s *trace.Score) { s.Name, s.Kind, s.Value = "ok", trace.BooleanScore, 0 })
	for _, word := range []string{"rude", "kind", "kind"} {
		add(func(s *trace.Score) { s.Name, s.Kind, s.Value, s.Category = "tone", trace.CategoryScore, 0, word })
	}
	near := cmpopts.EquateApprox(0, 1e-9)
	same := func(q trace.ScoreQuery, want ...trace.ScoreFigures) {
		t.Helper()
		got, err := s.SumScores(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, near, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%+v: -want +got\n%s", q, diff)
		}
	}
	same(trace.ScoreQuery{By: []string{"arm"}, Filter: trace.ScoreFilter{Experiment: "x"}},
		trace.ScoreFigures{Name: "helpful", Kind: trace.NumberScore, Group: []string{"a"}, N: 4, Mean: 3, SD: 2.160246899469287, Min: 1, Max: 6, P50: 2.5},
		trace.ScoreFigures{Name: "helpful", Kind: trace.NumberScore, Group: []string{"b"}, N: 1, Mean: -4, Min: -4, Max: -4, P50: -4})
	same(trace.ScoreQuery{By: []string{"prompt"}, Filter: trace.ScoreFilter{Name: "ok"}},
		trace.ScoreFigures{Name: "ok", Kind: trace.BooleanScore, Group: []string{""}, N: 1},
		trace.ScoreFigures{Name: "ok", Kind: trace.BooleanScore, Group: []string{"g@2"}, N: 1, Mean: 1, Min: 1, Max: 1, P50: 1})
	same(trace.ScoreQuery{By: []string{"day", "source"}, Filter: trace.ScoreFilter{Name: "tone"}},
		trace.ScoreFigures{Name: "tone", Kind: trace.CategoryScore, Group: []string{t0.Format("2006-01-02"), "api"}, N: 3, Categories: map[string]int64{"rude": 1, "kind": 2}})
	if _, err := s.SumScores(t.Context(), trace.ScoreQuery{By: []string{"user; DROP TABLE"}}); err == nil {
		t.Error("a column that is none is grouped by")
	}
}

// valued is a store of scores that gives bare numbers too.
type valued interface {
	trace.Scores
	trace.ScoreValues
}

func scoreValues(t *testing.T, s valued) {
	var batch []trace.Score
	var want []trace.ScoreValue
	for i := range 20 {
		at := t0.Add(time.Duration(i) * time.Minute)
		batch = append(batch, score(fmt.Sprint("v", i), func(s *trace.Score) { s.Value, s.CallStart, s.Config = float64(i), at, "c" }))
		want = append(want, trace.ScoreValue{At: at, Value: float64(i)})
	}
	put(t, s, append(batch, score("word", func(s *trace.Score) { s.Kind, s.Category, s.Config = trace.CategoryScore, "word", "c" }), score("other", nil))...)
	corrected := batch[3]
	corrected.Revision, corrected.Value = 2, 30
	put(t, s, corrected)
	want[3].Value = 30
	f := trace.ScoreFilter{Config: "c", Since: t0, Until: t0.Add(15 * time.Minute)}
	got, err := s.ScoreValues(t.Context(), f, 100)
	if diff := cmp.Diff(want[:15], got); diff != "" || err != nil {
		t.Errorf("values: %v, -want +got\n%s", err, diff)
	}
	some, err := s.ScoreValues(t.Context(), f, 5)
	if err != nil || len(some) != 5 {
		t.Errorf("a sample of 5: %v %v", some, err)
	}
	again, _ := s.ScoreValues(t.Context(), f, 5)
	if diff := cmp.Diff(some, again); diff != "" {
		t.Errorf("the sample changes: %s", diff)
	}
}
