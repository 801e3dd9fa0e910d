package api

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
)

// fakeCache remembers what it was asked to purge.
type fakeCache struct {
	stats  CacheStats
	purged []CacheFilter
	err    error
}

func (c *fakeCache) Stats(context.Context) (CacheStats, error) { return c.stats, c.err }

func (c *fakeCache) Purge(_ context.Context, f CacheFilter) (int, error) {
	c.purged = append(c.purged, f)
	return 3, c.err
}

func TestCache(t *testing.T) {
	near := cmp.Comparer(func(a, b time.Duration) bool { return (a - b).Abs() < time.Minute })
	w := newWorld(t)
	w.cache.stats = CacheStats{
		Hits: 5, Misses: 2, Fills: 2, SavedUSD: 1_500_000_000, Entries: 2, Bytes: 4000, MaxBytes: 16 << 20, Evictions: 1, Expired: 4,
		Semantic: CacheSemantic{Hits: 3, Failures: 6, Refused: 7, Kept: 8, Lost: 9, Agreed: 10, Disagreed: 11, Unsure: 12, Skipped: 13},
	}
	equalJSON(t, w.ask("GET", "/cache", "").Body.String(),
		`{"hits":5,"misses":2,"fills":2,"saved_usd":"1.500000000","entries":2,"bytes":4000,"max_bytes":16777216,"evictions":1,"expired":4,
		"semantic":{"hits":3,"failures":6,"refused":7,"kept":8,"lost":9,"audits_agreed":10,"audits_disagreed":11,"audits_unsure":12,"audits_skipped":13}}`)
	for query, want := range map[string]CacheFilter{
		"":                                 {},
		"?project=p&model=gpt-4o":          {Project: "p", Model: "gpt-4o"},
		"?tag.team=a&tag.env=b":            {Tags: map[string]string{"team": "a", "env": "b"}},
		"?older_than=2h":                   {OlderThan: 2 * time.Hour},
		"?older_than=0s":                   {},
		"?older_than=" + stampText(t0):     {OlderThan: time.Since(t0)},
		"?older_than=2999-01-01T00:00:00Z": {},
	} {
		w.cache.purged = nil
		rec := w.ask("DELETE", "/cache"+query, "")
		equalJSON(t, rec.Body.String(), `{"purged":3}`)
		if diff := cmp.Diff([]CacheFilter{want}, w.cache.purged, near); diff != "" || rec.Code != http.StatusOK {
			t.Errorf("%s: %d (-want +got): %s", query, rec.Code, diff)
		}
	}
	w.cache.purged = nil
	for _, query := range []string{"?project=", "?tag.team=", "?older_than=", "?older_than=soon", "?key=k", "?tag.=a"} {
		w.refused(w.ask("DELETE", "/cache"+query, ""), http.StatusBadRequest, llm.InvalidRequest)
	}
	w.refused(w.ask("DELETE", "/cache", "", stranger), http.StatusUnauthorized, llm.Unauthorized)
	w.refused(w.ask("GET", "/cache", "", stranger), http.StatusUnauthorized, llm.Unauthorized)
	if len(w.cache.purged) > 0 {
		t.Errorf("purged %+v", w.cache.purged)
	}
	w.cache.err = errors.New("redis: canary")
	for _, method := range []string{"GET", "DELETE"} {
		w.refused(w.ask(method, "/cache", ""), http.StatusInternalServerError, llm.Internal)
	}
}
