package qdrant_test

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/google/uuid"
	pb "github.com/qdrant/go-client/qdrant"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// stubPoint is a point as the server keeps it: dense vectors of length 1.
type stubPoint struct {
	id      string
	payload map[string]*pb.Value
	dense   map[string][]float32
	sparse  map[string]map[uint32]float32
}

func uuidOf(id *pb.PointId) (string, error) {
	u, err := uuid.Parse(id.GetUuid())
	if err != nil {
		return "", wrong("Unable to parse UUID: %s", id.GetUuid())
	}
	return u.String(), nil
}

func (c *stubCollection) point(p *pb.PointStruct) (*stubPoint, error) {
	id, err := uuidOf(p.GetId())
	if err != nil {
		return nil, err
	}
	out := &stubPoint{id: id, payload: p.GetPayload(), dense: map[string][]float32{}, sparse: map[string]map[uint32]float32{}}
	for name, v := range p.GetVectors().GetVectors().GetVectors() {
		if _, ok := c.create.GetSparseVectorsConfig().GetMap()[name]; ok {
			if out.sparse[name], err = sparseOf(v.GetSparse().GetIndices(), v.GetSparse().GetValues()); err != nil {
				return nil, err
			}
			continue
		}
		if out.dense[name], err = c.denseOf(name, v.GetDense().GetData()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// denseOf checks a dense vector and gives it with length 1.
func (c *stubCollection) denseOf(name string, v []float32) ([]float32, error) {
	params, ok := c.create.GetVectorsConfig().GetParamsMap().GetMap()[name]
	if !ok {
		return nil, wrong("Not existing vector name error: %s", name)
	}
	if uint64(len(v)) != params.GetSize() {
		return nil, wrong("Vector dimension error: expected dim: %d, got %d", params.GetSize(), len(v))
	}
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	out := slices.Clone(v)
	for i := range out {
		if sum > 0 {
			out[i] = float32(float64(out[i]) / math.Sqrt(sum))
		}
	}
	return out, nil
}

func sparseOf(indices []uint32, values []float32) (map[uint32]float32, error) {
	if len(indices) != len(values) {
		return nil, wrong("sparse vector: must be the same length as indices")
	}
	out := map[uint32]float32{}
	for i, at := range indices {
		out[at] = values[i]
	}
	if len(out) != len(indices) {
		return nil, wrong("sparse vector: indices must be unique")
	}
	return out, nil
}

func (s stubPoints) Upsert(_ context.Context, r *pb.UpsertPoints) (*pb.PointsOperationResponse, error) {
	c, err := s.find(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	strict := c.create.GetStrictModeConfig()
	if strict.GetEnabled() && strict.UpsertMaxBatchsize != nil && uint64(len(r.GetPoints())) > strict.GetUpsertMaxBatchsize() {
		return nil, status.Errorf(codes.InvalidArgument, "Bad request: upsert limit exceeded %d > %d", len(r.GetPoints()), strict.GetUpsertMaxBatchsize())
	}
	if len(r.GetPoints()) == 0 {
		return nil, wrong("Empty update request")
	}
	var points []*stubPoint
	for _, p := range r.GetPoints() {
		point, err := c.point(p)
		if err != nil {
			return nil, err
		}
		points = append(points, point)
	}
	for _, p := range points {
		c.points[p.id] = p
	}
	return completed(), nil
}

// selected gives the points of a selector. Ids that are not there are an error when they are named.
func (c *stubCollection) selected(selector *pb.PointsSelector, named bool) ([]*stubPoint, error) {
	var list []*stubPoint
	if f := selector.GetFilter(); f != nil {
		if err := c.checkFilter(f); err != nil {
			return nil, err
		}
		for _, p := range c.points {
			if p.passes(f) {
				list = append(list, p)
			}
		}
		return list, nil
	}
	for _, id := range selector.GetPoints().GetIds() {
		text, err := uuidOf(id)
		if err != nil {
			return nil, err
		}
		p, ok := c.points[text]
		if ok {
			list = append(list, p)
		} else if named {
			return nil, status.Errorf(codes.NotFound, "Not found: No point with id %s found", text)
		}
	}
	return list, nil
}

func (s stubPoints) Delete(_ context.Context, r *pb.DeletePoints) (*pb.PointsOperationResponse, error) {
	c, err := s.find(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	list, err := c.selected(r.GetPoints(), false)
	for _, p := range list {
		delete(c.points, p.id)
	}
	return completed(), err
}

func (s stubPoints) UpdateBatch(_ context.Context, r *pb.UpdateBatchPoints) (*pb.UpdateBatchResponse, error) {
	c, err := s.find(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	out := &pb.UpdateBatchResponse{}
	for _, operation := range r.GetOperations() {
		set := operation.GetSetPayload()
		if set == nil {
			return nil, status.Error(codes.Unimplemented, "the stub only sets payloads in a batch")
		}
		list, err := c.selected(set.GetPointsSelector(), true)
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			next := maps.Clone(p.payload)
			maps.Copy(next, set.GetPayload())
			c.points[p.id] = &stubPoint{id: p.id, payload: next, dense: p.dense, sparse: p.sparse}
		}
		out.Result = append(out.Result, completed().GetResult())
	}
	return out, nil
}

func (s stubPoints) Get(_ context.Context, r *pb.GetPoints) (*pb.GetResponse, error) {
	c, err := s.find(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	list, err := c.selected(&pb.PointsSelector{PointsSelectorOneOf: &pb.PointsSelector_Points{Points: &pb.PointsIdsList{Ids: r.GetIds()}}}, false)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b *stubPoint) int { return cmp.Compare(b.id, a.id) }) // not the order asked
	out := &pb.GetResponse{}
	for _, p := range list {
		out.Result = append(out.Result, &pb.RetrievedPoint{Id: pb.NewIDUUID(p.id), Payload: p.shown(r.GetWithPayload()), Vectors: p.vectors(r.GetWithVectors())})
	}
	return out, nil
}

// shown is what of the payload was asked for.
func (p *stubPoint) shown(with *pb.WithPayloadSelector) map[string]*pb.Value {
	if with.GetEnable() {
		return p.payload
	}
	out := map[string]*pb.Value{}
	for _, field := range with.GetInclude().GetFields() {
		if v, ok := p.payload[field]; ok {
			out[field] = v
		}
	}
	return out
}

// vectors are the dense ones that were asked for.
func (p *stubPoint) vectors(with *pb.WithVectorsSelector) *pb.VectorsOutput {
	out := map[string]*pb.VectorOutput{}
	for _, name := range with.GetInclude().GetNames() {
		if v, ok := p.dense[name]; ok {
			out[name] = &pb.VectorOutput{Vector: &pb.VectorOutput_Dense{Dense: &pb.DenseVector{Data: v}}}
		}
	}
	return &pb.VectorsOutput{VectorsOptions: &pb.VectorsOutput_Vectors{Vectors: &pb.NamedVectorsOutput{Vectors: out}}}
}

// checkFilter refuses what strict mode does.
func (c *stubCollection) checkFilter(f *pb.Filter) error {
	strict := c.create.GetStrictModeConfig()
	all := slices.Concat(f.GetMust(), f.GetShould(), f.GetMustNot())
	if strict.GetEnabled() && strict.FilterMaxConditions != nil && uint64(len(all)) > strict.GetFilterMaxConditions() {
		return status.Errorf(codes.InvalidArgument, "Bad request: Filter condition limit exceeded %d > %d", len(all), strict.GetFilterMaxConditions())
	}
	for _, condition := range all {
		field := condition.GetField()
		switch {
		case condition.GetFilter() != nil:
			if err := c.checkFilter(condition.GetFilter()); err != nil {
				return err
			}
		case condition.GetHasId() != nil:
		case field == nil || field.GetMatch() == nil:
			return status.Error(codes.Unimplemented, "the stub knows no such condition")
		default:
			if strings.ContainsAny(field.GetKey(), `".[] `) {
				return wrong("Invalid json path: '%s'", field.GetKey())
			}
			if n := uint64(len(field.GetMatch().GetKeywords().GetStrings())); strict.GetEnabled() && strict.ConditionMaxSize != nil && n > strict.GetConditionMaxSize() {
				return status.Errorf(codes.InvalidArgument, "Bad request: condition limit exceeded %d > %d", n, strict.GetConditionMaxSize())
			}
			if strict.GetEnabled() && !strict.GetUnindexedFilteringRetrieve() && c.schema[field.GetKey()].GetDataType() != pb.PayloadSchemaType_Keyword {
				return status.Errorf(codes.InvalidArgument, "Bad request: Index required but not found for %q of one of the following types: [keyword]", field.GetKey())
			}
		}
	}
	return nil
}

func (p *stubPoint) passes(f *pb.Filter) bool {
	holds := func(c *pb.Condition) bool {
		switch {
		case c.GetFilter() != nil:
			return p.passes(c.GetFilter())
		case c.GetHasId() != nil:
			return slices.ContainsFunc(c.GetHasId().GetHasId(), func(id *pb.PointId) bool { return strings.EqualFold(id.GetUuid(), p.id) })
		}
		match := c.GetField().GetMatch()
		wanted := match.GetKeywords().GetStrings()
		if k, ok := match.GetMatchValue().(*pb.Match_Keyword); ok {
			wanted = []string{k.Keyword}
		}
		return slices.ContainsFunc(p.keywords(c.GetField().GetKey()), func(k string) bool { return slices.Contains(wanted, k) })
	}
	if slices.ContainsFunc(f.GetMust(), func(c *pb.Condition) bool { return !holds(c) }) || slices.ContainsFunc(f.GetMustNot(), holds) {
		return false
	}
	return len(f.GetShould()) == 0 || slices.ContainsFunc(f.GetShould(), holds)
}

// keywords are the texts of a field, which may be a list.
func (p *stubPoint) keywords(field string) []string {
	var out []string
	for _, v := range append([]*pb.Value{p.payload[field]}, p.payload[field].GetListValue().GetValues()...) {
		if k, ok := v.GetKind().(*pb.Value_StringValue); ok {
			out = append(out, k.StringValue)
		}
	}
	return out
}
