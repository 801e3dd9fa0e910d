// Package price knows what a call costs: money, the dated price book and the arithmetic between them.
package price

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// USD is an amount of US dollars in whole nanodollars: a time.Duration for money. The zero value is nothing owed;
// an amount that is not known is said apart, as (USD, bool).
type USD int64

// Units of USD.
const (
	Nanodollar USD = 1
	Cent           = 10_000_000 * Nanodollar
	Dollar         = 100 * Cent
)

// MaxUSD is the largest amount a row may hold, ±999,999,999.999999999 dollars. Larger amounts are clamped and flagged.
const MaxUSD USD = 999_999_999_999_999_999

// String writes the amount in dollars with nine decimals: "0.000013500".
func (u USD) String() string {
	var b [32]byte
	return string(u.Append(b[:0]))
}

// Append appends String's form to b.
func (u USD) Append(b []byte) []byte {
	n := uint64(u)
	if u < 0 {
		b = append(b, '-')
		n = -n
	}
	b = strconv.AppendUint(b, n/1e9, 10)
	b = append(b, '.')
	frac := n % 1e9
	for d := uint64(1e8); d > 0; d /= 10 {
		b = append(b, byte('0'+frac/d%10))
	}
	return b
}

// MarshalJSON writes the amount as a decimal string, as every weir API does.
func (u USD) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 32), '"')
	return append(u.Append(b), '"'), nil
}

// UnmarshalJSON reads a decimal string, or a JSON number whose text is a decimal.
func (u *USD) UnmarshalJSON(b []byte) error {
	v, err := ParseUSD(strings.Trim(string(b), `"`))
	if err != nil {
		return err
	}
	*u = v
	return nil
}

// ErrNotMoney is in the chain of every error of ParseUSD.
var ErrNotMoney = errors.New("not an amount of dollars")

// ParseUSD reads a decimal amount of dollars ("1.50", "-0.000000001"). More than nine decimals, exponents and
// amounts beyond MaxUSD are refused rather than rounded.
func ParseUSD(s string) (USD, error) {
	digits, neg := s, false
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		digits, neg = rest, true
	}
	whole, frac, dotted := strings.Cut(digits, ".")
	if whole == "" || dotted && frac == "" || len(frac) > 9 || len(whole) > 9 || !isDigits(whole) || !isDigits(frac) {
		return 0, fmt.Errorf("%q: %w (want up to nine digits, a point and up to nine decimals)", s, ErrNotMoney)
	}
	w, _ := strconv.ParseInt(whole, 10, 64)
	f := int64(0)
	if frac != "" {
		f, _ = strconv.ParseInt(frac+"000000000"[len(frac):], 10, 64)
	}
	v := USD(w)*Dollar + USD(f)
	if neg {
		v = -v
	}
	return v, nil
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// Float64 is for pictures and ratios only, never for adding money up.
func (u USD) Float64() float64 { return float64(u) / 1e9 }

// Clamp bounds u to what a row can hold and says whether it had to.
func (u USD) Clamp() (USD, bool) {
	switch {
	case u > MaxUSD:
		return MaxUSD, true
	case u < -MaxUSD || u == math.MinInt64:
		return -MaxUSD, true
	}
	return u, false
}
