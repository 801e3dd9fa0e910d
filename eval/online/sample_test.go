package online_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weir-dev/weir/eval/online"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

// What a small sample has, every larger one has too; and all calls of a session are in it, or none.
func TestSamplesAreNested(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Float64Range(0, 1).Draw(t, "a"), rapid.Float64Range(0, 1).Draw(t, "b")
		small, large := online.Rule{Name: "s", Rate: min(a, b)}, online.Rule{Name: "l", Rate: max(a, b)}
		by := rapid.SampledFrom([]online.By{online.ByCall, online.BySession, online.ByUser}).Draw(t, "by")
		small.By, large.By = by, by
		span := trace.Span{ID: rapid.String().Draw(t, "id"), Session: rapid.String().Draw(t, "session"), User: rapid.String().Draw(t, "user")}
		if small.Sampled(&span) && !large.Sampled(&span) {
			t.Fatalf("%+v is in the sample of %v and not in that of %v", span, small.Rate, large.Rate)
		}
		other := span
		other.ID += "x"
		if by == online.BySession && span.Session != "" && large.Sampled(&span) != large.Sampled(&other) {
			t.Fatal("two calls of a session fare differently")
		}
	})
}

func TestRateIsTheShareOfCalls(t *testing.T) {
	const n = 20_000
	for _, rate := range []float64{0.01, 0.3, 1} {
		r, in := online.Rule{Rate: rate, By: online.ByCall}, 0
		at := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
		for i := range n {
			if span := (trace.Span{ID: llm.NewID(at.Add(time.Duration(i) * time.Millisecond))}); r.Sampled(&span) {
				in++
			}
		}
		if off := math.Abs(float64(in)/n - rate); off > 5*math.Sqrt(rate*(1-rate)/n) {
			t.Errorf("at %v there are %d of %d in the sample", rate, in, n)
		}
	}
}
