package grafana

import (
	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// shape is how a panel shows what it is told.
type shape int

const (
	number  shape = iota // one figure, large
	lines                // over time
	stacked              // over time, parts of a whole
	shares               // the same, the whole being 100 %
	bars                 // a bar a row: a name and a figure
	grid                 // a table
)

// panel is one panel. Width is in 24ths of the board's.
type panel struct {
	shape   shape
	title   string
	about   string
	width   uint32
	height  uint32
	unit    string // Grafana's name of it
	legend  string // the name of a series; empty: the series' own
	queries []Query
	warn    float64 // from here on yellow; 0: never
	alarm   float64 // from here on red; 0: never
	none    string  // said when there is nothing
	overs   []over
}

// over sets the unit of one column of a table, and where a click on it leads.
type over struct {
	column, unit, link string
}

func (p *panel) build() cog.Builder[dashboard.Panel] {
	none := p.none
	if none == "" {
		none = "nothing in this span of time"
	}
	limits := dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(p.steps())
	switch p.shape {
	case number:
		b := stat.NewPanelBuilder().Title(p.title).Description(p.about).Span(p.width).Height(p.height).Unit(p.unit).NoValue(none).
			GraphMode(common.BigValueGraphModeNone).Thresholds(limits).ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}))
		for i, q := range p.queries {
			b.WithTarget(q.target(i, false))
		}
		return b
	case bars:
		b := bargauge.NewPanelBuilder().Title(p.title).Description(p.about).Span(p.width).Height(p.height).Unit(p.unit).NoValue(none).
			Orientation(common.VizOrientationHorizontal).DisplayMode(common.BarGaugeDisplayModeBasic).Thresholds(limits).
			ReduceOptions(common.NewReduceDataOptionsBuilder().Values(true))
		for i, q := range p.queries {
			b.WithTarget(q.target(i, false))
		}
		return b
	case grid:
		b := table.NewPanelBuilder().Title(p.title).Description(p.about).Span(p.width).Height(p.height).NoValue(none)
		for _, o := range p.overs {
			b.OverrideByName(o.column, o.properties())
		}
		for i, q := range p.queries {
			b.WithTarget(q.target(i, false))
		}
		return b
	}
	b := timeseries.NewPanelBuilder().Title(p.title).Description(p.about).Span(p.width).Height(p.height).Unit(p.unit).Min(0).NoValue(none).
		LineWidth(1.5).ShowPoints(common.VisibilityModeNever).
		Tooltip(common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending)).
		Legend(common.NewVizLegendOptionsBuilder().DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).ShowLegend(true))
	if p.shape == stacked || p.shape == shares {
		mode := common.StackingModeNormal
		if p.shape == shares {
			mode = common.StackingModePercent
		}
		b.DrawStyle(common.GraphDrawStyleBars).FillOpacity(80).LineWidth(0).Stacking(common.NewStackingConfigBuilder().Mode(mode))
	}
	if p.legend != "" {
		b.DisplayName(p.legend)
	}
	if p.warn > 0 || p.alarm > 0 {
		b.Thresholds(limits).ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed))
	}
	for i, q := range p.queries {
		b.WithTarget(q.target(i, true))
	}
	return b
}

func (p *panel) steps() []dashboard.Threshold {
	base := "green"
	if p.shape == bars || p.warn == 0 && p.alarm == 0 {
		base = "blue" // no judgement
	}
	out := []dashboard.Threshold{{Color: base}}
	if p.warn > 0 {
		out = append(out, dashboard.Threshold{Value: &p.warn, Color: "yellow"})
	}
	if p.alarm > 0 {
		out = append(out, dashboard.Threshold{Value: &p.alarm, Color: "red"})
	}
	return out
}

func (o *over) properties() []dashboard.DynamicConfigValue {
	var out []dashboard.DynamicConfigValue
	if o.unit != "" {
		out = append(out, dashboard.DynamicConfigValue{Id: "unit", Value: o.unit})
	}
	if o.link != "" {
		out = append(out, dashboard.DynamicConfigValue{Id: "links", Value: []map[string]any{{"title": "Open in weir", "url": o.link, "targetBlank": true}}})
	}
	return out
}

// Widths and heights that make whole rows of 24.
func figure(title, about, unit string, q Query) panel {
	return panel{shape: number, title: title, about: about, width: 4, height: 4, unit: unit, queries: []Query{q}}
}

func chart(s shape, title, about, unit, legend string, queries ...Query) panel {
	return panel{shape: s, title: title, about: about, width: 12, height: 9, unit: unit, legend: legend, queries: queries}
}

func list(title, about string, q Query, overs ...over) panel {
	return panel{shape: grid, title: title, about: about, width: 12, height: 9, queries: []Query{q}, overs: overs}
}

func ranking(title, about, unit string, q Query) panel {
	return panel{shape: bars, title: title, about: about, width: 12, height: 9, unit: unit, queries: []Query{q}}
}

// wide makes the panel as wide as the board.
func (p panel) wide() panel {
	p.width = 24
	return p
}

// limits colours the panel from these values on.
func (p panel) limits(warn, alarm float64) panel {
	p.warn, p.alarm = warn, alarm
	return p
}
