package clickhouse

import (
	"testing"

	"github.com/weir-dev/weir/trace/tracetest"
)

func TestArrivals(t *testing.T) {
	t.Parallel()
	tracetest.TestArrivals(t, openTest(t, testConfig(t)))
}
