package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/weir-dev/weir/price"
)

// housePrice is what an hour of the company's own machine came to, in tokens. It was set last night: calls of before have no price.
func (d *demoStory) housePrice() (price.Entry, error) {
	input, err := price.ParseRate("0.08")
	if err != nil {
		return price.Entry{}, err
	}
	output, err := price.ParseRate("0.24")
	return price.Entry{
		Provider: "house", Model: "house-llm-7b", Mode: "chat", Kind: price.PerToken, EffectiveFrom: d.night().Add(-5 * time.Hour), Input: input, Output: output, Status: "set",
	}, err
}

// prices sets the price of last night.
func (d *demoStory) prices(ctx context.Context) error {
	e, err := d.housePrice()
	if err != nil {
		return fmt.Errorf("the demo's price: %w", err)
	}
	have, err := d.s.stores.prices.Prices(ctx)
	if err != nil {
		return fmt.Errorf("read prices: %w", err)
	}
	if !slices.ContainsFunc(have, func(was price.Entry) bool { return was.Provider == e.Provider && was.Model == e.Model }) {
		if err := d.s.stores.prices.PutPrice(ctx, e); err != nil {
			return fmt.Errorf("set a price: %w", err)
		}
	}
	return d.s.stores.inForce(ctx)
}
