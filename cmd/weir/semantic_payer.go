package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"

	"github.com/weir-dev/weir/account"
)

// priceOf is about what so many tokens of input cost, " (at most 0.01 USD)", or that it is not known.
func priceOf(ctx context.Context, c *client, model string, tokens int64) string {
	var list struct {
		Prices []struct {
			Model string `json:"model"`
			Input string `json:"input_usd_per_mtok"`
		} `json:"prices"`
	}
	if _, err := c.get(ctx, "prices", url.Values{"model": {model}}, &list); err != nil {
		return ", at a price that could not be read"
	}
	most := new(big.Rat)
	known := false
	for _, p := range list.Prices {
		if r, ok := new(big.Rat).SetString(p.Input); ok && p.Model == model {
			known = true
			if r.Cmp(most) > 0 {
				most = r
			}
		}
	}
	if !known {
		return ", at a price that is not in the book"
	}
	most.Mul(most, big.NewRat(tokens, 1_000_000))
	return ", about " + most.FloatString(6) + " USD"
}

// payer asks the gateway with a virtual key, and adds up what that cost.
type payer struct {
	*client
	key   account.Secret
	spent big.Rat
}

// ask sends a body to a path below /v1.
func (p *payer) ask(ctx context.Context, path string, in, out any) error {
	text, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, calibrateRequests)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base.JoinPath("v1", path).String(), bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+p.key.Reveal())
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Weir-Tags", "weir=calibrate")
	res, err := p.http.Do(req)
	if err != nil {
		return p.unreached(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", p.base.Redacted(), err)
	}
	cost := cmp.Or(res.Header.Get("X-Weir-Cost-Usd"), res.Trailer.Get("X-Weir-Cost-Usd")) // long answers have it behind them
	if usd, ok := new(big.Rat).SetString(cost); ok {
		p.spent.Add(&p.spent, usd)
	}
	if res.StatusCode != http.StatusOK {
		var said struct {
			Error struct {
				Message string `json:"message"`
			} `json:"error"`
		}
		_ = json.Unmarshal(raw, &said) // without a message the status says it
		return fmt.Errorf("%s answered %d: %s", path, res.StatusCode, cmp.Or(clean(said.Error.Message), "no reason given"))
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("read the answer of %s: %w", path, err)
	}
	return nil
}
