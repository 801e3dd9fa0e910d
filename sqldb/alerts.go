package sqldb

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/weir-dev/weir/alert"
)

// alertRuleRow is a row of alert_rules.
type alertRuleRow struct {
	bun.BaseModel `bun:"table:alert_rules"`

	Name string `bun:"name,pk"`
	Rule string `bun:"rule"`
}

// alertStateRow is a row of alert_states.
type alertStateRow struct {
	bun.BaseModel `bun:"table:alert_states"`

	Rule     string `bun:"rule,pk"`
	Key      string `bun:"labels_key,pk"`
	Severity string `bun:"severity"`
	Since    int64  `bun:"since"`
	AckBy    string `bun:"ack_by"`
	AckAt    int64  `bun:"ack_at"`
	State    string `bun:"state"`
}

// alertLookRow is a row of alert_looks.
type alertLookRow struct {
	bun.BaseModel `bun:"table:alert_looks"`

	Rule     string `bun:"rule,pk"`
	LookedAt int64  `bun:"looked_at"`
	Error    string `bun:"error"`
}

var _ alert.Store = (*DB)(nil)

// PutAlertRule implements alert.Store.
func (db *DB) PutAlertRule(ctx context.Context, r alert.Rule, fresh bool) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("alert %s: %w", r.Name, err)
	}
	row := &alertRuleRow{Name: r.Name, Rule: string(text)}
	put := db.bun.NewInsert().Model(row).On("CONFLICT (name) DO UPDATE").Set("rule = EXCLUDED.rule")
	if fresh {
		put = db.bun.NewInsert().Model(row).On("CONFLICT DO NOTHING")
	}
	made, err := changed(put.Exec(ctx))
	if err == nil && !made {
		err = alert.ErrRuleTaken
	}
	if err != nil {
		return fmt.Errorf("set alert %s: %w", r.Name, err)
	}
	return nil
}

// AlertRules implements alert.Store.
func (db *DB) AlertRules(ctx context.Context) ([]alert.Rule, error) {
	var rows []alertRuleRow
	if err := db.bun.NewSelect().Model(&rows).Scan(ctx); err != nil {
		return nil, fmt.Errorf("list alerts: %w", err)
	}
	out := make([]alert.Rule, len(rows))
	for i := range rows {
		if err := json.Unmarshal([]byte(rows[i].Rule), &out[i]); err != nil {
			return nil, fmt.Errorf("alert %s is damaged: %w", rows[i].Name, err)
		}
	}
	slices.SortFunc(out, func(a, b alert.Rule) int { return cmp.Compare(a.Name, b.Name) }) // as every database does
	return out, nil
}

// DeleteAlertRule implements alert.Store.
func (db *DB) DeleteAlertRule(ctx context.Context, name string) error {
	err := db.bun.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		there, err := changed(tx.NewDelete().Model((*alertRuleRow)(nil)).Where("name = ?", name).Exec(ctx))
		if err != nil {
			return err
		}
		if !there {
			return alert.ErrNoRule
		}
		if _, err := tx.NewDelete().Model((*alertStateRow)(nil)).Where("rule = ?", name).Exec(ctx); err != nil {
			return err
		}
		_, err = tx.NewDelete().Model((*alertLookRow)(nil)).Where("rule = ?", name).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("delete alert %s: %w", name, err)
	}
	return nil
}

// ForgetAlerts implements alert.Store.
func (db *DB) ForgetAlerts(ctx context.Context, but []string) error {
	if len(but) == 0 {
		but = []string{""} // that no rule is named
	}
	for _, model := range []any{(*alertStateRow)(nil), (*alertLookRow)(nil)} {
		if _, err := db.bun.NewDelete().Model(model).Where("rule NOT IN (?)", bun.List(but)).Exec(ctx); err != nil {
			return fmt.Errorf("forget alerts that are gone: %w", err)
		}
	}
	return nil
}

// labelsKey is a text of bounded length for labels, which are not.
func labelsKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}

// AlertStates implements alert.Store.
func (db *DB) AlertStates(ctx context.Context, rule string) ([]alert.State, error) {
	var rows []alertStateRow
	ask := db.bun.NewSelect().Model(&rows)
	if rule != "" {
		ask = ask.Where("rule = ?", rule)
	}
	if err := ask.Scan(ctx); err != nil {
		return nil, fmt.Errorf("read states of alerts: %w", err)
	}
	out := make([]alert.State, len(rows))
	for i := range rows {
		r := &rows[i]
		if err := json.Unmarshal([]byte(r.State), &out[i]); err != nil {
			return nil, fmt.Errorf("a state of alert %s is damaged: %w", r.Rule, err)
		}
		out[i].AckBy, out[i].AckAt = r.AckBy, fromMicros(r.AckAt)
	}
	slices.SortFunc(out, func(a, b alert.State) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Labels.Key(), b.Labels.Key()))
	})
	return out, nil
}

// AlertLooks implements alert.Store.
func (db *DB) AlertLooks(ctx context.Context) ([]alert.Look, error) {
	var rows []alertLookRow
	if err := db.bun.NewSelect().Model(&rows).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read when alerts were looked at: %w", err)
	}
	out := make([]alert.Look, len(rows))
	for i, r := range rows {
		out[i] = alert.Look{Rule: r.Rule, At: fromMicros(r.LookedAt), Error: r.Error}
	}
	slices.SortFunc(out, func(a, b alert.Look) int { return cmp.Compare(a.Rule, b.Rule) })
	return out, nil
}

// SaveAlerts implements alert.Store.
func (db *DB) SaveAlerts(ctx context.Context, r alert.Result) error {
	err := db.bun.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		look := &alertLookRow{Rule: r.Look.Rule, LookedAt: micros(r.Look.At), Error: r.Look.Error}
		_, err := tx.NewInsert().Model(look).On("CONFLICT (rule) DO UPDATE").Set("looked_at = EXCLUDED.looked_at").Set("error = EXCLUDED.error").Exec(ctx)
		if err != nil {
			return err
		}
		if r.Look.Error == "" {
			if err := saveStates(ctx, tx, r.Look.Rule, r.States); err != nil {
				return err
			}
		}
		if err := addAlertEvents(ctx, tx, r.Events); err != nil {
			return err
		}
		return addDeliveries(ctx, tx, r.Deliveries)
	})
	if err != nil {
		return fmt.Errorf("save a look at alert %s: %w", r.Look.Rule, err)
	}
	return nil
}

// saveStates puts states in place of a rule's. Who acknowledged one meanwhile stays with it.
func saveStates(ctx context.Context, tx bun.Tx, rule string, states []alert.State) error {
	keys := []string{""} // that no labels have
	rows := make([]alertStateRow, len(states))
	for i := range states {
		s := &states[i]
		text, err := json.Marshal(s)
		if err != nil {
			return err
		}
		rows[i] = alertStateRow{
			Rule: rule, Key: labelsKey(s.Labels.Key()), Severity: string(s.Severity), Since: micros(s.Since), AckBy: s.AckBy, AckAt: micros(s.AckAt), State: string(text),
		}
		keys = append(keys, rows[i].Key)
	}
	_, err := tx.NewDelete().Model((*alertStateRow)(nil)).Where("rule = ?", rule).Where("labels_key NOT IN (?)", bun.List(keys)).Exec(ctx)
	if err != nil || len(rows) == 0 {
		return err
	}
	same := "alert_states.severity = EXCLUDED.severity AND alert_states.since = EXCLUDED.since"
	_, err = tx.NewInsert().Model(&rows).ModelTableExpr("alert_states").On("CONFLICT (rule, labels_key) DO UPDATE").
		Set("severity = EXCLUDED.severity").Set("since = EXCLUDED.since").Set("state = EXCLUDED.state").
		Set("ack_by = CASE WHEN " + same + " THEN alert_states.ack_by ELSE EXCLUDED.ack_by END").
		Set("ack_at = CASE WHEN " + same + " THEN alert_states.ack_at ELSE EXCLUDED.ack_at END").Exec(ctx)
	return err
}

// AcknowledgeAlert implements alert.Store.
func (db *DB) AcknowledgeAlert(ctx context.Context, rule, key, by string, at time.Time) error {
	if by == "" {
		at = time.Time{}
	}
	there, err := changed(db.bun.NewUpdate().Model((*alertStateRow)(nil)).Set("ack_by = ?", by).Set("ack_at = ?", micros(at)).
		Where("rule = ?", rule).Where("labels_key = ?", labelsKey(key)).Where("severity <> ?", string(alert.OK)).Exec(ctx))
	if err == nil && !there {
		err = alert.ErrNoState
	}
	if err != nil {
		return fmt.Errorf("acknowledge alert %s: %w", rule, err)
	}
	return nil
}
