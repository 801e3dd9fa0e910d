package ragtest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/weir-dev/weir/rag"
)

// RunLog tests a log. It may hold other questions too: those of the test are of a project of their own.
func RunLog(t *testing.T, log rag.Log) {
	t.Helper()
	ctx := t.Context()
	project := "p-" + strings.ToLower(rand.Text())
	score := func(x float64) *float64 { return &x }
	start := time.Date(2026, 11, 20, 10, 59, 0, 123456000, time.UTC)
	full := rag.Asked{
		ID: project + "-1", Time: start, TraceID: "trace'1", CallID: "call\\1", Project: project, Pipeline: "handbook", Collection: "handbook-v1", Question: "Is it \"a\nweir\"? 日本",
		TookMS: map[rag.Step]float64{rag.StepEmbed: 3.5, rag.StepSearch: 20}, Counts: map[rag.Step]int{rag.StepDense: 2, rag.StepPack: 1},
		RetrievalMS: 23.5, TotalMS: 800, TopScore: 0.75, Citations: 2, Verified: 1, ContextTokens: 900, GenerationCost: cents(3),
		ContextRelevance: score(0.5), ResponseQuality: score(0), Chunks: []rag.AskedChunk{
			{ID: ID(1), Document: "a.md", Places: map[rag.Step]rag.Place{rag.StepDense: {Rank: 1, Score: 0.75}, rag.StepFuse: {Rank: 2, Score: 0.016}}, Packed: true, Cited: true},
			{ID: ID(2), Document: "b.md", Places: map[rag.Step]rag.Place{rag.StepSparse: {Rank: 1, Score: 4}}, Dropped: rag.StepRerank, Why: "below the limit"},
		},
	}
	asked := []rag.Asked{full}
	for n := 2; n <= 6; n++ {
		a := rag.Asked{
			ID: fmt.Sprintf("%s-%d", project, n), Time: start.Add(time.Duration(n/2) * time.Minute), TraceID: "t", Project: project, Pipeline: []string{"handbook", "code"}[n%2],
			Collection: "c", Question: "q", TookMS: map[rag.Step]float64{rag.StepSearch: float64(n)}, Counts: map[rag.Step]int{rag.StepDense: n},
			RetrievalMS: float64(10 * n), Empty: n == 4, NotInSources: n >= 4, Citations: n % 3, Verified: n % 3, ContextTokens: n,
		}
		if n == 5 {
			a.GenerationCost, a.ContextRelevance = cents(5), score(1)
		}
		asked = append(asked, a)
	}
	same := func(what string, got, want any) {
		t.Helper()
		if diff := cmp.Diff(got, want, cmpopts.EquateEmpty(), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
			t.Errorf("%s (-got +want):\n%s", what, diff)
		}
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}

	check(log.Write(ctx, nil))
	early := full
	early.Citations, early.Empty, early.GenerationCost = 9, true, nil
	check(log.Write(ctx, []rag.Asked{early}))
	check(log.Write(ctx, asked))
	check(log.Write(ctx, asked[1:3])) // once more

	got, err := log.Get(ctx, full.ID)
	check(err)
	same("a question", got, full)
	if _, err := log.Get(ctx, project+"-99"); !errors.Is(err, rag.ErrNotAsked) {
		t.Errorf("a question that was not asked: got error %v, want %v", err, rag.ErrNotAsked)
	}

	var memory MemoryLog
	check(memory.Write(ctx, asked))
	for _, f := range []rag.AskedFilter{
		{},
		{Pipeline: "code"},
		{Collection: "c"},
		{TraceID: "trace'1"},
		{CallID: "call\\1"},
		{Pipeline: "none"},
		{Since: start.Add(time.Minute)},
		{Until: start.Add(time.Minute)},
		{Since: start.Add(time.Minute), Until: start.Add(2 * time.Minute)},
		{Only: rag.AskedEmpty},
		{Only: rag.AskedSlow},
		{Only: rag.AskedSlow, SlowMS: 40},
		{SlowMS: 50},
		{Only: rag.AskedNotFound},
		{Only: rag.AskedUnverified},
	} {
		f.Project = project
		what := fmt.Sprintf("%+v", f)
		var got []rag.Asked
		for after := (*rag.AskedKey)(nil); ; {
			page, err := log.List(ctx, f, after, 2)
			check(err)
			if len(page) == 0 {
				break
			}
			if len(page) > 2 || len(got) > len(asked) {
				t.Fatalf("a page of %d after %d, want pages of at most 2 of at most %d", len(page), len(got), len(asked))
			}
			got = append(got, page...)
			last := page[len(page)-1]
			after = &rag.AskedKey{Time: last.Time, ID: last.ID}
		}
		want, err := memory.List(ctx, f, nil, 100)
		check(err)
		same("the list of "+what, got, want)

		gotSummary, err := log.Summary(ctx, f)
		check(err)
		wantSummary, err := memory.Summary(ctx, f)
		check(err)
		same("the summary of "+what, gotSummary, wantSummary)
	}
	if _, err := log.List(ctx, rag.AskedFilter{Only: "odd"}, nil, 5); err == nil {
		t.Error("a list of a kind that there is not")
	}

	// The sums of all, by hand.
	s, err := log.Summary(ctx, rag.AskedFilter{Project: project, SlowMS: 50})
	check(err)
	same("totals", s.AskedTotals, rag.AskedTotals{
		Questions: 6, Empty: 1, Slow: 2, NotInSources: 3, Citations: 2 + 2 + 0 + 1 + 2, Verified: 1 + 2 + 0 + 1 + 2, Cost: *cents(8), Priced: 2,
		ContextTokens: 900 + 20, RetrievalP50: 40, RetrievalP95: 60, ContextRelevance: score(0.75), ResponseQuality: score(0),
	})
	if rate, ok := s.HitRate(); !ok || rate < 0.83 || rate > 0.84 {
		t.Errorf("hit rate: got %v, want 5/6", rate)
	}
	if cost, ok := s.CostPerAnswer(); !ok || cost != *cents(4) {
		t.Errorf("cost per answer: got %v, want %v", cost, *cents(4))
	}
	same("hours", []int{len(s.Pipelines), len(s.Hours), len(s.Steps)}, []int{2, 2, 2})
}
