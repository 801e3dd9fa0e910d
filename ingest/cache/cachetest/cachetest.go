// Package cachetest is the contract of a store of answers, as a test.
package cachetest

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-dev/weir/ingest/cache"
	"github.com/weir-dev/weir/llm"
)

// Bench is where a store is tried: an empty one of at least 1 MiB, and the time it goes by.
type Bench struct {
	cache.Store
	Now  func() time.Time
	Pass func(time.Duration)
}

// Test tells whether what run gives to a test, each time empty, is a Store.
func Test(t *testing.T, run func(t *testing.T, test func(*testing.T, Bench))) {
	for name, test := range map[string]func(*testing.T, Bench){
		"what is put is got":          put,
		"an entry comes back whole":   whole,
		"an entry expires":            expires,
		"many at once":                manyAtOnce,
		"what is too large stays out": large,
	} {
		t.Run(name, func(t *testing.T) { run(t, test) })
	}
	for i := range purges {
		t.Run(fmt.Sprint("a purge takes what fits ", i), func(t *testing.T) {
			run(t, func(t *testing.T, b Bench) { purge(t, b, i) })
		})
	}
}

func key(s string) cache.Key { return sha256.Sum256([]byte(s)) }

// kept is an entry that lives an hour from now.
func (b Bench) kept(project, model, body string) *cache.Entry {
	now := b.Now()
	return &cache.Entry{Project: project, Requested: model, Stored: now, Expires: now.Add(time.Hour), Body: []byte(body)}
}

func (b Bench) has(t *testing.T, k string) bool {
	t.Helper()
	e, err := b.Get(t.Context(), key(k))
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	return e != nil
}

func (b Bench) put(t *testing.T, k string, e *cache.Entry) {
	t.Helper()
	if err := b.Put(t.Context(), key(k), e); err != nil {
		t.Fatalf("Put: %v", err)
	}
}

func put(t *testing.T, b Bench) {
	if b.has(t, "a") {
		t.Error("an empty store has an entry")
	}
	b.put(t, "a", b.kept("p", "m", "one"))
	b.put(t, "b", b.kept("p", "m", "two"))
	b.put(t, "a", b.kept("p", "m", "three"))
	for k, want := range map[string]string{"a": "three", "b": "two"} {
		if e, err := b.Get(t.Context(), key(k)); err != nil || e == nil || string(e.Body) != want {
			t.Errorf("%s: %+v, %v; want %s", k, e, err, want)
		}
	}
	u, err := b.Usage(t.Context())
	if err != nil || u.Entries != 2 || u.Bytes < 8 || u.MaxBytes < 1<<20 {
		t.Errorf("Usage: %+v, %v", u, err)
	}
}

// Every field that an entry has, and bytes that are no text.
func whole(t *testing.T, b Bench) {
	now := b.Now().Round(0)
	want := &cache.Entry{
		Project: "p", Call: "0193a5c8", Requested: "fast", Tags: map[string]string{"team": "a", "": "\x00"}, Stored: now, Expires: now.Add(time.Minute),
		Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: []byte("data: \xff\x00\r\n\r\n"), Stream: true,
		Provider: "openai", PriceAs: "openai", Model: "gpt-4o", Dialect: llm.OpenAI, Quirks: llm.Quirks{ReasoningApart: true}, Dropped: []string{"x"},
		UsageOnAsking: true, Uncounted: true,
		Outcome: llm.Outcome{
			Model: "gpt-4o-2024-08-06", ResponseID: "r", FinishReasons: []string{"stop", ""}, ServiceTier: "flex",
			Usage:    llm.Usage{InputUncached: 1, CacheRead: 2, CacheWrite5m: 3, CacheWrite1h: 4, InputAudio: 5, OutputText: 6, Reasoning: 7, OutputAudio: 8},
			UsageRaw: []byte(`{"a":1}`), ProviderCost: "0.1", Units: llm.Units{WebSearch: 1, Image: 2, AudioSeconds: 3}, Clamped: true, Delivered: true,
		},
	}
	b.put(t, "a", want)
	got, err := b.Get(t.Context(), key("a"))
	if err != nil || got == nil {
		t.Fatalf("%v, %v", got, err)
	}
	if !got.Stored.Equal(want.Stored) || !got.Expires.Equal(want.Expires) {
		t.Errorf("stored %v and expires %v, want %v and %v", got.Stored, got.Expires, want.Stored, want.Expires)
	}
	same := *got
	same.Stored, same.Expires = want.Stored, want.Expires
	if !reflect.DeepEqual(&same, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func expires(t *testing.T, b Bench) {
	b.put(t, "a", b.kept("p", "m", "x"))
	late := b.kept("p", "m", "x")
	late.Expires = b.Now()
	b.put(t, "late", late)
	if !b.has(t, "a") || b.has(t, "late") {
		t.Error("an entry is there when it should not be, or the other way round")
	}
	b.Pass(time.Hour)
	if b.has(t, "a") {
		t.Error("an entry outlives its time")
	}
	b.Pass(time.Minute) // the store lets go of it by itself
	if u, err := b.Usage(t.Context()); err != nil || u.Entries != 0 || u.Expired != 1 {
		t.Errorf("Usage: %+v, %v", u, err)
	}
}

// purges are filters, and which of four entries each takes.
var purges = []struct {
	filter cache.Filter
	gone   string
}{
	{cache.Filter{}, "1234"},
	{cache.Filter{Project: "p"}, "12"},
	{cache.Filter{Project: "nobody"}, ""},
	{cache.Filter{Model: "fast"}, "13"},
	{cache.Filter{Model: "up"}, "2"},
	{cache.Filter{Model: "up-2024"}, "2"},
	{cache.Filter{Project: "p", Model: "fast"}, "1"},
	{cache.Filter{Tags: map[string]string{"team": "a"}}, "1"},
	{cache.Filter{Tags: map[string]string{"team": "a", "env": "x"}}, ""},
	{cache.Filter{OlderThan: time.Minute}, "123"},
	{cache.Filter{OlderThan: time.Minute, Project: "q"}, "3"},
	{cache.Filter{OlderThan: time.Hour}, ""},
}

func purge(t *testing.T, b Bench, i int) {
	tt := purges[i]
	one := b.kept("p", "fast", "1")
	one.Tags = map[string]string{"team": "a", "env": "prod"}
	two := b.kept("p", "slow", "2")
	two.Model, two.Outcome = "up", llm.Outcome{Model: "up-2024"}
	b.put(t, "1", one)
	b.put(t, "2", two)
	b.put(t, "3", b.kept("q", "fast", "3"))
	b.Pass(time.Minute)
	b.put(t, "4", b.kept("q", "slow", "4"))
	n, err := b.Purge(t.Context(), tt.filter)
	var out []string
	for _, k := range []string{"1", "2", "3", "4"} {
		if !b.has(t, k) {
			out = append(out, k)
		}
	}
	gone := strings.Join(out, "")
	if err != nil || gone != tt.gone || n != len(tt.gone) {
		t.Errorf("%+v: %d purged (%v), %q are gone, want %q", tt.filter, n, err, gone, tt.gone)
	}
}

func large(t *testing.T, b Bench) {
	u, err := b.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	body := string(make([]byte, 100<<10))
	for i := range 2 * u.MaxBytes / (100 << 10) {
		b.put(t, fmt.Sprint(i), b.kept("p", "m", body))
		if now, err := b.Usage(t.Context()); err != nil || now.Bytes > u.MaxBytes {
			t.Fatalf("%d entries take %d of %d bytes, %v", i+1, now.Bytes, u.MaxBytes, err)
		}
	}
	before, err := b.Usage(t.Context())
	if err != nil || before.Evictions == 0 || before.Entries < 2 {
		t.Errorf("%+v, %v", before, err)
	}
	b.put(t, "big", b.kept("p", "m", string(make([]byte, u.MaxBytes))))
	if now, _ := b.Usage(t.Context()); b.has(t, "big") || now.Entries != before.Entries {
		t.Errorf("an entry too large was kept, or pushed others out: %+v", now)
	}
}

func manyAtOnce(t *testing.T, b Bench) {
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				k := key(fmt.Sprint(i % 20))
				switch (g + i) % 4 {
				case 0:
					_, _ = b.Purge(t.Context(), cache.Filter{Project: "p"})
				case 1:
					_ = b.Put(t.Context(), k, b.kept("p", "m", fmt.Sprint(i%20)))
				default:
					if e, err := b.Get(t.Context(), k); err != nil || e != nil && string(e.Body) != fmt.Sprint(i%20) {
						t.Errorf("Get: %+v, %v", e, err)
					}
				}
			}
		})
	}
	wg.Wait()
}
