package redisdb

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-dev/weir/ingest/cache/cachetest"
	"github.com/weir-dev/weir/internal/testutil/redistest"
)

func TestAnswers(t *testing.T) {
	server := redistest.Start(t)
	db := open(t, server.SocketURL())
	cachetest.Test(t, func(t *testing.T, test func(*testing.T, cachetest.Bench)) {
		server.Flush()
		var passed atomic.Int64
		a := db.Answers(4 << 20)
		a.clock = func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
		test(t, cachetest.Bench{Store: a, Now: a.clock, Pass: func(d time.Duration) { passed.Add(int64(d)) }})
	})
}
