package price

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Rate is the price of one token, kept as whole attodollars (10⁻¹⁸ dollars), which is dollars per million tokens with
// twelve decimals: no list price and no negotiated discount needs more. The zero value is a price that is not known,
// which is not a price of nothing.
type Rate struct {
	atto  int64 // dollars per million tokens x 10¹²
	known bool
}

const (
	rateDecimals = 12
	rateWhole    = 6 // digits before the point: below one dollar a token
)

// ErrNotRate is in the chain of every error of ParseRate.
var ErrNotRate = errors.New("not a price")

// ParseRate reads dollars per million tokens ("0.15", "3"). The empty string is the unknown price. Signs, exponents,
// more than six digits before the point or twelve after it are refused rather than rounded.
func ParseRate(s string) (Rate, error) {
	if s == "" {
		return Rate{}, nil
	}
	whole, frac, dotted := strings.Cut(s, ".")
	if whole == "" || dotted && frac == "" || len(whole) > rateWhole || len(frac) > rateDecimals || !isDigits(whole) || !isDigits(frac) {
		return Rate{}, fmt.Errorf("%q: %w (want dollars per million tokens, not negative, up to six digits, a point and up to twelve decimals)", s, ErrNotRate)
	}
	atto, err := strconv.ParseInt(whole+frac+"000000000000"[len(frac):], 10, 64)
	if err != nil {
		return Rate{}, fmt.Errorf("%q: %w: %w", s, ErrNotRate, err)
	}
	return Rate{atto: atto, known: true}, nil
}

// Known says whether there is a price at all.
func (r Rate) Known() bool { return r.known }

// IsZero is the opposite of Known, so that `omitzero` leaves unknown prices out of JSON.
func (r Rate) IsZero() bool { return !r.known }

// String writes dollars per million tokens without trailing zeros, and nothing for an unknown price.
func (r Rate) String() string {
	if !r.known {
		return ""
	}
	return decimal(big.NewInt(r.atto), rateDecimals)
}

// MarshalJSON writes a decimal string, and null for an unknown price.
func (r Rate) MarshalJSON() ([]byte, error) {
	if !r.known {
		return []byte("null"), nil
	}
	return []byte(`"` + r.String() + `"`), nil
}

// UnmarshalJSON reads a decimal string, a JSON number whose text is a decimal, or null.
func (r *Rate) UnmarshalJSON(b []byte) error {
	text := string(b)
	switch {
	case text == "null" || text == `""`:
		*r = Rate{}
		return nil
	case len(text) > 1 && text[0] == '"' && text[len(text)-1] == '"':
		text = text[1 : len(text)-1]
	}
	v, err := ParseRate(text)
	if err != nil {
		return err
	}
	*r = v
	return nil
}

// UnmarshalText reads what ParseRate reads.
func (r *Rate) UnmarshalText(b []byte) error {
	v, err := ParseRate(string(b))
	if err != nil {
		return err
	}
	*r = v
	return nil
}

// rat is the price in dollars per million tokens; nil when it is unknown.
func (r Rate) rat() *big.Rat {
	if !r.known {
		return nil
	}
	return new(big.Rat).SetFrac(big.NewInt(r.atto), tenTo(rateDecimals))
}

// times is r multiplied by f, and false when the product is no Rate.
func (r Rate) times(f *big.Rat) (Rate, bool) {
	if !r.known {
		return r, true
	}
	return rateOf(new(big.Rat).Mul(r.rat(), f))
}

// rateOf is the Rate of exactly v dollars per million tokens, and false when there is none.
func rateOf(v *big.Rat) (Rate, bool) {
	scaled := new(big.Rat).Mul(v, new(big.Rat).SetInt(tenTo(rateDecimals)))
	if !scaled.IsInt() || !scaled.Num().IsInt64() || scaled.Sign() < 0 {
		return Rate{}, false
	}
	return Rate{atto: scaled.Num().Int64(), known: true}, true
}

func tenTo(n int64) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(n), nil) }

// decimal writes n x 10^-decimals, n not negative, without trailing zeros.
func decimal(n *big.Int, decimals int) string {
	digits := n.String()
	if pad := decimals + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	point := len(digits) - decimals
	frac := strings.TrimRight(digits[point:], "0")
	if frac == "" {
		return digits[:point]
	}
	return digits[:point] + "." + frac
}
