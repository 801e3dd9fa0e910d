package sqldb

import (
	"testing"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/alert/alerttest"
)

func TestAlerts(t *testing.T) {
	stores(t, func(t *testing.T, open func(*testing.T) *DB) {
		alerttest.TestStore(t, func(t *testing.T) alert.Store {
			db := open(t)
			for _, table := range []string{"alert_rules", "alert_states", "alert_looks", "alert_events", "alert_silences", "alert_deliveries"} {
				if _, err := db.bun.ExecContext(t.Context(), "DELETE FROM "+table); err != nil { // each part begins with nothing
					t.Fatal(err)
				}
			}
			return db
		})
	})
}
