package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/clickhouse"
	"github.com/weir-dev/weir/eval/drift"
)

// newDrift makes the reports of how the traffic drifts.
func newDrift(store *clickhouse.DB, reader freshReader) *drift.Reports {
	return drift.NewReports(drift.Source{Calls: reader, Traffic: store})
}

// driftUses are the series of a report that were compared, as alerts look at them.
func driftUses(reports *drift.Reports) func(context.Context, time.Time) ([]alert.DriftUse, error) {
	return func(ctx context.Context, at time.Time) ([]alert.DriftUse, error) {
		report, err := reports.At(ctx, at)
		if err != nil {
			return nil, err
		}
		var out []alert.DriftUse
		for i := range report.Series {
			s := &report.Series[i]
			if s.Q == nil || s.Shift == nil {
				continue
			}
			d := alert.DriftUse{
				Series: string(s.Metric), Project: s.Project, Prompt: s.Prompt, Model: s.Model, Drifted: s.State == drift.Drifted, PSI: s.Shift.PSI, N: s.N,
			}
			if s.Moved != nil {
				d.Moved = [2]string{s.Moved.By, s.Moved.Name}
			}
			out = append(out, d)
		}
		return out, nil
	}
}

// shownDrift is the report as the API gives it.
type shownDrift struct {
	Until    time.Time      `json:"until"`
	Sample   float64        `json:"sample"`
	Calls    int64          `json:"calls"`
	Compared int            `json:"compared"`
	Drifted  int            `json:"drifted"`
	Left     int            `json:"left"`
	Series   []drift.Series `json:"series"`
}

// driftCommand shows how the traffic drifts.
func driftCommand() *cobra.Command {
	var project, metric string
	var all bool
	cmd := &cobra.Command{
		Use:   "drift",
		Short: "How the last day's calls compare with the weeks before; exits with 1 when something has drifted",
		Long: `drift compares the last 24 hours with the same weekday of the four weeks before: lengths in tokens of what is asked and answered, the
models, how calls ended, refusals and errors, of each project and of its prompts and models. See docs/drift.md.`,
		Example: `  weir drift
  weir drift --project shop --all
  weir drift --metric refusals --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			q := url.Values{}
			for name, v := range map[string]string{"project": project, "metric": metric} {
				if v != "" {
					q.Set(name, v)
				}
			}
			var list shownDrift
			raw, err := c.get(cmd.Context(), "drift", q, &list)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				err = s.asItCame(raw)
			} else {
				err = s.drift(&list, all)
			}
			if err != nil {
				return err
			}
			bad := 0
			for i := range list.Series {
				if list.Series[i].State == drift.Drifted {
					bad++
				}
			}
			if bad > 0 {
				return sayNo("%d series of the traffic have drifted", bad)
			}
			return nil
		},
	}
	clientFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&project, "project", "", "only of this project")
	f.StringVar(&metric, "metric", "", "only of this metric: input_tokens, output_tokens, models, ends, refusals, errors")
	f.BoolVar(&all, "all", false, "what is steady too, and what could not be compared")
	return cmd
}

// drift shows a row for each series that has drifted, or for all.
func (s *screen) drift(list *shownDrift, all bool) error {
	sh := sheet{columns: []column{
		{name: "series", flex: true},
		{name: "state", paint: driftColour},
		{name: "psi", right: true},
		{name: "p", right: true, drop: 3},
		{name: "calls", right: true, drop: 2},
		{name: "what", flex: true},
		{name: "most of it", flex: true, drop: 1},
	}}
	for i := range list.Series {
		d := &list.Series[i]
		if !all && d.State != drift.Drifted {
			continue
		}
		name := d.Project
		if d.Prompt != "" {
			name += " prompt " + d.Prompt
		}
		if d.Model != "" {
			name += " model " + d.Model
		}
		psi, p, moved := "-", "-", "-"
		if d.Shift != nil {
			psi = fmt.Sprintf("%.2f", d.Shift.PSI)
		}
		if d.Q != nil {
			p = fmt.Sprintf("%.2g", *d.Q)
		}
		if d.Moved != nil {
			moved = d.Moved.By + " " + d.Moved.Name
		}
		sh.rows = append(sh.rows, []string{string(d.Metric) + " of " + name, strings.ReplaceAll(string(d.State), "_", " "), psi, p, count(d.N), d.Reason, moved})
	}
	switch {
	case list.Calls == 0:
		s.note("there are no calls in the last four weeks")
	case len(sh.rows) == 0 && list.Compared == 0:
		s.note("nothing can be compared yet: two weeks of calls are needed; --all says why for each series")
	case len(sh.rows) == 0:
		s.note("nothing has drifted: %s series of the 24 hours before %s are as before", count(int64(list.Compared)), s.moment(list.Until))
	default:
		if err := s.table(sh); err != nil {
			return err
		}
	}
	if list.Sample < 1 && list.Calls > 0 {
		s.note("of %s calls a sample of %.2g %% was looked at", count(list.Calls), 100*list.Sample)
	}
	if list.Left > 0 {
		s.note("%d series with fewer calls were not compared", list.Left)
	}
	return nil
}

func driftColour(state string) text.Colors {
	if state == string(drift.Drifted) {
		return text.Colors{text.FgRed}
	}
	return nil
}
