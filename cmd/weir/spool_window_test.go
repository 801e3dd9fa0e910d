package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/clickhouse"
	"github.com/weir-dev/weir/clickhouse/engine"
	"github.com/weir-dev/weir/ingest/spool"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// answerLost is a store that takes a batch and whose answer does not come back.
type answerLost struct {
	trace.Writer
	stored chan struct{} // told of each batch that is in
}

func (a *answerLost) Write(ctx context.Context, b trace.Batch) error {
	if err := a.Writer.Write(ctx, b); err != nil {
		return err
	}
	select {
	case a.stored <- struct{}{}:
	default:
	}
	return fmt.Errorf("read the answer of ClickHouse: %w", io.ErrUnexpectedEOF)
}

// A batch whose answer was lost is sent again when ClickHouse has forgotten its token: the spool asks by call id first.
// The second case has a spool that trusts in the token; it shows that ClickHouse has in fact forgotten it.
func TestBatchOlderThanTheDeduplicationWindow(t *testing.T) {
	needEngine(t)
	eng, err := engine.Start(t.Context(), engine.Config{Dir: filepath.Join(t.TempDir(), "clickhouse"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer eng.Close()
	const calls = 7
	for _, tt := range []struct {
		name   string
		window time.Duration
		want   int64 // rows
	}{
		{"older", time.Millisecond, calls},
		{"younger", 168 * time.Hour, 2 * calls},
	} {
		t.Run(tt.name, func(t *testing.T) {
			database := "window_" + tt.name
			store, err := clickhouse.Open(clickhouse.Config{URL: "clickhouse://engine/" + database, Dial: eng.DialContext, Preview: preview, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			lossy := &answerLost{store, make(chan struct{}, 1)}
			cfg := spool.Config{
				Dir: t.TempDir(), Writer: lossy, MaxRows: calls, MaxAge: time.Minute, DedupWindow: tt.window, CloseWait: time.Millisecond,
				Poison: clickhouse.Poison, Holds: store.Holds, Log: slog.New(slog.DiscardHandler), MaxDisk: 4<<20 - 1,
			}
			d, err := spool.Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			for range calls {
				if err := d.Record(priced(t)); err != nil {
					t.Fatal(err)
				}
			}
			select {
			case <-lossy.stored:
			case <-time.After(time.Minute):
				t.Fatal("the batch was not stored within a minute")
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			if got := d.Counters(); got.Waiting != calls {
				t.Fatalf("after the answer was lost: %+v, want %d waiting", got, calls)
			}
			tables := tell(t, eng, "SELECT name FROM system.tables WHERE database = '"+database+"' AND create_table_query LIKE '%deduplication_window%'")
			for table := range strings.FieldsSeq(tables) {
				tell(t, eng, "ALTER TABLE "+database+"."+table+" MODIFY SETTING non_replicated_deduplication_window = 0") // forgets all tokens
				tell(t, eng, "ALTER TABLE "+database+"."+table+" MODIFY SETTING non_replicated_deduplication_window = 10000")
			}
			if got := tell(t, eng, "SELECT count() FROM "+database+".calls"); got != fmt.Sprint(calls) {
				t.Fatalf("%s rows are in the store, want %d", got, calls)
			}

			cfg.Writer = store
			if d, err = spool.Open(cfg); err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			deadline := time.Now().Add(time.Minute)
			for d.Counters().Waiting > 0 {
				if time.Now().After(deadline) {
					t.Fatalf("records still wait after a minute: %+v, %v", d.Counters(), d.Health())
				}
				time.Sleep(10 * time.Millisecond) // the writer's own pace is the clock here
			}
			if got, want := d.Counters(), (trace.Counters{Accepted: calls, Written: calls}); got != want {
				t.Errorf("counters %+v, want %+v", got, want)
			}
			if got := tell(t, eng, "SELECT count() FROM "+database+".calls"); got != fmt.Sprint(tt.want) {
				t.Errorf("%s rows in calls, want %d", got, tt.want)
			}
			costs, err := store.Costs(t.Context(), trace.CostQuery{})
			if err != nil {
				t.Fatal(err)
			}
			if got := costs.Total.Calls; got != tt.want || costs.Total.Cost != price.USD(tt.want)*13_500 {
				t.Errorf("the rollups count %d calls for %v, want %d", got, costs.Total.Cost, tt.want)
			}
		})
	}
}

// priced is a call that was answered now.
func priced(t *testing.T) *trace.Record {
	t.Helper()
	return &trace.Record{
		Call: trace.Span{
			ID: llm.NewID(time.Now()), TraceID: llm.NewTraceID(), SpanID: llm.NewSpanID(), Kind: trace.KindCall, Start: time.Now().UTC(), Duration: time.Second,
			Project: "default", Key: "dev", Endpoint: llm.ChatCompletions, Path: "/chat/completions", Provider: "openai", ModelRequested: "gpt-4o-mini", Model: "gpt-4o-mini",
			Status: trace.StatusOK, HTTPStatus: http.StatusOK, Usage: llm.Usage{InputUncached: 10, OutputText: 20}, UsageSource: llm.FromProvider,
			Cost: 13_500, PriceStatus: price.Exact, Cache: trace.CacheOff, Attempts: 1,
		},
		Body: trace.Body{Request: []byte(`{"messages":[]}`), Response: []byte(`{"choices":[]}`)},
	}
}

// tell runs a statement on the engine itself.
func tell(t *testing.T, eng *engine.Engine, sql string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: eng.DialContext, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://engine/?"+url.Values{"default_format": {"TSV"}}.Encode(), strings.NewReader(sql))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", sql, resp.StatusCode, out, err)
	}
	return strings.TrimSpace(string(out))
}
