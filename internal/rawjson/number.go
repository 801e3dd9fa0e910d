package rawjson

import "math"

// Int reads an integer. A number written with a fraction or exponent counts when it is integral (9.0, 1e2). Other
// kinds, fractions and what does not fit into 64 bits give false.
func (v Value) Int() (int64, bool) {
	if v.Kind() != Number {
		return 0, false
	}
	end, what := number(v, 0)
	if what != "" || end != len(v) {
		return 0, false
	}
	b, neg := []byte(v), v[0] == '-'
	if neg {
		b = b[1:]
	}
	// mantissa digits × 10^scale, without leading zeros and with trailing zeros moved into the scale
	i := digits(b, 0)
	whole, frac, scale := b[:i], []byte(nil), 0
	if i < len(b) && b[i] == '.' {
		j := digits(b, i+1)
		frac, i = b[i+1:j], j
	}
	if i < len(b) { // e or E
		e, sign := 0, 1
		if i++; b[i] == '-' || b[i] == '+' {
			if b[i] == '-' {
				sign = -1
			}
			i++
		}
		for ; i < len(b); i++ {
			e = min(e*10+int(b[i]-'0'), math.MaxInt32)
		}
		scale = sign * e
	}
	for len(frac) > 0 && frac[len(frac)-1] == '0' {
		frac = frac[:len(frac)-1]
	}
	scale -= len(frac)
	if len(frac) == 0 {
		for len(whole) > 1 && whole[len(whole)-1] == '0' {
			whole = whole[:len(whole)-1]
			scale++
		}
	}
	var n uint64
	for _, part := range [2][]byte{whole, frac} {
		for _, c := range part {
			d := uint64(c - '0')
			if n > (math.MaxUint64-d)/10 {
				return 0, false
			}
			n = n*10 + d
		}
	}
	if n == 0 {
		return 0, true
	}
	if scale < 0 || scale > 19 {
		return 0, false
	}
	for range scale {
		if n > math.MaxUint64/10 {
			return 0, false
		}
		n *= 10
	}
	switch {
	case neg && n <= 1<<63:
		return -int64(n), true
	case !neg && n <= math.MaxInt64:
		return int64(n), true
	}
	return 0, false
}
