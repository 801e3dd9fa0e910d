// Package trace is the record of what happened: spans, their bodies, and the contracts of those who write and read them.
package trace

import (
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// Kind says what a span stands for. Money is counted on spans of kind Call only.
type Kind string

// A Call is what a client asked and got; its Attempts are the tries at providers underneath it.
const (
	KindCall    Kind = "call"
	KindAttempt Kind = "attempt"
)

// What weir does for a call of a RAG pipeline, as spans beneath it: a KindChain of its stages, and of these one that generates text,
// makes a vector, searches or reorders what was found. The calls to models that a stage makes are calls of their own.
const (
	KindChain      Kind = "chain"
	KindGeneration Kind = "generation"
	KindEmbedding  Kind = "embedding"
	KindRetrieval  Kind = "retrieval"
	KindReranker   Kind = "reranker"
)

// Status is how a call ended, as its client saw it.
type Status string

// An upstream that fails or is cut mid-stream is StatusError; StatusCut is a budget's cut only.
const (
	StatusOK           Status = "ok"
	StatusError        Status = "error"
	StatusClientClosed Status = "client_closed"
	StatusBudget       Status = "budget"
	StatusRateLimited  Status = "rate_limited"
	StatusCut          Status = "cut"
)

// Cache is what the response cache had to do with a call.
type Cache string

// CacheOff: the cache was not asked.
const (
	CacheOff      Cache = "off"
	CacheMiss     Cache = "miss"
	CacheHit      Cache = "hit"
	CacheSemantic Cache = "semantic"
)

// Span is one immutable row, written once, when it is complete.
type Span struct {
	ID       string // opaque; of a call, what X-Weir-Call-Id says
	TraceID  string // 32 hex digits
	SpanID   string // 16 hex digits
	ParentID string // 16 hex digits, or "" at the root
	Kind     Kind

	Start    time.Time     // UTC, to the microsecond
	Duration time.Duration // until the last byte was relayed or given up
	TTFT     time.Duration // until the first byte of content of a stream; 0 = not known (plain answers have none)

	Project string
	KeyID   string
	Key     string // the key's name at that time
	User    string
	Session string
	Tags    map[string]string

	Endpoint       llm.Endpoint
	Path           string // as asked, without the query; tells passthrough calls apart
	Stream         bool
	Provider       string // configured name; "" when none was reached
	ModelRequested string // what the client asked for
	Model          string // as the answer named it, else as asked upstream
	ResponseID     string // the provider's own id of the answer

	Status        Status
	HTTPStatus    int    // what the client saw; 0 when it left before a status
	ErrorCode     string // Error.Type, or ""
	Error         *llm.Error
	FinishReasons []string
	ServiceTier   string

	Usage       llm.Usage
	UsageSource llm.UsageSource
	UsageRaw    string // the provider's usage object as it came, "" if none
	Units       llm.Units

	Cost         price.USD // meaningless when PriceStatus is Unpriced: see KnownCost
	Saved        price.USD // what a cache hit would have cost
	Held         price.USD // what was held for a call that was lost
	PriceStatus  price.Status
	PriceVersion string
	PriceRule    string
	CostLines    []price.Line
	ProviderCost string // decimal dollars as the provider reported them, beside our own cost

	Cache         Cache
	CacheNeighbor string  // id of the call whose answer this one got, of a CacheSemantic answer
	CacheScore    float64 // how like their questions are, from 0 to 1
	Attempts      int
	Prompt        string // name of the prompt template
	PromptVersion int    // 0 = none
	PromptHash    string // of the version's content
	// PromptRevision is the revision of the label that named the version, 0 when its number did.
	PromptRevision int64
	Experiment     string
	Arm            string
	Epoch          int    // of the experiment's weights, from 1; 0 = not part of its analysis
	Unit           string // what the arm was assigned by
	OwnText        int    // bytes of the user's own text; 0 outside of experiments

	Flags []string // what is remarkable about the row: usage_clamped, cost_clamped, unmetered, response_truncated, encoding_mismatch, …
}

// KnownCost gives the cost, and false when it is not known.
func (s *Span) KnownCost() (price.USD, bool) {
	return s.Cost, s.PriceStatus == price.Exact || s.PriceStatus == price.Default
}

// End is when the span ended.
func (s *Span) End() time.Time { return s.Start.Add(s.Duration) }

// Body is what was said, as recorded under the project's content policy. Bytes are as they were on the wire: a
// stream's response is its event stream.
type Body struct {
	Request  []byte
	Response []byte
}

// Record is everything known of one call: its own span, its attempts' spans, its bodies.
type Record struct {
	Call     Span
	Attempts []Span
	Body     Body
}
