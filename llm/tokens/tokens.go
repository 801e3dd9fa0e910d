// Package tokens counts tokens exactly as OpenAI's o200k_base and cl100k_base encodings do.
package tokens

import (
	"sync"
	"unsafe"
)

// An Encoding names a byte-pair vocabulary and the rule that cuts text before merging.
// Any other value counts as O200k.
type Encoding string

// The encodings that are counted exactly.
const (
	O200k  Encoding = "o200k_base"  // GPT-4o and everything OpenAI released after it
	CL100k Encoding = "cl100k_base" // GPT-4, GPT-3.5 and the text-embedding models
)

// Count returns the number of tokens text has under enc. All of text is ordinary text: what looks like a special
// token (<|endoftext|>) is counted as its characters. Each byte that is not part of valid UTF-8 counts as U+FFFD,
// which is also what encoding/json makes of it.
//
// The time grows as n·log n whatever the text is, and memory beside the text stays under one megabyte: a run that the
// encoding does not cut (a megabyte of one letter) is merged in overlapping windows whose results are joined exactly.
// Prose takes about 8 ns a byte, such a run some 200: nothing is capped, so bound the text where that matters.
// Count allocates nothing but that pooled memory, and only for runs of 128 bytes and more, or for invalid UTF-8
// (up to three times the text, kept for reuse when it is under 1 MiB).
//
// The first use of an encoding loads it; see Warm. Count is safe for concurrent use and does not keep text.
func Count(enc Encoding, text []byte) int {
	if len(text) == 0 {
		return 0
	}
	return load(enc).count(text)
}

// CountString is Count for a string.
func CountString(enc Encoding, text string) int {
	// The bytes are only read.
	return Count(enc, unsafe.Slice(unsafe.StringData(text), len(text)))
}

// Warm loads encs ahead of their first use, so that no request waits for it. Loading costs some tens of milliseconds
// and 2 to 5 MB for each encoding; loading one again costs nothing.
func Warm(encs ...Encoding) {
	for _, enc := range encs {
		load(enc)
	}
}

var (
	loadO200k  = sync.OnceValue(func() *vocabulary { return mustLoad(O200k, o200kSum, nextO200k) })
	loadCL100k = sync.OnceValue(func() *vocabulary { return mustLoad(CL100k, cl100kSum, nextCL100k) })
)

func load(enc Encoding) *vocabulary {
	if enc == CL100k {
		return loadCL100k()
	}
	return loadO200k()
}
