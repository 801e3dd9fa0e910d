package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/prompts/experiment"
)

// experimentRow is an experiment as it is described, and where it stands.
type experimentRow struct {
	experiment.Experiment
	Created   stamp             `json:"created_at"`
	Started   *stamp            `json:"started_at"` // null: never
	Stopped   *stamp            `json:"stopped_at"` // null: it runs, or never did
	Epochs    []experimentEpoch `json:"epochs"`
	Revision  int64             `json:"revision"` // of the last change
	UpdatedAt stamp             `json:"updated_at"`
	UpdatedBy string            `json:"updated_by"`
}

// experimentEpoch is a time in which weights and traffic stayed as they are.
type experimentEpoch struct {
	experiment.Epoch
	Start stamp `json:"start_time"`
}

type experimentList struct {
	Experiments []experimentRow `json:"experiments"`
}

// experimentDetail is an experiment with what is known of it.
type experimentDetail struct {
	Experiment experimentRow      `json:"experiment"`
	Analysis   experimentAnalysis `json:"analysis"`
	Verdict    experimentVerdict  `json:"verdict"`
	Next       *experimentAction  `json:"next"` // what weir would do by itself now; null: nothing
	Over       []experimentPoint  `json:"over_time"`
	History    []experimentEvent  `json:"history"` // newest first
}

// experimentAnalysis is what is known at one time.
type experimentAnalysis struct {
	experiment.Analysis
	At stamp `json:"at"`
}

// experimentVerdict is what that means.
type experimentVerdict struct {
	experiment.Verdict
	ExpectedEnd *stamp `json:"expected_end"` // null: not known
}

// experimentAction is something that weir does by itself.
type experimentAction struct {
	Do     experiment.Do `json:"do"`
	Reason string        `json:"reason"`
}

// experimentPoint is what was known at an earlier time.
type experimentPoint struct {
	At      stamp             `json:"at"`
	Units   int64             `json:"units"`
	Effects []experimentValue `json:"effects"` // of the challengers that have data
}

// experimentValue is the difference to the control in the metric's own unit, with the interval that holds at all times.
type experimentValue struct {
	Arm    string          `json:"arm"`
	Metric string          `json:"metric"` // as in the analysis, with role, per and slo_ms
	Role   experiment.Role `json:"role"`   // of each challenger the primary comes first, or the utility, then the guardrails
	Per    experiment.Per  `json:"per"`
	SLO    float64         `json:"slo_ms,omitempty"`
	Value  float64         `json:"value"`
	Low    float64         `json:"low"`
	High   float64         `json:"high"`
}

// experimentEvent is one thing that was done to an experiment.
type experimentEvent struct {
	Revision int64           `json:"revision"`
	At       stamp           `json:"at"`
	Author   string          `json:"author"`
	Did      experiment.Deed `json:"did"`
	Detail   string          `json:"detail"`
	Reason   string          `json:"reason"`
}

func rowOfExperiment(r *experiment.Record) experimentRow {
	out := experimentRow{
		Experiment: r.Experiment, Created: stamp(r.Created), Started: stampOf(r.Started), Stopped: stampOf(r.Stopped), Epochs: []experimentEpoch{},
		Revision: r.Revision, UpdatedAt: stamp(r.UpdatedAt), UpdatedBy: r.UpdatedBy,
	}
	for _, e := range r.Experiment.Epochs {
		out.Epochs = append(out.Epochs, experimentEpoch{e, stamp(e.Start)})
	}
	return out
}

const (
	mostPoints  = 50
	usualPoints = 10
)

func (a *API) getExperiment(w http.ResponseWriter, r *http.Request) error {
	record, err := a.experimentNamed(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	points := usualPoints
	if text := q.Get("points"); text != "" {
		if points, err = strconv.Atoi(text); err != nil || points < 0 || points > mostPoints {
			return bad("points", "points=%q: want 0 to %d", clip(text), mostPoints)
		}
	}
	e := &record.Experiment
	reader := &growthOnce{Reader: a.cfg.ExperimentReader}
	analysis, err := experiment.Analyse(r.Context(), reader, e, experiment.Options{Now: time.Now(), By: q.Get("by")})
	if err != nil {
		return err
	}
	verdict := experiment.Decide(e, analysis)
	out := experimentDetail{
		Experiment: rowOfExperiment(record), Analysis: experimentAnalysis{*analysis, stamp(analysis.At)}, Verdict: experimentVerdict{verdict, stampOf(verdict.ExpectedEnd)},
		Over: []experimentPoint{}, History: []experimentEvent{},
	}
	out.Analysis.SRM.Counts, out.Analysis.SRM.Shares = list(analysis.SRM.Counts), list(analysis.SRM.Shares)
	if next, ok := experiment.Next(e, analysis, &verdict); ok {
		out.Next = &experimentAction{next.Do, next.Reason}
	}
	if err := overTime(r.Context(), reader, e, analysis.At, points, &out); err != nil {
		return err
	}
	events, err := a.cfg.Experiments.ExperimentEvents(r.Context(), e.Name)
	if err != nil {
		return err
	}
	for _, ev := range events {
		out.History = append(out.History, experimentEvent{ev.Revision, stamp(ev.At), ev.Author, ev.Did, ev.Detail, ev.Reason})
	}
	return answer(w, http.StatusOK, out)
}

// overTime looks back at what was known, at even distances from the start to at.
func overTime(ctx context.Context, reader experiment.Reader, e *experiment.Experiment, at time.Time, points int, out *experimentDetail) error {
	if e.Started.IsZero() {
		return nil
	}
	for i := range points {
		then := e.Started.Add(time.Duration(float64(at.Sub(e.Started)) * float64(i+1) / float64(points)))
		seen, err := experiment.Analyse(ctx, reader, e, experiment.Options{Now: then})
		if err != nil {
			return err
		}
		point := experimentPoint{At: stamp(then), Effects: []experimentValue{}}
		for _, arm := range seen.Arms {
			point.Units += arm.Units
		}
		for _, f := range seen.Effects {
			if f.Role != experiment.Shown && f.Data {
				point.Effects = append(point.Effects, experimentValue{f.Arm, f.Metric, f.Role, f.Per, f.SLO, f.Difference.Value, f.Difference.Low, f.Difference.High})
			}
		}
		out.Over = append(out.Over, point)
	}
	return nil
}

// growthOnce reads growth once, and after that tells what of it was there by an earlier time.
type growthOnce struct {
	experiment.Reader
	all  []experiment.Growth
	read bool
}

// Growth is that of the first query, up to the time of this one.
func (g *growthOnce) Growth(ctx context.Context, q experiment.Query, step time.Duration) (rows []experiment.Growth, err error) {
	if !g.read {
		g.all, err = g.Reader.Growth(ctx, q, step)
		g.read = err == nil
		return g.all, err
	}
	for _, row := range g.all {
		if row.Time.Before(q.Until) {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// readRevision is the query's revision, 0 without one.
func readRevision(r *http.Request) (int64, error) {
	text := r.URL.Query().Get("revision")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, bad("revision", "revision=%q is none: want the revision that the experiment was read at", clip(text))
	}
	return n, nil
}

// experimentAssignment is what a unit gets.
type experimentAssignment struct {
	Experiment string  `json:"experiment"`
	Unit       string  `json:"unit"`
	Arm        string  `json:"arm"`         // "" when it takes no part
	Epoch      int     `json:"epoch"`       // as calls are recorded: 0 outside the analysis
	InAnalysis bool    `json:"in_analysis"` // its calls count
	Number     float64 `json:"number"`      // from 0 to below 1, by which it is assigned
	Running    bool    `json:"running"`     // false: what it would get if the experiment were started now
}

func (a *API) assignUnit(w http.ResponseWriter, r *http.Request) error {
	record, err := a.experimentNamed(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	unit := q.Get("unit")
	if unit == "" || len(unit) > longestID {
		return bad("unit", "unit: want the %s, of 1 to %d bytes", record.Unit, longestID)
	}
	e := record.Experiment
	out := experimentAssignment{Experiment: e.Name, Unit: unit, Running: e.Status == experiment.Running, Number: experiment.Bucket(e.ID, unit)}
	switch {
	case e.Status == experiment.Concluded:
		return llm.Faultf(llm.InvalidRequest, "%q is concluded: nobody is assigned any more", e.Name)
	case !out.Running:
		if e, err = e.Begin(time.Now(), ""); err != nil {
			return err
		}
	}
	assigner, err := experiment.NewAssigner(e)
	if err != nil {
		return err
	}
	if given, ok := assigner.Assign(subjectOf(&e, unit, q)); ok {
		out.Arm, out.InAnalysis = given.Arm, given.InAnalysis
		if given.InAnalysis {
			out.Epoch = given.Epoch
		}
	}
	return answer(w, http.StatusOK, out)
}

// subjectOf is a call of the unit, as the parameters describe it besides.
func subjectOf(e *experiment.Experiment, unit string, q url.Values) *experiment.Subject {
	s := &experiment.Subject{
		Project: q.Get("project"), Key: q.Get("key"), User: q.Get("user"), Session: q.Get("session"), Model: q.Get("model"), Label: q.Get("label"), Tags: map[string]string{},
	}
	for name := range q {
		if tag, ok := cutTag(name); ok {
			s.Tags[tag] = q.Get(name)
		}
	}
	switch e.Unit {
	case experiment.User:
		s.User = unit
	case experiment.Session:
		s.Session = unit
	case experiment.Key:
		s.Key = unit
	}
	s.Header = func(string) string { return unit }
	return s
}

func cutTag(name string) (string, bool) {
	const stem = "tag."
	if len(name) > len(stem) && name[:len(stem)] == stem {
		return name[len(stem):], true
	}
	return "", false
}
