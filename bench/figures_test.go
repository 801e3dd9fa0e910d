package main

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/bench/load"
)

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   *spread
	}{
		{nil, nil},
		{[]float64{3}, &spread{3, 3, 3, 1}},
		{[]float64{4, 1, 3, 2, 5}, &spread{3, 2, 4, 5}},
		{[]float64{10, 20}, &spread{15, 12.5, 17.5, 2}},
	} {
		if diff := cmp.Diff(spreadOf(c.values), c.want); diff != "" {
			t.Errorf("%v (-got +want):\n%s", c.values, diff)
		}
	}
}

func TestFiguresArePairedWithinCycles(t *testing.T) {
	made := func(rps, p50, p99, cpu, engine float64) *round {
		return &round{RPS: rps, Sent: 10, Latency: &times{P50: p50, P99: p99}, First: &times{P50: p50, P99: p99}, CPU: cpu, Engine: engine}
	}
	// The machine is half as fast in the second cycle: what is added doubles, and the ratios stay.
	got := summarize(weirName, []cycle{
		{direct: made(1000, 1, 2, 0, 0), floorName: made(100, 2, 4, 100, 0), weirName: made(80, 3, 5, 150, 30)},
		{direct: made(500, 2, 4, 0, 0), floorName: made(50, 4, 8, 200, 0), weirName: made(40, 6, 10, 300, 60)},
	})
	want := &figures{
		Target: weirName, Sent: 20,
		RPS: &spread{60, 50, 70, 2}, P50: &spread{4.5, 3.75, 5.25, 2}, P99: &spread{7.5, 6.25, 8.75, 2},
		CPU: &spread{225, 187.5, 262.5, 2}, Engine: &spread{45, 37.5, 52.5, 2}, Foreign: &spread{0, 0, 0, 2},
		AddedP50: &spread{3, 2.5, 3.5, 2}, AddedP99: &spread{4.5, 3.75, 5.25, 2},
		AddedFirstP50: &spread{3, 2.5, 3.5, 2}, AddedFirstP99: &spread{4.5, 3.75, 5.25, 2},
		CPURatio: &spread{1.5, 1.5, 1.5, 2}, GatewayRatio: &spread{1.2, 1.2, 1.2, 2}, RPSRatio: &spread{0.8, 0.8, 0.8, 2},
		AddedP50Ratio: &spread{2, 2, 2, 2}, AddedP99Ratio: &spread{1.5, 1.5, 1.5, 2},
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
}

func TestQuietestCyclesCount(t *testing.T) {
	made := func(foreign float64) cycle { return cycle{direct: {Foreign: 0.01}, weirName: {Foreign: foreign}} }
	shares := func(cycles []cycle) (out []float64) {
		for _, c := range cycles {
			out = append(out, c.foreign())
		}
		return out
	}
	all := []cycle{made(0.5), made(0.02), made(0.4), made(0.01), made(0.3)}
	if got, want := shares(quietest(all, 3)), []float64{0.02, 0.01, 0.3}; !slices.Equal(got, want) {
		t.Errorf("got the cycles with %v, want %v", got, want)
	}
	if got := quietest(all, 9); len(got) != len(all) {
		t.Errorf("got %d cycles, want all %d", len(got), len(all))
	}
}

func TestEveryTargetHasEveryPlace(t *testing.T) {
	places := [3][3]bool{}
	for c := range 6 {
		o := order(3, c)
		for place, target := range o {
			places[target][place] = true
		}
		if got := slices.Sorted(slices.Values(o)); !slices.Equal(got, []int{0, 1, 2}) {
			t.Errorf("cycle %d visits %v", c, o)
		}
	}
	for target, p := range places {
		if p != [3]bool{true, true, true} {
			t.Errorf("target %d is at the places %v only", target, p)
		}
	}
}

func TestSearch(t *testing.T) {
	for _, limit := range []float64{3, 400, 1000, 4321, 19_000} {
		rounds := 0
		got, err := search(1000, firstStep, func(rate float64) (bool, error) {
			rounds++
			return rate <= limit, nil
		})
		if err != nil || got > limit || got < limit/resolution || rounds > longest {
			t.Errorf("limit %v: found %v after %d rounds (%v)", limit, got, rounds, err)
		}
	}
	if got, err := search(1000, firstStep, func(float64) (bool, error) { return false, nil }); got != 0 || err != nil {
		t.Errorf("nothing is sustained: got %v, %v, want 0", got, err)
	}
}

func TestSustained(t *testing.T) {
	good := round{Rate: 1000, RPS: 995, Sent: 2000, Failed: 2, Latency: &times{P99: 100}}
	for name, c := range map[string]struct {
		change func(*round)
		want   bool
	}{
		"good":              {func(*round) {}, true},
		"too many failures": {func(r *round) { r.Failed = 3 }, false},
		"too slow":          {func(r *round) { r.Latency = &times{P99: 100.1} }, false},
		"fell behind":       {func(r *round) { r.RPS = 960 }, false},
		"nothing came":      {func(r *round) { r.Latency = nil }, false},
	} {
		r := good
		c.change(&r)
		if got := r.sustained(100 * time.Millisecond); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestLedger(t *testing.T) {
	even := ledger{
		Good: 100, Rows: 100, ByStatus: map[string]int64{"ok": 100}, Input: [2]int64{500, 500}, Output: [2]int64{70, 70},
		Spool: spoolCounters{Accepted: 100, Written: 100},
	}
	for name, c := range map[string]struct {
		change   func(*ledger)
		balanced bool
	}{
		"even":                       {func(*ledger) {}, true},
		"a row is missing":           {func(l *ledger) { l.Rows, l.ByStatus = 99, map[string]int64{"ok": 99} }, false},
		"a row too many":             {func(l *ledger) { l.Rows, l.ByStatus = 101, map[string]int64{"ok": 101} }, false},
		"a row is no success":        {func(l *ledger) { l.ByStatus = map[string]int64{"ok": 99, "error": 1} }, false},
		"a token is missing":         {func(l *ledger) { l.Input[1]-- }, false},
		"one waits":                  {func(l *ledger) { l.Spool.Waiting, l.Spool.Written = 1, 99 }, false},
		"one was dropped":            {func(l *ledger) { l.Spool.Dropped, l.Spool.Written = 1, 99 }, false},
		"one more gave up, recorded": {func(l *ledger) { l.Bad, l.Rows, l.ByStatus = 1, 101, map[string]int64{"ok": 100, "client_closed": 1} }, true},
		"one more gave up, no row":   {func(l *ledger) { l.Bad = 1 }, true},
		"one gave up, one is lost":   {func(l *ledger) { l.Bad, l.Rows, l.ByStatus = 1, 99, map[string]int64{"ok": 99} }, false},
	} {
		l := even
		c.change(&l)
		if why := l.fault(); (why == "") != c.balanced {
			t.Errorf("%s: got fault %q, want balanced %v", name, why, c.balanced)
		}
	}
}

func TestBodies(t *testing.T) {
	for _, s := range scenarios() {
		body := s.body()
		if !json.Valid(body) {
			t.Errorf("%s: not JSON: %.300s", s.Name, body)
		}
		if off := math.Abs(float64(len(body) - s.BodyBytes)); off > 200 {
			t.Errorf("%s: %d bytes, want about %d", s.Name, len(body), s.BodyBytes)
		}
		if _, err := load.NewRequest("http://127.0.0.1:1", s.Path, nil, body); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
}
