package ragtest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/weir-dev/weir/rag"
)

// Memory is a rag.Index in memory that compares with every point. The zero value is empty. Safe for concurrent use.
type Memory struct {
	mu          sync.RWMutex // guards the rest
	collections map[string]*memoryCollection
	aliases     map[string]string
	put         int
	err         error
}

type memoryCollection struct {
	rag.Collection
	points map[string]rag.Point
}

var _ rag.Index = (*Memory)(nil)

// Fail makes every further call answer so; nil ends that.
func (m *Memory) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

// Written is how many points Put has taken so far, in all collections.
func (m *Memory) Written() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.put
}

// find gives a collection by its name or alias.
func (m *Memory) find(ctx context.Context, name string) (*memoryCollection, error) {
	if err := cmp.Or(ctx.Err(), m.err); err != nil {
		return nil, err
	}
	if target, ok := m.aliases[name]; ok {
		name = target
	}
	c, ok := m.collections[name]
	if !ok {
		return nil, fmt.Errorf("%q: %w", name, rag.ErrNoCollection)
	}
	return c, nil
}

// Make implements rag.Index.
func (m *Memory) Make(ctx context.Context, c rag.Collection) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(ctx.Err(), m.err); err != nil {
		return err
	}
	if err := rag.CheckName(c.Name); err != nil {
		return err
	}
	if c.Dimensions < 1 {
		return fmt.Errorf("collection %q: %d dimensions: want at least one", c.Name, c.Dimensions)
	}
	if _, ok := m.aliases[c.Name]; ok {
		return fmt.Errorf("collection %q: an alias is called so", c.Name)
	}
	if there, ok := m.collections[c.Name]; ok {
		shape := c.Shape
		shape.AverageLength = there.AverageLength
		if shape != there.Shape {
			return fmt.Errorf("collection %q: %w", c.Name, rag.ErrOtherShape)
		}
		return nil
	}
	if m.collections == nil {
		m.collections = map[string]*memoryCollection{}
	}
	m.collections[c.Name] = &memoryCollection{Collection: c, points: map[string]rag.Point{}}
	return nil
}

func (c *memoryCollection) info() rag.CollectionInfo {
	documents := map[string]bool{}
	for _, p := range c.points {
		documents[p.Document] = true
	}
	return rag.CollectionInfo{Collection: c.Collection, Points: int64(len(c.points)), Documents: int64(len(documents))}
}

// Collections implements rag.Index.
func (m *Memory) Collections(ctx context.Context) ([]rag.CollectionInfo, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if err := cmp.Or(ctx.Err(), m.err); err != nil {
		return nil, err
	}
	var list []rag.CollectionInfo
	for _, name := range slices.Sorted(maps.Keys(m.collections)) {
		list = append(list, m.collections[name].info())
	}
	return list, nil
}

// Collection implements rag.Index.
func (m *Memory) Collection(ctx context.Context, name string) (rag.CollectionInfo, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	c, err := m.find(ctx, name)
	if err != nil {
		return rag.CollectionInfo{}, err
	}
	return c.info(), nil
}

// Drop implements rag.Index.
func (m *Memory) Drop(ctx context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(ctx.Err(), m.err); err != nil {
		return err
	}
	for alias, target := range m.aliases {
		if target == name {
			return fmt.Errorf("drop collection %q: the alias %q points at it: move that first", name, alias)
		}
	}
	delete(m.collections, name)
	return nil
}

// Put implements rag.Index.
func (m *Memory) Put(ctx context.Context, collection string, points []rag.Point) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.find(ctx, collection)
	if err != nil {
		return err
	}
	for i := range points {
		p := &points[i]
		if len(p.Vector) != c.Dimensions {
			return fmt.Errorf("put into %q: chunk %s has a vector of %d dimensions, not %d: %w", collection, p.ID, len(p.Vector), c.Dimensions, rag.ErrOtherShape)
		}
		if len(p.Terms.IDs) != len(p.Terms.Weights) {
			return fmt.Errorf("put into %q: chunk %s has %d terms and %d weights", collection, p.ID, len(p.Terms.IDs), len(p.Terms.Weights))
		}
	}
	for _, p := range points {
		p.Chunk = copyChunk(p.Chunk)
		p.Vector = slices.Clone(p.Vector)
		p.Terms = rag.Terms{IDs: slices.Clone(p.Terms.IDs), Weights: slices.Clone(p.Terms.Weights)}
		c.points[p.ID] = p
	}
	m.put += len(points)
	return nil
}

// Describe implements rag.Index.
func (m *Memory) Describe(ctx context.Context, collection string, chunks []rag.Chunk) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.find(ctx, collection)
	if err != nil {
		return err
	}
	for _, chunk := range chunks {
		if p, ok := c.points[chunk.ID]; ok {
			text := p.Text
			p.Chunk = copyChunk(chunk)
			p.Text = text
			c.points[chunk.ID] = p
		}
	}
	return nil
}

// Remove implements rag.Index.
func (m *Memory) Remove(ctx context.Context, collection string, ids []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.find(ctx, collection)
	if err != nil {
		return err
	}
	for _, id := range ids {
		delete(c.points, id)
	}
	return nil
}

// Chunks implements rag.Index.
func (m *Memory) Chunks(ctx context.Context, collection, document string) ([]rag.Chunk, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	c, err := m.find(ctx, collection)
	if err != nil {
		return nil, err
	}
	var chunks []rag.Chunk
	for _, p := range c.points {
		if p.Document == document {
			chunks = append(chunks, copyChunk(p.Chunk))
		}
	}
	slices.SortFunc(chunks, func(a, b rag.Chunk) int {
		return cmp.Or(cmp.Compare(a.Ordinal, b.Ordinal), strings.Compare(a.ID, b.ID))
	})
	return chunks, nil
}

// Get implements rag.Index.
func (m *Memory) Get(ctx context.Context, collection string, ids []string) ([]rag.Chunk, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	c, err := m.find(ctx, collection)
	if err != nil {
		return nil, err
	}
	var chunks []rag.Chunk
	for _, id := range ids {
		if p, ok := c.points[id]; ok {
			chunks = append(chunks, copyChunk(p.Chunk))
		}
	}
	return chunks, nil
}

// Documents implements rag.Index.
func (m *Memory) Documents(ctx context.Context, collection, after string, limit int) ([]rag.DocumentInfo, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	c, err := m.find(ctx, collection)
	if err != nil {
		return nil, err
	}
	chunks := map[string][]rag.Chunk{}
	for _, p := range c.points {
		if p.Document > after {
			chunks[p.Document] = append(chunks[p.Document], p.Chunk)
		}
	}
	var list []rag.DocumentInfo
	for _, id := range slices.Sorted(maps.Keys(chunks)) {
		if len(list) >= limit {
			break
		}
		slices.SortFunc(chunks[id], func(a, b rag.Chunk) int {
			return cmp.Or(cmp.Compare(a.Ordinal, b.Ordinal), strings.Compare(a.ID, b.ID))
		})
		first, last := chunks[id][0], chunks[id][len(chunks[id])-1]
		list = append(list, rag.DocumentInfo{
			ID: id, Title: first.Title, Hash: first.DocumentHash, Chunks: len(chunks[id]), Bytes: last.End, Labels: maps.Clone(first.Labels), Tenant: first.Tenant,
		})
	}
	return list, nil
}

// Search implements rag.Index.
func (m *Memory) Search(ctx context.Context, collection string, q rag.Query) (rag.Found, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	c, err := m.find(ctx, collection)
	if err != nil {
		return rag.Found{}, err
	}
	if q.Vector != nil && len(q.Vector) != c.Dimensions {
		return rag.Found{}, fmt.Errorf("search %q: a vector of %d dimensions, not %d: %w", collection, len(q.Vector), c.Dimensions, rag.ErrOtherShape)
	}
	if len(q.Terms.IDs) != len(q.Terms.Weights) {
		return rag.Found{}, fmt.Errorf("search %q: %d terms and %d weights", collection, len(q.Terms.IDs), len(q.Terms.Weights))
	}
	var found rag.Found
	weights := c.frequencies(q.Terms)
	for _, p := range c.points {
		if !passes(&p, &q) {
			continue
		}
		if q.Vector != nil {
			found.Dense = append(found.Dense, hit(p, cosine(p.Vector, q.Vector), q.Vectors))
		}
		score, some := 0.0, false
		for i, id := range p.Terms.IDs {
			if w, ok := weights[id]; ok {
				score += w * float64(p.Terms.Weights[i])
				some = true
			}
		}
		if some {
			found.Sparse = append(found.Sparse, hit(p, score, q.Vectors))
		}
	}
	found.Dense, found.Sparse = best(found.Dense, q.Limit), best(found.Sparse, q.Limit)
	return found, nil
}

// frequencies gives each of the terms its weight times its inverse document frequency.
func (c *memoryCollection) frequencies(terms rag.Terms) map[uint32]float64 {
	df := map[uint32]float64{}
	for _, p := range c.points {
		for _, id := range p.Terms.IDs {
			df[id]++
		}
	}
	weights := map[uint32]float64{}
	for i, id := range terms.IDs {
		n := df[id]
		weights[id] = float64(terms.Weights[i]) * math.Log(1+(float64(len(c.points))-n+0.5)/(n+0.5))
	}
	return weights
}

func passes(p *rag.Point, q *rag.Query) bool {
	if !q.AnyTenant && p.Tenant != "" && p.Tenant != q.Tenant {
		return false
	}
	for name, values := range q.Labels {
		if value, ok := p.Labels[name]; !ok || !slices.Contains(values, value) {
			return false
		}
	}
	return true
}

func hit(p rag.Point, score float64, vector bool) rag.Hit {
	h := rag.Hit{Chunk: copyChunk(p.Chunk), Score: score}
	if vector {
		h.Vector = slices.Clone(p.Vector)
	}
	return h
}

func best(hits []rag.Hit, limit int) []rag.Hit {
	slices.SortFunc(hits, func(a, b rag.Hit) int { return cmp.Or(cmp.Compare(b.Score, a.Score), strings.Compare(a.ID, b.ID)) })
	return hits[:min(max(limit, 0), len(hits))]
}

func cosine(a, b []float32) float64 {
	var dot, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		dot, aa, bb = dot+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return dot / math.Sqrt(aa*bb)
}

func copyChunk(c rag.Chunk) rag.Chunk {
	c.Headings, c.Labels = slices.Clone(c.Headings), maps.Clone(c.Labels)
	return c
}

// Aliases implements rag.Index.
func (m *Memory) Aliases(ctx context.Context) (map[string]string, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if err := cmp.Or(ctx.Err(), m.err); err != nil {
		return nil, err
	}
	return maps.Clone(m.aliases), nil
}

// Point implements rag.Index.
func (m *Memory) Point(ctx context.Context, alias, collection string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(ctx.Err(), m.err, rag.CheckName(alias)); err != nil {
		return err
	}
	if _, ok := m.collections[alias]; ok {
		return fmt.Errorf("alias %q: a collection is called so", alias)
	}
	if _, ok := m.collections[collection]; !ok {
		return fmt.Errorf("alias %q: collection %q: %w", alias, collection, rag.ErrNoCollection)
	}
	if m.aliases == nil {
		m.aliases = map[string]string{}
	}
	m.aliases[alias] = collection
	return nil
}

// Unpoint implements rag.Index.
func (m *Memory) Unpoint(ctx context.Context, alias string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := cmp.Or(ctx.Err(), m.err); err != nil {
		return err
	}
	delete(m.aliases, alias)
	return nil
}
