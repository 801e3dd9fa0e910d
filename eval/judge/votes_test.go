package judge

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/weir-dev/weir/eval/stats"
)

// script answers with one grade after another; 0 is prose.
func script(grades ...int) *model {
	var n atomic.Int64
	m := &model{}
	m.answer = func(*asked) reply {
		g := grades[int(n.Add(1)-1)%len(grades)]
		if g == 0 {
			return reply{text: "hard to say"}
		}
		return reply{text: fmt.Sprintf(`{"reason":"grade %d","score":%d}`, g, g)}
	}
	return m
}

func TestVotesStopEarly(t *testing.T) {
	for name, c := range map[string]struct {
		grades []int
		calls  int
		grade  float64
		agreed float64
		passed bool
		state  State
	}{
		"all agree":           {[]int{4}, 3, 4, 1, true, Scored},
		"one differs":         {[]int{2, 4, 4, 4}, 4, 4, 0.75, true, Scored},
		"to the end":          {[]int{1, 2, 3, 4, 5}, 5, 3, 0.2, false, Scored},
		"two sides":           {[]int{5, 1, 5, 1, 1}, 5, 1, 0.6, false, Scored},
		"some unreadable":     {[]int{0, 0, 4, 4, 4}, 5, 4, 0.75, true, Scored},
		"most are unreadable": {[]int{0}, 10, 0, 0, false, Unscorable},
	} {
		t.Run(name, func(t *testing.T) {
			m := script(c.grades...)
			j := made(t, Config{Rubric: "helpfulness", Model: "m", Votes: 5}, asker(m))
			got := judged(t, j, aCase)
			if got.State != c.state || got.Tally.Calls != c.calls {
				t.Fatalf("got %s after %d calls, want %s after %d: %+v", got.State, got.Tally.Calls, c.state, c.calls, got)
			}
			if c.state != Scored {
				if got.Raw != "hard to say" || !strings.Contains(got.Reason, "most votes") {
					t.Errorf("got %+v", got)
				}
				return
			}
			if got.Grade != c.grade || got.Passed != c.passed || got.Agreement == nil || math.Abs(*got.Agreement-c.agreed) > 1e-9 {
				t.Errorf("got %+v, agreement %v", got, got.Agreement)
			}
			if a := m.asks()[0]; *a.Temperature != 0.7 {
				t.Errorf("the temperature is %v: at 0 all votes are one", *a.Temperature)
			}
		})
	}
}

func TestVotesArePlannedInFull(t *testing.T) {
	a := asker(script(5))
	j := made(t, Config{Rubric: "helpfulness", Model: "m", Votes: 5}, a)
	plan, err := j.Plan(t.Context(), aCase)
	if err != nil || len(plan) != 5 {
		t.Fatalf("planned %d, %v", len(plan), err)
	}
	keys := map[string]bool{}
	for _, q := range plan {
		keys[q.Key()] = true
	}
	if len(keys) != 5 {
		t.Errorf("five votes have %d keys: a cache would make them one", len(keys))
	}
}

// bench is a panel whose members have their grades by name.
func bench(grades map[string]int) *model {
	m := &model{}
	m.answer = func(a *asked) reply {
		g := grades[a.Model]
		switch g {
		case 0:
			return reply{text: "hard to say"}
		case -1:
			return reply{status: http.StatusBadGateway, body: `{"error":{"message":"down","code":"weir_upstream_unavailable"}}`}
		}
		return reply{text: fmt.Sprintf(`{"reason":"%s says %d","score":%d}`, a.Model, g, g)}
	}
	return m
}

func TestPanel(t *testing.T) {
	for name, c := range map[string]struct {
		grades   map[string]int
		state    State
		grade    float64
		disputed bool
		reason   string
	}{
		"agree":             {map[string]int{"a": 4, "b": 4, "c": 4}, Scored, 4, false, "a says 4"},
		"median":            {map[string]int{"a": 1, "b": 5, "c": 4}, Scored, 4, true, "c says 4"},
		"neighbours":        {map[string]int{"a": 5, "b": 4, "c": 4}, Scored, 4, false, "b says 4"},
		"one is down":       {map[string]int{"a": -1, "b": 5, "c": 4}, Scored, 4.5, false, "b says 5"},
		"one says prose":    {map[string]int{"a": 0, "b": 2, "c": 2}, Scored, 2, false, "b says 2"},
		"two against":       {map[string]int{"a": -1, "b": 5, "c": 1}, Unscorable, 0, true, "as many votes pass it as fail it"},
		"most have nothing": {map[string]int{"a": -1, "b": 0, "c": 1}, Unscorable, 0, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			j := made(t, Config{Rubric: "helpfulness", Panel: []string{"a", "b", "c"}}, asker(bench(c.grades)))
			got := judged(t, j, aCase)
			if got.State != c.state || got.Disputed != c.disputed || c.reason != "" && got.Reason != c.reason || len(got.Votes) != 3 {
				t.Fatalf("got %+v", got)
			}
			if c.state == Scored && got.Grade != c.grade {
				t.Errorf("got the grade %v, want %v", got.Grade, c.grade)
			}
		})
	}
}

func TestPanelAgreement(t *testing.T) {
	grades := map[string][]int{"a": {1, 2, 3, 4, 5, 1, 3, 5}, "b": {1, 2, 3, 4, 5, 2, 3, 4}, "c": {1, 2, 3, 4, 5, 1, 3, 5}}
	var all []Judgement
	for i := range 8 {
		j := made(t, Config{Rubric: "helpfulness", Panel: []string{"a", "b", "c"}}, asker(bench(map[string]int{"a": grades["a"][i], "b": grades["b"][i], "c": grades["c"][i]})))
		all = append(all, judged(t, j, aCase))
	}
	got := Agree(all, stats.Resampling{Seed: 1})
	if got.Cases != 8 || got.Alpha == nil || *got.Alpha < 0.9 || *got.Alpha >= 1 || got.Interval == nil || !got.Interval.Contains(*got.Alpha) {
		t.Errorf("got %+v", got)
	}
	if none := Agree(nil, stats.Resampling{}); none.Alpha != nil || none.Cases != 0 {
		t.Errorf("without votes: got %+v", none)
	}
}

func TestAStopStopsThePanel(t *testing.T) {
	m := &model{answer: func(*asked) reply {
		return reply{status: http.StatusTooManyRequests, body: `{"error":{"message":"spent","code":"weir_budget_exceeded"}}`}
	}}
	for _, c := range []Config{{Rubric: "tone", Panel: []string{"a", "b"}}, {Rubric: "tone", Model: "a", Votes: 3}, {Rubric: "tone", Model: "a"}} {
		_, err := made(t, c, asker(m)).Judge(t.Context(), aCase)
		if _, ok := errors.AsType[*StopError](err); !ok {
			t.Errorf("%+v: got %v, want a *StopError", c, err)
		}
	}
}

// Where votes are to tell how much the judge varies, none is left out; what holds is the same.
func TestAllVotes(t *testing.T) {
	m := script(4, 4, 4, 2, 5)
	all := made(t, Config{Rubric: "helpfulness", Model: "m", Votes: 5, AllVotes: true}, asker(m))
	got := judged(t, all, aCase)
	if got.Tally.Calls != 5 || got.Grade != 4 || len(got.Votes) != 5 || got.Votes[0].Score != 0.75 || got.Votes[3].Score != 0.25 {
		t.Errorf("got %+v", got)
	}
	if some := made(t, Config{Rubric: "helpfulness", Model: "m", Votes: 5}, asker(m)); some.Version().Hash != all.Version().Hash {
		t.Error("it is another judge")
	}
}
