package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/api"
	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/internal/testutil/postgrestest"
	"github.com/weir-dev/weir/internal/testutil/redistest"
)

// killedDir is a folder for processes that are killed: their engines die of it a little later, and write until then.
func killedDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "weir-replicas-") //nolint:usetesting // that folder is removed at once, and must be empty then
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { eventually(t, patience, func() error { return os.RemoveAll(dir) }) })
	return dir
}

// replicaCalls is how many calls two replicas are driven with at once; make test-faults says more.
var replicaCalls = flag.Int("replica-calls", 120, "how many calls drive two weirs that share a budget")

// twoWeirs are two processes over one redis-server, one control plane and one provider.
type twoWeirs struct {
	redis   *redistest.Server
	process [2]*process
	service [2]*service
	reached chan struct{} // a call that is never answered came
	asked   atomic.Int64  // calls that reached the provider
}

func startTwo(t *testing.T, settings string) *twoWeirs {
	t.Helper()
	needEngine(t)
	w := &twoWeirs{redis: redistest.Start(t), reached: make(chan struct{}, 1)}
	sim, over := simulator.New(simulator.Config{Seed: 5}), make(chan struct{})
	provider := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.asked.Add(1)
		body, _ := io.ReadAll(r.Body)
		if bytes.Contains(body, []byte("never answered")) {
			w.reached <- struct{}{}
			<-over
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		sim.ServeHTTP(rw, r)
	}))
	t.Cleanup(provider.Close)
	t.Cleanup(func() { close(over) })
	dir := killedDir(t)
	config := filepath.Join(dir, "weir.yaml")
	text := fmt.Sprintf("control: {url: %q}\nredis: {url: %q, timeout: 2s}\nproviders:\n  - {name: openai, kind: openai, base_url: %q, api_key: x}\n%s", postgrestest.Start(t).URL(), w.redis.URL(), provider.URL+"/v1", settings)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	key := ""
	for i := range w.process {
		home := filepath.Join(dir, strconv.Itoa(i))
		if err := os.MkdirAll(home, 0o700); err != nil {
			t.Fatal(err)
		}
		p, made := startProcess(t, home, config)
		t.Cleanup(p.kill)
		if i == 0 { // the second finds it there
			key = made
		}
		token, err := os.ReadFile(filepath.Join(home, "data", adminTokenFile))
		if err != nil {
			t.Fatal(err)
		}
		at, err := url.Parse(p.url)
		if err != nil {
			t.Fatal(err)
		}
		w.process[i] = p
		w.service[i] = &service{url: at.Scheme + "://" + at.Host, gateway: p.gateway, firstKey: account.NewSecret(key), admin: account.NewSecret(strings.TrimSpace(string(token)))}
	}
	return w
}

// seen waits until both weirs know a budget.
func (w *twoWeirs) seen(t *testing.T, id string) {
	t.Helper()
	for _, s := range w.service {
		for deadline := time.Now().Add(15 * time.Second); ; {
			var list struct{ Budgets []shownBudget }
			s.get(t, "/budgets", &list)
			if slices.ContainsFunc(list.Budgets, func(b shownBudget) bool { return b.ID == id && b.State != "filling" }) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("the budget %s is not known to %s: %+v", id, s.url, list)
			}
		}
	}
}

func asks(text string, tokens int) string {
	return fmt.Sprintf(`{"model":"gpt-4o-mini","max_tokens":%d,"messages":[{"role":"user","content":%q}]}`, tokens, text)
}

// Two weirs share a budget of calls, and exactly as many get through in sum; so it is with a limit of requests, and an
// answer that one has is the other's too. When one is killed, what it held heals.
func TestTwoWeirsShareBudgetsLimitsAndCache(t *testing.T) {
	w := startTwo(t, "cache: {exact: on}\nlimits:\n  - {scope: {user: \"*\"}, requests_per_minute: 30}\n  - {scope: {session: \"*\"}, concurrent: 1}\n")
	one, other := w.service[0], w.service[1]

	const k = 23
	id := one.makeBudget(t, fmt.Sprintf(`{"name":"calls","scope":{"tag.team":"a"},"window":"day","limit_calls":%d}`, k)).ID
	w.seen(t, id)
	var wg sync.WaitGroup
	var passed, refused atomic.Int64
	before := w.asked.Load()
	for i := range *replicaCalls {
		wg.Go(func() {
			switch a := w.service[i%2].askFor(t, "/chat/completions", asks(fmt.Sprint("call ", i), 20), tagged("team=a")); a.status {
			case http.StatusOK:
				passed.Add(1)
			case http.StatusTooManyRequests:
				refused.Add(1)
			default:
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	wg.Wait()
	if passed.Load() != k || refused.Load() != int64(*replicaCalls)-k || w.asked.Load()-before != k {
		t.Errorf("%d passed and %d were refused, %d reached the provider; want %d to pass", passed.Load(), refused.Load(), w.asked.Load()-before, k)
	}
	for _, s := range w.service {
		if b := s.budget(t, id); b.SpentCalls != k || b.HeldCalls != 0 {
			t.Errorf("%s shows %d calls spent and %d held, want %d and none", s.url, b.SpentCalls, b.HeldCalls, k)
		}
	}

	user := func(h http.Header) { h.Set("X-Weir-User", "ann") }
	passed.Store(0)
	for i := range 80 {
		wg.Go(func() {
			if a := w.service[i%2].askFor(t, "/chat/completions", asks(fmt.Sprint("limited ", i), 20), user); a.status == http.StatusOK {
				passed.Add(1)
			}
		})
	}
	wg.Wait()
	if n := passed.Load(); n < 30 || n > 45 { // 30, and what comes back while they run
		t.Errorf("%d passed a limit of 30 a minute", n)
	}

	same := asks("answered once", 20)
	if a := one.askFor(t, "/chat/completions", same); a.status != http.StatusOK || a.header.Get("X-Weir-Cache") != "miss" {
		t.Errorf("%+v", a)
	}
	if a := other.askFor(t, "/chat/completions", same); a.status != http.StatusOK || a.header.Get("X-Weir-Cache") != "hit" {
		t.Errorf("the other weir does not have the answer: %+v", a)
	}

	held := one.makeBudget(t, `{"name":"held","scope":{"tag.team":"b"},"window":"month","limit_usd":"1","policy":"strict"}`).ID
	w.seen(t, held)
	session := func(h http.Header) { h.Set("X-Weir-Session", "s") }
	hanging := make(chan struct{})
	go func() {
		defer close(hanging)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, one.gateway+"/chat/completions", strings.NewReader(asks("never answered", 1000)))
		if err != nil {
			return
		}
		req.Header.Set("Authorization", "Bearer "+one.firstKey.Reveal())
		req.Header.Set("X-Weir-Tags", "team=b")
		session(req.Header)
		if resp, err := http.DefaultClient.Do(req); err == nil { // it fails: weir dies
			_ = resp.Body.Close()
		}
	}()
	<-w.reached
	if a := other.askFor(t, "/chat/completions", asks("a second of one", 20), session); a.status != http.StatusTooManyRequests {
		t.Errorf("a second call of a session: %d", a.status)
	}
	b := other.budget(t, held)
	if b.HeldUSD == 0 {
		t.Error("the other weir does not see what is held")
	}
	w.process[0].kill()
	<-hanging
	// The slot comes back when the dead one's lease is over; what it held of the budget is presumed later, and can be released.
	deadline := time.Now().Add(60 * time.Second)
	for other.askFor(t, "/chat/completions", asks("after the kill", 20), session).status != http.StatusOK {
		if time.Now().After(deadline) {
			t.Fatal("the slot of the killed weir does not come back")
		}
		<-time.After(100 * time.Millisecond) // the lease's own time
	}
	var list struct {
		Holds []struct{ ID, State string }
	}
	other.get(t, "/budgets/holds", &list)
	if len(list.Holds) != 1 {
		t.Fatalf("%+v", list)
	}
	other.post(t, http.MethodPost, "/budgets/holds/"+list.Holds[0].ID+"/release", "", http.StatusNoContent, nil)
	if b := other.budget(t, held); b.HeldUSD != 0 || b.SpentUSD != 0 {
		t.Errorf("after the release: %+v", b)
	}
}

// Redis is killed under two weirs: strict budgets refuse with a code and a time to come back, the others go on; it is said
// in /readyz, as it is that there is no Qdrant; when Redis is back, empty, what was spent is added up anew and strict
// budgets hold again.
func TestTwoWeirsWithoutRedis(t *testing.T) {
	w := startTwo(t, "limits:\n  - {requests_per_minute: 100000}\nqdrant: {url: \"http://127.0.0.1:1\"}\n")
	one, other := w.service[0], w.service[1]
	strict := one.makeBudget(t, `{"name":"strict","scope":{"tag.team":"a"},"window":"day","limit_calls":50,"policy":"strict"}`).ID
	loose := one.makeBudget(t, `{"name":"loose","scope":{"tag.team":"b"},"window":"day","limit_calls":50}`).ID
	w.seen(t, strict)
	w.seen(t, loose)
	ask := func(s *service, text, team string) budgetAnswer {
		return s.askFor(t, "/chat/completions", asks(text, 20), tagged("team="+team))
	}
	for i := range 4 {
		for _, team := range []string{"a", "b"} {
			if a := ask(w.service[0], fmt.Sprint("before ", i), team); a.status != http.StatusOK {
				t.Fatalf("%+v", a)
			}
		}
	}
	w.redis.Stop()
	for _, s := range w.service {
		a := ask(s, "while redis is away", "a")
		if a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, "weir_budget_unavailable") || a.header.Get("Retry-After") == "" {
			t.Errorf("a strict budget: %+v", a)
		}
		if a := ask(s, "while redis is away", "b"); a.status != http.StatusOK {
			t.Errorf("an expected budget: %+v", a)
		}
		resp, err := http.Get(s.url + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		if err = errors.Join(err, resp.Body.Close()); err != nil || resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), `"redis"`) {
			t.Errorf("/readyz: %d %s %v", resp.StatusCode, text, err)
		}
		var system struct{ Qdrant *api.StoreHealth }
		s.get(t, "/system", &system)
		if q := system.Qdrant; !strings.Contains(string(text), `"qdrant"`) || q == nil || q.OK || !strings.Contains(q.Error, "http://127.0.0.1:1") {
			t.Errorf("without Qdrant /readyz says %s and the system %+v", text, q)
		}
	}
	w.redis.Again()
	deadline := time.Now().Add(60 * time.Second)
	for ask(other, "after", "a").status != http.StatusOK {
		if time.Now().After(deadline) {
			t.Fatal("the strict budget does not come back")
		}
		<-time.After(100 * time.Millisecond) // the servers' own time
	}
}
