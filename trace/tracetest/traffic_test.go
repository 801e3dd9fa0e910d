package tracetest

import (
	"math"
	"testing"

	"github.com/weir-dev/weir/trace"
)

func TestMemoryTraffic(t *testing.T) { TestTraffic(t, &Memory{}) }

// Bins follow each other without a gap, and each begins at its edge.
func TestLengthBin(t *testing.T) {
	last := 0
	for n := int64(0); n < 1<<26; n += max(1, n/50) {
		bin := trace.LengthBin(n)
		if bin < last || bin >= trace.LengthCount {
			t.Fatalf("LengthBin(%d) = %d after %d", n, bin, last)
		}
		if low, high := trace.LengthEdge(float64(bin)), trace.LengthEdge(float64(bin+1)); bin < trace.LengthCount-1 && (float64(n) < low*(1-1e-12) || float64(n) >= high*(1+1e-12)) {
			t.Fatalf("%d is in the bin from %g to %g", n, low, high)
		}
		last = bin
	}
	if got := trace.LengthBin(math.MaxInt64); got != trace.LengthCount-1 {
		t.Errorf("the longest is in bin %d", got)
	}
	if got := trace.LengthBin(-5); got != 0 {
		t.Errorf("LengthBin(-5) = %d", got)
	}
}
