package main

import (
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/api"
	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// likely is a configuration in which the route faq compares questions by their meaning.
func likely(t *testing.T, more string) Config {
	t.Helper()
	cfg := simulatedOpenAI(t, simulator.Config{Seed: 9})
	providers := cfg.Providers
	faults := &configFaults{}
	decodeConfig([]byte(`
cache: {semantic: {model: text-embedding-3-small, dimensions: 256, floor: 0.6, timeout: 1m`+more+`}}
routes:
  - {model: faq, targets: [{provider: openai, model: gpt-4o-mini}], cache: {semantic: 0.8}}
  - {model: yes, targets: [{provider: openai, model: sim-text-YES}]}
  - {model: no, targets: [{provider: openai, model: sim-text-NO}]}
  - {model: down, targets: [{provider: openai, model: sim-status-503}]}
`), &cfg, faults)
	cfg.Providers = providers
	cfg.validate(faults)
	if err := faults.asError(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// likeness is what the simulated embedding says of two questions.
func likeness(a, b string) (cos float64) {
	v, w := simulator.Embed("text-embedding-3-small", a, 256), simulator.Embed("text-embedding-3-small", b, 256)
	for i := range v {
		cos += float64(v[i]) * float64(w[i])
	}
	return cos
}

// cacheStats waits until the cache's figures are as they should be.
func (s *service) cacheStats(t *testing.T, until func(*api.CacheStats) bool) api.CacheStats {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		var st api.CacheStats
		if s.get(t, "/cache", &st); until(&st) {
			return st
		}
		if time.Now().After(deadline) {
			t.Fatalf("the cache's figures stay %+v", s.stats(t))
		}
		<-time.After(20 * time.Millisecond)
	}
}

func (s *service) stats(t *testing.T) (st api.CacheStats) {
	t.Helper()
	s.get(t, "/cache", &st)
	return st
}

func TestALikeQuestionThroughWeir(t *testing.T) {
	w := startWeir(t, likely(t, `, audit: {share: 1, model: yes}`))
	mine := cacheClient{w, w.firstKey.Reveal()}
	var made struct{ Key string }
	w.sendAdmin(t, http.MethodPost, "/keys", `{"project":"other","name":"k"}`, &made)
	others := cacheClient{w, made.Key}
	const first, like, unlike = "How can I return a damaged parcel to your shop?", "How can I return the damaged parcel to your shop please?", "Which trains go to Lisbon on a Sunday?"
	if near, far := likeness(first, like), likeness(first, unlike); near < 0.82 || near > 0.9999 || far > 0.6 {
		t.Fatalf("the simulated embeddings say %v and %v", near, far)
	}
	body := func(model, question, more string) string {
		return `{"model":"` + model + `","messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"` + question + `"}]` + more + `}`
	}
	check := func(c cacheClient, body, use string, header ...string) (trace.Span, string) {
		t.Helper()
		resp, text := c.post(t, body, header...)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Weir-Cache") != use {
			t.Fatalf("%d, cache %q, want %q: %s", resp.StatusCode, resp.Header.Get("X-Weir-Cache"), use, text)
		}
		return w.call(t, resp.Header.Get("X-Weir-Call-Id")).Call, text
	}
	kept := func(n int64) {
		t.Helper()
		w.cacheStats(t, func(st *api.CacheStats) bool { return st.Semantic.Kept == n })
	}
	original, want := check(mine, body("faq", first, ""), "miss")
	kept(1)
	hit, got := check(mine, body("faq", like, ""), "semantic")
	if got != want {
		t.Errorf("the answer is %q, was %q", got, want)
	}
	if hit.Cache != trace.CacheSemantic || hit.CacheNeighbor != original.ID || math.Abs(hit.CacheScore-likeness(first, like)) > 1e-4 || hit.Cost != 0 || hit.PriceStatus != price.Exact ||
		hit.Saved != original.Cost || hit.Saved == 0 || hit.Attempts != 0 || hit.Provider != "openai" || hit.UsageSource != llm.FromProvider {
		t.Errorf("first %+v\nhit %+v", original, hit)
	}
	if diff := cmp.Diff(original.Usage, hit.Usage); diff != "" {
		t.Errorf("usage (-first +hit): %s", diff)
	}
	var told struct {
		Neighbor string   `json:"cache_neighbor"`
		Score    *float64 `json:"cache_score"`
	}
	w.get(t, "/calls/"+hit.ID, &told)
	if told.Neighbor != original.ID || told.Score == nil || *told.Score != hit.CacheScore {
		t.Errorf("the API says %+v", told)
	}

	t.Run("the vector is a call of its own", func(t *testing.T) {
		w.cacheStats(t, func(st *api.CacheStats) bool { return st.Semantic.Agreed == 1 })
		w.settle(t)
		spans, err := w.reader.Trace(t.Context(), hit.TraceID, 10)
		if err != nil {
			t.Fatal(err)
		}
		var embeddings, judges int
		for _, s := range spans {
			switch {
			case s.ID == hit.ID:
			case s.Endpoint == llm.Embeddings:
				embeddings++
				if s.ParentID != hit.SpanID || s.Cost == 0 || s.Project != "default" || s.Key != hit.Key || s.Cache != trace.CacheOff {
					t.Errorf("%+v", s)
				}
			case s.Endpoint == llm.ChatCompletions:
				judges++
				if s.ParentID != hit.SpanID || s.ModelRequested != "yes" || s.Cache != trace.CacheOff {
					t.Errorf("%+v", s)
				}
			}
		}
		if embeddings != 1 || judges != 1 || len(spans) != 3 {
			t.Errorf("%d spans, %d of them embeddings, %d audits", len(spans), embeddings, judges)
		}
	})
	t.Run("nobody else and nothing else", func(t *testing.T) {
		check(others, body("faq", like, ""), "miss")
		check(mine, body("faq", unlike, ""), "miss")
		check(mine, body("faq", like, `,"temperature":0.1`), "miss")
		check(mine, strings.Replace(body("faq", like, ""), "kind", "rude", 1), "miss")
		check(mine, body("gpt-4o-mini", like, ""), "off")
		check(mine, body("gpt-4o-mini", like, ""), "miss", "X-Weir-Cache", "read;semantic=0.8")
		check(mine, body("faq", "How can I return a damaged parcel to your warehouse?", ""), "miss", "X-Weir-Cache", "read;semantic=0.99")
	})
	t.Run("a stream", func(t *testing.T) {
		span, events := check(mine, body("faq", like, `,"stream":true`), "semantic")
		if !span.Stream || span.Saved != original.Cost || !strings.HasSuffix(events, "data: [DONE]\n\n") || !strings.Contains(events, `chat.completion.chunk`) {
			t.Errorf("%+v %q", span, events)
		}
	})
	t.Run("figures", func(t *testing.T) {
		st := w.cacheStats(t, func(st *api.CacheStats) bool { return st.Semantic.Agreed == 2 })
		if st.Hits != 2 || st.Semantic.Hits != 2 || st.SavedUSD != 2*original.Cost || st.Semantic.Failures != 0 || st.Semantic.Disagreed != 0 {
			t.Errorf("%+v", st)
		}
		resp, err := http.Get(w.url + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		for _, line := range []string{"weir_cache_semantic_hits_total 2\n", "weir_cache_audits_agreed_total 2\n"} {
			if !strings.Contains(string(text), line) {
				t.Errorf("/metrics lacks %s", line)
			}
		}
		w.checkBooks(t)
	})
	t.Run("purge", func(t *testing.T) {
		kept(7)
		var gone struct{ Purged int }
		w.sendAdmin(t, http.MethodDelete, "/cache?project=default&model=faq", "", &gone)
		check(mine, body("faq", like, ""), "miss")
		kept(8)
		check(mine, body("faq", first, ""), "semantic")
	})
}

func TestAJudgeWhoDisagreesEndsIt(t *testing.T) {
	w := startWeir(t, likely(t, `, audit: {share: 1, model: no}`))
	c := cacheClient{w, w.firstKey.Reveal()}
	ask := func(question, want string) {
		t.Helper()
		resp, text := c.post(t, `{"model":"faq","messages":[{"role":"user","content":"`+question+`"}]}`)
		if got := resp.Header.Get("X-Weir-Cache"); got != want {
			t.Fatalf("%s: cache %q, want %q: %s", question, got, want, text)
		}
	}
	ask("How can I return a damaged parcel to your shop?", "miss")
	w.cacheStats(t, func(s *api.CacheStats) bool { return s.Semantic.Kept == 1 })
	ask("How can I return the damaged parcel to your shop please?", "semantic")
	w.cacheStats(t, func(s *api.CacheStats) bool { return s.Semantic.Disagreed == 1 })
	ask("How can I return the damaged parcel to your shop, please?", "miss")
	ask("How can I return a damaged parcel to your shop?", "hit")
}

func TestAnEmbedderThatIsDown(t *testing.T) {
	cfg := likely(t, "")
	cfg.Cache.Semantic.Model = "down"
	w := startWeir(t, cfg)
	c := cacheClient{w, w.firstKey.Reveal()}
	for _, question := range []string{"How can I return a damaged parcel?", "How can I return the damaged parcel?"} {
		resp, text := c.post(t, `{"model":"faq","messages":[{"role":"user","content":"`+question+`"}]}`)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Weir-Cache") != "miss" {
			t.Fatalf("%d, cache %q: %s", resp.StatusCode, resp.Header.Get("X-Weir-Cache"), text)
		}
	}
	if s := w.stats(t); s.Semantic.Failures != 2 || s.Semantic.Hits != 0 || s.Fills != 2 {
		t.Errorf("%+v", s)
	}
}
