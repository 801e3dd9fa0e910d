package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// clientPatience is how long weir waits for a client in these tests, and memoryOfAStream what one stream may cost it while its
// client takes nothing: what was read of it so far for the record, buffers and stacks, and the garbage of their growth.
const (
	clientPatience  = 2 * time.Second
	memoryOfAStream = 2 << 20
	readAhead       = 2 << 20 // what a provider can give before it is held back: the kernel's buffers are most of it
)

// dialNarrow opens a connection whose kernel takes little that the program does not read.
func (b *clientBed) dialNarrow(t *testing.T) net.Conn {
	t.Helper()
	d := net.Dialer{Control: func(_, _ string, rc syscall.RawConn) error {
		var err error
		return errors.Join(rc.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10) }), err)
	}}
	c, err := d.DialContext(t.Context(), "tcp", b.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Clients that take their streams at a crawl, or not at all, cost a bounded piece of memory, hold their providers back, are
// given up after a while, and slow nobody down.
func TestClientsThatDoNotRead(t *testing.T) {
	b := startClientBed(t, fmt.Sprintf("timeouts: {stall: %s}", clientPatience))
	b.mustServe(t, "warm", true)
	before, rss := b.holdings(t), b.memory(t, "VmRSS")
	users := make([]string, *stuck)
	var conns []net.Conn
	var crawlers sync.WaitGroup
	began := time.Now()
	for i := range users {
		users[i] = fmt.Sprintf("stuck %d", i)
		c := b.dialNarrow(t)
		head, body := b.request(users[i], flood, true)
		if _, err := c.Write(append(head, body...)); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		if i%2 == 0 {
			crawlers.Go(func() { crawl(c) })
		}
	}
	for _, user := range users {
		b.provider.await(t, user)
	}
	var served []time.Duration
	for i := 0; i < 20 || time.Since(began) < clientPatience; i++ {
		served = append(served, b.mustServe(t, fmt.Sprintf("healthy %d", i), i%2 == 0))
	}
	for _, user := range users {
		call := b.provider.of(user)
		select {
		case <-call.done:
		case <-time.After(clientPatience + 10*time.Second):
			t.Fatalf("%s: holds its provider for longer than %v", user, clientPatience+10*time.Second)
		}
		if n := call.bytes.Load(); n > readAhead {
			t.Errorf("%s: the provider could give %d bytes, want it held back after %d", user, n, readAhead)
		}
	}
	var given int64
	for _, user := range users {
		given += b.provider.of(user).bytes.Load()
	}
	grown := b.memory(t, "VmHWM") - rss
	if limit := int64(*stuck) * memoryOfAStream; grown > limit {
		t.Errorf("%d streams that nobody read cost %d MiB, want at most %d", *stuck, grown>>20, limit>>20)
	}
	if longest := maxOf(served); longest > 5*time.Second {
		t.Errorf("a healthy client waited %v beside them", longest)
	}
	for _, c := range conns {
		_ = c.Close()
	}
	crawlers.Wait()
	books := b.entries(t)
	for _, user := range users {
		if got := books[user]; len(got) != 1 || got[0].Status != "client_closed" || got[0].CostUSD == nil || *got[0].CostUSD == 0 {
			t.Errorf("%s: got %+v, want one record of a client that went away, with its cost", user, got)
		}
	}
	b.mustLetGo(t, before)
	t.Logf("%d streams cost %d KiB each, %d KiB of each were given; %d healthy calls meanwhile, the slowest in %v", *stuck, grown>>10/int64(*stuck), given>>10/int64(*stuck), len(served), maxOf(served))
}

// crawl takes a little now and then, until the connection ends.
func crawl(c net.Conn) {
	buf := make([]byte, 128)
	for {
		if _, err := c.Read(buf); err != nil {
			return
		}
		time.Sleep(100 * time.Millisecond) // being slow is what it is for
	}
}

func maxOf(all []time.Duration) time.Duration {
	var most time.Duration
	for _, d := range all {
		most = max(most, d)
	}
	return most
}

// Clients that send their request a byte at a time are ended after a while, cost little meanwhile, and slow nobody down.
func TestClientsThatDribble(t *testing.T) {
	b := startClientBed(t, fmt.Sprintf("timeouts: {request: %s}", clientPatience))
	b.mustServe(t, "warm", true)
	before, heap := b.holdings(t), b.gauge(t, "go_memstats_heap_inuse_bytes")
	const each = 50
	announced := 19 << 20 // below max_body: a promise that must cost nothing
	strange := bytes.ReplaceAll(b.head(1000), []byte(b.key), []byte("sk-weir-nobody"))
	kinds := []struct {
		name   string
		first  []byte // sent at once
		then   []byte // dribbled
		answer string // how it begins; "": the connection ends, with or without one
	}{
		{"header", nil, b.head(2), ""},
		{"header that never ends", append(b.open(2), "X-More: "...), bytes.Repeat([]byte("x"), 1<<10), ""},
		{"nothing at all", nil, nil, ""},
		{"body", b.head(announced), bytes.Repeat([]byte(" "), 1<<10), "HTTP/1.1 408 "},
		{"body that never comes", b.head(announced), nil, "HTTP/1.1 408 "},
		{"body of a stranger", strange, bytes.Repeat([]byte(" "), 1<<10), "HTTP/1.1 401 "},
	}
	var wg sync.WaitGroup
	for _, kind := range kinds {
		for range each {
			c := b.dial(t)
			wg.Go(func() {
				defer c.Close()
				began := time.Now()
				got := dribble(c, kind.first, kind.then)
				if took := time.Since(began); took > clientPatience+4*time.Second {
					t.Errorf("%s: ended after %v", kind.name, took)
				}
				if !strings.HasPrefix(got, kind.answer) {
					t.Errorf("%s: got %q, want %q", kind.name, got, kind.answer)
				}
			})
		}
	}
	var most float64
	for i, began := 0, time.Now(); time.Since(began) < clientPatience*3/4; i++ {
		most = max(most, b.gauge(t, "go_memstats_heap_inuse_bytes"))
		if took := b.mustServe(t, fmt.Sprintf("healthy %d", i), false); took > 5*time.Second {
			t.Errorf("a healthy client waited %v beside them", took)
		}
	}
	wg.Wait()
	const perConnection = 512 << 10
	if grown, limit := most-heap, float64(each*len(kinds)*perConnection); grown > limit {
		t.Errorf("%d clients that dribble cost %.0f MiB, want at most %.0f", each*len(kinds), grown/(1<<20), limit/(1<<20))
	}
	b.mustLetGo(t, before)
	t.Logf("%d connections cost %.0f KiB each", each*len(kinds), (most-heap)/1024/float64(each*len(kinds)))
}

// dribble sends what comes first, then a byte at a time, and gives what was answered before the connection ended.
func dribble(c net.Conn, first, then []byte) string {
	if _, err := c.Write(first); err != nil {
		return err.Error()
	}
	ended := make(chan struct{})
	var sending sync.WaitGroup
	sending.Go(func() {
		every := time.NewTicker(50 * time.Millisecond)
		defer every.Stop()
		for _, x := range then {
			select {
			case <-ended:
				return
			case <-every.C:
			}
			if _, err := c.Write([]byte{x}); err != nil {
				return
			}
		}
	})
	answer, _ := io.ReadAll(c) // a reset after the answer is an end too
	close(ended)
	sending.Wait()
	return string(answer)
}
