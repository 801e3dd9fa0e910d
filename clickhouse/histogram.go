package clickhouse

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"
)

// histogram is a distribution of times as the usage tables keep it: see 0003_usage_1m.sql. Bar 0 is below base, each
// further one reaches √2 times as far, the last has no end. Eight bars of 32 bits share a column.
type histogram struct {
	column  string // columns are column_0, column_1, …
	value   string // expression over calls: nanoseconds, or NULL
	base    time.Duration
	columns int
}

var (
	latencies = histogram{"latency", "duration_ns", 8 * time.Millisecond, 4}
	ttfts     = histogram{"ttft", "ttft_ns", 32 * time.Millisecond, 3}
)

const barsPerColumn = 8

// sums are the columns' sums, as s_column_0, …, over rows of a usage table or, raw, of calls.
func (h *histogram) sums(raw bool) []string {
	out := make([]string, h.columns)
	bar := "s_" + h.column + "_bar"
	for i := range out {
		expr := fmt.Sprintf("%s_%d", h.column, i)
		if raw {
			expr = fmt.Sprintf("if(intDiv(%s, %d) = %d, bitShiftLeft(toUInt256(1), %[1]s %% %[2]d * 32), toUInt256(0))", bar, barsPerColumn, i)
		}
		out[i] = fmt.Sprintf("sum(%s) AS s_%s_%d", expr, h.column, i)
	}
	if raw { // the first names the bar for all; a time that is NULL is in bar 255, which is in no column
		expr := fmt.Sprintf("if(isNull(%s), 255, toUInt8(least(%d, greatest(0, floor(2 * log2(greatest(assumeNotNull(%[1]s), 1) / %[3]d)) + 1)))) AS %s",
			h.value, h.columns*barsPerColumn-1, h.base, bar)
		out[0] = strings.Replace(out[0], bar, "("+expr+")", 1)
	}
	return out
}

// total is the expression that sums the sums and gives all bars as one string, which quantile reads.
func (h *histogram) total() string {
	out := make([]string, h.columns)
	for i := range out {
		out[i] = fmt.Sprintf("reinterpretAsFixedString(sum(s_%s_%d))", h.column, i)
	}
	return "toString(concat(" + strings.Join(out, ", ") + "))"
}

// quantile gives the time that the share q of all lies below, as well as the bars tell: within a bar times are taken to
// lie evenly, between shortest and longest, in nanoseconds. It is 0 when there are no times.
func (h *histogram) quantile(bars string, q float64, shortest, longest int64) time.Duration {
	var counts []uint32
	var all float64
	for b := []byte(bars); len(b) >= 4; b = b[4:] {
		n := binary.LittleEndian.Uint32(b)
		counts = append(counts, n)
		all += float64(n)
	}
	rank := q * all
	for i, n := range counts {
		if rank > float64(n) || n == 0 {
			rank -= float64(n)
			continue
		}
		lo, hi := max(h.edge(i), float64(shortest)), float64(longest)
		if i < len(counts)-1 || longest == math.MaxInt64 {
			hi = min(hi, h.edge(i+1))
		}
		return time.Duration(lo + (hi-lo)*rank/float64(n))
	}
	return 0
}

// edge is where a bar begins, in nanoseconds.
func (h *histogram) edge(bar int) float64 {
	if bar == 0 {
		return 0
	}
	return float64(h.base) * math.Exp2(float64(bar-1)/2)
}
