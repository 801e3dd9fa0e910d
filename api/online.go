package api

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/eval/online"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// onlineRule is a rule with what became of the calls that it took.
type onlineRule struct {
	online.Rule
	Version string `json:"config_version"` // as its scores have it
	Waiting int64  `json:"waiting"`        // calls that it took and that are not decided yet
	// LookedUntil is until when what came into the store was looked at; null: it is new.
	LookedUntil *stamp `json:"looked_until"`
	// SpentToday is what its judges cost this day of UTC, as far as it is known.
	SpentToday price.USD      `json:"spent_today_usd"`
	Totals     online.Totals  `json:"totals"` // since the time asked for, over all scorers
	Scorers    []onlineScorer `json:"scores"`
	Hours      []onlineHour   `json:"hours"`
}

// onlineScorer is the ledger of one scorer, and how its scores stand.
type onlineScorer struct {
	Name   string        `json:"name"`
	Totals online.Totals `json:"totals"`
	Why    []whyNot      `json:"why"`
	Drift  *online.Drift `json:"drift"` // of the last day that was compared; null: none was
}

// whyNot is a reason for which calls have no score.
type whyNot struct {
	Outcome online.Outcome `json:"outcome"`
	Reason  online.Reason  `json:"reason"`
	Calls   int64          `json:"calls"`
	Detail  string         `json:"detail"` // of the last one
}

// onlineHour counts an hour's decisions over all scorers.
type onlineHour struct {
	Hour    stamp     `json:"hour"`
	Scored  int64     `json:"scored"`
	Skipped int64     `json:"skipped"`
	Failed  int64     `json:"failed"`
	Cost    price.USD `json:"cost_usd"`
}

type onlineList struct {
	Since stamp        `json:"since"`
	Rules []onlineRule `json:"rules"`
}

type driftList struct {
	Rows []online.Drift `json:"rows"`
}

var driftStates = []string{string(online.Drifted), string(online.Steady), string(online.TooFew), string(online.TooEarly)}

// onlineRoutes are those of rules that score live calls.
func (a *API) onlineRoutes() []route {
	return []route{
		{
			method: "GET", path: "/evals/online", name: "listOnlineRules", summary: "Rules that score live calls, with a ledger in which eligible = scored + skipped + failed",
			params: []param{{name: "since", about: "count what was decided from this hour on: RFC 3339, a day, or how long ago (24h)"}, {name: "name", about: "only the rule of this name"}},
			status: http.StatusOK, out: onlineList{}, handle: a.listOnlineRules,
		},
		{
			method: "POST", path: "/evals/online", name: "putOnlineRule", summary: "Store a rule in place of the one of its name; it holds at once, for calls that come from now on", role: account.Developer,
			in: online.Rule{}, status: http.StatusCreated, out: online.Rule{}, handle: a.putOnlineRule,
		},
		{
			method: "DELETE", path: "/evals/online", name: "removeOnlineRule", summary: "Remove a rule; what waits for it is skipped, and its scores and its ledger stay", role: account.Developer,
			params: []param{{name: "name", about: "of the rule", required: true}}, status: http.StatusNoContent, handle: a.removeOnlineRule,
		},
		{
			method: "GET", path: "/scores/drift", name: "listScoreDrift", summary: "How the scores of each day compare with those of the weeks before it, newest day first",
			params: []param{
				{name: "since", about: "days from this one on: RFC 3339, a day, or how long ago (30d)"},
				{name: "rule", about: "of this rule"},
				{name: "name", about: "of scores of this name"},
				{name: "state", about: "that stand so", enum: driftStates},
			},
			status: http.StatusOK, out: driftList{}, handle: a.listScoreDrift,
		},
	}
}

func (a *API) listOnlineRules(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	now := time.Now().UTC()
	since, _, err := readSpan(q, now, time.UTC)
	if err != nil {
		return err
	}
	if since.IsZero() {
		since = now.Add(-24 * time.Hour)
	}
	since = since.UTC().Truncate(time.Hour)
	today := now.Truncate(24 * time.Hour)
	rules, err := a.cfg.Online.OnlineRules(r.Context())
	if err != nil {
		return fmt.Errorf("list online rules: %w", err)
	}
	from := since
	if today.Before(from) {
		from = today
	}
	entries, err := a.cfg.Online.Ledger(r.Context(), q.Get("name"), from)
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	drifts, err := a.cfg.Online.Drifts(r.Context(), now.AddDate(0, 0, -7))
	if err != nil {
		return fmt.Errorf("read drift: %w", err)
	}
	out := onlineList{Since: stamp(since), Rules: []onlineRule{}}
	for i := range rules {
		if name := q.Get("name"); name != "" && name != rules[i].Name {
			continue
		}
		out.Rules = append(out.Rules, onlineRuleOf(&rules[i], entries, drifts, since, today))
	}
	return answer(w, http.StatusOK, out)
}

func onlineRuleOf(s *online.Stored, entries []online.Entry, drifts []online.Drift, since, today time.Time) onlineRule {
	mine := func(e *online.Entry) bool { return e.Rule == s.Name && !e.Hour.Before(since) }
	out := onlineRule{
		Rule: s.Rule, Version: s.Version(), Waiting: s.Waiting, LookedUntil: stampOf(s.Position.Until), Totals: online.Sum(entries, mine),
		SpentToday: online.Sum(entries, func(e *online.Entry) bool { return e.Rule == s.Name && !e.Hour.Before(today) }).Cost,
		Scorers:    []onlineScorer{}, Hours: []onlineHour{},
	}
	for i := range s.Scorers {
		name := s.Scorers[i].Name
		one := onlineScorer{Name: name, Why: []whyNot{}, Totals: online.Sum(entries, func(e *online.Entry) bool { return mine(e) && e.Scorer == name })}
		for k := range entries {
			e := &entries[k]
			if !mine(e) || e.Scorer != name || e.Outcome == online.Scored {
				continue
			}
			at := slices.IndexFunc(one.Why, func(y whyNot) bool { return y.Outcome == e.Outcome && y.Reason == e.Reason })
			if at < 0 {
				at, one.Why = len(one.Why), append(one.Why, whyNot{Outcome: e.Outcome, Reason: e.Reason})
			}
			one.Why[at].Calls += e.Calls
			if e.Detail != "" {
				one.Why[at].Detail = e.Detail
			}
		}
		for k := range drifts { // newest first
			if d := &drifts[k]; d.Rule == s.Name && d.Scorer == name && d.Version == out.Version {
				one.Drift = d
				break
			}
		}
		out.Scorers = append(out.Scorers, one)
	}
	hours := map[time.Time]*onlineHour{}
	var order []time.Time
	for k := range entries {
		e := &entries[k]
		if !mine(e) {
			continue
		}
		h := hours[e.Hour]
		if h == nil {
			h = &onlineHour{Hour: stamp(e.Hour)}
			hours[e.Hour], order = h, append(order, e.Hour)
		}
		switch e.Outcome {
		case online.Scored:
			h.Scored += e.Calls
		case online.Skipped:
			h.Skipped += e.Calls
		case online.Failed:
			h.Failed += e.Calls
		}
		h.Cost += e.Cost
	}
	slices.SortFunc(order, time.Time.Compare)
	for _, at := range order {
		out.Hours = append(out.Hours, *hours[at])
	}
	return out
}

func (a *API) putOnlineRule(w http.ResponseWriter, r *http.Request) error {
	var in online.Rule
	if err := read(r, &in); err != nil {
		return err
	}
	if err := in.Settle(r.Context()); err != nil {
		f := llm.Faultf(llm.InvalidRequest, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
		if all := online.Faults(err); len(all) > 0 {
			f.Param = all[0].Field
		}
		return f
	}
	rules, err := a.cfg.Online.OnlineRules(r.Context())
	if err != nil {
		return fmt.Errorf("list online rules: %w", err)
	}
	if len(rules) >= online.MaxRules && !slices.ContainsFunc(rules, func(s online.Stored) bool { return s.Name == in.Name }) {
		return llm.Faultf(llm.Conflict, "there are %d rules, and no more may be: remove one", len(rules))
	}
	in.Author, in.UpdatedAt = callerOf(r).name, time.Now().UTC().Truncate(time.Microsecond)
	if err := a.cfg.Online.PutOnlineRule(r.Context(), in); err != nil {
		return err
	}
	return answer(w, http.StatusCreated, in)
}

func (a *API) removeOnlineRule(w http.ResponseWriter, r *http.Request) error {
	name := r.URL.Query().Get("name")
	if name == "" {
		return bad("name", "say which rule: ?name=NAME")
	}
	err := a.cfg.Online.RemoveOnlineRule(r.Context(), name, time.Now())
	if errors.Is(err, online.ErrNoRule) {
		return llm.Faultf(llm.NotFound, "there is no rule %s: weir eval online list shows them", clip(name))
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) listScoreDrift(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if state := q.Get("state"); state != "" && !slices.Contains(driftStates, state) {
		return bad("state", "state=%q is unknown: want %s", clip(state), strings.Join(driftStates, ", "))
	}
	now := time.Now().UTC()
	since, _, err := readSpan(q, now, time.UTC)
	if err != nil {
		return err
	}
	if since.IsZero() {
		since = now.AddDate(0, 0, -30)
	}
	rows, err := a.cfg.Online.Drifts(r.Context(), since.UTC().Truncate(24*time.Hour))
	if err != nil {
		return fmt.Errorf("read drift: %w", err)
	}
	is := func(want, got string) bool { return want == "" || want == got }
	out := driftList{Rows: []online.Drift{}}
	for _, d := range rows {
		if is(q.Get("rule"), d.Rule) && is(q.Get("name"), d.Scorer) && is(q.Get("state"), string(d.State)) {
			out.Rows = append(out.Rows, d)
		}
	}
	return answer(w, http.StatusOK, out)
}
