package main

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/weir-dev/weir/bench/procfs"
)

// halfAnHour is a series of samples that change alters.
func halfAnHour(change func(x *sample)) []sample {
	var all []sample
	for at := 5.0; at <= 1800; at += 5 {
		x := level()
		x.At = at
		// A garbage collector's saw, and some noise that is always the same.
		x.Heap += int64(math.Mod(at, 35)/35*40) << 20
		x.Gateway.Resident += int64(5*math.Sin(at)) << 20
		x.Goroutines += int(10 * math.Sin(at*1.7))
		x.Gateway.Files += int(5 * math.Cos(at))
		x.Waiting += int64(100 + 100*math.Sin(at*3))
		if change != nil {
			change(&x)
		}
		all = append(all, x)
	}
	return all
}

func level() sample {
	return sample{
		Gateway: procfs.Holdings{Resident: 120 << 20, Threads: 12, Files: 60}, Heap: 40 << 20, Goroutines: 80,
		Engine: procfs.Holdings{Resident: 500 << 20, Threads: 700, Files: 90},
	}
}

func TestJudging(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*sample)
		after  func(*sample)
		want   string // what is found at fault; "": nothing
	}{
		{"level, with noise", nil, nil, ""},
		{"a warm-up that ends", func(x *sample) {
			x.Gateway.Resident += int64(min(x.At, 500)/500*200) << 20
			x.Engine.Resident += int64(min(x.At, 500)/500*600) << 20
		}, nil, ""},
		{"shrinking", func(x *sample) { x.Gateway.Resident -= int64(x.At * 50 * 1024) }, nil, ""},
		{"one peak", func(x *sample) {
			if x.At == 1200 {
				x.Gateway.Resident += 300 << 20
				x.Waiting += 50_000
			}
		}, nil, ""},
		{"a kilobyte a call at 100 calls a second", func(x *sample) {
			x.Gateway.Resident += int64(x.At * 100 * 1024)
			x.Heap += int64(x.At * 100 * 1024)
		}, nil, "gateway: resident MiB: grew, gateway: heap MiB: grew"},
		{"a goroutine and a file in 500 calls", func(x *sample) { x.Goroutines += int(x.At / 5); x.Gateway.Files += int(x.At / 5) }, nil, "gateway: goroutines: grew, gateway: files: grew"},
		{"peaks of the load", func(x *sample) {
			if math.Mod(x.At, 400) < 140 { // and the pools that they leave
				x.Goroutines += int(x.At / 3)
				x.Gateway.Files += int(x.At / 3)
			}
		}, nil, ""},
		{"threads", func(x *sample) { x.Gateway.Threads += int(x.At / 120) }, nil, "gateway: threads: grew"},
		{"the engine grows with the data", func(x *sample) { x.Engine.Resident += int64(x.At*60*1024) + 1 }, nil, ""},
		{"the engine leaks", func(x *sample) { x.Engine.Resident += int64(x.At * 200 * 1024) }, nil, "engine: resident MiB: grew"},
		{"the store does not keep up", func(x *sample) { x.Waiting += int64(x.At * 10) }, nil, "records waiting: grew"},
		{"goroutines that stay", nil, func(x *sample) { x.Goroutines += 16 }, "gateway: goroutines: left"},
		{"files that stay", nil, func(x *sample) { x.Gateway.Files += 11 }, "gateway: files: left"},
		{"a record that waits", nil, func(x *sample) { x.Waiting = 1 }, "records waiting: left"},
		{"some of everything may stay", nil, func(x *sample) {
			x.Goroutines += 15
			x.Gateway.Files += 10
			x.Gateway.Resident += 100 << 20
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			after := level()
			if c.after != nil {
				c.after(&after)
			}
			var got []string
			for _, j := range judge(halfAnHour(c.change), level(), after) {
				switch why := j.fault(); {
				case strings.Contains(why, "grew"):
					got = append(got, j.Name+": grew")
				case strings.Contains(why, "left"):
					got = append(got, j.Name+": left")
				case why != "":
					got = append(got, why)
				}
			}
			if got := strings.Join(got, ", "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if back := after.backTo(level()); back == strings.Contains(c.want, "left") {
				t.Errorf("back to what it was: %t", back)
			}
		})
	}
}

func TestAShortSoakDoesNotJudgeConnections(t *testing.T) {
	short := halfAnHour(func(x *sample) { x.Goroutines += int(x.At); x.Waiting += int64(x.At * 100) })[:120]
	for _, j := range judge(short, level(), level()) {
		if got, want := j.fault() != "", j.Name == "records waiting"; got != want {
			t.Errorf("%s in 10 minutes: at fault %t, want %t", j.Name, got, want)
		}
	}
}

func TestATrendIsTheSlope(t *testing.T) {
	slope, mean := trend(halfAnHour(func(x *sample) { x.Engine.Threads = int(3 * x.At) }), func(x sample) float64 { return float64(x.Engine.Threads) })
	if math.Abs(slope-3) > 1e-9 || math.Abs(mean-3*902.5) > 1e-6 {
		t.Errorf("got %v a second, mean %v; want 3, 2707.5", slope, mean)
	}
}

func TestTooFewSamplesAreNotJudged(t *testing.T) {
	for _, j := range judge(halfAnHour(nil)[:7], level(), level()) {
		if !strings.Contains(j.fault(), "too few") {
			t.Errorf("%s was judged by 5 samples: %q", j.Name, j.fault())
		}
	}
	judge(nil, level(), level())
}

func TestRudeClientsBalance(t *testing.T) {
	for _, c := range []struct {
		rude rude
		ok   bool
	}{
		{rude{Left: 10, Refused: 4, Rows: 14, ByStatus: map[string]int64{"client_closed": 7, "ok": 3, "error": 4}}, true},
		{rude{Left: 10, Refused: 4, Rows: 13, ByStatus: map[string]int64{"client_closed": 6, "ok": 3, "error": 4}}, false},
		{rude{Left: 10, Refused: 4, Rows: 15, ByStatus: map[string]int64{"client_closed": 8, "ok": 3, "error": 4}}, false},
		{rude{Left: 10, Refused: 4, Rows: 14, ByStatus: map[string]int64{"client_closed": 6, "ok": 3, "error": 5}}, false},
		{rude{Why: "no answer", ByStatus: map[string]int64{}}, false},
	} {
		if why := c.rude.fault(); (why == "") != c.ok {
			t.Errorf("%+v: got %q", c.rude, why)
		}
	}
}

func TestFiguresOnMetrics(t *testing.T) {
	text := []byte("# HELP go_goroutines n\ngo_goroutines 12\ngo_goroutines_more 9\nweir_spool_records_total{state=\"written\"} 1.5e+06\n")
	if got := gaugeIn(text, "go_goroutines"); got != 12 {
		t.Errorf("got %v goroutines", got)
	}
	if got := gaugeIn(text, `weir_spool_records_total{state="written"}`); got != 1_500_000 {
		t.Errorf("got %v written", got)
	}
}

func TestSoakOptions(t *testing.T) {
	o, err := parseOptions([]string{"-soak", "30m"}, t.Output())
	if err != nil || o.Soak != 30*time.Minute || o.SoakRate != 100 {
		t.Errorf("got %v at %v a second, %v", o.Soak, o.SoakRate, err)
	}
	for _, bad := range [][]string{{"-soak", "1s"}, {"-soak", "-1m"}, {"-soak", "72h"}, {"-soak", "1m", "-soak-rate", "0"}} {
		if _, err := parseOptions(bad, t.Output()); err == nil || !strings.Contains(err.Error(), bad[len(bad)-2]) {
			t.Errorf("%v: got %v", bad, err)
		}
	}
}
