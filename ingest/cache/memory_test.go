package cache_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-dev/weir/ingest/cache"
	"github.com/weir-dev/weir/ingest/cache/cachetest"
)

func TestMemory(t *testing.T) {
	cachetest.Test(t, func(t *testing.T, test func(*testing.T, cachetest.Bench)) {
		synctest.Test(t, func(t *testing.T) {
			m := cache.NewMemory(4 << 20)
			defer m.Close()
			test(t, cachetest.Bench{Store: m, Now: time.Now, Pass: time.Sleep})
		})
	})
}
