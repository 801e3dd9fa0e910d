package qdrant

import (
	"context"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/qdrant/go-client/qdrant"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/weir-dev/weir/rag"
)

const (
	batchPoints = 512     // of one request
	batchBytes  = 8 << 20 // of one request, about; Qdrant's own bound is 32 MB
	pointBytes  = 24 << 20
)

// wordless is kept for a point without terms. Newer servers count only points with terms in the inverse document frequency,
// older ones all; so all have one. No query asks for it: ids of terms end at 2^31.
var wordless = rag.Terms{IDs: []uint32{math.MaxUint32}, Weights: []float32{1}}

// Put implements rag.Index, in requests of bounded size.
func (s *Store) Put(ctx context.Context, collection string, points []rag.Point) error {
	const step = "put into collection"
	if len(points) == 0 {
		return nil
	}
	last := make(map[string]int, len(points)) // of equal ids the last counts
	for i := range points {
		p := &points[i]
		last[p.ID] = i
		if len(p.Terms.IDs) != len(p.Terms.Weights) {
			return fmt.Errorf("%s %q: chunk %s has %d terms and %d weights", step, collection, p.ID, len(p.Terms.IDs), len(p.Terms.Weights))
		}
		if len(p.Vector) != len(points[0].Vector) {
			return fmt.Errorf("%s %q: %w: chunk %s has a vector of %d dimensions and chunk %s one of %d", step, collection, rag.ErrOtherShape, p.ID, len(p.Vector), points[0].ID, len(points[0].Vector))
		}
	}
	if err := s.fits(ctx, collection, len(points[0].Vector)); err != nil {
		return fmt.Errorf("%s %q: %w", step, collection, err)
	}
	structs := make([]*qdrant.PointStruct, 0, len(last))
	for i := range points {
		if last[points[i].ID] != i {
			continue
		}
		p, err := point(&points[i])
		if err != nil {
			return fmt.Errorf("%s %q: %w", step, collection, err)
		}
		structs = append(structs, p)
	}
	return inBatches(structs, func(batch []*qdrant.PointStruct) error {
		_, err := s.client.Upsert(ctx, &qdrant.UpsertPoints{CollectionName: collection, Wait: new(true), Points: batch})
		return s.refused(ctx, step, collection, len(points[0].Vector), err)
	})
}

// refused is fail for requests with vectors: where the server refused one because an alias has moved to a collection of
// another shape, it says so.
func (s *Store) refused(ctx context.Context, step, collection string, dimensions int, err error) error {
	if err == nil {
		return nil
	}
	if status.Code(err) == codes.InvalidArgument && dimensions > 0 {
		s.forget(collection)
		if other := s.fits(ctx, collection, dimensions); other != nil {
			return fmt.Errorf("%s %q: %w", step, collection, other)
		}
	}
	return s.fail(ctx, step, collection, err)
}

// point is the point as Qdrant takes it.
func point(p *rag.Point) (*qdrant.PointStruct, error) {
	fields, err := payload(&p.Chunk)
	if err != nil {
		return nil, err
	}
	if !utf8.ValidString(p.Text) {
		return nil, fmt.Errorf("chunk %s: its text is not valid UTF-8", p.ID)
	}
	fields[fieldText] = qdrant.NewValueString(p.Text)
	terms := p.Terms
	if len(terms.IDs) == 0 {
		terms = wordless
	}
	vectors := map[string]*qdrant.Vector{dense: qdrant.NewVectorDense(p.Vector), sparse: qdrant.NewVectorSparse(terms.IDs, terms.Weights)}
	out := &qdrant.PointStruct{Id: qdrant.NewIDUUID(p.ID), Payload: fields, Vectors: qdrant.NewVectorsMap(vectors)}
	if size := proto.Size(out); size > pointBytes {
		return nil, fmt.Errorf("chunk %s of document %.200q takes %d bytes, and Qdrant %d at most: split it into smaller ones", p.ID, p.Document, size, pointBytes)
	}
	return out, nil
}

// inBatches calls send with parts of the list that are within the bounds of a request.
func inBatches[M proto.Message](list []M, send func([]M) error) error {
	for len(list) > 0 {
		n, bytes := 0, 0
		for n < min(len(list), batchPoints) {
			if bytes += proto.Size(list[n]); n > 0 && bytes > batchBytes {
				break
			}
			n++
		}
		if err := send(list[:n]); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// Describe implements rag.Index.
func (s *Store) Describe(ctx context.Context, collection string, chunks []rag.Chunk) error {
	const step = "describe chunks of collection"
	operations := make([]*qdrant.PointsUpdateOperation, 0, len(chunks))
	for i := range chunks {
		fields, err := payload(&chunks[i])
		if err != nil {
			return fmt.Errorf("%s %q: %w", step, collection, err)
		}
		// By a filter: an id that is not there is an error where points are named.
		filter := &qdrant.Filter{Must: []*qdrant.Condition{qdrant.NewHasID(qdrant.NewIDUUID(chunks[i].ID))}}
		operations = append(operations, qdrant.NewPointsUpdateSetPayload(&qdrant.PointsUpdateOperation_SetPayload{
			Payload: fields, PointsSelector: qdrant.NewPointsSelectorFilter(filter),
		}))
	}
	return inBatches(operations, func(batch []*qdrant.PointsUpdateOperation) error {
		_, err := s.client.UpdateBatch(ctx, &qdrant.UpdateBatchPoints{CollectionName: collection, Wait: new(true), Operations: batch})
		if err != nil {
			return s.fail(ctx, step, collection, err)
		}
		return nil
	})
}

// Remove implements rag.Index.
func (s *Store) Remove(ctx context.Context, collection string, ids []string) error {
	for batch := range slices.Chunk(ids, maxValues) {
		_, err := s.client.Delete(ctx, &qdrant.DeletePoints{CollectionName: collection, Wait: new(true), Points: qdrant.NewPointsSelectorIDs(pointIDs(batch))})
		if err != nil {
			return s.fail(ctx, "remove from collection", collection, err)
		}
	}
	return nil
}

func pointIDs(ids []string) []*qdrant.PointId {
	out := make([]*qdrant.PointId, len(ids))
	for i, id := range ids {
		out[i] = qdrant.NewIDUUID(id)
	}
	return out
}
