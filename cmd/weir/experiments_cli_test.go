package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/prompts/experiment"
	"github.com/weir-dev/weir/prompts/experiment/experimenttest"
)

// TestExperimentScripts runs the command line, each verb a process of its own, against a weir that serves.
func TestExperimentScripts(t *testing.T) {
	cfg := simulatedOpenAI(t, simulator.Config{Seed: 1})
	cfg.Data = t.TempDir()
	w := startWeirOn(t, cfg)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/experiments",
		Setup: func(env *testscript.Env) error {
			env.Setenv("WEIR_URL", w.url)
			env.Setenv("WEIR_ADMIN_TOKEN", w.admin.Reveal())
			env.Setenv("TZ", "UTC")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

func TestBar(t *testing.T) {
	effect := func(low, value, high float64) *experiment.Effect {
		return &experiment.Effect{Data: true, Difference: experiment.Interval{Low: low, Value: value, High: high}}
	}
	for name, tt := range map[string]struct {
		effect *experiment.Effect
		want   string
	}{
		"better": {effect(0.01, 0.05, 0.1), "················│·├─────●──────┤·"},
		"across": {effect(-0.1, 0.05, 0.1), "·├──────────────│───────●──────┤·"},
		"none":   {effect(0, 0, 0), "················●················"},
		"blank":  {&experiment.Effect{}, "················│················"},
	} {
		if diff := cmp.Diff(tt.want, bar(tt.effect)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// cannedWeir answers with an experiment of 2,000 users, of whom these shares were content by the control and by the other arm, and
// whose split is as planned or not.
func cannedWeir(t *testing.T, control, warm, ofControls float64) *httptest.Server {
	t.Helper()
	start := time.Now().Add(-3 * 24 * time.Hour)
	e, err := experiment.Parse([]byte(strings.Replace(storyExperiment, "greet@production", "greet@1", 1)))
	if err != nil {
		t.Fatal(err)
	}
	e.ID = "x"
	if e, err = e.Begin(start, "1"); err != nil {
		t.Fatal(err)
	}
	var calls []experimenttest.Observation
	for i := range 2000 {
		o := experimenttest.Observation{
			Time: start.Add(time.Duration(i+1) * time.Minute), Experiment: "tone", Unit: fmt.Sprint(i), Epoch: 1, InAnalysis: true, Arm: "control", CostUSD: new(0.01 + float64(i%7)/1000),
			Scores: map[string]float64{"good": 0},
		}
		share := control
		if float64(i*37%100) >= 100*ofControls {
			o.Arm, share = "warm", warm
		}
		if float64(i/100%10) < 10*share {
			o.Scores["good"] = 1
		}
		calls = append(calls, o)
	}
	a, err := experiment.Analyse(t.Context(), &experimenttest.Memory{Calls: calls}, &e, experiment.Options{Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	answer := map[string]any{
		"experiment": e, "analysis": a, "verdict": experiment.Decide(&e, a),
		"history": []map[string]any{{"at": start, "author": "ann\x1b[2J", "did": "started", "detail": "control 50 %, warm 50 %", "reason": "why not"}},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/experiments", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"experiments": []any{e}})
	})
	mux.HandleFunc("GET /api/v1/experiments/tone", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(answer) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func TestExperimentStatusSaysNo(t *testing.T) {
	t.Setenv("WEIR_ADMIN_TOKEN", "x")
	for name, tt := range map[string]struct {
		control, warm, split float64
		no                   string
		says                 []string
	}{
		"ship": {0.5, 0.9, 0.5, "", []string{
			`verdict  Ship "warm"`, "split    as planned", "control  greet@1", "1,000", "warm beside the control", "················│··········├─●─┤·",
			`score "good" per call: 0.9 against 0.5, +80.0 %`, "primary, higher is better", "within its margin 0.02", "money at stake", "history", "ann\uFFFD[2J started control 50 %, warm 50 %; why not",
		}},
		"harm":   {0.9, 0.5, 0.5, "tone: stop_for_harm", []string{`verdict  Stop "warm" and go back to "control"`}},
		"frozen": {0.5, 0.5, 0.4, "tone: frozen", []string{"not as planned: verdicts are frozen", "No verdict"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("WEIR_URL", cannedWeir(t, tt.control, tt.warm, tt.split).URL)
			for _, args := range [][]string{{"experiments", "status"}, {"experiments", "status", "tone"}} {
				var out bytes.Buffer
				root := rootCommand()
				root.SetArgs(args)
				root.SetOut(&out)
				err := root.ExecuteContext(t.Context())
				if is := errors.Is(err, errNo); is != (tt.no != "") || is && err.Error() != tt.no || !is && err != nil {
					t.Errorf("%v: got %v, want %q", args, err, tt.no)
				}
				for _, want := range tt.says {
					if !strings.Contains(out.String(), want) {
						t.Errorf("%v: it does not say %q:\n%s", args, want, out.String())
					}
				}
			}
		})
	}
}

func TestExperimentStatusIsWatched(t *testing.T) {
	t.Setenv("WEIR_ADMIN_TOKEN", "x")
	t.Setenv("WEIR_URL", cannedWeir(t, 0.9, 0.5, 0.5).URL)
	ctx, stop := context.WithCancel(t.Context())
	root := rootCommand()
	root.SetArgs([]string{"experiments", "status", "--watch", "--json"})
	r, w := io.Pipe()
	root.SetOut(w)
	done := make(chan error, 1)
	go func() { done <- root.ExecuteContext(ctx) }()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil || !strings.Contains(line, `"state":"stop_for_harm"`) {
		t.Errorf("%q, %v", line, err)
	}
	stop()
	if err := <-done; !errors.Is(err, errNo) {
		t.Errorf("after ctrl-C: %v", err)
	}
}
