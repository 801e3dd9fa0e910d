package metrics

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// maxNames bounds the values of the labels rule and budget: what comes after is counted under "other".
const maxNames = 200

// Refusals counts calls that limits and budgets refused. Safe for concurrent use.
type Refusals struct {
	limits, budgets *prometheus.CounterVec

	mu    sync.Mutex // guards names
	names map[string]struct{}
}

// CountRefusals exports what is counted by the Refusals that it gives. Call it once.
func (s *Set) CountRefusals() *Refusals {
	r := &Refusals{
		limits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "weir", Name: "limit_refusals_total", Help: "Calls refused by a limit, by its scope and kind: requests, tokens, concurrent.",
		}, []string{"rule", "kind"}),
		budgets: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "weir", Name: "budget_refusals_total", Help: "Calls refused by a budget.",
		}, []string{"budget"}),
		names: map[string]struct{}{},
	}
	s.registry.MustRegister(r.limits, r.budgets)
	return r
}

// Limit counts a call that a limit refused.
func (r *Refusals) Limit(rule, kind string) { r.limits.WithLabelValues(r.name(rule), kind).Inc() }

// Budget counts a call that a budget refused.
func (r *Refusals) Budget(name string) { r.budgets.WithLabelValues(r.name(name)).Inc() }

func (r *Refusals) name(n string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.names[n]; !known {
		if len(r.names) >= maxNames {
			return "other"
		}
		r.names[n] = struct{}{}
	}
	return n
}

// Budget is a budget at one moment.
type Budget struct {
	Name         string
	Used         float64 // of the limit that is spent the furthest, as a share
	RemainingUSD float64
	Dollars      bool // it has a limit in dollars
}

// WatchBudgets exports budgets, the first maxNames of them; state is called at each scrape. Call it once.
func (s *Set) WatchBudgets(state func() []Budget) { s.registry.MustRegister(budgets{state}) }

type budgets struct{ state func() []Budget }

var (
	budgetUsed      = prometheus.NewDesc("weir_budget_used_ratio", "What is spent of a budget in its present window, as a share of the limit that is spent the furthest.", []string{"budget"}, nil)
	budgetRemaining = prometheus.NewDesc("weir_budget_remaining_usd", "What is left of a budget's limit in dollars, less what is held for calls under way.", []string{"budget"}, nil)
)

// Describe names the series.
func (budgets) Describe(ch chan<- *prometheus.Desc) {
	ch <- budgetUsed
	ch <- budgetRemaining
}

// Collect reads the state once.
func (b budgets) Collect(ch chan<- prometheus.Metric) {
	seen := map[string]bool{}
	for _, one := range b.state() {
		if seen[one.Name] || len(seen) >= maxNames {
			continue
		}
		seen[one.Name] = true
		ch <- prometheus.MustNewConstMetric(budgetUsed, prometheus.GaugeValue, one.Used, one.Name)
		if one.Dollars {
			ch <- prometheus.MustNewConstMetric(budgetRemaining, prometheus.GaugeValue, one.RemainingUSD, one.Name)
		}
	}
}
