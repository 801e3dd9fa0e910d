// Package report puts what a week or a month cost, saved and suffered on paper: as HTML that prints well, and as plain text.
package report

import (
	"time"

	"github.com/weir-dev/weir/price"
)

// Report is the figures of one period of a project, or of all. Amounts are exact, as the record has them, but for those that are said to be
// estimated. Its JSON is what the API and webhooks give.
type Report struct {
	Kind     Kind      `json:"period"` // week or month
	Name     string    `json:"name"`   // 2026-W47, 2026-10
	Title    string    `json:"title"`  // Week 47, 16 to 22 November 2026
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until"`
	Through  time.Time `json:"through"` // the figures are of calls that began before: until, or when the report was made
	Timezone string    `json:"timezone"`
	Project  string    `json:"project"` // "": all
	MadeAt   time.Time `json:"made_at"`
	URL      string    `json:"url"` // of the report in the console

	Total  Figures `json:"total"`
	Before Before  `json:"before"`
	Days   []Day   `json:"days"` // of the period, in its zone, that have begun

	Budgets   []Budget  `json:"budgets"`  // of the project; of all in a report of all
	Forecast  Forecast  `json:"forecast"` // to the end of the period, or of the next one when this one is over
	Savings   Savings   `json:"savings"`
	Routes    []Route   `json:"routes"` // what clients asked for by a name of the configuration
	Movers    []Movers  `json:"movers"` // by model, user, prompt and key
	Scores    []Score   `json:"scores"`
	Incidents Incidents `json:"incidents"`
}

// Running says that the period is not over.
func (r *Report) Running() bool { return r.Through.Before(r.Until) }

// Figures are sums over calls.
type Figures struct {
	Calls         int64      `json:"calls"`
	Errors        int64      `json:"errors"`
	UnpricedCalls int64      `json:"unpriced_calls"`
	CacheHits     int64      `json:"cache_hits"`
	CostUSD       *price.USD `json:"cost_usd"` // of the priced calls; null when no call has a price
	SavedUSD      price.USD  `json:"saved_usd"`
	InputTokens   int64      `json:"input_tokens"`
	OutputTokens  int64      `json:"output_tokens"`
	LatencyP50MS  *float64   `json:"latency_p50_ms"` // null without calls
	LatencyP95MS  *float64   `json:"latency_p95_ms"`
	TTFTP50MS     *float64   `json:"ttft_p50_ms"` // null without streams
}

// ErrorPercent is the share of errors; nil without calls.
func (f *Figures) ErrorPercent() *float64 { return percent(float64(f.Errors), float64(f.Calls)) }

// Before is the period before. Of one that is not over it is as long a part as has passed of this one.
type Before struct {
	Name  string    `json:"name"`
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	Total Figures   `json:"total"`

	ChangeUSD     *price.USD `json:"change_usd"`     // of the cost; null when one of the two is not known
	ChangePercent *float64   `json:"change_percent"` // null when nothing was spent before
}

// Day is one day of the period, with the day at the same place of the period before.
type Day struct {
	Day       string     `json:"day"` // 2026-11-16
	Calls     int64      `json:"calls"`
	Errors    int64      `json:"errors"`
	CostUSD   *price.USD `json:"cost_usd"` // null when no call has a price
	SavedUSD  price.USD  `json:"saved_usd"`
	BeforeDay string     `json:"before_day"` // "": the period before has fewer days
	BeforeUSD *price.USD `json:"before_usd"`
}

// Budget is how much of a budget was used: in the fullest of its windows that the period touches.
type Budget struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Scope       map[string]string `json:"scope"`
	Window      price.Window      `json:"window"`
	LimitUSD    *price.USD        `json:"limit_usd"` // null: it bounds no dollars
	LimitTokens *int64            `json:"limit_tokens"`
	LimitCalls  *int64            `json:"limit_calls"`

	Windows     int        `json:"windows"`      // that the period touches; 0: they are not made of calendar days, and are not compared
	Reached     int        `json:"reached"`      // windows in which a limit was reached
	WindowSince *time.Time `json:"window_since"` // of the fullest; null without windows
	WindowUntil *time.Time `json:"window_until"` // its end, though it may lie after the period
	SpentUSD    price.USD  `json:"spent_usd"`    // in that window, until the figures end
	SpentTokens int64      `json:"spent_tokens"` // input and output
	SpentCalls  int64      `json:"spent_calls"`
	UsedPercent *float64   `json:"used_percent"`  // of the limit that is nearest; null without windows
	PeriodUSD   *price.USD `json:"in_period_usd"` // spent of it in the period; null without windows
}

// Forecast is what will have been spent at the end of a period.
type Forecast struct {
	Name        string     `json:"name"` // of the period that is looked ahead in
	Since       time.Time  `json:"since"`
	Until       time.Time  `json:"until"`
	At          time.Time  `json:"at"`           // what was known by then is looked at
	SpentUSD    price.USD  `json:"spent_usd"`    // of the period until then
	ExpectedUSD *price.USD `json:"expected_usd"` // estimated; null: too little is known
	LowUSD      *price.USD `json:"low_usd"`      // level of the outcomes lie between low and high; null: too little is known
	HighUSD     *price.USD `json:"high_usd"`
	Level       float64    `json:"level"`
	Method      string     `json:"method"` // seasonal, linear, none
}

// Savings is what caches saved.
type Savings struct {
	SavedUSD     price.USD  `json:"saved_usd"` // by answers from the response cache
	BeforeUSD    price.USD  `json:"before_usd"`
	Asked        int64      `json:"asked"` // calls that the response cache was asked for
	Exact        CacheUse   `json:"exact"`
	Semantic     CacheUse   `json:"semantic"`
	HitPercent   *float64   `json:"hit_percent"`   // of asked; null when it was never asked
	WithoutUSD   *price.USD `json:"without_usd"`   // what calls would have cost without it; null when no call has a price
	SavedPercent *float64   `json:"saved_percent"` // of that
	InputTokens  int64      `json:"input_tokens"`  // that providers read
	CachedTokens int64      `json:"cached_tokens"` // of those from their own caches, for less
	CachedShare  *float64   `json:"cached_percent"`
}

// CacheUse is what was answered from the response cache in one way.
type CacheUse struct {
	Calls    int64     `json:"calls"`
	SavedUSD price.USD `json:"saved_usd"`
}

// Route is what calls cost that asked for a name of the configuration, and what they would have cost at the dearest of its targets.
type Route struct {
	Model   string        `json:"model"` // as clients ask for it
	Calls   int64         `json:"calls"` // that a provider answered
	CostUSD price.USD     `json:"cost_usd"`
	Targets []RouteTarget `json:"targets"` // that answered, the one with the most calls first

	Compared   int64      `json:"compared"`    // calls whose cost is known, and is in the next figures
	Dearest    string     `json:"dearest"`     // provider/model; "": no target has a price
	DearestUSD *price.USD `json:"dearest_usd"` // what those calls would have cost there, estimated from the mean call of each target
	ReturnUSD  *price.USD `json:"return_usd"`  // the difference, estimated
}

// RouteTarget is what one target of a route answered.
type RouteTarget struct {
	Provider string    `json:"provider"`
	Model    string    `json:"model"`
	Calls    int64     `json:"calls"`
	CostUSD  price.USD `json:"cost_usd"`
}

// Movers are the values of a column whose cost changed most against the period before, the largest change first.
type Movers struct {
	By   string  `json:"by"` // model, user, prompt, key
	Rows []Mover `json:"rows"`
	More int     `json:"more"` // others that changed
}

// Mover is one of them.
type Mover struct {
	Name      string    `json:"name"` // "": calls without one
	CostUSD   price.USD `json:"cost_usd"`
	BeforeUSD price.USD `json:"before_usd"`
	ChangeUSD price.USD `json:"change_usd"`
	Calls     int64     `json:"calls"`
	URL       string    `json:"url"` // of its calls in the console; "" without a name
}

// Score is the scores of one name.
type Score struct {
	Name       string           `json:"name"`
	Kind       string           `json:"kind"` // number, boolean, category
	N          int64            `json:"n"`
	Mean       *float64         `json:"mean"` // of a boolean the share of yes; null of a category
	BeforeN    int64            `json:"before_n"`
	BeforeMean *float64         `json:"before_mean"` // null without scores before
	Categories map[string]int64 `json:"categories"`  // how many of each
}

// Incidents are what went wrong.
type Incidents struct {
	Alerts     []Alert  `json:"alerts"` // that fired in the period, newest first
	MoreAlerts int      `json:"more_alerts"`
	Peaks      []Peak   `json:"error_peaks"` // the one with the most errors first
	MorePeaks  int      `json:"more_error_peaks"`
	Breaches   []Breach `json:"budget_breaches"`
	MoreBreach int      `json:"more_budget_breaches"`
}

// None says that nothing went wrong.
func (i *Incidents) None() bool {
	return len(i.Alerts) == 0 && len(i.Peaks) == 0 && len(i.Breaches) == 0
}

// Alert is a rule that fired.
type Alert struct {
	Rule     string            `json:"rule"`
	Labels   map[string]string `json:"labels"`
	Severity string            `json:"severity"` // the worst it had: NO_DATA, WARNING, ALERT
	Since    time.Time         `json:"since"`
	Until    *time.Time        `json:"until"` // null: it was not over when the figures end
	Value    string            `json:"value"` // when it was worst, with its unit; "" when there was none
	URL      string            `json:"url"`
}

// Peak is hours in a row with far more errors than others.
type Peak struct {
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`
	Calls   int64     `json:"calls"`
	Errors  int64     `json:"errors"`
	Percent float64   `json:"percent"` // of the calls
	URL     string    `json:"url"`
}

// Breach is what happened at a budget's limit.
type Breach struct {
	Budget string     `json:"budget"`
	Kind   string     `json:"kind"`   // reached, refused, downgraded, cut, overrun
	Count  int64      `json:"count"`  // times, in the budget's windows that it happened in
	Beyond bool       `json:"beyond"` // one of those reaches beyond the period, and the count is of all of it
	First  time.Time  `json:"first"`
	Last   *time.Time `json:"last"` // null: it went on after the figures end
}

func percent(part, of float64) *float64 {
	if of == 0 {
		return nil
	}
	v := 100 * part / of
	return &v
}
