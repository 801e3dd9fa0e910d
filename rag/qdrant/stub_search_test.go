package qdrant_test

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"

	pb "github.com/qdrant/go-client/qdrant"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// checkLimit refuses a limit that is none, or more than strict mode allows.
func (c *stubCollection) checkLimit(limit uint64) error {
	if limit == 0 {
		return wrong("limit: value 0 invalid, must be 1 or larger")
	}
	if strict := c.create.GetStrictModeConfig(); strict.GetEnabled() && strict.MaxQueryLimit != nil && limit > uint64(strict.GetMaxQueryLimit()) {
		return status.Errorf(codes.InvalidArgument, "Bad request: Limit exceeded %d > %d for \"limit\"", limit, strict.GetMaxQueryLimit())
	}
	return nil
}

func (s stubPoints) QueryBatch(_ context.Context, r *pb.QueryBatchPoints) (*pb.QueryBatchResponse, error) {
	c, err := s.find(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	out := &pb.QueryBatchResponse{}
	for _, q := range r.GetQueryPoints() {
		list, err := c.query(q)
		if err != nil {
			return nil, err
		}
		out.Result = append(out.Result, &pb.BatchResult{Result: list})
	}
	return out, nil
}

// scored is a point with what it is ordered by, the highest first.
type scored struct {
	*stubPoint
	score float64
}

func (c *stubCollection) query(q *pb.QueryPoints) ([]*pb.ScoredPoint, error) {
	limit := uint64(10)
	if q.Limit != nil {
		limit = q.GetLimit()
	}
	if err := cmp.Or(c.checkLimit(limit), c.checkFilter(q.GetFilter())); err != nil {
		return nil, err
	}
	if strict := c.create.GetStrictModeConfig(); q.GetParams().GetExact() && strict.GetEnabled() && !strict.GetSearchAllowExact() {
		return nil, status.Error(codes.InvalidArgument, "Bad request: Exact search is not allowed")
	}
	score, err := c.scorer(q)
	if err != nil {
		return nil, err
	}
	var list []scored
	for _, p := range c.points {
		if s, ok := score(p); ok && p.passes(q.GetFilter()) {
			list = append(list, scored{p, s})
		}
	}
	// Equal points come in no order that is promised: against that of ids, here.
	slices.SortFunc(list, func(a, b scored) int { return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.id, a.id)) })
	var out []*pb.ScoredPoint
	for _, p := range list[:min(uint64(len(list)), limit)] {
		out = append(out, &pb.ScoredPoint{Id: pb.NewIDUUID(p.id), Score: float32(p.score), Payload: p.shown(q.GetWithPayload()), Vectors: p.vectors(q.GetWithVectors())})
	}
	return out, nil
}

// scorer gives how a query orders points, and which it finds at all.
func (c *stubCollection) scorer(q *pb.QueryPoints) (func(*stubPoint) (float64, bool), error) {
	if order := q.GetQuery().GetOrderBy(); order != nil {
		if c.schema[order.GetKey()].GetDataType() != pb.PayloadSchemaType_Integer {
			return nil, status.Errorf(codes.InvalidArgument, "Bad request: No range index for `order_by` key: `%s`", order.GetKey())
		}
		sign := -1.0
		if order.GetDirection() == pb.Direction_Desc {
			sign = 1
		}
		return func(p *stubPoint) (float64, bool) {
			v, ok := p.payload[order.GetKey()].GetKind().(*pb.Value_IntegerValue)
			return sign * float64(v.IntegerValue), ok
		}, nil
	}
	name, nearest := q.GetUsing(), q.GetQuery().GetNearest()
	switch {
	case nearest.GetSparse() != nil:
		if _, ok := c.create.GetSparseVectorsConfig().GetMap()[name]; !ok {
			return nil, wrong("Not existing vector name error: %s", name)
		}
		query, err := sparseOf(nearest.GetSparse().GetIndices(), nearest.GetSparse().GetValues())
		if err != nil {
			return nil, err
		}
		if c.create.GetSparseVectorsConfig().GetMap()[name].GetModifier() == pb.Modifier_Idf {
			query = c.idf(name, query)
		}
		return func(p *stubPoint) (sum float64, some bool) {
			for at, w := range query {
				if v, ok := p.sparse[name][at]; ok {
					sum, some = sum+float64(w)*float64(v), true
				}
			}
			return float64(float32(sum)), some
		}, nil
	case nearest.GetDense() != nil:
		query, err := c.denseOf(name, nearest.GetDense().GetData())
		if err != nil {
			return nil, err
		}
		return func(p *stubPoint) (sum float64, some bool) {
			for i, x := range p.dense[name] {
				sum += float64(x) * float64(query[i])
			}
			return float64(float32(sum)), p.dense[name] != nil
		}, nil
	}
	return nil, status.Error(codes.Unimplemented, "the stub knows no such query")
}

// idf multiplies the weights of a query by the inverse document frequency, among points that have terms.
func (c *stubCollection) idf(name string, query map[uint32]float32) map[uint32]float32 {
	out, all := map[uint32]float32{}, 0.0
	for _, p := range c.points {
		if len(p.sparse[name]) > 0 {
			all++
		}
	}
	for at, w := range query {
		with := 0.0
		for _, p := range c.points {
			if _, ok := p.sparse[name][at]; ok {
				with++
			}
		}
		out[at] = w * float32(math.Log(1+(all-with+0.5)/(with+0.5)))
	}
	return out
}

func (s stubPoints) Scroll(_ context.Context, r *pb.ScrollPoints) (*pb.ScrollResponse, error) {
	c, err := s.find(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	limit := 10
	if r.Limit != nil {
		limit = int(r.GetLimit())
	}
	if err := cmp.Or(c.checkLimit(uint64(limit)), c.checkFilter(r.GetFilter())); err != nil {
		return nil, err
	}
	out := &pb.ScrollResponse{}
	for _, id := range slices.Sorted(maps.Keys(c.points)) {
		p := c.points[id]
		if id < r.GetOffset().GetUuid() || !p.passes(r.GetFilter()) {
			continue
		}
		if len(out.Result) == limit {
			out.NextPageOffset = pb.NewIDUUID(id)
			break
		}
		out.Result = append(out.Result, &pb.RetrievedPoint{Id: pb.NewIDUUID(id), Payload: p.shown(r.GetWithPayload()), Vectors: p.vectors(r.GetWithVectors())})
	}
	return out, nil
}

func (s stubPoints) Count(_ context.Context, r *pb.CountPoints) (*pb.CountResponse, error) {
	c, err := s.find(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	if err := c.checkFilter(r.GetFilter()); err != nil {
		return nil, err
	}
	n := uint64(0)
	for _, p := range c.points {
		if p.passes(r.GetFilter()) {
			n++
		}
	}
	return &pb.CountResponse{Result: &pb.CountResult{Count: n}}, nil
}

func (s stubPoints) Facet(_ context.Context, r *pb.FacetCounts) (*pb.FacetResponse, error) {
	c, err := s.find(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	limit := uint64(10)
	if r.Limit != nil {
		limit = r.GetLimit()
	}
	if err := cmp.Or(c.checkLimit(limit), c.checkFilter(r.GetFilter())); err != nil {
		return nil, err
	}
	if c.schema[r.GetKey()].GetDataType() != pb.PayloadSchemaType_Keyword {
		return nil, status.Errorf(codes.InvalidArgument, "Bad request: Index required but not found for %q to facet by it", r.GetKey())
	}
	counts := map[string]uint64{}
	for _, p := range c.points {
		for _, k := range p.keywords(r.GetKey()) {
			if p.passes(r.GetFilter()) {
				counts[k]++
			}
		}
	}
	out := &pb.FacetResponse{}
	for k, n := range counts {
		out.Hits = append(out.Hits, &pb.FacetHit{Value: pb.NewFacetValue(k), Count: n})
	}
	slices.SortFunc(out.Hits, func(a, b *pb.FacetHit) int { return cmp.Compare(b.GetCount(), a.GetCount()) })
	out.Hits = out.Hits[:min(uint64(len(out.Hits)), limit)]
	return out, nil
}
