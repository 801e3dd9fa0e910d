package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// adjustBatch is how many adjustments are stored together.
const adjustBatch = 1000

// repriceRequest asks what recorded calls would cost by the book in force, and, to apply, that the difference be added.
type repriceRequest struct {
	Since string `json:"since"`           // RFC 3339, a day, or how long ago
	Until string `json:"until,omitempty"` // now unless given
	Model string `json:"model,omitempty"` // only calls of this model, as asked for or answered
	Apply bool   `json:"apply,omitempty"` // add the differences as adjustments; else nothing is changed
}

// repriced is the difference, by model, the largest first.
type repriced struct {
	Models  []repricedModel `json:"models"` // those with a difference
	Total   repricedSums    `json:"total"`  // of all calls looked at
	Applied bool            `json:"applied"`
	Version string          `json:"version"` // of the book
}

type repricedModel struct {
	Provider string `json:"provider"`
	Model    string `json:"model"`
	repricedSums
}

// repricedSums are figures of calls. Amounts are of the calls that have a price in the book.
type repricedSums struct {
	Calls         int64     `json:"calls"`        // looked at
	Changed       int64     `json:"changed"`      // whose cost is another by the book in force
	NewlyPriced   int64     `json:"newly_priced"` // of those: had no price before
	NoPrice       int64     `json:"no_price"`     // in the book in force: they stay as they are
	RecordedUSD   price.USD `json:"recorded_usd"` // with the adjustments so far
	PresentUSD    price.USD `json:"present_usd"`  // by the book in force
	DifferenceUSD price.USD `json:"difference_usd"`
}

func (s *repricedSums) add(o *repricedSums) {
	s.Calls += o.Calls
	s.Changed += o.Changed
	s.NewlyPriced += o.NewlyPriced
	s.NoPrice += o.NoPrice
	s.RecordedUSD += o.RecordedUSD
	s.PresentUSD += o.PresentUSD
	s.DifferenceUSD += o.DifferenceUSD
}

// reprice compares what calls were charged with what the book in force says. What a call has cost is never taken away for
// want of a price. One at a time: two at once would both add the same.
func (a *API) reprice(w http.ResponseWriter, r *http.Request) error {
	var in repriceRequest
	if err := read(r, &in); err != nil {
		return err
	}
	f, err := in.filter(time.Now())
	if err != nil {
		return err
	}
	if !a.repricing.TryLock() {
		return llm.Faultf(llm.InvalidRequest, "another reprice is under way; wait for its end")
	}
	defer a.repricing.Unlock()
	ctx := r.Context()
	book := a.cfg.Book()
	out := repriced{Models: []repricedModel{}, Version: book.Version()}
	byModel := map[[2]string]*repricedSums{}
	var batch []trace.Adjustment
	for call, err := range a.cfg.Adjuster.Adjusted(ctx, f) {
		if err != nil {
			return fmt.Errorf("reprice: %w", err)
		}
		sums, adj := a.repriceCall(book, &call)
		if adj != nil && in.Apply {
			if batch = append(batch, *adj); len(batch) >= adjustBatch {
				if err := a.adjust(ctx, batch); err != nil {
					return err
				}
				batch = batch[:0]
			}
		}
		out.Total.add(&sums)
		model := [2]string{call.Call.Provider, call.Call.Model}
		if byModel[model] == nil {
			byModel[model] = &repricedSums{}
		}
		byModel[model].add(&sums)
	}
	if len(batch) > 0 {
		if err := a.adjust(ctx, batch); err != nil {
			return err
		}
	}
	out.Applied = in.Apply
	for model, sums := range byModel {
		if sums.Changed > 0 || sums.NoPrice > 0 {
			out.Models = append(out.Models, repricedModel{model[0], model[1], *sums})
		}
	}
	slices.SortFunc(out.Models, func(x, y repricedModel) int {
		return cmp.Or(-cmp.Compare(max(x.DifferenceUSD, -x.DifferenceUSD), max(y.DifferenceUSD, -y.DifferenceUSD)),
			strings.Compare(x.Provider, y.Provider), strings.Compare(x.Model, y.Model))
	})
	return answer(w, http.StatusOK, out)
}

// adjust stores adjustments, and tells of them.
func (a *API) adjust(ctx context.Context, batch []trace.Adjustment) error {
	if err := a.cfg.Adjuster.Adjust(ctx, batch); err != nil {
		return fmt.Errorf("reprice: %w", err)
	}
	if a.cfg.Adjusted != nil {
		a.cfg.Adjusted(ctx, batch)
	}
	return nil
}

func (in *repriceRequest) filter(now time.Time) (f trace.Filter, err error) {
	if in.Since == "" {
		return f, bad("since", "since is missing: say from when on calls are to be looked at")
	}
	f.Model = in.Model
	f.Since, err = parseWhen("since", in.Since, now, time.UTC)
	if err == nil {
		f.Until, err = parseWhen("until", in.Until, now, time.UTC)
	}
	if f.Until.IsZero() {
		f.Until = now // calls that come meanwhile are priced by the book as it is
	}
	if err == nil && !f.Since.Before(f.Until) {
		err = bad("since", "since is not before until")
	}
	return f, err
}

// repriceCall prices one call again. No adjustment: there is nothing to add.
func (a *API) repriceCall(book *price.Book, c *trace.Adjusted) (repricedSums, *trace.Adjustment) {
	s := &c.Call
	sums := repricedSums{Calls: 1}
	if s.UsageSource == llm.NoUsage || s.Cache == trace.CacheHit || s.Cache == trace.CacheSemantic {
		return sums, nil // nothing was bought, or nobody counted it
	}
	q := book.Quote(price.Charge{
		Provider: a.cfg.PriceAs(s.Provider), Model: s.Model, Requested: askedUpstream(&c.Record), Project: s.Project,
		Usage: s.Usage, Units: s.Units, ServiceTier: s.ServiceTier, At: s.Start,
	})
	now, known := q.Known()
	if !known {
		sums.NoPrice = 1
		return sums, nil
	}
	sums.PresentUSD = now
	if c.Known {
		sums.RecordedUSD = c.Cost
	}
	sums.DifferenceUSD = sums.PresentUSD - sums.RecordedUSD
	if sums.DifferenceUSD == 0 && c.Known {
		return sums, nil
	}
	sums.Changed = 1
	if !c.Known {
		sums.NewlyPriced = 1
	}
	return sums, &trace.Adjustment{
		Call: s, Number: c.Count + 1, Amount: sums.DifferenceUSD, Priced: !c.Known, Status: q.Status, Version: q.Version, Rule: q.Rule,
	}
}

// askedUpstream is the model that a provider was asked for, as far as a record tells: by the last attempt, by the price it
// was charged by, or as the client asked.
func askedUpstream(r *trace.Record) string {
	if n := len(r.Attempts); n > 0 {
		return r.Attempts[n-1].Model
	}
	if _, name, ok := strings.Cut(r.Call.PriceVersion, ":"); ok { // set-1a2b3c4d:openai/gpt-4o@2026-01-01
		if _, model, ok := strings.Cut(name, "/"); ok {
			if at := strings.LastIndexByte(model, '@'); at > 0 {
				model = model[:at]
			}
			return model
		}
	}
	return r.Call.ModelRequested
}
