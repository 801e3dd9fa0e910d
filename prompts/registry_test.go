package prompts

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// hall is where replicas meet, in memory. The zero value is empty.
type hall struct {
	mu      sync.Mutex // guards all
	live    map[string]Replica
	heard   map[*func()]bool
	deaf    bool // nobody is woken
	renewed int
}

func (h *hall) RenewReplica(_ context.Context, r Replica, lease time.Duration) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.live == nil {
		h.live = map[string]Replica{}
	}
	r.Until = time.Now().Add(lease)
	h.live[r.ID] = r
	h.renewed++
	return nil
}

func (h *hall) RemoveReplica(_ context.Context, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.live, id)
	return nil
}

func (h *hall) LiveReplicas(context.Context) ([]Replica, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []Replica
	for _, r := range h.live {
		if r.Until.After(time.Now()) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b Replica) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (h *hall) Wake(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.deaf {
		return nil
	}
	for heard := range h.heard {
		(*heard)()
	}
	return nil
}

func (h *hall) Watch(ctx context.Context, heard func()) error {
	h.mu.Lock()
	if h.heard == nil {
		h.heard = map[*func()]bool{}
	}
	h.heard[&heard] = true
	h.mu.Unlock()
	heard()
	<-ctx.Done()
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.heard, &heard)
	return ctx.Err()
}

// door is a way to a store and a hall that can be shut.
type door struct {
	States
	*hall
	mu   sync.Mutex // guards shut
	shut bool
}

var errShut = errors.New("the control plane is away")

func (d *door) close(shut bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut = shut
}

func (d *door) check() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shut {
		return errShut
	}
	return nil
}

func (d *door) State(ctx context.Context) (*State, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	return d.States.State(ctx)
}

func (d *door) Revision(ctx context.Context) (int64, error) {
	if err := d.check(); err != nil {
		return 0, err
	}
	return d.States.Revision(ctx)
}

func (d *door) RenewReplica(ctx context.Context, r Replica, lease time.Duration) error {
	if err := d.check(); err != nil {
		return err
	}
	return d.hall.RenewReplica(ctx, r, lease)
}

// open makes a replica; run also lets it live, until the test ends.
func open(t *testing.T, name string, d *door, file string) *Registry {
	t.Helper()
	r, err := OpenRegistry(t.Context(), RegistryConfig{Store: d, Replicas: d, Name: name, LastGood: file, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func run(t *testing.T, r *Registry) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	synctest.Wait()
	return stop
}

func push(t *testing.T, s *Memory, text string) {
	t.Helper()
	if _, _, err := s.Push(t.Context(), Push{Name: "p", Content: Content{Text: text}, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
}

// says is the text that a replica answers calls with.
func says(t *testing.T, r *Registry) string {
	t.Helper()
	v, _, err := r.ready(t.Context()).Find(Ref{Name: "p"})
	if err != nil {
		t.Fatal(err)
	}
	return v.Text
}

func TestAChangeIsInForceEverywhereWhenItIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, meet := &Memory{}, &hall{}
		a, b := open(t, "a", &door{States: store, hall: meet}, ""), open(t, "b", &door{States: store, hall: meet}, "")
		run(t, a)
		stop := run(t, b)
		for _, text := range []string{"one", "two", "three"} {
			push(t, store, text)
			began := time.Now()
			if c := a.Changed(t.Context()); !c.Converged || c.Err != nil || len(c.Behind) > 0 || c.Revision != a.Revision() {
				t.Fatalf("%s: %+v", text, c)
			}
			if took := time.Since(began); took > 0 {
				t.Errorf("%s: it was waited for, %v, and not pushed", text, took)
			}
			if got := says(t, b); got != text {
				t.Errorf("b says %q, want %q", got, text)
			}
		}
		live, err := a.Replicas(t.Context())
		if err != nil || len(live) != 2 || live[0].Revision != 3 || live[1].Revision != 3 {
			t.Errorf("%+v, %v", live, err)
		}
		stop()
		if live, _ = a.Replicas(t.Context()); len(live) != 1 {
			t.Errorf("a replica that was stopped is still waited for: %+v", live)
		}
	})
}

func TestAMoveWaitsForTheLeaseOfADeadReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, meet := &Memory{}, &hall{}
		a := open(t, "a", &door{States: store, hall: meet}, "")
		run(t, a)
		open(t, "dead", &door{States: store, hall: meet}, "") // it does not run
		push(t, store, "one")
		began := time.Now()
		c := a.Changed(t.Context())
		if c.Converged || len(c.Behind) != 1 || c.Behind[0].Name != "dead" || time.Since(began) != patience {
			t.Errorf("%+v after %v", c, time.Since(began))
		}
		if says(t, a) != "one" {
			t.Error("the change is not in force where it was made")
		}
		if c = a.Changed(t.Context()); !c.Converged || time.Since(began) > lease+again {
			t.Errorf("%+v after %v", c, time.Since(began))
		}
	})
}

// What a replica has read for another reason it still says that it serves.
func TestAReplicaThatHasReadAlreadySaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, meet := &Memory{}, &hall{}
		a, b := open(t, "a", &door{States: store, hall: meet}, ""), open(t, "b", &door{States: store, hall: meet}, "")
		run(t, a)
		run(t, b)
		push(t, store, "one")
		if err := b.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if c := a.Changed(t.Context()); !c.Converged || time.Since(began) > 0 {
			t.Errorf("%+v after %v", c, time.Since(began))
		}
	})
}

func TestAReplicaThatHearsNothingLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, meet := &Memory{}, &hall{deaf: true}
		a, b := open(t, "a", &door{States: store, hall: meet}, ""), open(t, "b", &door{States: store, hall: meet}, "")
		run(t, a)
		run(t, b)
		push(t, store, "one")
		if c := a.Changed(t.Context()); !c.Converged || says(t, b) != "one" {
			t.Errorf("%+v", c)
		}
	})
}

func TestAReplicaWithoutItsControlPlane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, meet := &Memory{}, &hall{}
		away := &door{States: store, hall: meet}
		a, b := open(t, "a", &door{States: store, hall: meet}, ""), open(t, "b", away, "")
		run(t, a)
		run(t, b)
		push(t, store, "one")
		a.Changed(t.Context())
		away.close(true)
		push(t, store, "two")
		if c := a.Changed(t.Context()); c.Converged || len(c.Behind) != 1 || c.Behind[0].Name != "b" {
			t.Errorf("a move was said to be in force on a replica that cannot know of it: %+v", c)
		}
		time.Sleep(lease)
		if c := a.Changed(t.Context()); !c.Converged {
			t.Errorf("its lease has run out, and it is still waited for: %+v", c)
		}
		if says(t, b) != "one" {
			t.Error("the last known good prompts do not serve")
		}
		if err := b.Health(); err == nil || !strings.Contains(err.Error(), "revision 1") || !errors.Is(err, errShut) {
			t.Errorf("Health: %v", err)
		}
		if err := a.Health(); err != nil {
			t.Errorf("the other one: %v", err)
		}
		away.close(false)
		time.Sleep(renewal)
		synctest.Wait()
		if err := b.Health(); err != nil || says(t, b) != "two" {
			t.Errorf("it does not come back: %v", err)
		}
	})
}

// A process that stood still for longer than its lease asks before it answers.
func TestAReplicaThatStoodStillAsksFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, meet := &Memory{}, &hall{}
		push(t, store, "one")
		a, still := open(t, "a", &door{States: store, hall: meet}, ""), open(t, "still", &door{States: store, hall: meet}, "") // without Run: still
		run(t, a)
		push(t, store, "two")
		time.Sleep(lease + time.Nanosecond)
		if c := a.Changed(t.Context()); !c.Converged {
			t.Fatalf("%+v", c)
		}
		if got := says(t, still); got != "two" {
			t.Errorf("it says %q", got)
		}
	})
}

// A replica is waited for before it has read anything: a move between its reading and its registration would be missed.
func TestAReplicaIsWaitedForBeforeItReads(t *testing.T) {
	store, meet := &Memory{}, &hall{}
	first := &peek{States: store, before: func() {
		if live, _ := meet.LiveReplicas(t.Context()); len(live) != 1 || live[0].Revision != 0 {
			t.Errorf("at the reading: %+v", live)
		}
	}}
	open(t, "a", &door{States: first, hall: meet}, "")
	if !first.read {
		t.Error("it did not read")
	}
}

type peek struct {
	States
	before func()
	read   bool
}

func (r *peek) State(ctx context.Context) (*State, error) {
	r.before()
	r.read = true
	return r.States.State(ctx)
}

func TestTheLastGoodPromptsServeAStartWithoutTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, meet := &Memory{}, &hall{}
		push(t, store, "one {{a}} \u2028 <&>")
		if err := store.Protect(t.Context(), "p", Production, Protection{Approvals: 1, At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "prompts.json")
		d := &door{States: store, hall: meet}
		a := open(t, "a", d, file)
		a.keep()
		d.close(true)
		b := open(t, "b", d, file)
		if diff := cmp.Diff(a.Current().State(), b.Current().State()); diff != "" {
			t.Errorf("(-kept +read):\n%s", diff)
		}
		if err := b.Health(); err == nil {
			t.Error("it says that all is well")
		}
		d.close(false)
		push(t, store, "two")
		if c := b.Changed(t.Context()); c.Err != nil || says(t, b) != "two" || b.Health() != nil {
			t.Errorf("%+v, %v", c, b.Health())
		}
		if left, _ := filepath.Glob(file + ".*"); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}

		good, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d.close(true)
		for name, damaged := range map[string][]byte{
			"cut": good[:len(good)-10], "empty": {}, "changed": bytes.Replace(good, []byte("one"), []byte("two"), 1), "of another kind": []byte("{}"),
			"of another version": bytes.Replace(good, []byte("prompts 1"), []byte("prompts 2"), 1),
		} {
			if err := os.WriteFile(file, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := OpenRegistry(t.Context(), RegistryConfig{Store: d, Replicas: d, LastGood: file, Log: slog.New(slog.DiscardHandler)})
			if err == nil || !errors.Is(err, errShut) || !strings.Contains(err.Error(), "damaged") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestTheDiskIsWrittenWhenSomethingChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &Memory{}
		file := filepath.Join(t.TempDir(), "prompts.json")
		r, err := OpenRegistry(t.Context(), RegistryConfig{Store: store, LastGood: file, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		run(t, r)
		push(t, store, "one")
		if c := r.Changed(t.Context()); !c.Converged {
			t.Fatalf("%+v", c)
		}
		synctest.Wait()
		if state, err := readLastGood(file); err != nil || state.Revision != 1 {
			t.Errorf("%+v, %v", state, err)
		}
	})
}
