package metrics

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/rag"
)

func TestFiguresOfRAG(t *testing.T) {
	s := New("test", func() Spool { return Spool{} })
	r := s.CountRAG([]string{"handbook"})
	if text := scrape(t, s); !strings.Contains(text, `weir_rag_questions_total{outcome="empty",pipeline="handbook"} 0`+"\n") {
		t.Error("a pipeline that was not asked yet has no figure to begin a rate with")
	}
	r.Ran(rag.Ran{
		Pipeline: "handbook", Outcome: rag.OutcomeAnswered, Citations: 3, Verified: 2, Cut: map[rag.Step]int{rag.StepFuse: 20, rag.StepPack: 1},
		Stages: []rag.StageRan{
			{Step: rag.StepRewrite, Took: time.Second, Failed: true},
			{Step: rag.StepSearch, Took: 20 * time.Millisecond},
			{Step: rag.StepRerank, Took: time.Millisecond, Skipped: true},
		},
	})
	r.Ran(rag.Ran{Pipeline: "handbook", Outcome: rag.OutcomeEmpty})
	r.Embedded("handbook", true, 128, nil)
	r.Embedded("handbook", false, 1, errors.New("busy"))
	if strings.Contains(scrape(t, s), "weir_rag_approximate_recall{") {
		t.Error("a recall that nobody has measured has a figure")
	}
	r.Recalled("handbook", 0.5)
	r.Recalled("handbook", 0.75)
	text := scrape(t, s)
	for _, line := range []string{
		`weir_rag_questions_total{outcome="answered",pipeline="handbook"} 1`,
		`weir_rag_questions_total{outcome="empty",pipeline="handbook"} 1`,
		`weir_rag_citations_total{pipeline="handbook",verified="true"} 2`,
		`weir_rag_citations_total{pipeline="handbook",verified="false"} 1`,
		`weir_rag_chunks_cut_total{pipeline="handbook",stage="fuse"} 20`,
		`weir_rag_chunks_cut_total{pipeline="handbook",stage="pack"} 1`,
		`weir_rag_stages_left_total{pipeline="handbook",stage="rerank",why="skipped"} 1`,
		`weir_rag_stages_left_total{pipeline="handbook",stage="rewrite",why="failed"} 1`,
		`weir_rag_stage_duration_seconds_count{pipeline="handbook",stage="rewrite"} 1`,
		`weir_rag_stage_duration_seconds_bucket{pipeline="handbook",stage="search",le="0.01"} 0`,
		`weir_rag_stage_duration_seconds_bucket{pipeline="handbook",stage="search",le="0.025"} 1`,
		`weir_rag_embedding_batches_total{for="documents",pipeline="handbook",status="ok"} 1`,
		`weir_rag_embedding_batches_total{for="questions",pipeline="handbook",status="error"} 1`,
		`weir_rag_approximate_recall{pipeline="handbook"} 0.75`,
		`weir_rag_approximate_measured_total{pipeline="handbook"} 2`,
		`weir_rag_embedding_texts_total{for="documents",pipeline="handbook"} 128`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("/metrics lacks %s", line)
		}
	}
	if strings.Contains(text, `stage_duration_seconds_count{pipeline="handbook",stage="rerank"}`) {
		t.Error("a stage that was skipped has a time")
	}
}
