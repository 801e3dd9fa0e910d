package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-dev/weir/api"
	"github.com/weir-dev/weir/prompts"
	"github.com/weir-dev/weir/prompts/experiment"
	"github.com/weir-dev/weir/prompts/experiment/experimenttest"
)

// flight is an autopilot over stores in memory. Run it in a synctest bubble.
type flight struct {
	t        *testing.T
	store    experiment.Memory
	calls    experimenttest.Memory
	pilot    *autopilot
	told     int
	promoted []api.Promotion
}

func newFlight(t *testing.T, auto string) *flight {
	t.Helper()
	f := &flight{t: t}
	f.pilot = &autopilot{
		store: &f.store, leases: &f.store, owner: "one", reader: &f.calls, log: slog.New(slog.DiscardHandler),
		changed: func(context.Context) prompts.Convergence { f.told++; return prompts.Convergence{} },
		promote: func(_ context.Context, p api.Promotion) (string, error) {
			f.promoted = append(f.promoted, p)
			_, err := f.store.ChangeExperiment(t.Context(), p.Experiment, experiment.Finish(p.Experiment, p.Step, p.Arm))
			return "", err
		},
	}
	e, err := experiment.Parse(fmt.Appendf(nil, `{"name": "tone", "unit": "user", "prompt": "greet",
		"arms": [{"name": "a", "prompt": "greet@1"}, {"name": "b", "prompt": "greet@2"}],
		"metrics": {"primary": {"metric": "score:good", "direction": "higher"}}, "planned_units": 2000, "auto": %s}`, auto))
	if err != nil {
		t.Fatal(err)
	}
	step := experiment.Step{Author: "ann", At: time.Now()}
	for _, change := range []experiment.Change{experiment.Create(e, step), experiment.Start("tone", step, func(ref string) (string, error) { return ref, nil })} {
		if _, err := f.store.ChangeExperiment(t.Context(), "tone", change); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// come lets users call, of whom these shares are content.
func (f *flight) come(users int, a, b float64) {
	f.t.Helper()
	assigner, err := experiment.NewAssigner(f.now().Experiment)
	if err != nil {
		f.t.Fatal(err)
	}
	n := len(f.calls.Calls)
	content := map[string]float64{"a": a, "b": b}
	seen := map[string]int{}
	for i := range users {
		given, ok := assigner.Assign(&experiment.Subject{User: fmt.Sprintf("user-%d", n+i)})
		if !ok {
			f.t.Fatal("a user takes no part")
		}
		good := 0.0
		if k := seen[given.Arm]; float64(k%100) < 100*content[given.Arm] {
			good = 1
		}
		seen[given.Arm]++
		f.calls.Calls = append(f.calls.Calls, experimenttest.Observation{
			Time: time.Now(), Experiment: given.Experiment, Unit: given.Unit, Epoch: given.Epoch, Arm: given.Arm, InAnalysis: given.InAnalysis,
			CostUSD: new(0.01), Scores: map[string]float64{"good": good},
		})
	}
	time.Sleep(time.Second) // a look sees what was before it
}

func (f *flight) now() experiment.Record {
	f.t.Helper()
	list, err := f.store.Experiments(f.t.Context())
	if err != nil || len(list) != 1 {
		f.t.Fatal(list, err)
	}
	return list[0]
}

// did lists what was done by weir itself.
func (f *flight) did() string {
	f.t.Helper()
	events, err := f.store.ExperimentEvents(f.t.Context(), "tone")
	if err != nil {
		f.t.Fatal(err)
	}
	var out []string
	for _, e := range events {
		if e.Author == autoAuthor {
			if e.Reason == "" {
				f.t.Errorf("%s has no reason", e.Did)
			}
			out = append([]string{string(e.Did)}, out...)
		}
	}
	return strings.Join(out, " ")
}

func (f *flight) fly(d time.Duration) {
	f.t.Helper()
	ctx, stop := context.WithCancel(f.t.Context())
	done := make(chan struct{})
	go func() { f.pilot.Run(ctx); close(done) }()
	time.Sleep(d) // of the bubble's own time
	stop()
	<-done
}

func TestAutopilotStopsForHarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlight(t, `{"stop_for_harm": true}`)
		f.come(1600, 0.9, 0.6)
		f.fly(time.Minute)
		if r := f.now(); r.Status != experiment.Halted || f.did() != "stopped" || !strings.Contains(r.Reason, "worse on score") || f.told != 1 {
			t.Errorf("%s, %q, told %d times: %s", r.Status, f.did(), f.told, r.Reason)
		}
	})
}

func TestAutopilotRaisesTheTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlight(t, `{"ramp": {"min_units": 1}}`)
		time.Sleep(time.Second)
		f.come(4000, 0.8, 0.8) // 1 % an arm are some 40 of each
		f.fly(30 * time.Minute)
		if got := f.did(); got != "" {
			t.Errorf("before the hour is over: %s", got)
		}
		f.fly(time.Hour)
		if r := f.now(); f.did() != "shifted" || r.Epoch().Traffic != 0.1 {
			t.Errorf("%q, traffic %g", f.did(), r.Epoch().Traffic)
		}
		f.fly(5 * time.Hour) // nobody has come since: it waits
		if got := f.did(); got != "shifted" {
			t.Errorf("without units: %s", got)
		}
	})
}

func TestAutopilotPromotesTheWinnerOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlight(t, `{"promote": true}`)
		f.come(1600, 0.6, 0.9)
		f.fly(10 * time.Minute)
		if len(f.promoted) != 1 || f.promoted[0].Arm != "b" || f.promoted[0].Author != autoAuthor || f.promoted[0].Expect == 0 {
			t.Errorf("%+v", f.promoted)
		}
		if r := f.now(); r.Status != experiment.Concluded || r.Winner != "b" {
			t.Errorf("%s for %q", r.Status, r.Winner)
		}
	})
}

// Nothing is done unless it is asked for, nor by a weir that has no lease, nor on what has changed meanwhile.
func TestAutopilotLeavesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlight(t, `{}`)
		f.come(1600, 0.9, 0.6)
		f.fly(time.Hour)
		if got := f.did(); got != "" {
			t.Errorf("without being asked: %s", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		f := newFlight(t, `{"stop_for_harm": true}`)
		f.come(1600, 0.9, 0.6)
		if mine, err := f.store.TakeLease(t.Context(), autoLease, "two", time.Hour); !mine || err != nil {
			t.Fatal(mine, err)
		}
		f.fly(30 * time.Minute)
		if got := f.did(); got != "" {
			t.Errorf("without the lease: %s", got)
		}
		f.fly(time.Hour)
		if got := f.did(); got != "stopped" {
			t.Errorf("when the other's lease has run out: %q", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		f := newFlight(t, `{"stop_for_harm": true}`)
		f.come(1600, 0.9, 0.6)
		old := f.now()
		if _, err := f.store.ChangeExperiment(t.Context(), "tone", experiment.Reweigh("tone", experiment.Step{Author: "ann", At: time.Now()}, 0.5, nil)); err != nil {
			t.Fatal(err)
		}
		if err := f.pilot.step(t.Context(), &old); !errors.Is(err, experiment.ErrConflict) || f.did() != "" {
			t.Errorf("on what has changed: %v, %q", err, f.did())
		}
	})
}
