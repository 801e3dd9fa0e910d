// Package bm25 makes sparse vectors of texts as Qdrant's own BM25 model does.
package bm25

import (
	"cmp"
	"math"
	"slices"

	"github.com/twmb/murmur3"

	"github.com/weir-dev/weir/rag"
)

// The parameters of the weights, as Qdrant's model has them.
const (
	k1 = 1.2
	b  = 0.75
	// DefaultAverage stands in for the average length of a corpus that nobody has measured.
	DefaultAverage = 256
)

// BM25 is a rag.Words. The zero value is ready.
type BM25 struct{}

var _ rag.Words = BM25{}

// Document is the package's Document.
func (BM25) Document(text string, average float64) (terms rag.Terms, words int) {
	return Document(text, average)
}

// Query is the package's Query.
func (BM25) Query(text string) rag.Terms { return Query(text) }

// ID is a word's place in a sparse vector: the absolute value of murmur3's 32 bits, taken as a signed number.
func ID(word string) uint32 {
	n := int32(murmur3.StringSum32(word))
	if n < 0 {
		return uint32(-int64(n))
	}
	return uint32(n)
}

// Document weighs the words of a passage: how often each is there, dampened, and against the length of the passage beside the
// corpus' average, in words; an average of 0 or less is DefaultAverage. Words whose ids collide have their weights added up.
// words is the passage's own length.
func Document(text string, average float64) (terms rag.Terms, words int) {
	list := Words(text)
	return weigh(list, average), len(list)
}

func weigh(words []string, average float64) rag.Terms {
	if average <= 0 {
		average = DefaultAverage
	}
	times := make(map[string]int, len(words))
	for _, word := range words {
		times[word]++
	}
	norm := k1 * (1 - b + b*float64(len(words))/average)
	all := make([]weighted, 0, len(times))
	for word, n := range times {
		all = append(all, weighted{ID(word), float64(n) * (k1 + 1) / (norm + float64(n))})
	}
	// By weight too, so that a sum of three does not depend on the order of a map.
	slices.SortFunc(all, func(x, y weighted) int { return cmp.Or(cmp.Compare(x.id, y.id), cmp.Compare(x.weight, y.weight)) })
	var terms rag.Terms
	for i := 0; i < len(all); {
		sum, id := 0.0, all[i].id
		for ; i < len(all) && all[i].id == id; i++ {
			sum += all[i].weight
		}
		terms.IDs, terms.Weights = append(terms.IDs, id), append(terms.Weights, float32(sum))
	}
	return terms
}

type weighted struct {
	id     uint32
	weight float64
}

// Query gives the distinct words of a question, each with weight 1; a store multiplies by IDF.
func Query(text string) rag.Terms {
	var terms rag.Terms
	for _, word := range Words(text) {
		terms.IDs = append(terms.IDs, ID(word))
	}
	slices.Sort(terms.IDs)
	terms.IDs = slices.Compact(terms.IDs)
	for range terms.IDs {
		terms.Weights = append(terms.Weights, 1)
	}
	return terms
}

// IDF is how much a word says that is in `with` of `all` passages.
func IDF(all, with int64) float64 {
	return math.Log(1 + (float64(all)-float64(with)+0.5)/(float64(with)+0.5))
}
