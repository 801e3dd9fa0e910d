package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/bench/procfs"
)

// sample is what weir and its engine hold at a moment of a soak.
type sample struct {
	At         float64         `json:"at_s"` // since the load began
	Gateway    procfs.Holdings `json:"gateway"`
	Heap       int64           `json:"heap_bytes"` // of the gateway, in use
	Goroutines int             `json:"goroutines"`
	Engine     procfs.Holdings `json:"engine"`
	Waiting    int64           `json:"waiting"` // records not yet in the store
	Written    int64           `json:"written"`
}

const csvHead = "at_s,gateway_rss_bytes,gateway_heap_bytes,gateway_goroutines,gateway_files,gateway_threads,engine_rss_bytes,engine_files,engine_threads,waiting,written"

func (x sample) csv() string {
	return fmt.Sprintf("%.1f,%d,%d,%d,%d,%d,%d,%d,%d,%d,%d", x.At, x.Gateway.Resident, x.Heap, x.Goroutines, x.Gateway.Files, x.Gateway.Threads,
		x.Engine.Resident, x.Engine.Files, x.Engine.Threads, x.Waiting, x.Written)
}

// String is one line for the progress.
func (x sample) String() string {
	return fmt.Sprintf("gateway %.0f MiB (heap %.0f), %d goroutines, %d files, %d threads; engine %.0f MiB, %d files, %d threads; %d records written, %d wait",
		mib(x.Gateway.Resident), mib(x.Heap), x.Goroutines, x.Gateway.Files, x.Gateway.Threads, mib(x.Engine.Resident), x.Engine.Files, x.Engine.Threads, x.Written, x.Waiting)
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// held is one figure of a sample that must stay flat.
type held struct {
	name    string
	of      func(sample) float64
	slack   float64 // growth over the judged time that is noise
	perHour float64 // and growth an hour that is allowed besides
	back    float64 // how much more than before there may be when the load has ended; < 0: it is not asked
	lows    bool    // it follows the load's peaks, so the lows of parts are what must not grow
}

// A peak of the load leaves connections in pools, which close the idle ones after two minutes at most. So a figure that
// counts them is judged by the lows of so many parts, and only when each is longer than that.
const (
	parts    = 6
	poolTime = 125 * time.Second
)

// holdings are what is judged. Memory of a process that collects its garbage goes up and down by more than it grows, and
// ClickHouse's caches fill with the data, so each has room; a leak of a kilobyte a call, or of a goroutine in some hundred
// calls, is beyond it within half an hour.
func holdings() []held {
	return []held{
		{"gateway: resident MiB", func(x sample) float64 { return mib(x.Gateway.Resident) }, 16, 16, -1, false},
		{"gateway: heap MiB", func(x sample) float64 { return mib(x.Heap) }, 12, 12, -1, false},
		{"gateway: goroutines", func(x sample) float64 { return float64(x.Goroutines) }, 20, 20, 15, true},
		{"gateway: files", func(x sample) float64 { return float64(x.Gateway.Files) }, 15, 15, 10, true},
		{"gateway: threads", func(x sample) float64 { return float64(x.Gateway.Threads) }, 4, 4, -1, false},
		{"engine: resident MiB", func(x sample) float64 { return mib(x.Engine.Resident) }, 96, 128, -1, false},
		{"engine: files", func(x sample) float64 { return float64(x.Engine.Files) }, 64, 64, -1, false},
		{"engine: threads", func(x sample) float64 { return float64(x.Engine.Threads) }, 32, 16, -1, false},
		{"records waiting", func(x sample) float64 { return float64(x.Waiting) }, 2000, 0, 0, false},
	}
}

// backTo says that everything that must come back has.
func (x sample) backTo(before sample) bool {
	for _, h := range holdings() {
		if h.back >= 0 && h.of(x) > h.of(before)+h.back {
			return false
		}
	}
	return true
}

// judgement is what is said of one figure.
type judgement struct {
	Name    string  `json:"name"`
	Before  float64 `json:"before"`
	Mean    float64 `json:"mean"` // of the last two thirds
	Most    float64 `json:"most"` // of all
	PerHour float64 `json:"per_hour"`
	Grown   float64 `json:"grown"`   // by the trend, in the last two thirds
	Allowed float64 `json:"allowed"` // of that
	After   float64 `json:"after"`
	Back    float64 `json:"back"` // allowed of After; < 0: anything
	Few     bool    `json:"too_few_samples,omitempty"`
	Short   bool    `json:"too_short,omitempty"` // for its growth to say anything
}

// fewest samples make a trend.
const fewest = 6

// judge fits a line through the last two thirds of each figure: the first third is for caches and pools to fill.
func judge(samples []sample, before, after sample) []judgement {
	last := samples[len(samples)/3:]
	var all []judgement
	for _, h := range holdings() {
		j := judgement{Name: h.name, Before: h.of(before), After: h.of(after), Back: -1, Few: len(last) < fewest}
		if h.back >= 0 {
			j.Back = j.Before + h.back
		}
		for _, x := range samples {
			j.Most = max(j.Most, h.of(x))
		}
		if !j.Few {
			figures := last
			if h.lows {
				figures = lowsOf(last, h.of)
				j.Short = time.Duration((last[len(last)-1].At-last[0].At)/parts*float64(time.Second)) < poolTime
			}
			slope, _ := trend(figures, h.of)
			_, mean := trend(last, h.of)
			hours := (last[len(last)-1].At - last[0].At) / 3600
			j.Mean, j.PerHour = mean, slope*3600
			j.Grown, j.Allowed = j.PerHour*hours, h.slack+h.perHour*hours
		}
		all = append(all, j)
	}
	return all
}

// lowsOf is the lowest sample of each part.
func lowsOf(samples []sample, of func(sample) float64) []sample {
	var lows []sample
	for i := range parts {
		part := samples[i*len(samples)/parts : (i+1)*len(samples)/parts]
		lows = append(lows, slices.MinFunc(part, func(a, b sample) int { return cmp.Compare(of(a), of(b)) }))
	}
	return lows
}

// trend is the slope a second of the line of least squares, and the mean.
func trend(samples []sample, of func(sample) float64) (slope, mean float64) {
	n := float64(len(samples))
	var at float64
	for _, x := range samples {
		at += x.At / n
		mean += of(x) / n
	}
	var both, square float64
	for _, x := range samples {
		both += (x.At - at) * (of(x) - mean)
		square += (x.At - at) * (x.At - at)
	}
	if square > 0 {
		slope = both / square
	}
	return slope, mean
}

// fault says what is wrong, or nothing.
func (j judgement) fault() string {
	var faults []string
	if j.Few {
		faults = append(faults, j.Name+": too few samples to judge")
	}
	if j.Grown > j.Allowed && !j.Short {
		faults = append(faults, fmt.Sprintf("%s: grew by %.1f, allowed are %.1f", j.Name, j.Grown, j.Allowed))
	}
	if j.Back >= 0 && j.After > j.Back {
		faults = append(faults, fmt.Sprintf("%s: %.0f are left, allowed are %.0f", j.Name, j.After, j.Back))
	}
	return strings.Join(faults, ", ")
}
