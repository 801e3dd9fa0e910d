package alert

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
	"github.com/weir-dev/weir/trace/tracetest"
)

// leases gives the lease to one owner.
type leases struct{ owner string }

func (l *leases) TakeLease(_ context.Context, _, owner string, _ time.Duration) (bool, error) {
	if l.owner == "" {
		l.owner = owner
	}
	return l.owner == owner, nil
}

// town is a Watch over stores in memory.
type town struct {
	t     *testing.T
	calls *tracetest.Memory
	store *Memory
	watch *Watch
	wakes int
	n     int
}

func newTown(t *testing.T, channels []string, rules ...Rule) *town {
	t.Helper()
	w := &town{t: t, calls: &tracetest.Memory{}, store: &Memory{}}
	w.watch = NewWatch(Config{
		Store: w.store, Sources: &Sources{Calls: w.calls, Scores: &tracetest.MemoryScores{}, Budgets: func(context.Context) ([]BudgetUse, error) {
			return []BudgetUse{{"team", 0.95}, {"all", 0.2}}, nil
		}, Spool: func() trace.Counters { return trace.Counters{Waiting: 7, OldestWaitingSeconds: 90} }},
		Rules: rules, Channels: channels, Leases: &leases{}, Owner: "a", Console: "http://weir.test", Wake: func() { w.wakes++ }, Log: slog.New(slog.DiscardHandler),
	})
	for i := range rules {
		if faults := rules[i].Check(channels); len(faults) > 0 {
			t.Fatal(faults)
		}
	}
	return w
}

// call records one.
func (w *town) call(at time.Time, change func(*trace.Span)) {
	w.t.Helper()
	w.n++
	s := trace.Span{
		ID: llm.NewID(at) + strconv.Itoa(w.n), SpanID: strconv.Itoa(w.n), TraceID: "t", Kind: trace.KindCall, Start: at, Duration: time.Second, Project: "p", Model: "m", Provider: "openai",
		Status: trace.StatusOK, PriceStatus: price.Exact, Cost: price.Dollar, Cache: trace.CacheOff,
	}
	change(&s)
	if err := w.calls.Write(w.t.Context(), trace.Batch{Token: strconv.Itoa(w.n), Records: trace.Slice{{Call: s}}}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) look(r *Rule, now time.Time) {
	w.t.Helper()
	if err := w.watch.Look(w.t.Context(), r, now); err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) deliveries() []Delivery {
	w.t.Helper()
	out, err := w.store.AlertDeliveries(w.t.Context(), "", 100)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func TestALookTellsWhatSinceWhenHowBadAndWho(t *testing.T) {
	r := Rule{Name: "errors", About: "Look at the provider.", Metric: ErrorRate, Window: "5m", Op: GT, Warning: number(0.2), Alert: number(0.5), GroupBy: []string{"model"}, Filter: Filter{Project: "p"}}
	w := newTown(t, []string{"mail", "ops"}, r)
	for i := range 4 {
		at := t0.Add(-2 * time.Minute).Add(time.Duration(i) * time.Second)
		w.call(at, func(s *trace.Span) { s.Model, s.Status, s.User = "bad", trace.StatusError, "ann" })
		w.call(at, func(s *trace.Span) { s.Model = "good" })
		w.call(at, func(s *trace.Span) { s.Model, s.Status, s.Project = "good", trace.StatusError, "other" })
	}
	w.look(&r, t0)
	got := w.deliveries()
	if len(got) != 2 || w.wakes != 1 || got[0].Channel == got[1].Channel {
		t.Fatalf("%d deliveries, woken %d times: %+v", len(got), w.wakes, got)
	}
	m := got[0].Message
	if m.Kind != Firing || m.Severity != Alert || len(m.Findings) != 1 || m.About != r.About || m.URL != "http://weir.test/alerts?rule=errors" {
		t.Fatalf("%+v", m)
	}
	f := m.Findings[0]
	if f.Labels["model"] != "bad" || *f.Value != 1 || *f.Threshold != 0.5 || !f.Since.Equal(t0) {
		t.Errorf("%+v", f)
	}
	if len(f.Top) != 1 || f.Top[0] != (Contributor{"user", "ann", 4, 4}) {
		t.Errorf("contributors: %+v", f.Top)
	}
	for _, part := range []string{"http://weir.test/calls?", "model=bad", "project=p", "status=error", "since=2026-11-25T07%3A54%3A00Z"} {
		if !strings.Contains(f.Calls, part) {
			t.Errorf("the link %s has no %s", f.Calls, part)
		}
	}
	if line := m.Line(&f); line != "model=bad: share of errors over 5m is 100 %, above 50 %; ALERT since 2026-11-25 08:00 UTC" {
		t.Error(line)
	}
	w.look(&r, t0.Add(time.Minute))
	if len(w.deliveries()) != 2 {
		t.Error("told again a minute later")
	}
	w.look(&r, t0.Add(10*time.Minute)) // all is quiet, which no_data ok means is fine
	got = w.deliveries()
	if len(got) != 4 || got[0].Message.Kind != Recovered || got[0].Message.Findings[0].Severity != OK {
		t.Errorf("%d deliveries, the last %+v", len(got), got[0].Message)
	}
	events, _, err := w.store.AlertHistory(t.Context(), HistoryQuery{Limit: 9})
	if err != nil || len(events) != 2 || events[0].To != OK || events[1].To != Alert || len(events[1].Top) != 1 {
		t.Errorf("history: %+v, %v", events, err)
	}
}

func TestManyGroupsMakeOneMessage(t *testing.T) {
	r := Rule{Name: "spend", Metric: Spend, Window: "1h", Op: GTE, Alert: number(1), GroupBy: []string{"user"}}
	w := newTown(t, []string{"ops"}, r)
	for i := range 60 {
		for range i/50 + 1 {
			w.call(t0.Add(-10*time.Minute), func(s *trace.Span) { s.User = "u" + strconv.Itoa(i) })
		}
	}
	w.look(&r, t0)
	got := w.deliveries()
	if len(got) != 1 || len(got[0].Message.Findings) != maxFindings || len(got[0].Message.More) != MaxGroups-maxFindings {
		t.Fatalf("%d messages", len(got))
	}
	if states, _ := w.store.AlertStates(t.Context(), "spend"); len(states) != MaxGroups {
		t.Errorf("%d states, want at most %d", len(states), MaxGroups)
	}
	if s := got[0].Message.Subject(); s != "[weir] ALERT: spend (50 groups)" {
		t.Error(s)
	}
}

func TestASilenceKeepsQuietUntilItEnds(t *testing.T) {
	r := Rule{Name: "calls", Metric: Calls, Window: "5m", Op: LT, Alert: number(1)}
	w := newTown(t, []string{"ops"}, r)
	if err := w.store.PutSilence(t.Context(), Silence{ID: "s", Rule: "calls", From: t0.Add(-time.Hour), Until: t0.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	w.look(&r, t0)
	events, _, _ := w.store.AlertHistory(t.Context(), HistoryQuery{Limit: 9})
	if len(w.deliveries()) != 0 || len(events) != 1 || !events[0].Silenced || events[0].To != Alert {
		t.Fatalf("%d deliveries, history %+v", len(w.deliveries()), events)
	}
	w.look(&r, t0.Add(time.Hour))
	if got := w.deliveries(); len(got) != 1 || got[0].Message.Kind != Firing || !got[0].Message.Findings[0].Since.Equal(t0) {
		t.Errorf("after the silence: %+v", got)
	}
}

func TestOtherMetrics(t *testing.T) {
	w := newTown(t, nil)
	w.call(t0.Add(-2*time.Minute), func(s *trace.Span) {
		s.Cache, s.Stream, s.TTFT, s.PriceStatus, s.Cost = trace.CacheHit, true, 300*time.Millisecond, price.Unpriced, 0
		s.Usage = llm.Usage{InputUncached: 10, OutputText: 5}
	})
	w.call(t0.Add(-2*time.Minute), func(s *trace.Span) { s.Cache = trace.CacheMiss })
	w.call(t0.Add(-2*time.Minute), func(*trace.Span) {})
	for metric, want := range map[Metric]float64{
		Calls: 3, Errors: 0, Tokens: 15, UnpricedCalls: 1, CacheHitRate: 0.5, LatencyP95: 1, TTFTP95: 0.3, Spend: 2, SpoolWaiting: 7, SpoolOldest: 90, ErrorRate: 0,
	} {
		got, err := w.watch.cfg.Sources.Read(t.Context(), &Rule{Metric: metric, Window: "5m"}, t0)
		if err != nil || len(got) != 1 || !got[0].Known || got[0].Value != want {
			t.Errorf("%s: %+v, %v; want %v", metric, got, err, want)
		}
	}
	got, err := w.watch.cfg.Sources.Read(t.Context(), &Rule{Metric: BudgetUsed, Budget: "team"}, t0)
	if err != nil || len(got) != 1 || got[0].Value != 0.95 || got[0].Labels["budget"] != "team" {
		t.Errorf("budget: %+v, %v", got, err)
	}
	if got, _ := w.watch.cfg.Sources.Read(t.Context(), &Rule{Metric: ErrorRate, Window: "5m", MinCalls: 4}, t0); got[0].Known {
		t.Errorf("of three calls, where four are wanted: %+v", got)
	}
}

func TestARuleThatCannotBeLookedAtSaysSo(t *testing.T) {
	r := Rule{Name: "spend", Metric: Spend, Window: "1h", Op: GT, Alert: number(1)}
	w := newTown(t, nil, r)
	w.watch.cfg.Sources.Calls = away{}
	if err := w.watch.Look(t.Context(), &r, t0); !errors.Is(err, trace.ErrAway) {
		t.Fatalf("%v", err)
	}
	looks, _ := w.store.AlertLooks(t.Context())
	if len(looks) != 1 || !strings.Contains(looks[0].Error, "cannot be reached") {
		t.Errorf("%+v", looks)
	}
}

type away struct{}

func (away) Costs(context.Context, trace.CostQuery) (trace.Costs, error) {
	return trace.Costs{}, trace.ErrAway
}

// Of two weirs one looks, each rule as often as it says; a rule that is gone leaves nothing.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		often, seldom := Rule{Name: "often", Metric: SpoolWaiting, Op: GT, Alert: number(100)}, Rule{Name: "seldom", Metric: SpoolOldest, Op: GT, Alert: number(1), Every: "1h"}
		w := newTown(t, []string{"ops"}, often, seldom)
		looked := 0
		w.watch.cfg.Sources.Spool = func() trace.Counters { looked++; return trace.Counters{OldestWaitingSeconds: 5} }
		other := w.watch.cfg
		other.Owner, other.Sources = "b", nil // it must not look
		second := NewWatch(other)
		if err := w.store.SaveAlerts(t.Context(), Result{Look: Look{Rule: "gone"}, States: []State{{Rule: "gone"}}}); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		go w.watch.Run(ctx)
		synctest.Wait()
		go second.Run(ctx)
		time.Sleep(10*time.Minute + time.Second)
		stop()
		synctest.Wait()
		if looked != 12 { // the first looks, and one of often each minute
			t.Errorf("looked %d times, want 12", looked)
		}
		states, _ := w.store.AlertStates(t.Context(), "")
		if len(states) != 2 || len(w.deliveries()) != 1 {
			t.Errorf("%+v, %d deliveries", states, len(w.deliveries()))
		}
	})
}

func TestReplay(t *testing.T) {
	w := newTown(t, nil)
	for i := range 24 * 4 { // a quarter of an hour each; from the 12th hour on for two hours all fails
		at := t0.Add(time.Duration(i) * 15 * time.Minute)
		w.call(at, func(s *trace.Span) {
			if i/4 == 12 || i/4 == 13 {
				s.Status = trace.StatusError
			}
		})
	}
	r := Rule{Name: "errors", Metric: ErrorRate, Window: "1h", Op: GT, Alert: number(0.6)}
	got, err := w.watch.cfg.Sources.Replay(t.Context(), &r, t0, t0.Add(24*time.Hour))
	if err != nil || got.Fired != 1 || len(got.Groups) != 1 || got.Step != 15*time.Minute {
		t.Fatalf("%+v, %v", got, err)
	}
	g := got.Groups[0]
	if len(g.Events) != 2 || !g.Events[0].At.Equal(t0.Add(12*time.Hour+45*time.Minute)) || g.Events[1].To != OK {
		t.Errorf("%+v", g.Events)
	}
	r.Metric, r.Window, r.Alert = LatencyP95, "2h", number(10)
	if got, err = w.watch.cfg.Sources.Replay(t.Context(), &r, t0, t0.Add(24*time.Hour)); err != nil || got.Fired != 0 || got.Step != 2*time.Hour || len(got.Groups[0].Points) != 12 || got.Groups[0].Points[3].Value != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := w.watch.cfg.Sources.Replay(t.Context(), &Rule{Metric: BudgetUsed}, t0, t0); !errors.Is(err, ErrNoPast) {
		t.Errorf("budgets: %v", err)
	}
}
