package sqldb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/price"
)

// alertDeliveryRow is a row of alert_deliveries.
type alertDeliveryRow struct {
	bun.BaseModel `bun:"table:alert_deliveries"`

	ID            string `bun:"id,pk"`
	Channel       string `bun:"channel"`
	At            int64  `bun:"made_at"`
	Message       string `bun:"message"`
	Delivery      string `bun:"delivery"`
	DeliveryTries int64  `bun:"delivery_tries"`
	DeliveryNext  int64  `bun:"delivery_next"`
	DeliveryAt    int64  `bun:"delivery_at"`
	DeliveryError string `bun:"delivery_error"`
}

func addDeliveries(ctx context.Context, in bun.IDB, list []alert.Delivery) error {
	if len(list) == 0 {
		return nil
	}
	rows := make([]alertDeliveryRow, len(list))
	for i := range list {
		d := &list[i]
		text, err := json.Marshal(&d.Message)
		if err != nil {
			return err
		}
		rows[i] = alertDeliveryRow{
			ID: d.ID, Channel: d.Channel, At: micros(d.At), Message: string(text), Delivery: string(d.Way.State), DeliveryTries: int64(d.Way.Tries),
			DeliveryNext: micros(d.Way.Next), DeliveryAt: micros(d.Way.At), DeliveryError: d.Way.Error,
		}
	}
	_, err := in.NewInsert().Model(&rows).Exec(ctx)
	return err
}

func deliveriesOf(rows []alertDeliveryRow) ([]alert.Delivery, error) {
	out := make([]alert.Delivery, len(rows))
	for i := range rows {
		r := &rows[i]
		out[i] = alert.Delivery{
			ID: r.ID, Channel: r.Channel, At: fromMicros(r.At),
			Way: price.Delivery{State: price.DeliveryState(r.Delivery), Tries: int(r.DeliveryTries), Next: fromMicros(r.DeliveryNext), At: fromMicros(r.DeliveryAt), Error: r.DeliveryError},
		}
		if err := json.Unmarshal([]byte(r.Message), &out[i].Message); err != nil {
			return nil, fmt.Errorf("delivery %s is damaged: %w", r.ID, err)
		}
	}
	return out, nil
}

// AddAlertDelivery implements alert.Store.
func (db *DB) AddAlertDelivery(ctx context.Context, d alert.Delivery) error {
	if err := addDeliveries(ctx, db.bun, []alert.Delivery{d}); err != nil {
		return fmt.Errorf("add a delivery to %s: %w", d.Channel, err)
	}
	return nil
}

// AlertDeliveries implements alert.Store.
func (db *DB) AlertDeliveries(ctx context.Context, state price.DeliveryState, limit int) ([]alert.Delivery, error) {
	var rows []alertDeliveryRow
	ask := db.bun.NewSelect().Model(&rows).Order("id DESC").Limit(int64(max(limit, 1)))
	if state != "" {
		ask = ask.Where("delivery = ?", string(state))
	}
	if err := ask.Scan(ctx); err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return deliveriesOf(rows)
}

// ResendAlert implements alert.Store.
func (db *DB) ResendAlert(ctx context.Context, id string, at time.Time) error {
	there, err := changed(db.bun.NewUpdate().Model((*alertDeliveryRow)(nil)).
		Set("delivery = ?", string(price.DeliveryWaiting)).Set("delivery_tries = 0").Set("delivery_next = ?", micros(at)).
		Set("delivery_at = 0").Set("delivery_error = ''").
		Where("id = ?", id).Where("delivery <> ?", string(price.DeliveryWaiting)).Exec(ctx))
	if err == nil && !there {
		err = alert.ErrNoDelivery
	}
	if err != nil {
		return fmt.Errorf("send delivery %s again: %w", id, err)
	}
	return nil
}

// ClaimAlertDeliveries implements alert.Store.
func (db *DB) ClaimAlertDeliveries(ctx context.Context, now, until time.Time, most int) ([]alert.Delivery, error) {
	var due, mine []alertDeliveryRow
	waiting := string(price.DeliveryWaiting)
	err := db.bun.NewSelect().Model(&due).Where("delivery = ?", waiting).Where("delivery_next <= ?", micros(now)).
		Order("delivery_next", "id").Limit(int64(most)).Scan(ctx)
	for i := range due {
		if err != nil {
			break
		}
		var took bool
		took, err = changed(db.bun.NewUpdate().Model((*alertDeliveryRow)(nil)).Set("delivery_next = ?", micros(until)).
			Where("id = ?", due[i].ID).Where("delivery = ?", waiting).Where("delivery_next = ?", due[i].DeliveryNext).Exec(ctx))
		if took {
			mine = append(mine, due[i])
		}
	}
	if err != nil && len(mine) == 0 { // what was taken is told first
		return nil, fmt.Errorf("take deliveries of alerts: %w", err)
	}
	return deliveriesOf(mine)
}

// SetAlertDelivery implements alert.Store.
func (db *DB) SetAlertDelivery(ctx context.Context, id string, d price.Delivery) error {
	_, err := db.bun.NewUpdate().Model((*alertDeliveryRow)(nil)).Where("id = ?", id).
		Set("delivery = ?", string(d.State)).Set("delivery_tries = ?", d.Tries).Set("delivery_next = ?", micros(d.Next)).
		Set("delivery_at = ?", micros(d.At)).Set("delivery_error = ?", d.Error).Exec(ctx)
	if err != nil {
		return fmt.Errorf("note how delivery %s went: %w", id, err)
	}
	return nil
}
