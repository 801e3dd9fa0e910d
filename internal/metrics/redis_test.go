package metrics

import (
	"strings"
	"testing"
)

func TestFiguresOfRedis(t *testing.T) {
	s := New("test", func() Spool { return Spool{} })
	s.WatchRedis(func() Redis {
		return Redis{Up: 1, Commands: 2, Failures: 3, Outages: 4, AwaySeconds: 5.5, LocalHolds: 6, RefusedHolds: 7, LocalLimits: 8, Owed: 9}
	})
	text := scrape(t, s)
	for _, line := range []string{
		"weir_redis_up 1", "weir_redis_commands_total 2", "weir_redis_failures_total 3", "weir_redis_outages_total 4", "weir_redis_away_seconds_total 5.5",
		"weir_redis_local_holds_total 6", "weir_redis_refused_holds_total 7", "weir_redis_local_limits_total 8", "weir_redis_owed 9",
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("/metrics lacks %s", line)
		}
	}
}
