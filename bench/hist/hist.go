// Package hist is a histogram of durations whose quantiles are right to one part in a thousand.
package hist

import (
	"math/bits"
	"time"
)

const (
	fine    = 10 // bits kept of a value: buckets are at most 1/1024 of their value wide
	topBits = 38 // longer than 2^38 ns (4.5 minutes) counts as that long in a quantile
	half    = 1 << fine
	buckets = (topBits - fine + 1) * half
)

// Hist counts durations in buckets that grow with their value. The zero value is empty and ready. Not safe for
// concurrent use: each worker keeps its own, and Merge joins them.
type Hist struct {
	counts   []uint32 // nil until the first Add
	n        int64
	min, max time.Duration
}

// bucket is the index of d's bucket.
func bucket(d time.Duration) int {
	v := min(uint64(max(d, 0)), 1<<topBits-1)
	if v < 2*half {
		return int(v)
	}
	shift := bits.Len64(v) - fine - 1
	return shift*half + int(v>>shift)
}

// middle is the value a bucket stands for.
func middle(i int) time.Duration {
	if i < 2*half {
		return time.Duration(i)
	}
	shift := i/half - 1
	return time.Duration(i-shift*half)<<shift + time.Duration(1)<<shift/2
}

// Add counts one duration; a negative one counts as zero.
func (h *Hist) Add(d time.Duration) {
	d = max(d, 0)
	if h.counts == nil {
		h.counts = make([]uint32, buckets)
	}
	if h.n == 0 || d < h.min {
		h.min = d
	}
	h.max = max(h.max, d)
	h.counts[bucket(d)]++
	h.n++
}

// Merge adds all that o has counted; o stays as it is and may be nil.
func (h *Hist) Merge(o *Hist) {
	if o == nil || o.n == 0 {
		return
	}
	if h.counts == nil {
		h.counts = make([]uint32, buckets)
	}
	for i, c := range o.counts {
		h.counts[i] += c
	}
	if h.n == 0 || o.min < h.min {
		h.min = o.min
	}
	h.max = max(h.max, o.max)
	h.n += o.n
}

// Count is how many durations were added.
func (h *Hist) Count() int64 { return h.n }

// Max is the longest duration added, exactly; 0 when there is none.
func (h *Hist) Max() time.Duration { return h.max }

// Quantile is the smallest duration that at least the share q (0 to 1) of all do not exceed; 0 when there is none.
func (h *Hist) Quantile(q float64) time.Duration {
	if h.n == 0 {
		return 0
	}
	want := int64(q * float64(h.n))
	if float64(want) < q*float64(h.n) || want == 0 {
		want++
	}
	var seen int64
	for i, c := range h.counts {
		if seen += int64(c); seen >= want {
			return min(max(middle(i), h.min), h.max)
		}
	}
	return h.max
}
