// Package cache answers a call again from memory when an equal one was answered before, on the same project's account.
package cache

import (
	"context"
	"net/http"
	"time"

	"github.com/weir-dev/weir/llm"
)

// Store keeps entries, bounded by bytes. An entry belongs to the store once it is put and is never changed after: whoever
// gets it reads only. An implementation may forget any entry at any time. Safe for concurrent use.
type Store interface {
	// Get gives the entry with this key that has not expired; nil when there is none.
	Get(ctx context.Context, key Key) (*Entry, error)
	// Put keeps an entry until it expires, in place of the one that has the key. One too large for the store is left out.
	Put(ctx context.Context, key Key, e *Entry) error
	// Purge removes what the filter picks, and says how many entries that were.
	Purge(ctx context.Context, f Filter) (int, error)
	// Usage says what the store holds.
	Usage(ctx context.Context) (Usage, error)
}

// Key is a hash of all that an answer depends on, the project first.
type Key [32]byte

// Entry is a complete, successful answer and what there is to know of it.
type Entry struct {
	Project   string // of the call it answered
	Call      string // that call's id
	Requested string // the model it asked for
	Tags      map[string]string

	Stored  time.Time
	Expires time.Time

	Header http.Header // that may be repeated to another client
	Body   []byte      // as the provider sent it
	Stream bool        // Body is an event stream

	Provider string
	PriceAs  string
	Model    string // in the provider's spelling
	Dialect  llm.Dialect
	Quirks   llm.Quirks
	Dropped  []string
	// UsageOnAsking: usage stands in the stream because the client or weir asked for it; others do not see it.
	UsageOnAsking bool
	Uncounted     bool        // Body leaves out the usage, which is known all the same
	Outcome       llm.Outcome // what the metering of the answer found
}

// Filter picks entries; the zero value picks all. Every field that is set must fit.
type Filter struct {
	Project   string
	Model     string            // as asked for, as asked upstream, or as the answer named it
	Tags      map[string]string // of the call that filled the entry
	OlderThan time.Duration
}

// Usage is what a store holds, and what it has let go since it was made.
type Usage struct {
	Entries   int64
	Bytes     int64
	MaxBytes  int64
	Evictions int64 // entries that made room for others
	Expired   int64 // entries that came to the end of their time
}

// overhead is about what an entry takes in bytes beside its body, headers and texts.
const overhead = 1 << 10

// Bytes is about how much memory the entry takes.
func (e *Entry) Bytes() int {
	n := overhead + len(e.Body) + len(e.Outcome.UsageRaw)
	for k, values := range e.Header {
		n += len(k)
		for _, v := range values {
			n += len(v)
		}
	}
	for k, v := range e.Tags {
		n += len(k) + len(v)
	}
	return n
}

// Picks says whether the filter picks an entry.
func (f *Filter) Picks(e *Entry, now time.Time) bool {
	if f.Project != "" && f.Project != e.Project {
		return false
	}
	if f.Model != "" && f.Model != e.Requested && f.Model != e.Model && f.Model != e.Outcome.Model {
		return false
	}
	if f.OlderThan > 0 && now.Sub(e.Stored) < f.OlderThan {
		return false
	}
	for k, v := range f.Tags {
		if e.Tags[k] != v {
			return false
		}
	}
	return true
}
