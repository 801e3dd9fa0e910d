package experiment

import (
	"hash/fnv"
	"strconv"
)

// GrowthBookBucket is a unit's number as GrowthBook's SDKs make it, by their hash of version 1 or 2; false for other versions.
func GrowthBookBucket(seed, unit string, version int) (float64, bool) {
	switch version {
	case 1:
		return float64(fnv32(unit+seed)%1000) / 1000, true
	case 2:
		return float64(growthBookStep(seed, unit)) / 10_000, true
	default:
		return 0, false
	}
}

// growthBookStep is one of 10,000 steps.
func growthBookStep(seed, unit string) uint32 {
	var buffer [16]byte
	return fnv32(string(strconv.AppendUint(buffer[:0], uint64(fnv32(seed+unit)), 10))) % 10_000
}

func fnv32(s string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s)) // it never fails
	return h.Sum32()
}

// growthBookPoint puts a step in the middle of its part of the line, so that no rounding moves it over a boundary.
func growthBookPoint(seed, unit string) uint64 {
	return whole/10_000*uint64(growthBookStep(seed, unit)) + whole/20_000
}

// GrowthBookRanges are the parts of 0 to 1 that GrowthBook's SDKs give to each of several variations.
func GrowthBookRanges(variations int, coverage float64, weights []float64) [][2]float64 {
	coverage = max(0, min(1, coverage))
	var sum float64
	for _, w := range weights {
		sum += w
	}
	even := len(weights) != variations || sum < 0.99 || sum > 1.01
	out := make([][2]float64, variations)
	var from float64
	for i := range out {
		w := 1 / float64(variations)
		if !even {
			w = weights[i]
		}
		out[i] = [2]float64{from, from + coverage*w}
		from += w
	}
	return out
}

// GrowthBookChoose is the variation whose range a number is in, -1 for none.
func GrowthBookChoose(bucket float64, ranges [][2]float64) int {
	for i, r := range ranges {
		if bucket >= r[0] && bucket < r[1] {
			return i
		}
	}
	return -1
}

// GrowthBookInNamespace says whether a unit is in a range of a GrowthBook namespace.
func GrowthBookInNamespace(unit, namespace string, from, to float64) bool {
	bucket, _ := GrowthBookBucket("__"+namespace, unit, 1)
	return bucket >= from && bucket < to
}
