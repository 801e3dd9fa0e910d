package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// priceImport is a list of prices to be set together.
type priceImport struct {
	Prices []price.Entry `json:"prices"`
}

// imported says what was set.
type imported struct {
	Imported int    `json:"imported"`
	Version  string `json:"version"` // of the book in force since
}

// importPrices sets all prices of a list, or none.
func (a *API) importPrices(w http.ResponseWriter, r *http.Request) error {
	var in priceImport
	if err := read(r, &in); err != nil {
		return err
	}
	if len(in.Prices) == 0 || len(in.Prices) > pricesMost {
		return bad("prices", "the list has %d prices: want 1 to %d", len(in.Prices), pricesMost)
	}
	for i := range in.Prices {
		e := &in.Prices[i]
		if err := checkPrice(e); err != nil {
			return bad("prices", "prices[%d]: %s", i, llm.AsFault(err).Message)
		}
		for j := range i {
			if samePrice(&in.Prices[j], e) {
				return bad("prices", "prices[%d] and prices[%d] are both of %s for one project and date", j, i, clip(e.Name()))
			}
		}
	}
	before, err := a.cfg.Prices.Prices(r.Context())
	if err != nil {
		return fmt.Errorf("import prices: %w", err)
	}
	if err := a.cfg.Prices.PutPrices(r.Context(), in.Prices); err != nil {
		return fmt.Errorf("import prices: %w", err)
	}
	if err := a.pricesChanged(r.Context(), func(ctx context.Context) error { return a.restore(ctx, before, in.Prices) }); err != nil {
		return err
	}
	return answer(w, http.StatusCreated, imported{len(in.Prices), a.cfg.Book().Version()})
}

// restore puts back what stood where prices were set.
func (a *API) restore(ctx context.Context, before, set []price.Entry) error {
	var errs []error
	for i := range set {
		there := false
		for j := range before {
			if there = samePrice(&before[j], &set[i]); there {
				errs = append(errs, a.cfg.Prices.PutPrice(ctx, before[j]))
				break
			}
		}
		if !there {
			_, err := a.cfg.Prices.DeletePrice(ctx, set[i])
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// checkPrice refuses what is no price to be set by hand.
func checkPrice(e *price.Entry) error {
	e.Status = setByHand
	if e.EffectiveFrom = e.EffectiveFrom.UTC(); e.EffectiveFrom.Nanosecond()%1000 != 0 {
		return bad("effective_from", "effective_from is finer than a microsecond; leave the rest out")
	}
	if err := e.Validate(); err != nil {
		return llm.Faultf(llm.InvalidRequest, "%v", err)
	}
	return nil
}
