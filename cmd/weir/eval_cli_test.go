package main

import (
	"encoding/json"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/weir-dev/weir/internal/simulator"
)

// TestEvalScripts runs the command line, each verb a process of its own, against a weir that serves. Scripts find WEIR_URL and WEIR_ADMIN_TOKEN
// in their environment, and keep a run's id by keep-run.
func TestEvalScripts(t *testing.T) {
	cfg := simulatedOpenAI(t, simulator.Config{Seed: 1})
	cfg.Data = t.TempDir()
	w := startWeirOn(t, cfg)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/evals",
		Setup: func(env *testscript.Env) error {
			env.Setenv("WEIR_URL", w.url)
			env.Setenv("WEIR_ADMIN_TOKEN", w.admin.Reveal())
			env.Setenv("TZ", "UTC")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "keep-run": keepRun},
	})
}

// keepRun puts the id of the run that was just made into the environment: keep-run RUN.
func keepRun(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: keep-run NAME")
	}
	var made struct{ Run string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &made))
	if made.Run == "" {
		ts.Fatalf("no run was made")
	}
	ts.Setenv(args[0], made.Run)
}
