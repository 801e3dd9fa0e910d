package qdrant

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/qdrant/go-client/qdrant"

	"github.com/weir-dev/weir/rag"
)

// ties is how many points more than asked for are read: of equal ones at the end of a list those with the lowest ids stay.
const ties = 8

// Search implements rag.Index. Both lists are of one collection, whatever happens to an alias meanwhile: the server looks
// the name up once a request.
func (s *Store) Search(ctx context.Context, collection string, q rag.Query) (rag.Found, error) {
	const step = "search collection"
	if len(q.Terms.IDs) != len(q.Terms.Weights) {
		return rag.Found{}, fmt.Errorf("%s %q: %d terms and %d weights", step, collection, len(q.Terms.IDs), len(q.Terms.Weights))
	}
	if q.Vector != nil {
		if err := s.fits(ctx, collection, len(q.Vector)); err != nil {
			return rag.Found{}, fmt.Errorf("%s %q: %w", step, collection, err)
		}
	}
	filter, some, err := filter(q)
	if err != nil {
		return rag.Found{}, fmt.Errorf("%s %q: %w", step, collection, err)
	}
	if q.Limit <= 0 || !some || q.Vector == nil && len(q.Terms.IDs) == 0 {
		_, err := s.look(ctx, collection)
		return rag.Found{}, err
	}
	if q.Limit > maxLimit-ties {
		return rag.Found{}, fmt.Errorf("%s %q: a limit of %d: want %d at most", step, collection, q.Limit, maxLimit-ties)
	}
	batch := &qdrant.QueryBatchPoints{CollectionName: collection}
	ask := func(name string, query *qdrant.Query) {
		one := &qdrant.QueryPoints{
			CollectionName: collection, Query: query, Using: new(name), Filter: filter, Limit: new(uint64(q.Limit + ties)), //nolint:gosec // it is positive
			Params: &qdrant.SearchParams{
				Exact:        new(q.Exact),
				Quantization: &qdrant.QuantizationSearchParams{Rescore: new(true)},
			},
			WithPayload: qdrant.NewWithPayload(true),
		}
		if q.Vectors {
			one.WithVectors = qdrant.NewWithVectorsInclude(dense)
		}
		batch.QueryPoints = append(batch.QueryPoints, one)
	}
	if q.Vector != nil {
		ask(dense, qdrant.NewQueryDense(q.Vector))
	}
	if len(q.Terms.IDs) > 0 {
		ask(sparse, qdrant.NewQuerySparse(q.Terms.IDs, q.Terms.Weights))
	}
	results, err := s.client.QueryBatch(ctx, batch)
	if err != nil {
		return rag.Found{}, s.refused(ctx, step, collection, len(q.Vector), err)
	}
	if len(results) != len(batch.QueryPoints) {
		return rag.Found{}, fmt.Errorf("%s %q: qdrant at %s gave %d lists for %d queries", step, collection, s.at, len(results), len(batch.QueryPoints))
	}
	var found rag.Found
	if q.Vector != nil {
		found.Dense = hits(results[0], q.Limit)
		results = results[1:]
	}
	if len(results) > 0 {
		found.Sparse = hits(results[0], q.Limit)
	}
	return found, nil
}

// hits are the best of a list, in their order.
func hits(r *qdrant.BatchResult, limit int) []rag.Hit {
	list := make([]rag.Hit, len(r.GetResult()))
	for i, p := range r.GetResult() {
		list[i] = rag.Hit{
			Chunk: chunk(p.GetId(), p.GetPayload()), Score: float64(p.GetScore()),
			Vector: p.GetVectors().GetVectors().GetVectors()[dense].GetDenseVector().GetData(),
		}
	}
	slices.SortFunc(list, func(a, b rag.Hit) int { return cmp.Or(cmp.Compare(b.Score, a.Score), strings.Compare(a.ID, b.ID)) })
	return list[:min(limit, len(list))]
}

// filter is the query's tenant and labels; false: nothing can pass it.
func filter(q rag.Query) (f *qdrant.Filter, some bool, err error) {
	if len(q.Labels)+1 > maxConditions {
		return nil, false, fmt.Errorf("%d labels to filter by: want %d at most", len(q.Labels), maxConditions-1)
	}
	f = &qdrant.Filter{}
	if !q.AnyTenant {
		f.Must = append(f.Must, qdrant.NewMatchKeywords(fieldTenant, slices.Compact([]string{"", q.Tenant})...))
	}
	for _, name := range slices.Sorted(maps.Keys(q.Labels)) {
		values := q.Labels[name]
		if len(values) == 0 {
			return nil, false, nil
		}
		if len(values) > maxValues {
			return nil, false, fmt.Errorf("the label %.200q is compared with %d values: want %d at most", name, len(values), maxValues)
		}
		keywords := make([]string, len(values))
		for i, v := range values {
			keywords[i] = label(name, v)
		}
		f.Must = append(f.Must, qdrant.NewMatchKeywords(fieldLabels, keywords...))
	}
	return f, true, nil
}
