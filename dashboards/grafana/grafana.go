// Package grafana is weir's Grafana boards, written in Go and committed as the JSON that Grafana is given.
//
// What is exact comes from ClickHouse, through the plugin grafana-clickhouse-datasource and mostly from the usage tables;
// what is live comes from Prometheus. A board asks for its two data sources by variables, so that it may be imported into
// any Grafana.
package grafana

//go:generate go run ./generate

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// Board is one board as Grafana is given it.
type Board struct {
	UID    string
	File   string // its name in the folder of this package
	JSON   []byte
	Panels []Panel
	// Variables are the queries that fill the board's drop-down lists, and Marks those of its annotations.
	Variables, Marks []Query
}

// Panel is what a panel asks.
type Panel struct {
	Title   string
	Queries []Query
}

// Query is one question to a data source.
type Query struct {
	SQL    string // with the plugin's macros and Grafana's variables, or empty
	PromQL string // or empty
	// Empty says that no rows are a good answer: nothing failed, nothing is in quarantine.
	Empty bool
}

// Boards builds all boards.
func Boards() ([]Board, error) {
	var out []Board
	for _, b := range []*board{cost(), reliability(), savings(), budgets(), quality(), retrieval(), ingest()} {
		made, err := b.make()
		if err != nil {
			return nil, fmt.Errorf("board %s: %w", b.uid, err)
		}
		out = append(out, made)
	}
	return out, nil
}

// board is what all boards have in common, filled in.
type board struct {
	uid, title, about string
	from              string // the first span of time shown, to now
	variables         []variable
	marks             []mark
	rows              []row
}

// row is a heading and the panels below it.
type row struct {
	title  string
	panels []panel
}

func (b *board) make() (Board, error) {
	out := Board{UID: "weir-" + b.uid, File: b.uid + ".json"}
	d := dashboard.NewDashboardBuilder("weir / "+b.title).Uid(out.UID).Description(b.about).Tags([]string{"weir"}).Editable().
		Tooltip(dashboard.DashboardCursorSyncCrosshair).Refresh("1m").Time(b.from, "now").Timezone("browser").
		Link(dashboard.NewDashboardLinkBuilder("weir boards").Type(dashboard.DashboardLinkTypeDashboards).Tags([]string{"weir"}).AsDropdown(true).KeepTime(true).IncludeVars(true))
	d.WithVariable(dashboard.NewDatasourceVariableBuilder("clickhouse").Label("ClickHouse").Type("grafana-clickhouse-datasource"))
	d.WithVariable(dashboard.NewDatasourceVariableBuilder("prometheus").Label("Prometheus").Type("prometheus"))
	for _, v := range b.variables {
		d.WithVariable(v.build())
		if v.sql != "" {
			out.Variables = append(out.Variables, Query{SQL: v.sql, Empty: v.mayBeEmpty})
		}
	}
	marks := make([]any, len(b.marks))
	for i := range b.marks {
		var err error
		if marks[i], err = b.marks[i].build(); err != nil {
			return Board{}, fmt.Errorf("marks %s: %w", b.marks[i].name, err)
		}
		out.Marks = append(out.Marks, b.marks[i].query())
	}
	for _, r := range b.rows {
		d.WithRow(dashboard.NewRowBuilder(r.title))
		for i := range r.panels {
			p := &r.panels[i]
			d.WithPanel(p.build())
			out.Panels = append(out.Panels, Panel{Title: p.title, Queries: p.queries})
		}
	}
	made, err := d.Build()
	if err != nil {
		return Board{}, err
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(struct {
		dashboard.Dashboard
		Annotations any `json:"annotations"` // in place of the dashboard's own
	}{made, map[string]any{"list": marks}}); err != nil {
		return Board{}, err
	}
	out.JSON = text.Bytes()
	return out, nil
}
