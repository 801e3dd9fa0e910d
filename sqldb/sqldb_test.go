package sqldb

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/account/accounttest"
	"github.com/weir-dev/weir/internal/testutil/postgrestest"
	"github.com/weir-dev/weir/price"
)

// stores runs a test over SQLite, and over PostgreSQL when its server's programs are on the machine.
func stores(t *testing.T, test func(t *testing.T, open func(*testing.T) *DB)) {
	t.Run("sqlite", func(t *testing.T) {
		test(t, func(t *testing.T) *DB {
			return mustOpen(t, Config{File: filepath.Join(t.TempDir(), "a #1?%.db")})
		})
	})
	t.Run("postgres", func(t *testing.T) {
		base := startPostgres(t)
		n := 0
		test(t, func(t *testing.T) *DB {
			n++
			return mustOpen(t, Config{URL: freshDatabase(t, base, fmt.Sprintf("weir_test_%d", n))})
		})
	})
}

func mustOpen(t *testing.T, cfg Config) *DB {
	t.Helper()
	db, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestKeys(t *testing.T) {
	stores(t, func(t *testing.T, open func(*testing.T) *DB) {
		accounttest.Keys(t, func(t *testing.T) account.Keys { return open(t) })
	})
}

func TestPrices(t *testing.T) {
	stores(t, func(t *testing.T, open func(*testing.T) *DB) {
		db, ctx := open(t), t.Context()
		rate := func(s string) price.Rate {
			r, err := price.ParseRate(s)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		always := price.Entry{Provider: "local", Model: "qwen3", Kind: price.PerToken}
		always.Input, always.Output = rate("0.1"), rate("0.2")
		later := always
		later.EffectiveFrom, later.Project = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), "p"
		for _, e := range []price.Entry{later, always} {
			if err := db.PutPrice(ctx, e); err != nil {
				t.Fatal(err)
			}
		}
		always.Input = rate("0.3")
		if err := db.PutPrices(ctx, []price.Entry{later, always}); err != nil { // in place of those that are there
			t.Fatal(err)
		}
		list := func() []price.Entry {
			got, err := db.Prices(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		same := cmp.Comparer(func(a, b price.Entry) bool {
			x, xerr := a.MarshalJSON()
			y, yerr := b.MarshalJSON()
			return xerr == nil && yerr == nil && bytes.Equal(x, y)
		})
		if diff := cmp.Diff([]price.Entry{always, later}, list(), same); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if there, err := db.DeletePrice(ctx, always); err != nil || !there {
			t.Fatalf("DeletePrice = %v, %v", there, err)
		}
		if there, err := db.DeletePrice(ctx, always); err != nil || there {
			t.Fatalf("second DeletePrice = %v, %v", there, err)
		}
		if got := list(); len(got) != 1 {
			t.Errorf("%d prices left, want 1", len(got))
		}
	})
}

func TestTwoStartersMigrateOnce(t *testing.T) {
	url := freshDatabase(t, startPostgres(t), "weir_starters")
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() {
			db, err := Open(t.Context(), Config{URL: url})
			if err == nil {
				err = db.Close()
			}
			errs[i] = err
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("starter %d: %v", i, err)
		}
	}
}

func TestABadURLIsNotShown(t *testing.T) {
	for _, u := range []string{"postgres://u:canary@127.0.0.1:1/db", "postgres://u:canary@[/db"} {
		_, err := Open(t.Context(), Config{URL: account.NewSecret(u)})
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("Open: %v", err)
		}
	}
}

// startPostgres runs a server of the test's own, unless the environment names one.
func startPostgres(t *testing.T) *url.URL {
	t.Helper()
	if env := os.Getenv("WEIR_TEST_POSTGRES_URL"); env != "" {
		u, err := url.Parse(env)
		if err != nil {
			t.Fatal("WEIR_TEST_POSTGRES_URL is not a URL")
		}
		return u
	}
	u, err := url.Parse(postgrestest.Start(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// freshDatabase makes an empty database on the server.
func freshDatabase(t *testing.T, base *url.URL, name string) account.Secret {
	t.Helper()
	admin, err := Open(t.Context(), Config{URL: account.NewSecret(base.String())})
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	name = fmt.Sprintf("%s_%d", name, time.Now().UnixNano())
	if _, err := admin.bun.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	fresh := *base
	fresh.Path = "/" + name
	return account.NewSecret(fresh.String())
}
