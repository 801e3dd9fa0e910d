package main

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/ingest/route"
	"github.com/weir-dev/weir/internal/metrics"
	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/rag/ragtest"
	"github.com/weir-dev/weir/trace/tracetest"
)

// handbookService is as much of the demo as its handbook needs, over a store in memory.
func handbookService(t *testing.T, count func(rag.Asked)) *service {
	t.Helper()
	cfg := simulatedOpenAI(t, simulator.Config{Seed: 9})
	cfg.Providers[0].Name = "simulated"
	demoPipelines(&cfg)
	gauges := metrics.New("test", func() metrics.Spool { return metrics.Spool{} })
	top := route.Fallback(routingTable(cfg), nil)
	answering, err := openPipelines(cfg, ragParts{
		ClickHouse: &ragtest.Memory{}, Top: top, Answered: func(_ *llm.Call, a rag.Asked) { count(a) }, Counts: gauges.CountRAG(pipelineNames(cfg)),
		Price: func(string, string, llm.Usage) (price.USD, bool) { return 0, true },
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &service{rag: answering}
	cmd := &cobra.Command{}
	if err := seedHandbook(t.Context(), cmd, s); err != nil {
		t.Fatal(err)
	}
	return s
}

// The demo's questions come to what its pages are to show: answers whose quotes are found, a few of which are not, questions that the
// handbook does not answer, and ones for which nothing is found.
func TestHandbookIsAsked(t *testing.T) {
	var all []rag.Asked
	s := handbookService(t, func(a rag.Asked) { all = append(all, a) })
	r := rand.New(rand.NewPCG(7, 7))
	const n = 300
	for i := range n {
		p := s.rag.served[demoPipeline]
		if i%6 == 0 {
			p = s.rag.served[demoReranked]
		}
		on := &llm.Call{ID: llm.NewID(time.Now()), TraceID: llm.NewTraceID(), SpanID: llm.NewSpanID(), Project: demoProject}
		if _, err := p.Ask(t.Context(), on, rag.Question{Text: simulator.HandbookQuestion(r)}, true); err != nil {
			t.Fatal(err)
		}
	}
	var empty, silent, cited, verified, citations int
	for _, a := range all {
		citations, verified = citations+a.Citations, verified+a.Verified
		switch {
		case a.Empty:
			empty++
		case a.NotInSources:
			silent++
		case a.Citations > 0:
			cited++
		default:
			t.Errorf("%q was answered without a citation", a.Question)
		}
	}
	t.Logf("%d questions: %d cited, %d not in the sources, %d empty; %d of %d citations verified", len(all), cited, silent, empty, verified, citations)
	if len(all) != n || cited < n*6/10 || silent < n/20 || silent > n/3 || empty < n/50 || empty > n/7 {
		t.Errorf("of %d questions %d were answered, %d not in the sources, %d empty", len(all), cited, silent, empty)
	}
	if verified < citations*85/100 || verified == citations {
		t.Errorf("%d of %d citations are verified", verified, citations)
	}
}

// The past has questions of every kind, each with the calls that it was, and is written once.
func TestHandbookHasAPast(t *testing.T) {
	s := handbookService(t, func(rag.Asked) { t.Error("a question of the past was counted as one of now") })
	log, store := &ragtest.MemoryLog{}, &tracetest.Memory{}
	s.asked, s.writer = newAskedLog(log, &tracetest.MemoryScores{}, slog.New(slog.DiscardHandler)), store
	var err error
	if s.book, err = openPrices(t.Context(), Config{}, noPrices{}); err != nil {
		t.Fatal(err)
	}
	opts := demoOptions{seed: 1, days: 4, callsPerDay: 4000}
	now := time.Now().UTC()
	for range 2 {
		if err := seedQuestions(t.Context(), s, opts, now); err != nil {
			t.Fatal(err)
		}
	}
	sum, err := log.Summary(t.Context(), rag.AskedFilter{SlowMS: 500})
	if err != nil {
		t.Fatal(err)
	}
	if n := sum.Questions; n < 60 || n > 300 || sum.NotInSources == 0 || sum.Verified == 0 || sum.Cost == 0 || sum.ContextRelevance == nil || sum.RetrievalP50 > 100 {
		t.Errorf("the past: %+v", sum.AskedTotals)
	}
	list, err := log.List(t.Context(), rag.AskedFilter{}, nil, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		rec, err := store.Call(t.Context(), a.CallID)
		if err != nil || rec.Call.Cost != 0 || rec.Call.TraceID != a.TraceID {
			t.Fatalf("the call of %+v: %+v, %v", a, rec.Call, err)
		}
		if a.GenerationCost != nil && rec.Call.ProviderCost != a.GenerationCost.String() {
			t.Errorf("the call says %s, the question %s", rec.Call.ProviderCost, a.GenerationCost)
		}
		passages, err := ragContexts(store)(t.Context(), &rec)
		if err != nil || (len(passages) == 0) != a.Empty {
			t.Errorf("%d passages of a question that found nothing: %v; %v", len(passages), a.Empty, err)
		}
	}
}

// The demo's rule is one that holds, and its scorers' names are those that stand with questions.
func TestHandbookRule(t *testing.T) {
	rule := handbookRule(time.Now())
	if err := rule.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rule.Scorers[0].Name != contextRelevance || rule.Scorers[1].Name != responseQuality {
		t.Errorf("the rule scores %+v", rule.Scorers)
	}
}

// noPrices has no prices set by hand.
type noPrices struct{}

// Prices implements priceStore.
func (noPrices) Prices(context.Context) ([]price.Entry, error) { return nil, nil }
