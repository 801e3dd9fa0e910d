package eval

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"math"
	"strings"
)

//go:embed report.tmpl.html
var reportText string

// reportPage is the one HTML file. Its engine escapes all text where it stands.
var reportPage = template.Must(template.New("report").Funcs(template.FuncMap{
	"figure": func(v *float64) string {
		if v == nil {
			return "unknown"
		}
		return short(*v)
	},
	"share": func(v any) string {
		switch v := v.(type) {
		case float64:
			return percent(v)
		case *float64:
			if v != nil {
				return percent(*v)
			}
		}
		return ""
	},
}).Parse(reportText))

// dot is a target in the picture.
type dot struct {
	X, Y, TextX, TextY int
	Anchor, Label      string
	Front              bool
}

// picture is what the page shows.
type picture struct {
	C                      *Comparison
	Dots                   []dot
	Axis                   string
	Least, Most, Low, High string
}

// HTML writes the comparison as one file that needs no other, and runs no script.
func (c *Comparison) HTML() ([]byte, error) {
	p := picture{C: c}
	p.draw()
	var out bytes.Buffer
	if err := reportPage.Execute(&out, p); err != nil {
		return nil, fmt.Errorf("write the report: %w", err)
	}
	return out.Bytes(), nil
}

// draw places the targets by their cost, or their latency where the cost of one is not known.
func (p *picture) draw() {
	p.Axis = "dollars an ask"
	x := func(s *System) float64 { return *s.Cost }
	var shown []*System
	for i := range p.C.Systems {
		s := &p.C.Systems[i]
		if s.Quality == nil {
			continue
		}
		shown = append(shown, s)
		if s.Cost == nil {
			p.Axis, x = "milliseconds (p50)", func(s *System) float64 { return s.LatencyP50 }
		}
	}
	if len(shown) < 2 {
		return
	}
	least, most, low, high := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for _, s := range shown {
		least, most = min(least, x(s)), max(most, x(s))
		low, high = min(low, *s.Quality), max(high, *s.Quality)
	}
	p.Least, p.Most, p.Low, p.High = short(least), short(most), short(low), short(high)
	place := func(v, from, to float64, begin, end int) int {
		if to == from {
			return (begin + end) / 2
		}
		return begin + int(math.Round((v-from)/(to-from)*float64(end-begin)))
	}
	for _, s := range shown {
		d := dot{X: place(x(s), least, most, 70, 600), Y: place(*s.Quality, low, high, 285, 40), Label: s.Label, Front: s.Front, Anchor: "start"}
		d.TextX, d.TextY = d.X+10, d.Y+4
		if d.X > 335 {
			d.Anchor, d.TextX = "end", d.X-10
		}
		p.Dots = append(p.Dots, d)
	}
}

// Markdown writes the comparison for a pull request.
func (c *Comparison) Markdown() string {
	var b strings.Builder
	number := func(v *float64) string {
		if v == nil {
			return "unknown"
		}
		return short(*v)
	}
	if c.Advice.System != "" {
		fmt.Fprintf(&b, "**Take %s.**\n\n", mark(c.Advice.System))
	}
	for _, r := range c.Advice.Reason {
		fmt.Fprintf(&b, "- %s\n", mark(r))
	}
	b.WriteString("\n| target | quality | $ an ask | p50 ms | p95 ms | asked | no answer | front |\n|---|--:|--:|--:|--:|--:|--:|---|\n")
	for i := range c.Systems {
		s := &c.Systems[i]
		front := ""
		if s.Front {
			front = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %.0f | %.0f | %d | %d | %s |\n", mark(s.Label), number(s.Quality), number(s.Cost), s.LatencyP50, s.LatencyP95, s.Asked, s.Failed, front)
	}
	for _, s := range c.Scorers {
		if len(s.Pairs) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s against %s\n\n| target | items | mean | difference | 95 %% interval | p | won / lost / tied | detectable | |\n|---|--:|--:|--:|--:|--:|--:|--:|---|\n", mark(s.Scorer), mark(c.Systems[0].Label))
		for _, p := range s.Pairs {
			interval := ""
			if p.Interval != nil {
				interval = short(p.Interval.Low) + " to " + short(p.Interval.High)
			}
			fmt.Fprintf(&b, "| %s | %d | %s | %+.4g | %s | %s | %d / %d / %d | %s | %s |\n", mark(p.System), p.N, short(p.Mean), p.Delta, interval, short(p.Adjusted), p.Won, p.Lost, p.Tied, number(p.Detectable), p.Verdict)
		}
	}
	for _, n := range c.Notes {
		fmt.Fprintf(&b, "\n%s\n", mark(n))
	}
	return b.String()
}
