package sqldb

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/dashboards/report"
	"github.com/weir-dev/weir/dashboards/report/schedule"
)

// reportScheduleRow is a row of report_schedules.
type reportScheduleRow struct {
	bun.BaseModel `bun:"table:report_schedules"`

	Name     string `bun:"name,pk"`
	Schedule string `bun:"schedule"`
}

// reportSentRow is a row of reports_sent.
type reportSentRow struct {
	bun.BaseModel `bun:"table:reports_sent"`

	Schedule string `bun:"schedule,pk"`
	Kind     string `bun:"kind,pk"`
	Period   string `bun:"period,pk"`
	SentAt   int64  `bun:"sent_at"`
	Channels int64  `bun:"channels"`
	Note     string `bun:"note"`
}

var _ schedule.Store = (*DB)(nil)

// PutReportSchedule implements schedule.Store.
func (db *DB) PutReportSchedule(ctx context.Context, s schedule.Schedule, fresh bool) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	row := &reportScheduleRow{Name: s.Name, Schedule: string(text)}
	put := db.bun.NewInsert().Model(row).On("CONFLICT (name) DO UPDATE").Set("schedule = EXCLUDED.schedule")
	if fresh {
		put = db.bun.NewInsert().Model(row).On("CONFLICT DO NOTHING")
	}
	made, err := changed(put.Exec(ctx))
	if err == nil && !made {
		err = schedule.ErrTaken
	}
	if err != nil {
		return fmt.Errorf("set schedule %s: %w", s.Name, err)
	}
	return nil
}

// ReportSchedules implements schedule.Store.
func (db *DB) ReportSchedules(ctx context.Context) ([]schedule.Schedule, error) {
	var rows []reportScheduleRow
	if err := db.bun.NewSelect().Model(&rows).Scan(ctx); err != nil {
		return nil, fmt.Errorf("list schedules of reports: %w", err)
	}
	out := make([]schedule.Schedule, len(rows))
	for i := range rows {
		if err := json.Unmarshal([]byte(rows[i].Schedule), &out[i]); err != nil {
			return nil, fmt.Errorf("schedule %s is damaged: %w", rows[i].Name, err)
		}
	}
	slices.SortFunc(out, func(a, b schedule.Schedule) int { return cmp.Compare(a.Name, b.Name) }) // as every database does
	return out, nil
}

// DeleteReportSchedule implements schedule.Store.
func (db *DB) DeleteReportSchedule(ctx context.Context, name string) error {
	err := db.bun.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		there, err := changed(tx.NewDelete().Model((*reportScheduleRow)(nil)).Where("name = ?", name).Exec(ctx))
		if err == nil && !there {
			err = schedule.ErrNone
		}
		if err != nil {
			return err
		}
		_, err = tx.NewDelete().Model((*reportSentRow)(nil)).Where("schedule = ?", name).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("delete schedule %s: %w", name, err)
	}
	return nil
}

// ReportsSent implements schedule.Store.
func (db *DB) ReportsSent(ctx context.Context, name string) ([]schedule.Sent, error) {
	var rows []reportSentRow
	if err := db.bun.NewSelect().Model(&rows).Where("schedule = ?", name).Order("sent_at DESC", "period DESC").Scan(ctx); err != nil {
		return nil, fmt.Errorf("list reports sent by %s: %w", name, err)
	}
	out := make([]schedule.Sent, len(rows))
	for i, r := range rows {
		out[i] = schedule.Sent{Schedule: r.Schedule, Kind: report.Kind(r.Kind), Period: r.Period, At: fromMicros(r.SentAt), Channels: int(r.Channels), Note: r.Note}
	}
	return out, nil
}

// NoteReport implements schedule.Store.
func (db *DB) NoteReport(ctx context.Context, s schedule.Sent, deliveries []alert.Delivery) (bool, error) {
	first := false
	err := db.bun.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		row := &reportSentRow{Schedule: s.Schedule, Kind: string(s.Kind), Period: s.Period, SentAt: micros(s.At), Channels: int64(s.Channels), Note: s.Note}
		var err error
		if first, err = changed(tx.NewInsert().Model(row).On("CONFLICT DO NOTHING").Exec(ctx)); err != nil || !first {
			return err
		}
		return addDeliveries(ctx, tx, deliveries)
	})
	if err != nil {
		return false, fmt.Errorf("note the report %s of %s: %w", s.Period, s.Schedule, err)
	}
	return first, nil
}
