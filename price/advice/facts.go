package advice

import (
	"time"

	"github.com/weir-dev/weir/price"
)

// Facts are sums over recorded calls, as a store tells them. Each list may leave out groups that are too small to matter.
type Facts struct {
	Span  Span
	Calls int64
	Cost  price.USD // of the priced calls

	Users     []UserSpend
	Repeats   []Repeat
	Prefixes  []Prefix
	Writes    []Writes
	Inputs    []Inputs
	Histories []Histories
	Failures  []Failures
	Cuts      []Cuts
	Outputs   []Outputs
}

// Group is what the calls of a fact have in common. Empty fields mean none.
type Group struct {
	Project, Provider, Model, Prompt, Key, User string
}

// UserSpend is what one end user's calls cost.
type UserSpend struct {
	User  string
	Calls int64
	Cost  price.USD
}

// Repeat is one request that came several times, letter for letter, and was not answered from the response cache.
type Repeat struct {
	Group
	Endpoint string
	Calls    int64
	Cost     price.USD // of all of them
	// Spared is what the calls cost without the dearest of each CacheLife: no less would have been saved by a response cache that
	// keeps an answer that long.
	Spared price.USD
	Hits   int64 // calls without one of each CacheLife
	IDs    []string
}

// CacheLife is how long an answer is taken to be kept by the response cache.
const CacheLife = time.Hour

// Prefix is what calls cost whose requests begin with the same bytes and of which nothing was read from the provider's cache.
type Prefix struct {
	Group
	Calls    int64
	Unread   int64 // calls that began as another did within ReadLife, and read nothing
	Firsts   int64 // calls that were the first of their ReadLife
	Bytes    int64 // that the calls of Unread had in common with the one before, all together
	Requests int64 // bytes of all requests
	Input    int64 // tokens of all requests
	IDs      []string
}

// ReadLife is how long a provider keeps a prompt at least.
const ReadLife = 5 * time.Minute

// Writes are cache writes.
type Writes struct {
	Group
	Calls    int64 // that wrote
	Unread   int64 // of those: nothing of the same key and model read from the cache while the write lasted
	Unread5m int64 // tokens of those, by how long they last
	Unread1h int64
	Written  int64 // tokens of all
	Read     int64 // tokens that were read from the cache
	IDs      []string
}

// Inputs are the input tokens of calls with one prompt, or without a prompt of one user.
type Inputs struct {
	Group
	Calls  int64
	Median int64
	P95    int64
	Long   int64 // calls above LongTimes the median
	Excess int64 // tokens of those above LongTimes the median
	Cost   price.USD
	IDs    []string
}

// LongTimes the median is a long input.
const LongTimes = 3

// Histories are the calls of sessions whose input was at least HistoryFrom tokens and more than HistoryTimes their output.
type Histories struct {
	Group
	Sessions int64
	Calls    int64
	Input    int64
	Output   int64
	Excess   int64 // input tokens above HistoryFrom
	Cost     price.USD
	IDs      []string
}

// What makes a long history for a short answer, in a session of at least HistoryTurns calls.
const (
	HistoryFrom  = 8_000
	HistoryTimes = 50
	HistoryTurns = 8
)

// Failures are calls that did not end well, were charged, and were followed by an equal request within AgainWithin.
type Failures struct {
	Group
	Calls int64
	Cost  price.USD
	IDs   []string
}

// Cuts are calls whose answer was cut by its limit, and that were followed by another with the same last message of the same user
// within AgainWithin.
type Cuts struct {
	Group
	Calls int64     // cut
	Again int64     // of those, asked again
	Cost  price.USD // of those
	IDs   []string
}

// AgainWithin is how soon a request counts as asked again.
const AgainWithin = 15 * time.Minute

// Outputs are the calls of a model to an endpoint that answers in text.
type Outputs struct {
	Group
	Calls  int64
	Input  int64 // tokens, uncached
	Cached int64 // tokens read from the cache
	Output int64 // tokens
	P95    int64 // of output tokens
	Cost   price.USD
	IDs    []string
}
