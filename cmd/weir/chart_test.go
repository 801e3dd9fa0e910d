package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The configurations that the Helm chart is tried with are good: weir serve --check takes them.
func TestChartConfigs(t *testing.T) {
	files, err := filepath.Glob("../../deploy/helm/weir/ci/*-values.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files of values: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			type server struct {
				URL      string `yaml:"url"`
				Existing string `yaml:"existingSecret"`
			}
			var values struct {
				Config                             map[string]any
				ClickHouse, Control, Redis, Qdrant server
			}
			if err := yaml.Unmarshal(text, &values); err != nil {
				t.Fatal(err)
			}
			config, err := yaml.Marshal(values.Config)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`\benv:([A-Z_]+)`).FindAllSubmatch(config, -1) {
				t.Setenv(string(m[1]), "https://example.com")
			}
			for name, of := range map[string]struct {
				server
				instead string
			}{
				"WEIR_CLICKHOUSE_URL": {values.ClickHouse, "clickhouse://c/weir"},
				"WEIR_CONTROL_URL":    {values.Control, "postgres://p/weir"},
				"WEIR_REDIS_URL":      {values.Redis, "redis://r"},
				"WEIR_QDRANT_URL":     {values.Qdrant, "http://q:6334"},
			} {
				if of.Existing != "" {
					of.URL = of.instead
				}
				t.Setenv(name, of.URL)
			}
			name := filepath.Join(t.TempDir(), "weir.yaml")
			if err := os.WriteFile(name, config, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := loadConfig(name); err != nil {
				t.Errorf("%v\n%s", err, config)
			}
		})
	}
}
