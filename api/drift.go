package api

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/weir-dev/weir/eval/drift"
	"github.com/weir-dev/weir/llm"
)

// trafficList is how the traffic of a day compares with that of the weeks before it.
type trafficList struct {
	Until    stamp        `json:"until"`  // end of the 24 hours that are looked at
	Since    stamp        `json:"since"`  // start of what they are compared with
	Sample   float64      `json:"sample"` // share of the calls that was looked at
	Calls    int64        `json:"calls"`  // that there are
	Compared int          `json:"compared"`
	Drifted  int          `json:"drifted"` // of all, whatever is asked for
	Left     int          `json:"left"`    // series that there was no room for
	Series   []trafficRow `json:"series"`  // what has drifted first, the surest first
}

// trafficRow is a series without its distribution.
type trafficRow struct {
	drift.Series
	DailyPSI []*float64 `json:"daily_psi"` // oldest first, the day itself last; null: there was too little
}

var (
	trafficStates  = []string{string(drift.Drifted), string(drift.Steady), string(drift.TooFew), string(drift.TooEarly)}
	trafficMetrics = func() (out []string) {
		for _, m := range drift.Metrics() {
			out = append(out, string(m))
		}
		return out
	}()
)

// driftRoutes are those of drift of the traffic.
func (a *API) driftRoutes() []route {
	return []route{
		{
			method: "GET", path: "/drift", name: "listDrift", summary: "How lengths, models and endings of the last 24 hours compare with the same weekday of the four weeks before: what has drifted first",
			params: []param{
				{name: "project", about: "of this project"},
				{name: "prompt", about: "of this prompt"},
				{name: "model", about: "of this model"},
				{name: "metric", about: "of this metric", enum: trafficMetrics},
				{name: "state", about: "that stand so", enum: trafficStates},
			},
			status: http.StatusOK, out: trafficList{}, handle: a.listDrift,
		},
		{
			method: "GET", path: "/drift/{id}", name: "getDrift", summary: "One series with its days and with both distributions",
			status: http.StatusOK, out: drift.Series{}, handle: a.getDrift,
		},
	}
}

func (a *API) listDrift(w http.ResponseWriter, r *http.Request) error {
	report, err := a.cfg.Drift.At(r.Context(), time.Now())
	if err != nil {
		return fmt.Errorf("compare traffic: %w", err)
	}
	q := r.URL.Query()
	for name, known := range map[string][]string{"metric": trafficMetrics, "state": trafficStates} {
		if v := q.Get(name); v != "" && !slices.Contains(known, v) {
			return bad(name, "%q is none of %v", clip(v), known)
		}
	}
	out := trafficList{
		Until: stamp(report.Until), Since: stamp(report.Since), Sample: report.Sample, Calls: report.Calls, Left: report.Left, Series: []trafficRow{},
	}
	for i := range report.Series {
		s := &report.Series[i]
		if s.Q != nil {
			out.Compared++
		}
		if s.State == drift.Drifted {
			out.Drifted++
		}
		fits := true
		for name, has := range map[string]string{"project": s.Project, "prompt": s.Prompt, "model": s.Model, "metric": string(s.Metric), "state": string(s.State)} {
			if want := q.Get(name); want != "" && want != has {
				fits = false
			}
		}
		if !fits {
			continue
		}
		row := trafficRow{Series: *s, DailyPSI: make([]*float64, len(s.Days))}
		for k := range s.Days {
			row.DailyPSI[k] = s.Days[k].PSI
		}
		row.Days, row.Classes = nil, nil
		out.Series = append(out.Series, row)
	}
	return answer(w, http.StatusOK, out)
}

func (a *API) getDrift(w http.ResponseWriter, r *http.Request) error {
	report, err := a.cfg.Drift.At(r.Context(), time.Now())
	if err != nil {
		return fmt.Errorf("compare traffic: %w", err)
	}
	id := r.PathValue("id")
	for i := range report.Series {
		if report.Series[i].ID == id {
			return answer(w, http.StatusOK, report.Series[i])
		}
	}
	return llm.Faultf(llm.NotFound, "no series has this id: it has no calls any more, or too many others have more; GET %s/drift lists them", prefix)
}
