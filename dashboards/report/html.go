package report

import (
	_ "embed"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/weir-dev/weir/price"
)

//go:embed page.html
var pageText string

// Policy is a Content-Security-Policy under which the page of HTML shows: it brings its style, and loads and runs nothing.
const Policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"of": (*Report).of, "against": (*Report).against, "moment": (*Report).moment, "chart": (*Report).chart,
	"momentOf": func(r *Report, t *time.Time) string { return r.moment(*t) },
	"clock":    func(r *Report, t time.Time) string { return t.In(r.zone()).Format("15:04") },
	"known":    known, "usd": usd, "change": changeOf, "count": count, "share": share, "signed": signed, "plural": pluralOf, "millis": millis, "mean": mean,
	"name": nameText, "window": windowText, "labels": pairs,
	"limits": func(b Budget) string { return b.limits() }, "spent": func(b Budget) string { return b.spent() },
	"usedClass":     func(b Budget) string { return usedClass(b.UsedPercent) },
	"severityClass": func(s string) string { return map[string]string{"ALERT": "bad", "WARNING": "warn"}[s] },
	"percentOf":     func(level float64) string { v := 100 * level; return share(&v) },
	"percentShare":  func(v float64) string { return share(&v) },
	"weekday":       weekday, "title": func(by string) string { return titles[by] }, "column": func(by string) string { return strings.TrimSuffix(titles[by], "s") }, "breach": func(kind string) string { return breaches[kind] },
	"categories": func(s Score) string { return s.topCategories() }, "moved": func(s Score) string { return s.moved() },
}).Parse(pageText))

var titles = map[string]string{"model": "Models", "user": "Users", "prompt": "Prompts", "key": "Keys"}

// changeOf is change for amounts that are there.
func changeOf(v any) string {
	if u, ok := v.(*price.USD); ok {
		return change(value(u))
	}
	u, _ := v.(price.USD)
	return change(u)
}

// pluralOf is plural for counts of either type.
func pluralOf(n any, one, many string) string {
	if v, ok := n.(int64); ok {
		return plural(v, one, many)
	}
	v, _ := n.(int)
	return plural(int64(v), one, many)
}

func usedClass(used *float64) string {
	switch {
	case used == nil:
		return ""
	case *used >= 100:
		return "bad"
	case *used >= 80:
		return "warn"
	}
	return "ok"
}

// weekday is a day as people say it.
func weekday(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.Format("Mon 2 Jan")
}

// moved is the change of a score's mean, signed.
func (s *Score) moved() string {
	if s.Mean == nil || s.BeforeMean == nil {
		return "–"
	}
	d := *s.Mean - *s.BeforeMean
	text := mean(&d)
	switch {
	case strings.Trim(text, "-0.") == "":
		return "0.000"
	case d > 0:
		return "+" + text
	}
	return strings.Replace(text, "-", "−", 1)
}

// HTML is the report as one page: it needs nothing but itself, runs nothing, and prints on paper. Text in it is never markup.
func (r *Report) HTML() (string, error) {
	var b strings.Builder
	err := page.Execute(&b, r)
	return b.String(), err
}

// A bar chart: a pair of bars for each day, over lines with amounts.
type (
	barChart struct {
		Lines []gridLine
		Bars  []bar
	}
	gridLine struct {
		Y, Text float64
		Label   string
	}
	bar struct {
		X, Y, H, ThenX, ThenY, ThenH, W, Mid float64
		Title, Label                         string
	}
)

const (
	chartLeft, chartWidth = 46.0, 674.0
	chartTop, chartHeight = 10.0, 160.0
	mostLabels            = 16
	gapOfADay             = 0.24 // of its room
	chartLines            = 4
)

// chart is the spend by day; nil when there is none.
func (r *Report) chart() *barChart {
	top := price.USD(0)
	for i := range r.Days {
		top = max(top, value(r.Days[i].CostUSD), value(r.Days[i].BeforeUSD))
	}
	if top <= 0 {
		return nil
	}
	step := niceStep(top.Float64() / chartLines)
	edge := step * math.Ceil(top.Float64()/step)
	c := &barChart{}
	for v := 0.0; v <= edge+step/2; v += step {
		y := tenth(chartTop + chartHeight*(1-v/edge))
		c.Lines = append(c.Lines, gridLine{Y: y, Text: y + 3.5, Label: axis(v, step)})
	}
	room := chartWidth / float64(len(r.Days))
	w := room * (1 - gapOfADay) / 2
	for i := range r.Days {
		d := &r.Days[i]
		x := chartLeft + room*(float64(i)+gapOfADay/2)
		now, then := chartHeight*value(d.CostUSD).Float64()/edge, chartHeight*value(d.BeforeUSD).Float64()/edge
		b := bar{
			ThenX: tenth(x), ThenY: tenth(chartTop + chartHeight - then), ThenH: tenth(then),
			X: tenth(x + w), Y: tenth(chartTop + chartHeight - now), H: tenth(now), W: tenth(w), Mid: tenth(x + w),
			Title: weekday(d.Day) + ": " + known(d.CostUSD),
		}
		if d.BeforeDay != "" {
			b.Title += ", " + known(d.BeforeUSD) + " on " + weekday(d.BeforeDay)
		}
		if every := (len(r.Days) + mostLabels - 1) / mostLabels; i%every == 0 {
			b.Label = strings.TrimPrefix(d.Day[8:], "0")
			if len(r.Days) <= 7 {
				b.Label = weekday(d.Day)
			}
		}
		c.Bars = append(c.Bars, b)
	}
	return c
}

func value(u *price.USD) price.USD {
	if u == nil {
		return 0
	}
	return *u
}

func tenth(v float64) float64 { return math.Round(v*10) / 10 }

// niceStep is the next 1, 2 or 5 of a power of ten.
func niceStep(v float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*unit >= v {
			return m * unit
		}
	}
	return 10 * unit
}

// axis is an amount beside a line.
func axis(v, step float64) string {
	switch {
	case v == 0:
		return "$0"
	case step >= 1:
		return "$" + grouped(strconv.FormatFloat(v, 'f', 0, 64))
	}
	return "$" + strconv.FormatFloat(v, 'f', int(math.Ceil(-math.Log10(step)-1e-9)), 64)
}
