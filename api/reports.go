package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/dashboards/report"
	"github.com/weir-dev/weir/dashboards/report/gather"
	"github.com/weir-dev/weir/dashboards/report/schedule"
	"github.com/weir-dev/weir/llm"
)

// newReportSchedule is a schedule that is to be stored.
type newReportSchedule struct {
	schedule.Schedule
}

// reportSchedules are all schedules by name.
type reportSchedules struct {
	Schedules []reportSchedule `json:"schedules"`
	Channels  []string         `json:"channels"` // who can be told, of the configuration
	Timezone  string           `json:"timezone"` // of reports and schedules that name none
}

// reportSchedule is a schedule with where it stands.
type reportSchedule struct {
	schedule.Schedule
	Source string      `json:"source"`  // api, or file: it is changed in the configuration
	NextAt *stamp      `json:"next_at"` // when the next report is sent; null: it is disabled
	Last   *reportSent `json:"last"`    // null: none was sent yet
	Error  string      `json:"error"`   // why the report that is due could not be made; it is tried again
}

// reportSent is a report that was handed to channels.
type reportSent struct {
	Period   string `json:"period"` // 2026-W47, 2026-10
	At       stamp  `json:"at"`
	Channels int    `json:"channels"` // how many
}

// reportDeliveries are messages on their way.
type reportDeliveries struct {
	Deliveries []alertDelivery `json:"deliveries"`
}

var reportParams = []param{
	{name: "project", about: "of this project; all unless given"},
	{name: "of", about: "which week or month: 2026-W47, 2026-10, a day of it, this, or last, which nothing means too"},
	{name: "timezone", about: "of the period and its days, as Europe/Berlin; reports.timezone of the configuration unless given"},
	{name: "format", about: "json, or a page of its own, or plain text", enum: []string{"json", "html", "text"}},
}

// reportRoutes are those of reports and their schedules.
func (a *API) reportRoutes() []route {
	return []route{
		{
			method: "GET", path: "/reports/{period}", name: "getReport", summary: "What a week or a month cost, saved and suffered, against the one before; period is week or month",
			params: reportParams, status: http.StatusOK, out: report.Report{}, also: []string{"text/html", "text/plain"}, handle: a.getReport,
		},
		{
			method: "GET", path: "/reports/schedules", name: "listReportSchedules", summary: "Of what reports are sent, when, and to whom",
			status: http.StatusOK, out: reportSchedules{}, handle: a.listReportSchedules,
		},
		{
			method: "POST", path: "/reports/schedules", name: "createReportSchedule", summary: "Have a report sent each week or month; it begins with the next one", role: account.Developer,
			in: newReportSchedule{}, status: http.StatusCreated, out: reportSchedule{}, handle: a.createReportSchedule,
		},
		{
			method: "PUT", path: "/reports/schedules/{name}", name: "putReportSchedule", summary: "Put a schedule in place of the one of this name, or make it", role: account.Developer,
			in: newReportSchedule{}, status: http.StatusOK, out: reportSchedule{}, handle: a.putReportSchedule,
		},
		{
			method: "DELETE", path: "/reports/schedules/{name}", name: "deleteReportSchedule", summary: "Remove a schedule; what is on its way is still sent", role: account.Developer,
			status: http.StatusNoContent, handle: a.deleteReportSchedule,
		},
		{
			method: "POST", path: "/reports/schedules/{name}/send", name: "sendReport", summary: "Send the report of the last period that is over, now", role: account.Developer,
			status: http.StatusOK, out: reportDeliveries{}, handle: a.sendReport,
		},
	}
}

// Reports are what the API makes reports with, and what sends them.
type Reports struct {
	Sources *gather.Sources // of the same stores as the API
	Sender  *schedule.Sender
}

func (a *API) getReport(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	zone := a.cfg.Reports.Sources.DefaultZone()
	if name := q.Get("timezone"); name != "" {
		var err error
		if zone, err = readZone(name); err != nil {
			return err
		}
	}
	format := q.Get("format")
	switch format {
	case "", "json", "html", "text":
	default:
		return bad("format", "format=%q is not in this version: want json, html or text", clip(format))
	}
	now := time.Now()
	p, err := report.Parse(report.Kind(r.PathValue("period")), q.Get("of"), now, zone)
	if err != nil {
		if kind := r.PathValue("period"); kind != string(report.Week) && kind != string(report.Month) {
			return llm.Faultf(llm.NotFound, "there are no reports by %q: want %s/reports/week or %s/reports/month", clip(kind), prefix, prefix)
		}
		return bad("of", "%v", err)
	}
	made, err := a.cfg.Reports.Sources.Make(r.Context(), p, q.Get("project"), now)
	if err != nil {
		return err
	}
	switch format {
	case "html":
		page, err := made.HTML()
		if err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
		w.Header().Set("Content-Security-Policy", report.Policy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(page))
	case "text":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(made.Text()))
	default:
		return answer(w, http.StatusOK, made)
	}
	return nil
}

// scheduleFault finds the fault of an error about schedules.
func scheduleFault(err error) error {
	if wrong, ok := errors.AsType[alert.Faults](err); ok {
		return bad(wrong[0].Field, "the schedule has %d %s: %s", len(wrong), plural(len(wrong), "fault", "faults"), wrong.Error())
	}
	switch {
	case errors.Is(err, schedule.ErrNone):
		return llm.Faultf(llm.NotFound, "no schedule has this name; GET %s/reports/schedules lists them", prefix).Because(err)
	case errors.Is(err, schedule.ErrTaken):
		return bad("name", "a schedule of this name is there already: choose another name, or change it with PUT %s/reports/schedules/{name}", prefix).Because(err)
	}
	return err
}

func scheduleOf(s *schedule.Listed) reportSchedule {
	out := reportSchedule{Schedule: s.Schedule, Source: "api", NextAt: stampOf(s.Next), Error: s.Error}
	if s.File {
		out.Source = "file"
	}
	if s.Last != nil {
		out.Last = &reportSent{s.Last.Period, stamp(s.Last.At), s.Last.Channels}
	}
	return out
}

func (a *API) listReportSchedules(w http.ResponseWriter, r *http.Request) error {
	all, err := a.cfg.Reports.Sender.List(r.Context(), time.Now())
	if err != nil {
		return fmt.Errorf("list schedules of reports: %w", err)
	}
	out := reportSchedules{Schedules: make([]reportSchedule, len(all)), Channels: list(a.cfg.Reports.Sender.Channels()), Timezone: a.cfg.Reports.Sources.DefaultZone().String()}
	for i := range all {
		out.Schedules[i] = scheduleOf(&all[i])
	}
	return answer(w, http.StatusOK, out)
}

// scheduleNamed shows one schedule.
func (a *API) scheduleNamed(ctx context.Context, name string) (reportSchedule, error) {
	all, err := a.cfg.Reports.Sender.List(ctx, time.Now())
	if err != nil {
		return reportSchedule{}, err
	}
	for i := range all {
		if all[i].Name == name {
			return scheduleOf(&all[i]), nil
		}
	}
	return reportSchedule{}, schedule.ErrNone
}

func (a *API) createReportSchedule(w http.ResponseWriter, r *http.Request) error {
	var in newReportSchedule
	if err := read(r, &in); err != nil {
		return err
	}
	if a.cfg.Reports.Sender.FromFile(in.Name) {
		return scheduleFault(schedule.ErrTaken)
	}
	return a.storeSchedule(w, r, &in.Schedule, true, http.StatusCreated)
}

func (a *API) putReportSchedule(w http.ResponseWriter, r *http.Request) error {
	var in newReportSchedule
	if err := read(r, &in); err != nil {
		return err
	}
	if name := r.PathValue("name"); in.Name != name {
		return bad("name", "the schedule's name is %q, the path's %q: a schedule keeps its name; make another one and remove this", clip(in.Name), clip(name))
	}
	if err := a.ownSchedule(in.Name); err != nil {
		return err
	}
	return a.storeSchedule(w, r, &in.Schedule, false, http.StatusOK)
}

// ownSchedule refuses to change what stands in the configuration.
func (a *API) ownSchedule(name string) error {
	if a.cfg.Reports.Sender.FromFile(name) {
		return bad("name", "the schedule %s is one of the configuration file: change it there, under reports.schedules", clip(name))
	}
	return nil
}

func (a *API) storeSchedule(w http.ResponseWriter, r *http.Request, s *schedule.Schedule, fresh bool, status int) error {
	if faults := s.Check(list(a.cfg.Reports.Sender.Channels())); len(faults) > 0 {
		return scheduleFault(faults)
	}
	if err := a.cfg.Reports.Sender.Store().PutReportSchedule(r.Context(), *s, fresh); err != nil {
		return scheduleFault(err)
	}
	v, err := a.scheduleNamed(r.Context(), s.Name)
	if err != nil {
		return scheduleFault(err)
	}
	return answer(w, status, v)
}

func (a *API) deleteReportSchedule(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if err := a.ownSchedule(name); err != nil {
		return err
	}
	if err := a.cfg.Reports.Sender.Store().DeleteReportSchedule(r.Context(), name); err != nil {
		return scheduleFault(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) sendReport(w http.ResponseWriter, r *http.Request) error {
	one, err := a.cfg.Reports.Sender.Named(r.Context(), r.PathValue("name"))
	if err != nil {
		return scheduleFault(err)
	}
	sent, err := a.cfg.Reports.Sender.Send(r.Context(), &one, time.Now())
	if err != nil {
		return err
	}
	if len(sent) == 0 {
		return llm.Faultf(llm.InvalidRequest, "nobody can be told: the configuration has none of the schedule's channels; add one under alerts.notify")
	}
	out := reportDeliveries{Deliveries: make([]alertDelivery, len(sent))}
	for i := range sent {
		out.Deliveries[i] = deliveryOf(&sent[i])
	}
	return answer(w, http.StatusOK, out)
}
