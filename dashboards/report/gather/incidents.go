package gather

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/dashboards/report"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

const (
	historyPage  = 1000
	historyPages = 20

	peakErrors  = 5    // an hour with fewer is no peak
	peakShare   = 0.05 // of its calls, at least
	peakTimes   = 3    // the share of the whole period, at least
	peaksOfMost = 5
)

// alerts fills the rules that fired. In the report of a project those that look at another are left out.
func (s *Sources) alerts(ctx context.Context, in *span, r *report.Report) error {
	r.Incidents.Alerts = []report.Alert{}
	rules, err := s.Alerts.Rules(ctx)
	if err != nil {
		return err
	}
	ruleOf := map[string]*alert.Rule{}
	for i := range rules {
		ruleOf[rules[i].Name] = &rules[i].Rule
	}
	var events []alert.Event
	q := alert.HistoryQuery{Since: in.since, Limit: historyPage}
	for range historyPages {
		page, next, err := s.Alerts.Store().AlertHistory(ctx, q)
		if err != nil {
			return err
		}
		for i := range page {
			if page[i].At.Before(in.through) && ofProject(&page[i], ruleOf[page[i].Rule], in.project) {
				events = append(events, page[i])
			}
		}
		if q.Cursor = next; next == "" {
			break
		}
	}
	slices.SortStableFunc(events, func(a, b alert.Event) int { return a.At.Compare(b.At) })
	open := map[string]int{}
	for i := range events {
		e := &events[i]
		key := e.Rule + "\x00" + e.Labels.Key()
		at, is := open[key]
		if e.To == alert.OK {
			if is {
				until := e.At.UTC()
				r.Incidents.Alerts[at].Until = &until
				delete(open, key)
			}
			continue
		}
		if !is {
			at = len(r.Incidents.Alerts)
			open[key] = at
			r.Incidents.Alerts = append(r.Incidents.Alerts, report.Alert{
				Rule: e.Rule, Labels: labels(e.Labels), Since: e.At.UTC(), URL: s.Console + "/alerts?rule=" + url.QueryEscape(e.Rule),
			})
		}
		if a := &r.Incidents.Alerts[at]; e.To.Rank() > alert.Severity(a.Severity).Rank() {
			a.Severity, a.Value = string(e.To), ""
			if rule := ruleOf[e.Rule]; rule != nil && e.Known {
				a.Value = rule.Metric.Unit().Text(e.Value)
			}
		}
	}
	slices.SortStableFunc(r.Incidents.Alerts, func(a, b report.Alert) int {
		return cmp.Or(b.Since.Compare(a.Since), cmp.Compare(a.Rule, b.Rule))
	})
	r.Incidents.Alerts, r.Incidents.MoreAlerts = first(r.Incidents.Alerts, incidents)
	return nil
}

// ofProject says that neither the rule nor the group is of another project.
func ofProject(e *alert.Event, r *alert.Rule, project string) bool {
	other := func(p string) bool { return p != "" && p != project }
	return project == "" || !other(e.Labels["project"]) && (r == nil || !other(r.Filter.Project))
}

func labels(l alert.Labels) map[string]string {
	if l == nil {
		return map[string]string{}
	}
	return l
}

// first is the beginning of a list, and how many are left out.
func first[T any](list []T, most int) ([]T, int) {
	n := min(len(list), most)
	return list[:n], len(list) - n
}

// peaks fills hours with far more errors than others.
func (s *Sources) peaks(ctx context.Context, in *span, r *report.Report) error {
	costs, err := s.Calls.Costs(ctx, trace.CostQuery{Filter: in.filter(), By: []string{"hour"}})
	if err != nil {
		return err
	}
	least := peakShare
	if n := costs.Total.Calls; n > 0 {
		least = max(least, peakTimes*float64(costs.Total.Errors)/float64(n))
	}
	out := []report.Peak{}
	for i := range costs.Rows {
		row := &costs.Rows[i]
		if row.Errors < peakErrors || float64(row.Errors) < least*float64(row.Calls) {
			continue
		}
		at, err := time.Parse(time.RFC3339, row.Group[0])
		if err != nil {
			return err
		}
		at = at.UTC()
		if k := len(out) - 1; k >= 0 && out[k].Until.Equal(at) {
			out[k].Until, out[k].Calls, out[k].Errors = at.Add(time.Hour), out[k].Calls+row.Calls, out[k].Errors+row.Errors
			continue
		}
		out = append(out, report.Peak{Since: at, Until: at.Add(time.Hour), Calls: row.Calls, Errors: row.Errors})
	}
	slices.SortStableFunc(out, func(a, b report.Peak) int { return cmp.Compare(b.Errors, a.Errors) })
	out, r.Incidents.MorePeaks = first(out, peaksOfMost)
	for i := range out {
		p := &out[i]
		p.Percent = 100 * float64(p.Errors) / float64(p.Calls)
		p.URL = in.calls(p.Since, p.Until, "status", string(trace.StatusError))
	}
	r.Incidents.Peaks = out
	return nil
}

// breaches fills what happened at the limits of the project's budgets, by budget and kind.
func (s *Sources) breaches(ctx context.Context, in *span, r *report.Report) error {
	list, err := s.Budgets.ListBudgets(ctx)
	if err != nil {
		return err
	}
	out := []report.Breach{}
	q := price.BudgetEventQuery{Since: in.since, Limit: historyPage}
	for range historyPages {
		events, next, err := s.BudgetEvents.ListBudgetEvents(ctx, q)
		if err != nil {
			return err
		}
		for i := range events {
			e := &events[i]
			b := slices.IndexFunc(list, func(b price.Budget) bool { return b.ID == e.Budget })
			kind := string(e.Kind)
			if e.Kind == price.EventThreshold {
				kind = "reached"
			}
			if !e.At.Before(in.through) || e.LastAt.Before(in.since) || e.Kind == price.EventThreshold && e.Percent < 100 || in.project != "" && (b < 0 || !concerns(&list[b], in.project)) {
				continue
			}
			k := slices.IndexFunc(out, func(o report.Breach) bool { return o.Budget == e.Name && o.Kind == kind })
			if k < 0 {
				k = len(out)
				last := e.LastAt.UTC()
				out = append(out, report.Breach{Budget: e.Name, Kind: kind, First: e.At.UTC(), Last: &last})
			}
			o := &out[k]
			o.Count += e.Count
			// A threshold is told once; breaches are counted by windows.
			o.Beyond = o.Beyond || e.Kind != price.EventThreshold && (e.At.Before(in.since) || !e.LastAt.Before(in.through))
			if e.At.Before(o.First) {
				o.First = e.At.UTC()
			}
			if e.LastAt.After(*o.Last) {
				*o.Last = e.LastAt.UTC()
			}
		}
		if q.Cursor = next; next == "" {
			break
		}
	}
	slices.SortFunc(out, func(a, b report.Breach) int {
		return cmp.Or(b.Last.Compare(*a.Last), cmp.Compare(a.Budget, b.Budget), cmp.Compare(a.Kind, b.Kind))
	})
	for i := range out {
		if out[i].Last.After(in.through) {
			out[i].Last = nil
		}
	}
	r.Incidents.Breaches, r.Incidents.MoreBreach = first(out, incidents)
	return nil
}
