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

// ties is how many points more than asked for are read at first: of equal ones at the end of a list those with the lowest ids stay.
// Where these are not all of the equal ones, moreTies times as many are asked for, until they are.
const (
	ties     = 8
	moreTies = 8
	mostTies = 10_000 // are looked through: an answer holds so many passages
)

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
	most := max(mostTies, q.Limit+ties)
	for limit := q.Limit + ties; ; limit = min(moreTies*limit, most) {
		lists, err := s.lists(ctx, collection, &q, filter, limit)
		if err != nil {
			return rag.Found{}, err
		}
		if limit < most && slices.ContainsFunc(lists, func(list []rag.Hit) bool { return cut(list, q.Limit, limit) }) {
			continue
		}
		var found rag.Found
		if q.Vector != nil {
			found.Dense = best(lists[0], q.Limit)
			lists = lists[1:]
		}
		if len(lists) > 0 {
			found.Sparse = best(lists[0], q.Limit)
		}
		return found, nil
	}
}

// cut says whether a list that was read up to a limit may end within points that are as good as the last one asked for.
func cut(list []rag.Hit, asked, limit int) bool {
	return len(list) == limit && list[limit-1].Score == list[asked-1].Score
}

// lists asks for both lists at once, each with so many points from the best.
func (s *Store) lists(ctx context.Context, collection string, q *rag.Query, filter *qdrant.Filter, limit int) ([][]rag.Hit, error) {
	const step = "search collection"
	batch := &qdrant.QueryBatchPoints{CollectionName: collection}
	ask := func(name string, query *qdrant.Query) {
		one := &qdrant.QueryPoints{
			CollectionName: collection, Query: query, Using: new(name), Filter: filter, Limit: new(uint64(limit)), //nolint:gosec // it is positive
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
		return nil, s.refused(ctx, step, collection, len(q.Vector), err)
	}
	if len(results) != len(batch.QueryPoints) {
		return nil, fmt.Errorf("%s %q: qdrant at %s gave %d lists for %d queries", step, collection, s.at, len(results), len(batch.QueryPoints))
	}
	lists := make([][]rag.Hit, len(results))
	for i, r := range results {
		lists[i] = hits(r)
	}
	return lists, nil
}

// best are the first so many of a list; none of none.
func best(list []rag.Hit, n int) []rag.Hit { return list[:min(n, len(list))] }

// hits are those of a list, the best first and equal ones by id.
func hits(r *qdrant.BatchResult) []rag.Hit {
	list := make([]rag.Hit, len(r.GetResult()))
	for i, p := range r.GetResult() {
		list[i] = rag.Hit{
			Chunk: chunk(p.GetId(), p.GetPayload()), Score: float64(p.GetScore()),
			Vector: p.GetVectors().GetVectors().GetVectors()[dense].GetDenseVector().GetData(),
		}
	}
	slices.SortFunc(list, func(a, b rag.Hit) int { return cmp.Or(cmp.Compare(b.Score, a.Score), strings.Compare(a.ID, b.ID)) })
	return list
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
