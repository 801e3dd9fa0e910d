package schedule_test

import (
	"testing"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/dashboards/report/schedule"
	"github.com/weir-dev/weir/dashboards/report/scheduletest"
)

func TestMemory(t *testing.T) {
	scheduletest.TestStore(t, func(*testing.T) (schedule.Store, scheduletest.Deliveries) {
		told := &alert.Memory{}
		return &schedule.Memory{Outbox: told}, told
	})
}
