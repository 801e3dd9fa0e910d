package deploy

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/weir-dev/weir/internal/metrics"
	"github.com/weir-dev/weir/trace"
)

// exposed are the names at weir's /metrics, with something of each kind counted.
func exposed(t *testing.T) map[string]bool {
	t.Helper()
	set := metrics.New("v", func() metrics.Spool { return metrics.Spool{} })
	refusals := set.CountRefusals()
	refusals.Budget("b")
	set.WatchBudgets(func() []metrics.Budget { return []metrics.Budget{{Name: "b", Dollars: true}} })
	questions := set.CountRAG([]string{"p"})
	questions.Embedded("p", true, 1, nil)
	set.Observe(&trace.Record{Call: trace.Span{Model: "m", Provider: "p", PriceStatus: "unpriced"}})
	rec := httptest.NewRecorder()
	set.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	names := map[string]bool{"up": true} // Prometheus' own
	for line := range strings.Lines(rec.Body.String()) {
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, _, _ = strings.Cut(name, " ")
			names[name] = true
		}
	}
	return names
}

var metricName = regexp.MustCompile(`\b(weir_[a-z0-9_]+|up)\b`)

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
	names, seen := exposed(t), map[string]bool{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			used := metricName.FindAllString(r.Expr, -1)
			if r.Alert == "" || seen[r.Alert] || len(used) == 0 || r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%+v", r)
			}
			seen[r.Alert] = true
			for _, name := range used {
				if !names[name] {
					t.Errorf("%s: weir has no metric %s", r.Alert, name)
				}
			}
			if strings.Count(r.Expr, "(") != strings.Count(r.Expr, ")") || strings.Count(r.Expr, "{") != strings.Count(r.Expr, "}") {
				t.Errorf("%s: unbalanced: %s", r.Alert, r.Expr)
			}
		}
	}
	for _, want := range []string{"WeirDown", "WeirStoreDown", "WeirSpoolWaitsLong", "WeirRecordsQuarantined", "WeirRecordsDropped", "WeirErrorRate", "WeirBudgetNearLimit", "WeirRAGFindsNothing"} {
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
