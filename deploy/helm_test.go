package deploy

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

//go:generate cp prometheus/alerts.yml helm/weir/files/alerts.yml

const chart = "helm/weir"

var tools = flag.String("tools", "", "folder with the programs helm and manifests; without it they are looked for in .build/bin, and the tests that need them are skipped where they are not")

// tool is the program's path.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(cmp.Or(*tools, "../.build/bin"), name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		if *tools != "" {
			t.Fatal(err)
		}
		t.Skipf("%s is not built: make chart-check builds it and runs this test", name)
	}
	return path
}

// helm runs helm and gives what it says.
func helm(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), tool(t, "helm"), args...) //nolint:gosec // our own
	home := t.TempDir()
	cmd.Env = append(os.Environ(), "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home, "KUBECONFIG="+filepath.Join(home, "none"))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// object is one manifest, or a part of one.
type object map[string]any

// at walks down: names of fields, and numbers of elements.
func (o object) at(path ...any) any {
	var v any = map[string]any(o)
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			s, _ := v.([]any)
			if p >= len(s) {
				return nil
			}
			v = s[p]
		}
	}
	return v
}

func (o object) text(path ...any) string { s, _ := o.at(path...).(string); return s }
func (o object) kind() string            { return o.text("kind") }

// manifests are what the chart makes of the values.
func manifests(t *testing.T, values string) []object {
	t.Helper()
	out, errs, err := helm(t, "template", "weir", chart, "--namespace", "llm", "--kube-version", "1.31.0", "--values", values)
	if err != nil {
		t.Fatalf("%v: %s", err, errs)
	}
	cmd := exec.CommandContext(t.Context(), tool(t, "manifests")) //nolint:gosec // our own
	cmd.Stdin = strings.NewReader(out)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("Kubernetes would not take what the chart makes: %v\n%s", err, said)
	}
	return documents(t, out)
}

func documents(t *testing.T, text string) []object {
	t.Helper()
	var out []object
	dec := yaml.NewDecoder(strings.NewReader(text))
	for {
		var o map[string]any // its maps are of that type, too
		err := dec.Decode(&o)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(o) > 0 {
			out = append(out, o)
		}
	}
}

// one is the only object of the kind, of which more may be told.
func one(t *testing.T, all []object, kind string, more ...func(object) bool) object {
	t.Helper()
	var found []object
	for _, o := range all {
		if o.kind() == kind && !slices.ContainsFunc(more, func(is func(object) bool) bool { return !is(o) }) {
			found = append(found, o)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s: got %d, want 1", kind, len(found))
	}
	return found[0]
}

// chartValues are the files of values that the chart is tried with.
func chartValues(t *testing.T) map[string]object {
	t.Helper()
	files, err := filepath.Glob(chart + "/ci/*-values.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d files of values: %v", len(files), err)
	}
	out := map[string]object{}
	for _, f := range files {
		var v map[string]any
		if err := yaml.Unmarshal([]byte(read(t, f)), &v); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		out[f] = v
	}
	return out
}

// A chart cannot reach out of its folder, so it has copies: they are what they are copies of.
func TestChartCopies(t *testing.T) {
	copies := map[string]string{"prometheus/alerts.yml": chart + "/files/alerts.yml"}
	boards, err := filepath.Glob("../dashboards/grafana/boards/*.json")
	if err != nil || len(boards) == 0 {
		t.Fatalf("%d boards: %v", len(boards), err)
	}
	for _, b := range boards {
		copies[b] = chart + "/files/boards/" + filepath.Base(b)
	}
	for from, to := range copies {
		if read(t, from) != read(t, to) {
			t.Errorf("%s differs from %s: go generate ./deploy ./dashboards/grafana", to, from)
		}
	}
	have, err := filepath.Glob(chart + "/files/boards/*")
	if err != nil || len(have) != len(boards) {
		t.Errorf("the chart has %d boards, want %d", len(have), len(boards))
	}
}

func TestChartLint(t *testing.T) {
	for file := range chartValues(t) {
		if out, errs, err := helm(t, "lint", "--strict", chart, "--values", file); err != nil {
			t.Errorf("%s: %v\n%s%s", file, err, out, errs)
		}
	}
}

// What the chart makes of each file of values fits together, and nothing secret is where many may read it.
func TestChartManifests(t *testing.T) {
	for file, values := range chartValues(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			all := manifests(t, file)
			set := one(t, all, "StatefulSet")
			pod := object(set.at("spec", "template").(map[string]any))
			container := object(pod.at("spec", "containers", 0).(map[string]any))
			service := one(t, all, "Service", func(o object) bool { return o.at("spec", "clusterIP") == nil })

			labels := map[string]bool{}
			for _, o := range all {
				name := o.kind() + " " + o.text("metadata", "name")
				if labels[name] || !strings.HasPrefix(o.text("metadata", "name"), set.text("metadata", "name")) {
					t.Errorf("%s is there twice, or is not called after the release", name)
				}
				labels[name] = true
				if o.kind() != "Secret" {
					if text := fmt.Sprint(o); strings.Contains(text, "canary") || strings.Contains(text, "sk-not-a-key") {
						t.Errorf("%s has a secret in it", name)
					}
				}
			}

			image := container.text("image")
			if last := image[strings.LastIndex(image, "/"):]; !strings.ContainsAny(last, ":@") || strings.HasSuffix(image, ":latest") {
				t.Errorf("image %s: a version is not pinned", image)
			}
			for _, want := range []struct {
				of    object
				path  []any
				value any
			}{
				{pod, []any{"spec", "securityContext", "runAsNonRoot"}, true},
				{pod, []any{"spec", "securityContext", "seccompProfile", "type"}, "RuntimeDefault"},
				{pod, []any{"spec", "automountServiceAccountToken"}, false},
				{container, []any{"securityContext", "readOnlyRootFilesystem"}, true},
				{container, []any{"securityContext", "allowPrivilegeEscalation"}, false},
				{container, []any{"securityContext", "capabilities", "drop", 0}, "ALL"},
				{container, []any{"livenessProbe", "httpGet", "path"}, "/healthz"},
				{container, []any{"startupProbe", "httpGet", "path"}, "/healthz"},
			} {
				if got := want.of.at(want.path...); got != want.value {
					t.Errorf("%v: got %v, want %v", want.path, got, want.value)
				}
			}
			for _, part := range []string{"cpu", "memory"} {
				if container.at("resources", "requests", part) == nil {
					t.Errorf("no request of %s", part)
				}
			}
			for _, v := range []string{"/data", "/tmp", "/etc/weir"} {
				if !slices.ContainsFunc(container.at("volumeMounts").([]any), func(m any) bool { return object(m.(map[string]any)).text("mountPath") == v }) {
					t.Errorf("nothing is mounted at %s, and the root file system is read-only", v)
				}
			}
			checkDrain(t, values, pod, container, all)
			checkPorts(t, container, service, all)
			checkSelectors(t, pod, all)
			checkStores(t, values, set, all)
		})
	}
}

// checkDrain checks that a pod is given the time that weir takes, and that the configuration is the values'.
func checkDrain(t *testing.T, values, pod, container object, all []object) {
	t.Helper()
	settings := one(t, all, "ConfigMap", func(o object) bool { return o.at("data", "weir.yaml") != nil })
	var config map[string]any
	if err := yaml.Unmarshal([]byte(settings.text("data", "weir.yaml")), &config); err != nil {
		t.Fatal(err)
	}
	drain, _ := values.at("drainSeconds").(int)
	drain = cmp.Or(drain, 30)
	if got := object(config).text("timeouts", "shutdown"); got != fmt.Sprintf("%ds", drain) {
		t.Errorf("timeouts.shutdown: got %s, want %d s", got, drain)
	}
	pause, _ := container.at("lifecycle", "preStop", "sleep", "seconds").(int)
	if grace, _ := pod.at("spec", "terminationGracePeriodSeconds").(int); pause < 1 || grace < pause+drain+30 {
		t.Errorf("grace period: got %d s, want %d before the drain, %d of it and 30 for the records", grace, pause, drain)
	}
	delete(config["timeouts"].(map[string]any), "shutdown")
	if len(config["timeouts"].(map[string]any)) == 0 {
		delete(config, "timeouts")
	}
	if diff := gocmp.Diff(values["config"], any(config)); diff != "" {
		t.Errorf("weir.yaml is not config (-config +weir.yaml):\n%s", diff)
	}
	if pod.text("metadata", "annotations", "checksum/config") == "" || pod.text("metadata", "annotations", "checksum/secrets") == "" {
		t.Error("a changed configuration would not restart weir")
	}
}

// checkPorts checks that each port that is named is one of the container's.
func checkPorts(t *testing.T, container, service object, all []object) {
	t.Helper()
	ports, served := map[string]bool{}, map[string]bool{}
	for _, p := range container.at("ports").([]any) {
		ports[object(p.(map[string]any)).text("name")] = true
	}
	for _, p := range service.at("spec", "ports").([]any) {
		p := object(p.(map[string]any))
		served[p.text("name")] = true
		if !ports[p.text("targetPort")] {
			t.Errorf("the Service leads to the port %s, which the container has not", p.text("targetPort"))
		}
	}
	for _, probe := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
		if port := container.text(probe, "httpGet", "port"); !ports[port] {
			t.Errorf("%s asks the port %q", probe, port)
		}
	}
	apart := served["admin"]
	if apart && container.text("readinessProbe", "httpGet", "path") == "/readyz" && container.text("readinessProbe", "httpGet", "port") != "admin" {
		t.Error("/readyz is on the admin port")
	}
	for _, o := range all {
		switch o.kind() {
		case "ServiceMonitor":
			if port := o.text("spec", "endpoints", 0, "port"); !served[port] || apart != (port == "admin") {
				t.Errorf("the ServiceMonitor asks the port %q", port)
			}
		case "Ingress":
			if got := o.text("spec", "rules", 0, "http", "paths", 0, "backend", "service", "port", "name"); got != "http" {
				t.Errorf("the Ingress leads to the port %q", got)
			}
		}
	}
}

// checkSelectors checks that all who choose pods choose these.
func checkSelectors(t *testing.T, pod object, all []object) {
	t.Helper()
	labels := pod.at("metadata", "labels").(map[string]any)
	chosen := 0
	for _, o := range all {
		var by any
		switch o.kind() {
		case "Service":
			by = o.at("spec", "selector")
		case "StatefulSet", "PodDisruptionBudget":
			by = o.at("spec", "selector", "matchLabels")
		case "NetworkPolicy":
			by = o.at("spec", "podSelector", "matchLabels")
		default:
			continue
		}
		chosen++
		for k, v := range by.(map[string]any) {
			if labels[k] != v {
				t.Errorf("%s: chooses pods by %s=%v, and they have %v", o.kind(), k, v, labels[k])
			}
		}
	}
	if chosen < 3 {
		t.Errorf("%d choose pods", chosen)
	}
}

// checkStores checks that weir is given the servers of the values, and several what several need.
func checkStores(t *testing.T, values, set object, all []object) {
	t.Helper()
	container := object(set.at("spec", "template", "spec", "containers", 0).(map[string]any))
	env := map[string]bool{}
	for _, e := range container.at("env").([]any) {
		env[object(e.(map[string]any)).text("name")] = true
	}
	for _, o := range all {
		if data, ok := o.at("stringData").(map[string]any); ok {
			for name := range data {
				env[name] = true
			}
		}
	}
	for what, name := range map[string]string{"clickhouse": "WEIR_CLICKHOUSE_URL", "control": "WEIR_CONTROL_URL", "redis": "WEIR_REDIS_URL", "qdrant": "WEIR_QDRANT_URL"} {
		if got, want := env[name], values.at(what) != nil; got != want {
			t.Errorf("%s: got %t, want %t", name, got, want)
		}
	}
	if !env["WEIR_ADMIN_TOKEN"] {
		t.Error("weir has no admin token of the chart")
	}
	if set.at("spec", "volumeClaimTemplates", 0, "spec", "resources", "requests", "storage") == nil {
		t.Error("a weir's spool has no volume")
	}
	replicas, _ := set.at("spec", "replicas").(int)
	if several := replicas > 1; several != slices.ContainsFunc(all, func(o object) bool { return o.kind() == "PodDisruptionBudget" }) {
		t.Errorf("a disruption budget of %d", replicas)
	}
	for _, o := range all {
		if o.kind() == "PrometheusRule" {
			var rules map[string]any
			if err := yaml.Unmarshal([]byte(read(t, "prometheus/alerts.yml")), &rules); err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(rules, o.at("spec")); diff != "" {
				t.Errorf("rules (-alerts.yml +PrometheusRule):\n%s", diff)
			}
		}
	}
	if values.at("grafana") != nil {
		boards := 0
		for _, o := range all {
			if o.text("metadata", "labels", "grafana_dashboard") == "1" {
				boards++
				for name, text := range o.at("data").(map[string]any) {
					want := read(t, "../dashboards/grafana/boards/"+strings.TrimPrefix(name, "weir-"))
					if strings.TrimSpace(text.(string)) != strings.TrimSpace(want) {
						t.Errorf("the board %s is not the committed one", name)
					}
				}
			}
		}
		if boards == 0 {
			t.Error("no board")
		}
	}
}

// What cannot work, or would show a secret, is refused with a sentence.
func TestChartRefuses(t *testing.T) {
	for _, c := range []struct{ set, says string }{
		{"replicaCount=2", "several weirs share a ClickHouse server, PostgreSQL and Redis"},
		{"replicaCount=0", "replicaCount"},
		{"image.repository=", "build deploy/Dockerfile"},
		{"image.tag=latest", "tag"},
		{"config.listen=:1", "use service.port"},
		{"config.redis.url=redis://x", "use redis.url"},
		{"config.timeouts.shutdown=5s", "use drainSeconds"},
		{"config.providers[0].api_key=sk-1", "config.providers[0].api_key is a secret"},
		{"config.alerts.notify[0].url=https://hooks.slack.com/services/T", "config.alerts.notify[0].url has a secret"},
		{"config.budgets.webhook.url=https://me:pw@example.com", "config.budgets.webhook.url has a secret"},
		{"clickhouse.url=mysql://x", "clickhouse"},
		{"replicas=2", "replicas"},
		{"persistence.accessModes[0]=ReadWriteMany", "accessModes"},
	} {
		out, errs, err := helm(t, "template", "weir", chart, "--kube-version", "1.31.0", "--set", "image.repository=r/weir", "--set", c.set)
		if err == nil {
			t.Errorf("%s: taken\n%.300s", c.set, out)
		} else if !strings.Contains(errs, c.says) {
			t.Errorf("%s: got %s, want %q", c.set, errs, c.says)
		}
	}
}

// The table of README.md has each value, and no other.
func TestChartReadme(t *testing.T) {
	var values map[string]any
	if err := yaml.Unmarshal([]byte(read(t, chart+"/values.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for line := range strings.Lines(read(t, chart+"/README.md")) {
		if cell, ok := strings.CutPrefix(line, "| `"); ok {
			names, _, _ := strings.Cut(cell, " |")
			for name := range strings.SplitSeq(names, ",") {
				name, _, _ = strings.Cut(strings.Trim(strings.TrimSpace(name), "`"), ".")
				told[name] = true
			}
		}
	}
	if diff := gocmp.Diff(slices.Sorted(maps.Keys(values)), slices.Sorted(maps.Keys(told))); diff != "" {
		t.Errorf("README.md (-values.yaml +README.md):\n%s", diff)
	}
}
