package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/rag"
)

func TestRAGSummary(t *testing.T) {
	w := newWorld(t)
	s := newShelf(t, w)
	now := time.Now().UTC().Truncate(time.Microsecond)
	cents, relevance := price.USD(3_000_000), 0.5
	asked := []rag.Asked{
		{ID: "1", Time: now, Pipeline: "handbook", Project: "p1", RetrievalMS: 20, Citations: 2, Verified: 1, GenerationCost: &cents, ContextRelevance: &relevance, TookMS: map[rag.Step]float64{rag.StepSearch: 8, rag.StepEmbed: 2}},
		{ID: "2", Time: now, Pipeline: "handbook", Project: "p2", RetrievalMS: 700, Empty: true, NotInSources: true, TookMS: map[rag.Step]float64{rag.StepSearch: 690}},
		{ID: "3", Time: now.Add(-30 * time.Hour), Pipeline: "handbook", Project: "p1", RetrievalMS: 30},
		{ID: "4", Time: now, Pipeline: "other", Project: "p1", RetrievalMS: 40},
	}
	if err := s.log.Write(t.Context(), asked); err != nil {
		t.Fatal(err)
	}
	var got ragAskedSummary
	w.get("/rag/handbook/summary", &got)
	half, p50, p95, per := 0.5, got.RetrievalP50, got.RetrievalP95, cents
	if p50 == nil || p95 == nil || *p50 < 20 || *p95 > 700 || *p50 > *p95 {
		t.Errorf("retrieval %v, %v", p50, p95)
	}
	want := ragTotals{
		Questions: 2, Empty: 1, Slow: 1, NotInSources: 1, HitRate: &half, Citations: 2, Verified: 1, Answers: 1, CostUSD: cents, CostPerAnswer: &per,
		ContextRelevance: &relevance, RetrievalP50: p50, RetrievalP95: p95,
	}
	if diff := cmp.Diff(got.ragTotals, want); diff != "" {
		t.Errorf("-got +want:\n%s", diff)
	}
	if len(got.Hours) != 1 || got.Hours[0].Questions != 2 || !got.Hours[0].Hour.Equal(now.Truncate(time.Hour)) {
		t.Errorf("hours %+v", got.Hours)
	}
	var stages []rag.Step
	for _, st := range got.Stages {
		stages = append(stages, st.Stage)
	}
	if want := []rag.Step{rag.StepEmbed, rag.StepSearch}; !slices.Equal(stages, want) || got.Stages[1].Runs != 2 || got.Stages[0].P95 != 2 {
		t.Errorf("stages %+v, want %v", got.Stages, want)
	}
	w.get("/rag/handbook/summary?since=2d&project=p1&slow_ms=25", &got)
	if got.Questions != 2 || got.Slow != 1 || got.SlowMS != 25 || *got.HitRate != 1 {
		t.Errorf("two days of p1: %+v", got)
	}
	w.get("/rag/handbook/summary?project=nobody", &got)
	if got.Questions != 0 || got.HitRate != nil || got.RetrievalP95 != nil || got.CostPerAnswer != nil {
		t.Errorf("nobody's: %+v", got)
	}
	w.refused(w.ask("GET", "/rag/handbook/summary?slow_ms=-1", ""), 400, llm.InvalidRequest, "slow_ms")
	w.refused(w.ask("GET", "/rag/nothing/summary", ""), 404, llm.NotFound, "weir.yaml")
}

func TestRAGBench(t *testing.T) {
	w := newWorld(t)
	s := newShelf(t, w)
	s.put(w, ragLines)
	s.settings.Rewrite, s.settings.Rerank.Model = "m", "m"
	s.open()
	ask := func(body string) (out ragAnswer) {
		t.Helper()
		rec := w.ask("POST", "/rag/handbook/query", body)
		if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil || rec.Code != http.StatusOK {
			t.Fatalf("%d %s: %v", rec.Code, rec.Body, err)
		}
		return out
	}
	got := ask(`{"question":"How many days of paid leave?","explain":true,"bare":true}`)
	if s.sent != 0 || got.Answer != "" {
		t.Errorf("%d models were asked for passages alone, answer %q", s.sent, got.Answer)
	}
	if len(got.Passages) != 2 || got.Passages[0].Document != "leave.md" || got.Passages[0].Source != 1 || got.Passages[0].Text != got.Contexts[0] ||
		!slices.Equal(got.Passages[0].Headings, []string{"Leave"}) {
		t.Errorf("passages %+v", got.Passages)
	}
	if c := got.Chunks[0]; c.Title != "Leave" || !slices.Equal(c.Headings, []string{"Leave"}) || !strings.Contains(c.Text, "thirty days") {
		t.Errorf("the first chunk %+v", c)
	}
	for _, st := range got.Stages {
		if models := st.Step == rag.StepRewrite || st.Step == rag.StepRerank; models != strings.HasPrefix(st.Note, "skipped: ") {
			t.Errorf("%s says %q", st.Step, st.Note)
		}
	}
	if one := ask(`{"question":"leave and trains","explain":true,"bare":true,"top_k":1,"lists":["dense"]}`); len(one.Chunks) != 1 {
		t.Errorf("of one: %+v", one.Chunks)
	}
	w.refused(w.ask("POST", "/rag/handbook/query", `{"question":"x","top_k":1001}`), 400, llm.InvalidRequest, "1001", "1000")

	var kept ragAskedDetail
	w.get("/rag/handbook/queries/"+got.ID, &kept)
	if len(kept.Chunks) != 2 || kept.Chunks[0].Text != got.Chunks[0].Text || kept.Question != "How many days of paid leave?" {
		t.Errorf("kept %+v", kept)
	}
	if len(kept.Passages) != 2 || kept.Passages[0].Source != 1 || kept.Passages[0].Text != got.Passages[0].Text || kept.Passages[0].Start != got.Passages[0].Start {
		t.Errorf("kept passages %+v", kept.Passages)
	}
	s.put(w, `{"id":"leave.md","text":"There is another text now."}`)
	w.get("/rag/handbook/queries/"+got.ID, &kept)
	if kept.Chunks[0].Text != "" || kept.Chunks[1].Text == "" || kept.Passages[0].ID != got.Passages[0].ID || kept.Passages[0].Text != "" {
		t.Errorf("of what is not there any more: %+v", kept.Chunks)
	}
}

func TestRAGDocumentsAreFound(t *testing.T) {
	w := newWorld(t)
	s := newShelf(t, w)
	s.put(w, ragLines)
	find := func(query string) (ids []string, next string) {
		t.Helper()
		var got ragDocuments
		w.get("/rag/handbook/documents?"+query, &got)
		for _, d := range got.Documents {
			ids = append(ids, d.ID)
		}
		return ids, got.Next
	}
	for _, test := range []struct {
		query, want string
		more        bool
	}{
		{"q=LEAVE", "leave.md", false},
		{"q=.md&limit=2", "leave.md theirs.md", true},
		{"q=nothing", "", false},
		{"q=%20", "leave.md theirs.md travel.md", false},
		{"q=.md&limit=3", "leave.md theirs.md travel.md", false},
	} {
		if ids, next := find(test.query); strings.Join(ids, " ") != test.want || (next != "") != test.more {
			t.Errorf("%s: got %q and next %q, want %s", test.query, ids, next, test.want)
		}
	}
	_, next := find("q=.md&limit=2")
	if ids, _ := find("q=.md&limit=2&cursor=" + next); strings.Join(ids, " ") != "travel.md" {
		t.Errorf("the second page has %q", ids)
	}
	var got ragDocuments
	w.get("/rag/handbook/documents?limit=1", &got)
	if d := got.Documents[0]; d.Labels["year"] != "2026" || d.Bytes < 50 || d.Indexed != nil {
		t.Errorf("got %+v", d)
	}
}
