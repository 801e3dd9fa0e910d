package clickhouse

import (
	"context"
	"net"
	"testing"

	"github.com/weir-dev/weir/internal/testutil/enginetest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// startEngine starts the embedded engine that all tests share.
func startEngine(tb testing.TB) func(ctx context.Context, network, addr string) (net.Conn, error) {
	tb.Helper()
	return enginetest.Start(tb).DialContext
}
