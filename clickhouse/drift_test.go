package clickhouse

import (
	"testing"

	"github.com/weir-dev/weir/trace/tracetest"
)

func TestTraffic(t *testing.T) {
	t.Parallel()
	tracetest.TestTraffic(t, openTest(t, testConfig(t)))
}
