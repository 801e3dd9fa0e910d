package limit_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-dev/weir/ingest/limit"
	"github.com/weir-dev/weir/ingest/limit/limittest"
)

func TestMemory(t *testing.T) {
	limittest.Test(t, func(t *testing.T, test func(*testing.T, limittest.Bench)) {
		synctest.Test(t, func(t *testing.T) { test(t, limittest.Bench{Store: &limit.Memory{}, Pass: time.Sleep}) })
	})
}
