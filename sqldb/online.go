package sqldb

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/weir-dev/weir/eval/online"
	"github.com/weir-dev/weir/price"
)

// onlineRuleRow is a row of online_rules.
type onlineRuleRow struct {
	bun.BaseModel `bun:"table:online_rules"`

	Name      string `bun:"name,pk"`
	Rule      string `bun:"rule"`
	Position  string `bun:"position"`
	Moves     int64  `bun:"moves"`
	UpdatedAt int64  `bun:"updated_at"`
}

func (r *onlineRuleRow) stored() (online.Stored, error) {
	var out online.Stored
	if err := json.Unmarshal([]byte(r.Rule), &out.Rule); err != nil {
		return out, fmt.Errorf("online rule %s is damaged: %w", r.Name, err)
	}
	if err := json.Unmarshal([]byte(r.Position), &out.Position); err != nil {
		return out, fmt.Errorf("position of online rule %s is damaged: %w", r.Name, err)
	}
	out.Position.Moves = r.Moves
	return out, nil
}

// onlineCallRow is a row of online_calls.
type onlineCallRow struct {
	bun.BaseModel `bun:"table:online_calls"`

	Rule    string `bun:"rule,pk"`
	CallID  string `bun:"call_id,pk"`
	Waiting int    `bun:"waiting"`
	CameAt  int64  `bun:"came_at"`
	DueAt   int64  `bun:"due_at"`
}

// onlineEntryRow is a row of online_ledger.
type onlineEntryRow struct {
	bun.BaseModel `bun:"table:online_ledger"`

	Rule     string `bun:"rule,pk"`
	Scorer   string `bun:"scorer,pk"`
	Hour     int64  `bun:"hour,pk"`
	Outcome  string `bun:"outcome,pk"`
	Reason   string `bun:"reason,pk"`
	Calls    int64  `bun:"calls"`
	Cost     int64  `bun:"cost"`
	Unpriced int64  `bun:"unpriced"`
	Detail   string `bun:"detail"`
}

// driftRow is a row of score_drift.
type driftRow struct {
	bun.BaseModel `bun:"table:score_drift"`

	Rule   string `bun:"rule,pk"`
	Scorer string `bun:"scorer,pk"`
	Day    int64  `bun:"day,pk"`
	Drift  string `bun:"drift"`
}

var (
	_ online.Store  = (*DB)(nil)
	_ online.Leases = (*DB)(nil)
)

// PutOnlineRule implements online.Store.
func (db *DB) PutOnlineRule(ctx context.Context, r online.Rule) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("online rule %s: %w", r.Name, err)
	}
	row := &onlineRuleRow{Name: r.Name, Rule: string(text), Position: "{}", UpdatedAt: micros(r.UpdatedAt)}
	_, err = db.bun.NewInsert().Model(row).On("CONFLICT (name) DO UPDATE").Set("rule = EXCLUDED.rule").Set("updated_at = EXCLUDED.updated_at").Exec(ctx)
	if err != nil {
		return fmt.Errorf("set online rule %s: %w", r.Name, err)
	}
	return nil
}

// OnlineRules implements online.Store.
func (db *DB) OnlineRules(ctx context.Context) ([]online.Stored, error) {
	var rows []onlineRuleRow
	if err := db.bun.NewSelect().Model(&rows).Scan(ctx); err != nil {
		return nil, fmt.Errorf("list online rules: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	var counts []struct {
		Rule string
		N    int64
	}
	err := db.bun.NewSelect().Model((*onlineCallRow)(nil)).ColumnExpr("rule, count(*) AS n").Where("waiting = 1").Group("rule").Scan(ctx, &counts)
	if err != nil {
		return nil, fmt.Errorf("count waiting calls: %w", err)
	}
	out := make([]online.Stored, len(rows))
	for i := range rows {
		if out[i], err = rows[i].stored(); err != nil {
			return nil, err
		}
		for _, c := range counts {
			if c.Rule == rows[i].Name {
				out[i].Waiting = c.N
			}
		}
	}
	slices.SortFunc(out, func(a, b online.Stored) int { return cmp.Compare(a.Name, b.Name) }) // as every database does
	return out, nil
}

// RemoveOnlineRule implements online.Store.
func (db *DB) RemoveOnlineRule(ctx context.Context, name string, at time.Time) error {
	err := db.bun.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		var rows []onlineRuleRow
		if err := tx.NewSelect().Model(&rows).Where("name = ?", name).Scan(ctx); err != nil {
			return err
		}
		if len(rows) == 0 {
			return online.ErrNoRule
		}
		if _, err := tx.NewDelete().Model((*onlineRuleRow)(nil)).Where("name = ?", name).Exec(ctx); err != nil {
			return err
		}
		rule, err := rows[0].stored()
		if err != nil {
			return err
		}
		// The rows that are deleted are those that are booked, though others decide some of them at this moment.
		waiting, err := tx.NewDelete().Model((*onlineCallRow)(nil)).Where("rule = ?", name).Where("waiting = 1").Exec(ctx)
		if err != nil {
			return err
		}
		n, err := waiting.RowsAffected()
		if err != nil {
			return err
		}
		for i := range rule.Scorers {
			if n == 0 {
				break
			}
			e := onlineEntryRow{Rule: name, Scorer: rule.Scorers[i].Name, Hour: hourOf(at), Outcome: string(online.Skipped), Reason: string(online.Removed), Calls: n}
			if err := addEntry(ctx, tx, &e); err != nil {
				return err
			}
		}
		_, err = tx.NewDelete().Model((*onlineCallRow)(nil)).Where("rule = ?", name).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("remove online rule %.100s: %w", name, err)
	}
	return nil
}

// TakeCalls implements online.Store.
func (db *DB) TakeCalls(ctx context.Context, rule string, moves int64, next online.Position, calls []online.Taken, forget, at time.Time) error {
	position, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("online rule %s: %w", rule, err)
	}
	err = db.bun.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		there, err := changed(tx.NewUpdate().Model((*onlineRuleRow)(nil)).Set("position = ?", string(position)).Set("moves = ?", moves+1).
			Where("name = ?", rule).Where("moves = ?", moves).Exec(ctx))
		if err == nil && !there {
			err = online.ErrMoved
		}
		if err != nil {
			return err
		}
		for i := range calls {
			c := &calls[i]
			row := &onlineCallRow{Rule: rule, CallID: c.CallID, CameAt: micros(c.Came), DueAt: micros(c.Due)}
			if c.Decided == nil {
				row.Waiting = 1
			}
			fresh, err := changed(tx.NewInsert().Model(row).On("CONFLICT DO NOTHING").Exec(ctx))
			if err != nil {
				return err
			}
			if fresh {
				if err := book(ctx, tx, rule, c.Decided, at); err != nil {
					return err
				}
			}
		}
		_, err = tx.NewDelete().Model((*onlineCallRow)(nil)).Where("rule = ?", rule).Where("waiting = 0").Where("came_at < ?", micros(forget)).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("take calls for online rule %s: %w", rule, err)
	}
	return nil
}

func hourOf(at time.Time) int64 { return micros(at.UTC().Truncate(time.Hour)) }

// book adds decisions to the ledger.
func book(ctx context.Context, tx bun.Tx, rule string, decisions []online.Decision, at time.Time) error {
	for _, d := range decisions {
		e := onlineEntryRow{
			Rule: rule, Scorer: d.Scorer, Hour: hourOf(at), Outcome: string(d.Outcome), Reason: string(d.Reason), Calls: 1, Cost: int64(d.Cost), Unpriced: int64(d.Unpriced), Detail: d.Detail,
		}
		if err := addEntry(ctx, tx, &e); err != nil {
			return err
		}
	}
	return nil
}

func addEntry(ctx context.Context, tx bun.Tx, e *onlineEntryRow) error {
	_, err := tx.NewInsert().Model(e).On("CONFLICT (rule, scorer, hour, outcome, reason) DO UPDATE").
		Set("calls = ?TableAlias.calls + EXCLUDED.calls").Set("cost = ?TableAlias.cost + EXCLUDED.cost").Set("unpriced = ?TableAlias.unpriced + EXCLUDED.unpriced").
		Set("detail = CASE WHEN EXCLUDED.detail = '' THEN ?TableAlias.detail ELSE EXCLUDED.detail END").Exec(ctx)
	return err
}

// WaitingCalls implements online.Store.
func (db *DB) WaitingCalls(ctx context.Context, rule string, due time.Time, limit int) ([]string, error) {
	var ids []string
	err := db.bun.NewSelect().Model((*onlineCallRow)(nil)).Column("call_id").Where("rule = ?", rule).Where("waiting = 1").Where("due_at <= ?", micros(due)).
		Order("due_at", "call_id").Limit(int64(limit)).Scan(ctx, &ids)
	if err != nil {
		return nil, fmt.Errorf("read calls that wait for online rule %s: %w", rule, err)
	}
	return ids, nil
}

// DecideCall implements online.Store.
func (db *DB) DecideCall(ctx context.Context, rule, callID string, decisions []online.Decision, at time.Time) (bool, error) {
	decided := false
	err := db.bun.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) (err error) {
		decided, err = changed(tx.NewUpdate().Model((*onlineCallRow)(nil)).Set("waiting = 0").Where("rule = ?", rule).Where("call_id = ?", callID).Where("waiting = 1").Exec(ctx))
		if err != nil || !decided {
			return err
		}
		return book(ctx, tx, rule, decisions, at)
	})
	if err != nil {
		return false, fmt.Errorf("decide call %.100s of online rule %s: %w", callID, rule, err)
	}
	return decided, nil
}

// Ledger implements online.Store.
func (db *DB) Ledger(ctx context.Context, rule string, since time.Time) ([]online.Entry, error) {
	var rows []onlineEntryRow
	q := db.bun.NewSelect().Model(&rows).Where("hour >= ?", micros(since))
	if rule != "" {
		q = q.Where("rule = ?", rule)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("read the ledger of online evaluation: %w", err)
	}
	out := make([]online.Entry, len(rows))
	for i, r := range rows {
		out[i] = online.Entry{
			Rule: r.Rule, Scorer: r.Scorer, Hour: fromMicros(r.Hour), Outcome: online.Outcome(r.Outcome), Reason: online.Reason(r.Reason),
			Calls: r.Calls, Cost: price.USD(r.Cost), Unpriced: r.Unpriced, Detail: r.Detail,
		}
	}
	slices.SortFunc(out, func(a, b online.Entry) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Scorer, b.Scorer), a.Hour.Compare(b.Hour), cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Reason, b.Reason))
	})
	return out, nil
}

// PutDrift implements online.Store.
func (db *DB) PutDrift(ctx context.Context, list []online.Drift) error {
	if len(list) == 0 {
		return nil
	}
	rows := make([]driftRow, len(list))
	for i := range list {
		text, err := json.Marshal(list[i])
		if err != nil {
			return fmt.Errorf("drift of %s: %w", list[i].Scorer, err)
		}
		rows[i] = driftRow{Rule: list[i].Rule, Scorer: list[i].Scorer, Day: micros(list[i].Day), Drift: string(text)}
	}
	if _, err := db.bun.NewInsert().Model(&rows).On("CONFLICT (rule, scorer, day) DO UPDATE").Set("drift = EXCLUDED.drift").Exec(ctx); err != nil {
		return fmt.Errorf("store score drift: %w", err)
	}
	return nil
}

// Drifts implements online.Store.
func (db *DB) Drifts(ctx context.Context, since time.Time) ([]online.Drift, error) {
	var rows []driftRow
	if err := db.bun.NewSelect().Model(&rows).Where("day >= ?", micros(since)).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read score drift: %w", err)
	}
	out := make([]online.Drift, len(rows))
	for i := range rows {
		if err := json.Unmarshal([]byte(rows[i].Drift), &out[i]); err != nil {
			return nil, fmt.Errorf("drift of %s is damaged: %w", rows[i].Scorer, err)
		}
	}
	slices.SortFunc(out, func(a, b online.Drift) int {
		return cmp.Or(b.Day.Compare(a.Day), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Scorer, b.Scorer))
	})
	return out, nil
}

// ForgetOnline implements online.Store.
func (db *DB) ForgetOnline(ctx context.Context, before time.Time) error {
	_, err := db.bun.NewDelete().Model((*onlineEntryRow)(nil)).Where("hour < ?", micros(before)).Exec(ctx)
	if err == nil {
		_, err = db.bun.NewDelete().Model((*driftRow)(nil)).Where("day < ?", micros(before)).Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("forget old rows of online evaluation: %w", err)
	}
	return nil
}
