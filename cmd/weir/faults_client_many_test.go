package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// What weir may have had resident at most with its idle connections: 252 MiB with 5,000.
const (
	memoryWithoutIdlers = 96 << 20
	memoryOfAnIdler     = 32 << 10
)

// Thousands of clients that keep their connection after a call cost little, and all of them are served when they come back.
func TestThousandsOfIdleClients(t *testing.T) {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	if need := uint64(*idlers + 500); files.Max < need {
		t.Skipf("this user may open %d files, and the test needs %d (ulimit -Hn, or -idlers)", files.Max, need)
	}
	b := startClientBed(t, "")
	b.mustServe(t, "warm", false)
	before := b.holdings(t)
	began := time.Now()
	conns := make([]net.Conn, *idlers)
	readers := make([]*bufio.Reader, *idlers)
	visit := func(n int, name string) {
		var wg sync.WaitGroup
		for worker := range 16 {
			wg.Go(func() {
				for i := worker; i < n; i += 16 {
					if conns[i] == nil {
						c, err := net.Dial("tcp", b.address)
						if err != nil {
							t.Error(err)
							return
						}
						conns[i], readers[i] = c, bufio.NewReaderSize(c, 4<<10)
					}
					if err := b.callOn(conns[i], readers[i], fmt.Sprintf("%s %d", name, i), false); err != nil {
						t.Errorf("%s %d: %v", name, i, err)
						return
					}
				}
			})
		}
		wg.Wait()
		if t.Failed() {
			t.FailNow()
		}
	}
	visit(*idlers, "first call")
	took := time.Since(began)
	if now := b.holdings(t); now.files < *idlers {
		t.Errorf("weir holds %d files: the connections are not kept", now.files)
	}
	b.mustServe(t, "a new client", true)
	visit(min(*idlers, 200), "second call")
	peak := b.memory(t, "VmHWM")
	if limit := memoryWithoutIdlers + int64(*idlers)*memoryOfAnIdler; peak > limit {
		t.Errorf("weir had %d MiB with %d idle connections, want at most %d", peak>>20, *idlers, limit>>20)
	}
	for _, c := range conns {
		_ = c.Close()
	}
	b.mustLetGo(t, before)
	t.Logf("%d connections opened and used in %v; the peak was %d MiB, %d MiB resident afterwards", *idlers, took.Round(time.Millisecond), peak>>20, b.memory(t, "VmRSS")>>20)
}

// Clients that use the connection in ways that few do get an answer or a clean end.
func TestClientsWithOddManners(t *testing.T) {
	b := startClientBed(t, fmt.Sprintf("timeouts: {request: %s}", clientPatience))
	b.mustServe(t, "warm", true)
	before := b.holdings(t)

	// Meanwhile: the limit for a request must not end an answer that takes longer.
	patient := b.dial(t)
	defer patient.Close()
	head, body := b.request("patient", answerLate, false)
	if _, err := patient.Write(append(head, body...)); err != nil {
		t.Fatal(err)
	}

	t.Run("requests in a row, before the first is answered", func(t *testing.T) {
		c := b.dial(t)
		defer c.Close()
		var all []byte
		for i, stream := range []bool{false, true, false} {
			head, body := b.request(fmt.Sprintf("row %d", i), answerPaced, stream)
			all = append(append(all, head...), body...)
		}
		if _, err := c.Write(all); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(c)
		for i := range 3 {
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode != http.StatusOK || bytes.Count(text, []byte("river")) != providerWords || (i == 1) != bytes.Contains(text, []byte("[DONE]")) {
				t.Errorf("answer %d: %d %s %v", i, resp.StatusCode, text, err)
			}
		}
	})

	// A client that has ended its half looks like one that has gone: waiting to see which would let a provider work for
	// nobody, so it is taken for gone, as other servers do, and told.
	t.Run("half a connection", func(t *testing.T) {
		for _, stream := range []bool{false, true} {
			c := b.dial(t)
			user := fmt.Sprintf("half, stream %t", stream)
			head, body := b.request(user, holdAll, stream)
			if _, err := c.Write(append(head, body...)); err != nil {
				t.Fatal(err)
			}
			b.provider.await(t, user)
			if err := c.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(c)
			if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 499 ")) || !bytes.Contains(answer, []byte("weir_client_closed")) {
				t.Errorf("%s: got %q, %v", user, answer, err)
			}
			_ = c.Close()
			b.mustHaveEntries(t, []*departure{{user: user, prompt: holdAll, stream: stream, status: "client_closed"}})
		}
	})
	t.Run("half a connection within a stream", func(t *testing.T) {
		c := b.dial(t)
		defer c.Close()
		d := &departure{user: "half within", prompt: holdTheRest, stream: true, status: "client_closed"}
		head, body := b.request(d.user, d.prompt, true)
		until("river")(t, d, c, head, body)
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		rest, _ := io.ReadAll(c)
		if bytes.Contains(rest, []byte("\r\n0\r\n")) || bytes.Contains(rest, []byte("[DONE]")) {
			t.Errorf("the broken stream looks whole: %q", rest)
		}
		b.mustHaveEntries(t, []*departure{d})
	})

	t.Run("a header that is too large", func(t *testing.T) {
		c := b.dial(t)
		defer c.Close()
		request := slices.Concat(b.open(2), []byte("X-Large: "+strings.Repeat("x", 80<<10)+"\r\n\r\n{}"))
		_, _ = c.Write(request) // it may be refused before its end
		line, err := bufio.NewReader(c).ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "HTTP/1.1 431 ") {
			t.Errorf("got %q, %v", line, err)
		}
	})

	t.Run("HTTP/2 without TLS", func(t *testing.T) {
		c := b.dial(t)
		defer c.Close()
		if _, err := c.Write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(c)
		if !bytes.HasPrefix(answer, []byte("HTTP/1.1 4")) && !bytes.HasPrefix(answer, []byte("HTTP/1.1 505 ")) {
			t.Errorf("got %q, %v", answer, err)
		}
	})

	t.Run("connections that are never used", func(t *testing.T) {
		const many = 1000
		conns := make([]net.Conn, many)
		for i := range conns {
			conns[i] = b.dial(t)
		}
		began := time.Now()
		if took := b.mustServe(t, "beside the unused", true); took > 5*time.Second {
			t.Errorf("a healthy client waited %v beside them", took)
		}
		for i, c := range conns {
			if n, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Fatalf("connection %d after %v: %d bytes, %v", i, time.Since(began), n, err)
			}
			_ = c.Close()
		}
		if took := time.Since(began); took > clientPatience+4*time.Second {
			t.Errorf("they were ended after %v", took)
		}
	})
	t.Run("an answer that takes longer than a request may", func(t *testing.T) {
		resp, err := http.ReadResponse(bufio.NewReader(patient), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("got %d %s %v", resp.StatusCode, text, err)
		}
		_ = patient.Close()
	})
	b.mustLetGo(t, before)
}
