package main

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/weir-dev/weir/api"
	"github.com/weir-dev/weir/ingest/cache"
	"github.com/weir-dev/weir/internal/metrics"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// cacheState shows the response cache to the API and to /metrics. Safe for concurrent use.
type cacheState struct {
	stage *cache.Stage
	saved atomic.Int64 // nanodollars
}

var _ api.Cache = (*cacheState)(nil)

// cached puts the response cache in front of what answers calls.
func cached(next llm.Sender, cfg Config, store cache.Store, like *cache.SemanticConfig, log *slog.Logger) *cacheState {
	return &cacheState{stage: cache.Serve(next, cache.Config{
		Store: store, Policy: cachePolicy(cfg), MaxEntry: int(min(max(1<<20, cfg.Cache.MaxBytes/16), 8<<20)), Semantic: like, Log: log,
	})}
}

// cachePolicy says what holds for a call: what its route says, else its project, else the installation.
func cachePolicy(cfg Config) func(*llm.Call) cache.Policy {
	policy := func(c CacheRule, or cache.Policy) cache.Policy {
		if c.Exact != "" {
			or.Exact = cache.Mode(c.Exact)
		}
		if c.TTL > 0 {
			or.TTL = c.TTL
		}
		if c.Semantic != nil {
			or.Semantic = *c.Semantic
		}
		return or
	}
	general := cache.Policy{Exact: cache.Mode(cfg.Cache.Exact), TTL: cfg.Cache.TTL, Semantic: cfg.Cache.Semantic.Threshold}
	kept := contentKept(cfg)
	projects, routes := map[string]CacheRule{}, map[string]CacheRule{}
	for _, p := range cfg.Projects {
		if p.Cache != nil {
			projects[p.Name] = *p.Cache
		}
	}
	for _, r := range cfg.Routes {
		if r.Cache != nil {
			routes[r.Model] = *r.Cache
		}
	}
	return func(call *llm.Call) cache.Policy {
		p := policy(routes[call.Model], policy(projects[call.Project], general))
		if !kept(call.Project) {
			p.Semantic = cache.Never
		}
		return p
	}
}

// Observe adds up what hits save.
func (s *cacheState) Observe(r *trace.Record) {
	if r.Call.Cache == trace.CacheHit || r.Call.Cache == trace.CacheSemantic {
		s.saved.Add(int64(r.Call.Saved))
	}
}

// Stats gives the figures of one moment.
func (s *cacheState) Stats(ctx context.Context) (api.CacheStats, error) {
	u, err := s.stage.Usage(ctx)
	n := s.stage.Counts()
	like, _ := s.stage.SemanticCounts()
	return api.CacheStats{
		Semantic: api.CacheSemantic(like),
		Hits:     n.Hits, Misses: n.Misses, Fills: n.Fills, SavedUSD: price.USD(s.saved.Load()),
		Entries: u.Entries, Bytes: u.Bytes, MaxBytes: u.MaxBytes, Evictions: u.Evictions, Expired: u.Expired,
	}, err
}

// metrics gives what /metrics says. Of a store that cannot tell, only what was counted here is known.
func (s *cacheState) metrics() metrics.Cache {
	st, _ := s.Stats(context.Background())
	return metrics.Cache{
		SemanticHits: st.Semantic.Hits, SemanticFailures: st.Semantic.Failures, SemanticRefused: st.Semantic.Refused, SemanticKept: st.Semantic.Kept, SemanticLost: st.Semantic.Lost,
		AuditsAgreed: st.Semantic.Agreed, AuditsDisagreed: st.Semantic.Disagreed, AuditsUnsure: st.Semantic.Unsure, AuditsSkipped: st.Semantic.Skipped,
		Hits: st.Hits, Misses: st.Misses, Fills: st.Fills, SavedUSD: st.SavedUSD.Float64(),
		Entries: st.Entries, Bytes: st.Bytes, MaxBytes: st.MaxBytes, Evictions: st.Evictions, Expired: st.Expired,
	}
}

// Purge removes what the filter picks.
func (s *cacheState) Purge(ctx context.Context, f api.CacheFilter) (int, error) {
	return s.stage.Purge(ctx, cache.Filter(f))
}

// validateCache reports what is wrong with the response cache's settings.
func (c *Config) validateCache(faults *configFaults) {
	check := func(line int, at, exact string) {
		if exact != "" && !slices.Contains(cache.Modes, exact) {
			faults.add(line, "%scache.exact: %q is none of %s", at, exact, strings.Join(cache.Modes, ", "))
		}
	}
	check(faults.lines["cache.exact"], "", c.Cache.Exact)
	c.validateSemantic(faults)
	if c.Cache.MaxBytes < 0 {
		faults.of("cache.max_bytes", "%d is below zero; 0 takes the default", c.Cache.MaxBytes)
	}
	for _, p := range c.Projects {
		if p.Cache != nil {
			check(p.Cache.line, "project "+p.Name+": ", p.Cache.Exact)
			c.validateLikeness(faults, p.Cache, "project "+p.Name+": ")
		}
	}
	for _, r := range c.Routes {
		if r.Cache != nil {
			check(r.Cache.line, "route "+r.Model+": ", r.Cache.Exact)
			c.validateLikeness(faults, r.Cache, "route "+r.Model+": ")
		}
	}
}
