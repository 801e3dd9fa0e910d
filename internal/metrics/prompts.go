package metrics

import "github.com/prometheus/client_golang/prometheus"

// Prompts is the snapshot of the prompts that calls are answered with.
type Prompts struct {
	Revision int64
	Stale    bool // it may be older than what the control plane has
}

// WatchPrompts exports the snapshot of the prompts; state is called at each scrape. Call it once.
func (s *Set) WatchPrompts(state func() Prompts) { s.registry.MustRegister(snapshot{state}) }

type snapshot struct{ state func() Prompts }

var (
	promptsRevision = prometheus.NewDesc("weir_prompts_revision", "Revision of the prompts that calls are answered with here; it is the same on all replicas when they have converged.", nil, nil)
	promptsStale    = prometheus.NewDesc("weir_prompts_stale", "1 while those prompts may be old, because the control plane does not answer.", nil, nil)
)

// Describe names the series.
func (snapshot) Describe(ch chan<- *prometheus.Desc) {
	ch <- promptsRevision
	ch <- promptsStale
}

// Collect reads the state once.
func (s snapshot) Collect(ch chan<- prometheus.Metric) {
	now := s.state()
	stale := 0.0
	if now.Stale {
		stale = 1
	}
	ch <- prometheus.MustNewConstMetric(promptsRevision, prometheus.GaugeValue, float64(now.Revision))
	ch <- prometheus.MustNewConstMetric(promptsStale, prometheus.GaugeValue, stale)
}
