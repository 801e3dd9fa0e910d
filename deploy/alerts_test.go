package deploy

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/weir-dev/weir/dashboards/grafana"
	"github.com/weir-dev/weir/internal/metrics"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/trace"
)

// exposed are the series at weir's /metrics, with something of each kind counted: a name, and the labels it may have.
func exposed(t *testing.T) map[string]map[string]bool {
	t.Helper()
	set := metrics.New("v", func() metrics.Spool { return metrics.Spool{} })
	refusals := set.CountRefusals()
	refusals.Budget("b")
	refusals.Limit("r", "requests")
	set.WatchBudgets(func() []metrics.Budget { return []metrics.Budget{{Name: "b", Dollars: true}} })
	set.WatchCache(func() metrics.Cache { return metrics.Cache{} })
	set.WatchRedis(func() metrics.Redis { return metrics.Redis{} })
	set.WatchPrompts(func() metrics.Prompts { return metrics.Prompts{Moves: []metrics.Move{{Prompt: "p", Label: "l"}}} })
	set.WatchExperiments(func() []metrics.Turn { return []metrics.Turn{{Experiment: "e", What: "started"}} })
	questions := set.CountRAG([]string{"p"})
	questions.Embedded("p", true, 1, nil)
	questions.Ran(rag.Ran{Pipeline: "p", Outcome: rag.OutcomeAnswered, Stages: []rag.StageRan{{Step: rag.StepDense}, {Step: rag.StepRerank, Skipped: true}}, Cut: map[rag.Step]int{rag.StepRerank: 1}})
	questions.Recalled("p", 1)
	set.Observe(&trace.Record{
		Call:     trace.Span{Model: "m", Provider: "p", PriceStatus: "unpriced", TTFT: 1, Usage: llm.Usage{OutputText: 1}},
		Attempts: []trace.Span{{Provider: "p"}, {Provider: "p"}},
	})
	set.Observe(&trace.Record{Call: trace.Span{Model: "m", Provider: "p", PriceStatus: "exact", Cost: 1}})
	rec := httptest.NewRecorder()
	set.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	series := map[string]map[string]bool{"up": {}} // Prometheus' own
	label := regexp.MustCompile(`([a-z_]+)="`)
	for line := range strings.Lines(rec.Body.String()) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name := line[:strings.IndexAny(line, "{ ")]
		if series[name] == nil {
			series[name] = map[string]bool{"instance": true, "job": true} // which Prometheus adds
		}
		for _, m := range label.FindAllStringSubmatch(line, -1) {
			series[name][m[1]] = true
		}
	}
	series["up"] = map[string]bool{"instance": true, "job": true}
	return series
}

var (
	metricName = regexp.MustCompile(`\b(weir_[a-z0-9_]+|up)\b`)
	matchers   = regexp.MustCompile(`\b(weir_[a-z0-9_]+|up)\{([^}]*)\}`)
	matched    = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)\s*"`)
	grouped    = regexp.MustCompile(`\b(?:by|on|without)\s*\(([^)]*)\)`)
	spoken     = regexp.MustCompile(`\$labels\.([a-z_]+)|\{\{\s*([a-z_]+)\s*\}\}`)
)

// promQLFaults says where an expression speaks of series that there are not, or by labels that they have not, and where what
// is said of the result (a legend, an annotation) names a label that it has not.
func promQLFaults(expr, said string, series map[string]map[string]bool) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	used := metricName.FindAllString(expr, -1)
	if len(used) == 0 {
		fault("speaks of no metric: %s", expr)
	}
	labels := map[string]bool{}
	for _, name := range used {
		if series[name] == nil {
			fault("weir has no metric %s", name)
		}
		maps.Copy(labels, series[name])
	}
	for _, m := range matchers.FindAllStringSubmatch(expr, -1) {
		for _, l := range matched.FindAllStringSubmatch(m[2], -1) {
			if !series[m[1]][l[1]] {
				fault("%s has no label %s", m[1], l[1])
			}
		}
	}
	by := grouped.FindAllStringSubmatch(expr, -1)
	for i, m := range by {
		left := map[string]bool{}
		for l := range strings.SplitSeq(m[1], ",") {
			if left[strings.TrimSpace(l)] = true; !labels[strings.TrimSpace(l)] {
				fault("grouped by %s, which none of its metrics has", l)
			}
		}
		if i == len(by)-1 {
			labels = left // no others are left
		}
	}
	for _, m := range spoken.FindAllStringSubmatch(said, -1) {
		if l := m[1] + m[2]; !labels[l] {
			fault("says the label %s, which the result has not", l)
		}
	}
	if strings.Count(expr, "(") != strings.Count(expr, ")") || strings.Count(expr, "{") != strings.Count(expr, "}") {
		fault("unbalanced: %s", expr)
	}
	return faults
}

// The rules speak of metrics that there are, and say what to do.
func TestPrometheusAlerts(t *testing.T) {
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert       string
				Expr        string
				Labels      map[string]string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "prometheus/alerts.yml")), &file); err != nil {
		t.Fatal(err)
	}
	series, seen := exposed(t), map[string]bool{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" || seen[r.Alert] || r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%+v", r)
			}
			seen[r.Alert] = true
			for _, f := range promQLFaults(r.Expr, r.Annotations["summary"]+r.Annotations["description"], series) {
				t.Errorf("%s: %s", r.Alert, f)
			}
		}
	}
	for _, want := range []string{"WeirDown", "WeirGone", "WeirStoreDown", "WeirSpoolWaitsLong", "WeirRecordsQuarantined", "WeirRecordsDropped", "WeirErrorRate", "WeirBudgetNearLimit", "WeirRAGFindsNothing"} {
		if !seen[want] {
			t.Errorf("there is no rule %s", want)
		}
	}
	if config := read(t, "prometheus/prometheus.yml"); !strings.Contains(config, "/etc/prometheus/alerts.yml") {
		t.Error("prometheus.yml does not read the rules")
	}
	if compose := read(t, "../docker-compose.yml"); !strings.Contains(compose, "./deploy/prometheus/alerts.yml:/etc/prometheus/alerts.yml:ro") {
		t.Error("docker-compose.yml does not mount the rules")
	}
}

// The boards ask Prometheus for series that weir has, by labels that they have.
func TestBoardMetrics(t *testing.T) {
	boards, err := grafana.Boards()
	if err != nil {
		t.Fatal(err)
	}
	series, asked := exposed(t), map[string]bool{}
	for _, name := range metricName.FindAllString(read(t, "prometheus/alerts.yml"), -1) {
		asked[name] = true
	}
	for _, b := range boards {
		check := func(what string, queries []grafana.Query) {
			for _, q := range queries {
				if q.PromQL != "" {
					expr, legend, _ := strings.Cut(q.PromQL, " ;; ")
					for _, f := range promQLFaults(expr, legend, series) {
						t.Errorf("%s / %s: %s", b.UID, what, f)
					}
					for _, name := range metricName.FindAllString(expr, -1) {
						asked[name] = true
					}
				}
			}
		}
		for _, p := range b.Panels {
			check(p.Title, p.Queries)
		}
		check("marks", b.Marks)
	}
	for name := range series {
		if strings.HasPrefix(name, "weir_rag_") && !strings.HasSuffix(name, "_sum") && !strings.HasSuffix(name, "_count") && !asked[name] {
			t.Errorf("no board and no rule asks for %s", name)
		}
	}
}

// What that check is worth.
func TestPromQLFaults(t *testing.T) {
	series := map[string]map[string]bool{"weir_a_total": {"x": true}}
	for _, c := range []struct{ expr, said string }{
		{"sum(weir_b_total)", ""},
		{`weir_a_total{y="1"}`, ""},
		{"sum by (y) (weir_a_total)", ""},
		{"sum by (x) (weir_a_total)", "{{y}}"},
		{"sum(weir_a_total", ""},
		{"1", ""},
	} {
		if promQLFaults(c.expr, c.said, series) == nil {
			t.Errorf("taken: %s, which says %q", c.expr, c.said)
		}
	}
	if faults := promQLFaults(`sum by (x) (rate(weir_a_total{x=~"1|2"}[5m]))`, "{{x}}", series); faults != nil {
		t.Error(faults)
	}
}
