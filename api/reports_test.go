package api

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/dashboards/report"
	"github.com/weir-dev/weir/dashboards/report/schedule"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// reportSchedulesOfFile are those of the world's configuration file.
var reportSchedulesOfFile = []schedule.Schedule{{Name: "from-file", Period: report.Month}}

// recordWeeks puts calls into the weeks 46 and 47 of 2026, by the days of Berlin.
func (w *world) recordWeeks() {
	w.t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		w.t.Fatal(err)
	}
	var all []trace.Record
	for i := range 40 {
		all = append(all, changed("r"+string(rune('A'+i)), func(r *trace.Record) {
			c := &r.Call
			c.Start = time.Date(2026, 11, 9, 0, 30, 0, 0, zone).Add(time.Duration(i) * 8 * time.Hour)
			c.Duration += time.Duration(i*1_234_567) * time.Nanosecond
			c.SpanID, c.Project, c.User = "", []string{"p", "q"}[i%2], []string{"ann", "bob", ""}[i%3]
			c.Cost, c.Saved = price.USD(13_500+int64(i)*1_000_001), 0
			switch {
			case i%5 == 0:
				c.Cache, c.Saved, c.Cost = trace.CacheHit, c.Cost, 0
			case i%7 == 0:
				c.Status, c.Cost, c.PriceStatus = trace.StatusError, 0, price.Unpriced
			}
		}))
		all[i].Call.SpanID = string(rune('a'+i%26)) + "0000000000" + string(rune('0'+i/26))
	}
	w.record(all...)
}

// Every sum of a report is the one of /costs for the same span.
func TestAReportSaysWhatCostsSays(t *testing.T) {
	w := newWorld(t)
	w.recordWeeks()
	for _, project := range []string{"", "p"} {
		var r report.Report
		q := url.Values{"of": {"2026-W47"}, "timezone": {"Europe/Berlin"}, "project": {project}}
		w.get("/reports/week?"+q.Encode(), &r)
		if r.Since.Format(time.RFC3339) != "2026-11-15T23:00:00Z" || r.Until.Sub(r.Since) != 7*24*time.Hour || r.Before.Name != "2026-W46" || len(r.Days) != 7 || r.Total.Calls == 0 {
			t.Fatalf("%+v", r)
		}
		costs := func(since, until time.Time, by string) (out struct {
			Rows  []map[string]any
			Total report.Figures
		},
		) {
			t.Helper()
			w.get("/costs?"+url.Values{"since": {since.Format(time.RFC3339)}, "until": {until.Format(time.RFC3339)}, "project": {project}, "by": {by}, "timezone": {"Europe/Berlin"}}.Encode(), &out)
			return out
		}
		now, before := costs(r.Since, r.Until, "day"), costs(r.Before.Since, r.Before.Until, "")
		if diff := cmp.Diff(now.Total, r.Total); diff != "" {
			t.Errorf("project %q, total (-costs +report):\n%s", project, diff)
		}
		if diff := cmp.Diff(before.Total, r.Before.Total); diff != "" {
			t.Errorf("project %q, before (-costs +report):\n%s", project, diff)
		}
		if got, want := *r.Before.ChangeUSD, *now.Total.CostUSD-*before.Total.CostUSD; got != want {
			t.Errorf("change %s, want %s", got, want)
		}
		days := map[string]any{}
		for _, row := range now.Rows {
			days[row["day"].(string)] = row["cost_usd"]
		}
		sum := price.USD(0)
		for _, d := range r.Days {
			var shown any // null, of a day whose calls have no price
			if d.CostUSD != nil {
				shown = d.CostUSD.String()
				sum += *d.CostUSD
			}
			if text, ok := days[d.Day]; ok && text != shown {
				t.Errorf("%s: %v, costs say %v", d.Day, shown, text)
			}
		}
		if sum != *r.Total.CostUSD {
			t.Errorf("the days come to %s, the total is %s", sum, *r.Total.CostUSD)
		}
		for _, m := range r.Movers {
			rows, past := costs(r.Since, r.Until, m.By), costs(r.Before.Since, r.Before.Until, m.By)
			moved := price.USD(0)
			for _, row := range m.Rows {
				moved += row.ChangeUSD
				for _, side := range []struct {
					rows []map[string]any
					cost price.USD
				}{{rows.Rows, row.CostUSD}, {past.Rows, row.BeforeUSD}} {
					for _, c := range side.rows {
						if c[m.By] == row.Name && c["cost_usd"] != side.cost.String() {
							t.Errorf("%s %q: %s, costs say %v", m.By, row.Name, side.cost, c["cost_usd"])
						}
					}
				}
			}
			if m.More == 0 && moved != *r.Before.ChangeUSD {
				t.Errorf("the changes by %s come to %s, all is %s", m.By, moved, *r.Before.ChangeUSD)
			}
		}
		if r.Savings.SavedUSD != r.Total.SavedUSD || r.Savings.Exact.Calls != r.Total.CacheHits || *r.Savings.WithoutUSD != *r.Total.CostUSD+r.Total.SavedUSD {
			t.Errorf("%+v, total %+v", r.Savings, r.Total)
		}
	}
}

func TestAReportInEveryForm(t *testing.T) {
	w := newWorld(t)
	w.recordWeeks()
	page := w.ask("GET", "/reports/month?of=2026-11-20&format=html", "")
	if page.Code != http.StatusOK || page.Header().Get("Content-Type") != "text/html; charset=utf-8" || page.Header().Get("Content-Security-Policy") != report.Policy || !strings.Contains(page.Body.String(), "<h1>November 2026</h1>") {
		t.Errorf("%d %v", page.Code, page.Header())
	}
	if text := w.status("GET", "/reports/month?of=2026-11&format=text", "", http.StatusOK); !strings.HasPrefix(text, "November 2026, all projects\n") {
		t.Error(text)
	}
	w.refused(w.ask("GET", "/reports/day", ""), 404, llm.NotFound, "reports/week")
	w.refused(w.ask("GET", "/reports/week?of=2026-W54", ""), 400, llm.InvalidRequest, "2026-W54", "2026-W47")
	w.refused(w.ask("GET", "/reports/week?of=2999-W01", ""), 400, llm.InvalidRequest, "has not begun")
	w.refused(w.ask("GET", "/reports/month?timezone=Mars", ""), 400, llm.InvalidRequest, "Mars")
	w.refused(w.ask("GET", "/reports/month?format=pdf", ""), 400, llm.InvalidRequest, "pdf")
	w.refused(w.ask("GET", "/reports/month", "", stranger), 401, llm.Unauthorized)
}

func TestSchedulesOfReports(t *testing.T) {
	w := newWorld(t)
	const one = `{"name":"weekly","project":"p","period":"week","at":"07:30","timezone":"Europe/Berlin","notify":["ops"]}`
	var made struct {
		Source string
		NextAt time.Time `json:"next_at"`
		Last   *struct{}
	}
	if err := json.Unmarshal([]byte(w.status("POST", "/reports/schedules", one, http.StatusCreated)), &made); err != nil {
		t.Fatal(err)
	}
	zone, _ := time.LoadLocation("Europe/Berlin")
	if next := made.NextAt.In(zone); made.Source != "api" || made.Last != nil || next.Weekday() != time.Monday || next.Format("15:04") != "07:30" || !next.After(time.Now()) {
		t.Errorf("%+v", made)
	}
	w.refused(w.ask("POST", "/reports/schedules", one), 400, llm.InvalidRequest, "there already")
	w.refused(w.ask("POST", "/reports/schedules", `{"name":"a b","period":"day","at":"8","timezone":"Mars","notify":["nobody"]}`), 400, llm.InvalidRequest, "5 faults", "name:", "period:", "at:", "timezone:", "notify:", "nobody")
	w.refused(w.ask("PUT", "/reports/schedules/other", one), 400, llm.InvalidRequest, "keeps its name")
	w.refused(w.ask("DELETE", "/reports/schedules/from-file", ""), 400, llm.InvalidRequest, "configuration file")
	w.refused(w.ask("DELETE", "/reports/schedules/other", ""), 404, llm.NotFound)
	w.status("PUT", "/reports/schedules/weekly", strings.Replace(one, "07:30", "09:00", 1), http.StatusOK)
	var list struct {
		Schedules []struct{ Name, Source, At string }
		Channels  []string
	}
	w.get("/reports/schedules", &list)
	if len(list.Schedules) != 2 || list.Schedules[0].Source != "file" || list.Schedules[1].At != "09:00" || len(list.Channels) != 1 {
		t.Errorf("%+v", list)
	}

	w.status("POST", "/reports/schedules/weekly/send", "", http.StatusOK)
	sent, err := w.alerts.AlertDeliveries(t.Context(), price.DeliveryWaiting, 10)
	if err != nil || len(sent) != 1 || sent[0].Channel != "ops" || sent[0].Message.Kind != alert.Papers || sent[0].Message.Rule != "weekly" || sent[0].Message.Document.Type != "report.week" {
		t.Fatalf("%+v, %v", sent, err)
	}
	var deliveries struct {
		Deliveries []struct{ Rule, Kind, Subject string }
	}
	w.get("/alerts/deliveries", &deliveries)
	if d := deliveries.Deliveries; len(d) != 1 || d[0].Rule != "weekly" || !strings.HasPrefix(d[0].Subject, "[weir] Week ") {
		t.Errorf("%+v", deliveries)
	}
	w.status("DELETE", "/reports/schedules/weekly", "", http.StatusNoContent)
	w.refused(w.ask("POST", "/reports/schedules/weekly/send", ""), 404, llm.NotFound)
}
