package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-dev/weir/clickhouse/engine"
	"github.com/weir-dev/weir/internal/faultproxy"
	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/trace"
)

// soon is how long a test of the store waits for what must come.
const soon = 3 * time.Minute

// loadPace is how often a client of the load begins a call: 400 calls a second in all, which a slow machine can record beside its other tests.
const loadPace = 10 * time.Millisecond

// storeServer is a ClickHouse engine that plays the server of several weirs, each with a database of its own.
type storeServer struct{ engine *engine.Engine }

func startStoreServer(t *testing.T) *storeServer {
	t.Helper()
	needEngine(t)
	eng, err := engine.Start(t.Context(), engine.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := eng.Close(); err != nil {
			t.Error(err)
		}
	})
	return &storeServer{eng}
}

// ask gives the answer to a query, past every proxy.
func (s *storeServer) ask(t *testing.T, database, query string) string {
	t.Helper()
	transport := &http.Transport{DialContext: s.engine.DialContext}
	defer transport.CloseIdleConnections()
	text := "http://engine/?" + url.Values{"database": {database}, "query": {query}}.Encode()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, text, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", query, resp.StatusCode, b, err)
	}
	return strings.TrimSpace(string(b))
}

// storeStage is weir as a process of its own, with a provider, and a ClickHouse server behind a proxy that fails.
type storeStage struct {
	server   *storeServer
	database string
	proxy    *faultproxy.Proxy
	dir      string
	config   string
	rest     string // of the configuration: all but ClickHouse's URL
	hasty    bool   // that has a query, which makes weir give up soon
	p        *process
	key      string
	token    string
	gateway  atomic.Pointer[string]
	load     *load
	watch    *spoolWatch

	every       time.Duration // of the load's calls, for each client
	bodiesFirst bool          // of the watch
}

// newStoreStage makes all of it but weir itself; query goes to ClickHouse's URL, spool into the configuration.
func newStoreStage(t *testing.T, server *storeServer, query, spool string) *storeStage {
	t.Helper()
	proxy, err := faultproxy.Start(faultproxy.Config{HTTP: true, Dial: func(ctx context.Context) (net.Conn, error) {
		return server.engine.DialContext(ctx, "unix", "")
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &storeStage{server: server, proxy: proxy, dir: t.TempDir(), database: databaseOf(t.Name()), hasty: query != "", every: loadPace}
	s.config = filepath.Join(s.dir, "weir.yaml")
	provider := startProvider(t, simulator.Config{Seed: 4})
	s.rest = fmt.Sprintf("providers:\n  - {name: openai, kind: openai, base_url: %q, api_key: x}\nspool: {max_age: 100ms, max_rows: 500%s}\n", provider.URL+"/v1", spool)
	s.configure(t, query)
	return s
}

// configure writes weir's configuration, with a query for ClickHouse's URL.
func (s *storeStage) configure(t *testing.T, query string) {
	t.Helper()
	text := fmt.Sprintf("clickhouse: {url: %q}\n%s", "http://"+s.proxy.Addr()+"/"+s.database+query, s.rest)
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// databaseOf makes the name of a test the name of a database.
func databaseOf(test string) string {
	return "t_" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToLower(test))
}

// start starts weir, anew if it ran before.
func (s *storeStage) start(t *testing.T) {
	t.Helper()
	p, key := startProcess(t, s.dir, s.config)
	s.p = p
	t.Cleanup(func() {
		p.kill() // it may have ended by then
		if said := p.output.String(); t.Failed() {
			t.Logf("the last that weir said:\n%s", said[max(0, len(said)-3000):])
		}
	})
	if s.key == "" { // later starts have none to show
		s.key = key
	}
	token, err := os.ReadFile(filepath.Join(s.dir, "data", adminTokenFile))
	if err != nil {
		t.Fatal(err)
	}
	s.token = strings.TrimSpace(string(token))
	s.gateway.Store(&p.gateway)
}

// begin starts weir, and load and a watch on it.
func (s *storeStage) begin(t *testing.T) {
	t.Helper()
	s.start(t)
	s.startLoad()
	s.watch = watchSpool(s, s.bodiesFirst)
	t.Cleanup(s.watch.end)
}

func (s *storeStage) startLoad() { s.load = startLoad(&s.gateway, s.key, 4, s.every) }

func (s *storeStage) set(t *testing.T, f faultproxy.Fault) {
	t.Helper()
	if err := s.proxy.Set(f); err != nil {
		t.Fatal(err)
	}
}

// count is how many calls were answered so far.
func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.answered)
}

// spool reads the counters.
func (s *storeStage) spool() (c trace.Counters, err error) {
	err = s.read("/api/v1/spool", http.StatusOK, func(b []byte) error { return json.Unmarshal(b, &c) })
	return c, err
}

// read asks weir for a page.
func (s *storeStage) read(path string, status int, use func([]byte) error) error {
	base := strings.TrimSuffix(*s.gateway.Load(), "/v1")
	req, err := http.NewRequest(http.MethodGet, base+path, http.NoBody)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	client := &http.Client{Timeout: 20 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != status {
		return fmt.Errorf("GET %s: %d %s, want %d", path, resp.StatusCode, b, status)
	}
	return use(b)
}

// mustTurnRed waits until /readyz says 503 with words in the reason of a part.
func (s *storeStage) mustTurnRed(t *testing.T, part, words string) {
	t.Helper()
	eventually(t, soon, func() error {
		return s.read("/readyz", http.StatusServiceUnavailable, func(b []byte) error {
			var answer struct{ Reasons map[string]string }
			if err := json.Unmarshal(b, &answer); err != nil {
				return err
			}
			if !strings.Contains(answer.Reasons[part], words) || answer.Reasons[part] == "" {
				return fmt.Errorf("/readyz says %s; want %q of %s", b, words, part)
			}
			return nil
		})
	})
}

func (s *storeStage) mustTurnGreen(t *testing.T) {
	t.Helper()
	eventually(t, soon, func() error {
		return s.read("/readyz", http.StatusOK, func([]byte) error { return nil })
	})
}

// mustReach waits until the counters are as wanted.
func (s *storeStage) mustReach(t *testing.T, want string, ok func(trace.Counters) bool) {
	t.Helper()
	within := soon + *away // what came in the meantime must be written
	eventually(t, within, func() error {
		c, err := s.spool()
		if err == nil && !ok(c) {
			err = fmt.Errorf("the spool says %+v; want %s", c, want)
		}
		return err
	})
}

func written(n int64) func(trace.Counters) bool {
	return func(c trace.Counters) bool { return c.Written >= n }
}

func noneWaits(c trace.Counters) bool { return c.Waiting == 0 }

// mustAnswer waits until so many more calls were answered.
func (s *storeStage) mustAnswer(t *testing.T, n int) {
	t.Helper()
	from := s.load.count()
	eventually(t, soon, func() error {
		if now := s.load.count(); now < from+n {
			return fmt.Errorf("%d calls were answered, want %d more than %d", now, n, from)
		}
		return nil
	})
}

// last lets the fault last for d. Calls must be answered all along.
func (s *storeStage) last(t *testing.T, d time.Duration) {
	t.Helper()
	const longestSilence = 3 * time.Second // two cores, other tests and an engine that has much to catch up on
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	end := time.After(d)
	count, since := s.load.count(), time.Now()
	for {
		select {
		case <-end:
			return
		case <-t.Context().Done():
			return
		case <-tick.C:
		}
		if n := s.load.count(); n > count {
			count, since = n, time.Now()
		} else if quiet := time.Since(since); quiet > longestSilence {
			t.Fatalf("no call was answered for %s", quiet)
		}
	}
}

// close ends the load, compares the books and stops weir.
func (s *storeStage) close(t *testing.T, what string) {
	t.Helper()
	answered := s.load.end()
	sent := s.load.sent.Load()
	if int(sent) != len(answered) {
		t.Errorf("%d calls were sent, %d answered whole", sent, len(answered))
	}
	s.mustReach(t, "that none waits", noneWaits)
	s.watch.check(t)
	if s.hasty { // which the comparison is not
		s.p.stop(t)
		s.configure(t, "")
		s.start(t)
	}
	s.compare(t, answered)
	s.report(t, what, sent, len(answered))
	s.p.stop(t)
}

// compare compares the books, bodies included.
func (s *storeStage) compare(t *testing.T, answered map[string]string) {
	t.Helper()
	compareBooks(t, s.p, s.token, answered)
	if got := s.server.ask(t, s.database, "SELECT count() - uniqExact(call_id) FROM bodies"); got != "0" {
		t.Errorf("%s bodies are double", got)
	}
	missing := s.server.ask(t, s.database, "SELECT count() FROM calls WHERE kind = 'call' AND status = 'ok' AND NOT has(flags, 'body_dropped') AND id NOT IN (SELECT call_id FROM bodies)")
	if missing != "0" {
		t.Errorf("%s bodies are lost", missing)
	}
}

// report is the line of a table.
func (s *storeStage) report(t *testing.T, what string, sent int64, answered int) {
	t.Helper()
	t.Logf("| %s | %d sent | %d answered whole | at most %d waiting | struck %d of %d requests to ClickHouse |", what, sent, answered, s.watch.most.Load(), s.proxy.Stats().Struck, s.proxy.Stats().Requests)
}

// recorded gives the calls that are in the store.
func (s *storeStage) recorded(t *testing.T) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	for id := range strings.FieldsSeq(s.server.ask(t, s.database, "SELECT id FROM calls WHERE kind = 'call'")) {
		ids[id] = true
	}
	return ids
}

// isInsert picks the requests that bring rows.
func isInsert(r *http.Request) bool {
	q := r.URL.Query().Get("query")
	return slices.ContainsFunc([]string{"calls", "bodies"}, func(table string) bool { return strings.HasPrefix(q, "INSERT INTO "+table+" ") })
}
