package sqldb

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/weir-dev/weir/prompts"
)

func TestReplicasMeetInPostgreSQL(t *testing.T) {
	secret := freshDatabase(t, startPostgres(t), "weir_replicas")
	one, _ := mustOpen(t, Config{URL: secret}).Replicas()
	two, several := mustOpen(t, Config{URL: secret}).Replicas()
	if !several {
		t.Fatal("PostgreSQL is said to be one weir's")
	}
	ctx := t.Context()
	started := time.Date(2026, 11, 25, 1, 2, 3, 4000, time.UTC)
	renew := func(r Replicas, id string, revision int64, lease time.Duration) {
		t.Helper()
		if err := r.RenewReplica(ctx, prompts.Replica{ID: id, Name: "host " + id, StartedAt: started, Revision: revision}, lease); err != nil {
			t.Fatal(err)
		}
	}
	live := func() []prompts.Replica {
		t.Helper()
		list, err := two.LiveReplicas(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			if left := time.Until(r.Until); left < 30*time.Second || left > time.Hour {
				t.Errorf("replica %s is alive for %v", r.ID, left)
			}
		}
		return list
	}
	renew(one, "b", 0, time.Minute)
	renew(two, "a", 7, time.Minute)
	renew(one, "b", 3, time.Minute)
	renew(one, "dead", 9, -time.Second)
	want := []prompts.Replica{
		{ID: "a", Name: "host a", StartedAt: started, Revision: 7},
		{ID: "b", Name: "host b", StartedAt: started, Revision: 3},
	}
	if diff := cmp.Diff(want, live(), cmpopts.IgnoreFields(prompts.Replica{}, "Until")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := one.RemoveReplica(ctx, "b"); err != nil {
		t.Fatal(err)
	}
	if got := live(); len(got) != 1 || got[0].ID != "a" {
		t.Errorf("left: %+v", got)
	}
}

func TestAWakeIsHeardByAll(t *testing.T) {
	secret := freshDatabase(t, startPostgres(t), "weir_wake")
	dbs := []*DB{mustOpen(t, Config{URL: secret}), mustOpen(t, Config{URL: secret})}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, len(dbs))
	heard := make([]chan struct{}, len(dbs))
	for i, db := range dbs {
		heard[i] = make(chan struct{}, 100)
		r, _ := db.Replicas()
		go func() { ended <- r.Watch(ctx, func() { heard[i] <- struct{}{} }) }()
	}
	hear := func(when string) {
		t.Helper()
		for i := range heard {
			select {
			case <-heard[i]:
			case <-time.After(10 * time.Second):
				t.Fatalf("%s: %d hears nothing", when, i)
			}
		}
	}
	hear("at first")
	for range 3 {
		r, _ := dbs[0].Replicas()
		if err := r.Wake(t.Context()); err != nil {
			t.Fatal(err)
		}
		hear("after a wake")
	}
	// A connection that the server ends is noticed.
	_, err := dbs[1].bun.ExecContext(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%' AND pid <> pg_backend_pid()")
	if err != nil {
		t.Fatal(err)
	}
	for range dbs {
		select {
		case err := <-ended:
			if err == nil || ctx.Err() != nil {
				t.Errorf("a broken connection: %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("a broken connection is not noticed")
		}
	}
	stop()
	if err := dbs[0].Ping(t.Context()); err != nil {
		t.Errorf("the pool is hurt: %v", err)
	}
	for _, db := range dbs {
		if n := db.bun.DB.Stats().InUse; n != 0 {
			t.Errorf("%d connections are not given back", n)
		}
	}
}

func TestSQLiteBelongsToOneWeir(t *testing.T) {
	r, several := mustOpen(t, Config{File: t.TempDir() + "/control.db"}).Replicas()
	if several || r.Wake(t.Context()) == nil || r.Watch(t.Context(), func() {}) == nil {
		t.Error("SQLite has replicas")
	}
}

// A change that one registry answered for is in force in the other one, over a real database, and the one whose database
// goes away keeps what it has.
func TestRegistriesConvergeOverPostgreSQL(t *testing.T) {
	base := startPostgres(t)
	secret := freshDatabase(t, base, "weir_converge")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{}, 2)
	var registries []*prompts.Registry
	var dbs []*DB
	for _, name := range []string{"a", "b"} {
		db := mustOpen(t, Config{URL: secret})
		replicas, _ := db.Replicas()
		r, err := prompts.OpenRegistry(ctx, prompts.RegistryConfig{Store: db, Replicas: replicas, Name: name, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		go func() { r.Run(ctx); done <- struct{}{} }()
		registries, dbs = append(registries, r), append(dbs, db)
	}
	defer func() {
		stop()
		<-done
		<-done
	}()
	slowest := time.Duration(0)
	for i := range 20 {
		text := string(rune('a' + i))
		if _, _, err := dbs[i%2].Push(ctx, prompts.Push{Name: "p", Content: prompts.Content{Text: text}, Author: "ann", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		c := registries[i%2].Changed(ctx)
		slowest = max(slowest, time.Since(began))
		if !c.Converged {
			t.Fatalf("change %d: %+v", i, c)
		}
		for _, r := range registries {
			v, _, err := r.Current().Find(prompts.Ref{Name: "p"})
			if err != nil || v.Text != text {
				t.Fatalf("change %d: %v, %v", i, v, err)
			}
		}
	}
	t.Logf("the slowest of 20 changes took %v to be in force on both", slowest)
}
