package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/prompts"
)

// happenedList is what changed lately, newest first.
type happenedList struct {
	Since  stamp      `json:"since"`
	Events []happened `json:"events"`
	More   bool       `json:"more"` // there are more, older ones
}

// happened is one thing that changed.
type happened struct {
	At   stamp  `json:"at"`
	Kind string `json:"kind"` // prompt, experiment, price, budget or alert
	Name string `json:"name"` // of the prompt, experiment, model, budget or rule
	Text string `json:"text"` // what it is, in words
	By   string `json:"by"`   // "": nobody did, it happened
	Bad  bool   `json:"bad"`  // somebody may want to look
	URL  string `json:"url"`  // of the console, without its host
}

const (
	mostHappened = 200 // of each kind, and altogether
	mostSince    = 31 * 24 * time.Hour
)

// happenedRoutes are those of what changed.
func (a *API) happenedRoutes() []route {
	return []route{{
		method: "GET", path: "/happened", name: "listHappened", summary: "What changed lately, newest first: labels of prompts, experiments, prices set by hand, budgets and alerts",
		params: []param{{name: "since", about: "from this moment on, at most 31 days back: RFC 3339, a day, or how long ago; 24h unless given"}},
		status: http.StatusOK, out: happenedList{}, handle: a.listHappened,
	}}
}

func (a *API) listHappened(w http.ResponseWriter, r *http.Request) error {
	now := time.Now().UTC()
	since, _, err := readSpan(r.URL.Query(), now, time.UTC)
	if err != nil {
		return err
	}
	if since.IsZero() {
		since = now.Add(-24 * time.Hour)
	}
	if least := now.Add(-mostSince); since.Before(least) {
		since = least
	}
	out := happenedList{Since: stamp(since), Events: []happened{}}
	for _, of := range []struct {
		what string
		read func(ctx context.Context, since, now time.Time) ([]happened, error)
	}{
		{"prompts", a.promptsHappened}, {"experiments", a.experimentsHappened}, {"prices", a.pricesHappened}, {"budgets", a.budgetsHappened}, {"alerts", a.alertsHappened},
	} {
		list, err := of.read(r.Context(), since, now)
		if err != nil {
			return fmt.Errorf("what happened to %s: %w", of.what, err)
		}
		out.Events = append(out.Events, list...)
	}
	slices.SortStableFunc(out.Events, func(a, b happened) int { return time.Time(b.At).Compare(time.Time(a.At)) })
	if len(out.Events) > mostHappened {
		out.Events, out.More = out.Events[:mostHappened], true
	}
	return answer(w, http.StatusOK, out)
}

// promptsHappened are moves of labels of the prompts that have one that moved.
func (a *API) promptsHappened(ctx context.Context, since, _ time.Time) (out []happened, err error) {
	for name, p := range a.cfg.Registry.Current().State().Prompts {
		moved := false
		for _, to := range p.Labels {
			moved = moved || to.Label != prompts.Latest && !to.MovedAt.Before(since)
		}
		if !moved || len(out) >= mostHappened {
			continue
		}
		moves, err := a.cfg.Prompts.Moves(ctx, name)
		if err != nil {
			return nil, err
		}
		for i := range moves {
			m := &moves[i]
			if m.MovedAt.Before(since) {
				break
			}
			text := fmt.Sprintf("%s moved from version %d to %d", m.Label, m.From, m.Number)
			switch {
			case m.Number == 0:
				text = fmt.Sprintf("%s was taken away from version %d", m.Label, m.From)
			case m.From == 0:
				text = fmt.Sprintf("%s points to version %d", m.Label, m.Number)
			}
			out = append(out, happened{At: stamp(m.MovedAt), Kind: "prompt", Name: name, Text: because(text, m.Reason), By: m.Author, URL: "/prompts/" + url.PathEscape(name)})
		}
	}
	return out, nil
}

// because adds a reason to what happened.
func because(text, reason string) string {
	if reason == "" {
		return text
	}
	return text + ": " + reason
}

func (a *API) experimentsHappened(ctx context.Context, since, _ time.Time) (out []happened, err error) {
	list, err := a.cfg.Experiments.Experiments(ctx)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].UpdatedAt.Before(since) || len(out) >= mostHappened {
			continue
		}
		events, err := a.cfg.Experiments.ExperimentEvents(ctx, list[i].Name)
		if err != nil {
			return nil, err
		}
		for k := range events {
			e := &events[k]
			if e.At.Before(since) {
				break
			}
			text := string(e.Did)
			if e.Detail != "" {
				text += ", " + e.Detail
			}
			out = append(out, happened{At: stamp(e.At), Kind: "experiment", Name: list[i].Name, Text: because(text, e.Reason), By: e.Author, URL: "/experiments/" + url.PathEscape(list[i].Name)})
		}
	}
	return out, nil
}

// pricesHappened are prices set by hand that came into force.
func (a *API) pricesHappened(ctx context.Context, since, now time.Time) (out []happened, err error) {
	list, err := a.cfg.Prices.Prices(ctx)
	if err != nil {
		return nil, err
	}
	for i := range list {
		e := &list[i]
		if e.EffectiveFrom.Before(since) || e.EffectiveFrom.After(now) || len(out) >= mostHappened {
			continue
		}
		text := "a price set by hand is in force"
		if e.Project != "" {
			text += ", for project " + e.Project
		}
		out = append(out, happened{At: stamp(e.EffectiveFrom), Kind: "price", Name: e.Provider + "/" + e.Model, Text: text, URL: "/models?" + url.Values{"q": {e.Model}}.Encode()})
	}
	return out, nil
}

func (a *API) budgetsHappened(ctx context.Context, since, _ time.Time) (out []happened, err error) {
	list, _, err := a.cfg.BudgetEvents.ListBudgetEvents(ctx, price.BudgetEventQuery{Since: since, Limit: mostHappened})
	if err != nil {
		return nil, err
	}
	for i := range list {
		e := &list[i]
		if e.At.Before(since) {
			continue
		}
		text := map[price.BudgetEventKind]string{
			price.EventThreshold: fmt.Sprintf("%d %% are used", e.Percent), price.EventRefused: "refused " + calls(e.Count), price.EventDowngraded: "passed over a target for " + calls(e.Count),
			price.EventCut: "cut " + calls(e.Count), price.EventOverrun: calls(e.Count) + " cost more than was held",
		}[e.Kind]
		out = append(out, happened{At: stamp(e.At), Kind: "budget", Name: e.Name, Text: text, Bad: e.Kind != price.EventThreshold || e.Percent >= 100, URL: "/budgets"})
	}
	return out, nil
}

func calls(n int64) string { return fmt.Sprintf("%d %s", n, plural(int(n), "call", "calls")) }

func (a *API) alertsHappened(ctx context.Context, since, _ time.Time) (out []happened, err error) {
	list, _, err := a.cfg.Alerts.Store().AlertHistory(ctx, alert.HistoryQuery{Since: since, Limit: mostHappened})
	if err != nil {
		return nil, err
	}
	rules, err := a.cfg.Alerts.Rules(ctx)
	if err != nil {
		return nil, err
	}
	units := map[string]alert.Unit{}
	for i := range rules {
		units[rules[i].Name] = rules[i].Metric.Unit()
	}
	for i := range list {
		e := &list[i]
		text := strings.ToLower(strings.ReplaceAll(string(e.To), "_", " "))
		if e.To == alert.OK {
			text = "fine again"
		}
		if e.Known {
			text += " at " + cmp.Or(units[e.Rule], alert.Number).Text(e.Value)
		}
		if l := e.Labels.Text(); l != "" {
			text += " for " + l
		}
		out = append(out, happened{At: stamp(e.At), Kind: "alert", Name: e.Rule, Text: text, Bad: e.To.Rank() >= alert.Warning.Rank(), URL: "/alerts?" + url.Values{"rule": {e.Rule}}.Encode()})
	}
	return out, nil
}
