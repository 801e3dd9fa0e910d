// Package metrics counts what an operator watches, in a small set of Prometheus series whose labels are bounded.
package metrics

import (
	"net/http"
	"runtime"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// maxModels bounds the values of the label model: what comes after is counted under "other". Users, keys and tags are
// never labels; ask the API or ClickHouse for them.
const maxModels = 200

// Set is weir's metrics. Safe for concurrent use.
type Set struct {
	registry *prometheus.Registry

	calls    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	ttft     *prometheus.HistogramVec
	tokens   *prometheus.CounterVec
	cost     *prometheus.CounterVec
	unpriced *prometheus.CounterVec
	attempts *prometheus.CounterVec

	mu     sync.RWMutex // guards models
	models map[string]struct{}
}

// seconds are bucket bounds from 5 ms to 10 min: LLM answers take long.
var seconds = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 600}

// New makes the set. version is weir's own, state gives the spool's at each scrape.
func New(version string, state func() Spool) *Set {
	s := &Set{registry: prometheus.NewRegistry(), models: map[string]struct{}{}}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "weir", Name: name, Help: help}, labels)
		s.registry.MustRegister(v)
		return v
	}
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "weir", Name: name, Help: help, Buckets: seconds}, labels)
		s.registry.MustRegister(v)
		return v
	}
	s.calls = counter("calls_total", "Calls by how they ended.", "endpoint", "provider", "model", "status")
	s.duration = histogram("call_duration_seconds", "Time from the request line to the last byte relayed.", "endpoint", "provider")
	s.ttft = histogram("time_to_first_token_seconds", "Time from the request line to the first content of a stream.", "provider")
	s.tokens = counter("tokens_total", "Tokens by usage bucket.", "provider", "model", "bucket")
	s.cost = counter("cost_usd_total", "Cost of priced calls in dollars, for rates and alerts; exact sums are in the store.", "provider", "model")
	s.unpriced = counter("unpriced_calls_total", "Calls answered by a model without a price.", "provider", "model")
	s.attempts = counter("upstream_attempts_total", "Tries at providers beyond the first of a call.", "provider", "outcome")

	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "weir", Name: "build_info", Help: "Always 1."}, []string{"version", "go"})
	info.WithLabelValues(version, runtime.Version()).Set(1)
	s.registry.MustRegister(info, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &spool{state})
	return s
}

// Handler serves /metrics.
func (s *Set) Handler() http.Handler {
	return promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{Registry: s.registry})
}

// Observe counts a finished call.
func (s *Set) Observe(r *trace.Record) {
	c := &r.Call
	provider, model := c.Provider, s.model(c.Model)
	s.calls.WithLabelValues(string(c.Endpoint), provider, model, string(c.Status)).Inc()
	s.duration.WithLabelValues(string(c.Endpoint), provider).Observe(c.Duration.Seconds())
	if c.TTFT > 0 {
		s.ttft.WithLabelValues(provider).Observe(c.TTFT.Seconds())
	}
	for _, b := range [...]struct {
		name string
		n    int64
	}{
		{"input_uncached", c.Usage.InputUncached},
		{"cache_read", c.Usage.CacheRead},
		{"cache_write", c.Usage.CacheWrite5m + c.Usage.CacheWrite1h},
		{"input_audio", c.Usage.InputAudio},
		{"output_text", c.Usage.OutputText},
		{"reasoning", c.Usage.Reasoning},
		{"output_audio", c.Usage.OutputAudio},
	} {
		if b.n > 0 {
			s.tokens.WithLabelValues(provider, model, b.name).Add(float64(b.n))
		}
	}
	if usd, ok := c.KnownCost(); ok && usd > 0 {
		s.cost.WithLabelValues(provider, model).Add(usd.Float64())
	}
	if c.PriceStatus == price.Unpriced {
		s.unpriced.WithLabelValues(provider, model).Inc()
	}
	for i := range r.Attempts[:max(len(r.Attempts)-1, 0)] {
		s.attempts.WithLabelValues(r.Attempts[i].Provider, string(r.Attempts[i].Status)).Inc()
	}
}

// model bounds the label: model names come from clients and providers.
func (s *Set) model(name string) string {
	s.mu.RLock()
	_, known := s.models[name]
	full := len(s.models) >= maxModels
	s.mu.RUnlock()
	switch {
	case known:
		return name
	case full:
		return "other"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.models) >= maxModels {
		return "other"
	}
	s.models[name] = struct{}{}
	return name
}
