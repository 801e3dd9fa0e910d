package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/llm"
)

// newAlert is a rule that is to be stored.
type newAlert struct {
	alert.Rule
}

// alertList is all rules with where they stand.
type alertList struct {
	Alerts   []alertView `json:"alerts"`
	Channels []string    `json:"channels"` // who can be told, of the configuration
}

// alertView is a rule with where it stands.
type alertView struct {
	alert.Rule
	Source   string       `json:"source"`   // api, or file: it is changed in the configuration
	Title    string       `json:"title"`    // of the metric
	Unit     alert.Unit   `json:"unit"`     // of the value and of the thresholds
	Severity string       `json:"severity"` // the worst of its groups; OK, WARNING, ALERT or NO_DATA
	States   []alertState `json:"states"`   // the worst first; none before it was looked at
	LookedAt *stamp       `json:"looked_at"`
	Error    string       `json:"error"`    // why it could not be looked at the last time
	Silenced bool         `json:"silenced"` // all of its groups are
}

// alertState is where a rule stands with a group.
type alertState struct {
	Labels   map[string]string `json:"labels"`
	Severity string            `json:"severity"`
	Since    stamp             `json:"since"`
	Value    *float64          `json:"value"` // null: there is nothing to look at
	At       stamp             `json:"at"`
	Pending  string            `json:"pending"` // what it will be when it stays so for long enough; "": nothing else
	Silenced bool              `json:"silenced"`
	AckBy    string            `json:"ack_by"`
	AckAt    *stamp            `json:"ack_at"`
	ToldAt   *stamp            `json:"told_at"`
}

// alertAck says that somebody has taken an alert on.
type alertAck struct {
	Labels map[string]string `json:"labels,omitempty"` // of the group
	Undo   bool              `json:"undo,omitempty"`
}

// alertTest is what was sent to see whether it arrives.
type alertTest struct {
	Message    alert.Message   `json:"message"`
	Deliveries []alertDelivery `json:"deliveries"`
}

// alertRoutes are those of alerts.
func (a *API) alertRoutes() []route {
	return slices.Concat([]route{
		{
			method: "GET", path: "/alerts", name: "listAlerts", summary: "All rules of alerts by name, with where each of their groups stands",
			status: http.StatusOK, out: alertList{}, handle: a.listAlerts,
		},
		{
			method: "POST", path: "/alerts", name: "createAlert", summary: "Make a rule; all that is wrong with it is said at once", role: account.Developer,
			in: newAlert{}, status: http.StatusCreated, out: alertView{}, handle: a.createAlert,
		},
		{
			method: "GET", path: "/alerts/{name}", name: "getAlert", summary: "One rule with where its groups stand",
			status: http.StatusOK, out: alertView{}, handle: a.getAlert,
		},
		{
			method: "PUT", path: "/alerts/{name}", name: "putAlert", summary: "Put a rule in place of the one of this name, or make it", role: account.Developer,
			in: newAlert{}, status: http.StatusOK, out: alertView{}, handle: a.putAlert,
		},
		{
			method: "DELETE", path: "/alerts/{name}", name: "deleteAlert", summary: "Remove a rule; its history stays", role: account.Developer,
			status: http.StatusNoContent, handle: a.deleteAlert,
		},
		{
			method: "POST", path: "/alerts/{name}/test", name: "testAlert", summary: "Send the rule's present values to its channels, marked as a test", role: account.Developer,
			status: http.StatusOK, out: alertTest{}, handle: a.testAlert,
		},
		{
			method: "POST", path: "/alerts/{name}/ack", name: "acknowledgeAlert", summary: "Say that a group that is bad is taken care of: it is not told again until it gets worse or is over", role: account.Developer,
			in: alertAck{}, status: http.StatusNoContent, handle: a.acknowledgeAlert,
		},
	}, a.alertReplayRoutes(), a.alertHistoryRoutes())
}

// alertFault finds the fault of an error about alerts.
func alertFault(err error) error {
	if wrong, ok := errors.AsType[alert.Faults](err); ok {
		return bad(wrong[0].Field, "the rule has %d %s: %s", len(wrong), plural(len(wrong), "fault", "faults"), wrong.Error())
	}
	for kind, text := range map[error]string{
		alert.ErrNoRule:     "no rule has this name; GET " + prefix + "/alerts lists them",
		alert.ErrNoState:    "the rule has no group of these labels that is bad; GET " + prefix + "/alerts shows them",
		alert.ErrNoSilence:  "no silence of this id holds; GET " + prefix + "/alerts/silences lists them",
		alert.ErrNoDelivery: "no delivery of this id was told or given up; GET " + prefix + "/alerts/deliveries lists them",
	} {
		if errors.Is(err, kind) {
			return llm.Faultf(llm.NotFound, "%s", text).Because(err)
		}
	}
	switch {
	case errors.Is(err, alert.ErrRuleTaken):
		return bad("name", "a rule of this name is there already: choose another name, or change it with PUT %s/alerts/{name}", prefix).Because(err)
	case errors.Is(err, alert.ErrCursor):
		return bad("cursor", "the cursor is not one of this list: use the next of an answer with the same filters, or leave it out to begin at the newest").Because(err)
	case errors.Is(err, alert.ErrNoPast):
		return bad("metric", "budgets, the spool and drift are looked at as they are now; what they were is not kept, so that there is no past to try a rule on").Because(err)
	}
	return err
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// alertViews shows all rules.
func (a *API) alertViews(ctx context.Context) ([]alertView, error) {
	rules, err := a.cfg.Alerts.Rules(ctx)
	if err != nil {
		return nil, err
	}
	store, now := a.cfg.Alerts.Store(), time.Now()
	states, err := store.AlertStates(ctx, "")
	if err != nil {
		return nil, err
	}
	looks, err := store.AlertLooks(ctx)
	if err != nil {
		return nil, err
	}
	silences, err := store.ListSilences(ctx, now)
	if err != nil {
		return nil, err
	}
	out := make([]alertView, len(rules))
	for i := range rules {
		r := &rules[i]
		v := &out[i]
		*v = alertView{Rule: r.Rule, Source: "api", Title: r.Metric.Title(), Unit: r.Metric.Unit(), Severity: string(alert.OK), States: []alertState{}}
		if r.File {
			v.Source = "file"
		}
		if k := slices.IndexFunc(looks, func(l alert.Look) bool { return l.Rule == r.Name }); k >= 0 {
			v.LookedAt, v.Error = stampOf(looks[k].At), looks[k].Error
		}
		worst := alert.OK
		for k := range states {
			if s := &states[k]; s.Rule == r.Name {
				v.States = append(v.States, stateOf(s, silences, now))
				if s.Severity.Rank() > worst.Rank() {
					worst = s.Severity
				}
			}
		}
		v.Severity = string(worst)
		slices.SortStableFunc(v.States, func(a, b alertState) int {
			return alert.Severity(b.Severity).Rank() - alert.Severity(a.Severity).Rank()
		})
		v.Silenced = len(v.States) > 0 && !slices.ContainsFunc(v.States, func(s alertState) bool { return !s.Silenced })
	}
	return out, nil
}

func stateOf(s *alert.State, silences []alert.Silence, now time.Time) alertState {
	out := alertState{
		Labels: s.Labels, Severity: string(s.Severity), Since: stamp(s.Since), At: stamp(s.At), Pending: string(s.Pending()),
		AckBy: s.AckBy, AckAt: stampOf(s.AckAt), ToldAt: stampOf(s.ToldAt),
		Silenced: slices.ContainsFunc(silences, func(q alert.Silence) bool { return q.Covers(s.Rule, s.Labels, now) }),
	}
	if out.Labels == nil {
		out.Labels = map[string]string{}
	}
	if s.Known {
		out.Value = &s.Value
	}
	return out
}

// alertNamed shows one rule.
func (a *API) alertNamed(ctx context.Context, name string) (alertView, error) {
	all, err := a.alertViews(ctx)
	if err != nil {
		return alertView{}, err
	}
	if i := slices.IndexFunc(all, func(v alertView) bool { return v.Name == name }); i >= 0 {
		return all[i], nil
	}
	return alertView{}, alert.ErrNoRule
}

func (a *API) listAlerts(w http.ResponseWriter, r *http.Request) error {
	all, err := a.alertViews(r.Context())
	if err != nil {
		return fmt.Errorf("list alerts: %w", err)
	}
	return answer(w, http.StatusOK, alertList{Alerts: all, Channels: list(a.cfg.Alerts.Channels())})
}

func (a *API) getAlert(w http.ResponseWriter, r *http.Request) error {
	v, err := a.alertNamed(r.Context(), r.PathValue("name"))
	if err != nil {
		return alertFault(err)
	}
	return answer(w, http.StatusOK, v)
}

func (a *API) createAlert(w http.ResponseWriter, r *http.Request) error {
	var in newAlert
	if err := read(r, &in); err != nil {
		return err
	}
	if a.cfg.Alerts.FromFile(in.Name) {
		return alertFault(alert.ErrRuleTaken)
	}
	return a.storeAlert(w, r, &in.Rule, true, http.StatusCreated)
}

func (a *API) putAlert(w http.ResponseWriter, r *http.Request) error {
	var in newAlert
	if err := read(r, &in); err != nil {
		return err
	}
	if name := r.PathValue("name"); in.Name != name {
		return bad("name", "the rule's name is %q, the path's %q: a rule keeps its name; make another one and remove this", clip(in.Name), clip(name))
	}
	if err := a.ownAlert(in.Name); err != nil {
		return err
	}
	return a.storeAlert(w, r, &in.Rule, false, http.StatusOK)
}

// ownAlert refuses to change what stands in the configuration.
func (a *API) ownAlert(name string) error {
	if a.cfg.Alerts.FromFile(name) {
		return bad("name", "the rule %s is one of the configuration file: change it there, under alerts.rules", clip(name))
	}
	return nil
}

func (a *API) storeAlert(w http.ResponseWriter, r *http.Request, rule *alert.Rule, fresh bool, status int) error {
	if faults := rule.Check(list(a.cfg.Alerts.Channels())); len(faults) > 0 {
		return alertFault(faults)
	}
	if err := a.cfg.Alerts.Store().PutAlertRule(r.Context(), *rule, fresh); err != nil {
		return alertFault(err)
	}
	a.cfg.Alerts.Soon(rule.Name)
	v, err := a.alertNamed(r.Context(), rule.Name)
	if err != nil {
		return alertFault(err)
	}
	return answer(w, status, v)
}

func (a *API) deleteAlert(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if err := a.ownAlert(name); err != nil {
		return err
	}
	if err := a.cfg.Alerts.Store().DeleteAlertRule(r.Context(), name); err != nil {
		return alertFault(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) testAlert(w http.ResponseWriter, r *http.Request) error {
	v, err := a.alertNamed(r.Context(), r.PathValue("name"))
	if err != nil {
		return alertFault(err)
	}
	m, sent, err := a.cfg.Alerts.Test(r.Context(), &v.Rule, time.Now())
	if err != nil {
		return fmt.Errorf("test alert %s: %w", v.Name, err)
	}
	out := alertTest{Message: m, Deliveries: make([]alertDelivery, len(sent))}
	for i := range sent {
		out.Deliveries[i] = deliveryOf(&sent[i])
	}
	return answer(w, http.StatusOK, out)
}

func (a *API) acknowledgeAlert(w http.ResponseWriter, r *http.Request) error {
	var in alertAck
	if err := read(r, &in); err != nil {
		return err
	}
	by := callerOf(r).name
	if in.Undo {
		by = ""
	}
	if err := a.cfg.Alerts.Store().AcknowledgeAlert(r.Context(), r.PathValue("name"), alert.Labels(in.Labels).Key(), by, time.Now()); err != nil {
		return alertFault(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
