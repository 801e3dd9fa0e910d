package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Every *.bad.yaml has beside it what must be said of it: all faults at once, each with its line, no secret.
func TestBadConfigurations(t *testing.T) {
	clearEnvironment(t)
	files, err := filepath.Glob("testdata/config/*.bad.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := loadConfig(file)
			if !errors.Is(err, errConfig) {
				t.Fatalf("loadConfig: %v, want faults", err)
			}
			got := err.Error() + "\n"
			golden := strings.TrimSuffix(file, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if strings.Contains(got, "canary") {
				t.Error("a password is shown")
			}
		})
	}
}

func TestAFullConfiguration(t *testing.T) {
	clearEnvironment(t)
	t.Setenv("WEIR_TEST_KEY", "sk-canary")
	cfg, err := loadConfig("testdata/config/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got := cfg.Providers[0].APIKey.Reveal(); got != "sk-canary" {
		t.Errorf("the key is %q", got)
	}
	if p := cfg.Providers[2]; p.BaseURL != "https://api.deepseek.com/v1" || p.PriceAs != "deepseek" {
		t.Errorf("preset deepseek: %+v", p)
	}
	if p := cfg.Providers[1]; p.Timeouts.FirstByte != 30*time.Second || p.PriceAs != "local" {
		t.Errorf("provider local: %+v", p)
	}
	if w := cfg.Routes[0].Targets[0].weight(); w != 9 {
		t.Errorf("weight %d", w)
	}
	if shown := fmt.Sprintf("%+v", cfg); strings.Contains(shown, "canary") {
		t.Error("a printed configuration shows a key")
	}
}

func TestPrecedence(t *testing.T) {
	clearEnvironment(t)
	file := filepath.Join(t.TempDir(), "weir.yaml")
	if err := os.WriteFile(file, []byte("listen: \"127.0.0.1:1\"\ndata: from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("WEIR_CONFIG", file)
	t.Setenv("WEIR_LISTEN", "127.0.0.1:2")
	cfg, err := loadConfig("")
	if err != nil || cfg.Listen != "127.0.0.1:2" || cfg.Data != "from-file" || cfg.MaxBody != 20<<20 {
		t.Errorf("environment over file over default: %+v, %v", cfg, err)
	}
	cfg, err = loadConfig("", func(c *Config) { c.Listen = "127.0.0.1:3" })
	if err != nil || cfg.Listen != "127.0.0.1:3" {
		t.Errorf("flag over environment: %s, %v", cfg.Listen, err)
	}
}

func TestAProviderWhoseKeyIsPresentNeedsNoFile(t *testing.T) {
	clearEnvironment(t)
	t.Setenv("OPENAI_API_KEY", "sk-1")
	t.Setenv("GROQ_API_KEY", "gsk-2")
	t.Setenv("ANTHROPIC_API_KEY", "sk-ant-3")
	t.Setenv("AZURE_OPENAI_API_KEY", "4")
	t.Setenv("AZURE_OPENAI_ENDPOINT", "https://x.openai.azure.com")
	t.Setenv("MISTRAL_API_KEY", "") // empty is absent
	cfg, err := loadConfig("")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range cfg.Providers {
		got = append(got, p.Name+" "+p.Kind+" "+p.BaseURL)
	}
	want := []string{
		"anthropic anthropic https://api.anthropic.com/v1", "azure azure https://x.openai.azure.com",
		"openai openai https://api.openai.com/v1", "groq compatible https://api.groq.com/openai/v1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// clearEnvironment takes away what the machine that runs the tests may have set.
func clearEnvironment(t *testing.T) {
	t.Helper()
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "WEIR_") || strings.HasSuffix(name, "_API_KEY") || strings.HasPrefix(name, "AZURE_OPENAI_") {
			t.Setenv(name, "")
		}
	}
}

func FuzzDecodeConfig(f *testing.F) {
	files, _ := filepath.Glob("testdata/config/*.yaml")
	for _, file := range files {
		if b, err := os.ReadFile(file); err == nil {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		cfg, faults := defaultConfig(), &configFaults{}
		decodeConfig(b, &cfg, faults) // must not panic
		cfg.validate(faults)
	})
}
