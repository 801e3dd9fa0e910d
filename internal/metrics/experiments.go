package metrics

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Turn is something that was decided about an experiment.
type Turn struct {
	Experiment string
	What       string // started, stopped, concluded
	Winner     string // of one that was concluded for an arm
	At         time.Time
}

// WatchExperiments exports the turns of experiments, the last maxNames of them; state is called at each scrape and gives a
// slice of its own. Call it once.
func (s *Set) WatchExperiments(state func() []Turn) { s.registry.MustRegister(turns{state}) }

type turns struct{ state func() []Turn }

var experimentTurned = prometheus.NewDesc("weir_experiment_turned_timestamp_seconds", "When an experiment was started, and stopped or concluded, for marks on charts; the last 200 of all experiments.", []string{"experiment", "turn", "winner"}, nil)

// Describe names the series.
func (turns) Describe(ch chan<- *prometheus.Desc) { ch <- experimentTurned }

// Collect reads the state once.
func (t turns) Collect(ch chan<- prometheus.Metric) {
	now := t.state()
	slices.SortFunc(now, func(a, b Turn) int { return b.At.Compare(a.At) })
	for _, one := range now[:min(len(now), maxNames)] {
		ch <- prometheus.MustNewConstMetric(experimentTurned, prometheus.GaugeValue, unixSeconds(one.At), one.Experiment, one.What, one.Winner)
	}
}
