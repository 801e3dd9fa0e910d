package metrics

import (
	"strings"
	"testing"

	"github.com/weir-dev/weir/trace"
)

func TestFiguresOfTheSpool(t *testing.T) {
	text := scrape(t, New("test", func() Spool {
		return Spool{
			Counters: trace.Counters{Accepted: 17, Written: 8, Waiting: 3, Quarantined: 4, Dropped: 2, BodiesDropped: 5, OldestWaitingSeconds: 1.5},
			AtRisk:   6, Damaged: 1, UnderWay: 9, Segments: 2, Bytes: 1000, MaxBytes: 4000, Failures: []string{"full"},
		}
	}))
	for _, line := range []string{
		`weir_spool_records_total{state="accepted"} 17`,
		`weir_spool_records_total{state="written"} 8`,
		`weir_spool_records_total{state="quarantined"} 4`,
		`weir_spool_records_total{state="dropped"} 2`,
		`weir_spool_waiting_records 3`,
		`weir_spool_oldest_waiting_seconds 1.5`,
		`weir_spool_quarantined_records 4`,
		`weir_spool_damaged_records 1`,
		`weir_spool_bodies_dropped_total 5`,
		`weir_spool_at_risk_records_total 6`,
		`weir_spool_under_way_calls 9`,
		`weir_spool_segments 2`,
		`weir_spool_bytes 1000`,
		`weir_spool_max_bytes 4000`,
		`weir_spool_failure{kind="full"} 1`,
		`weir_spool_failure{kind="store"} 0`,
		`weir_spool_failure{kind="slow"} 0`,
		`weir_spool_failure{kind="unsynced"} 0`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("/metrics lacks %s", line)
		}
	}
}
