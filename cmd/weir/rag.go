package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/weir-dev/weir/api"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/rag/bm25"
	"github.com/weir-dev/weir/rag/hashing"
	"github.com/weir-dev/weir/rag/qdrant"
)

// pipelines are the configured pipelines, and how documents get into them.
type pipelines struct {
	served  rag.Pipelines
	configs map[string]*RAGConfig
	indexes map[string]rag.Index // by the name of the pipeline
	top     llm.Sender
	price   func(model string, u llm.Usage) (price.USD, bool)
}

var _ api.RAG = (*pipelines)(nil)

// ragParts is what pipelines are made of beside their configuration.
type ragParts struct {
	ClickHouse, Qdrant rag.Index // Qdrant nil: there is none
	// Top is the chain beneath the stages that hold for clients' requests: what a pipeline asks for one has passed these.
	Top      llm.Sender
	Price    func(model string, u llm.Usage) (price.USD, bool)
	Answered func(rag.Asked)
	Spans    func([]rag.Span)
}

// openPipelines makes the configured pipelines.
func openPipelines(cfg Config, with ragParts) *pipelines {
	out := &pipelines{
		served: rag.Pipelines{}, configs: map[string]*RAGConfig{}, indexes: map[string]rag.Index{}, top: with.Top, price: with.Price,
	}
	for i := range cfg.RAG {
		c := &cfg.RAG[i]
		index := with.ClickHouse
		if c.store() == "qdrant" {
			index = with.Qdrant
		}
		out.configs[c.Name], out.indexes[c.Name] = c, index
		out.served[c.Name] = rag.New(rag.Config{
			Settings: c.settings(), Index: index, Store: c.store(), Alias: c.alias(), Embedder: embedderOf, Terms: bm25.Query, Top: with.Top, Price: with.Price,
			Answered: with.Answered, Spans: with.Spans, Kept: contentKept(cfg),
		})
	}
	return out
}

// ragIndex is the server's index, and no index where there is no server.
func ragIndex(s *qdrant.Store) rag.Index {
	if s == nil {
		return nil
	}
	return s
}

// queryTries is how often a vector of a question is tried for: somebody waits for the answer.
const queryTries = 2

// embedderOf gives what makes vectors of questions to collections of a shape.
func embedderOf(send llm.Sender, on *llm.Call, of rag.Shape) (rag.Embedder, error) {
	e, err := newEmbedder(send, on, of.Embedder, of.Dimensions)
	if g, ok := e.(*named); ok {
		g.Tries, g.Cache = queryTries, "read"
	}
	return e, err
}

// named is an embedder of the gateway that goes by the name that shapes have for it.
type named struct {
	*rag.GatewayEmbedder
	as string
}

// Model is the name in shapes.
func (n *named) Model() string { return n.as }

// newEmbedder finds what a shape's name for an embedding model stands for: hashing-v1/DIMENSIONS, MODEL, or MODEL@DIMENSIONS of
// one that is asked for so many.
func newEmbedder(send llm.Sender, on *llm.Call, name string, dimensions int) (rag.Embedder, error) {
	if text, ok := strings.CutPrefix(name, "hashing-v1/"); ok {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q names no number of dimensions", name)
		}
		return hashing.New(n), nil
	}
	g := &rag.GatewayEmbedder{Top: send, On: on, Name: name, Dimensions: dimensions, Cache: "off"}
	if i := strings.LastIndexByte(name, '@'); i >= 0 {
		if n, err := strconv.Atoi(name[i+1:]); err == nil && n > 0 {
			g.Name, g.Dimensions, g.Ask = name[:i], n, true
		}
	}
	return &named{g, name}, nil
}

// Pipelines implements api.RAG.
func (p *pipelines) Pipelines() rag.Pipelines { return p.served }

// Made implements api.RAG.
func (p *pipelines) Made(name string) api.RAGMade {
	c := p.configs[name]
	out := api.RAGMade{Index: c.store(), Embedding: c.embedder(), Collection: c.collection()}
	if s, err := c.splitter(); err == nil { // validated
		out.Splitter = s.Version()
	}
	return out
}

// Put implements api.RAG. The first collection of a pipeline answers as soon as something is in it.
func (p *pipelines) Put(ctx context.Context, name string, on *llm.Call, docs iter.Seq2[rag.Document, error]) (rag.Summary, error) {
	c, index := p.configs[name], p.indexes[name]
	splitter, err := c.splitter()
	if err != nil {
		return rag.Summary{}, err
	}
	on.Tags = map[string]string{"rag": name}
	embedder, err := newEmbedder(p.top, on, c.embedder(), c.Embedding.Dimensions)
	if err != nil {
		return rag.Summary{}, err
	}
	x := &rag.Indexer{
		Index: index, Embedder: embedder, Splitter: splitter, Words: bm25.BM25{}, Collection: c.collection(), Dimensions: c.dimensions(),
		Price: func(tokens int64) (price.USD, bool) {
			if c.Embedding.Model == hashingModel {
				return 0, true
			}
			return p.price(c.Embedding.Model, llm.Usage{InputUncached: tokens})
		},
	}
	summary, err := x.Run(ctx, docs)
	if err != nil {
		return summary, err
	}
	return summary, p.pointFirst(ctx, c, index)
}

// dimensions are those of the vectors, 0 when the model decides.
func (c *RAGConfig) dimensions() int {
	if c.Embedding.Model == hashingModel && c.Embedding.Dimensions == 0 {
		return hashingDimensions
	}
	return c.Embedding.Dimensions
}

// pointFirst has the pipeline's collection answer when none does.
func (p *pipelines) pointFirst(ctx context.Context, c *RAGConfig, index rag.Index) error {
	aliases, err := index.Aliases(ctx)
	if err != nil {
		return err
	}
	if _, there := aliases[c.alias()]; there {
		return nil
	}
	err = index.Point(ctx, c.alias(), c.collection())
	if errors.Is(err, rag.ErrNoCollection) { // no document could be read
		return nil
	}
	if err == nil {
		for name, other := range p.configs {
			if other.alias() == c.alias() {
				p.served[name].Moved()
			}
		}
	}
	return err
}
