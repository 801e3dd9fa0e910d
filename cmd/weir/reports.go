package main

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/dashboards/report"
	"github.com/weir-dev/weir/dashboards/report/schedule"
)

// reportCommand prints reports, and manages who is sent them.
func reportCommand() *cobra.Command {
	var period, project, of, timezone, format, file string
	cmd := &cobra.Command{
		Use:   "report",
		Short: "What a week or a month cost, saved and suffered, against the one before",
		Long: `report prints the report of a calendar week or month: spend against the period before and the budgets, savings, forecast, scores,
incidents and what moved most. --of takes 2026-W47, 2026-10, a day of it, this, or last; nothing means the last one that is over.
As HTML it is a page of its own that a browser prints or saves as PDF. See docs/reports.md.`,
		Example: `  weir report
  weir report --period month --project support --of 2026-10 --format html -o october.html
  weir report schedules
  weir report send weekly`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON(cmd) {
				format = "json"
			}
			if format != "html" && format != "text" && format != "json" {
				return fmt.Errorf("--format %q is none of text, html, json", format)
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			c.timeout = 5 * time.Minute // a month of a large weir takes its time
			q := url.Values{"format": {format}}
			for name, v := range map[string]string{"project": project, "of": of, "timezone": timezone} {
				if v != "" {
					q.Set(name, v)
				}
			}
			raw, err := c.get(cmd.Context(), "reports/"+url.PathEscape(period), q, nil)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if file == "" || file == "-" {
				return s.asItCame(raw)
			}
			if err := os.WriteFile(file, raw, 0o600); err != nil { // it names users and what they cost
				return fmt.Errorf("write the report: %w", err)
			}
			s.note("written to %s", file)
			return nil
		},
	}
	clientFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&period, "period", "week", "week or month")
	f.StringVar(&project, "project", "", "of this project; nothing: all")
	f.StringVar(&of, "of", "", "which one: 2026-W47, 2026-10, a day of it, this, last")
	f.StringVar(&timezone, "timezone", "", "of the period and its days, as Europe/Berlin; nothing: reports.timezone of the configuration")
	f.StringVar(&format, "format", "text", "text, html or json")
	f.StringVarP(&file, "output", "o", "", "write to this file; nothing: print")
	cmd.AddCommand(reportSchedulesCommand(), reportScheduleCommand(), reportUnscheduleCommand(), reportSendCommand())
	return cmd
}

// shownSchedule is a schedule as the API gives it.
type shownSchedule struct {
	schedule.Schedule
	Source string     `json:"source"`
	NextAt *time.Time `json:"next_at"`
	Last   *struct {
		Period string    `json:"period"`
		At     time.Time `json:"at"`
	} `json:"last"`
	Error string `json:"error"`
}

func reportSchedulesCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "schedules",
		Short:   "List which reports are sent, when, and to whom",
		Example: `  weir report schedules`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var list struct {
				Schedules []shownSchedule `json:"schedules"`
			}
			raw, err := c.get(cmd.Context(), "reports/schedules", nil, &list)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			switch {
			case asJSON(cmd):
				return s.asItCame(raw)
			case len(list.Schedules) == 0:
				s.note("no schedules; make one with: weir report schedule NAME --period week --notify CHANNEL")
				return nil
			}
			return s.schedules(list.Schedules)
		},
	}
}

// schedules shows a row for each.
func (s *screen) schedules(list []shownSchedule) error {
	sh := sheet{columns: []column{
		{name: "name", flex: true}, {name: "period"}, {name: "project", flex: true}, {name: "to", flex: true, drop: 1}, {name: "next", drop: 2}, {name: "last", drop: 3}, {name: "from", drop: 4},
	}}
	for i := range list {
		one := &list[i]
		to, next, last := "every channel", "disabled", "-"
		if len(one.Notify) > 0 {
			to = fmt.Sprint(one.Notify)
		}
		if one.NextAt != nil {
			next = s.moment(*one.NextAt)
		}
		if one.Last != nil {
			last = one.Last.Period
		}
		sh.rows = append(sh.rows, []string{one.Name, string(one.Period), cmp.Or(one.Project, "(all)"), to, next, last, one.Source})
		if one.Error != "" {
			defer s.note("%s could not be sent, and is tried again: %s", clean(one.Name), clean(one.Error))
		}
	}
	return s.table(sh)
}

func reportScheduleCommand() *cobra.Command {
	var one schedule.Schedule
	var period string
	cmd := &cobra.Command{
		Use:   "schedule NAME",
		Short: "Have a report sent each week or month, or change that",
		Long: `schedule has the report of each week sent on Monday, or of each month on the first, to channels of alerts.notify of the configuration.
It begins with the next one.`,
		Example: `  weir report schedule support-weekly --period week --project support --notify mail --at 07:30 --timezone Europe/Berlin`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			one.Name = args[0]
			one.Period = report.Kind(period)
			return askAndSay(cmd, http.MethodPut, "reports/schedules/"+url.PathEscape(one.Name), one, "the schedule %s is set", one.Name)
		},
	}
	f := cmd.Flags()
	f.StringVar(&period, "period", "week", "week or month")
	f.StringVar(&one.Project, "project", "", "of this project; nothing: all")
	f.StringVar(&one.At, "at", "", "time of the day; nothing: "+schedule.DefaultAt)
	f.StringVar(&one.Timezone, "timezone", "", "as Europe/Berlin; nothing: reports.timezone of the configuration")
	f.StringSliceVar(&one.Notify, "notify", nil, "names of channels; nothing: all")
	f.BoolVar(&one.Disabled, "disabled", false, "send it by hand only")
	return cmd
}

func reportUnscheduleCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "unschedule NAME",
		Short:   "Send a report no more",
		Example: `  weir report unschedule support-weekly`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return askAndSay(cmd, http.MethodDelete, "reports/schedules/"+url.PathEscape(args[0]), nil, "removed %s", args[0])
		},
	}
}

func reportSendCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "send NAME",
		Short:   "Send the report of the last period that is over to a schedule's channels, now",
		Example: `  weir report send support-weekly`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return askAndSay(cmd, http.MethodPost, "reports/schedules/"+url.PathEscape(args[0])+"/send", nil, "on its way: weir alerts deliveries says whether %s arrived", args[0])
		},
	}
}
