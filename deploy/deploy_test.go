// Package deploy checks that the deployment files agree with each other. It needs no Docker.
package deploy

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// compose is docker-compose.yml as far as it matters here.
type compose struct {
	Services map[string]service `yaml:"services"`
	Volumes  map[string]any     `yaml:"volumes"`
}

type service struct {
	Image       string            `yaml:"image"`
	Build       build             `yaml:"build"`
	Environment map[string]string `yaml:"environment"`
	Ports       []string          `yaml:"ports"`
	Volumes     []string          `yaml:"volumes"`
	ReadOnly    bool              `yaml:"read_only"`
	MemLimit    string            `yaml:"mem_limit"`
	DependsOn   map[string]any    `yaml:"depends_on"`
	Healthcheck healthcheck       `yaml:"healthcheck"`
}

type build struct {
	Context    string `yaml:"context"`
	Dockerfile string `yaml:"dockerfile"`
	Target     string `yaml:"target"`
}

type healthcheck struct {
	Test []string `yaml:"test"`
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func readCompose(t *testing.T) compose {
	t.Helper()
	var c compose
	if err := yaml.Unmarshal([]byte(read(t, "../docker-compose.yml")), &c); err != nil {
		t.Fatalf("docker-compose.yml: %v", err)
	}
	return c
}

func TestComposeServices(t *testing.T) {
	c := readCompose(t)
	for _, name := range []string{"weir", "clickhouse", "qdrant", "grafana", "prometheus"} {
		if _, ok := c.Services[name]; !ok {
			t.Errorf("service %s is missing", name)
		}
	}
	for name, s := range c.Services {
		t.Run(name, func(t *testing.T) {
			if len(s.Healthcheck.Test) < 2 || s.Healthcheck.Test[0] != "CMD" {
				t.Errorf("healthcheck: got %q, want [CMD, …]: not every image has a shell", s.Healthcheck.Test)
			}
			if s.MemLimit == "" {
				t.Error("no mem_limit: one service could starve the others")
			}
			if tag := s.Image[strings.LastIndex(s.Image, ":")+1:]; tag == s.Image || tag == "latest" {
				t.Errorf("image %s: pin a version", s.Image)
			}
			for _, port := range s.Ports {
				if !strings.HasPrefix(port, "127.0.0.1:") {
					t.Errorf("port %s: bind it to loopback", port)
				}
			}
			for other := range s.DependsOn {
				if _, ok := c.Services[other]; !ok {
					t.Errorf("depends on %s, which is no service", other)
				}
			}
			checkMounts(t, c, s)
		})
	}
}

// checkMounts looks for every file and volume a service mounts.
func checkMounts(t *testing.T, c compose, s service) {
	t.Helper()
	for _, mount := range s.Volumes {
		parts := strings.Split(mount, ":")
		source := parts[0]
		if !strings.HasPrefix(source, ".") {
			if _, ok := c.Volumes[source]; !ok {
				t.Errorf("mount %s: volume %s is not declared", mount, source)
			}
			continue
		}
		if _, err := os.Stat(filepath.Join("..", source)); err != nil {
			t.Errorf("mount %s: %v", mount, err)
		}
		if parts[len(parts)-1] != "ro" {
			t.Errorf("mount %s: files of the repository are mounted read-only", mount)
		}
	}
}

// TestComposeSecrets checks that no password stands in the file, and that make compose-env writes each one it asks for.
func TestComposeSecrets(t *testing.T) {
	text := read(t, "../docker-compose.yml")
	script := read(t, "../tools/compose-env.sh")
	wanted := regexp.MustCompile(`\$\{([A-Z_]+):\?run make compose-env\}`).FindAllStringSubmatch(text, -1)
	if len(wanted) == 0 {
		t.Fatal("docker-compose.yml asks for no secret")
	}
	for _, m := range wanted {
		if !strings.Contains(script, m[1]) {
			t.Errorf("tools/compose-env.sh does not write %s", m[1])
		}
	}
	secret := regexp.MustCompile(`PASSWORD|TOKEN|API_KEY`)
	for name, s := range readCompose(t).Services {
		for key, value := range s.Environment {
			if secret.MatchString(key) && value != "" && !strings.HasPrefix(value, "${") {
				t.Errorf("%s: %s has a value in git", name, key)
			}
		}
	}
}

// xmlNode is any XML element.
type xmlNode struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Nodes   []xmlNode  `xml:",any"`
}

func (n *xmlNode) find(names ...string) *xmlNode {
	for _, name := range names {
		i := slices.IndexFunc(n.Nodes, func(c xmlNode) bool { return c.XMLName.Local == name })
		if i < 0 {
			return nil
		}
		n = &n.Nodes[i]
	}
	return n
}

func (n *xmlNode) attr(name string) string {
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func readXML(t *testing.T, name string) *xmlNode {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(read(t, name)))
	var root xmlNode
	if err := dec.Decode(&root); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if e, ok := token.(xml.StartElement); ok {
			t.Fatalf("%s: %s follows the root element", name, e.Name.Local)
		}
	}
	if root.XMLName.Local != "clickhouse" {
		t.Fatalf("%s: root element: got %s, want clickhouse", name, root.XMLName.Local)
	}
	return &root
}

func TestClickHouseMemory(t *testing.T) {
	config, users := readXML(t, "clickhouse/config.xml"), readXML(t, "clickhouse/users.xml")
	bytes := func(n *xmlNode, path ...string) int64 {
		t.Helper()
		e := n.find(path...)
		if e == nil {
			t.Fatalf("%s is missing", strings.Join(path, "/"))
		}
		v, err := strconv.ParseInt(strings.TrimSpace(e.Text), 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", strings.Join(path, "/"), err)
		}
		return v
	}
	if got := readCompose(t).Services["clickhouse"].MemLimit; got != "2g" {
		t.Fatalf("mem_limit of clickhouse: got %s, want 2g, which the settings are made for", got)
	}
	const limit = 2 << 30
	server := bytes(config, "max_server_memory_usage")
	if server <= 0 || server > limit*85/100 {
		t.Errorf("max_server_memory_usage: got %d, want at most 85 %% of the container's %d", server, limit)
	}
	caches := bytes(config, "mark_cache_size") + bytes(config, "index_mark_cache_size") + bytes(config, "primary_index_cache_size") + bytes(config, "uncompressed_cache_size")
	query := bytes(users, "profiles", "default", "max_memory_usage")
	if caches+query > server {
		t.Errorf("caches %d and one query %d do not fit in the server's %d", caches, query, server)
	}
	if spill := bytes(users, "profiles", "default", "max_bytes_before_external_group_by"); spill*2 > query {
		t.Errorf("max_bytes_before_external_group_by: got %d, want at most half of max_memory_usage %d", spill, query)
	}
	// The server refuses to start when this does not hold.
	pool := bytes(config, "background_pool_size") * 2
	for _, e := range config.find("merge_tree").Nodes {
		if strings.HasPrefix(e.XMLName.Local, "number_of_free_entries_in_pool") && bytes(config, "merge_tree", e.XMLName.Local) > pool {
			t.Errorf("%s is above the pool's %d", e.XMLName.Local, pool)
		}
	}
}

// TestClickHouseLogs checks that every system log is switched off or has an end.
func TestClickHouseLogs(t *testing.T) {
	config := readXML(t, "clickhouse/config.xml")
	kept := 0
	for i := range config.Nodes {
		e := &config.Nodes[i]
		if !strings.HasSuffix(e.XMLName.Local, "_log") || e.attr("remove") == "1" {
			continue
		}
		kept++
		engine := e.find("engine")
		if e.attr("replace") != "1" || engine == nil || !strings.Contains(engine.Text, " TTL ") {
			t.Errorf("%s has no TTL: it would grow until the disk is full", e.XMLName.Local)
		}
	}
	if kept == 0 {
		t.Error("no system log is kept: slow queries could not be looked at")
	}
	for _, name := range []string{"trace_log", "metric_log", "asynchronous_metric_log", "text_log", "processors_profile_log", "query_thread_log"} {
		if e := config.find(name); e == nil || e.attr("remove") != "1" {
			t.Errorf("%s is on by default and is not removed", name)
		}
	}
}

func TestClickHouseReader(t *testing.T) {
	users := readXML(t, "clickhouse/users.xml")
	password := users.find("users", "grafana", "password")
	if password == nil || password.attr("from_env") == "" || strings.TrimSpace(password.Text) != "" {
		t.Fatal("the user grafana must take its password from the environment")
	}
	env := readCompose(t).Services["clickhouse"].Environment
	if _, ok := env[password.attr("from_env")]; !ok {
		t.Errorf("docker-compose.yml does not give ClickHouse %s", password.attr("from_env"))
	}
	if e := users.find("profiles", "grafana", "readonly"); e == nil || strings.TrimSpace(e.Text) != "2" {
		t.Error("the profile grafana must be readonly 2")
	}
}

func TestDockerfile(t *testing.T) {
	text := read(t, "Dockerfile")
	for _, want := range []string{"\nUSER 65532:65532\n", "\nHEALTHCHECK ", "\nVOLUME /data\n", "\nEXPOSE 4000\n", "WEIR_LISTEN=0.0.0.0:4000", "\nENTRYPOINT [", "org.opencontainers.image.licenses"} {
		if !strings.Contains(text, want) {
			t.Errorf("Dockerfile lacks %q", strings.TrimSpace(want))
		}
	}
	weir := readCompose(t).Services["weir"]
	if !strings.Contains(text, " AS "+weir.Build.Target+"\n") {
		t.Errorf("docker-compose.yml builds the stage %q, which the Dockerfile lacks", weir.Build.Target)
	}
	if _, err := os.Stat(filepath.Join("..", weir.Build.Context, weir.Build.Dockerfile)); err != nil {
		t.Error(err)
	}
	if !weir.ReadOnly {
		t.Error("weir must run on a read-only root file system")
	}
	// What is copied by name from the build context must exist there.
	for _, m := range regexp.MustCompile(`(?m)^COPY ([^-].*) \S+$`).FindAllStringSubmatch(text, -1) {
		for source := range strings.FieldsSeq(m[1]) {
			if _, err := os.Stat(filepath.Join("..", source)); err != nil {
				t.Errorf("COPY %s: %v", source, err)
			}
		}
	}
	// One check, said twice: by the image and by compose.
	if cmd := `"` + strings.Join(weir.Healthcheck.Test[1:], `", "`) + `"`; !strings.Contains(text, "CMD ["+cmd+"]") {
		t.Errorf("HEALTHCHECK of the Dockerfile differs from docker-compose.yml's %s", cmd)
	}
}

func TestPrometheus(t *testing.T) {
	var p struct {
		Scrape []struct {
			Job     string `yaml:"job_name"`
			Path    string `yaml:"metrics_path"`
			Targets []struct {
				Targets []string `yaml:"targets"`
			} `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "prometheus/prometheus.yml")), &p); err != nil {
		t.Fatal(err)
	}
	for _, s := range p.Scrape {
		if s.Job == "weir" {
			if s.Path != "/metrics" || len(s.Targets) != 1 || !slices.Equal(s.Targets[0].Targets, []string{"weir:4000"}) {
				t.Errorf("job weir: got %+v, want weir:4000/metrics", s)
			}
			return
		}
	}
	t.Error("prometheus.yml does not scrape weir")
}

func TestGrafana(t *testing.T) {
	var g struct {
		Sources []struct {
			UID    string            `yaml:"uid"`
			Type   string            `yaml:"type"`
			Secure map[string]string `yaml:"secureJsonData"`
			Data   map[string]any    `yaml:"jsonData"`
		} `yaml:"datasources"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "grafana/provisioning/datasources/weir.yml")), &g); err != nil {
		t.Fatal(err)
	}
	env := readCompose(t).Services["grafana"].Environment
	types := map[string]bool{}
	for _, s := range g.Sources {
		types[s.Type] = true
		for key, value := range s.Secure {
			name, ok := strings.CutPrefix(value, "$")
			if !ok {
				t.Errorf("%s: %s has a value in git", s.UID, key)
			} else if _, ok := env[name]; !ok {
				t.Errorf("%s: %s takes %s, which docker-compose.yml does not give Grafana", s.UID, key, name)
			}
		}
		if s.Type == "grafana-clickhouse-datasource" && !strings.Contains(env["GF_PLUGINS_PREINSTALL_SYNC"], s.Type+"@") {
			t.Errorf("the plug-in %s is not installed at a pinned version", s.Type)
		}
	}
	if !types["grafana-clickhouse-datasource"] || !types["prometheus"] {
		t.Errorf("data sources: got %v, want ClickHouse and Prometheus", types)
	}
	var boards struct {
		Providers []struct {
			Options struct{ Path string }
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "grafana/provisioning/dashboards/weir.yml")), &boards); err != nil {
		t.Fatal(err)
	}
	if mount := "./dashboards/grafana/boards:" + boards.Providers[0].Options.Path + ":ro"; !slices.Contains(readCompose(t).Services["grafana"].Volumes, mount) {
		t.Errorf("docker-compose.yml does not mount %s, where Grafana looks for boards", mount)
	}
}
