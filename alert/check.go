package alert

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Fault is one thing that is wrong with a rule.
type Fault struct {
	Field string // as the file and the API name it
	Text  string
}

// Faults are all things that are wrong with a rule.
type Faults []Fault

// Error lists them in one line.
func (f Faults) Error() string {
	out := make([]string, len(f))
	for i, one := range f {
		out[i] = one.Field + ": " + one.Text
	}
	return strings.Join(out, "; ")
}

// Errors of rules, silences and deliveries. Test with errors.Is.
var (
	ErrNoRule     = errors.New("no such rule")
	ErrRuleTaken  = errors.New("a rule has this name")
	ErrNoState    = errors.New("the rule has no such group")
	ErrNoSilence  = errors.New("no such silence")
	ErrNoDelivery = errors.New("no such delivery")
	ErrCursor     = errors.New("not a cursor of this list")
)

// reserved are names that the API needs for itself.
var reserved = []string{"history", "silences", "deliveries", "preview", "channels"}

var ruleName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// groupNames are what calls are grouped by, beside tag.NAME; scoreGroupNames are those of scores.
var (
	groupNames      = []string{"project", "model", "provider", "user", "key", "prompt", "endpoint", "status"}
	scoreGroupNames = []string{"project", "model", "prompt"}
	driftGroupNames = []string{"project", "series", "prompt", "model"}
)

const (
	maxWindow = 92 * 24 * time.Hour // what is asked of calls themselves goes no further back
	maxEvery  = 24 * time.Hour
	maxFor    = 7 * 24 * time.Hour
)

// Check says all that is wrong with a rule. channels are the names of those that can be told; nil: they are not known.
func (r *Rule) Check(channels []string) Faults {
	c := checker{r: r}
	if !ruleName.MatchString(r.Name) {
		c.add("name", "want 1 to 64 letters, digits, dots, dashes and underscores, the first a letter or digit, not %q", cut(r.Name))
	} else if slices.Contains(reserved, r.Name) {
		c.add("name", "%s is a name that the API keeps for itself; choose another", r.Name)
	}
	if len(r.About) > 2000 {
		c.add("about", "is longer than 2000 bytes")
	}
	i, ok := infoOf(r.Metric)
	if !ok {
		c.add("metric", "%q is none of %s", cut(string(r.Metric)), join(Metrics()))
	}
	c.choice("op", string(r.Op), []string{string(GT), string(GTE), string(LT), string(LTE)})
	if r.NoData != "" {
		c.choice("no_data", string(r.NoData), []string{string(NoDataOK), string(NoDataState), string(NoDataAlerts)})
	}
	c.thresholds()
	c.span("for", r.For, 0, maxFor)
	c.span("every", r.Every, 10*time.Second, maxEvery)
	c.span("renotify", r.Renotify, time.Minute, 30*24*time.Hour)
	if r.MinCalls < 0 {
		c.add("min_calls", "%d is below zero", r.MinCalls)
	}
	if r.Timezone != "" {
		if zone, err := time.LoadLocation(r.Timezone); err != nil || zone == time.Local {
			c.add("timezone", "%q is not a name of the time zone database, such as Europe/Berlin", cut(r.Timezone))
		}
	}
	for _, name := range r.Notify {
		if channels != nil && !slices.Contains(channels, name) {
			c.add("notify", "there is no channel %q; alerts.notify of the configuration lists them (%s)", cut(name), strings.Join(channels, ", "))
		}
	}
	if ok {
		c.metric(i)
	}
	return c.faults
}

type checker struct {
	r      *Rule
	faults Faults
}

func (c *checker) add(field, format string, args ...any) {
	c.faults = append(c.faults, Fault{field, fmt.Sprintf(format, args...)})
}

func (c *checker) choice(field, value string, among []string) {
	if !slices.Contains(among, value) {
		c.add(field, "%q is none of %s", cut(value), strings.Join(among, ", "))
	}
}

func (c *checker) span(field string, s Span, least, most time.Duration) {
	if s == "" {
		return
	}
	d, ok := s.Duration()
	switch {
	case !ok:
		c.add(field, "%q is not a length of time; write 30s, 15m, 1h or 7d", cut(string(s)))
	case d < least:
		c.add(field, "%s is less than %s", s, least)
	case d > most:
		c.add(field, "%s is more than %s", s, most)
	}
}

func (c *checker) thresholds() {
	r := c.r
	for name, v := range map[string]*float64{"warning": r.Warning, "alert": r.Alert} {
		if v != nil && (math.IsNaN(*v) || math.IsInf(*v, 0)) {
			c.add(name, "is no number")
			return
		}
	}
	switch {
	case r.Warning == nil && r.Alert == nil:
		c.add("alert", "want a threshold: warning, alert or both")
	case r.Warning == nil || r.Alert == nil:
	case (r.Op == GT || r.Op == GTE) && *r.Warning > *r.Alert:
		c.add("warning", "%v is beyond the alert's %v, so it would never be one", *r.Warning, *r.Alert)
	case (r.Op == LT || r.Op == LTE) && *r.Warning < *r.Alert:
		c.add("warning", "%v is beyond the alert's %v, so it would never be one", *r.Warning, *r.Alert)
	}
}

// metric checks what the metric needs and does not know.
func (c *checker) metric(i *info) {
	r := c.r
	switch i.source {
	case fromCalls, fromScores, fromCoverage:
		if r.Window == "" {
			c.add("window", "how far to look back is missing: 5m, 1h, 7d")
			break
		}
		if d, ok := r.Window.Duration(); ok && d%time.Minute != 0 {
			c.add("window", "%s is not whole minutes", r.Window)
			break
		}
		least := time.Minute
		if i.source == fromCoverage { // whose ledger is by the hour
			least = time.Hour
		}
		c.span("window", r.Window, least, maxWindow)
	case fromForecast:
		if r.Window != "" && r.Window != "month" {
			c.add("window", "%s looks to the end of the month: leave it out", r.Metric)
		}
	case fromAnomaly:
		if r.Window != "" && r.Window != "1h" {
			c.add("window", "%s looks at the last whole hour: leave it out", r.Metric)
		}
	case fromBudgets, fromSpool:
		if r.Window != "" {
			c.add("window", "%s is what is now: leave it out", r.Metric)
		}
	case fromDrift:
		if r.Window != "" && r.Window != "24h" && r.Window != "1d" {
			c.add("window", "%s looks at the last 24 hours: leave it out", r.Metric)
		}
	}
	if r.Series != "" && i.source != fromDrift {
		c.add("series", "%s knows no series of traffic: leave it out", r.Metric)
	} else if r.Series != "" {
		c.choice("series", r.Series, DriftSeries)
	}
	if (i.source == fromScores || i.source == fromCoverage) != (r.Score != "") {
		if r.Score == "" {
			c.add("score", "the name of the scores is missing")
		} else {
			c.add("score", "%s knows no scores: leave it out", r.Metric)
		}
	}
	if r.Budget != "" && i.source != fromBudgets {
		c.add("budget", "%s knows no budgets: leave it out", r.Metric)
	}
	c.groups(i)
	c.filter(i)
}

func (c *checker) groups(i *info) {
	r := c.r
	known := groupNames
	switch i.source {
	case fromScores:
		known = scoreGroupNames
	case fromDrift:
		known = driftGroupNames
	case fromBudgets, fromSpool, fromCoverage:
		known = nil
	}
	if len(r.GroupBy) > 3 {
		c.add("group_by", "want at most 3 names")
	}
	for n, name := range r.GroupBy {
		tag, isTag := strings.CutPrefix(name, "tag.")
		switch {
		case slices.Contains(r.GroupBy[:n], name):
			c.add("group_by", "%s stands twice", cut(name))
		case len(known) == 0:
			c.add("group_by", "%s is not grouped: leave it out", r.Metric)
		case isTag && tag != "" && i.source != fromScores && i.source != fromDrift:
		case !slices.Contains(known, name):
			c.add("group_by", "%q is none of %s", cut(name), strings.Join(known, ", "))
		}
	}
}

func (c *checker) filter(i *info) {
	f := &c.r.Filter
	switch i.source {
	case fromBudgets, fromSpool, fromCoverage:
		if !f.IsZero() {
			c.add("filter", "%s is not about single calls: leave it out", c.r.Metric)
		}
	case fromScores, fromDrift:
		if f.Provider != "" || f.User != "" || f.Key != "" || f.Status != "" || len(f.Tags) > 0 {
			c.add("filter", "%s is filtered by project, model and prompt only", c.r.Metric)
		}
	}
}

func join[T ~string](list []T) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return strings.Join(out, ", ")
}

// cut makes text of a request fit to be repeated in a message.
func cut(s string) string {
	if r := []rune(strings.ToValidUTF8(s, "\uFFFD")); len(r) > 100 {
		return string(r[:100]) + "…"
	}
	return s
}
