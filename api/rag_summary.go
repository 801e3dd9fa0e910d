package api

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/rag"
)

// ragAskedSummary sums up a pipeline's questions of a span of time.
type ragAskedSummary struct {
	ragTotals
	SlowMS float64     `json:"slow_ms"` // the retrieval time from which on a question counts as slow
	Hours  []ragHour   `json:"hours"`   // those with questions, oldest first
	Stages []ragTiming `json:"stages"`  // in the order in which they run
}

// ragTotals sums up questions. A share, a mean and a quantile of nothing is null.
type ragTotals struct {
	Questions        int64      `json:"questions"`
	Empty            int64      `json:"empty"` // nothing was found that could be given to a model
	Slow             int64      `json:"slow"`
	NotInSources     int64      `json:"not_in_sources"`
	HitRate          *float64   `json:"hit_rate"`
	Citations        int64      `json:"citations"`
	Verified         int64      `json:"verified"`
	Answers          int64      `json:"priced_answers"` // those whose cost is known
	CostUSD          price.USD  `json:"cost_usd"`       // of these
	CostPerAnswer    *price.USD `json:"cost_per_answer_usd"`
	ContextTokens    int64      `json:"context_tokens"`
	RetrievalP50     *float64   `json:"retrieval_p50_ms"`
	RetrievalP95     *float64   `json:"retrieval_p95_ms"`
	ContextRelevance *float64   `json:"context_relevance"`
	ResponseQuality  *float64   `json:"response_quality"`
}

type ragHour struct {
	Hour time.Time `json:"hour"` // its beginning, UTC
	ragTotals
}

// ragTiming is how long a stage took, over the questions where it ran.
type ragTiming struct {
	Stage rag.Step `json:"stage"`
	Runs  int64    `json:"runs"`
	P50   float64  `json:"p50_ms"`
	P95   float64  `json:"p95_ms"`
}

// slowMS is the retrieval time from which on a question counts as slow unless a request says another.
const slowMS = 500

// stagesInOrder are all stages as they run.
var stagesInOrder = []rag.Step{
	rag.StepRewrite, rag.StepEmbed, rag.StepDense, rag.StepSparse, rag.StepSearch, rag.StepFuse, rag.StepMMR, rag.StepRerank, rag.StepParents, rag.StepPack,
	rag.StepGenerate, rag.StepCite,
}

func (a *API) ragSummaryRoute() route {
	return route{
		method: "GET", path: "/rag/{name}/summary", name: "sumUpRAG", summary: "What became of a pipeline's questions: hits, empty and slow ones, costs, and the time of each stage",
		params: []param{
			{name: "since", about: "asked from then on: RFC 3339, a day, or how long ago; 24h unless given"},
			{name: "until", about: "asked before then"},
			{name: "project", about: "on this account"},
			{name: "slow_ms", about: fmt.Sprintf("the retrieval time from which on a question is slow; %d unless given", slowMS), kind: "number"},
		},
		status: http.StatusOK, out: ragAskedSummary{}, handle: a.sumUpRAG,
	}
}

func (a *API) sumUpRAG(w http.ResponseWriter, r *http.Request) error {
	_, name, err := a.pipeline(r)
	if err != nil {
		return err
	}
	f, err := readAskedFilter(r.URL.Query())
	if err != nil {
		return err
	}
	f.Pipeline, f.SlowMS = name, cmp.Or(f.SlowMS, slowMS)
	if f.Since.IsZero() {
		f.Since = time.Now().Add(-24 * time.Hour)
	}
	s, err := a.cfg.RAGLog.Summary(r.Context(), f)
	if err != nil {
		return ragFault(fmt.Errorf("sum up questions: %w", err))
	}
	out := ragAskedSummary{ragTotals: totalsOf(&s.AskedTotals), SlowMS: f.SlowMS, Hours: make([]ragHour, len(s.Hours)), Stages: make([]ragTiming, len(s.Steps))}
	for i := range s.Hours {
		out.Hours[i] = ragHour{s.Hours[i].Hour, totalsOf(&s.Hours[i].AskedTotals)}
	}
	slices.SortStableFunc(s.Steps, func(a, b rag.StepTimes) int {
		return cmp.Compare(slices.Index(stagesInOrder, a.Step), slices.Index(stagesInOrder, b.Step))
	})
	for i, t := range s.Steps {
		out.Stages[i] = ragTiming{t.Step, t.Runs, t.P50, t.P95}
	}
	return answer(w, http.StatusOK, out)
}

func totalsOf(t *rag.AskedTotals) ragTotals {
	out := ragTotals{
		Questions: t.Questions, Empty: t.Empty, Slow: t.Slow, NotInSources: t.NotInSources, Citations: t.Citations, Verified: t.Verified, Answers: t.Priced,
		CostUSD: t.Cost, ContextTokens: t.ContextTokens, ContextRelevance: t.ContextRelevance, ResponseQuality: t.ResponseQuality,
	}
	if rate, ok := t.HitRate(); ok {
		p50, p95 := t.RetrievalP50, t.RetrievalP95
		out.HitRate, out.RetrievalP50, out.RetrievalP95 = &rate, &p50, &p95
	}
	if usd, ok := t.CostPerAnswer(); ok {
		out.CostPerAnswer = &usd
	}
	return out
}
