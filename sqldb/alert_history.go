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

// alertEventRow is a row of alert_events.
type alertEventRow struct {
	bun.BaseModel `bun:"table:alert_events"`

	ID    string `bun:"id,pk"`
	Rule  string `bun:"rule"`
	At    int64  `bun:"happened_at"`
	Event string `bun:"event"`
}

// alertSilenceRow is a row of alert_silences.
type alertSilenceRow struct {
	bun.BaseModel `bun:"table:alert_silences"`

	ID      string `bun:"id,pk"`
	EndsAt  int64  `bun:"ends_at"`
	EndedBy string `bun:"ended_by"`
	Silence string `bun:"silence"`
}

func addAlertEvents(ctx context.Context, tx bun.Tx, events []alert.Event) error {
	if len(events) == 0 {
		return nil
	}
	rows := make([]alertEventRow, len(events))
	for i := range events {
		text, err := json.Marshal(&events[i])
		if err != nil {
			return err
		}
		rows[i] = alertEventRow{ID: events[i].ID, Rule: events[i].Rule, At: micros(events[i].At), Event: string(text)}
	}
	_, err := tx.NewInsert().Model(&rows).Exec(ctx)
	return err
}

// AlertHistory implements alert.Store.
func (db *DB) AlertHistory(ctx context.Context, q alert.HistoryQuery) ([]alert.Event, string, error) {
	var rows []alertEventRow
	most := max(q.Limit, 1)
	ask := db.bun.NewSelect().Model(&rows).Order("id DESC").Limit(int64(most) + 1)
	if q.Rule != "" {
		ask = ask.Where("rule = ?", q.Rule)
	}
	if !q.Since.IsZero() {
		ask = ask.Where("happened_at >= ?", micros(q.Since))
	}
	if q.Cursor != "" {
		there, err := db.bun.NewSelect().Model((*alertEventRow)(nil)).Where("id = ?", q.Cursor).Exists(ctx)
		if err == nil && !there {
			err = alert.ErrCursor
		}
		if err != nil {
			return nil, "", fmt.Errorf("list what happened to alerts: %w", err)
		}
		ask = ask.Where("id < ?", q.Cursor)
	}
	if err := ask.Scan(ctx); err != nil {
		return nil, "", fmt.Errorf("list what happened to alerts: %w", err)
	}
	next := ""
	if len(rows) > most {
		rows = rows[:most]
		next = rows[most-1].ID
	}
	out := make([]alert.Event, len(rows))
	for i := range rows {
		if err := json.Unmarshal([]byte(rows[i].Event), &out[i]); err != nil {
			return nil, "", fmt.Errorf("event %s of alert %s is damaged: %w", rows[i].ID, rows[i].Rule, err)
		}
	}
	return out, next, nil
}

// PruneAlerts implements alert.Store.
func (db *DB) PruneAlerts(ctx context.Context, before time.Time) error {
	at := micros(before)
	for _, ask := range []*bun.DeleteQuery{
		db.bun.NewDelete().Model((*alertEventRow)(nil)).Where("happened_at < ?", at),
		db.bun.NewDelete().Model((*alertSilenceRow)(nil)).Where("ends_at < ?", at),
		db.bun.NewDelete().Model((*alertDeliveryRow)(nil)).Where("made_at < ?", at).Where("delivery <> ?", string(price.DeliveryWaiting)),
	} {
		if _, err := ask.Exec(ctx); err != nil {
			return fmt.Errorf("remove what is old of alerts: %w", err)
		}
	}
	return nil
}

// PutSilence implements alert.Store.
func (db *DB) PutSilence(ctx context.Context, s alert.Silence) error {
	text, err := json.Marshal(s)
	if err == nil {
		_, err = db.bun.NewInsert().Model(&alertSilenceRow{ID: s.ID, EndsAt: micros(s.Until), EndedBy: s.EndedBy, Silence: string(text)}).Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("silence alerts: %w", err)
	}
	return nil
}

// ListSilences implements alert.Store.
func (db *DB) ListSilences(ctx context.Context, after time.Time) ([]alert.Silence, error) {
	var rows []alertSilenceRow
	if err := db.bun.NewSelect().Model(&rows).Where("ends_at > ?", micros(after)).Order("ends_at DESC", "id").Scan(ctx); err != nil {
		return nil, fmt.Errorf("list silences: %w", err)
	}
	out := make([]alert.Silence, len(rows))
	for i, r := range rows {
		if err := json.Unmarshal([]byte(r.Silence), &out[i]); err != nil {
			return nil, fmt.Errorf("silence %s is damaged: %w", r.ID, err)
		}
		out[i].Until, out[i].EndedBy = fromMicros(r.EndsAt), r.EndedBy
	}
	return out, nil
}

// EndSilence implements alert.Store.
func (db *DB) EndSilence(ctx context.Context, id, by string, at time.Time) error {
	there, err := changed(db.bun.NewUpdate().Model((*alertSilenceRow)(nil)).Set("ends_at = ?", micros(at)).Set("ended_by = ?", by).
		Where("id = ?", id).Where("ends_at > ?", micros(at)).Exec(ctx))
	if err == nil && !there {
		err = alert.ErrNoSilence
	}
	if err != nil {
		return fmt.Errorf("end silence %s: %w", id, err)
	}
	return nil
}
