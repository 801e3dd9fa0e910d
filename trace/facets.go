package trace

import (
	"context"
	"slices"
	"strings"
	"time"
)

// FacetFields are the fields that calls are counted by, beside tag, which has the names of tags, and tag.k.
var FacetFields = []string{"project", "model", "provider", "status", "endpoint", "cache", "key", "user", "error_code", "price_status"}

// FacetField says whether calls can be counted by a field.
func FacetField(name string) bool {
	tag, isTag := strings.CutPrefix(name, "tag.")
	return isTag && tag != "" || name == "tag" || slices.Contains(FacetFields, name)
}

// FacetQuery asks how many calls have each value of some fields. What the filter asks of a field does not narrow that field's own
// values, so that one can be exchanged for another.
type FacetQuery struct {
	Filter Filter
	Fields []string // each a FacetField, none twice
	Limit  int      // values of each field, 1..1000
}

// FieldFacets are the values of a field.
type FieldFacets struct {
	Field string
	// Since is from where on calls were counted: the filter's Since, or later when there are more calls than can be counted in time. Zero:
	// from the first call on.
	Since      time.Time
	Values     []Facet // most calls first, those of as many by value; calls without a value are not counted
	MoreValues int64   // that are not among Values
	MoreCalls  int64   // that have them
}

// CallOrder is what a list of calls is ordered by, largest first unless it is turned upwards.
type CallOrder string

// The orders of calls. CallsByTime is newest first.
const (
	CallsByTime     CallOrder = "time"
	CallsByCost     CallOrder = "cost"
	CallsByDuration CallOrder = "duration"
	CallsByTTFT     CallOrder = "ttft"
	CallsByTokens   CallOrder = "tokens"
)

// CallOrders are all of them, none upwards.
var CallOrders = []CallOrder{CallsByTime, CallsByCost, CallsByDuration, CallsByTTFT, CallsByTokens}

const upwards = " upwards"

// Up is the order with the smallest first; by time the oldest.
func (o CallOrder) Up() CallOrder { return o + upwards }

// Base is the order without its way, and whether that is upwards.
func (o CallOrder) Base() (base CallOrder, up bool) {
	text, up := strings.CutSuffix(string(o), upwards)
	return CallOrder(text), up
}

// Of gives the value that a call is ordered by: microseconds since 1970, nanodollars, nanoseconds or tokens; false when it is not known.
func (o CallOrder) Of(s *Span) (int64, bool) {
	switch base, _ := o.Base(); base {
	case CallsByCost:
		cost, known := s.KnownCost()
		return int64(cost), known
	case CallsByDuration:
		return int64(s.Duration), true
	case CallsByTTFT:
		return int64(s.TTFT), s.TTFT > 0
	case CallsByTokens:
		return s.Usage.Input() + s.Usage.Output(), true
	}
	return s.Start.UnixMicro(), true
}

// Explorer answers what a page of calls asks to find some among many. Safe for concurrent use. ErrAway is in the chain of an error that
// means the store is not there at the moment. What would read too much is an *llm.Fault of code InvalidRequest that says what would not.
type Explorer interface {
	// CountFacets counts calls by the fields, in the order of q.Fields.
	CountFacets(ctx context.Context, q FacetQuery) ([]FieldFacets, error)
	// SortedCalls lists calls by an order; of equal ones the newest comes first, and those whose value is not known come last, upwards too. Its
	// lines are without what is told of one call at a time: ids of spans and keys, the error but its code, the provider's own usage and cost, what
	// was held, the experiment. limit is 1..1000. ErrBadCursor for a cursor that is not of this filter and order.
	SortedCalls(ctx context.Context, f Filter, by CallOrder, limit int, cursor string) (Page, error)
}
