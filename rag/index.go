package rag

import (
	"context"
	"errors"
	"time"
)

// Errors of an Index, to be found with errors.Is in what it returns.
var (
	ErrNoCollection = errors.New("no such collection")
	// ErrOtherShape says that a collection of this name was made by another embedder, with other dimensions or by another splitter.
	ErrOtherShape = errors.New("the collection has another shape")
	// ErrAway says that the store cannot be reached now.
	ErrAway = errors.New("the vector store cannot be reached")
)

// Shape is what all points of a collection have in common.
type Shape struct {
	Embedder      string  // the embedding model
	Dimensions    int     // of its vectors
	Splitter      string  // the splitter's version, such as "recursive-1/256/32/o200k_base"
	AverageLength float64 // in words, of the corpus the BM25 weights were made for
}

// Collection is a named set of points of one shape.
type Collection struct {
	Name string
	Shape
}

// CollectionInfo is a collection as it stands.
type CollectionInfo struct {
	Collection
	Points    int64
	Documents int64
}

// DocumentInfo is a document as a collection holds it.
type DocumentInfo struct {
	ID     string
	Title  string
	Hash   string // hex SHA-256 of its text
	Chunks int
	Bytes  int // of its text, up to the end of its last chunk
	Labels map[string]string
	Tenant string
	// Indexed is when a chunk of it was last written or described; zero where the store does not keep that.
	Indexed time.Time
}

// Query asks for the nearest points by meaning, by words, or by both.
type Query struct {
	Vector []float32 // nil: not by meaning
	Terms  Terms     // each weight is 1; none: not by words. The store multiplies by the inverse document frequency
	Limit  int       // of each list
	// Tenant restricts to points of this tenant and of none; AnyTenant lifts that.
	Tenant    string
	AnyTenant bool
	// Labels restricts to points that have, for every name, one of the values.
	Labels map[string][]string
	// Exact compares with every point instead of by the approximate index.
	Exact bool
	// Vectors asks for each hit's vector too.
	Vectors bool
}

// Hit is a point that was found.
type Hit struct {
	Chunk
	Score  float64   // of this list: cosine similarity, or the BM25 score
	Vector []float32 // when the query asked for it
}

// Found is what a query found, each list best first; equal scores in the order of ids.
type Found struct {
	Dense, Sparse []Hit
}

// Index keeps points and finds them. Collections named in calls may be aliases. Implementations are safe for concurrent
// use; package ragtest is this contract as a test.
type Index interface {
	// Make makes the collection; it does nothing when one of that name and shape is there, and gives ErrOtherShape when
	// one of another shape is (AverageLength does not count for that: the one that is there is kept).
	Make(ctx context.Context, c Collection) error
	// Collections lists what there is, by name.
	Collections(ctx context.Context) ([]CollectionInfo, error)
	// Collection gives the one of this name or alias, or ErrNoCollection.
	Collection(ctx context.Context, name string) (CollectionInfo, error)
	// Drop removes a collection and its points; none of that name is no error. One that an alias points at is refused.
	Drop(ctx context.Context, name string) error

	// Put writes points; a point whose id is there is replaced. When it returns they can be found.
	Put(ctx context.Context, collection string, points []Point) error
	// Describe replaces all but Text, vector and terms of points that are there: an unchanged passage moved in its document.
	Describe(ctx context.Context, collection string, chunks []Chunk) error
	// Remove removes points by id; ids that are not there are no error.
	Remove(ctx context.Context, collection string, ids []string) error
	// Chunks lists the chunks of one document by ordinal.
	Chunks(ctx context.Context, collection, document string) ([]Chunk, error)
	// Get gives chunks by id in the order asked, without those that are not there.
	Get(ctx context.Context, collection string, ids []string) ([]Chunk, error)
	// Documents lists documents by id, those after the id `after`, at most limit.
	Documents(ctx context.Context, collection, after string, limit int) ([]DocumentInfo, error)
	// Search finds points; both lists come of one request to the store.
	Search(ctx context.Context, collection string, q Query) (Found, error)

	// Aliases maps each alias to its collection.
	Aliases(ctx context.Context) (map[string]string, error)
	// Point moves the alias to the collection, at once for every reader. A query under way finishes on the old one.
	Point(ctx context.Context, alias, collection string) error
	// Unpoint removes the alias; none of that name is no error.
	Unpoint(ctx context.Context, alias string) error
}

// ManyReader is an Index that reads the chunks of several documents in less time than one by one.
type ManyReader interface {
	// ChunksOf lists the chunks of each document by ordinal, as Index.Chunks does; a document without any is not there.
	ChunksOf(ctx context.Context, collection string, documents []string) (map[string][]Chunk, error)
}

// Settler is an Index whose searches cost less once it knows that writing is over for now; see Settling.
type Settler interface {
	// Settle arranges what was written to a collection for searching, where that is enough to be worth the work. What is found does
	// not depend on it. It may be called at any time, by several at once.
	Settle(ctx context.Context, collection string) error
}

// Embedder makes vectors of texts. Implementations are safe for concurrent use.
type Embedder interface {
	// Embed gives one vector of length 1 for each text, in order. What it cost is in the records of the calls it made.
	Embed(ctx context.Context, texts []string) ([][]float32, error)
	// Model names it in a Shape.
	Model() string
}
