package qdrant

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/qdrant/go-client/qdrant"

	"github.com/weir-dev/weir/rag"
)

// pageChunks is how many chunks one answer holds.
const pageChunks = 256

// Chunks implements rag.Index.
func (s *Store) Chunks(ctx context.Context, collection, document string) ([]rag.Chunk, error) {
	var chunks []rag.Chunk
	scroll := &qdrant.ScrollPoints{
		CollectionName: collection, Limit: new(uint32(pageChunks)), WithPayload: qdrant.NewWithPayload(true),
		Filter: &qdrant.Filter{Must: []*qdrant.Condition{qdrant.NewMatchKeyword(fieldDocument, document)}},
	}
	for {
		points, next, err := s.client.ScrollAndOffset(ctx, scroll)
		if err != nil {
			return nil, s.fail(ctx, "list chunks of collection", collection, err)
		}
		for _, p := range points {
			chunks = append(chunks, chunk(p.GetId(), p.GetPayload()))
		}
		if next == nil {
			break
		}
		scroll.Offset = next
	}
	slices.SortFunc(chunks, func(a, b rag.Chunk) int {
		return cmp.Or(cmp.Compare(a.Ordinal, b.Ordinal), strings.Compare(a.ID, b.ID))
	})
	return chunks, nil
}

// Get implements rag.Index.
func (s *Store) Get(ctx context.Context, collection string, ids []string) ([]rag.Chunk, error) {
	found := make(map[string]rag.Chunk, len(ids))
	for batch := range slices.Chunk(ids, pageChunks) {
		points, err := s.client.Get(ctx, &qdrant.GetPoints{CollectionName: collection, Ids: pointIDs(batch), WithPayload: qdrant.NewWithPayload(true)})
		if err != nil {
			return nil, s.fail(ctx, "get chunks of collection", collection, err)
		}
		for _, p := range points {
			c := chunk(p.GetId(), p.GetPayload())
			found[c.ID] = c
		}
	}
	var chunks []rag.Chunk
	for _, id := range ids {
		if c, ok := found[strings.ToLower(id)]; ok {
			chunks = append(chunks, c)
		}
	}
	return chunks, nil
}

// documents gives how many chunks each document has.
func (s *Store) documents(ctx context.Context, collection string) (map[string]int, error) {
	hits, err := s.client.Facet(ctx, &qdrant.FacetCounts{CollectionName: collection, Key: fieldDocument, Limit: new(uint64(maxLimit)), Exact: new(true)})
	if err != nil {
		return nil, s.fail(ctx, "count documents of collection", collection, err)
	}
	counts := make(map[string]int, len(hits))
	for _, h := range hits {
		counts[h.GetValue().GetStringValue()] = int(h.GetCount()) //nolint:gosec // no document has 2^63 chunks
	}
	return counts, nil
}

// Documents implements rag.Index.
func (s *Store) Documents(ctx context.Context, collection, after string, limit int) ([]rag.DocumentInfo, error) {
	counts, err := s.documents(ctx, collection)
	if err != nil {
		return nil, err
	}
	var list []rag.DocumentInfo
	for id, n := range counts {
		if id > after && n > 0 {
			list = append(list, rag.DocumentInfo{ID: id, Chunks: n})
		}
	}
	slices.SortFunc(list, func(a, b rag.DocumentInfo) int { return strings.Compare(a.ID, b.ID) })
	list = list[:min(len(list), max(limit, 0))]
	const page = 100
	for part := range slices.Chunk(list, page) {
		if err := s.fill(ctx, collection, part); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// fill adds what the first chunk of each document says of it, and where its last one ends.
func (s *Store) fill(ctx context.Context, collection string, list []rag.DocumentInfo) error {
	batch := &qdrant.QueryBatchPoints{CollectionName: collection}
	end := func(document string, direction qdrant.Direction, fields ...string) {
		batch.QueryPoints = append(batch.QueryPoints, &qdrant.QueryPoints{
			CollectionName: collection, Limit: new(uint64(1)), Query: qdrant.NewQueryOrderBy(&qdrant.OrderBy{Key: fieldOrdinal, Direction: &direction}),
			Filter:      &qdrant.Filter{Must: []*qdrant.Condition{qdrant.NewMatchKeyword(fieldDocument, document)}},
			WithPayload: qdrant.NewWithPayloadInclude(fields...),
		})
	}
	for _, d := range list {
		end(d.ID, qdrant.Direction_Asc, fieldTitle, fieldHash, fieldTenant, fieldLabels)
		end(d.ID, qdrant.Direction_Desc, fieldEnd)
	}
	results, err := s.client.QueryBatch(ctx, batch)
	if err != nil {
		return s.fail(ctx, "list documents of collection", collection, err)
	}
	for i, r := range results {
		if i/2 >= len(list) || len(r.GetResult()) == 0 { // none: it was removed since it was counted
			continue
		}
		c, d := chunk(r.GetResult()[0].GetId(), r.GetResult()[0].GetPayload()), &list[i/2]
		if i%2 == 0 {
			d.Title, d.Hash, d.Tenant, d.Labels = c.Title, c.DocumentHash, c.Tenant, c.Labels
		} else {
			d.Bytes = c.End
		}
	}
	return nil
}
