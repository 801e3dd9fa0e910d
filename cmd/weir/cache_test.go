package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/api"
	"github.com/weir-dev/weir/ingest/cache"
	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

func TestCachePolicy(t *testing.T) {
	clearEnvironment(t)
	cfg := defaultConfig()
	faults := &configFaults{}
	decodeConfig([]byte(`
cache: {exact: off, max_bytes: 1000000, ttl: 10m}
providers: [{name: local, kind: compatible, base_url: "http://127.0.0.1:8000/v1"}]
projects: [{name: bots, cache: {exact: on}}, {name: slow, cache: {ttl: 2h}}]
routes: [{model: fast, targets: [{provider: local, model: m}], cache: {exact: auto, ttl: 5s}}]
`), &cfg, faults)
	cfg.validate(faults)
	if err := faults.asError(); err != nil {
		t.Fatal(err)
	}
	policy := cachePolicy(cfg)
	for _, tt := range []struct {
		project, model string
		want           cache.Policy
	}{
		{"default", "m", cache.Policy{Exact: cache.Off, TTL: 10 * time.Minute}},
		{"bots", "m", cache.Policy{Exact: cache.On, TTL: 10 * time.Minute}},
		{"slow", "m", cache.Policy{Exact: cache.Off, TTL: 2 * time.Hour}},
		{"default", "fast", cache.Policy{Exact: cache.Auto, TTL: 5 * time.Second}},
		{"bots", "fast", cache.Policy{Exact: cache.Auto, TTL: 5 * time.Second}},
	} {
		if got := policy(&llm.Call{Project: tt.project, Model: tt.model}); got != tt.want {
			t.Errorf("%s %s: %+v, want %+v", tt.project, tt.model, got, tt.want)
		}
	}
}

// cacheClient asks a weir and keeps what it said.
type cacheClient struct {
	*service
	key string
}

// post sends a chat and gives the answer's head and bytes.
func (c cacheClient) post(t *testing.T, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.gateway+"/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// admin sends a request to the API.
func (s *service) sendAdmin(t *testing.T, method, path, body string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.admin.Reveal())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %s %v", method, path, resp.StatusCode, b, err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatalf("%s %s: %v in %s", method, path, err, b)
	}
}

func TestCacheThroughWeir(t *testing.T) {
	var upstream atomic.Int64
	sim := simulator.New(simulator.Config{Seed: 9})
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		upstream.Add(1)
		sim.ServeHTTP(w, r)
	}))
	t.Cleanup(provider.Close)
	cfg := simulatedOpenAI(t, simulator.Config{Seed: 9})
	cfg.Providers[0].BaseURL = provider.URL + "/v1"
	w := startWeir(t, cfg)
	mine := cacheClient{w, w.firstKey.Reveal()}
	var made struct{ Key string }
	w.sendAdmin(t, http.MethodPost, "/keys", `{"project":"other","name":"k"}`, &made)
	others := cacheClient{w, made.Key}

	const chat = `{"model":"gpt-4o-mini","temperature":0,"messages":[{"role":"user","content":"What is a weir?"}]}`
	const stream = `{"stream":true,"stream_options":{"include_usage":true},"seed":4,"model":"gpt-4o-mini","messages":[{"role":"user","content":"And a lock?"}]}`
	calls := int64(0)
	check := func(t *testing.T, c cacheClient, body, use string, asked int64, header ...string) (trace.Span, string) {
		t.Helper()
		resp, text := c.post(t, body, header...)
		calls += asked
		if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Weir-Cache") != use || upstream.Load() != calls {
			t.Fatalf("%d, cache %q, want %q; %d calls upstream, want %d: %s", resp.StatusCode, resp.Header.Get("X-Weir-Cache"), use, upstream.Load(), calls, text)
		}
		return w.call(t, resp.Header.Get("X-Weir-Call-Id")).Call, text
	}
	var saved int64
	for _, body := range []string{chat, stream} {
		first, want := check(t, mine, body, "miss", 1, "X-Weir-Tags", "team=a")
		hit, got := check(t, mine, body, "hit", 0, "X-Weir-Tags", "team=b")
		if got != want {
			t.Errorf("the repeated answer differs:\n%q\n%q", want, got)
		}
		if first.Cost <= 0 || first.Cache != trace.CacheMiss || hit.Cost != 0 || hit.Saved != first.Cost || hit.Cache != trace.CacheHit || hit.Attempts != 0 ||
			hit.Provider != "openai" || hit.Model != first.Model || hit.Tags["team"] != "b" || hit.UsageSource != llm.FromProvider {
			t.Errorf("first %+v\nhit %+v", first, hit)
		}
		if diff := cmp.Diff(first.Usage, hit.Usage); diff != "" {
			t.Errorf("usage (-first +hit): %s", diff)
		}
		saved += int64(hit.Saved)
		check(t, others, body, "miss", 1) // another project, the same body
	}
	check(t, mine, strings.Replace(chat, `"temperature":0,`, "", 1), "off", 1)
	check(t, mine, chat, "miss", 1, "X-Weir-Cache", "refresh")
	check(t, mine, chat, "off", 1, "X-Weir-Cache", "off")

	t.Run("figures", func(t *testing.T) {
		var st api.CacheStats
		w.get(t, "/cache", &st)
		if st.Hits != 2 || st.Misses != 5 || st.Fills != 5 || st.Entries != 4 || st.Bytes == 0 || st.MaxBytes != 16<<20 || int64(st.SavedUSD) != saved {
			t.Errorf("%+v", st)
		}
		resp, err := http.Get(w.url + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		for _, line := range []string{"weir_cache_hits_total 2\n", "weir_cache_misses_total 5\n", "weir_cache_entries 4\n"} {
			if !bytes.Contains(text, []byte(line)) {
				t.Errorf("/metrics lacks %s", line)
			}
		}
		var costs struct {
			Total struct {
				CacheHits int64  `json:"cache_hits"`
				SavedUSD  string `json:"saved_usd"`
			} `json:"total"`
		}
		for _, by := range []string{"model,day", "user", "tag.team", "session"} {
			w.get(t, "/costs?since=2d&by="+by, &costs)
			if costs.Total.CacheHits != 2 || costs.Total.SavedUSD != st.SavedUSD.String() {
				t.Errorf("costs by %s: %+v, want 2 hits and %v", by, costs.Total, st.SavedUSD)
			}
		}
		w.checkBooks(t)
	})
	t.Run("purge", func(t *testing.T) {
		purge := func(query string, want int) {
			t.Helper()
			var gone struct{ Purged int }
			if w.sendAdmin(t, http.MethodDelete, "/cache"+query, "", &gone); gone.Purged != want {
				t.Errorf("%s: %d purged, want %d", query, gone.Purged, want)
			}
		}
		purge("?project=nobody", 0)
		purge("?older_than=1h", 0)
		purge("?project=other&tag.team=a", 0)
		purge("?tag.team=a", 1) // the other one was refreshed by a call without tags
		check(t, mine, stream, "miss", 1)
		check(t, mine, chat, "hit", 0)
		purge("?project=other&model=gpt-4o-mini", 2)
		check(t, others, chat, "miss", 1)
		purge("", 3)
		check(t, mine, chat, "miss", 1)
	})
	t.Run("many at once", func(t *testing.T) {
		const n = 40
		body := strings.Replace(chat, "What is a weir?", "All at once?", 1)
		before := upstream.Load()
		texts := make([]string, n)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() { _, texts[i] = mine.post(t, body) })
		}
		wg.Wait()
		if upstream.Load() != before+1 {
			t.Errorf("%d equal calls at once made %d upstream", n, upstream.Load()-before)
		}
		for _, text := range texts {
			if text != texts[0] {
				t.Errorf("answers differ: %s", text)
			}
		}
	})
}
