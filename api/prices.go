package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// pricesMost bounds the prices in one answer.
const pricesMost = 1000

// setByHand is the status of entries that the catalogue has not.
const setByHand = "set"

var (
	priceEntry  price.Entry // for its type
	priceParams = []param{
		{name: "q", about: "part of provider/model, case folded"},
		{name: "provider", about: "of this provider"},
		{name: "model", about: "of this model"},
		{name: "project", about: "set for this project"},
		{name: "at", about: "only those in force then: RFC 3339, a day, or how long ago"},
	}
	priceKeyParams = []param{
		{name: "provider", about: "the price's provider", required: true},
		{name: "model", about: "the price's model", required: true},
		{name: "project", about: "the project it was set for; empty: everybody"},
		{name: "effective_from", about: "its first day or moment; empty: always"},
	}
	unpricedParams = []param{
		{name: "since", about: "from this start time on, 30d unless given"},
		{name: "until", about: "before this start time"},
	}
)

// priceList is the price book, or a part of it.
type priceList struct {
	Version   string        `json:"version"`
	Prices    []price.Entry `json:"prices"`
	Truncated bool          `json:"truncated"` // there are more: ask for less with q
}

// unpricedList has the models without a price.
type unpricedList struct {
	Models []unpricedModel `json:"models"`
}

// unpricedModel is a model that was called and has no price.
type unpricedModel struct {
	Provider string `json:"provider"`
	PriceAs  string `json:"price_as"` // the provider's name in the price book
	Model    string `json:"model"`
	Calls    int64  `json:"calls"`
	LastSeen stamp  `json:"last_seen"`
	Closest  string `json:"closest"` // provider/model of the nearest name that has a price, or ""
}

func (a *API) listPrices(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	at, err := parseWhen("at", q.Get("at"), time.Now(), time.UTC)
	if err != nil {
		return err
	}
	book := a.cfg.Book()
	words := strings.Fields(strings.ToLower(q.Get("q")))
	same := func(name, have string) bool { return q.Get(name) == "" || q.Get(name) == have }
	out := priceList{Version: book.Version(), Prices: []price.Entry{}}
	for e := range book.Entries() {
		if !same("provider", e.Provider) || !same("model", e.Model) || !same("project", e.Project) || !hasWords(strings.ToLower(e.Name()), words) {
			continue
		}
		out.Prices = append(out.Prices, e)
	}
	if !at.IsZero() {
		out.Prices = inForce(out.Prices, at)
	}
	if len(out.Prices) > pricesMost {
		out.Prices, out.Truncated = out.Prices[:pricesMost], true
	}
	return answer(w, http.StatusOK, out)
}

func hasWords(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// inForce keeps the entry of each provider, model and project that counts at a moment: one set by hand before one of the
// catalogue, the latest that has begun within each.
func inForce(entries []price.Entry, at time.Time) []price.Entry {
	type name struct{ provider, model, project string }
	place := map[name]int{}
	out := []price.Entry{}
	for _, e := range entries {
		if e.EffectiveFrom.After(at) {
			continue
		}
		n := name{e.Provider, e.Model, e.Project}
		i, ok := place[n]
		switch {
		case !ok:
			place[n] = len(out)
			out = append(out, e)
		case (e.Status == setByHand) == (out[i].Status == setByHand) && e.EffectiveFrom.After(out[i].EffectiveFrom):
			out[i] = e
		}
	}
	return out
}

func (a *API) putPrice(w http.ResponseWriter, r *http.Request) error {
	var e price.Entry
	if err := read(r, &e); err != nil {
		return err
	}
	if err := checkPrice(&e); err != nil {
		return err
	}
	before, err := a.cfg.Prices.Prices(r.Context())
	if err != nil {
		return fmt.Errorf("set price: %w", err)
	}
	if err := a.cfg.Prices.PutPrice(r.Context(), e); err != nil {
		return fmt.Errorf("set price: %w", err)
	}
	if err := a.pricesChanged(r.Context(), func(ctx context.Context) error { return a.restore(ctx, before, []price.Entry{e}) }); err != nil {
		return err
	}
	return answer(w, http.StatusCreated, e)
}

// samePrice says whether one entry stands in the other's place.
func samePrice(a, b *price.Entry) bool {
	return a.Provider == b.Provider && a.Model == b.Model && a.Project == b.Project && a.EffectiveFrom.Equal(b.EffectiveFrom)
}

// pricesChanged puts a change into force. A price that no book can be made with (the configuration has one of the same
// name and date) is undone, as it would keep all later changes out too. Any other failure leaves it stored, to be read
// a little later.
func (a *API) pricesChanged(ctx context.Context, undo func(context.Context) error) error {
	ctx = context.WithoutCancel(ctx)
	err := a.cfg.PricesChanged(ctx)
	switch {
	case err == nil:
	case errors.Is(err, price.ErrEntry):
		if undone := undo(ctx); undone != nil {
			return fmt.Errorf("undo price: %w", errors.Join(undone, err))
		}
		return llm.Faultf(llm.InvalidRequest, "the price cannot be put into force: %v", err)
	default:
		a.cfg.Log.Warn("prices changed, but were not read again", "error", err)
	}
	return nil
}

func (a *API) deletePrice(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	e := price.Entry{Provider: q.Get("provider"), Model: q.Get("model"), Project: q.Get("project")}
	for _, p := range priceKeyParams {
		if p.required && q.Get(p.name) == "" {
			return bad(p.name, "the parameter %s is missing: name %s", p.name, p.about)
		}
	}
	if text := q.Get("effective_from"); text != "" {
		var ok bool
		if e.EffectiveFrom, ok = parseMoment(text, time.UTC); !ok {
			return bad("effective_from", "effective_from=%q is no time: want a day (2026-11-23) or RFC 3339", clip(text))
		}
	}
	found, err := a.cfg.Prices.DeletePrice(r.Context(), e)
	if err != nil {
		return fmt.Errorf("delete price: %w", err)
	}
	if !found {
		return llm.Faultf(llm.NotFound, "no price of %s is set by hand for this project and date; those of the catalogue cannot be removed, only overridden", clip(e.Name()))
	}
	if err := a.pricesChanged(r.Context(), func(context.Context) error { return nil }); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) listUnpriced(w http.ResponseWriter, r *http.Request) error {
	now := time.Now()
	q := r.URL.Query()
	if q.Get("since") == "" {
		q.Set("since", "30d")
	}
	since, until, err := readSpan(q, now, time.UTC)
	if err != nil {
		return err
	}
	models, err := a.cfg.Reader.Unpriced(r.Context(), since, until)
	if err != nil {
		return fmt.Errorf("list unpriced models: %w", err)
	}
	book := a.cfg.Book()
	out := unpricedList{Models: make([]unpricedModel, len(models))}
	for i, m := range models {
		as := a.cfg.PriceAs(m.Provider)
		out.Models[i] = unpricedModel{m.Provider, as, m.Model, m.Calls, stamp(m.LastSeen), book.Closest(as, m.Model)}
	}
	return answer(w, http.StatusOK, out)
}
