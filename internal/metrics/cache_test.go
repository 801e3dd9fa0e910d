package metrics

import (
	"strings"
	"testing"
)

func TestFiguresOfTheCache(t *testing.T) {
	s := New("test", func() Spool { return Spool{} })
	s.WatchCache(func() Cache {
		return Cache{Hits: 1, Misses: 2, Fills: 3, SavedUSD: 0.5, Entries: 4, Bytes: 5, MaxBytes: 6, Evictions: 7, Expired: 8}
	})
	text := scrape(t, s)
	for _, line := range []string{
		"weir_cache_hits_total 1", "weir_cache_misses_total 2", "weir_cache_fills_total 3", "weir_cache_saved_usd_total 0.5", "weir_cache_entries 4",
		"weir_cache_bytes 5", "weir_cache_max_bytes 6", "weir_cache_evictions_total 7", "weir_cache_expired_total 8",
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("/metrics lacks %s", line)
		}
	}
}
