package main

import (
	"context"
	"crypto/rand"
	"slices"

	"github.com/weir-dev/weir/ingest/cache"
	"github.com/weir-dev/weir/ingest/redact"
	"github.com/weir-dev/weir/llm"
)

// chainTop is the outermost stage for what the stages within ask of their own. It is set once the chain is built, before any
// call comes.
type chainTop struct{ llm.Sender }

// likeQuestions is how the response cache compares questions by their meaning, nil without a model for it.
func likeQuestions(cfg Config, store cache.Store, vectors cache.Vectors, top *chainTop) *cache.SemanticConfig {
	c := cfg.Cache.Semantic
	if c.Model == "" {
		return nil
	}
	home := "shared"
	if _, own := store.(*cache.Memory); own { // its answers end with this process
		home = rand.Text()
	}
	return &cache.SemanticConfig{
		Vectors: vectors, Home: home, Model: c.Model, Dimensions: c.Dimensions, Floor: c.Floor, Timeout: c.Timeout, MaxVectors: c.MaxVectors,
		Top:   llm.SenderFunc(func(ctx context.Context, call *llm.Call) (*llm.Response, error) { return top.Send(ctx, call) }),
		Audit: cache.Audit(c.Audit),
	}
}

// contentKept says of a project whether what is said may be kept. A vector can be turned back into words of much the same
// meaning, so that where these are not kept, it is not either.
func contentKept(cfg Config) func(project string) bool {
	hidden := func(content string) bool {
		return slices.Contains([]redact.Policy{redact.Hash, redact.None}, redact.Policy(content))
	}
	own := map[string]bool{}
	for _, p := range cfg.Projects {
		if p.Record != nil {
			own[p.Name] = !hidden(p.Record.Content)
		}
	}
	general := !hidden(cfg.Record.Content)
	return func(project string) bool {
		if kept, ok := own[project]; ok {
			return kept
		}
		return general
	}
}

// validateSemantic reports what is wrong with cache.semantic.
func (c *Config) validateSemantic(faults *configFaults) {
	s := c.Cache.Semantic
	for path, n := range map[string]float64{"threshold": s.Threshold, "floor": s.Floor, "audit.share": s.Audit.Share} {
		if !(n >= 0 && n <= 1) {
			faults.of("cache.semantic."+path, "%v is not from 0 to 1", n)
		}
	}
	const most = 8192
	if s.Dimensions < 0 || s.Dimensions > most {
		faults.of("cache.semantic.dimensions", "%d is not from 0, which takes the model's own, to %d", s.Dimensions, most)
	}
	if s.MaxVectors < 0 {
		faults.of("cache.semantic.max_vectors", "%d is below zero; 0 takes the default", s.MaxVectors)
	}
	if s.Threshold > 0 && s.Model == "" {
		faults.of("cache.semantic.threshold", "needs cache.semantic.model, which makes the vectors of questions")
	}
	if s.Audit.Share > 0 && s.Audit.Model == "" {
		faults.of("cache.semantic.audit.share", "needs cache.semantic.audit.model, which looks at the answers")
	}
}

// validateLikeness reports what is wrong with one project's or route's threshold.
func (c *Config) validateLikeness(faults *configFaults, r *CacheRule, at string) {
	switch {
	case r.Semantic == nil:
	case !(*r.Semantic >= 0 && *r.Semantic <= 1):
		faults.add(r.line, "%scache.semantic: %v is not from 0 to 1", at, *r.Semantic)
	case *r.Semantic > 0 && c.Cache.Semantic.Model == "":
		faults.add(r.line, "%scache.semantic needs cache.semantic.model on the top level, which makes the vectors of questions", at)
	}
}
