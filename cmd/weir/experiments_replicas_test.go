package main

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/internal/testutil/postgrestest"
)

// Two weirs share a PostgreSQL. What is done to an experiment by the one's API holds for every call that the other answers after,
// and a user has the same arm on both.
func TestTwoReplicasGiveTheSameArms(t *testing.T) {
	needEngine(t)
	control := postgrestest.Start(t)
	provider := startProvider(t, simulator.Config{Seed: 1})
	var weirs [2]*teller
	for i := range weirs {
		p, s := startReplica(t, control.URL(), provider.URL)
		defer p.kill()
		weirs[i] = &teller{service: s}
	}
	one, two := weirs[0], weirs[1]
	two.firstKey = one.firstKey // the first one made it
	one.pushPrompt(t, "greet", `{"text":"Greet {{name}}.","model":"gpt-4o-mini"}`)
	one.pushPrompt(t, "greet", `{"text":"Greet {{name}} warmly.","model":"gpt-4o-mini"}`)
	one.moveLabel(t, "greet", "production", 1)
	one.post(t, http.MethodPost, "/experiments", storyExperiment, http.StatusCreated, nil)
	arm := func(s *teller, user string) string {
		t.Helper()
		c := s.greet(t, http.DefaultClient, user)
		if c.err != nil {
			t.Fatal(c.err)
		}
		return c.arm
	}
	for round := range 10 {
		at, other := weirs[round%2], weirs[(round+1)%2]
		at.post(t, http.MethodPost, "/experiments/tone/start", `{}`, http.StatusOK, nil)
		for i := range 5 {
			user := fmt.Sprintf("user-%d-%d", round, i)
			if there, here := arm(other, user), arm(at, user); there == "" || there != here {
				t.Errorf("round %d: %s has %q where it was not started, and %q where it was", round, user, there, here)
			}
		}
		other.post(t, http.MethodPost, "/experiments/tone/stop", `{}`, http.StatusOK, nil)
		if got := arm(at, "user-0-0"); got != "" {
			t.Errorf("round %d: stopped by the other, a call gets %q", round, got)
		}
	}
}
