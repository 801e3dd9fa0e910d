package alert

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxFindings is how many groups a message tells of one by one.
const maxFindings = 5

// Message is what people are told of one look at a rule: one message, however many groups.
type Message struct {
	ID       string    `json:"id"`   // the same when it is sent again
	Kind     Kind      `json:"kind"` // the most urgent of the findings'
	Severity Severity  `json:"severity"`
	Rule     string    `json:"rule"`
	About    string    `json:"about,omitempty"`
	Metric   Metric    `json:"metric"`
	Title    string    `json:"title"` // of the metric
	Unit     Unit      `json:"unit"`
	Window   Span      `json:"window,omitempty"`
	Op       Op        `json:"op"`
	At       time.Time `json:"at"`
	Findings []Finding `json:"findings"`
	More     []string  `json:"more,omitempty"` // groups beyond those, by name
	URL      string    `json:"url"`            // of the alerts in the console

	Document *Document `json:"document,omitempty"` // what is told in place of findings
}

// Document is something of its own, such as a report, that goes to the channels as alerts do: with their tries, and their dead letters.
type Document struct {
	Type    string          `json:"type"` // for programs: report.week
	Subject string          `json:"subject"`
	Brief   string          `json:"brief"` // a few lines, for chats
	Text    string          `json:"text"`
	HTML    string          `json:"html"` // a page
	Data    json.RawMessage `json:"data"` // the same for programs: a JSON value
}

// Finding is what is told of one group.
type Finding struct {
	Kind      Kind          `json:"kind"`
	Labels    Labels        `json:"labels,omitempty"`
	Severity  Severity      `json:"severity"`
	Since     time.Time     `json:"since"`
	Value     *float64      `json:"value"`     // null: there was nothing to look at
	Threshold *float64      `json:"threshold"` // null: of no data
	Top       []Contributor `json:"top,omitempty"`
	Calls     string        `json:"calls"` // URL of the calls in the console; of drift, of the series
}

// Contributor is somebody or something with much of a value.
type Contributor struct {
	By    string  `json:"by"`    // model, user, project, …
	Name  string  `json:"name"`  // "": none was named
	Value float64 `json:"value"` // in the metric's unit, but for rates, whose errors or misses it counts
	Calls int64   `json:"calls"`
}

// Subject is the message in one line, without line breaks.
func (m *Message) Subject() string {
	if m.Document != nil {
		return OneLine(m.Document.Subject)
	}
	what := string(m.Severity)
	switch m.Kind {
	case Recovered:
		what = "RECOVERED"
	case Test:
		what = "TEST"
	case Still:
		what = "STILL " + what
	}
	line := fmt.Sprintf("[weir] %s: %s", what, m.Rule)
	if n := len(m.Findings) + len(m.More); n > 1 {
		line += fmt.Sprintf(" (%d groups)", n)
	} else if n == 1 && len(m.Findings[0].Labels) > 0 {
		line += " " + m.Findings[0].Labels.Text()
	}
	return OneLine(line)
}

// OneLine makes text fit for one line: control characters become spaces, and it ends after 200 characters.
func OneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if r := []rune(s); len(r) > 200 {
		return string(r[:199]) + "…"
	}
	return s
}

// Text is labels as people read them.
func (l Labels) Text() string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(l)) {
		out = append(out, name+"="+nameOf(l[name]))
	}
	return strings.Join(out, " ")
}

func nameOf(value string) string {
	if value == "" {
		return "(none)"
	}
	return OneLine(value)
}

// Line is a finding in one sentence.
func (m *Message) Line(f *Finding) string {
	var b strings.Builder
	if len(f.Labels) > 0 {
		b.WriteString(f.Labels.Text() + ": ")
	}
	b.WriteString(m.Title)
	if m.Window != "" {
		b.WriteString(" over " + string(m.Window))
	}
	switch f.Value {
	case nil:
		b.WriteString(": no data")
	default:
		b.WriteString(" is " + m.Unit.Text(*f.Value))
	}
	if f.Value != nil && f.Threshold != nil {
		switch {
		case f.Kind == Recovered:
			b.WriteString(", no longer")
		case f.Severity == OK:
			b.WriteString(", not")
		default:
			b.WriteString(",")
		}
		fmt.Fprintf(&b, " %s %s", m.Op.Words(), m.Unit.Text(*f.Threshold))
	}
	fmt.Fprintf(&b, "; %s since %s", f.Severity, f.Since.UTC().Format("2006-01-02 15:04 UTC"))
	return OneLine(b.String())
}

// Text is a contributor as people read it.
func (c *Contributor) Text(m *Message) string {
	unit := m.Unit
	if unit == Share {
		unit = Count
	}
	if unit == Deviations {
		unit = Dollars
	}
	return fmt.Sprintf("%s %s: %s (%d calls)", c.By, nameOf(c.Name), unit.Text(c.Value), c.Calls)
}

// callsURL is the list of calls in the console that a rule looked at.
func callsURL(console string, r *Rule, l Labels, at time.Time) string {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	f := &r.Filter
	if r.Metric == DriftPSI {
		set("project", f.Project)
		set("metric", r.Series)
		set("project", l["project"])
		set("metric", l["series"])
		return strings.TrimSuffix(console, "/") + "/drift?" + q.Encode()
	}
	set("project", f.Project)
	set("model", f.Model)
	set("provider", f.Provider)
	set("user", f.User)
	set("prompt", f.Prompt)
	set("key", f.Key)
	set("status", f.Status)
	for name, value := range f.Tags {
		set("tag."+name, value)
	}
	for name, value := range l {
		if name != "budget" {
			set(name, value)
		}
	}
	switch r.Metric {
	case ErrorRate, Errors:
		set("status", "error")
	case UnpricedCalls:
		set("unpriced", "true")
	}
	since, until := r.window(at)
	q.Set("since", since.UTC().Format(time.RFC3339))
	q.Set("until", until.UTC().Format(time.RFC3339))
	return strings.TrimSuffix(console, "/") + "/calls?" + q.Encode()
}
