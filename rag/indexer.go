package rag

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/weir-dev/weir/price"
)

// Indexer puts documents into a collection so that only what changed is embedded. The fields are not changed once it runs;
// those before Price are needed.
type Indexer struct {
	Index      Index
	Embedder   Embedder
	Splitter   Splitter
	Words      Words
	Collection string // or an alias; a collection that is not there is made

	Price func(tokens int64) (price.USD, bool) // of vectors of texts with so many tokens; nil: not known
	// Dimensions of the vectors; 0: as the collection has them, or as many as the model gives.
	Dimensions int
	// Prune removes documents that were not among those read, when all could be read.
	Prune bool
	// Workers is how many groups of documents are worked on at a time; 0 is 4. Each holds some megabytes.
	Workers int
	// Failures in a row, of the same kind, after which indexing stops, since those that follow would fail alike; 0 is 5.
	Failures int
	// Size is how many bytes of text there are in all, for Progress; 0: not known.
	Size int64
	// Progress is told after each group of documents, one call at a time; nil: nobody is.
	Progress func(Progress)
}

const (
	defaultWorkers  = 4
	defaultFailures = 5
	sampleBytes     = 1 << 20 // of text that the average length is measured by
	sampleDocuments = 256
	maxErrors       = 10_000 // that a summary lists
)

// Run indexes the documents. Each one is on its own: what is wrong with it goes to the summary's errors, and its old chunks
// stay. The new chunks of a document are in the index before its old ones leave it, so that a run which was cut short, even by
// the death of the process, is ended by the same run again. The error is about the run as a whole: the context's, the
// collection's, or that it was stopped after failures in a row; the summary then says how far it came.
//
// An error among the documents should be a *DocumentError. Text is taken from Document.Text without a copy.
func (x *Indexer) Run(ctx context.Context, docs iter.Seq2[Document, error]) (Summary, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &indexing{Indexer: x, cancel: cancel, begun: time.Now(), seen: make(map[[16]byte]struct{})}
	err := r.run(ctx, docs)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.summary.Errors == nil {
		r.summary.Errors = []IndexFailed{}
	}
	if r.more > 0 {
		r.summary.Errors = append(r.summary.Errors, IndexFailed{Error: fmt.Sprintf("and %d more", r.more)})
	}
	if x.Price != nil {
		if usd, ok := x.Price(r.saved); ok {
			r.summary.SavedUSD = &usd
		}
	}
	return r.summary, err
}

// indexing is one run.
type indexing struct {
	*Indexer
	collection Collection // as it is in the index
	begun      time.Time
	cancel     context.CancelCauseFunc
	seen       map[[16]byte]struct{} // hashes of the ids read; the reader's alone
	unread     bool                  // documents of unknown ids could not be read; the reader's alone

	mu       sync.Mutex // guards the rest
	summary  Summary
	progress Progress
	saved    int64 // tokens that were not embedded
	more     int   // errors beyond those listed
	kind     string
	inRow    int
}

func (r *indexing) run(ctx context.Context, docs iter.Seq2[Document, error]) error {
	opened, err := r.find(ctx)
	if err != nil {
		return err
	}
	feed := make(chan Document)
	var workers sync.WaitGroup
	start := func() {
		n := r.Workers
		if n <= 0 {
			n = defaultWorkers
		}
		for range n {
			workers.Go(func() { r.work(ctx, feed) })
		}
	}
	give := func(doc Document) {
		select {
		case feed <- doc:
		case <-ctx.Done():
		}
	}
	if opened {
		start()
	}
	err = r.read(ctx, docs, opened, start, give)
	close(feed)
	workers.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err != nil || !r.Prune {
		return err
	}
	return r.prune(ctx)
}

// read gives the documents to the workers. Where there is no collection yet, the first ones are kept back to make it after.
func (r *indexing) read(ctx context.Context, docs iter.Seq2[Document, error], opened bool, start func(), give func(Document)) error {
	var sample []Document
	size := 0
	open := func() error {
		if err := r.make(ctx, sample); err != nil {
			return err
		}
		opened = true
		start()
		for _, doc := range sample {
			give(doc)
		}
		sample = nil
		return nil
	}
	for doc, err := range docs {
		if ctx.Err() != nil {
			break
		}
		if err = r.take(&doc, err); err != nil {
			r.fail(err, 1)
			continue
		}
		if opened {
			give(doc)
			continue
		}
		sample = append(sample, doc)
		if size += len(doc.Text); size >= sampleBytes || len(sample) >= sampleDocuments {
			if err := open(); err != nil {
				return err
			}
		}
	}
	if !opened && len(sample) > 0 && ctx.Err() == nil {
		return open()
	}
	return nil
}

// take looks at what was read, and notes that it was.
func (r *indexing) take(doc *Document, err error) error {
	if err != nil {
		d, ok := errors.AsType[*DocumentError](err)
		if !ok || d.Document == "" {
			r.unread = true
			return err
		}
		r.seen[idHash(d.Document)] = struct{}{}
		return err
	}
	if doc.ID == "" {
		return &DocumentError{Name: doc.Title, Err: errors.New("the document has no id")}
	}
	hash := idHash(doc.ID)
	if _, twice := r.seen[hash]; twice {
		return &DocumentError{Document: doc.ID, Err: errors.New("another document of this id was read before; the first one counts")}
	}
	r.seen[hash] = struct{}{}
	return nil
}

func idHash(id string) [16]byte {
	sum := sha256.Sum256([]byte(id))
	return [16]byte(sum[:16])
}

// fail notes an error, and that so many documents are not indexed for it.
func (r *indexing) fail(err error, documents int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.Failed += documents
	if len(r.summary.Errors) >= maxErrors {
		r.more++
		return
	}
	r.summary.Errors = append(r.summary.Errors, failed(err))
}

// failedStep counts failures of the embedder or the store, and stops the run when there were too many in a row.
func (r *indexing) failedStep(kind string, err error) {
	most := r.Failures
	if most <= 0 {
		most = defaultFailures
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kind != kind {
		r.kind, r.inRow = kind, 0
	}
	if r.inRow++; r.inRow >= most {
		r.cancel(fmt.Errorf("stopped after %d failures in a row to %s, the last: %w; what is indexed stays, run it again when that is mended", r.inRow, kind, err))
	}
}

// wentWell ends a row of failures of a kind.
func (r *indexing) wentWell(kind string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kind == kind {
		r.inRow = 0
	}
}
