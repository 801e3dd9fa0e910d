package redisdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-dev/weir/ingest/budget"
	"github.com/weir-dev/weir/internal/testutil/redistest"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
	"github.com/weir-dev/weir/trace/tracetest"
)

// shelf keeps budgets in memory.
type shelf struct {
	mu   sync.Mutex // guards list
	list map[string]price.Budget
}

func (s *shelf) PutBudget(_ context.Context, b price.Budget) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.list == nil {
		s.list = map[string]price.Budget{}
	}
	s.list[b.ID] = b
	return nil
}

func (s *shelf) ListBudgets(context.Context) ([]price.Budget, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.list), func(a, b price.Budget) int { return strings.Compare(a.Name, b.Name) }), nil
}

func (s *shelf) DeleteBudget(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.list, id)
	return nil
}

// records is a store that may be away.
type records struct {
	*tracetest.Memory
	away atomic.Bool
}

func (r *records) Costs(ctx context.Context, q trace.CostQuery) (trace.Costs, error) {
	if r.away.Load() {
		return trace.Costs{}, trace.ErrAway
	}
	return r.Memory.Costs(ctx, q)
}

// house is what replicas share.
type house struct {
	*testing.T
	server *redistest.Server
	shelf  shelf
	store  records
	n      int
}

func newHouse(t *testing.T) *house {
	return &house{T: t, server: redistest.Start(t), store: records{Memory: &tracetest.Memory{}}}
}

// member is one replica.
type member struct {
	*budget.Guard
	house *house
	db    *DB
}

func (h *house) member() *member {
	h.Helper()
	m := &member{house: h, db: open(h, h.server.SocketURL())}
	m.Guard = budget.New(budget.Config{
		Ledger: budget.NewReplica(m.db.Ledger(), budget.AwayStrict), Book: price.Embedded, Store: &h.shelf, Reader: &h.store,
		OnAway: budget.AwayStrict, Log: slog.New(slog.DiscardHandler),
	})
	h.Cleanup(func() { _ = m.Close() })
	if err := m.Start(h.Context()); err != nil {
		h.Fatal(err)
	}
	return m
}

func chat(id string) *llm.Call {
	return &llm.Call{
		ID: id, Start: time.Now(), Endpoint: llm.ChatCompletions, Path: "/chat/completions", Model: "gpt-4o-mini", Project: "p",
		Body: []byte(`{"model":"gpt-4o-mini","max_tokens":10,"messages":[{"role":"user","content":"Hello"}]}`),
	}
}

func (m *member) try(c *llm.Call) error {
	_, err := m.Hold(context.Background(), c, c, "openai", "openai")
	return err
}

// ends records that a call has ended, here and in the store.
func (m *member) ends(c *llm.Call) {
	m.house.Helper()
	rec := m.house.record(c)
	m.Observe(&rec)
}

// record puts a call into the store.
func (h *house) record(c *llm.Call) trace.Record {
	h.Helper()
	rec := trace.Record{Call: trace.Span{
		ID: c.ID, Kind: trace.KindCall, Start: c.Start, Duration: time.Millisecond, Project: c.Project, ModelRequested: c.Model, Model: c.Model, Provider: "openai",
		Endpoint: c.Endpoint, Status: trace.StatusOK, Cost: 1000, PriceStatus: price.Exact, Usage: llm.Usage{InputUncached: 5, OutputText: 5},
	}}
	h.n++
	if err := h.store.Write(context.Background(), trace.Batch{Token: fmt.Sprint(h.n), Records: trace.Slice([]trace.Record{rec})}); err != nil {
		h.Fatal(err)
	}
	return rec
}

func (m *member) shows(spent, held int64) {
	m.house.Helper()
	list, err := m.List(m.house.Context())
	if err != nil || len(list) != 1 {
		m.house.Fatalf("%+v, %v", list, err)
	}
	if u := list[0].Usage; u.Spent.Calls != spent || u.Held.Calls != held {
		m.house.Errorf("%d spent, %d held, want %d and %d", u.Spent.Calls, u.Held.Calls, spent, held)
	}
}

func (h *house) budget(calls int64, policy price.BudgetPolicy, made time.Time) {
	h.Helper()
	if err := h.shelf.PutBudget(h.Context(), price.Budget{ID: "b", Name: "b", Window: price.Lifetime, LimitCalls: calls, Policy: policy, CreatedAt: made}); err != nil {
		h.Fatal(err)
	}
}

// Three replicas, 200 calls at once, a budget of 37: 37 pass, and all see what was spent.
func TestReplicasAdmitWhatFitsInSum(t *testing.T) {
	h := newHouse(t)
	h.budget(37, price.Strict, time.Now())
	members := []*member{h.member(), h.member(), h.member()}
	var passed atomic.Int64
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			err := members[i%3].try(chat(fmt.Sprint("c", i)))
			if r, ok := errors.AsType[*budget.Refused](err); err != nil && (!ok || r.Fault.Code != llm.BudgetExceeded) {
				t.Error(err)
			}
			if err == nil {
				passed.Add(1)
			}
		})
	}
	wg.Wait()
	if passed.Load() != 37 {
		t.Errorf("%d of 200 passed, want 37", passed.Load())
	}
	for _, m := range members {
		m.shows(0, 37)
	}
}

// A budget that one replica makes, changes or removes is what the others go by at their next look, and what was spent goes with it.
func TestReplicasSeeChangedBudgets(t *testing.T) {
	h := newHouse(t)
	one, other := h.member(), h.member()
	before := chat("before")
	if err := one.try(before); err != nil {
		t.Fatal(err)
	}
	one.ends(before)
	h.budget(2, price.Expected, time.Now())
	for _, m := range []*member{one, other} {
		if err := m.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	filled := func() bool {
		list, err := other.List(t.Context())
		return err == nil && len(list) == 1 && list[0].Usage.Spent.Calls == 1
	}
	for deadline := time.Now().Add(10 * time.Second); !filled(); {
		if time.Now().After(deadline) {
			t.Fatal("what was spent before is not there")
		}
	}
	if err := other.try(chat("second")); err != nil {
		t.Errorf("the second of two: %v", err)
	}
	if err := one.try(chat("third")); err == nil {
		t.Error("the third of two passed")
	}
	h.budget(3, price.Expected, time.Now())
	if err := one.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := one.try(chat("third again")); err != nil {
		t.Errorf("the third of three: %v", err)
	}
}

// Redis loses everything with a call under way: a strict budget refuses until the store has told what was spent, the call
// under way is held again, and in the end each counts once.
func TestALedgerThatWasLostIsAddedUpAnew(t *testing.T) {
	h := newHouse(t)
	h.budget(4, price.Strict, time.Now().Add(-time.Hour))
	one, other := h.member(), h.member()
	for _, m := range []*member{one, other} {
		c := chat(fmt.Sprintf("spent %p", m))
		if err := m.try(c); err != nil {
			t.Fatal(err)
		}
		m.ends(c)
	}
	under := chat("under way")
	if err := other.try(under); err != nil {
		t.Fatal(err)
	}
	one.shows(2, 1)

	h.store.away.Store(true)
	h.server.Flush()
	for _, m := range []*member{one, other, one} {
		err := m.try(chat("refused"))
		r, ok := errors.AsType[*budget.Refused](err)
		if !ok || r.Fault.Code != llm.BudgetUnavailable || r.Fault.RetryAfter <= 0 {
			t.Errorf("while what was spent is not known: %v", err)
		}
	}
	one.shows(0, 1) // the other has held its call again
	h.store.away.Store(false)
	if err := h.fill(one); err != nil {
		t.Fatal(err)
	}
	one.shows(2, 1)
	if err := one.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := one.try(chat("fits")); err != nil {
		t.Errorf("the fourth of four: %v", err)
	}
	if err := one.try(chat("fifth")); err == nil {
		t.Error("the fifth of four passed")
	}
	other.ends(under) // held on, until it is filled again
	one.shows(2, 2)
	if err := h.fill(one); err != nil {
		t.Fatal(err)
	}
	if err := one.db.Ledger().Expire(t.Context(), time.Now().Add(budget.Carried)); err != nil {
		t.Fatal(err)
	}
	one.shows(3, 1)
}

// A replica dies between the record of a call and its settlement, and with another call under way: the first is settled by
// another replica at what the record says, the second stays presumed until somebody releases it.
func TestHoldsOfADeadReplicaAreSettledByItsRecords(t *testing.T) {
	h := newHouse(t)
	h.budget(5, price.Strict, time.Now())
	dies, lives := h.member(), h.member()
	recorded, under := chat("recorded"), chat("under way")
	for _, c := range []*llm.Call{recorded, under} {
		if err := dies.try(c); err != nil {
			t.Fatal(err)
		}
	}
	h.record(recorded)
	if err := lives.db.Ledger().Expire(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	lives.shows(0, 2)
	if err := lives.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	lives.shows(1, 1)
	list, err := lives.Holds(t.Context())
	if err != nil || len(list) != 1 || list[0].State != budget.Presumed || list[0].Call != under.ID {
		t.Fatalf("%+v, %v", list, err)
	}
	if err := lives.Release(t.Context(), list[0].ID); err != nil {
		t.Fatal(err)
	}
	lives.shows(1, 0)
	dies.ends(under) // it lived after all: a late settlement is charged
	lives.shows(2, 0)
}

// fill asks until somebody was asked to fill, and did. It goes as the guard does, with no wait for the time to do so.
func (h *house) fill(m *member) error {
	list, err := m.List(h.Context())
	if err != nil {
		return err
	}
	b := list[0].Budget
	scope := `{}`
	if b.Scope == nil {
		scope = "null"
	}
	a := &budget.Account{ID: b.ID, Window: b.Window, Zone: time.UTC, Limit: budget.Amount{Calls: b.LimitCalls}, Hard: true, Sums: "lifetime UTC " + scope}
	standing, err := m.db.Ledger().Join(h.Context(), []*budget.Account{a}, time.Now())
	if err != nil {
		return err
	}
	costs, err := h.store.Costs(h.Context(), trace.CostQuery{Filter: trace.Filter{Until: standing[0].Since}, By: []string{"status"}})
	if err != nil {
		return err
	}
	var past []budget.Past
	for _, row := range costs.Rows {
		past = append(past, budget.Past{At: standing[0].Since.Add(-time.Microsecond), Amount: budget.Amount{USD: row.Cost, Tokens: row.Usage.Input() + row.Usage.Output(), Calls: row.Calls}})
	}
	return m.db.Ledger().Fill(h.Context(), a, past, nil, time.Now())
}
