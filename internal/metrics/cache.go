package metrics

import "github.com/prometheus/client_golang/prometheus"

// Cache is the response cache at one moment.
type Cache struct {
	Hits, Misses, Fills int64
	SavedUSD            float64
	Entries             int64
	Bytes, MaxBytes     int64
	Evictions, Expired  int64
}

// WatchCache exports the response cache; state is called at each scrape. Call it once.
func (s *Set) WatchCache(state func() Cache) { s.registry.MustRegister(cache{state}) }

type cache struct{ state func() Cache }

// cacheFigures are the series of the response cache.
var cacheFigures = []struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*Cache) float64
}{
	{cacheFigure("hits_total", "Calls answered from the response cache."), prometheus.CounterValue, func(c *Cache) float64 { return float64(c.Hits) }},
	{cacheFigure("misses_total", "Calls that asked for the response cache and were not answered from it."), prometheus.CounterValue, func(c *Cache) float64 { return float64(c.Misses) }},
	{cacheFigure("fills_total", "Answers put into the response cache."), prometheus.CounterValue, func(c *Cache) float64 { return float64(c.Fills) }},
	{cacheFigure("saved_usd_total", "What the calls answered from the response cache would have cost in dollars, where that is known."), prometheus.CounterValue, func(c *Cache) float64 { return c.SavedUSD }},
	{cacheFigure("entries", "Answers in the response cache."), prometheus.GaugeValue, func(c *Cache) float64 { return float64(c.Entries) }},
	{cacheFigure("bytes", "Bytes of the answers in the response cache."), prometheus.GaugeValue, func(c *Cache) float64 { return float64(c.Bytes) }},
	{cacheFigure("max_bytes", "The bound of weir_cache_bytes."), prometheus.GaugeValue, func(c *Cache) float64 { return float64(c.MaxBytes) }},
	{cacheFigure("evictions_total", "Answers that made room for others in the response cache."), prometheus.CounterValue, func(c *Cache) float64 { return float64(c.Evictions) }},
	{cacheFigure("expired_total", "Answers in the response cache that came to the end of their time."), prometheus.CounterValue, func(c *Cache) float64 { return float64(c.Expired) }},
}

func cacheFigure(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("weir_cache_"+name, help, nil, nil)
}

// Describe names the series.
func (cache) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range cacheFigures {
		ch <- f.desc
	}
}

// Collect reads the state once, so that its figures are of one moment.
func (c cache) Collect(ch chan<- prometheus.Metric) {
	now := c.state()
	for _, f := range cacheFigures {
		ch <- prometheus.MustNewConstMetric(f.desc, f.kind, f.value(&now))
	}
}
