package api

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// alertHistory is what happened to alerts, newest first.
type alertHistory struct {
	Events []alertEvent `json:"events"`
	Next   string       `json:"next"`
}

// alertEvent is a change of a group's severity.
type alertEvent struct {
	ID        string              `json:"id"`
	Rule      string              `json:"rule"`
	Labels    map[string]string   `json:"labels"`
	At        stamp               `json:"at"`
	From      string              `json:"from"`
	To        string              `json:"to"`
	Value     *float64            `json:"value"`     // null: there was nothing to look at
	Threshold *float64            `json:"threshold"` // that was crossed; null: none was
	Silenced  bool                `json:"silenced"`  // nobody was told
	Top       []alert.Contributor `json:"top"`       // who and what had the most of the value
}

// alertSilences are those that hold or will.
type alertSilences struct {
	Silences []alertSilence `json:"silences"`
}

// alertSilence keeps alerts from being told.
type alertSilence struct {
	ID     string            `json:"id"`
	Rule   string            `json:"rule"` // "": every rule
	Labels map[string]string `json:"labels"`
	From   stamp             `json:"from"`
	Until  stamp             `json:"until"`
	By     string            `json:"by"`
	Why    string            `json:"why"`
}

// newSilence asks for one.
type newSilence struct {
	Rule   string            `json:"rule,omitempty"`   // name; none: every rule
	Labels map[string]string `json:"labels,omitempty"` // that a group must have
	For    alert.Span        `json:"for"`              // how long, from now on: 2h, 1d
	Why    string            `json:"why,omitempty"`
}

// alertDeliveries are messages, newest first.
type alertDeliveries struct {
	Deliveries []alertDelivery `json:"deliveries"`
}

// alertDelivery is a message on its way to one channel.
type alertDelivery struct {
	ID       string `json:"id"`
	Channel  string `json:"channel"`
	Rule     string `json:"rule"`
	Kind     string `json:"kind"` // firing, still, recovered, test
	Severity string `json:"severity"`
	Subject  string `json:"subject"`
	At       stamp  `json:"at"`
	State    string `json:"state"` // waiting; delivered; failed: it was tried often enough
	Tries    int    `json:"tries"`
	TriedAt  *stamp `json:"tried_at"`
	NextAt   *stamp `json:"next_at"` // while waiting
	Error    string `json:"error"`   // of the last try
}

func (a *API) alertHistoryRoutes() []route {
	return []route{
		{
			method: "GET", path: "/alerts/history", name: "listAlertHistory", summary: "Changes of severity, newest first, with who and what had the most of the value",
			params: []param{
				{name: "rule", about: "of this rule"},
				{name: "since", about: "from this time on: RFC 3339, a day, or how long ago (24h, 30d, 2w)"},
				{name: "limit", about: "how many, 1 to 1000; 50 unless given", kind: "integer"},
				{name: "cursor", about: "the next of the page before"},
			},
			status: http.StatusOK, out: alertHistory{}, handle: a.listAlertHistory,
		},
		{
			method: "GET", path: "/alerts/silences", name: "listSilences", summary: "Silences that hold, the one that ends last first",
			status: http.StatusOK, out: alertSilences{}, handle: a.listSilences,
		},
		{
			method: "POST", path: "/alerts/silences", name: "createSilence", summary: "Keep alerts from being told for a while; states and history go on", role: account.Developer,
			in: newSilence{}, status: http.StatusCreated, out: alertSilence{}, handle: a.createSilence,
		},
		{
			method: "POST", path: "/alerts/silences/{id}/end", name: "endSilence", summary: "End a silence now; what is still bad is told", role: account.Developer,
			status: http.StatusNoContent, handle: a.endSilence,
		},
		{
			method: "GET", path: "/alerts/deliveries", name: "listAlertDeliveries", summary: "Messages to channels, newest first; those in the state failed were given up",
			params: []param{
				{name: "state", about: "only these", enum: []string{string(price.DeliveryWaiting), string(price.DeliveryDone), string(price.DeliveryFailed)}},
				{name: "limit", about: "how many, 1 to 1000; 50 unless given", kind: "integer"},
			},
			status: http.StatusOK, out: alertDeliveries{}, handle: a.listAlertDeliveries,
		},
		{
			method: "POST", path: "/alerts/deliveries/{id}/resend", name: "resendAlertDelivery", summary: "Send a message again that was given up or told", role: account.Developer,
			status: http.StatusAccepted, handle: a.resendAlertDelivery,
		},
	}
}

func eventOf(e *alert.Event) alertEvent {
	out := alertEvent{
		ID: e.ID, Rule: e.Rule, Labels: e.Labels, At: stamp(e.At), From: string(e.From), To: string(e.To), Threshold: e.Threshold, Silenced: e.Silenced, Top: list(e.Top),
	}
	if out.Labels == nil {
		out.Labels = map[string]string{}
	}
	if e.Known {
		out.Value = &e.Value
	}
	return out
}

func (a *API) listAlertHistory(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	since, err := parseWhen("since", q.Get("since"), time.Now(), time.UTC)
	if err != nil {
		return err
	}
	limit, err := readLimit(q, 50)
	if err != nil {
		return err
	}
	events, next, err := a.cfg.Alerts.Store().AlertHistory(r.Context(), alert.HistoryQuery{Rule: q.Get("rule"), Since: since, Limit: limit, Cursor: q.Get("cursor")})
	if err != nil {
		return alertFault(err)
	}
	out := alertHistory{Events: make([]alertEvent, len(events)), Next: next}
	for i := range events {
		out.Events[i] = eventOf(&events[i])
	}
	return answer(w, http.StatusOK, out)
}

func silenceOf(s *alert.Silence) alertSilence {
	out := alertSilence{s.ID, s.Rule, s.Labels, stamp(s.From), stamp(s.Until), s.By, s.Why}
	if out.Labels == nil {
		out.Labels = map[string]string{}
	}
	return out
}

func (a *API) listSilences(w http.ResponseWriter, r *http.Request) error {
	all, err := a.cfg.Alerts.Store().ListSilences(r.Context(), time.Now())
	if err != nil {
		return fmt.Errorf("list silences: %w", err)
	}
	out := alertSilences{Silences: make([]alertSilence, len(all))}
	for i := range all {
		out.Silences[i] = silenceOf(&all[i])
	}
	return answer(w, http.StatusOK, out)
}

func (a *API) createSilence(w http.ResponseWriter, r *http.Request) error {
	var in newSilence
	if err := read(r, &in); err != nil {
		return err
	}
	long, ok := in.For.Duration()
	switch {
	case !ok || long <= 0:
		return bad("for", "for=%q is not a length of time; write 30m, 2h or 1d", clip(string(in.For)))
	case long > 90*24*time.Hour:
		return bad("for", "a silence is 90 days long at most; to end a rule for good, disable it")
	case len(in.Why) > 1000:
		return bad("why", "is longer than 1000 bytes")
	case len(in.Labels) > 10:
		return bad("labels", "a silence has at most 10 labels")
	}
	if in.Rule != "" {
		if _, err := a.alertNamed(r.Context(), in.Rule); err != nil {
			return alertFault(err)
		}
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	s := alert.Silence{ID: llm.NewID(now), Rule: in.Rule, Labels: in.Labels, From: now, Until: now.Add(long), By: callerOf(r).name, Why: strings.ToValidUTF8(in.Why, "\uFFFD")}
	if err := a.cfg.Alerts.Store().PutSilence(r.Context(), s); err != nil {
		return fmt.Errorf("silence: %w", err)
	}
	return answer(w, http.StatusCreated, silenceOf(&s))
}

func (a *API) endSilence(w http.ResponseWriter, r *http.Request) error {
	if err := a.cfg.Alerts.Store().EndSilence(r.Context(), r.PathValue("id"), callerOf(r).name, time.Now()); err != nil {
		return alertFault(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func deliveryOf(d *alert.Delivery) alertDelivery {
	out := alertDelivery{
		ID: d.ID, Channel: d.Channel, Rule: d.Message.Rule, Kind: string(d.Message.Kind), Severity: string(d.Message.Severity), Subject: d.Message.Subject(), At: stamp(d.At),
		State: string(d.Way.State), Tries: d.Way.Tries, TriedAt: stampOf(d.Way.At), Error: d.Way.Error,
	}
	if d.Way.State == price.DeliveryWaiting {
		out.NextAt = stampOf(d.Way.Next)
	}
	return out
}

func (a *API) listAlertDeliveries(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	limit, err := readLimit(q, 50)
	if err != nil {
		return err
	}
	state := price.DeliveryState(q.Get("state"))
	switch state {
	case "", price.DeliveryWaiting, price.DeliveryDone, price.DeliveryFailed:
	default:
		return bad("state", "state=%q is none of waiting, delivered, failed", clip(string(state)))
	}
	all, err := a.cfg.Alerts.Store().AlertDeliveries(r.Context(), state, limit)
	if err != nil {
		return fmt.Errorf("list deliveries: %w", err)
	}
	out := alertDeliveries{Deliveries: make([]alertDelivery, len(all))}
	for i := range all {
		out.Deliveries[i] = deliveryOf(&all[i])
	}
	return answer(w, http.StatusOK, out)
}

func (a *API) resendAlertDelivery(w http.ResponseWriter, r *http.Request) error {
	if err := a.cfg.Alerts.Store().ResendAlert(r.Context(), r.PathValue("id"), time.Now()); err != nil {
		return alertFault(err)
	}
	a.cfg.Alerts.Wake()
	w.WriteHeader(http.StatusAccepted)
	return nil
}
