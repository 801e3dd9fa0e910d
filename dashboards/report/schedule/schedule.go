// Package schedule has reports sent to the channels of alerts when their period is over.
package schedule

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/dashboards/report"
)

// DefaultAt is when reports are sent on the first day after their period unless their schedule says otherwise.
const DefaultAt = "08:00"

// Schedule says of what a report is sent, when, and to whom. Its fields are those of the YAML file and of the API.
type Schedule struct {
	Name     string      `json:"name" yaml:"name"`                   // unique; letters, digits, dots, dashes and underscores
	Project  string      `json:"project,omitempty" yaml:"project"`   // empty: all
	Period   report.Kind `json:"period" yaml:"period"`               // week: sent on Mondays; month: on the first
	At       string      `json:"at,omitempty" yaml:"at"`             // time of that day, 24 hours; 08:00 unless given
	Timezone string      `json:"timezone,omitempty" yaml:"timezone"` // of the period and the time; empty: the one of reports
	Notify   []string    `json:"notify,omitempty" yaml:"notify"`     // names of channels of alerts; empty: all
	Disabled bool        `json:"disabled,omitempty" yaml:"disabled"` // it is sent by hand only
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Check says all that is wrong with a schedule. channels are the names of those that there are; nil: they are not known.
func (s *Schedule) Check(channels []string) alert.Faults {
	var out alert.Faults
	add := func(field, format string, args ...any) {
		out = append(out, alert.Fault{Field: field, Text: fmt.Sprintf(format, args...)})
	}
	if !nameForm.MatchString(s.Name) {
		add("name", "want 1 to 64 letters, digits, dots, dashes and underscores, the first a letter or digit, not %q", short(s.Name))
	}
	if !slices.Contains(report.Kinds, s.Period) {
		add("period", "%q is neither week nor month", short(string(s.Period)))
	}
	if len(s.Project) > 255 {
		add("project", "is longer than 255 bytes")
	}
	if _, err := s.clock(); err != nil {
		add("at", "%q is no time of the day, such as 08:00", short(s.At))
	}
	if _, err := s.Zone(time.UTC); err != nil {
		add("timezone", "%q is no name of the time zone database, such as Europe/Berlin", short(s.Timezone))
	}
	if channels == nil {
		return out
	}
	for _, name := range s.Notify {
		if !slices.Contains(channels, name) {
			add("notify", "there is no channel %q; alerts.notify of the configuration lists them (%s)", short(name), strings.Join(channels, ", "))
		}
	}
	return out
}

func short(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}

// clock is the time of the day as hours and minutes.
func (s *Schedule) clock() (time.Time, error) {
	if s.At == "" {
		return time.Parse("15:04", DefaultAt)
	}
	return time.Parse("15:04", s.At)
}

// Zone is the schedule's time zone, or the one given when it has none.
func (s *Schedule) Zone(unless *time.Location) (*time.Location, error) {
	if s.Timezone == "" {
		return unless, nil
	}
	zone, err := time.LoadLocation(s.Timezone)
	if err == nil && zone == time.Local {
		err = errors.New("the machine's own time zone is not named")
	}
	return zone, err
}

// due is when the report of a period is sent. A time that the clocks leave out is the one that is as long after midnight.
func (s *Schedule) due(p report.Period) time.Time {
	at, err := s.clock()
	if err != nil {
		return p.Until
	}
	year, month, day := p.Until.Date()
	return time.Date(year, month, day, at.Hour(), at.Minute(), 0, 0, p.Until.Location())
}

// lastDue is the last period whose report is to be sent by now.
func (s *Schedule) lastDue(now time.Time, zone *time.Location) report.Period {
	p := report.Last(s.Period, now, zone)
	if s.due(p).After(now) {
		p = p.Before()
	}
	return p
}

// Next is when the next report is sent. The schedule must have been checked.
func (s *Schedule) Next(now time.Time, unless *time.Location) time.Time {
	zone, err := s.Zone(unless)
	if err != nil {
		zone = unless
	}
	return s.due(s.lastDue(now, zone).After())
}

// Errors of a Store. Test with errors.Is.
var (
	ErrNone  = errors.New("no such schedule")
	ErrTaken = errors.New("a schedule of this name is there already")
)

// Sent is that a report was sent, or passed over.
type Sent struct {
	Schedule string
	Kind     report.Kind
	Period   string    // its name
	At       time.Time // when it was seen to
	Channels int       // it was sent to; 0: the schedule began after its time, or nobody was there to send it to
	Note     string    // why nobody was told; "" when somebody was
}

// Store keeps schedules and what was sent. Safe for concurrent use, by several processes too.
type Store interface {
	// PutReportSchedule stores a schedule in place of the one of its name. With fresh there must be none: ErrTaken.
	PutReportSchedule(ctx context.Context, s Schedule, fresh bool) error
	// ReportSchedules gives all by name.
	ReportSchedules(ctx context.Context) ([]Schedule, error)
	// DeleteReportSchedule removes a schedule, and what was sent of it. ErrNone when there is none.
	DeleteReportSchedule(ctx context.Context, name string) error
	// ReportsSent lists what was sent of a schedule, the newest first.
	ReportsSent(ctx context.Context, schedule string) ([]Sent, error)
	// NoteReport stores what was sent together with the deliveries, all or nothing, and says true; or nothing and false when the same
	// period of the same schedule was noted before.
	NoteReport(ctx context.Context, s Sent, deliveries []alert.Delivery) (bool, error)
}
