package api

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/price/advice"
	"github.com/weir-dev/weir/trace"
)

// AdviceStore sums recorded calls for advice. Safe for concurrent use.
type AdviceStore interface {
	// AdviceFacts sums the calls that f picks, whose times are both set.
	AdviceFacts(ctx context.Context, f trace.Filter) (advice.Facts, error)
}

const (
	adviceSince = 30 * 24 * time.Hour // unless the request says since
	adviceMost  = 92 * 24 * time.Hour // calls themselves are read
	adviceFloor = price.Dollar        // unless the request says min_usd
)

var adviceParams = []param{
	{name: "min_usd", about: "only findings that save at least so many dollars in thirty days; 1.00 unless given"},
}

// adviceFilters are the filters that advice knows.
var adviceFilters = slices.DeleteFunc(slices.Clone(filterParams), func(p param) bool {
	return slices.Contains([]string{"status", "cache", "trace", "error_code", "q", "unpriced", "price_status", "arm"}, p.name)
})

// adviceAnswer is what calls cost more than they need to. Savings of several findings may be of the same calls: they do not add up.
type adviceAnswer struct {
	Since      stamp     `json:"since"` // of the calls looked at: the newest million, where the range has more
	Until      stamp     `json:"until"`
	FirstCall  *stamp    `json:"first_call"`  // the earliest call looked at: savings are reckoned from then on, and from a day at least
	TextsSince stamp     `json:"texts_since"` // requests were compared from then on
	Calls      int64     `json:"calls"`       // looked at
	CostUSD    price.USD `json:"cost_usd"`    // of those with a price
	FloorUSD   price.USD `json:"floor_usd"`   // findings that save less are not listed
	Below      int       `json:"below_floor"` // how many those are

	Findings []finding `json:"findings"` // the largest saving first
	LeftOut  []leftOut `json:"left_out"` // what was not looked for
}

// finding is one thing that costs more than it needs to.
type finding struct {
	Kind     string            `json:"kind"` // prompt_caching, response_cache, unread_writes, long_inputs, long_histories, paid_failures, heavy_users, cut_answers, tiny_answers
	Title    string            `json:"title"`
	Filter   map[string]string `json:"filter"` // parameters of GET /calls, with since and until, that list the calls
	Evidence []figure          `json:"evidence"`
	Saving   price.USD         `json:"saving_usd_30d"` // estimated
	How      string            `json:"how"`            // the saving was estimated
	Do       string            `json:"do"`
	Calls    []string          `json:"calls"` // ids of some of the calls
}

// figure is one figure of the evidence.
type figure struct {
	Name  string `json:"name"`
	Value string `json:"value"` // a decimal number
	Unit  string `json:"unit"`  // calls, sessions, tokens, bytes, usd, percent, users, times
}

// leftOut is a kind of finding that was not looked for.
type leftOut struct {
	Kind string `json:"kind"`
	Why  string `json:"why"`
}

func (a *API) getAdvice(w http.ResponseWriter, r *http.Request) error {
	q, now := r.URL.Query(), time.Now()
	f, err := readFilter(q, now, time.UTC)
	if err != nil {
		return err
	}
	if f.Until.IsZero() || f.Until.After(now) {
		f.Until = now
	}
	if f.Since.IsZero() {
		f.Since = f.Until.Add(-adviceSince)
	}
	if f.Until.Sub(f.Since) > adviceMost {
		return bad("since", "advice reads calls one by one, of at most %d days: give a later since, or an earlier until", adviceMost/(24*time.Hour))
	}
	floor := adviceFloor
	if text := q.Get("min_usd"); text != "" {
		if floor, err = price.ParseUSD(text); err != nil || floor < 0 {
			return bad("min_usd", "min_usd=%q is no amount of dollars, such as 1.50", clip(text))
		}
	}
	facts, err := a.cfg.Advice.AdviceFacts(r.Context(), f)
	if err != nil {
		return fmt.Errorf("advise on costs: %w", err)
	}
	return answer(w, http.StatusOK, a.adviceOf(&facts, floor))
}

func (a *API) adviceOf(facts *advice.Facts, floor price.USD) adviceAnswer {
	list, out := advice.Find(facts, a.cfg.Book(), a.cfg.PriceAs), adviceAnswer{
		Since: stamp(facts.Span.Since), Until: stamp(facts.Span.Until), FirstCall: stampOf(facts.Span.First), TextsSince: stamp(facts.Span.TextsSince),
		Calls: facts.Calls, CostUSD: facts.Cost, FloorUSD: floor, Findings: []finding{}, LeftOut: []leftOut{},
	}
	for i := range list {
		f := &list[i]
		if f.Saving < floor {
			out.Below++
			continue
		}
		filter := map[string]string{"since": stampText(facts.Span.Since), "until": stampText(facts.Span.Until)}
		maps.Copy(filter, f.About)
		one := finding{
			Kind: string(f.Kind), Title: f.Title, Filter: filter, Evidence: make([]figure, len(f.Evidence)), Saving: f.Saving, How: f.How, Do: f.Do,
			Calls: f.Calls,
		}
		if one.Calls == nil {
			one.Calls = []string{}
		}
		for i, e := range f.Evidence {
			one.Evidence[i] = figure{e.Name, e.Value, e.Unit}
		}
		out.Findings = append(out.Findings, one)
	}
	for _, l := range advice.NotLookedFor(facts) {
		out.LeftOut = append(out.LeftOut, leftOut{string(l.Kind), l.Why})
	}
	return out
}
