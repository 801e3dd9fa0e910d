package metrics

import "github.com/prometheus/client_golang/prometheus"

// Redis is the server that replicas share, as one of them sees it.
type Redis struct {
	Up                          int64 // 1 while it answers
	Commands, Failures, Outages int64
	AwaySeconds                 float64
	LocalHolds, RefusedHolds    int64
	Owed, LocalLimits           int64
}

// WatchRedis exports the shared server; state is called at each scrape. Call it once.
func (s *Set) WatchRedis(state func() Redis) { s.registry.MustRegister(redis{state}) }

type redis struct{ state func() Redis }

// redisFigures are the series of the shared server.
var redisFigures = []struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*Redis) float64
}{
	{redisFigure("up", "1 while the Redis server answers."), prometheus.GaugeValue, func(r *Redis) float64 { return float64(r.Up) }},
	{redisFigure("commands_total", "Commands for the Redis server."), prometheus.CounterValue, func(r *Redis) float64 { return float64(r.Commands) }},
	{redisFigure("failures_total", "Commands that it did not answer, or that were not sent because it was away."), prometheus.CounterValue, func(r *Redis) float64 { return float64(r.Failures) }},
	{redisFigure("outages_total", "Times that it went away."), prometheus.CounterValue, func(r *Redis) float64 { return float64(r.Outages) }},
	{redisFigure("away_seconds_total", "How long it was away."), prometheus.CounterValue, func(r *Redis) float64 { return r.AwaySeconds }},
	{redisFigure("local_holds_total", "Calls whose budgets were counted in this process because it was away."), prometheus.CounterValue, func(r *Redis) float64 { return float64(r.LocalHolds) }},
	{redisFigure("refused_holds_total", "Calls refused because it was away."), prometheus.CounterValue, func(r *Redis) float64 { return float64(r.RefusedHolds) }},
	{redisFigure("local_limits_total", "Calls whose limits were counted in this process because it was away."), prometheus.CounterValue, func(r *Redis) float64 { return float64(r.LocalLimits) }},
	{redisFigure("owed", "Settlements and charges that it has not been told of yet."), prometheus.GaugeValue, func(r *Redis) float64 { return float64(r.Owed) }},
}

func redisFigure(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("weir_redis_"+name, help, nil, nil)
}

// Describe names the series.
func (redis) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range redisFigures {
		ch <- f.desc
	}
}

// Collect reads the state once, so that its figures are of one moment.
func (r redis) Collect(ch chan<- prometheus.Metric) {
	now := r.state()
	for _, f := range redisFigures {
		ch <- prometheus.MustNewConstMetric(f.desc, f.kind, f.value(&now))
	}
}
