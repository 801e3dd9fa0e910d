package clickhouse

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/weir-dev/weir/trace"
)

// question is one that somebody waits for the answer of.
type question func(context.Context) error

// together asks several at the same time, as a page does.
func together(questions ...question) question {
	return func(ctx context.Context) error {
		errs := make([]error, len(questions))
		var wg sync.WaitGroup
		for i, ask := range questions {
			wg.Go(func() { errs[i] = ask(ctx) })
		}
		wg.Wait()
		return errors.Join(errs...)
	}
}

// asks makes questions to a DB whose answers must not be empty.
type asks struct{ db *DB }

// some is an error unless there are n of what, or it failed.
func some(n int, what string, err error) error {
	if err == nil && n == 0 {
		err = errors.New("no " + what)
	}
	return err
}

func (a asks) list(f trace.Filter) question { return a.sorted(f, trace.CallsByTime, 50, "") }

func (a asks) sorted(f trace.Filter, by trace.CallOrder, limit int, cursor string) question {
	return func(ctx context.Context) error {
		page, err := a.db.SortedCalls(ctx, f, by, limit, cursor)
		return some(len(page.Calls), "calls", err)
	}
}

func (a asks) costs(f trace.Filter, by ...string) question {
	return func(ctx context.Context) error {
		got, err := a.db.Costs(ctx, trace.CostQuery{Filter: f, By: by})
		return some(int(got.Total.Calls), "calls", err)
	}
}

func (a asks) bundles(read func(context.Context, trace.Filter, int, string) (trace.BundlePage, error), f trace.Filter, limit int) question {
	return func(ctx context.Context) error {
		page, err := read(ctx, f, limit, "")
		return some(len(page.Bundles), "bundles", err)
	}
}

func (a asks) users(f trace.Filter, limit int) question {
	return func(ctx context.Context) error {
		page, err := a.db.Users(ctx, trace.UserQuery{Filter: f, Order: trace.ByCost, Limit: limit})
		return some(len(page.Users), "users", err)
	}
}

func (a asks) facets(f trace.Filter) question {
	return func(ctx context.Context) error {
		got, err := a.db.Facets(ctx, f, 20)
		return some(len(got), "facets", err)
	}
}

func (a asks) counts(f trace.Filter, fields ...string) question {
	return func(ctx context.Context) error {
		got, err := a.db.CountFacets(ctx, trace.FacetQuery{Filter: f, Fields: fields, Limit: 20})
		if err != nil {
			return err
		}
		return some(len(got[0].Values), "values", nil)
	}
}

func (a asks) unpriced(f trace.Filter) question {
	return func(ctx context.Context) error {
		got, err := a.db.Unpriced(ctx, f.Since, f.Until)
		return some(len(got), "models", err)
	}
}

func (a asks) scores(f trace.ScoreFilter, by ...string) question {
	return func(ctx context.Context) error {
		got, err := a.db.SumScores(ctx, trace.ScoreQuery{Filter: f, By: by})
		return some(len(got), "scores", err)
	}
}

func (a asks) scoreList(f trace.ScoreFilter, limit int) question {
	return func(ctx context.Context) error {
		got, err := a.db.ListScores(ctx, f, limit, "")
		return some(len(got.Scores), "scores", err)
	}
}

// measure asks a question again and again, at first with the engine's caches empty, and reports the median, the 95th percentile,
// the first answer and the engine's processor time.
func (a asks) measure(b *testing.B, ask question) {
	b.Helper()
	for _, cache := range []string{"MARK", "PRIMARY INDEX", "UNCOMPRESSED", "QUERY CONDITION"} {
		if err := a.db.conn.Exec(b.Context(), "SYSTEM DROP "+cache+" CACHE"); err != nil {
			b.Fatal(err)
		}
	}
	var took []time.Duration
	began := engineCPU(b, a.db)
	for b.Loop() {
		start := time.Now()
		if err := ask(b.Context()); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	cpu := engineCPU(b, a.db) - began
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(took[0]), "first-ms")
	slices.Sort(took)
	b.ReportMetric(ms(took[0]), "best-ms")
	b.ReportMetric(ms(took[len(took)/2]), "p50-ms")
	b.ReportMetric(ms(took[len(took)*95/100]), "p95-ms")
	b.ReportMetric(ms(cpu)/float64(len(took)), "cpu-ms")
	b.ReportMetric(0, "ns/op") // the mean says less than these
}

// engineCPU is the processor time that statements have taken. On a shared machine it says more than what time went by.
func engineCPU(b *testing.B, db *DB) time.Duration {
	b.Helper()
	var micros uint64
	err := db.scan(b.Context(), "read the engine's events", []any{&micros},
		"SELECT sum(value) FROM system.events WHERE event IN ('UserTimeMicroseconds', 'SystemTimeMicroseconds')")
	if err != nil {
		b.Fatal(err)
	}
	return time.Duration(micros) * time.Microsecond
}
