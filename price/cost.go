package price

import (
	"math/big"
	"math/bits"
)

// attoPerNano is how many of a Rate's unit make one of USD's.
const attoPerNano = 1_000_000_000

// sum is what the counts cost on the card, exact until it is rounded, half to even; and false when a bucket with a count
// has no price.
func (c *card) sum(n *[buckets]uint64) (cost USD, clamped, ok bool) {
	var hi, lo, over uint64
	for b := range c.cells {
		if n[b] == 0 {
			continue
		}
		if c.cells[b].rat == nil {
			return 0, false, false
		}
		h, l := bits.Mul64(n[b], c.cells[b].atto)
		var carry uint64
		lo, carry = bits.Add64(lo, l, 0)
		hi, carry = bits.Add64(hi, h, carry)
		over |= carry
	}
	if c.unusual {
		cost, clamped = c.sumFractions(n)
		return cost, clamped, true
	}
	if over != 0 || hi >= attoPerNano {
		return MaxUSD, true, true
	}
	nano, rest := bits.Div64(hi, lo, attoPerNano)
	if half := uint64(attoPerNano / 2); nano <= uint64(MaxUSD) && (rest > half || rest == half && nano%2 == 1) {
		nano++
	}
	if nano > uint64(MaxUSD) {
		return MaxUSD, true, true
	}
	return USD(nano), false, true
}

// sumFractions is sum for prices that are no whole number of attodollars.
func (c *card) sumFractions(n *[buckets]uint64) (USD, bool) {
	total := new(big.Rat)
	for b := range c.cells {
		if n[b] > 0 {
			total.Add(total, c.cells[b].amount(n[b]))
		}
	}
	return round(total)
}

// amount is what n tokens cost in dollars.
func (c *cell) amount(n uint64) *big.Rat {
	perToken := new(big.Rat).Quo(c.rat, new(big.Rat).SetInt64(1_000_000))
	return perToken.Mul(perToken, new(big.Rat).SetInt(new(big.Int).SetUint64(n)))
}

// round turns dollars, not negative, into nanodollars, half to even, and bounds them.
func round(dollars *big.Rat) (USD, bool) {
	nano := new(big.Rat).Mul(dollars, new(big.Rat).SetInt64(int64(Dollar)))
	whole, rest := new(big.Int).QuoRem(nano.Num(), nano.Denom(), new(big.Int))
	switch rest.Lsh(rest, 1).Cmp(nano.Denom()) {
	case 1:
		whole.Add(whole, big.NewInt(1))
	case 0:
		whole.Add(whole, new(big.Int).And(whole, big.NewInt(1)))
	}
	if whole.Cmp(big.NewInt(int64(MaxUSD))) > 0 {
		return MaxUSD, true
	}
	return USD(whole.Int64()), false
}
