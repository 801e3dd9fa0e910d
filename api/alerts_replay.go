package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/alert"
)

// alertReplay is what a rule would have said in the past.
type alertReplay struct {
	Since       stamp         `json:"since"`
	Until       stamp         `json:"until"`
	StepSeconds float64       `json:"step_seconds"` // between two looks
	Fired       int           `json:"fired"`        // times that somebody would have been told that it is bad
	Title       string        `json:"title"`
	Unit        alert.Unit    `json:"unit"`
	Groups      []replayGroup `json:"groups"` // the one that would have fired most first
	Left        int           `json:"left"`   // groups that were not looked at, with fewer calls
}

// replayGroup is a group's past.
type replayGroup struct {
	Labels map[string]string `json:"labels"`
	Fired  int               `json:"fired"`
	Points []replayPoint     `json:"points"`
	Events []alertEvent      `json:"events"` // oldest first
}

// replayPoint is a value at a moment.
type replayPoint struct {
	At       stamp    `json:"at"`
	Value    *float64 `json:"value"` // null: there was nothing to look at
	Severity string   `json:"severity"`
}

func (a *API) alertReplayRoutes() []route {
	days := param{name: "days", about: "how far back, 1 to 31; 30 unless given", kind: "integer"}
	return []route{
		{
			method: "POST", path: "/alerts/preview", name: "previewAlert", role: account.Viewer,
			summary: "How often a rule would have fired in the past, from rollups; stores nothing", params: []param{days},
			in: newAlert{}, status: http.StatusOK, out: alertReplay{}, handle: a.previewAlert,
		},
		{
			method: "GET", path: "/alerts/{name}/past", name: "getAlertPast", summary: "The past of a rule's value, and what the rule as it is now would have said", params: []param{days},
			status: http.StatusOK, out: alertReplay{}, handle: a.getAlertPast,
		},
	}
}

func (a *API) previewAlert(w http.ResponseWriter, r *http.Request) error {
	var in newAlert
	if err := read(r, &in); err != nil {
		return err
	}
	if in.Name == "" {
		in.Name = "preview-of-a-rule"
	}
	if faults := in.Check(list(a.cfg.Alerts.Channels())); len(faults) > 0 {
		return alertFault(faults)
	}
	return a.answerReplay(w, r, &in.Rule)
}

func (a *API) getAlertPast(w http.ResponseWriter, r *http.Request) error {
	v, err := a.alertNamed(r.Context(), r.PathValue("name"))
	if err != nil {
		return alertFault(err)
	}
	return a.answerReplay(w, r, &v.Rule)
}

func (a *API) answerReplay(w http.ResponseWriter, r *http.Request, rule *alert.Rule) error {
	days := 30
	if text := r.URL.Query().Get("days"); text != "" {
		var err error
		if days, err = strconv.Atoi(text); err != nil || days < 1 || days > 31 {
			return bad("days", "days=%q is not a number from 1 to 31", clip(text))
		}
	}
	until := time.Now().Add(-alert.WriteLag)
	got, err := a.cfg.Alerts.Sources().Replay(r.Context(), rule, until.Add(-time.Duration(days)*24*time.Hour), until)
	if err != nil {
		return alertFault(err)
	}
	out := alertReplay{
		Since: stamp(got.Since), Until: stamp(got.Until), StepSeconds: got.Step.Seconds(), Fired: got.Fired, Title: rule.Metric.Title(), Unit: rule.Metric.Unit(),
		Groups: make([]replayGroup, len(got.Groups)), Left: got.Left,
	}
	for i := range got.Groups {
		g := &got.Groups[i]
		to := replayGroup{Labels: g.Labels, Fired: g.Fired, Points: make([]replayPoint, len(g.Points)), Events: make([]alertEvent, len(g.Events))}
		if to.Labels == nil {
			to.Labels = map[string]string{}
		}
		for k, p := range g.Points {
			to.Points[k] = replayPoint{At: stamp(p.At), Severity: string(p.Severity)}
			if p.Known {
				to.Points[k].Value = &p.Value
			}
		}
		for k := range g.Events {
			to.Events[k] = eventOf(&g.Events[k])
		}
		out.Groups[i] = to
	}
	return answer(w, http.StatusOK, out)
}
