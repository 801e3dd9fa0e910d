package qdrant

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/qdrant/go-client/qdrant"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/weir-dev/weir/rag"
)

// Names of the vectors of a point.
const (
	dense  = "dense"
	sparse = "bm25"
)

const (
	widest = 65_536 // dimensions that Qdrant takes
	// The bounds that a collection's strict mode holds against other programs too.
	maxLimit      = 1_000_000 // of a list; documents are counted by one
	maxConditions = 128       // of a filter
	maxValues     = 10_000    // of a condition
)

// Make implements rag.Index. The shape is kept in the collection's metadata.
func (s *Store) Make(ctx context.Context, c rag.Collection) error {
	const step = "make collection"
	if err := rag.CheckName(c.Name); err != nil {
		return err
	}
	if c.Dimensions < 1 || c.Dimensions > widest {
		return fmt.Errorf("%s %q: %d dimensions: want 1 to %d", step, c.Name, c.Dimensions, widest)
	}
	if err := s.Ready(ctx); err != nil {
		return fmt.Errorf("%s %q: %w", step, c.Name, err)
	}
	aliases, err := s.Aliases(ctx)
	if err != nil {
		return fmt.Errorf("%s %q: %w", step, c.Name, err)
	}
	if target, ok := aliases[c.Name]; ok {
		return fmt.Errorf("%s %q: an alias of %q is called so: take another name", step, c.Name, target)
	}
	there, info, err := s.get(ctx, c.Name)
	if errors.Is(err, rag.ErrNoCollection) {
		creating := s.client.CreateCollection(ctx, s.creation(c))
		// Another may have made it in between, or an earlier try of this request whose answer was lost.
		if there, info, err = s.get(ctx, c.Name); err != nil && creating != nil {
			return s.fail(ctx, step, c.Name, creating)
		}
	}
	if err != nil {
		return fmt.Errorf("%s %q: %w", step, c.Name, err)
	}
	want := c.Shape
	want.AverageLength = there.AverageLength
	if there.Shape != want {
		return fmt.Errorf("%s %q: %w: it holds %s, and this is %s: take another name, or drop it", step, c.Name, rag.ErrOtherShape, describe(there.Shape), describe(want))
	}
	return s.indexes(ctx, c.Name, info)
}

func describe(s rag.Shape) string {
	return fmt.Sprintf("vectors of %q with %d dimensions, split by %q", s.Embedder, s.Dimensions, s.Splitter)
}

func (s *Store) creation(c rag.Collection) *qdrant.CreateCollection {
	create := &qdrant.CreateCollection{
		CollectionName:      c.Name,
		VectorsConfig:       qdrant.NewVectorsConfigMap(map[string]*qdrant.VectorParams{dense: {Size: uint64(c.Dimensions), Distance: qdrant.Distance_Cosine}}), //nolint:gosec // it is positive
		SparseVectorsConfig: qdrant.NewSparseVectorsConfig(map[string]*qdrant.SparseVectorParams{sparse: {Modifier: new(qdrant.Modifier_Idf)}}),
		OnDiskPayload:       new(true),
		StrictModeConfig: &qdrant.StrictModeConfig{
			Enabled:                    new(true),
			MaxQueryLimit:              new(uint32(maxLimit)),
			UnindexedFilteringRetrieve: new(false),
			UnindexedFilteringUpdate:   new(false),
			SearchAllowExact:           new(true),
			UpsertMaxBatchsize:         new(uint64(batchPoints)),
			FilterMaxConditions:        new(uint64(maxConditions)),
			ConditionMaxSize:           new(uint64(maxValues)),
		},
		Metadata: map[string]*qdrant.Value{metadataKey: shapeValue(c.Shape)},
	}
	if s.quantization == Scalar {
		create.QuantizationConfig = qdrant.NewQuantizationScalar(&qdrant.ScalarQuantization{
			Type: qdrant.QuantizationType_Int8, Quantile: new(float32(0.99)), AlwaysRam: new(true),
		})
	}
	return create
}

// indexes makes the indexes of fields that are filtered or ordered by, where one is missing: the maker of the collection
// may have ended before it came to them.
func (s *Store) indexes(ctx context.Context, collection string, info *qdrant.CollectionInfo) error {
	for _, f := range []struct {
		field  string
		kind   qdrant.FieldType
		params *qdrant.PayloadIndexParams
	}{
		{fieldTenant, qdrant.FieldType_FieldTypeKeyword, qdrant.NewPayloadIndexParamsKeyword(&qdrant.KeywordIndexParams{IsTenant: new(true)})},
		{fieldDocument, qdrant.FieldType_FieldTypeKeyword, nil},
		{fieldLabels, qdrant.FieldType_FieldTypeKeyword, nil},
		{fieldOrdinal, qdrant.FieldType_FieldTypeInteger, qdrant.NewPayloadIndexParamsInt(&qdrant.IntegerIndexParams{Lookup: new(false), Range: new(true)})},
	} {
		if _, ok := info.GetPayloadSchema()[f.field]; ok {
			continue
		}
		_, err := s.client.CreateFieldIndex(ctx, &qdrant.CreateFieldIndexCollection{
			CollectionName: collection, Wait: new(true), FieldName: f.field, FieldType: f.kind.Enum(), FieldIndexParams: f.params,
		})
		if err != nil {
			return s.fail(ctx, "index "+f.field+" of collection", collection, err)
		}
	}
	return nil
}

// get gives the collection of this name, which is no alias.
func (s *Store) get(ctx context.Context, name string) (rag.Collection, *qdrant.CollectionInfo, error) {
	info, err := s.client.GetCollectionInfo(ctx, name)
	if err != nil {
		return rag.Collection{}, nil, s.fail(ctx, "read collection", name, err)
	}
	shape, ok := shapeOf(info.GetConfig().GetMetadata()[metadataKey])
	if !ok {
		return rag.Collection{}, nil, fmt.Errorf("collection %q: %w: it was not made by weir: take another name", name, rag.ErrOtherShape)
	}
	return rag.Collection{Name: name, Shape: shape}, info, nil
}

// look gives the collection of this name or alias.
func (s *Store) look(ctx context.Context, name string) (rag.Collection, error) {
	if rag.CheckName(name) != nil {
		return rag.Collection{}, fmt.Errorf("collection %q: %w", name, rag.ErrNoCollection)
	}
	const tries = 3 // the alias may move away from a collection that is then dropped
	for try := 1; ; try++ {
		aliases, err := s.Aliases(ctx)
		if err != nil {
			return rag.Collection{}, err
		}
		target, ok := aliases[name]
		if !ok {
			target = name
		}
		c, _, err := s.get(ctx, target)
		if ok && errors.Is(err, rag.ErrNoCollection) && try < tries {
			continue
		}
		if err == nil {
			s.remember(name, c.Dimensions)
		}
		return c, err
	}
}

func (s *Store) remember(name string, dimensions int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dimensions[name] = dimensions
}

func (s *Store) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.dimensions, name)
}

// fits says whether a vector of so many dimensions belongs into the collection or alias.
func (s *Store) fits(ctx context.Context, name string, dimensions int) error {
	s.mu.Lock()
	known := s.dimensions[name]
	s.mu.Unlock()
	if known == dimensions {
		return nil // where an alias has moved since, the server refuses
	}
	c, err := s.look(ctx, name)
	if err != nil {
		return err
	}
	if c.Dimensions != dimensions {
		return fmt.Errorf("collection %q: %w: it holds %s, and the vector has %d", c.Name, rag.ErrOtherShape, describe(c.Shape), dimensions)
	}
	return nil
}

// Collection implements rag.Index.
func (s *Store) Collection(ctx context.Context, name string) (rag.CollectionInfo, error) {
	c, err := s.look(ctx, name)
	if err != nil {
		return rag.CollectionInfo{}, err
	}
	return s.count(ctx, c)
}

// count adds how much the collection holds.
func (s *Store) count(ctx context.Context, c rag.Collection) (rag.CollectionInfo, error) {
	n, err := s.client.Count(ctx, &qdrant.CountPoints{CollectionName: c.Name, Exact: new(true)})
	if err != nil {
		return rag.CollectionInfo{}, s.fail(ctx, "count points of collection", c.Name, err)
	}
	documents, err := s.documents(ctx, c.Name)
	if err != nil {
		return rag.CollectionInfo{}, err
	}
	return rag.CollectionInfo{Collection: c, Points: int64(n), Documents: int64(len(documents))}, nil //nolint:gosec // no server holds 2^63 points
}

// Collections implements rag.Index; those that weir did not make are left out.
func (s *Store) Collections(ctx context.Context) ([]rag.CollectionInfo, error) {
	names, err := s.client.ListCollections(ctx)
	if err != nil {
		return nil, s.fail(ctx, "list collections", "", err)
	}
	slices.Sort(names)
	var list []rag.CollectionInfo
	for _, name := range names {
		c, _, err := s.get(ctx, name)
		if err == nil {
			var info rag.CollectionInfo
			info, err = s.count(ctx, c)
			list = append(list, info)
		}
		switch {
		case errors.Is(err, rag.ErrNoCollection): // it was dropped since the list was made
			list = slices.DeleteFunc(list, func(c rag.CollectionInfo) bool { return c.Name == "" })
		case err != nil && !errors.Is(err, rag.ErrOtherShape):
			return nil, err
		}
	}
	return list, nil
}

// Drop implements rag.Index. A collection that weir did not make is refused too.
func (s *Store) Drop(ctx context.Context, name string) error {
	const step = "drop collection"
	aliases, err := s.Aliases(ctx)
	if err != nil {
		return fmt.Errorf("%s %q: %w", step, name, err)
	}
	if target, ok := aliases[name]; ok {
		return fmt.Errorf("%s %q: it is an alias of %q: remove the alias, or drop that by its own name", step, name, target)
	}
	for alias, target := range aliases {
		if target == name {
			return fmt.Errorf("%s %q: the alias %q points at it: move that first", step, name, alias)
		}
	}
	if _, _, err := s.get(ctx, name); err != nil {
		if errors.Is(err, rag.ErrNoCollection) || rag.CheckName(name) != nil && !errors.Is(err, rag.ErrAway) && ctx.Err() == nil {
			return nil
		}
		return fmt.Errorf("%s %q: %w", step, name, err)
	}
	// Where another drops it at the same time the server answers false or NotFound; it is gone all the same.
	_, err = s.client.GetCollectionsClient().Delete(ctx, &qdrant.DeleteCollection{CollectionName: name})
	if err != nil && status.Code(err) != codes.NotFound {
		return s.fail(ctx, step, name, err)
	}
	s.forget(name)
	return nil
}

// metadataKey is where in a collection's metadata its shape stands.
const metadataKey = "weir"

func shapeValue(s rag.Shape) *qdrant.Value {
	return qdrant.NewValueFromFields(map[string]*qdrant.Value{
		"embedder": qdrant.NewValueString(s.Embedder), "dimensions": qdrant.NewValueInt(int64(s.Dimensions)),
		"splitter": qdrant.NewValueString(s.Splitter), "average_length": qdrant.NewValueDouble(s.AverageLength),
	})
}

// shapeOf reads a shape; false: it is none.
func shapeOf(v *qdrant.Value) (rag.Shape, bool) {
	fields := v.GetStructValue().GetFields()
	average := fields["average_length"].GetDoubleValue()
	if n := fields["average_length"].GetIntegerValue(); n != 0 {
		average = float64(n) // a number without a fraction may come back as an integer
	}
	s := rag.Shape{
		Embedder: fields["embedder"].GetStringValue(), Dimensions: int(fields["dimensions"].GetIntegerValue()),
		Splitter: fields["splitter"].GetStringValue(), AverageLength: average,
	}
	return s, s.Dimensions > 0
}
