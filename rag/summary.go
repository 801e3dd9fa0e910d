package rag

import (
	"errors"
	"fmt"
	"time"

	"github.com/weir-dev/weir/price"
)

// Summary is what indexing came to.
type Summary struct {
	Documents int64 `json:"documents"` // that the index now holds as they were read
	Chunks    int64 `json:"chunks"`    // of these
	New       int64 `json:"new"`       // chunks that were not there
	Unchanged int64 `json:"unchanged"` // chunks that were, with the same text
	Removed   int64 `json:"removed"`   // chunks that are not there any more
	Embedded  int64 `json:"embedded"`  // texts that vectors were made of
	// SavedUSD is what vectors of the unchanged chunks would have cost; null when the embedding model has no price.
	SavedUSD *price.USD    `json:"saved_usd"`
	Errors   []IndexFailed `json:"errors"` // never null
}

// IndexFailed is a document that is not in the index as it is, and why.
type IndexFailed struct {
	Document string `json:"document"` // its id, or what it was to be read from
	Error    string `json:"error"`
}

// Progress is how far indexing has come.
type Progress struct {
	Documents, Chunks, Failed int64
	Bytes, Size               int64 // done, and of all; Size is 0 when that is not known
	Elapsed                   time.Duration
}

// Rate is the chunks done in a second.
func (p Progress) Rate() float64 {
	if p.Elapsed <= 0 {
		return 0
	}
	return float64(p.Chunks) / p.Elapsed.Seconds()
}

// Remaining is how long the rest will take at the rate so far, and false while nobody can say.
func (p Progress) Remaining() (time.Duration, bool) {
	if p.Size <= 0 || p.Bytes <= 0 || p.Elapsed <= 0 {
		return 0, false
	}
	left := max(p.Size-p.Bytes, 0)
	return time.Duration(float64(p.Elapsed) * float64(left) / float64(p.Bytes)), true
}

// DocumentError says what is wrong with one document; the ones after it are read all the same.
type DocumentError struct {
	Document string // the id it has or would have; empty when there may be more documents than one that were not read
	// Name is what it was to be read from, where that is not its id.
	Name string
	Err  error
}

func (e *DocumentError) Error() string {
	if e.Document == "" && e.Name == "" {
		return e.Err.Error()
	}
	return fmt.Sprintf("%s: %v", e.name(), e.Err)
}

func (e *DocumentError) Unwrap() error { return e.Err }

func (e *DocumentError) name() string {
	if e.Name != "" {
		return e.Name
	}
	return e.Document
}

// failed makes a line of a summary.
func failed(err error) IndexFailed {
	if d, ok := errors.AsType[*DocumentError](err); ok {
		return IndexFailed{d.name(), d.Err.Error()}
	}
	return IndexFailed{Error: err.Error()}
}
