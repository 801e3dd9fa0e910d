package trace

import (
	"context"
	"iter"

	"github.com/weir-dev/weir/price"
)

// Adjusted is a call with what was added to its cost since it was recorded.
type Adjusted struct {
	Record // without bodies
	Count  int
	Cost   price.USD // recorded and added, meaningless unless Known
	Known  bool      // it has a cost by now
}

// Adjustment is an amount to be added to what a call cost. It is counted in sums of cost where the call is, and nowhere
// else: the call itself stays as it was recorded.
type Adjustment struct {
	Call    *Span
	Number  int       // of the call's adjustments, from 1: Adjusted.Count + 1
	Amount  price.USD // may be below zero
	Priced  bool      // the call had no cost before, and counts as unpriced no more
	Status  price.Status
	Version string // of the price
	Rule    string
}

// Adjuster reads and adds adjustments. Safe for concurrent use.
type Adjuster interface {
	// Adjusted streams calls, oldest first, with what was added to them. The stream ends at the first error.
	Adjusted(ctx context.Context, f Filter) iter.Seq2[Adjusted, error]
	// Adjust adds a batch of at most 1000, all or none. It is idempotent: the same batch again adds nothing, and after an
	// error it may be given again, or worked out anew from Adjusted.
	Adjust(ctx context.Context, batch []Adjustment) error
}
