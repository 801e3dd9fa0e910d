package clickhouse

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/weir-dev/weir/trace"
	"github.com/weir-dev/weir/trace/tracetest"
)

// testConfig is the configuration of a new database: on the server that WEIR_CLICKHOUSE_TEST_URL names, else in the
// embedded engine.
func testConfig(tb testing.TB) Config {
	tb.Helper()
	name := "weir_test_" + strings.ToLower(rand.Text())
	cfg := Config{Preview: tracetest.Preview, Log: slog.New(slog.DiscardHandler)}
	if server := os.Getenv("WEIR_CLICKHOUSE_TEST_URL"); server != "" {
		u, err := url.Parse(server)
		if err != nil {
			tb.Fatalf("WEIR_CLICKHOUSE_TEST_URL: %v", err)
		}
		u.Path = "/" + name
		cfg.URL = u.String()
	} else {
		cfg.URL = "clickhouse://engine/" + name
		cfg.Dial = startEngine(tb)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("database %s is kept", name)
			return
		}
		// The embedded engine keeps the tables of a dropped database in memory for its whole life, those of a detached
		// one it forgets.
		verb := "DROP"
		if cfg.Dial != nil {
			verb = "DETACH"
		}
		db := openTest(tb, cfg)
		if err := db.bare.Exec(context.WithoutCancel(tb.Context()), verb+" DATABASE IF EXISTS "+name); err != nil {
			tb.Errorf("%s database %s: %v", verb, name, err)
		}
	})
	return cfg
}

// openTest opens a DB that is closed when the test ends.
func openTest(tb testing.TB, cfg Config) *DB {
	tb.Helper()
	db, err := Open(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

func TestStore(t *testing.T) {
	tracetest.Test(t, func(t *testing.T) tracetest.Store {
		t.Helper()
		return openTest(t, testConfig(t))
	})
}

func TestScores(t *testing.T) {
	tracetest.TestScores(t, func(t *testing.T) trace.Scores { return openTest(t, testConfig(t)) })
}
