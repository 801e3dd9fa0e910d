package load

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var findNonce = regexp.MustCompile("nonce=[0-9a-f]{16}")

// upstream answers with the nonce of the request as change makes it. It is Go's own server: a second opinion on the
// wire format.
func upstream(t *testing.T, change func(w http.ResponseWriter, nonce string)) *Request {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if got := r.Header.Get("Authorization"); got != "Bearer k" {
			http.Error(w, "no key", http.StatusUnauthorized)
			return
		}
		change(w, findNonce.FindString(string(b)))
	}))
	t.Cleanup(srv.Close)
	req, err := NewRequest(srv.URL, "/v1/chat", map[string]string{"Authorization": "Bearer k"}, []byte(`{"text":"`+Hole+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// learn takes the first answer for the model of all.
func learn(t *testing.T, req *Request) {
	t.Helper()
	c := NewConn(req)
	defer c.Close()
	x, err := c.Do(t.Context(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	a, err := NewAnswer(x.Body, x.Nonce)
	if err != nil {
		t.Fatal(err)
	}
	req.Expect(a)
}

func TestAnswersAreChecked(t *testing.T) {
	const usage = `,"usage":{"prompt_tokens":12,"completion_tokens":34}`
	good := func(nonce string) string { return `{"echo":"` + nonce + `"` + usage + `}` }
	for _, c := range []struct {
		name  string
		later func(w http.ResponseWriter, nonce string) // from the second answer on
		want  error
	}{
		{"good", func(w http.ResponseWriter, n string) { fmt.Fprint(w, good(n)) }, nil},
		{"good, in pieces", func(w http.ResponseWriter, n string) {
			for _, piece := range strings.SplitAfter(good(n), ":") {
				fmt.Fprint(w, piece)
				_ = http.NewResponseController(w).Flush()
			}
		}, nil},
		{"good, and the connection closed", func(w http.ResponseWriter, n string) {
			w.Header().Set("Connection", "close")
			fmt.Fprint(w, good(n))
		}, nil},
		{"of another request", func(w http.ResponseWriter, _ string) { fmt.Fprint(w, good("nonce=0123456789abcdef")) }, ErrMixedUp},
		{"cut", func(w http.ResponseWriter, n string) { fmt.Fprint(w, good(n)[:20]) }, ErrDiffers},
		{"one byte changed", func(w http.ResponseWriter, n string) { fmt.Fprint(w, strings.Replace(good(n), "34", "35", 1)) }, ErrDiffers},
		{"longer", func(w http.ResponseWriter, n string) { fmt.Fprint(w, good(n)+"\n") }, ErrDiffers},
		{"an error", func(w http.ResponseWriter, n string) { http.Error(w, n, http.StatusBadGateway) }, ErrStatus},
	} {
		t.Run(c.name, func(t *testing.T) {
			var calls atomic.Int64
			req := upstream(t, func(w http.ResponseWriter, n string) {
				if calls.Add(1) == 1 {
					fmt.Fprint(w, good(n))
					return
				}
				c.later(w, n)
			})
			learn(t, req)
			conn := NewConn(req)
			defer conn.Close()
			for range 3 {
				x, err := conn.Do(t.Context(), 5*time.Second)
				if !errors.Is(err, c.want) {
					t.Fatalf("got error %v, want %v", err, c.want)
				}
				if x.First.IsZero() || x.Done.Before(x.First) {
					t.Errorf("first byte at %v, last at %v", x.First, x.Done)
				}
			}
			if in, out := req.want.Load().Usage(); in != 12 || out != 34 {
				t.Errorf("got usage %d, %d, want 12, 34", in, out)
			}
		})
	}
}

func TestOnlyThisMachineIsLoaded(t *testing.T) {
	for base, ok := range map[string]bool{
		"http://127.0.0.1:80": true, "http://[::1]:80/v1": true, "http://10.0.0.1:80": false, "http://example.com:80": false,
		"https://127.0.0.1:80": false, "http://127.0.0.1": false, "::": false,
	} {
		if _, err := NewRequest(base, "/", nil, []byte(Hole)); (err == nil) != ok {
			t.Errorf("%s: got error %v", base, err)
		}
	}
	if _, err := NewRequest("http://127.0.0.1:80", "/", nil, []byte("no hole")); err == nil {
		t.Error("a body without a hole was taken")
	}
	if _, err := NewRequest("http://127.0.0.1:80", "/", map[string]string{"A": "b\r\nC: d"}, []byte(Hole)); err == nil {
		t.Error("a header with a line break was taken")
	}
}

func TestClosedLoop(t *testing.T) {
	var calls atomic.Int64
	req := upstream(t, func(w http.ResponseWriter, n string) {
		if calls.Add(1)%10 == 0 {
			http.Error(w, "every tenth fails", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, n)
	})
	learn(t, req)
	calls.Store(0)
	conns := []*Conn{NewConn(req), NewConn(req), NewConn(req)}
	got := Closed(t.Context(), conns, NewWindow(20*time.Millisecond, 100*time.Millisecond), 5*time.Second)
	for _, c := range conns {
		c.Close()
	}
	total := calls.Load()
	if got.Good+got.Bad != total || got.Bad != total/10 {
		t.Errorf("got %d good and %d bad answers of %d requests", got.Good, got.Bad, total)
	}
	if got.Sent == 0 || got.Sent > total || got.Latency.Count() != got.Sent-got.Failed || got.Done > got.Good {
		t.Errorf("of %d requests %d fell into the window, %d of them failed, %d have a latency, %d ended inside it",
			total, got.Sent, got.Failed, got.Latency.Count(), got.Done)
	}
	if !strings.Contains(got.Why, "every tenth fails") {
		t.Errorf("the failure is given as %q", got.Why)
	}
}

func TestScheduleDoesNotDrift(t *testing.T) {
	w := NewWindow(time.Second, 2*time.Second)
	s := newSchedule(w, 700) // 1/700 s is no whole number of nanoseconds
	if s.count != 2100 {
		t.Errorf("got %d requests, want 2100", s.count)
	}
	if got := s.at(0); !got.Equal(w.Begin) {
		t.Errorf("the first is due %v after the beginning", got.Sub(w.Begin))
	}
	for i := 700; i < s.count; i += 700 {
		if got, want := s.at(i).Sub(w.Begin), time.Duration(i/700)*time.Second; got != want {
			t.Errorf("request %d is due after %v, want %v", i, got, want)
		}
	}
	if last := s.at(s.count - 1); !last.Before(w.To) || !s.at(s.count-1).After(w.To.Add(-2*time.Millisecond)) {
		t.Errorf("the last is due %v before the end", w.To.Sub(last))
	}
}

// TestOpenLoopOwnsUpToStalls stalls a server once: a generator that omits would see one slow answer, an honest one sees
// every request that was due meanwhile as slow.
func TestOpenLoopOwnsUpToStalls(t *testing.T) {
	const stall = 100 * time.Millisecond
	var calls atomic.Int64
	free := make(chan struct{})
	req := upstream(t, func(w http.ResponseWriter, n string) {
		if calls.Add(1) == 2 { // the first was learnt from
			time.AfterFunc(stall, func() { close(free) })
		}
		if calls.Load() >= 2 {
			<-free
		}
		fmt.Fprint(w, n)
	})
	learn(t, req)
	o := NewOpen(req, 2)
	defer o.Close()
	got := o.Run(t.Context(), 500, NewWindow(0, 150*time.Millisecond), 5*time.Second)
	if got.Sent != 75 || got.Good != 75 || got.Bad != 0 {
		t.Errorf("got %d sent, %d good, %d bad, want 75, 75, 0 (%s)", got.Sent, got.Good, got.Bad, got.Why)
	}
	// Requests are due every 2 ms: some 40 of the 75 wait for 20 ms or longer.
	if p50 := got.Latency.Quantile(0.5); p50 < 10*time.Millisecond {
		t.Errorf("the median latency is %v: the stall was omitted", p50)
	}
	if longest := got.Latency.Max(); longest < stall {
		t.Errorf("the longest latency is %v, want %v or more", longest, stall)
	}
}

func TestOpenLoopGivesUpWhatCannotBeSent(t *testing.T) {
	end := make(chan struct{})
	var calls atomic.Int64
	req := upstream(t, func(w http.ResponseWriter, n string) {
		if calls.Add(1) > 1 {
			<-end
		}
		fmt.Fprint(w, n)
	})
	defer close(end)
	learn(t, req)
	o := NewOpen(req, 3)
	defer o.Close()
	got := o.Run(t.Context(), 1000, NewWindow(0, 50*time.Millisecond), time.Second)
	if got.Sent != 50 || got.Failed != 50 || got.Good != 0 || got.Bad != 3 {
		t.Errorf("got %d due, %d failed, %d good, %d bad; want 50, 50, 0, 3", got.Sent, got.Failed, got.Good, got.Bad)
	}
	if calls.Load() != 4 {
		t.Errorf("the server saw %d requests, want 4", calls.Load())
	}
}
