package sqldb

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"github.com/weir-dev/weir/price"
)

// budgetRow is a row of budgets.
type budgetRow struct {
	bun.BaseModel `bun:"table:budgets"`

	ID     string `bun:"id,pk"`
	Name   string `bun:"name"`
	Budget string `bun:"budget"`
}

// budgetText is a budget as it is stored.
type budgetText struct {
	Scope       map[string]string  `json:"scope,omitempty"`
	Window      price.Window       `json:"window"`
	Timezone    string             `json:"timezone,omitempty"`
	LimitUSD    price.USD          `json:"limit_usd"`
	LimitTokens int64              `json:"limit_tokens,omitempty"`
	LimitCalls  int64              `json:"limit_calls,omitempty"`
	Policy      price.BudgetPolicy `json:"policy"`
	AtLimit     price.AtLimit      `json:"at_limit"`
	Soft        []int              `json:"soft,omitempty"`
	CreatedAt   int64              `json:"created_at"` // microseconds since 1970
	UpdatedAt   int64              `json:"updated_at"`
}

var _ price.Budgets = (*DB)(nil)

// PutBudget implements price.Budgets.
func (db *DB) PutBudget(ctx context.Context, b price.Budget) error {
	text, err := json.Marshal(budgetText{
		Scope: b.Scope, Window: b.Window, Timezone: b.Timezone, LimitUSD: b.LimitUSD, LimitTokens: b.LimitTokens, LimitCalls: b.LimitCalls,
		Policy: b.Policy, AtLimit: b.AtLimit, Soft: b.Soft, CreatedAt: micros(b.CreatedAt), UpdatedAt: micros(b.UpdatedAt),
	})
	if err != nil {
		return fmt.Errorf("budget %s: %w", b.Name, err)
	}
	row := &budgetRow{ID: b.ID, Name: b.Name, Budget: string(text)}
	err = db.bun.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		taken, err := tx.NewSelect().Model((*budgetRow)(nil)).Where("name = ?", b.Name).Where("id <> ?", b.ID).Exists(ctx)
		if err != nil {
			return err
		}
		if taken {
			return price.ErrBudgetTaken
		}
		there, err := changed(tx.NewUpdate().Model(row).WherePK().Exec(ctx))
		if err != nil || there {
			return err
		}
		made, err := changed(tx.NewInsert().Model(row).On("CONFLICT DO NOTHING").Exec(ctx))
		if err == nil && !made { // another was quicker
			return price.ErrBudgetTaken
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("set budget %s: %w", b.Name, err)
	}
	return nil
}

// changed says whether a statement changed a row.
func changed(res sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// ListBudgets implements price.Budgets.
func (db *DB) ListBudgets(ctx context.Context) ([]price.Budget, error) {
	var rows []budgetRow
	if err := db.bun.NewSelect().Model(&rows).Scan(ctx); err != nil {
		return nil, fmt.Errorf("list budgets: %w", err)
	}
	out := make([]price.Budget, len(rows))
	for i, r := range rows {
		var t budgetText
		if err := json.Unmarshal([]byte(r.Budget), &t); err != nil {
			return nil, fmt.Errorf("budget %s is damaged: %w", r.Name, err)
		}
		out[i] = price.Budget{
			ID: r.ID, Name: r.Name, Scope: t.Scope, Window: t.Window, Timezone: t.Timezone,
			LimitUSD: t.LimitUSD, LimitTokens: t.LimitTokens, LimitCalls: t.LimitCalls, Policy: t.Policy, AtLimit: t.AtLimit, Soft: t.Soft,
			CreatedAt: fromMicros(t.CreatedAt), UpdatedAt: fromMicros(t.UpdatedAt),
		}
	}
	slices.SortFunc(out, func(a, b price.Budget) int { return cmp.Compare(a.Name, b.Name) }) // as every database does
	return out, nil
}

// DeleteBudget implements price.Budgets.
func (db *DB) DeleteBudget(ctx context.Context, id string) error {
	there, err := changed(db.bun.NewDelete().Model((*budgetRow)(nil)).Where("id = ?", id).Exec(ctx))
	if err == nil && !there {
		err = price.ErrNoBudget
	}
	if err != nil {
		return fmt.Errorf("delete budget %s: %w", id, err)
	}
	return nil
}
