package rag

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// find looks for the collection, and says whether it is there.
func (r *indexing) find(ctx context.Context) (bool, error) {
	info, err := r.Index.Collection(ctx, r.Indexer.Collection)
	switch {
	case errors.Is(err, ErrNoCollection):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look for the collection %s: %w", r.Indexer.Collection, err)
	}
	r.collection = info.Collection
	return true, r.fits()
}

// fits says what is wrong with the collection that is there.
func (r *indexing) fits() error {
	c, model, splitter := &r.collection, r.Embedder.Model(), r.Splitter.Version()
	const remedy = "index into a new collection and swap, or set the pipeline back"
	switch {
	case c.Embedder != model:
		return fmt.Errorf("collection %s: %w: it was made with the embedding model %s, not %s; %s", c.Name, ErrOtherShape, c.Embedder, model, remedy)
	case c.Splitter != splitter:
		return fmt.Errorf("collection %s: %w: it was made by the splitter %s, not %s; %s", c.Name, ErrOtherShape, c.Splitter, splitter, remedy)
	case r.Dimensions > 0 && c.Dimensions != r.Dimensions:
		return fmt.Errorf("collection %s: %w: its vectors are of %d dimensions, not %d; %s", c.Name, ErrOtherShape, c.Dimensions, r.Dimensions, remedy)
	}
	return nil
}

// make makes the collection, after some of the documents that it is for: their average length is that of the corpus for good.
func (r *indexing) make(ctx context.Context, sample []Document) error {
	shape := Shape{Embedder: r.Embedder.Model(), Dimensions: r.Dimensions, Splitter: r.Splitter.Version()}
	var chunks, words int
	text := ""
	for i := range sample {
		pieces, err := r.split(&sample[i])
		if err != nil {
			continue // it is said when the document's turn comes
		}
		for _, p := range pieces {
			text = sample[i].Text[p.Start:p.End]
			_, n := r.Words.Document(text, 1)
			chunks, words = chunks+1, words+n
		}
	}
	if words > 0 {
		shape.AverageLength = math.Round(100*float64(words)/float64(chunks)) / 100
	}
	if shape.Dimensions == 0 {
		if text == "" {
			text = "weir"
		}
		vectors, err := r.Embedder.Embed(ctx, []string{text})
		if err != nil {
			return fmt.Errorf("find out the dimensions of %s's vectors: %w; or set embedding.dimensions", shape.Embedder, err)
		}
		shape.Dimensions = len(vectors[0])
	}
	if err := r.Index.Make(ctx, Collection{Name: r.Indexer.Collection, Shape: shape}); err != nil {
		return fmt.Errorf("make the collection %s: %w", r.Indexer.Collection, err)
	}
	// Another run may have made it in the meantime, with another average.
	switch found, err := r.find(ctx); {
	case err != nil:
		return err
	case !found:
		return fmt.Errorf("make the collection %s: it is gone again: %w", r.Indexer.Collection, ErrNoCollection)
	}
	return nil
}

// prune removes the documents that were not read.
func (r *indexing) prune(ctx context.Context) error {
	if r.collection.Name == "" { // nothing was read, and there is nothing
		return nil
	}
	if r.unread {
		r.fail(&DocumentError{Err: errors.New("documents that are gone were not removed, since some could not be read")}, 0)
		return nil
	}
	const page = 1000
	for after := ""; ; {
		docs, err := r.Index.Documents(ctx, r.collection.Name, after, page)
		if err != nil {
			return fmt.Errorf("look for documents that are gone: %w", err)
		}
		for _, doc := range docs {
			after = doc.ID
			if _, ok := r.seen[idHash(doc.ID)]; ok {
				continue
			}
			if err := r.forget(ctx, doc.ID); err != nil {
				return err
			}
		}
		if len(docs) < page {
			return nil
		}
	}
}

// forget removes all of a document.
func (r *indexing) forget(ctx context.Context, document string) error {
	chunks, err := r.Index.Chunks(ctx, r.collection.Name, document)
	if err != nil {
		return fmt.Errorf("remove %s: %w", document, err)
	}
	if err := r.Index.Remove(ctx, r.collection.Name, idsOf(chunks)); err != nil {
		return fmt.Errorf("remove %s: %w", document, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary.Removed += int64(len(chunks))
	return nil
}

func idsOf(chunks []Chunk) []string {
	ids := make([]string, len(chunks))
	for i := range chunks {
		ids[i] = chunks[i].ID
	}
	return ids
}
