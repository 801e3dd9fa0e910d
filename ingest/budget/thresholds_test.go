package budget

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// diary keeps events in memory. Several guards may share one.
type diary struct {
	mu     sync.Mutex // guards all below
	events map[string]*price.BudgetEvent
	away   bool
}

func (d *diary) AddBudgetEvent(_ context.Context, e price.BudgetEvent) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.away {
		return false, errors.New("away")
	}
	if have, ok := d.events[e.ID()]; ok {
		if e.Kind != price.EventThreshold {
			have.Count, have.Over = have.Count+e.Count, have.Over.Plus(e.Over)
		}
		return false, nil
	}
	if d.events == nil {
		d.events = map[string]*price.BudgetEvent{}
	}
	d.events[e.ID()] = &e
	return true, nil
}

func (d *diary) ListBudgetEvents(context.Context, price.BudgetEventQuery) ([]price.BudgetEvent, string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []price.BudgetEvent
	for _, e := range d.events {
		out = append(out, *e)
	}
	slices.SortFunc(out, func(a, b price.BudgetEvent) int { return strings.Compare(a.ID(), b.ID()) })
	return out, "", nil
}

func (d *diary) ClaimBudgetEvents(_ context.Context, now, until time.Time, most int) ([]price.BudgetEvent, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []price.BudgetEvent
	for _, e := range d.events {
		if len(out) < most && e.Delivery.State == price.DeliveryWaiting && !e.Delivery.Next.After(now) {
			e.Delivery.Next = until
			out = append(out, *e)
		}
	}
	return out, nil
}

func (d *diary) SetDelivery(_ context.Context, id string, to price.Delivery) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events[id].Delivery = to
	return nil
}

func (d *diary) PruneBudgetEvents(context.Context, time.Time) error { return nil }

// told is the events as text, sorted: kind, percent, count.
func (d *diary) told() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []string
	for _, e := range d.events {
		out = append(out, fmt.Sprintf("%s %s %d x%d", e.Name, e.Kind, e.Percent, e.Count))
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

// newsroom is a guard over calls-limited and dollar budgets, with a diary.
func newsroom(t *testing.T, d *diary, log *bytes.Buffer, budgets ...price.Budget) *Guard {
	t.Helper()
	s := &shelf{}
	for _, b := range budgets {
		_ = s.PutBudget(t.Context(), b)
	}
	g := New(Config{Ledger: &Memory{}, Book: price.Embedded, Store: s, Events: d, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

func (g *Guard) call(t *testing.T, id string, status trace.Status, cost price.USD) error {
	t.Helper()
	c := chat(id)
	_, err := g.Hold(t.Context(), c, c, "openai", "openai")
	g.Observe(&trace.Record{Call: trace.Span{
		ID: id, Start: c.Start, Endpoint: c.Endpoint, Project: "p", Provider: "openai", ModelRequested: c.Model, Model: c.Model,
		Status: status, Cost: cost, PriceStatus: price.Exact, Usage: llm.Usage{InputUncached: 8, OutputText: 5}, UsageSource: llm.FromProvider,
	}})
	return err
}

func TestEachThresholdIsToldOnceInAWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, log := &diary{}, &bytes.Buffer{}
		b := price.Budget{ID: "b", Name: "day", Window: price.Day, LimitCalls: 10, Soft: []int{50, 80}}
		g, replica := newsroom(t, d, log, b), newsroom(t, d, log, b)
		ctx := t.Context()
		tell := func(want string) {
			t.Helper()
			for range 3 {
				g.tell(ctx, time.Now())
			}
			if got := d.told(); got != want {
				t.Errorf("told %q, want %q", got, want)
			}
		}
		for i := range 4 {
			_ = g.call(t, fmt.Sprint("a", i), trace.StatusOK, 1)
		}
		tell("")
		_ = g.call(t, "a5", trace.StatusOK, 1)
		tell("day threshold 50 x1")
		for i := range 5 { // two at once are told apart
			_ = g.call(t, fmt.Sprint("b", i), trace.StatusOK, 1)
		}
		tell("day threshold 100 x1; day threshold 50 x1; day threshold 80 x1")
		if n := strings.Count(log.String(), "reached a threshold"); n != 3 {
			t.Errorf("logged %d times:\n%s", n, log)
		}

		// Another replica, or the next process, tells nothing again.
		for i := range 10 {
			_ = replica.call(t, fmt.Sprint("c", i), trace.StatusOK, 1)
		}
		replica.tell(ctx, time.Now())
		if n := strings.Count(log.String(), "reached a threshold"); n != 3 || len(d.events) != 3 {
			t.Errorf("a replica told again: %d times, %s", n, d.told())
		}

		// The next window does, and what could not be written down is tried again.
		time.Sleep(25 * time.Hour) // in the bubble
		for i := range 5 {
			_ = g.call(t, fmt.Sprint("d", i), trace.StatusOK, 1)
		}
		d.away = true
		g.tell(ctx, time.Now())
		d.away = false
		g.tell(ctx, time.Now())
		if len(d.events) != 4 {
			t.Errorf("in the next window: %s", d.told())
		}
	})
}

func TestBreachesAreCountedByWindow(t *testing.T) {
	d, log := &diary{}, &bytes.Buffer{}
	refusals := 0
	g := newsroom(t, d, log,
		price.Budget{ID: "b1", Name: "refuses", Window: price.Lifetime, LimitCalls: 2},
		price.Budget{ID: "b2", Name: "overruns", Window: price.Lifetime, LimitUSD: price.Dollar},
	)
	g.cfg.Refused = func(string) { refusals++ }
	_ = g.call(t, "a", trace.StatusOK, 1)
	_ = g.call(t, "b", trace.StatusOK, 30*price.Cent)
	for i := range 3 {
		if err := g.call(t, fmt.Sprint("c", i), trace.StatusBudget, 0); err == nil {
			t.Fatal("a third call is let in")
		}
	}
	g.recordBreaches(t.Context())
	_ = g.call(t, "d", trace.StatusBudget, 0)
	d.away = true
	g.recordBreaches(t.Context())
	d.away = false
	g.recordBreaches(t.Context())
	if got, want := d.told(), "overruns overrun 0 x1; refuses refused 0 x4"; got != want {
		t.Errorf("recorded %q, want %q", got, want)
	}
	if refusals != 4 {
		t.Errorf("counted %d refusals", refusals)
	}
	for _, e := range d.events {
		if e.Kind == price.EventOverrun && (e.Over.USD < 29*price.Cent || e.Over.USD >= 30*price.Cent || e.Over.Calls != 0) {
			t.Errorf("over by %+v", e.Over)
		}
	}
}

// A call that goes to another target after a refusal is downgraded, not refused.
func TestADowngradeIsCountedAsOne(t *testing.T) {
	d, log := &diary{}, &bytes.Buffer{}
	g := newsroom(t, d, log, price.Budget{
		ID: "b", Name: "dear", Window: price.Lifetime, LimitCalls: 1, Scope: map[string]string{"model": "gpt-4o-mini"}, AtLimit: price.Downgrade,
	})
	_ = g.call(t, "a", trace.StatusOK, 1)
	if err := g.call(t, "b", trace.StatusOK, 1); err == nil {
		t.Fatal("a second call is let in")
	}
	if err := g.call(t, "c", trace.StatusBudget, 0); err == nil {
		t.Fatal("a third call is let in")
	}
	g.recordBreaches(t.Context())
	if got, want := d.told(), "dear downgraded 0 x1; dear refused 0 x1"; got != want {
		t.Errorf("recorded %q, want %q", got, want)
	}
}

func TestTheHeaderWarns(t *testing.T) {
	d, log := &diary{}, &bytes.Buffer{}
	g := newsroom(t, d, log,
		price.Budget{ID: "b1", Name: "team a, \r\nX-Evil: 1", Window: price.Day, LimitCalls: 4, Soft: []int{50, 80}},
		price.Budget{ID: "b2", Name: "far", Window: price.Day, LimitUSD: price.Dollar, Soft: []int{50}},
	)
	header := func() string {
		h := http.Header{}
		g.Stamp(h, chat("x"), nil)
		if got := h.Get("X-Weir-Budget-Remaining-USD"); got == "" {
			t.Error("nothing about what remains")
		}
		return h.Get("X-Weir-Budget-Warning")
	}
	_ = g.call(t, "a", trace.StatusOK, 1)
	if got := header(); got != "" {
		t.Errorf("warns at 25 %%: %q", got)
	}
	for i := range 3 {
		_ = g.call(t, fmt.Sprint("b", i), trace.StatusOK, 1)
		want := "team+a%2C+%0D%0AX-Evil%3A+1=" + []string{"50%", "50%", "100%"}[i]
		if got := header(); got != want {
			t.Errorf("warns %q, want %q", got, want)
		}
	}
}
