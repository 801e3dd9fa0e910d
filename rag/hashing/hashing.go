// Package hashing makes vectors of texts without a model: their words, pairs of words and pieces of words, hashed into a few
// dimensions.
package hashing

import (
	"context"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/weir-dev/weir/rag"
)

// What a feature weighs. Short words are mostly those that every text has; pieces find words of one stem.
const (
	wordWeight  = 1
	shortWeight = 0.25
	pairWeight  = 0.5
	pieceWeight = 0.4
	short       = 3  // letters of a short word
	piece       = 4  // letters of a piece of a word
	longest     = 64 // bytes of a word that are looked at
)

// Embedder makes the same vector of the same text everywhere and always, with no call to anybody: for tests, for
// demonstrations, and to see what a real model is better by. Texts are near when they share words; it knows no synonyms. Safe
// for concurrent use.
type Embedder struct{ dimensions int }

var _ rag.Embedder = Embedder{}

// New makes an Embedder of so many dimensions, at least 1.
func New(dimensions int) Embedder { return Embedder{dimensions: max(dimensions, 1)} }

// Model is hashing-v1 and the number of dimensions.
func (e Embedder) Model() string { return fmt.Sprintf("hashing-v1/%d", e.dimensions) }

// Dimensions of the vectors.
func (e Embedder) Dimensions() int { return e.dimensions }

// Embed makes the vectors. The error is the context's.
func (e Embedder) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	vectors := make([][]float32, 0, len(texts))
	for _, text := range texts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		vectors = append(vectors, e.vector(text))
	}
	return vectors, nil
}

func (e Embedder) vector(text string) []float32 {
	counts := make(map[uint64]float64)
	var before uint64
	for word := range words(text) {
		h := hash('w', word)
		if utf8.RuneCountInString(word) <= short {
			counts[h] += shortWeight
		} else {
			counts[h] += wordWeight
			for p := range pieces(word) {
				counts[hash('p', p)] += pieceWeight
			}
		}
		if before != 0 {
			counts[mix(before*31+h)] += pairWeight
		}
		before = h
	}
	sums := make([]float64, e.dimensions)
	for h, n := range counts {
		// A word's tenth time says less than its first. Weights are whole sixty-five-thousandths, whose sums are exact: the
		// order in which a map gives them does not show.
		weight := math.Round(math.Sqrt(n)*(1<<16)) / (1 << 16)
		if h>>63 == 1 {
			weight = -weight
		}
		sums[h&(1<<62-1)%uint64(e.dimensions)] += weight
	}
	var square float64
	for _, x := range sums {
		square += x * x
	}
	vector := make([]float32, e.dimensions)
	if square == 0 { // no words, or such as cancel out: still a place of its own
		vector[0] = 1
		return vector
	}
	for i, x := range sums {
		vector[i] = float32(x / math.Sqrt(square))
	}
	return vector
}

// words gives the words of a text in lower case.
func words(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }) {
			word = strings.ToLower(word)
			if len(word) > longest {
				word = word[:longest]
			}
			if !yield(word) {
				return
			}
		}
	}
}

// pieces gives the runs of letters of a word, with marks where it begins and ends.
func pieces(word string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		word = "<" + word + ">"
		var starts [2*longest + 3]int
		n := 0
		for i := range word {
			starts[n] = i
			n++
		}
		starts[n] = len(word)
		for i := 0; i+piece <= n; i++ {
			if !yield(word[starts[i]:starts[i+piece]]) {
				return
			}
		}
	}
}

// hash is FNV-1a of a mark and a text, mixed.
func hash(mark byte, text string) uint64 {
	h := uint64(14695981039346656037)
	h = (h ^ uint64(mark)) * 1099511628211
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return mix(h)
}

// mix spreads a hash over all its bits, since the highest is a sign and the lowest are a place.
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
