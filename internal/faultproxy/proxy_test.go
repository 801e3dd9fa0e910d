package faultproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// served is an HTTP server with what it has seen.
type served struct {
	requests atomic.Int64 // whose bodies came whole
	cut      atomic.Int64 // whose bodies did not
	entered  chan string  // bodies as they came, as many as it takes
}

func (s *served) note(body string) {
	select {
	case s.entered <- body:
	default: // a test of thousands does not ask
	}
}

// startHTTP starts a server that answers the body it got, and a proxy before it with a client.
func startHTTP(t *testing.T) (*served, *Proxy, *http.Client) {
	t.Helper()
	s := &served{entered: make(chan string, 100)}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			s.cut.Add(1)
			s.note("cut after " + string(b))
			return
		}
		s.requests.Add(1)
		s.note(string(b))
		_, _ = w.Write(b)
	}))
	t.Cleanup(srv.Close)
	p := start(t, Config{Dial: dialer(srv.Listener.Addr()), HTTP: true})
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return s, p, &http.Client{Transport: transport}
}

func start(t *testing.T, cfg Config) *Proxy {
	t.Helper()
	p, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func dialer(a net.Addr) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, a.Network(), a.String())
	}
}

func set(t *testing.T, p *Proxy, f Fault) {
	t.Helper()
	if err := p.Set(f); err != nil {
		t.Fatal(err)
	}
}

// post gives the answer's text and status, or the error.
func post(ctx context.Context, c *http.Client, p *Proxy, body string) (string, int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.Addr()+"/?q=a%20b", strings.NewReader(body))
	if err != nil {
		return "", 0, err
	}
	answer, err := c.Do(r)
	if err != nil {
		return "", 0, err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	return string(b), answer.StatusCode, err
}

// passes checks that an exchange goes through.
func passes(t *testing.T, c *http.Client, p *Proxy, body string) {
	t.Helper()
	if got, status, err := post(t.Context(), c, p, body); err != nil || status != http.StatusOK || got != body {
		t.Fatalf("%d bytes sent: %d, %d bytes, %v", len(body), status, len(got), err)
	}
}

// receive takes the next value within the tests' patience.
func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func TestPassesOn(t *testing.T) {
	s, p, c := startHTTP(t)
	for _, n := range []int{0, 1, 4096, 3 << 20} {
		passes(t, c, p, strings.Repeat("x", n))
	}
	if got := p.Stats(); s.requests.Load() != 4 || got.Requests != 4 || got.Connections != 1 || got.Struck != 0 {
		t.Errorf("the server saw %d requests; %+v: want 4 on one connection", s.requests.Load(), got)
	}
}

func TestAwayRefusesAndCuts(t *testing.T) {
	_, p, c := startHTTP(t)
	passes(t, c, p, "before")
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	set(t, p, Fault{Kind: BlackHole}) // the connection above is accepted when this request is
	gaveUp := make(chan error, 1)
	go func() {
		_, _, err := post(t.Context(), c, p, "cut")
		gaveUp <- err
	}()
	set(t, p, Fault{Kind: Away})
	if err := receive(t, gaveUp); err == nil {
		t.Error("a request under way was answered")
	}
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an open connection gave %d bytes, %v: want it cut", n, err)
	}
	set(t, p, Fault{Kind: Away})
	if _, _, err := post(t.Context(), c, p, "away"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("away: %v, want refused", err)
	}
	if err := p.Heal(); err != nil {
		t.Fatal(err)
	}
	passes(t, c, p, "after")
}

func TestBlackHoleDeliversLate(t *testing.T) {
	s, p, c := startHTTP(t)
	passes(t, c, p, "before")
	receive(t, s.entered)
	set(t, p, Fault{Kind: BlackHole})
	ctx, giveUp := context.WithCancel(t.Context())
	gaveUp := make(chan error, 1)
	written := make(chan struct{})
	go func() {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.Addr(), &telling{text: strings.NewReader("late"), read: written})
		if err == nil {
			r.ContentLength = 4
			_, err = c.Do(r)
		}
		gaveUp <- err
	}()
	receive(t, written)
	giveUp()
	if err := receive(t, gaveUp); !errors.Is(err, context.Canceled) {
		t.Fatalf("in a black hole: %v", err)
	}
	if n := s.requests.Load(); n != 1 {
		t.Errorf("the server has seen %d requests, want 1", n)
	}
	if err := p.Heal(); err != nil {
		t.Fatal(err)
	}
	passes(t, c, p, "after")
}

// telling closes read when its text has been read to the end.
type telling struct {
	text *strings.Reader
	read chan struct{}
}

func (r *telling) Read(b []byte) (int, error) {
	n, err := r.text.Read(b)
	if n > 0 && r.text.Len() == 0 {
		close(r.read)
	}
	return n, err
}

func TestSlowTakesItsTime(t *testing.T) {
	_, p, c := startHTTP(t)
	set(t, p, Fault{Kind: Slow, Chunk: 1000, Delay: 5 * time.Millisecond})
	begun := time.Now()
	passes(t, c, p, strings.Repeat("x", 10_000))
	if took, least := time.Since(begun), 100*time.Millisecond; took < least {
		t.Errorf("10 KB there and back took %s, want at least %s", took, least)
	}
	set(t, p, Fault{Kind: Slow, Chunk: 1, Delay: time.Hour})
	done := make(chan string, 1)
	go func() {
		_, _, err := post(t.Context(), c, p, "freed")
		done <- fmt.Sprint(err)
	}()
	if err := p.Heal(); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, done); got != "<nil>" {
		t.Errorf("a slow exchange that was set free: %s", got)
	}
}

func TestFaultsOfExchanges(t *testing.T) {
	body := strings.Repeat("x", 50_000)
	for _, tt := range []struct {
		fault  Fault
		status int    // 0 = none came
		got    int    // bytes
		seen   string // by the server; "" = nothing
	}{
		{Fault{Kind: Answer, Status: 500, Header: http.Header{"X-Clickhouse-Exception-Code": {"241"}}, Body: "Code: 241."}, 500, 10, ""},
		{Fault{Kind: Answer, Status: 503}, 503, 0, ""},
		{Fault{Kind: CutRequest, After: 20_000}, 0, 0, "cut after " + body[:20_000]},
		{Fault{Kind: CutRequest}, 0, 0, "cut after "},
		{Fault{Kind: CutAnswer, After: 10_000}, 200, 10_000, body},
		{Fault{Kind: CutAnswer}, 200, 0, body},
		{Fault{Kind: Swallow}, 0, 0, body},
	} {
		t.Run(fmt.Sprintf("%s after %d", tt.fault.Kind, tt.fault.After), func(t *testing.T) {
			s, p, c := startHTTP(t)
			tt.fault.Match = func(r *http.Request) bool { return r.URL.Query().Get("q") == "a b" }
			tt.fault.Every = 2
			set(t, p, tt.fault)
			for range 3 {
				passes(t, c, p, "untouched")
				receive(t, s.entered)
				got, status, err := post(t.Context(), c, p, body)
				if status != tt.status || len(got) != tt.got || (err == nil) != (tt.fault.Kind == Answer) {
					t.Errorf("status %d, %d bytes, %v; want %d, %d bytes", status, len(got), err, tt.status, tt.got)
				}
				if tt.seen != "" {
					if seen := receive(t, s.entered); seen != tt.seen {
						t.Errorf("the server saw %d bytes (%.20s…), want %d", len(seen), seen, len(tt.seen))
					}
				}
			}
			want := int64(3)
			if !strings.HasPrefix(tt.seen, "cut") && tt.seen != "" {
				want = 6
			}
			if n := s.requests.Load(); n != want {
				t.Errorf("the server took %d requests, want %d", n, want)
			}
			if st := p.Stats(); st.Struck != 3 || st.Requests != 6 {
				t.Errorf("%+v: want 3 of 6 struck", st)
			}
		})
	}
}

func TestWithheldAnswer(t *testing.T) {
	s, p, c := startHTTP(t)
	set(t, p, Fault{Kind: Withhold})
	ended := make(chan error, 1)
	go func() {
		_, _, err := post(t.Context(), c, p, "in")
		ended <- err
	}()
	if seen := receive(t, s.entered); seen != "in" {
		t.Errorf("the server saw %q", seen)
	}
	select {
	case err := <-ended:
		t.Errorf("the client heard something: %v", err)
	default:
	}
	if err := p.Heal(); err != nil {
		t.Fatal(err)
	}
	if err := receive(t, ended); err == nil {
		t.Error("the client was answered")
	}
	passes(t, c, p, "after")
}

// TestStreamsAreNotHeldBack: a piece of an answer is there before the next is made.
func TestStreamsAreNotHeldBack(t *testing.T) {
	next := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := range 3 {
			_, _ = fmt.Fprintf(w, "piece %d\n", i)
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	}))
	defer srv.Close()
	p := start(t, Config{Dial: dialer(srv.Listener.Addr()), HTTP: true})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.Addr(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	for i := range 3 {
		b := make([]byte, 8)
		if _, err := io.ReadFull(answer.Body, b); err != nil || string(b) != fmt.Sprintf("piece %d\n", i) {
			t.Errorf("piece %d: %q, %v", i, b, err)
		}
		next <- struct{}{}
	}
}

// TestPlainConnections: a proxy that reads no HTTP passes, cuts and holds bytes of any protocol.
func TestPlainConnections(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		for {
			conn, err := echo.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	p := start(t, Config{Dial: dialer(echo.Addr())})
	say := func(text string) (string, error) {
		conn, err := net.Dial("tcp", p.Addr())
		if err != nil {
			return "", err
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			return "", err
		}
		if _, err := io.WriteString(conn, text); err != nil {
			return "", err
		}
		_ = conn.(*net.TCPConn).CloseWrite() // it may be cut already
		b, err := io.ReadAll(conn)
		return string(b), err
	}
	long := strings.Repeat("y", 200_000)
	if got, err := say(long); err != nil || got != long {
		t.Errorf("untouched: %d bytes, %v", len(got), err)
	}
	set(t, p, Fault{Kind: CutAnswer, After: 5})
	if got, err := say("hello world"); err == nil || got != "hello" {
		t.Errorf("cut after 5 bytes: %q, %v", got, err)
	}
	set(t, p, Fault{Kind: BlackHole})
	heard := make(chan string, 1)
	go func() {
		got, err := say("late")
		heard <- fmt.Sprint(got, " ", err)
	}()
	set(t, p, Fault{Kind: Slow, Chunk: 1, Delay: time.Microsecond})
	if got := receive(t, heard); got != "late <nil>" {
		t.Errorf("through a black hole that ended: %s", got)
	}
}

func TestFaultsThatMeanNothing(t *testing.T) {
	plain := start(t, Config{})
	reading := start(t, Config{HTTP: true})
	for _, tt := range []struct {
		p    *Proxy
		f    Fault
		want string
	}{
		{plain, Fault{Kind: Swallow}, "Swallow needs a proxy that reads HTTP"},
		{plain, Fault{Kind: CutAnswer, Every: 3}, "by Match and Every"},
		{reading, Fault{Kind: Answer}, "0 is no status"},
		{reading, Fault{Kind: Slow}, "needs a Delay"},
		{reading, Fault{Kind: 42}, "no fault Kind(42)"},
	} {
		if err := tt.p.Set(tt.f); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Set(%+v) = %v, want %q", tt.f.Kind, err, tt.want)
		}
	}
	if err := plain.Close(); err != nil {
		t.Fatal(err)
	}
	if err := plain.Heal(); err == nil {
		t.Error("a closed proxy can be healed")
	}
}

// TestManyAtOnceUnderChange: whatever is set while clients come and go, an answer that comes whole is the right one.
func TestManyAtOnceUnderChange(t *testing.T) {
	_, p, c := startHTTP(t)
	c.Timeout = patience
	// The test's own client: a connection that is kept may be one that a fault before has cut.
	fresh := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	stop := make(chan struct{})
	failed := make(chan error, 8)
	for i := range 8 {
		go func() {
			body := strings.Repeat(string(rune('a'+i)), 1000+i)
			var err error
			for {
				select {
				case <-stop:
					failed <- err
					return
				default:
				}
				got, status, perr := post(t.Context(), c, p, body)
				if perr == nil && status == http.StatusOK && got != body {
					err = fmt.Errorf("client %d got %d bytes that are not its own", i, len(got))
				}
			}
		}()
	}
	kinds := []Fault{{Kind: Away}, {}, {Kind: Swallow, Every: 3}, {Kind: BlackHole}, {Kind: Withhold, Every: 5}, {Kind: Slow, Delay: time.Microsecond}, {Kind: CutAnswer, After: 100, Every: 2}}
	for i := range 100 {
		set(t, p, kinds[i%len(kinds)])
		if i%len(kinds) == 1 { // nothing is spoiled at the moment
			passes(t, fresh, p, "the test's own")
		}
	}
	set(t, p, Fault{})
	close(stop)
	for range 8 {
		if err := receive(t, failed); err != nil {
			t.Error(err)
		}
	}
}
