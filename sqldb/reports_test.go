package sqldb

import (
	"testing"

	"github.com/weir-dev/weir/dashboards/report/schedule"
	"github.com/weir-dev/weir/dashboards/report/scheduletest"
)

func TestReports(t *testing.T) {
	stores(t, func(t *testing.T, open func(*testing.T) *DB) {
		scheduletest.TestStore(t, func(t *testing.T) (schedule.Store, scheduletest.Deliveries) {
			db := open(t)
			return db, db
		})
	})
}
