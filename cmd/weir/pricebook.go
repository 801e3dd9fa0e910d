package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// priceStore keeps the prices that were set by hand.
type priceStore interface {
	Prices(ctx context.Context) ([]price.Entry, error)
}

// prices holds the book in force: the built-in one, under the configuration's prices, under those set by hand. Safe for
// concurrent use.
type prices struct {
	base  *price.Book // with the configuration's prices
	store priceStore
	book  atomic.Pointer[price.Book]
}

// openPrices makes the book in force.
func openPrices(ctx context.Context, cfg Config, store priceStore) (*prices, error) {
	p := &prices{base: cfg.priceBook(&configFaults{}), store: store} // faults were reported when the configuration was read
	return p, p.Refresh(ctx)
}

// Current is the book in force.
func (p *prices) Current() *price.Book { return p.book.Load() }

// Refresh reads the prices set by hand again.
func (p *prices) Refresh(ctx context.Context) error {
	set, err := p.store.Prices(ctx)
	if err != nil {
		return err
	}
	book, err := p.base.With(set...)
	if err != nil {
		return fmt.Errorf("prices set by hand: %w", err)
	}
	p.book.Store(book)
	return nil
}

// Run refreshes now and then until ctx ends, for what other replicas set.
func (p *prices) Run(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := p.Refresh(ctx); err != nil && ctx.Err() == nil {
				log.Warn("prices not refreshed", "error", err)
			}
		}
	}
}

// priceBook lays the configuration's prices over the built-in ones.
func (c *Config) priceBook(faults *configFaults) *price.Book {
	var entries []price.Entry
	for i, p := range c.Prices {
		e, err := p.entry()
		if err != nil {
			faults.add(p.line, "prices[%d]: %v", i, err)
			continue
		}
		entries = append(entries, e)
	}
	book, err := price.Embedded().With(entries...)
	if err != nil {
		faults.add(0, "prices: %v", err)
		return price.Embedded()
	}
	if price.Policy(c.Unpriced) == price.DefaultPrice && c.Default != nil {
		d := *c.Default
		d.Provider, d.Model = "default", "default"
		e, err := d.entry()
		if err != nil {
			faults.add(d.line, "default: %v", err)
			return book
		}
		book = book.WithDefault(e)
	}
	return book
}

// entry is the price as the book takes it.
func (p PriceConfig) entry() (price.Entry, error) {
	fields := map[string]string{
		"provider": p.Provider, "model": p.Model, "project": p.Project, "effective_from": p.EffectiveFrom,
		"input_usd_per_mtok": p.Input, "cache_read_usd_per_mtok": p.CacheRead, "cache_write_5m_usd_per_mtok": p.CacheWrite5m,
		"cache_write_1h_usd_per_mtok": p.CacheWrite1h, "output_usd_per_mtok": p.Output, "reasoning_usd_per_mtok": p.Reasoning,
		"input_audio_usd_per_mtok": p.InputAudio, "output_audio_usd_per_mtok": p.OutputAudio,
	}
	for k, v := range fields {
		if v == "" {
			delete(fields, k)
		}
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return price.Entry{}, err
	}
	var e price.Entry
	if err := json.Unmarshal(text, &e); err != nil {
		return price.Entry{}, err
	}
	return e, e.Validate()
}

// admitPriced refuses models without a price when the configuration says so.
func admitPriced(cfg Config, book *prices) func(call *llm.Call, priceAs string) error {
	if price.Policy(cfg.Unpriced) != price.RejectUnpriced {
		return nil
	}
	return func(call *llm.Call, priceAs string) error {
		if call.Model == "" {
			return nil
		}
		if _, ok := book.Current().Lookup(price.Charge{Provider: priceAs, Model: call.Model, Project: call.Project, At: call.Start}); ok {
			return nil
		}
		return &llm.Fault{Code: llm.Unpriced, Param: "model", Message: fmt.Sprintf(
			"the model %s of %s has no price, and this weir refuses such calls; set one with weir prices set %s %s --input … --output …", call.Model, priceAs, priceAs, call.Model)}
	}
}
