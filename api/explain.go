package api

import (
	"cmp"
	"fmt"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// costLine explains one bucket of a cost. Its decimals are exact; null is not known.
type costLine struct {
	Bucket          string  `json:"bucket"`
	Tokens          int64   `json:"tokens"` // or units
	PriceUSDPerMTok *string `json:"price_usd_per_mtok"`
	AmountUSD       *string `json:"amount_usd"`
	Rule            string  `json:"rule"`
}

func costLines(lines []price.Line) []costLine {
	known := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	out := make([]costLine, len(lines))
	for i, l := range lines {
		out[i] = costLine{l.Bucket, l.Tokens, known(l.PerMTok), known(l.AmountUSD), l.Rule}
	}
	return out
}

// explain gives the lines of a call's cost by the book in force, unless they were recorded, and says in a note why they
// may differ from what the call was charged.
func (a *API) explain(r *trace.Record) (lines []costLine, note string) {
	s := &r.Call
	if len(s.CostLines) > 0 {
		return costLines(s.CostLines), ""
	}
	cost, known := s.KnownCost()
	if known && cost == 0 && s.Saved == 0 && s.PriceVersion == "" {
		return []costLine{}, "" // nothing was charged
	}
	requested := s.ModelRequested
	if n := len(r.Attempts); n > 0 {
		requested = r.Attempts[n-1].Model
	}
	q := a.cfg.Book().Explain(price.Charge{
		Provider: a.cfg.PriceAs(s.Provider), Model: s.Model, Requested: requested, Project: s.Project,
		Usage: s.Usage, Units: s.Units, ServiceTier: s.ServiceTier, At: s.Start,
	})
	now, knownNow := q.Known()
	switch {
	case s.Cache == trace.CacheHit || s.Cache == trace.CacheSemantic:
		note = "answered from the cache: the lines are what the provider would have charged"
	case known && !knownNow:
		note = fmt.Sprintf("charged $%s by the price %s; the book in force has no price for it (%s)", cost, cmp.Or(s.PriceVersion, "of that time"), q.Rule)
	case !known && knownNow:
		note = fmt.Sprintf("recorded without a price; by the book in force it would cost $%s (%s)", now, q.Rule)
	case !known:
		note = "the cost is not known: " + cmp.Or(s.PriceRule, q.Rule)
	case now != cost:
		note = fmt.Sprintf("charged $%s by the price %s; the lines are by the price in force, %s, and come to $%s", cost, cmp.Or(s.PriceVersion, "of that time"), q.Version, now)
	case s.PriceVersion != q.Version:
		note = fmt.Sprintf("charged by the price %s; the lines are by the price in force, %s, which comes to the same", cmp.Or(s.PriceVersion, "of that time"), q.Version)
	}
	return costLines(q.Lines), note
}
