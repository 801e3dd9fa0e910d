// Package llm is the vocabulary of weir: a call to a language model, its answer, its usage and its errors, in the wire forms they travel in.
package llm

import (
	"context"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// Sender carries one call to something that answers it: a provider, or a stage wrapped around another Sender.
//
// Send returns when the head of the answer is there; the body follows through Response.Body, which the caller must
// close. An answer of any HTTP status is a Response with a nil error: a provider's own refusal is an answer. An error
// means that there is no answer to relay, and is a *Fault whenever weir knows what happened. The Call belongs to
// the caller; a stage that must change it sends a copy (Call.Clone). Implementations are safe for concurrent use.
type Sender interface {
	Send(ctx context.Context, call *Call) (*Response, error)
}

// SenderFunc makes a function a Sender.
type SenderFunc func(ctx context.Context, call *Call) (*Response, error)

// Send calls f.
func (f SenderFunc) Send(ctx context.Context, call *Call) (*Response, error) { return f(ctx, call) }

// Endpoint names what is asked of a model, in the spelling that records, filters and cost tables use.
type Endpoint string

// The endpoints weir models. Everything else under /v1 is Passthrough: carried, recorded, not understood.
const (
	ChatCompletions Endpoint = "chat.completions"
	Completions     Endpoint = "completions"
	Embeddings      Endpoint = "embeddings"
	Responses       Endpoint = "responses"
	Messages        Endpoint = "messages"
	CountTokens     Endpoint = "messages.count_tokens" // free of charge
	Models          Endpoint = "models"
	Passthrough     Endpoint = "passthrough"
)

// Dialect is a provider's wire form: whose field names, events and error shapes a body uses.
type Dialect string

// The dialects. Every OpenAI-compatible server speaks OpenAI; its departures are Quirks.
const (
	OpenAI    Dialect = "openai"
	Anthropic Dialect = "anthropic"
	Gemini    Dialect = "gemini"
	Cohere    Dialect = "cohere"
)

// Call is one request to a model, on somebody's account.
type Call struct {
	ID       string    // opaque and time-sortable, see NewID; the client reads it in X-Weir-Call-Id
	TraceID  string    // 32 hex digits
	SpanID   string    // 16 hex digits, this call's own span
	ParentID string    // 16 hex digits of the caller's span, or ""
	Start    time.Time // when the request line was read

	Endpoint Endpoint
	Dialect  Dialect     // of the body, and so of the answer the client expects
	Method   string      // HTTP method
	Path     string      // path and query after /v1, with its leading slash: "/chat/completions"
	Header   http.Header // the client's headers that may go upstream; never its credentials, never X-Weir-*
	Body     []byte      // the client's bytes, unchanged; nil for GET

	Model  string // what the client asked for; "" when the endpoint names none. Below routing, the target's model
	Stream bool   // the client asked for an event stream

	// AskedUsage says that the client itself asked for usage in the stream (stream_options.include_usage).
	AskedUsage bool

	Project string            // on whose account
	KeyID   string            // id of the virtual key, "" without one
	Key     string            // name of the virtual key
	User    string            // end user, from X-Weir-User, the body's user, metadata or a peer's header
	Session string            // conversation
	Tags    map[string]string // from X-Weir-Tags and its like; never nil keys, bounded by ingest

	// Cache is what the client asked of the response cache: the value of X-Weir-Cache, or "".
	Cache string

	// Prompt names a version of a prompt, as X-Weir-Prompt does: name@label, name@7; or "".
	Prompt string
	// Arm asks for an arm of an experiment, to try it, as X-Weir-Arm does: ARM, EXPERIMENT/ARM; or "".
	Arm string
	// Use says which prompt and arm the call is made with. The stage that finds them fills it in before it sends the call
	// on; a call and its clones share it. Nil when nobody asks.
	Use *Use

	Provider     string // of a Passthrough call: where the project sends such calls; "" lets the model decide
	UpstreamAuth string // Authorization value a passthrough client brought for the provider itself; "" uses weir's own
}

// Clone returns a copy whose maps and headers may be changed. Body is shared: replace it, never write into it.
func (c *Call) Clone() *Call {
	d := *c
	d.Header = c.Header.Clone()
	if c.Tags != nil {
		d.Tags = make(map[string]string, len(c.Tags))
		maps.Copy(d.Tags, c.Tags)
	}
	return &d
}

// Response is the head of an answer, with its body still to come.
type Response struct {
	Status int
	Header http.Header   // the provider's headers that may reach the client
	Body   io.ReadCloser // identity-encoded; a stream's Read returns as soon as bytes are there
	Stream bool          // Body is an event stream (text/event-stream)

	Provider string  // configured name of the provider that answered
	PriceAs  string  // the provider's name in the price book
	Model    string  // model it was asked for, in the provider's spelling
	Dialect  Dialect // of Body
	Quirks   Quirks  // how the provider's usage departs from its dialect

	// UsageAsked says that weir, not the client, asked for usage in the stream: a chunk with empty choices that
	// carries it is metered and then kept from the client.
	UsageAsked bool

	// Outcome, if not nil, is what the metering of a translated answer found in the provider's own form, which Body
	// no longer holds in full; it stands in for a meter over Body. Call it from the goroutine that reads Body, when
	// Body has ended, gave its terminal event or is given up; cut says that it was broken off. Further calls repeat
	// the first.
	Outcome func(cut bool) Outcome
	// Spent, if not nil, says what calls of weir's own that were made for this one cost, in nanodollars, and false when that is
	// not known. The client is told; money is counted on those calls' records. Call it like Outcome, as often as wanted.
	Spent func() (nanodollars int64, known bool)
	// Dropped names the request's members that had no counterpart at the provider and were left out, because the
	// answer means the same without them. The client is told.
	Dropped []string

	// Cache is what the response cache had to do with the answer. An answer out of it names the provider and the model
	// that gave it, has no Attempts and costs nothing.
	Cache CacheUse
	// CacheNeighbor is the id of the call whose question was like this one's, and CacheScore how like, from 0 to 1: their
	// cosine similarity. Of a CacheSemantic answer only.
	CacheNeighbor string
	CacheScore    float64

	Attempts []Attempt // every try, the answering one last; none when the answer came out of the cache
}

// CacheUse is what the response cache had to do with an answer, in the words of X-Weir-Cache. The zero value: it was not
// asked.
type CacheUse string

// Hit: the answer came out of the cache. Semantic: it is that of a question like this one. Miss: it did not come out of it,
// though the cache was asked.
const (
	CacheHit      CacheUse = "hit"
	CacheSemantic CacheUse = "semantic"
	CacheMiss     CacheUse = "miss"
)

// ContentLength is the announced length of the body, or -1.
func (r *Response) ContentLength() int64 {
	n, err := strconv.ParseInt(r.Header.Get("Content-Length"), 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// Attempt is one try at one provider.
type Attempt struct {
	SpanID   string // 16 hex digits
	Provider string
	PriceAs  string // the provider's name in the price book
	Model    string // in the provider's spelling
	Start    time.Time
	Duration time.Duration // until the head of the answer, or the failure
	Status   int           // HTTP status; 0 when no answer came
	Err      *Error        // nil for an attempt that answered
}

// Quirks are the ways in which a provider's accounting departs from its dialect's. The zero value is OpenAI's own.
type Quirks struct {
	// ReasoningApart: reasoning tokens are counted beside completion_tokens, unless total_tokens is the sum of the
	// other two (xAI).
	ReasoningApart bool
	// TotalHoldsReasoning: what total_tokens has over prompt and completion is reasoning (Gemini's OpenAI endpoint).
	TotalHoldsReasoning bool
}
