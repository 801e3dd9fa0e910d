package metrics

import "github.com/prometheus/client_golang/prometheus"

// Cache is the response cache at one moment.
type Cache struct {
	Hits, Misses, Fills int64
	SavedUSD            float64
	Entries             int64
	Bytes, MaxBytes     int64
	Evictions, Expired  int64

	SemanticHits, SemanticFailures, SemanticRefused, SemanticKept, SemanticLost int64
	AuditsAgreed, AuditsDisagreed, AuditsUnsure, AuditsSkipped                  int64
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
	{cacheFigure("semantic_hits_total", "Calls answered with the answer of a like question, which are hits too."), prometheus.CounterValue, func(c *Cache) float64 { return float64(c.SemanticHits) }},
	{cacheFigure("semantic_failures_total", "Questions that went on because no vector of them was had, or none could be looked for."), prometheus.CounterValue, func(c *Cache) float64 { return float64(c.SemanticFailures) }},
	{cacheFigure("semantic_refused_total", "Questions that went on because a limit or a budget left no room for their vector."), prometheus.CounterValue, func(c *Cache) float64 { return float64(c.SemanticRefused) }},
	{cacheFigure("semantic_kept_total", "Answered questions that were kept to be found by their meaning."), prometheus.CounterValue, func(c *Cache) float64 { return float64(c.SemanticKept) }},
	{cacheFigure("semantic_lost_total", "Answered questions that were not kept to be found by their meaning."), prometheus.CounterValue, func(c *Cache) float64 { return float64(c.SemanticLost) }},
	{cacheFigure("audits_agreed_total", "Audits that found that the answer of a like question answers the question."), prometheus.CounterValue, func(c *Cache) float64 { return float64(c.AuditsAgreed) }},
	{cacheFigure("audits_disagreed_total", "Audits that found that it does not."), prometheus.CounterValue, func(c *Cache) float64 { return float64(c.AuditsDisagreed) }},
	{cacheFigure("audits_unsure_total", "Audits that failed or said neither."), prometheus.CounterValue, func(c *Cache) float64 { return float64(c.AuditsUnsure) }},
	{cacheFigure("audits_skipped_total", "Audits left out because too many waited."), prometheus.CounterValue, func(c *Cache) float64 { return float64(c.AuditsSkipped) }},
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
