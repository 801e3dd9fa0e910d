// Package scheduletest is the contract of a schedule.Store as a test.
package scheduletest

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/dashboards/report"
	"github.com/weir-dev/weir/dashboards/report/schedule"
	"github.com/weir-dev/weir/price"
)

// Deliveries lists what a store was given to be told.
type Deliveries interface {
	AlertDeliveries(ctx context.Context, state price.DeliveryState, limit int) ([]alert.Delivery, error)
}

// TestStore runs the contract over a store that open makes empty, with where its deliveries are.
func TestStore(t *testing.T, open func(*testing.T) (schedule.Store, Deliveries)) {
	store, told := open(t)
	t.Run("schedules", func(t *testing.T) { schedules(t, store) })
	t.Run("sent", func(t *testing.T) { sent(t, store, told) })
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func schedules(t *testing.T, s schedule.Store) {
	ctx := t.Context()
	one := schedule.Schedule{Name: "b", Project: "p", Period: report.Week, At: "07:30", Timezone: "Europe/Berlin", Notify: []string{"mail"}}
	check(t, s.PutReportSchedule(ctx, one, true))
	if err := s.PutReportSchedule(ctx, one, true); !errors.Is(err, schedule.ErrTaken) {
		t.Errorf("made twice: %v", err)
	}
	one.Period = report.Month
	check(t, s.PutReportSchedule(ctx, one, false))
	check(t, s.PutReportSchedule(ctx, schedule.Schedule{Name: "a", Period: report.Week, Disabled: true}, false))
	got, err := s.ReportSchedules(ctx)
	check(t, err)
	if want := []schedule.Schedule{{Name: "a", Period: report.Week, Disabled: true}, one}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	check(t, s.DeleteReportSchedule(ctx, "a"))
	if err := s.DeleteReportSchedule(ctx, "a"); !errors.Is(err, schedule.ErrNone) {
		t.Errorf("removed twice: %v", err)
	}
}

func sent(t *testing.T, s schedule.Store, told Deliveries) {
	ctx, at := t.Context(), time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	note := schedule.Sent{Schedule: "b", Kind: report.Week, Period: "2026-W47", At: at, Channels: 1}
	letter := alert.Delivery{
		ID: "d1", Channel: "mail", At: at, Way: price.Delivery{State: price.DeliveryWaiting, Next: at},
		Message: alert.Message{ID: "m1", Kind: alert.Papers, Rule: "b", At: at, Document: &alert.Document{Type: "report.week", Subject: "s", Text: "t", HTML: "<p>", Data: []byte(`{"a":1}`)}},
	}
	for _, want := range []bool{true, false} {
		first, err := s.NoteReport(ctx, note, []alert.Delivery{letter})
		check(t, err)
		if first != want {
			t.Errorf("first %v, want %v", first, want)
		}
	}
	month := schedule.Sent{Schedule: "b", Kind: report.Month, Period: "2026-10", At: at.Add(-time.Hour), Note: "why"}
	if first, err := s.NoteReport(ctx, month, nil); err != nil || !first {
		t.Errorf("%v, %v", first, err)
	}
	list, err := told.AlertDeliveries(ctx, price.DeliveryWaiting, 10)
	check(t, err)
	if len(list) != 1 || list[0].ID != "d1" || list[0].Message.Document == nil || string(list[0].Message.Document.Data) != `{"a":1}` || list[0].Message.Document.HTML != "<p>" {
		t.Errorf("%+v", list)
	}
	got, err := s.ReportsSent(ctx, "b")
	check(t, err)
	if want := []schedule.Sent{note, month}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	check(t, s.DeleteReportSchedule(ctx, "b"))
	if got, err := s.ReportsSent(ctx, "b"); err != nil || len(got) > 0 {
		t.Errorf("what was sent of one that is gone: %v, %v", got, err)
	}
}
