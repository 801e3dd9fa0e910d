package rag

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

const (
	groupChunks    = 512     // new chunks that are gathered before vectors are made of them
	groupBytes     = 8 << 20 // of text
	groupDocuments = 64
	sliceChunks    = 256 // that are embedded and written at a time

	// Documents that are looked up together, where the index can.
	lookedUpDocuments = 32
	lookedUpBytes     = 2 << 20
)

// job is a document on its way into the index.
type job struct {
	doc       Document
	chunks    []Chunk
	fresh     []int   // of chunks: those to embed
	moved     []Chunk // there, with the same text, but not as they are now
	stale     []string
	unchanged int
	saved     int64 // tokens of these
	err       error
}

// group are documents that are worked on together, so that small ones share calls.
type group struct {
	jobs         []*job
	fresh, bytes int
}

func (g *group) full() bool {
	return g.fresh >= groupChunks || g.bytes >= groupBytes || len(g.jobs) >= groupDocuments
}

// work takes documents until there are no more.
func (r *indexing) work(ctx context.Context, feed <-chan Document) {
	var g group
	var waiting []Document // to be looked up
	bytes := 0
	look := func() {
		r.lookUp(ctx, &g, waiting)
		waiting, bytes = nil, 0
	}
	_, many := r.Index.(ManyReader)
	for doc := range feed {
		if ctx.Err() != nil {
			continue
		}
		waiting, bytes = append(waiting, doc), bytes+len(doc.Text)
		if !many || len(waiting) >= lookedUpDocuments || bytes >= lookedUpBytes {
			look()
		}
	}
	look()
	r.finish(ctx, &g)
}

// lookUp finds out what is to be done for documents, and does it whenever the group is full.
func (r *indexing) lookUp(ctx context.Context, g *group, docs []Document) {
	if len(docs) == 0 || ctx.Err() != nil {
		return
	}
	have, err := r.have(ctx, docs)
	if err != nil {
		if ctx.Err() != nil {
			return
		}
		r.failedStep("read the index", err)
		err = fmt.Errorf("read what the index has of it: %w", err)
	} else {
		r.wentWell("read the index")
	}
	for i := range docs {
		j := &job{doc: docs[i], err: err}
		if err == nil {
			j.err = r.plan(j, have[docs[i].ID])
		}
		if ctx.Err() != nil {
			return
		}
		g.jobs, g.fresh, g.bytes = append(g.jobs, j), g.fresh+len(j.fresh), g.bytes+len(docs[i].Text)
		if g.full() {
			r.finish(ctx, g)
			*g = group{}
		}
	}
}

// have is what the index has of documents.
func (r *indexing) have(ctx context.Context, docs []Document) (map[string][]Chunk, error) {
	if many, ok := r.Index.(ManyReader); ok {
		ids := make([]string, len(docs))
		for i := range docs {
			ids[i] = docs[i].ID
		}
		return many.ChunksOf(ctx, r.collection.Name, ids)
	}
	out := make(map[string][]Chunk, len(docs))
	for i := range docs {
		chunks, err := r.Index.Chunks(ctx, r.collection.Name, docs[i].ID)
		if err != nil {
			return nil, err
		}
		out[docs[i].ID] = chunks
	}
	return out, nil
}

// split cuts a document; whatever its text does to the splitter is an error of that document.
func (r *indexing) split(doc *Document) (pieces []Piece, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("split the text: the splitter failed: %v\n%s", v, debug.Stack())
		}
	}()
	return r.Splitter.Split(doc), nil
}

// plan finds out what is to be done for a document that the index has these chunks of.
func (r *indexing) plan(j *job, have []Chunk) error {
	pieces, err := r.split(&j.doc)
	if err != nil {
		return err
	}
	j.chunks = chunksOf(&j.doc, pieces, r.Splitter.Version())
	byID := make(map[string]*Chunk, len(have))
	for i := range have {
		byID[have[i].ID] = &have[i]
	}
	for i := range j.chunks {
		c := &j.chunks[i]
		old, ok := byID[c.ID]
		if !ok {
			j.fresh = append(j.fresh, i)
			continue
		}
		delete(byID, c.ID)
		j.unchanged++
		j.saved += int64(c.Tokens)
		if !sameChunk(old, c) {
			j.moved = append(j.moved, *c)
		}
	}
	for i := range have {
		if _, ok := byID[have[i].ID]; ok {
			j.stale = append(j.stale, have[i].ID)
		}
	}
	return nil
}

// place is a chunk of a job.
type place struct {
	job *job
	at  int
}

// finish does what was planned: the new chunks first, then those that moved, and the old ones leave at last.
func (r *indexing) finish(ctx context.Context, g *group) {
	var fresh []place
	for _, j := range g.jobs {
		if j.err == nil {
			for _, at := range j.fresh {
				fresh = append(fresh, place{j, at})
			}
		}
	}
	for len(fresh) > 0 && ctx.Err() == nil {
		n := min(len(fresh), sliceChunks)
		r.put(ctx, fresh[:n])
		fresh = fresh[n:]
	}
	if ctx.Err() == nil {
		r.settle(ctx, g)
	}
	if len(g.jobs) > 0 {
		r.report(g, ctx.Err() == nil)
	}
}

// put embeds and writes some chunks. When an embedder refuses them, each half is tried, so that one text does not stand in the
// way of the others.
func (r *indexing) put(ctx context.Context, fresh []place) {
	texts := make([]string, 0, len(fresh))
	at := make(map[string]int, len(fresh)) // equal texts are embedded once
	for _, p := range fresh {
		text := p.job.chunks[p.at].Text
		if _, ok := at[text]; !ok {
			at[text] = len(texts)
			texts = append(texts, text)
		}
	}
	vectors, err := r.embed(ctx, texts)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil && errors.Is(err, ErrTextRefused) && len(fresh) > 1:
		r.put(ctx, fresh[:len(fresh)/2])
		r.put(ctx, fresh[len(fresh)/2:])
		return
	case err != nil:
		if !errors.Is(err, ErrTextRefused) {
			r.failedStep("make vectors", err)
		}
		giveUp(fresh, fmt.Errorf("make vectors: %w", err))
		return
	}
	r.wentWell("make vectors")
	points := make([]Point, len(fresh))
	for i, p := range fresh {
		c := p.job.chunks[p.at]
		terms, _ := r.Words.Document(c.Text, r.collection.AverageLength)
		points[i] = Point{Chunk: c, Vector: vectors[at[c.Text]], Terms: terms}
	}
	if err := r.Index.Put(ctx, r.collection.Name, points); err != nil {
		if ctx.Err() == nil {
			r.failedStep("write to the index", err)
			giveUp(fresh, fmt.Errorf("write to the index: %w", err))
		}
		return
	}
	r.wentWell("write to the index")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary.New += int64(len(fresh))
	r.summary.Embedded += int64(len(texts))
}

// embed makes vectors and looks at them.
func (r *indexing) embed(ctx context.Context, texts []string) ([][]float32, error) {
	vectors, err := r.Embedder.Embed(ctx, texts)
	if err != nil {
		return nil, err
	}
	if len(vectors) != len(texts) {
		return nil, fmt.Errorf("%s gave %d vectors of %d texts", r.collection.Embedder, len(vectors), len(texts))
	}
	for _, v := range vectors {
		if len(v) != r.collection.Dimensions {
			return nil, &DimensionsError{Model: r.collection.Embedder, Got: len(v), Want: r.collection.Dimensions}
		}
	}
	return vectors, nil
}

func giveUp(fresh []place, err error) {
	for _, p := range fresh {
		if p.job.err == nil {
			p.job.err = err
		}
	}
}

// settle brings up to date what was there, of the documents whose new chunks all are.
func (r *indexing) settle(ctx context.Context, g *group) {
	var moved []Chunk
	var stale []string
	for _, j := range g.jobs {
		if j.err == nil {
			moved, stale = append(moved, j.moved...), append(stale, j.stale...)
		}
	}
	var err error
	if len(moved) > 0 {
		err = r.Index.Describe(ctx, r.collection.Name, moved)
	}
	if err == nil && len(stale) > 0 {
		err = r.Index.Remove(ctx, r.collection.Name, stale)
	}
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.summary.Removed += int64(len(stale))
		return
	}
	r.failedStep("write to the index", err)
	for _, j := range g.jobs {
		if j.err == nil && len(j.moved)+len(j.stale) > 0 {
			j.err = fmt.Errorf("write to the index: %w", err)
		}
	}
}

// report counts what became of a group, or only what failed of one that was not finished.
func (r *indexing) report(g *group, finished bool) {
	for _, j := range g.jobs {
		if j.err != nil {
			r.fail(&DocumentError{Document: j.doc.ID, Err: j.err}, 1)
		}
	}
	if !finished {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, j := range g.jobs {
		r.progress.Bytes += int64(len(j.doc.Text))
		if j.err != nil {
			continue
		}
		r.summary.Documents++
		r.summary.Chunks += int64(len(j.chunks))
		r.summary.Unchanged += int64(j.unchanged)
		r.saved += j.saved
	}
	if r.Progress != nil {
		p := r.progress
		p.Documents, p.Chunks, p.Size, p.Elapsed = r.summary.Documents, r.summary.Chunks, r.Size, time.Since(r.begun)
		r.Progress(p)
	}
}
