package sqldb

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/weir-dev/weir/price"
)

// budgetEventRow is a row of budget_events.
type budgetEventRow struct {
	bun.BaseModel `bun:"table:budget_events"`

	ID            string `bun:"id,pk"`
	Budget        string `bun:"budget_id"`
	Name          string `bun:"name"`
	Kind          string `bun:"kind"`
	From          int64  `bun:"window_from"`
	Until         int64  `bun:"window_until"`
	Percent       int64  `bun:"percent"`
	Times         int64  `bun:"times"`
	FirstAt       int64  `bun:"first_at"`
	LastAt        int64  `bun:"last_at"`
	Spent         string `bun:"spent"`
	Limits        string `bun:"limits"`
	OverUSD       int64  `bun:"over_usd"`
	OverTokens    int64  `bun:"over_tokens"`
	OverCalls     int64  `bun:"over_calls"`
	Delivery      string `bun:"delivery"`
	DeliveryTries int64  `bun:"delivery_tries"`
	DeliveryNext  int64  `bun:"delivery_next"`
	DeliveryAt    int64  `bun:"delivery_at"`
	DeliveryError string `bun:"delivery_error"`
}

var _ price.BudgetEvents = (*DB)(nil)

// AddBudgetEvent implements price.BudgetEvents.
func (db *DB) AddBudgetEvent(ctx context.Context, e price.BudgetEvent) (first bool, err error) {
	row, err := newBudgetEventRow(&e)
	if err == nil {
		first, err = changed(db.bun.NewInsert().Model(row).On("CONFLICT DO NOTHING").Exec(ctx))
	}
	if err == nil && !first && e.Kind != price.EventThreshold {
		_, err = db.bun.NewUpdate().Model((*budgetEventRow)(nil)).Where("id = ?", row.ID).
			Set("times = times + ?", row.Times).Set("over_usd = over_usd + ?", row.OverUSD).Set("over_tokens = over_tokens + ?", row.OverTokens).
			Set("over_calls = over_calls + ?", row.OverCalls).Set("last_at = CASE WHEN last_at < ? THEN ? ELSE last_at END", row.LastAt, row.LastAt).Exec(ctx)
	}
	if err != nil {
		return false, fmt.Errorf("record an event of budget %s: %w", e.Name, err)
	}
	return first, nil
}

// ListBudgetEvents implements price.BudgetEvents.
func (db *DB) ListBudgetEvents(ctx context.Context, q price.BudgetEventQuery) ([]price.BudgetEvent, string, error) {
	var rows []budgetEventRow
	most := max(q.Limit, 1)
	ask := db.bun.NewSelect().Model(&rows).Order("first_at DESC", "id DESC").Limit(int64(most) + 1)
	if q.Budget != "" {
		ask = ask.Where("budget_id = ?", q.Budget)
	}
	if !q.Since.IsZero() {
		ask = ask.Where("last_at >= ?", micros(q.Since))
	}
	if q.Cursor != "" {
		text, id, ok := strings.Cut(q.Cursor, ".")
		at, err := strconv.ParseInt(text, 10, 64)
		if err != nil || !ok || id == "" {
			return nil, "", fmt.Errorf("list events of budgets: %w", price.ErrEventCursor)
		}
		ask = ask.Where("first_at < ? OR first_at = ? AND id < ?", at, at, id)
	}
	if err := ask.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list events of budgets: %w", err)
	}
	next := ""
	if len(rows) > most {
		rows = rows[:most]
		last := &rows[most-1]
		next = strconv.FormatInt(last.FirstAt, 10) + "." + last.ID
	}
	events, err := eventsOf(rows)
	return events, next, err
}

// ClaimBudgetEvents implements price.BudgetEvents.
func (db *DB) ClaimBudgetEvents(ctx context.Context, now, until time.Time, most int) ([]price.BudgetEvent, error) {
	var due, mine []budgetEventRow
	err := db.bun.NewSelect().Model(&due).Where("delivery = ?", string(price.DeliveryWaiting)).Where("delivery_next <= ?", micros(now)).
		Order("delivery_next", "id").Limit(int64(most)).Scan(ctx)
	for i := range due {
		if err != nil {
			break
		}
		var took bool
		took, err = changed(db.bun.NewUpdate().Model((*budgetEventRow)(nil)).Set("delivery_next = ?", micros(until)).
			Where("id = ?", due[i].ID).Where("delivery = ?", string(price.DeliveryWaiting)).Where("delivery_next = ?", due[i].DeliveryNext).Exec(ctx))
		if took {
			mine = append(mine, due[i])
		}
	}
	if err != nil && len(mine) == 0 { // what was taken is told first
		return nil, fmt.Errorf("take events of budgets to tell: %w", err)
	}
	return eventsOf(mine)
}

// PruneBudgetEvents implements price.BudgetEvents.
func (db *DB) PruneBudgetEvents(ctx context.Context, before time.Time) error {
	_, err := db.bun.NewDelete().Model((*budgetEventRow)(nil)).Where("window_until > 0").Where("window_until < ?", micros(before)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("remove old events of budgets: %w", err)
	}
	return nil
}

// SetDelivery implements price.BudgetEvents.
func (db *DB) SetDelivery(ctx context.Context, id string, d price.Delivery) error {
	_, err := db.bun.NewUpdate().Model((*budgetEventRow)(nil)).Where("id = ?", id).
		Set("delivery = ?", string(d.State)).Set("delivery_tries = ?", d.Tries).Set("delivery_next = ?", micros(d.Next)).
		Set("delivery_at = ?", micros(d.At)).Set("delivery_error = ?", d.Error).Exec(ctx)
	if err != nil {
		return fmt.Errorf("note that event %s was told: %w", id, err)
	}
	return nil
}

func newBudgetEventRow(e *price.BudgetEvent) (*budgetEventRow, error) {
	spent, err := json.Marshal(e.Spent)
	if err != nil {
		return nil, err
	}
	limits, err := json.Marshal(e.Limit)
	if err != nil {
		return nil, err
	}
	state := e.Delivery.State
	if state == "" {
		state = price.DeliveryNone
	}
	return &budgetEventRow{
		ID: e.ID(), Budget: e.Budget, Name: e.Name, Kind: string(e.Kind), From: micros(e.From), Until: micros(e.Until), Percent: int64(e.Percent),
		Times: e.Count, FirstAt: micros(e.At), LastAt: micros(e.LastAt), Spent: string(spent), Limits: string(limits),
		OverUSD: int64(e.Over.USD), OverTokens: e.Over.Tokens, OverCalls: e.Over.Calls,
		Delivery: string(state), DeliveryTries: int64(e.Delivery.Tries), DeliveryNext: micros(e.Delivery.Next), DeliveryAt: micros(e.Delivery.At),
		DeliveryError: e.Delivery.Error,
	}, nil
}

func eventsOf(rows []budgetEventRow) ([]price.BudgetEvent, error) {
	out := make([]price.BudgetEvent, len(rows))
	for i := range rows {
		r := &rows[i]
		e := &out[i]
		*e = price.BudgetEvent{
			Budget: r.Budget, Name: r.Name, Kind: price.BudgetEventKind(r.Kind), From: fromMicros(r.From), Until: fromMicros(r.Until), Percent: int(r.Percent),
			Count: r.Times, At: fromMicros(r.FirstAt), LastAt: fromMicros(r.LastAt),
			Over: price.BudgetFigures{USD: price.USD(r.OverUSD), Tokens: r.OverTokens, Calls: r.OverCalls},
			Delivery: price.Delivery{
				State: price.DeliveryState(r.Delivery), Tries: int(r.DeliveryTries), Next: fromMicros(r.DeliveryNext), At: fromMicros(r.DeliveryAt),
				Error: r.DeliveryError,
			},
		}
		if err := json.Unmarshal([]byte(r.Spent), &e.Spent); err != nil {
			return nil, fmt.Errorf("event %s is damaged: %w", r.ID, err)
		}
		if err := json.Unmarshal([]byte(r.Limits), &e.Limit); err != nil {
			return nil, fmt.Errorf("event %s is damaged: %w", r.ID, err)
		}
	}
	return out, nil
}
