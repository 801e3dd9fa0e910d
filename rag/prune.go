package rag

import "context"

// Prune removes all documents of a collection but those of the ids, and gives how many chunks that were.
func Prune(ctx context.Context, index Index, collection string, keep []string) (int64, error) {
	r := &indexing{Indexer: &Indexer{Index: index}, collection: Collection{Name: collection}, seen: make(map[[16]byte]struct{}, len(keep))}
	for _, id := range keep {
		r.seen[idHash(id)] = struct{}{}
	}
	err := r.prune(ctx)
	return r.summary.Removed, err
}
