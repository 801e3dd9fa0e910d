package hist

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestQuantilesAgainstSort(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var even, odd, both Hist
	var all []time.Duration
	for i := range 50_000 {
		d := time.Duration(math.Exp(r.NormFloat64()*1.5 + 12))
		all = append(all, d)
		if i%2 == 0 {
			even.Add(d)
		} else {
			odd.Add(d)
		}
	}
	both.Merge(&even)
	both.Merge(&odd)
	both.Merge(nil)
	slices.Sort(all)
	for _, q := range []float64{0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1} {
		got, want := both.Quantile(q), all[max(int(math.Ceil(q*float64(len(all)))), 1)-1]
		if math.Abs(float64(got-want)) > float64(want)/1000 {
			t.Errorf("quantile %v: got %v, want %v", q, got, want)
		}
	}
	if got, want := both.Count(), int64(len(all)); got != want {
		t.Errorf("count: got %d, want %d", got, want)
	}
	if got, want := both.Max(), all[len(all)-1]; got != want {
		t.Errorf("max: got %v, want %v", got, want)
	}
}

func TestBucketsRiseAndAreTight(t *testing.T) {
	last := -1
	for d := time.Duration(0); d < 1<<topBits; d += 1 + d/997 {
		i := bucket(d)
		if i < last {
			t.Fatalf("bucket of %d lies below that of a shorter one", d)
		}
		last = i
		if off := math.Abs(float64(middle(i) - d)); off > float64(d)/1024 {
			t.Fatalf("%d is counted as %d", d, middle(i))
		}
	}
	if got := bucket(math.MaxInt64); got >= buckets {
		t.Errorf("the longest duration falls into bucket %d of %d", got, buckets)
	}
}

func TestEmpty(t *testing.T) {
	var h Hist
	if h.Quantile(0.5) != 0 || h.Max() != 0 || h.Count() != 0 {
		t.Errorf("an empty histogram reads %v, %v, %d, want zeros", h.Quantile(0.5), h.Max(), h.Count())
	}
	h.Add(-5)
	if got := h.Quantile(1); got != 0 {
		t.Errorf("a negative duration counts as %v, want 0", got)
	}
}
