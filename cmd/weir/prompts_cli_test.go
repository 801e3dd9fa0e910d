package main

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/weir-dev/weir/internal/simulator"
)

// TestPromptScripts runs the command line, each verb a process of its own, against a weir that serves. Scripts find in their environment: WEIR_URL
// and WEIR_ADMIN_TOKEN, and WEIR_KEY, a virtual key for the gateway.
func TestPromptScripts(t *testing.T) {
	cfg := simulatedOpenAI(t, simulator.Config{Seed: 1})
	cfg.Data = t.TempDir()
	w := startWeirOn(t, cfg)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/prompts",
		Setup: func(env *testscript.Env) error {
			env.Setenv("WEIR_URL", w.url)
			env.Setenv("WEIR_ADMIN_TOKEN", w.admin.Reveal())
			env.Setenv("WEIR_KEY", w.firstKey.Reveal())
			env.Setenv("TZ", "UTC")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "as": as, "keep": keep, "admin": func(ts *testscript.TestScript, _ bool, _ []string) {
			ts.Setenv("WEIR_ADMIN_TOKEN", w.admin.Reveal())
		}},
	})
}

// as gives the scripts' next commands the token in a file: as ann.token.
func as(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: as FILE")
	}
	ts.Setenv("WEIR_ADMIN_TOKEN", firstLine(ts.ReadFile(args[0])))
}

// keep puts the last command's first line of output into the environment: keep CHANGE.
func keep(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: keep NAME")
	}
	ts.Setenv(args[0], firstLine(ts.ReadFile("stdout")))
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
