package trace

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// Errors of Reader. Test with errors.Is.
var (
	ErrNoCall    = errors.New("no such call")
	ErrBadCursor = errors.New("not a cursor of this list")
	ErrAway      = errors.New("the store cannot be reached")
)

// Filter picks calls. Zero fields pick everything; several fields are joined by and. String fields match exactly.
//
// Any and Not ask more of the fields that match exactly, by their names in FilterFields or as tag.k: a call that is picked has one of Any's values
// and none of Not's. Without values, and by other names, they ask nothing. A call without a tag has no value of it.
type Filter struct {
	Since, Until time.Time // [Since, Until) by start time
	Project      string
	Key          string // name or id
	Provider     string
	Model        string // requested or answered
	User         string
	Session      string
	Status       string
	Endpoint     string
	Cache        string
	Prompt       string // name, or name@version
	Arm          string
	TraceID      string
	Tags         map[string]string
	Text         string // words looked for in the request and the answer, case folded
	ErrorCode    string
	Unpriced     bool   // only calls without a price
	PriceStatus  string // exact, default or unpriced
	Any, Not     map[string][]string
}

// CallRow is one line of a list of calls: its span without explanation and bodies.
type CallRow struct {
	Span
	InputPreview, OutputPreview string // up to 300 characters of the last user message and of the answer
}

// Page is a part of a list, newest first unless it was asked for otherwise.
type Page struct {
	Calls []CallRow
	Next  string // cursor of the next page, "" at the end
}

// CostQuery asks for sums over rollups.
type CostQuery struct {
	Filter Filter
	// By names the grouping columns in order: project key user model provider prompt arm endpoint status cache
	// tag.k
	// and at most one of minute hour day month every.D, where D is a length of whole minutes as every.15m, counted from 1970 in UTC.
	By       []string
	Timezone *time.Location // of day and month; nil is UTC
}

// Sums are a CostQuery's figures.
type Sums struct {
	Calls         int64
	Errors        int64 // status error
	UnpricedCalls int64
	CacheHits     int64
	Cost          price.USD // of the priced calls
	Saved         price.USD
	Usage         llm.Usage
	LatencyP50    time.Duration
	LatencyP95    time.Duration
	TTFTP50       time.Duration // over streams; 0 = none
	TTFTP95       time.Duration
}

// CostRow is one group of a CostQuery, with its group's values in the order of By. Times are RFC 3339 days
// ("2026-11-24"), months ("2026-11"), hours and minutes ("2026-11-24T08:00:00Z").
type CostRow struct {
	Group []string
	Sums
}

// Costs is the answer to a CostQuery, rows ordered by time first, then by cost downwards.
type Costs struct {
	Rows  []CostRow
	Total Sums
}

// Facet is a value of a column with the number of calls that have it.
type Facet struct {
	Value string `json:"value"`
	Calls int64  `json:"calls"`
}

// UnpricedModel is a model that answered calls and has no price.
type UnpricedModel struct {
	Provider, Model string
	Calls           int64
	LastSeen        time.Time
}

// Reader answers questions about the record. Safe for concurrent use. ErrAway is in the chain of an error that
// means the store is not there at the moment.
type Reader interface {
	// Calls lists calls, newest first. limit is 1..1000. ErrBadCursor for a cursor that is not this list's.
	Calls(ctx context.Context, f Filter, limit int, cursor string) (Page, error)
	// Call gives one call whole, its attempts in order. ErrNoCall when there is none.
	Call(ctx context.Context, id string) (Record, error)
	// Trace gives the spans of a trace, earliest first, at most limit of them.
	Trace(ctx context.Context, traceID string, limit int) ([]CallRow, error)
	// Costs sums over rollups. Groups and filters that no rollup has are answered from the calls themselves, bounded in time.
	Costs(ctx context.Context, q CostQuery) (Costs, error)
	// Facets counts the most frequent values of project key user model provider status, at most limit of each.
	Facets(ctx context.Context, f Filter, limit int) (map[string][]Facet, error)
	// Unpriced lists models without a price in [since, until), most calls first.
	Unpriced(ctx context.Context, since, until time.Time) ([]UnpricedModel, error)
	// Export streams calls, oldest first, with their bodies when asked. The stream ends at the first error.
	Export(ctx context.Context, f Filter, bodies bool) iter.Seq2[Record, error]
}
