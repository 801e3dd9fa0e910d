package engine_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/weir-dev/weir/clickhouse/engine"
	"github.com/weir-dev/weir/internal/testutil/enginetest"
)

// start runs an engine of the test's own.
func start(t *testing.T, dir string) *engine.Engine {
	t.Helper()
	e, err := engine.Start(t.Context(), enginetest.Config(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return e
}

// eventually asks again and again until ok, for at most the given time.
func eventually(t *testing.T, within time.Duration, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(within)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

// alive says whether a process runs; one that has ended and waits for its parent's notice does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

func TestDataOutlivesTheEngine(t *testing.T) {
	dir := t.TempDir()
	e := start(t, dir)
	conn := connect(t, e)
	execute(t, conn, "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
	execute(t, conn, "INSERT INTO t SELECT number FROM numbers(1000)")
	info, err := os.Stat(filepath.Join(dir, "weir-engine.sock"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v, %v, want mode 0600", info.Mode(), err)
	}
	pid := e.Pid()
	if err := errors.Join(e.Close(), e.Close()); err != nil {
		t.Fatal(err)
	}
	if alive(pid) {
		t.Errorf("process %d is alive after Close", pid)
	}
	if _, err := e.DialContext(t.Context(), "", ""); err == nil || e.Health() == nil || e.Pid() != 0 {
		t.Errorf("after Close: dial %v, health %v, pid %d", err, e.Health(), e.Pid())
	}
	if got := count(t, connect(t, start(t, dir)), "SELECT sum(a) FROM t"); got != 499500 {
		t.Errorf("sum after a restart = %d, want 499500", got)
	}
}

// A kill between the note of an INSERT and its rows: the note stands, the rows do not. Sent again, the rows are stored.
func TestAnInsertCutShort(t *testing.T) {
	dir := t.TempDir()
	e := start(t, dir)
	conn := connect(t, e)
	execute(t, conn, "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100")
	insert := func(conn clickhouse.Conn, token string, rows int) {
		t.Helper()
		ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"insert_deduplication_token": token}))
		if err := conn.Exec(ctx, fmt.Sprintf("INSERT INTO t SELECT number FROM numbers(%d)", rows)); err != nil {
			t.Fatal(err)
		}
	}
	insert(conn, "whole", 10)
	insert(conn, "cut", 1000)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	parts, err := filepath.Glob(filepath.Join(dir, "store", "*", "*", "all_2_2_0"))
	if err != nil || len(parts) != 1 {
		t.Fatalf("the part of the second INSERT: %q, %v", parts, err)
	}
	if err := os.RemoveAll(parts[0]); err != nil {
		t.Fatal(err)
	}

	conn = connect(t, start(t, dir))
	insert(conn, "whole", 10)
	if got := count(t, conn, "SELECT count() FROM t"); got != 10 {
		t.Errorf("%d rows, want 10: the INSERT that was whole is a repetition", got)
	}
	insert(conn, "cut", 1000)
	if got := count(t, conn, "SELECT count() FROM t"); got != 1010 {
		t.Errorf("%d rows, want 1010: the INSERT that was cut short is stored now", got)
	}
}

// Eight writers and readers at once, the child killed under them: every batch that was acknowledged is there, once.
func TestKilledUnderLoad(t *testing.T) {
	e := start(t, t.TempDir())
	conn := connect(t, e)
	execute(t, conn, "CREATE TABLE t (client UInt8, batch UInt32, n UInt32) ENGINE = MergeTree ORDER BY (client, batch) SETTINGS non_replicated_deduplication_window = 10000")

	const clients, batches, rows = 8, 30, 200
	var (
		wg     sync.WaitGroup
		sent   atomic.Int64
		failed atomic.Int64
	)
	send := func(client, number int) error {
		ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"insert_deduplication_token": fmt.Sprintf("%d:%d", client, number)}))
		batch, err := conn.PrepareBatch(ctx, "INSERT INTO t")
		if err != nil {
			return err
		}
		for i := range rows {
			if err := batch.Append(uint8(client), uint32(number), uint32(i)); err != nil {
				return err
			}
		}
		return batch.Send()
	}
	for client := range clients {
		wg.Go(func() {
			for number := range batches {
				for try := 0; ; try++ {
					err := send(client, number)
					if err == nil {
						break
					}
					failed.Add(1)
					if try == 100 {
						t.Errorf("client %d, batch %d: %v", client, number, err)
						return
					}
				}
				sent.Add(1)
				var n uint64
				_ = conn.QueryRow(t.Context(), "SELECT uniqExact(n) FROM t").Scan(&n) // one of the readers; it may meet the kill
			}
		})
	}
	for kill := range 2 {
		eventually(t, 30*time.Second, "load", func() bool { return sent.Load() >= int64(clients*batches/4*(kill+1)) })
		before := e.Pid()
		killed := time.Now()
		if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, 5*time.Second, "a new child", func() bool { return e.Health() == nil && e.Pid() != before && e.Pid() != 0 })
		t.Logf("back %v after the kill", time.Since(killed))
	}
	wg.Wait()
	if got := count(t, conn, "SELECT count() FROM t"); got != clients*batches*rows {
		t.Errorf("%d rows, want %d", got, clients*batches*rows)
	}
	if got := count(t, conn, "SELECT uniqExact(client, batch, n) FROM t"); got != clients*batches*rows {
		t.Errorf("%d distinct rows, want %d", got, clients*batches*rows)
	}
	if e.Restarts() != 2 || failed.Load() == 0 {
		t.Errorf("%d restarts, want 2; %d sends met a kill, want some", e.Restarts(), failed.Load())
	}
}

func TestDirectoryInUse(t *testing.T) {
	dir := t.TempDir()
	start(t, dir)
	cfg := enginetest.Config(t, dir)
	cfg.LockWait = 100 * time.Millisecond
	_, err := engine.Start(t.Context(), cfg)
	var inUse *engine.InUseError
	if !errors.As(err, &inUse) || inUse.Pid != os.Getpid() {
		t.Fatalf("got %v, want the directory in use by process %d", err, os.Getpid())
	}
	for _, want := range []string{dir, strconv.Itoa(os.Getpid()), "WEIR_DATA"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %s", err, want)
		}
	}
}

// The helper process is a parent that starts an engine and is killed: its child must go, and the next parent must get
// the directory within its patience.
func TestChildEndsWithItsParent(t *testing.T) {
	dir := t.TempDir()
	enginetest.Config(t, dir) // skips when there is no library
	helper := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHelperParent$", "-test.v")
	helper.Env = append(os.Environ(), "WEIR_TEST_HELPER_DIR="+dir)
	out, err := helper.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := helper.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	for scanner := bufio.NewScanner(out); pid == 0 && scanner.Scan(); {
		if text, ok := strings.CutPrefix(scanner.Text(), "child="); ok {
			if pid, err = strconv.Atoi(text); err != nil {
				t.Fatal(err)
			}
		}
	}
	if pid == 0 || !alive(pid) {
		t.Fatalf("the helper started no child (pid %d)", pid)
	}
	if err := helper.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := helper.Wait(); err == nil {
		t.Error("the helper ended by itself")
	}
	start(t, dir)
	eventually(t, time.Second, "the old child gone, whose directory the next parent has", func() bool { return !alive(pid) })
}

func TestHelperParent(t *testing.T) {
	dir := os.Getenv("WEIR_TEST_HELPER_DIR")
	if dir == "" {
		t.Skip("runs as the helper of TestChildEndsWithItsParent")
	}
	e := start(t, dir)
	fmt.Printf("child=%d\n", e.Pid())
	<-t.Context().Done() // the test kills this process
}

// SIGTERM and SIGINT that reach the whole group are for the parent.
func TestChildLeavesSignalsToItsParent(t *testing.T) {
	e := start(t, t.TempDir())
	pid := e.Pid()
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		if err := syscall.Kill(pid, s); err != nil {
			t.Fatal(err)
		}
	}
	if got := count(t, connect(t, e), "SELECT toUInt64(sleep(0.2)) + 7"); got != 7 {
		t.Errorf("got %d, want 7", got)
	}
	if e.Pid() != pid || e.Restarts() != 0 {
		t.Errorf("pid %d became %d with %d restarts", pid, e.Pid(), e.Restarts())
	}
}

func TestCrashLoop(t *testing.T) {
	cfg := enginetest.Config(t, t.TempDir())
	cfg.Command = []string{"/bin/sh", "-c", "echo the disk is on fire >&2; exit 3", "engine"}
	_, err := engine.Start(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "the disk is on fire") {
		t.Errorf("got %v, want the exit status and what the child said", err)
	}

	// A child that answers once, then never again: the engine stays, Health tells.
	cfg = enginetest.Config(t, t.TempDir())
	once := filepath.Join(t.TempDir(), "once")
	cfg.Command = []string{"/bin/sh", "-c", `if mkdir "$0" 2>/dev/null; then exec "$@"; fi; exit 4`, once, cfg.Command[0]}
	e, err := engine.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := syscall.Kill(e.Pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "a crash loop in Health", func() bool {
		err := e.Health()
		return err != nil && strings.Contains(err.Error(), "in a row")
	})
	if _, err := e.DialContext(t.Context(), "", ""); err == nil || !strings.Contains(err.Error(), "exit status 4") {
		t.Errorf("dial in a crash loop: %v", err)
	}
}

func TestLongDirectoryName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 120))
	e := start(t, dir)
	if got := count(t, connect(t, e), "SELECT toUInt64(3)"); got != 3 {
		t.Errorf("got %d, want 3", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "weir-engine.sock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a socket in a directory whose name is too long: %v", err)
	}
}

func TestStartErrors(t *testing.T) {
	if _, err := engine.Start(t.Context(), engine.Config{}); err == nil {
		t.Error("started without a directory")
	}
	notALibrary := filepath.Join(t.TempDir(), "libchdb.so")
	if err := os.WriteFile(notALibrary, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := enginetest.Config(t, t.TempDir())
	cfg.Library = notALibrary
	_, err := engine.Start(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), notALibrary) || !strings.Contains(err.Error(), "make engine") {
		t.Errorf("got %v, want the file and what to do", err)
	}
}

// A slow query is killed when its client goes away: with every connection taken by one, the next would wait for good.
func TestAbandonedQueriesAreKilled(t *testing.T) {
	e := start(t, t.TempDir())
	conn := connect(t, e)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range engine.DefaultConnections {
		wg.Go(func() {
			if err := conn.Exec(ctx, "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))"); err == nil {
				t.Error("an endless query ended")
			}
		})
	}
	// One connection is kept busy with nothing; all of them are, once an insert waits. See them run first.
	client := httpClient(e)
	eventually(t, 10*time.Second, "queries at work", func() bool {
		probe, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer stop()
		_, _, err := post(probe, client, nil, "SELECT 1")
		return errors.Is(err, context.DeadlineExceeded)
	})
	cancel()
	wg.Wait()
	began := time.Now()
	if got := count(t, conn, "SELECT toUInt64(5)"); got != 5 {
		t.Errorf("got %d, want 5", got)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the next query waited %v", took)
	}
}

func httpClient(e *engine.Engine) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return e.DialContext(ctx, network, addr)
		},
	}}
}

func post(ctx context.Context, client *http.Client, values url.Values, body string) (*http.Response, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://engine/?"+values.Encode(), strings.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp, string(text), err
}

func TestPlainHTTP(t *testing.T) {
	e := enginetest.Start(t)
	execute(t, connectShared(t), "CREATE TABLE t (a UInt64, s String DEFAULT 'none') ENGINE = MergeTree ORDER BY a")
	client := httpClient(e)
	db := url.Values{"database": {"testplainhttp"}}
	with := func(pairs ...string) url.Values {
		v := url.Values{"database": db["database"]}
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return v
	}
	for _, tt := range []struct {
		name   string
		values url.Values
		body   string
		status int
		code   string
		want   string
	}{
		{"default format", db, "SELECT 1, 'a\tb'", 200, "", "1\ta\\tb\n"},
		{"closing semicolon", db, "SELECT 1;\n", 200, "", "1\n"},
		{"named format", db, "SELECT 1 AS a FORMAT JSONEachRow", 200, "", "{\"a\":1}\n"},
		{"default_format", with("default_format", "CSV"), "SELECT 1, 'x'", 200, "", "1,\"x\"\n"},
		{"query in the URL", with("query", "SELECT {n:UInt8} + 1", "param_n", "41"), "", 200, "", "42\n"},
		{"identifier parameter", with("param_t", "t"), "SELECT count() FROM {t:Identifier}", 200, "", "0\n"},
		{"rows in the body", with("query", "INSERT INTO t FORMAT JSONEachRow"), "{\"a\":1}\n{\"a\":2,\"s\":\"x;y\"}", 200, "", ""},
		{"rows after the statement", db, "INSERT INTO t (a) FORMAT CSV\n3\n4\n", 200, "", ""},
		{"values", db, "INSERT INTO t VALUES (5, 'v'), (6, ';')", 200, "", ""},
		{"values in the body", with("query", "INSERT INTO t (a, s) VALUES"), "(7, 'w')", 200, "", ""},
		{"settings before the format", with("query", "INSERT INTO t SETTINGS async_insert = 0 FORMAT CSV"), "8,z\n", 200, "", ""},
		{"no rows", with("query", "INSERT INTO t FORMAT CSV"), "", 200, "", ""},
		{"all arrived", db, "SELECT groupArray((a, s)) FROM (SELECT * FROM t ORDER BY a)", 200, "", "[(1,'none'),(2,'x;y'),(3,'none'),(4,'none'),(5,'v'),(6,';'),(7,'w'),(8,'z')]\n"},
		{"rows of another shape", with("query", "INSERT INTO t FORMAT JSONEachRow"), "no json", 400, "27", "CANNOT_PARSE_INPUT_ASSERTION_FAILED"},
		{"setting in the URL", with("max_result_rows", "1"), "SELECT * FROM numbers(5)", 500, "396", "Limit for result exceeded"},
		{"unknown setting", with("nonsense", "1"), "SELECT 1", 404, "115", "nonsense"},
		{"a quote in a setting", with("log_comment", "'; DROP TABLE t; --"), "SELECT 1", 200, "", "1\n"},
		{"a setting with a strange name", with("a=1, b", "1"), "SELECT 1", 404, "115", "not the name of a setting"},
		{"unknown database", url.Values{"database": {"no`where"}}, "SELECT 1", 404, "81", "UNKNOWN_DATABASE"},
		{"compression", with("compress", "1"), "SELECT 1", 501, "48", "switch compression off"},
		{"sessions", with("session_id", "s"), "SELECT 1", 501, "48", "Sessions"},
		{"SET does not stay", db, "SET max_threads = 1", 200, "", ""},
		{"SET did not stay", db, "SELECT getSetting('max_threads')", 200, "", "2\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, got, err := post(t.Context(), client, tt.values, tt.body)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tt.status || resp.Header.Get("X-ClickHouse-Exception-Code") != tt.code {
				t.Errorf("status %d, code %q, want %d, %q: %s", resp.StatusCode, resp.Header.Get("X-ClickHouse-Exception-Code"), tt.status, tt.code, got)
			}
			if tt.status == 200 && got != tt.want || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://engine/?query="+url.QueryEscape("DROP TABLE testplainhttp.t"), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := resp.Header.Get("X-ClickHouse-Exception-Code"); got != "164" {
		t.Errorf("GET of a DROP: code %q, want 164", got)
	}
	_, parquet, err := post(t.Context(), client, db, "SELECT number FROM numbers(10) FORMAT Parquet")
	if err != nil || !strings.HasPrefix(parquet, "PAR1") || !strings.HasSuffix(parquet, "PAR1") {
		t.Errorf("parquet: %d bytes, %v", len(parquet), err)
	}
}
