package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

const (
	simulatedDays = 92  // of recorded calls at a time
	simulatedFrom = 100 // models that answered, in one answer
)

// recordedSpan picks recorded calls.
type recordedSpan struct {
	Since    string `json:"since"`              // RFC 3339, a day, or how long ago; at most 92 days of calls
	Until    string `json:"until,omitempty"`    // now unless given
	Model    string `json:"model,omitempty"`    // only calls of this model, as asked for or answered
	Provider string `json:"provider,omitempty"` // only calls that this provider answered
	Project  string `json:"project,omitempty"`  // only this project's calls
	Endpoint string `json:"endpoint,omitempty"` // only calls to this endpoint, such as chat.completions
}

// simulatedSpan is what recorded calls would have cost: the same tokens, each call priced by itself.
type simulatedSpan struct {
	Since         stamp            `json:"since"`
	Until         stamp            `json:"until"`
	Calls         int64            `json:"calls"`          // that bought something
	Skipped       int64            `json:"skipped"`        // answered from the cache, or never counted: they cost nothing anywhere
	UnpricedCalls int64            `json:"unpriced_calls"` // of calls: their cost is not known, and is in no recorded sum
	RecordedUSD   price.USD        `json:"recorded_usd"`   // with the adjustments so far
	Models        []simulatedTotal `json:"models"`         // in the order they were asked for
	From          []simulatedOf    `json:"from"`           // by the model that answered, the dearest first
	Truncated     bool             `json:"truncated"`      // from has the first 100 only
}

// simulatedTotal is what all calls would have cost on a model.
type simulatedTotal struct {
	Provider string `json:"provider"`
	Model    string `json:"model"`
	simulatedSums
}

// simulatedSums are figures of calls on a model.
type simulatedSums struct {
	Calls         int64     `json:"calls"`         // that have a price there
	NoPrice       int64     `json:"no_price"`      // that have none, and are in no sum
	SimulatedUSD  price.USD `json:"simulated_usd"` // of the calls with a price there
	Compared      int64     `json:"compared"`      // calls whose cost is known on both sides
	RecordedUSD   price.USD `json:"recorded_usd"`  // of those
	DifferenceUSD price.USD `json:"difference_usd"`
}

// simulatedOf is the part of the calls that one model answered.
type simulatedOf struct {
	Provider    string          `json:"provider"`
	Model       string          `json:"model"`
	Calls       int64           `json:"calls"`
	RecordedUSD price.USD       `json:"recorded_usd"`
	Simulated   []simulatedSums `json:"simulated"` // on each model that was asked for
}

func (in *recordedSpan) filter(now time.Time) (f trace.Filter, err error) {
	if in.Since == "" {
		return f, bad("since", "recorded.since is missing: say from when on calls are to be looked at, such as 30d")
	}
	f = trace.Filter{Model: in.Model, Provider: in.Provider, Project: in.Project, Endpoint: in.Endpoint}
	f.Since, err = parseWhen("since", in.Since, now, time.UTC)
	if err == nil {
		f.Until, err = parseWhen("until", in.Until, now, time.UTC)
	}
	if f.Until.IsZero() {
		f.Until = now
	}
	switch {
	case err != nil:
	case !f.Since.Before(f.Until):
		err = bad("since", "recorded.since is not before recorded.until")
	case f.Until.Sub(f.Since) > simulatedDays*24*time.Hour:
		err = bad("since", "recorded.since and recorded.until are more than %d days apart", simulatedDays)
	}
	return f, err
}

// simulateRecorded prices what calls used as if each model had answered them. One at a time: it reads every call.
func (a *API) simulateRecorded(ctx context.Context, book *price.Book, in *simulateRequest, at, now time.Time) (*simulatedSpan, error) {
	f, err := in.Recorded.filter(now)
	if err != nil {
		return nil, err
	}
	if !a.simulating.TryLock() {
		return nil, llm.Faultf(llm.InvalidRequest, "another simulation of recorded calls is under way; wait for its end")
	}
	defer a.simulating.Unlock()
	out := &simulatedSpan{Since: stamp(f.Since), Until: stamp(f.Until), Models: make([]simulatedTotal, len(in.Models)), From: []simulatedOf{}}
	for i, m := range in.Models {
		out.Models[i].Provider, out.Models[i].Model = m.Provider, m.Model
	}
	from := map[[2]string]*simulatedOf{}
	for call, err := range a.cfg.Adjuster.Adjusted(ctx, f) {
		if err != nil {
			return nil, fmt.Errorf("simulate prices: %w", err)
		}
		s := &call.Call
		if s.UsageSource == llm.NoUsage || s.Cache == trace.CacheHit || s.Cache == trace.CacheSemantic {
			out.Skipped++
			continue
		}
		name := [2]string{s.Provider, s.Model}
		of := from[name]
		if of == nil {
			of = &simulatedOf{Provider: s.Provider, Model: s.Model, Simulated: make([]simulatedSums, len(in.Models))}
			from[name] = of
		}
		out.Calls++
		of.Calls++
		if call.Known {
			out.RecordedUSD += call.Cost
			of.RecordedUSD += call.Cost
		} else {
			out.UnpricedCalls++
		}
		for i, m := range in.Models {
			cost, known := book.Quote(price.Charge{
				Provider: a.cfg.PriceAs(m.Provider), Model: m.Model, Project: cmp.Or(in.Project, s.Project),
				Usage: s.Usage, Units: s.Units, ServiceTier: cmp.Or(in.ServiceTier, s.ServiceTier), At: cmp.Or(at, s.Start),
			}).Known()
			of.Simulated[i].add(&call, cost, known)
			out.Models[i].add(&call, cost, known)
		}
	}
	for _, of := range from {
		out.From = append(out.From, *of)
	}
	slices.SortFunc(out.From, func(x, y simulatedOf) int {
		return cmp.Or(cmp.Compare(y.RecordedUSD, x.RecordedUSD), cmp.Compare(y.Calls, x.Calls), strings.Compare(x.Provider, y.Provider), strings.Compare(x.Model, y.Model))
	})
	if len(out.From) > simulatedFrom {
		out.From, out.Truncated = out.From[:simulatedFrom], true
	}
	return out, nil
}

// add counts one call.
func (s *simulatedSums) add(call *trace.Adjusted, cost price.USD, known bool) {
	if !known {
		s.NoPrice++
		return
	}
	s.Calls++
	s.SimulatedUSD += cost
	if call.Known {
		s.Compared++
		s.RecordedUSD += call.Cost
		s.DifferenceUSD += cost - call.Cost
	}
}
