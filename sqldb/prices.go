package sqldb

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/weir-dev/weir/price"
)

// priceRow is a row of prices.
type priceRow struct {
	bun.BaseModel `bun:"table:prices"`

	Provider      string `bun:"provider,pk"`
	Model         string `bun:"model,pk"`
	Project       string `bun:"project,pk"`
	EffectiveFrom int64  `bun:"effective_from,pk"`
	Entry         string `bun:"entry"`
}

// Prices lists the prices set by hand, by provider, model, project and date.
func (db *DB) Prices(ctx context.Context) ([]price.Entry, error) {
	var rows []priceRow
	if err := db.bun.NewSelect().Model(&rows).Order("provider", "model", "project", "effective_from").Scan(ctx); err != nil {
		return nil, fmt.Errorf("list prices: %w", err)
	}
	out := make([]price.Entry, len(rows))
	for i, r := range rows {
		if err := json.Unmarshal([]byte(r.Entry), &out[i]); err != nil {
			return nil, fmt.Errorf("price of %s/%s is damaged: %w", r.Provider, r.Model, err)
		}
	}
	return out, nil
}

// PutPrice stores a price, in place of the one of the same provider, model, project and date if there is one.
func (db *DB) PutPrice(ctx context.Context, e price.Entry) error { return putPrice(ctx, db.bun, e) }

// PutPrices stores prices as PutPrice does, all or none.
func (db *DB) PutPrices(ctx context.Context, entries []price.Entry) error {
	return db.bun.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		for _, e := range entries {
			if err := putPrice(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

func putPrice(ctx context.Context, in bun.IDB, e price.Entry) error {
	text, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("price of %s: %w", e.Name(), err)
	}
	row := &priceRow{Provider: e.Provider, Model: e.Model, Project: e.Project, EffectiveFrom: micros(e.EffectiveFrom), Entry: string(text)}
	_, err = in.NewInsert().Model(row).On("CONFLICT (provider, model, project, effective_from) DO UPDATE").Set("entry = EXCLUDED.entry").Exec(ctx)
	if err != nil {
		return fmt.Errorf("set price of %s: %w", e.Name(), err)
	}
	return nil
}

// DeletePrice removes the price of e's provider, model, project and date, and says whether there was one.
func (db *DB) DeletePrice(ctx context.Context, e price.Entry) (bool, error) {
	res, err := db.bun.NewDelete().Model((*priceRow)(nil)).
		Where("provider = ?", e.Provider).Where("model = ?", e.Model).Where("project = ?", e.Project).Where("effective_from = ?", micros(e.EffectiveFrom)).Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("delete price of %s: %w", e.Name(), err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}
