package metrics

import (
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Prompts is the snapshot of the prompts that calls are answered with.
type Prompts struct {
	Revision int64
	Stale    bool   // it may be older than what the control plane has
	Moves    []Move // the last of each label
}

// Move is where a label of a prompt points to, and since when.
type Move struct {
	Prompt, Label string
	Version       int
	At            time.Time
}

// WatchPrompts exports the snapshot of the prompts; state is called at each scrape. Call it once.
func (s *Set) WatchPrompts(state func() Prompts) { s.registry.MustRegister(snapshot{state}) }

type snapshot struct{ state func() Prompts }

var (
	promptsRevision = prometheus.NewDesc("weir_prompts_revision", "Revision of the prompts that calls are answered with here; it is the same on all replicas when they have converged.", nil, nil)
	promptsStale    = prometheus.NewDesc("weir_prompts_stale", "1 while those prompts may be old, because the control plane does not answer.", nil, nil)
	promptMoved     = prometheus.NewDesc("weir_prompt_moved_timestamp_seconds", "When a label of a prompt was moved to the version it points to, for marks on charts; of the 200 labels that moved last.", []string{"prompt", "label", "version"}, nil)
)

// Describe names the series.
func (snapshot) Describe(ch chan<- *prometheus.Desc) {
	ch <- promptsRevision
	ch <- promptsStale
	ch <- promptMoved
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
	slices.SortFunc(now.Moves, func(a, b Move) int { return b.At.Compare(a.At) })
	for _, m := range now.Moves[:min(len(now.Moves), maxNames)] {
		ch <- prometheus.MustNewConstMetric(promptMoved, prometheus.GaugeValue, unixSeconds(m.At), m.Prompt, m.Label, strconv.Itoa(m.Version))
	}
}

func unixSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1e3 }
