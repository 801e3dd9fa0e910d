package llm

import (
	"strconv"

	"github.com/weir-dev/weir/internal/rawjson"
)

// counts is a provider's usage block with inclusive totals, before it is cut into the buckets of Usage.
type counts struct {
	in, cacheRead, write5m, write1h, audioIn int64
	out, audioOut, reasoning                 int64
	noOut                                    bool // the block says nothing about output
}

// buckets cuts the totals into disjoint buckets. A detail larger than what is left of its total is clamped.
func (c counts) buckets() (u Usage, clamped bool) {
	in, out := c.in, c.out
	take := func(n int64, rest *int64) int64 {
		if n > *rest {
			n, clamped = *rest, true
		}
		*rest -= n
		return n
	}
	u.CacheRead = take(c.cacheRead, &in)
	u.CacheWrite5m = take(c.write5m, &in)
	u.CacheWrite1h = take(c.write1h, &in)
	u.InputAudio = take(c.audioIn, &in)
	u.InputUncached = in
	u.OutputAudio = take(c.audioOut, &out)
	u.Reasoning = take(c.reasoning, &out)
	u.OutputText = out
	return u, clamped
}

// maxCount is the largest number of tokens that is believed; above it a count is nonsense, and sums cannot overflow.
const maxCount = 1 << 40

// count reads a token count: integral and not negative.
func count(v rawjson.Value) (int64, bool) {
	n, ok := v.Int()
	return n, ok && n >= 0 && n <= maxCount
}

// detail reads a part of a total. Absent and null are zero; nonsense is zero and marks the outcome.
func (m *Meter) detail(v rawjson.Value) int64 {
	n, ok := count(v)
	if !ok {
		if k := v.Kind(); k != rawjson.Absent && k != rawjson.Null {
			m.out.Clamped = true
		}
		return 0
	}
	return n
}

// take makes c the usage known so far. Counts in a stream are cumulative, so the last block replaces the one before,
// unless it is all zero and the other is not.
func (m *Meter) take(c counts, raw []byte) {
	if (c.in == 0 && c.out == 0) && (m.counts.in != 0 || m.counts.out != 0) {
		return
	}
	m.counts, m.usage = c, true
	m.keepRaw(raw)
}

// void notes a usage block that makes no sense.
func (m *Meter) void(raw []byte) {
	m.out.Clamped = true
	if m.out.UsageRaw == nil {
		m.keepRaw(raw)
	}
}

// keepRaw copies the text of a usage block; the buffer is reused from block to block.
func (m *Meter) keepRaw(raw []byte) {
	if len(raw) <= 16<<10 {
		m.raw = append(m.raw[:0], raw...)
		m.out.UsageRaw = m.raw
	}
}

// settle decides what the usage is and where it comes from.
func (m *Meter) settle(o *Outcome) {
	if m.stored() {
		o.Delivered, o.Units, o.Source = false, Units{}, NoUsage
		return
	}
	silent := m.counts.in == 0 && m.counts.out == 0 && o.Delivered && o.Units.AudioSeconds == 0
	if m.usage && !silent { // a block of zeros beside output says nothing
		u, clamped := m.counts.buckets()
		o.Clamped = o.Clamped || clamped
		o.Usage, o.Source = u, FromProvider
		if noOut := m.counts.noOut || m.stale; noOut && !m.outputOptional() {
			o.Usage.OutputText, o.Usage.Reasoning, o.Usage.OutputAudio = 0, 0, 0
			if o.Delivered {
				o.OutputMissing, o.Source = true, Estimated
			}
		}
		return
	}
	o.Source = NoUsage
	switch {
	case o.Units.Image > 0: // paid by the piece
		o.Source = FromProvider
	case o.Delivered, o.Err == nil && len(o.FinishReasons) > 0:
		o.Source, o.InputMissing, o.OutputMissing = Estimated, true, m.Endpoint != Embeddings
	}
}

// decimal writes a JSON number that is not negative without an exponent, digit by digit.
func decimal(v rawjson.Value) (string, bool) {
	if v.Kind() != rawjson.Number || v[0] == '-' || len(v) > 64 {
		return "", false
	}
	var digits []byte
	point, exp, i := -1, 0, 0
	for ; i < len(v) && v[i]|0x20 != 'e'; i++ {
		if v[i] == '.' {
			point = len(digits)
		} else {
			digits = append(digits, v[i])
		}
	}
	if i < len(v) {
		var err error
		if exp, err = strconv.Atoi(string(v[i+1:])); err != nil || exp < -64 || exp > 64 {
			return "", false
		}
	}
	if point < 0 {
		point = len(digits)
	}
	return shift(digits, point+exp), true
}

// shift writes digits with the decimal point in front of digit number point, which may lie outside of them.
func shift(digits []byte, point int) string {
	for ; point < 1; point++ {
		digits = append([]byte{'0'}, digits...)
	}
	for len(digits) < point {
		digits = append(digits, '0')
	}
	whole, frac := digits[:point], digits[point:]
	for len(whole) > 1 && whole[0] == '0' {
		whole = whole[1:]
	}
	if len(frac) == 0 {
		return string(whole)
	}
	return string(whole) + "." + string(frac)
}
