package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/weir-dev/weir/ingest/limit"
)

// LimitConfig bounds how many calls come and run, for what its scope picks.
type LimitConfig struct {
	Scope             map[string]string `yaml:"scope"` // project, key, user, session, model, tag.NAME; * counts each by itself; empty: this weir
	RequestsPerMinute int64             `yaml:"requests_per_minute"`
	TokensPerMinute   int64             `yaml:"tokens_per_minute"` // input and output
	Concurrent        int64             `yaml:"concurrent"`        // calls under way
	Burst             int64             `yaml:"burst"`             // requests at once; those of a minute unless said

	position
}

func (l *LimitConfig) rule() limit.Rule {
	return limit.Rule{
		Scope: l.Scope, RequestsPerMinute: l.RequestsPerMinute, TokensPerMinute: l.TokensPerMinute, Concurrent: l.Concurrent, Burst: l.Burst,
	}
}

// limitRules are the configured limits.
func limitRules(cfg Config) []limit.Rule {
	out := make([]limit.Rule, len(cfg.Limits))
	for i := range cfg.Limits {
		out[i] = cfg.Limits[i].rule()
	}
	return out
}

func (c *Config) validateLimits(faults *configFaults) {
	first := map[string]int{}
	for i := range c.Limits {
		l := &c.Limits[i]
		at := fmt.Sprintf("limits[%d]", i)
		r := l.rule()
		if err := r.Check(); err != nil {
			faults.add(l.line, "%s: %s", at, strings.TrimPrefix(err.Error(), errors.Unwrap(err).Error()+": "))
			continue
		}
		name := r.Name()
		if line, twice := first[name]; twice {
			faults.add(l.line, "%s: the limit on line %d has the same scope; join them", at, line)
			continue
		}
		first[name] = l.line
	}
}
