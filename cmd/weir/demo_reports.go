package main

import (
	"context"
	"errors"

	"github.com/weir-dev/weir/dashboards/report"
	"github.com/weir-dev/weir/dashboards/report/schedule"
)

// seedReports stores a schedule at the demo's first start. The demo has no channels, so that nothing leaves it: its reports are read in the
// console.
func seedReports(ctx context.Context, sender *schedule.Sender) error {
	err := sender.Store().PutReportSchedule(ctx, schedule.Schedule{Name: "demo-weekly", Project: demoProject, Period: report.Week}, true)
	if errors.Is(err, schedule.ErrTaken) {
		return nil
	}
	return err
}
