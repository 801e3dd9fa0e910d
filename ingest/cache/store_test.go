package cache

import (
	"crypto/sha256"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-dev/weir/llm"
)

func key(s string) Key { return sha256.Sum256([]byte(s)) }

// kept is an entry that lives an hour from now.
func kept(project, model string, body string) *Entry {
	now := time.Now()
	return &Entry{Project: project, Requested: model, Stored: now, Expires: now.Add(time.Hour), Body: []byte(body)}
}

// testStore is the contract of a Store; open makes one of at least 1 MiB that is closed with the test.
func testStore(t *testing.T, open func(*testing.T) Store) {
	has := func(t *testing.T, s Store, k Key) bool {
		t.Helper()
		e, err := s.Get(t.Context(), k)
		if err != nil {
			t.Fatalf("Get: %v", err)
		}
		return e != nil
	}
	put := func(t *testing.T, s Store, k Key, e *Entry) {
		t.Helper()
		if err := s.Put(t.Context(), k, e); err != nil {
			t.Fatalf("Put: %v", err)
		}
	}
	t.Run("what is put is got", func(t *testing.T) {
		s := open(t)
		if has(t, s, key("a")) {
			t.Error("an empty store has an entry")
		}
		put(t, s, key("a"), kept("p", "m", "one"))
		put(t, s, key("b"), kept("p", "m", "two"))
		put(t, s, key("a"), kept("p", "m", "three"))
		for k, want := range map[string]string{"a": "three", "b": "two"} {
			if e, err := s.Get(t.Context(), key(k)); err != nil || e == nil || string(e.Body) != want {
				t.Errorf("%s: %+v, %v; want %s", k, e, err, want)
			}
		}
		u, err := s.Usage(t.Context())
		if err != nil || u.Entries != 2 || u.Bytes < 8 || u.MaxBytes < 1<<20 {
			t.Errorf("Usage: %+v, %v", u, err)
		}
	})
	t.Run("an entry expires", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := open(t)
			put(t, s, key("a"), kept("p", "m", "x"))
			late := kept("p", "m", "x")
			late.Expires = time.Now()
			put(t, s, key("late"), late)
			if !has(t, s, key("a")) || has(t, s, key("late")) {
				t.Error("an entry is there when it should not be, or the other way round")
			}
			time.Sleep(time.Hour)
			if has(t, s, key("a")) {
				t.Error("an entry outlives its time")
			}
			time.Sleep(time.Minute) // the store lets go of it by itself
			if u, err := s.Usage(t.Context()); err != nil || u.Entries != 0 || u.Expired != 1 {
				t.Errorf("Usage: %+v, %v", u, err)
			}
		})
	})
	t.Run("a purge takes what fits", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			for _, tt := range []struct {
				filter Filter
				gone   string
			}{
				{Filter{}, "1234"},
				{Filter{Project: "p"}, "12"},
				{Filter{Project: "nobody"}, ""},
				{Filter{Model: "fast"}, "13"},
				{Filter{Model: "up"}, "2"},
				{Filter{Model: "up-2024"}, "2"},
				{Filter{Project: "p", Model: "fast"}, "1"},
				{Filter{Tags: map[string]string{"team": "a"}}, "1"},
				{Filter{Tags: map[string]string{"team": "a", "env": "x"}}, ""},
				{Filter{OlderThan: time.Minute}, "123"},
				{Filter{OlderThan: time.Minute, Project: "q"}, "3"},
				{Filter{OlderThan: time.Hour}, ""},
			} {
				s := open(t)
				one := kept("p", "fast", "1")
				one.Tags = map[string]string{"team": "a", "env": "prod"}
				two := kept("p", "slow", "2")
				two.Model, two.Outcome = "up", llm.Outcome{Model: "up-2024"}
				put(t, s, key("1"), one)
				put(t, s, key("2"), two)
				put(t, s, key("3"), kept("q", "fast", "3"))
				time.Sleep(time.Minute)
				put(t, s, key("4"), kept("q", "slow", "4"))
				n, err := s.Purge(t.Context(), tt.filter)
				gone := ""
				for _, k := range []string{"1", "2", "3", "4"} {
					if !has(t, s, key(k)) {
						gone += k
					}
				}
				if err != nil || gone != tt.gone || n != len(tt.gone) {
					t.Errorf("%+v: %d purged (%v), %q are gone, want %q", tt.filter, n, err, gone, tt.gone)
				}
			}
		})
	})
	t.Run("many at once", func(t *testing.T) {
		s := open(t)
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for i := range 200 {
					k := key(fmt.Sprint(i % 20))
					switch (g + i) % 4 {
					case 0:
						_, _ = s.Purge(t.Context(), Filter{Project: "p"})
					case 1:
						_ = s.Put(t.Context(), k, kept("p", "m", fmt.Sprint(i%20)))
					default:
						if e, err := s.Get(t.Context(), k); err != nil || e != nil && string(e.Body) != fmt.Sprint(i%20) {
							t.Errorf("Get: %+v, %v", e, err)
						}
					}
				}
			})
		}
		wg.Wait()
	})
}

func openMemory(t *testing.T) Store {
	m := NewMemory(4 << 20)
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func TestMemory(t *testing.T) { testStore(t, openMemory) }

func TestMemoryIsBounded(t *testing.T) {
	const most = 1 << 20
	m := NewMemory(most)
	defer m.Close()
	body := string(make([]byte, 50<<10))
	for i := range 200 {
		if err := m.Put(t.Context(), key(fmt.Sprint(i)), kept("p", "m", body)); err != nil {
			t.Fatal(err)
		}
		if u, _ := m.Usage(t.Context()); u.Bytes > most {
			t.Fatalf("%d bytes after %d entries, the bound is %d", u.Bytes, i+1, most)
		}
	}
	u, _ := m.Usage(t.Context())
	if u.Entries < 15 || u.Entries > 20 || u.Evictions != 200-u.Entries {
		t.Errorf("%+v", u)
	}
	if err := m.Put(t.Context(), key("big"), kept("p", "m", string(make([]byte, most)))); err != nil {
		t.Fatal(err)
	}
	if e, _ := m.Get(t.Context(), key("big")); e != nil {
		t.Error("an entry larger than the store was kept")
	}
	if now, _ := m.Usage(t.Context()); now.Entries != u.Entries {
		t.Errorf("an entry too large pushed others out: %+v", now)
	}
}
