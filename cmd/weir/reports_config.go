package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/weir-dev/weir/api"
	"github.com/weir-dev/weir/clickhouse"
	"github.com/weir-dev/weir/dashboards/report/gather"
	"github.com/weir-dev/weir/dashboards/report/schedule"
	"github.com/weir-dev/weir/sqldb"
)

// ReportsConfig is which reports are sent. Schedules made by the API are sent besides.
type ReportsConfig struct {
	Timezone  string              `yaml:"timezone"` // of weeks, months and days, as Europe/Berlin; empty: UTC
	Schedules []schedule.Schedule `yaml:"schedules"`
}

func (c *Config) validateReports(faults *configFaults) {
	zone, err := time.LoadLocation(c.Reports.Timezone)
	if err != nil || zone == time.Local {
		faults.of("reports.timezone", "%q is no name of the time zone database, such as Europe/Berlin", c.Reports.Timezone)
	}
	channels := []string{}
	for i := range c.Alerts.Notify {
		channels = append(channels, c.Alerts.Notify[i].Name)
	}
	seen := map[string]bool{}
	for i := range c.Reports.Schedules {
		s := &c.Reports.Schedules[i]
		at := fmt.Sprintf("reports.schedules[%d]", i)
		addRuleFaults(faults, at, s.Check(channels))
		if seen[s.Name] && s.Name != "" {
			faults.of(at+".name", "there are two schedules named %q", s.Name)
		}
		seen[s.Name] = true
	}
}

// zone is the time zone of reports. The configuration must have been validated.
func (c *ReportsConfig) zone() *time.Location {
	if zone, err := time.LoadLocation(c.Timezone); err == nil {
		return zone
	}
	return time.UTC
}

// reportRoutes are the names of the configuration that lead to more than one target.
func reportRoutes(cfg Config) []gather.Route {
	priceAs := priceNames(cfg)
	var out []gather.Route
	for i := range cfg.Routes {
		r := gather.Route{Model: cfg.Routes[i].Model}
		for _, list := range [][]TargetConfig{cfg.Routes[i].Targets, cfg.Routes[i].Fallback} {
			for _, t := range list {
				r.Targets = append(r.Targets, gather.Target{Provider: t.Provider, PriceAs: priceAs(t.Provider), Model: t.Model})
			}
		}
		if len(r.Targets) > 1 {
			out = append(out, r)
		}
	}
	return out
}

// reportParts are the stores that reports read, and what sends them.
type reportParts struct {
	control *sqldb.DB
	store   *clickhouse.DB
	reader  freshReader
	book    *prices
	alerts  *alarms
	owner   string
	console string // URL
}

// newReports makes what makes and sends reports.
func newReports(cfg Config, p reportParts, log *slog.Logger) api.Reports {
	sources := &gather.Sources{
		Fresh: p.reader.fresh, Calls: p.reader.Reader, Scores: p.store, Budgets: p.control, BudgetEvents: p.control, Alerts: p.alerts.watch, Routes: reportRoutes(cfg), Book: p.book.Current,
		Zone: cfg.Reports.zone(), Console: strings.TrimSuffix(cmp.Or(cfg.Alerts.ConsoleURL, p.console), "/"),
	}
	return api.Reports{Sources: sources, Sender: schedule.NewSender(schedule.Config{
		Store: p.control, Outbox: p.control, Make: sources.Make, Schedules: cfg.Reports.Schedules, Channels: p.alerts.watch.Channels(), Leases: p.control,
		Owner: p.owner, Zone: cfg.Reports.zone(), Wake: p.alerts.box.Wake, Log: log,
	})}
}
