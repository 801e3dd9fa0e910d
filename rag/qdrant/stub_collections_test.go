package qdrant_test

import (
	"context"
	"maps"
	"slices"
	"strings"

	pb "github.com/qdrant/go-client/qdrant"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type stubCollection struct {
	create *pb.CreateCollection
	schema map[string]*pb.PayloadSchemaInfo
	points map[string]*stubPoint
}

// find gives the collection of this name or alias.
func (s *stub) find(name string) (*stubCollection, error) {
	if target, ok := s.aliases[name]; ok {
		name = target
	}
	c, ok := s.collections[name]
	if !ok {
		return nil, status.Errorf(codes.NotFound, "Not found: Collection `%s` doesn't exist!", name)
	}
	return c, nil
}

func (s stubCollections) Create(_ context.Context, r *pb.CreateCollection) (*pb.CollectionOperationResponse, error) {
	name := r.GetCollectionName()
	if name == "" || len(name) > 255 || strings.ContainsAny(name, "<>:\"/\\|?*\x00\x1f") {
		return nil, wrong("collection name %q", name)
	}
	if _, ok := s.collections[name]; ok {
		return nil, status.Errorf(codes.AlreadyExists, "Wrong input: Collection `%s` already exists!", name)
	}
	if _, ok := s.aliases[name]; ok {
		return nil, wrong("Can't create collection with name %s. Alias with the same name already exists", name)
	}
	for vector, p := range r.GetVectorsConfig().GetParamsMap().GetMap() {
		if p.GetSize() < 1 || p.GetSize() > 65536 {
			return nil, wrong("vectors.%s.size: value %d invalid, must be from 1 to 65536", vector, p.GetSize())
		}
		if p.GetDistance() == pb.Distance_UnknownDistance {
			return nil, wrong("vectors.%s has no distance", vector)
		}
	}
	s.collections[name] = &stubCollection{create: r, schema: map[string]*pb.PayloadSchemaInfo{}, points: map[string]*stubPoint{}}
	return &pb.CollectionOperationResponse{Result: true}, nil
}

func (s stubCollections) Get(_ context.Context, r *pb.GetCollectionInfoRequest) (*pb.GetCollectionInfoResponse, error) {
	c, err := s.find(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	return &pb.GetCollectionInfoResponse{Result: &pb.CollectionInfo{
		Status: pb.CollectionStatus_Green, PayloadSchema: c.schema, PointsCount: new(uint64(len(c.points))),
		Config: &pb.CollectionConfig{
			Params:             &pb.CollectionParams{VectorsConfig: c.create.GetVectorsConfig(), SparseVectorsConfig: c.create.GetSparseVectorsConfig()},
			QuantizationConfig: c.create.GetQuantizationConfig(), StrictModeConfig: c.create.GetStrictModeConfig(), Metadata: c.create.GetMetadata(),
		},
	}}, nil
}

func (s stubCollections) List(context.Context, *pb.ListCollectionsRequest) (*pb.ListCollectionsResponse, error) {
	r := &pb.ListCollectionsResponse{}
	for name := range s.collections {
		r.Collections = append(r.Collections, &pb.CollectionDescription{Name: name})
	}
	return r, nil
}

func (s stubCollections) Delete(_ context.Context, r *pb.DeleteCollection) (*pb.CollectionOperationResponse, error) {
	name := r.GetCollectionName()
	_, ok := s.collections[name]
	delete(s.collections, name)
	maps.DeleteFunc(s.aliases, func(_, target string) bool { return target == name })
	return &pb.CollectionOperationResponse{Result: ok}, nil
}

func (s stubCollections) ListAliases(context.Context, *pb.ListAliasesRequest) (*pb.ListAliasesResponse, error) {
	r := &pb.ListAliasesResponse{}
	for _, alias := range slices.Sorted(maps.Keys(s.aliases)) {
		r.Aliases = append(r.Aliases, &pb.AliasDescription{AliasName: alias, CollectionName: s.aliases[alias]})
	}
	return r, nil
}

// UpdateAliases does all of the actions or none.
func (s stubCollections) UpdateAliases(_ context.Context, r *pb.ChangeAliases) (*pb.CollectionOperationResponse, error) {
	next := maps.Clone(s.aliases)
	for _, action := range r.GetActions() {
		switch {
		case action.GetCreateAlias() != nil:
			create := action.GetCreateAlias()
			if _, ok := s.collections[create.GetCollectionName()]; !ok {
				return nil, status.Errorf(codes.NotFound, "Not found: Collection `%s` doesn't exist!", create.GetCollectionName())
			}
			if _, ok := s.collections[create.GetAliasName()]; ok {
				return nil, wrong("Collection `%s` already exists!", create.GetAliasName())
			}
			next[create.GetAliasName()] = create.GetCollectionName()
		case action.GetDeleteAlias() != nil:
			delete(next, action.GetDeleteAlias().GetAliasName())
		default:
			return nil, status.Error(codes.Unimplemented, "the stub renames no alias")
		}
	}
	s.stub.aliases = next
	return &pb.CollectionOperationResponse{Result: true}, nil
}

func (s stubPoints) CreateFieldIndex(_ context.Context, r *pb.CreateFieldIndexCollection) (*pb.PointsOperationResponse, error) {
	c, err := s.find(r.GetCollectionName())
	if err != nil {
		return nil, err
	}
	kinds := map[pb.FieldType]pb.PayloadSchemaType{pb.FieldType_FieldTypeKeyword: pb.PayloadSchemaType_Keyword, pb.FieldType_FieldTypeInteger: pb.PayloadSchemaType_Integer}
	kind, ok := kinds[r.GetFieldType()]
	if !ok || r.FieldType == nil {
		return nil, wrong("the stub knows no index of type %s", r.GetFieldType())
	}
	c.schema[r.GetFieldName()] = &pb.PayloadSchemaInfo{DataType: kind, Params: r.GetFieldIndexParams()}
	return completed(), nil
}
