// Package alert looks at what calls cost and how they go, by rules, and tells people when it is not as it should be.
package alert

import (
	"strconv"
	"strings"
	"time"

	"github.com/weir-dev/weir/trace"
)

// Rule says what is looked at, when that is bad, and whom to tell. Its fields are those of the YAML file and of the API.
type Rule struct {
	Name     string   `json:"name" yaml:"name"`                   // unique; letters, digits, dots, dashes and underscores
	About    string   `json:"about,omitempty" yaml:"about"`       // what to do about it, told with the alert
	Metric   Metric   `json:"metric" yaml:"metric"`               // what is looked at
	Filter   Filter   `json:"filter,omitzero" yaml:"filter"`      // of which calls or scores; empty: all
	Score    string   `json:"score,omitempty" yaml:"score"`       // name of the scores, of score_mean
	Budget   string   `json:"budget,omitempty" yaml:"budget"`     // name of the budget, of budget_used; empty: each
	Series   string   `json:"series,omitempty" yaml:"series"`     // of drift_psi: one of DriftSeries; empty: each
	Window   Span     `json:"window,omitempty" yaml:"window"`     // how far it looks back: 5m, 1h, 7d
	Timezone string   `json:"timezone,omitempty" yaml:"timezone"` // of months and of hours of the week; empty: UTC
	Op       Op       `json:"op" yaml:"op"`                       // gt, gte, lt or lte
	Warning  *float64 `json:"warning,omitempty" yaml:"warning"`   // at least one of the two thresholds
	Alert    *float64 `json:"alert,omitempty" yaml:"alert"`
	For      Span     `json:"for,omitempty" yaml:"for"`             // how long it must have been bad; empty: told at once
	Every    Span     `json:"every,omitempty" yaml:"every"`         // how often it is looked at; 1m unless given
	NoData   NoData   `json:"no_data,omitempty" yaml:"no_data"`     // what it means when there is nothing to look at; ok unless given
	Renotify Span     `json:"renotify,omitempty" yaml:"renotify"`   // tell again while it is bad; empty: once
	GroupBy  []string `json:"group_by,omitempty" yaml:"group_by"`   // a state for each value of these, at most MaxGroups
	MinCalls int64    `json:"min_calls,omitempty" yaml:"min_calls"` // of fewer calls, or scores, nothing is said
	Notify   []string `json:"notify,omitempty" yaml:"notify"`       // names of channels; empty: all
	Disabled bool     `json:"disabled,omitempty" yaml:"disabled"`   // it is not looked at
}

// Filter picks calls. Empty fields pick everything; several are joined by and.
type Filter struct {
	Project  string            `json:"project,omitempty" yaml:"project"`
	Model    string            `json:"model,omitempty" yaml:"model"`
	Provider string            `json:"provider,omitempty" yaml:"provider"`
	User     string            `json:"user,omitempty" yaml:"user"`
	Prompt   string            `json:"prompt,omitempty" yaml:"prompt"` // name, or name@version
	Key      string            `json:"key,omitempty" yaml:"key"`
	Status   string            `json:"status,omitempty" yaml:"status"` // that ended so, for counts
	Tags     map[string]string `json:"tags,omitempty" yaml:"tags"`
}

// IsZero says that the filter picks everything.
func (f Filter) IsZero() bool {
	return f.Project == "" && f.Model == "" && f.Provider == "" && f.User == "" && f.Prompt == "" && f.Key == "" && f.Status == "" && len(f.Tags) == 0
}

// calls is the filter of calls that started in [since, until).
func (f *Filter) calls(since, until time.Time) trace.Filter {
	return trace.Filter{
		Since: since, Until: until, Project: f.Project, Model: f.Model, Provider: f.Provider, User: f.User, Prompt: f.Prompt, Key: f.Key,
		Status: f.Status, Tags: f.Tags,
	}
}

// Op compares a value with a threshold.
type Op string

// Above, at or above, below, at or below.
const (
	GT  Op = "gt"
	GTE Op = "gte"
	LT  Op = "lt"
	LTE Op = "lte"
)

// Holds says whether the value compares so with the threshold.
func (o Op) Holds(value, threshold float64) bool {
	switch o {
	case GT:
		return value > threshold
	case GTE:
		return value >= threshold
	case LT:
		return value < threshold
	}
	return value <= threshold
}

// Words is the comparison as people say it.
func (o Op) Words() string {
	switch o {
	case GT:
		return "above"
	case GTE:
		return "at or above"
	case LT:
		return "below"
	}
	return "at or below"
}

// NoData says what it means that there is nothing to look at.
type NoData string

// It is fine; it is a severity of its own; it is as bad as an alert.
const (
	NoDataOK     NoData = "ok"
	NoDataState  NoData = "no_data"
	NoDataAlerts NoData = "alert"
)

// Span is a length of time as text: 30s, 15m, 1h, 7d, 2w. "" is none.
type Span string

// Duration reads the text; false for one that is none. "" is 0.
func (s Span) Duration() (time.Duration, bool) {
	if s == "" {
		return 0, true
	}
	text := string(s)
	for unit, hours := range map[string]int64{"d": 24, "w": 7 * 24} {
		if n, ok := strings.CutSuffix(text, unit); ok {
			count, err := strconv.ParseInt(n, 10, 32)
			return time.Duration(count*hours) * time.Hour, err == nil && count >= 0 && count < 4000
		}
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0
}

// or is the length, or another where there is none. The text must have been checked.
func (s Span) or(unless time.Duration) time.Duration {
	if d, _ := s.Duration(); d > 0 {
		return d
	}
	return unless
}

// MaxGroups bounds the states of a rule: the groups that are bad, and those with the most calls.
const MaxGroups = 50

// every is how often the rule is looked at. What changes by the hour is looked at less often unless told otherwise.
func (r *Rule) every() time.Duration {
	if i, ok := infoOf(r.Metric); ok && (i.source == fromForecast || i.source == fromAnomaly || i.source == fromDrift) {
		return r.Every.or(10 * time.Minute)
	}
	return r.Every.or(time.Minute)
}

// zone is where the rule's months and hours of the week are. The rule must have been checked.
func (r *Rule) zone() *time.Location {
	if zone, err := time.LoadLocation(r.Timezone); err == nil {
		return zone
	}
	return time.UTC
}

// Judge says how bad a value is.
func (r *Rule) Judge(value float64) Severity {
	switch {
	case r.Alert != nil && r.Op.Holds(value, *r.Alert):
		return Alert
	case r.Warning != nil && r.Op.Holds(value, *r.Warning):
		return Warning
	}
	return OK
}

// Threshold is the one that a severity means, nil when none does.
func (r *Rule) Threshold(s Severity) *float64 {
	switch {
	case s == Warning, s == OK && r.Warning != nil:
		return r.Warning
	case s == NoDataSeverity:
		return nil
	}
	return r.Alert
}
