package alert

import (
	"net/url"
	"time"
)

// Severity is how bad it is.
type Severity string

// From fine to bad. NoDataSeverity: there is nothing to look at, and the rule says that this matters.
const (
	OK             Severity = "OK"
	NoDataSeverity Severity = "NO_DATA"
	Warning        Severity = "WARNING"
	Alert          Severity = "ALERT"
)

// Rank orders severities, OK lowest.
func (s Severity) Rank() int {
	switch s {
	case NoDataSeverity:
		return 1
	case Warning:
		return 2
	case Alert:
		return 3
	}
	return 0
}

// Labels are a group's values by the names they are grouped by. nil is the rule as a whole.
type Labels map[string]string

// Key is the same text for the same labels: a query string, sorted. "" for none.
func (l Labels) Key() string {
	v := url.Values{}
	for name, value := range l {
		v.Set(name, value)
	}
	return v.Encode()
}

// Reading is what a rule saw of a group.
type Reading struct {
	Labels Labels
	Value  float64 // meaningless unless Known
	Known  bool    // there was something to look at
	N      int64   // calls or scores that it is made of
	Absent bool    // nothing was found of the group; the value is what nothing comes to
}

// State is where a rule stands with one group. The zero value is a group that is fine and was never looked at.
type State struct {
	Rule     string
	Labels   Labels
	Severity Severity
	Since    time.Time // of the severity
	Value    float64   // of the last look that saw something
	Known    bool      // the last look saw something
	At       time.Time // of the last look
	SeenAt   time.Time // of the last look that saw something

	// From when on it has been so without a break; zero: it is not. A severity is taken when it has been so for the rule's for.
	WarningFrom, AlertFrom, NoDataFrom time.Time

	Told   Severity  // what was told last; "" is OK
	ToldAt time.Time // zero: never
	AckBy  string    // who has taken it on, until it gets worse or is over
	AckAt  time.Time
}

// Step is one look at a group. It is a pure function: the next state, and whether its severity is another one than before. What is to
// be told of it is Owes' business.
func (s State) Step(r *Rule, saw Reading, now time.Time) (next State, changed bool) {
	next = s
	next.Rule, next.Labels, next.At, next.Known = r.Name, saw.Labels, now, saw.Known
	if next.Severity == "" {
		next.Severity, next.Since = OK, now
	}
	held, _ := r.For.Duration()
	if saw.Known {
		next.Value, next.NoDataFrom = saw.Value, time.Time{}
		if !saw.Absent {
			next.SeenAt = now
		}
		rank := r.Judge(saw.Value).Rank()
		next.WarningFrom = from(s.WarningFrom, rank >= Warning.Rank(), now)
		next.AlertFrom = from(s.AlertFrom, rank >= Alert.Rank(), now)
	} else if next.NoDataFrom = from(s.NoDataFrom, true, now); now.Sub(next.NoDataFrom) < held {
		return next, false // what it was stands until it is sure
	} else {
		next.WarningFrom, next.AlertFrom = time.Time{}, time.Time{}
	}
	to := OK
	switch {
	case !saw.Known && r.NoData == NoDataAlerts:
		to = Alert
	case !saw.Known && r.NoData == NoDataState:
		to = NoDataSeverity
	case !next.AlertFrom.IsZero() && now.Sub(next.AlertFrom) >= held:
		to = Alert
	case !next.WarningFrom.IsZero() && now.Sub(next.WarningFrom) >= held:
		to = Warning
	}
	if to == next.Severity {
		return next, false
	}
	if to.Rank() > next.Severity.Rank() || to == OK {
		next.AckBy, next.AckAt = "", time.Time{}
	}
	next.Severity, next.Since = to, now
	return next, true
}

// Pending is the worse severity that the state will have when it stays so for long enough; "" when it waits for none.
func (s *State) Pending() Severity {
	for _, p := range []struct {
		from time.Time
		to   Severity
	}{{s.AlertFrom, Alert}, {s.WarningFrom, Warning}} {
		if !p.from.IsZero() && p.to.Rank() > s.Severity.Rank() {
			return p.to
		}
	}
	return ""
}

// from keeps the moment from which on something holds.
func from(since time.Time, holds bool, now time.Time) time.Time {
	switch {
	case !holds:
		return time.Time{}
	case since.IsZero():
		return now
	}
	return since
}

// Kind is why somebody is told.
type Kind string

// It is bad, or another kind of bad; it is still bad; it is over; somebody wants to see whether it arrives; it is no alert but a Document.
const (
	Firing    Kind = "firing"
	Still     Kind = "still"
	Recovered Kind = "recovered"
	Test      Kind = "test"
	Papers    Kind = "document"
)

// Owes says what is to be told of the state, and false for nothing.
func (s *State) Owes(r *Rule, now time.Time) (Kind, bool) {
	told := s.Told
	if told == "" {
		told = OK
	}
	again, _ := r.Renotify.Duration()
	switch {
	case s.Severity == "", s.Severity == OK && told == OK:
		return "", false
	case s.Severity == OK:
		return Recovered, true
	case s.Severity != told:
		return Firing, true
	case again > 0 && s.AckBy == "" && now.Sub(s.ToldAt) >= again:
		return Still, true
	}
	return "", false
}

// Tell notes that it was told.
func (s *State) Tell(now time.Time) { s.Told, s.ToldAt = s.Severity, now }
