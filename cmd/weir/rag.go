package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/weir-dev/weir/api"
	"github.com/weir-dev/weir/internal/metrics"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/rag/bm25"
	"github.com/weir-dev/weir/rag/hashing"
	"github.com/weir-dev/weir/rag/minilm"
	"github.com/weir-dev/weir/rag/qdrant"
)

// settleAfter is for how long nothing is put into a collection before it is arranged for searching.
const settleAfter = 5 * time.Second

// pipelines are the configured pipelines, and how documents get into them.
type pipelines struct {
	served   rag.Pipelines
	configs  map[string]*RAGConfig
	made     map[string]rag.Config
	indexes  map[string]rag.Index // by the name of the pipeline
	top      llm.Sender
	counts   *metrics.RAG
	recall   *rag.Recall
	settling *rag.Settling
	local    map[string]rag.Embedder // models that weir runs itself, by the name that shapes have for them
	price    func(project, model string, u llm.Usage) (price.USD, bool)
}

var _ api.RAG = (*pipelines)(nil)

// ragParts is what pipelines are made of beside their configuration.
type ragParts struct {
	ClickHouse, Qdrant rag.Index // Qdrant nil: there is none
	// Top is the chain beneath the stages that hold for clients' requests: what a pipeline asks for one has passed these.
	Top      llm.Sender
	Price    func(project, model string, u llm.Usage) (price.USD, bool)
	Answered func(on *llm.Call, a rag.Asked)
	Spans    func([]rag.Span)
	Counts   *metrics.RAG
	Log      *slog.Logger
	// Words gives what a prompt of the registry says.
	Words func(ctx context.Context, prompt string) (string, llm.Use, error)
}

// openPipelines makes the configured pipelines, and loads the models that they need.
func openPipelines(cfg Config, with ragParts) (*pipelines, error) {
	out := &pipelines{
		served: rag.Pipelines{}, configs: map[string]*RAGConfig{}, made: map[string]rag.Config{}, indexes: map[string]rag.Index{}, top: with.Top, price: with.Price, counts: with.Counts,
		recall: rag.NewRecall(with.Counts.Recalled), settling: rag.NewSettling(settleAfter, with.Log), local: map[string]rag.Embedder{},
	}
	for i := range cfg.RAG {
		c := &cfg.RAG[i]
		if err := out.load(c); err != nil {
			return nil, fmt.Errorf("pipeline %s: %w", c.Name, err)
		}
		index := with.ClickHouse
		if c.store() == "qdrant" {
			index = with.Qdrant
		}
		out.configs[c.Name], out.indexes[c.Name] = c, index
		out.made[c.Name] = rag.Config{
			Settings: c.settings(), Index: index, Store: c.store(), Alias: c.alias(), Embedder: out.questionEmbedder(c.Name), Terms: bm25.Query, Top: with.Top, Price: with.Price,
			Answered: with.Answered, Ran: with.Counts.Ran, Words: with.Words, Spans: with.Spans, Kept: contentKept(cfg), Recall: out.recall,
		}
		out.served[c.Name] = rag.New(out.made[c.Name])
	}
	return out, nil
}

// load reads the pipeline's model into memory, where weir runs it itself and no other pipeline has it already.
func (p *pipelines) load(c *RAGConfig) error {
	if c.local == nil || p.local[c.embedder()] != nil {
		return nil
	}
	e, err := minilm.Load(c.embedder(), c.local)
	if err != nil {
		return err
	}
	p.local[c.embedder()] = e
	return nil
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

// questionEmbedder gives what makes vectors of a pipeline's questions, to collections of a shape.
func (p *pipelines) questionEmbedder(pipeline string) func(send llm.Sender, on *llm.Call, of rag.Shape) (rag.Embedder, error) {
	return func(send llm.Sender, on *llm.Call, of rag.Shape) (rag.Embedder, error) {
		e, err := p.embedder(send, on, of.Embedder, of.Dimensions, func(texts int, err error) { p.counts.Embedded(pipeline, false, texts, err) })
		if g, ok := e.(*named); ok {
			g.Tries, g.Cache = queryTries, "read"
		}
		return e, err
	}
}

// named is an embedder of the gateway that goes by the name that shapes have for it.
type named struct {
	*rag.GatewayEmbedder
	as string
}

// Model is the name in shapes.
func (n *named) Model() string { return n.as }

// counted is an embedder that weir runs itself, whose calls are counted as those to a provider's are.
type counted struct {
	rag.Embedder
	sent func(texts int, err error)
}

// Embed makes the vectors.
func (c *counted) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	vectors, err := c.Embedder.Embed(ctx, texts)
	c.sent(len(texts), err)
	return vectors, err
}

// embedder finds what a shape's name for an embedding model stands for: hashing-v1/DIMENSIONS, local:NAME of one that weir runs
// itself, MODEL, or MODEL@DIMENSIONS of one that is asked for so many. What asks a model tells sent of it.
func (p *pipelines) embedder(send llm.Sender, on *llm.Call, name string, dimensions int, sent func(texts int, err error)) (rag.Embedder, error) {
	if own, ok := strings.CutPrefix(name, localPrefix); ok {
		e := p.local[name]
		if e == nil {
			return nil, fmt.Errorf("the collection was made with the local model %s, which no pipeline names with its embedding.path now", own)
		}
		return &counted{e, sent}, nil
	}
	if text, ok := strings.CutPrefix(name, "hashing-v1/"); ok {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q names no number of dimensions", name)
		}
		return hashing.New(n), nil
	}
	g := &rag.GatewayEmbedder{Top: send, On: on, Name: name, Dimensions: dimensions, Cache: "off", Sent: sent}
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
	embedder, err := p.embedder(p.top, on, c.embedder(), c.Embedding.Dimensions, func(texts int, err error) { p.counts.Embedded(name, true, texts, err) })
	if err != nil {
		return rag.Summary{}, err
	}
	x := &rag.Indexer{
		Index: index, Embedder: embedder, Splitter: splitter, Words: bm25.BM25{}, Collection: c.collection(), Dimensions: c.dimensions(),
		Price: func(tokens int64) (price.USD, bool) {
			if c.own() {
				return 0, true
			}
			return p.price(on.Project, c.Embedding.Model, llm.Usage{InputUncached: tokens})
		},
	}
	summary, err := x.Run(ctx, docs)
	p.settling.Written(index, x.Collection)
	if err != nil {
		return summary, err
	}
	return summary, p.pointFirst(ctx, c, index)
}

// own says that weir makes the vectors itself, for nothing.
func (c *RAGConfig) own() bool { return c.Embedding.Model == hashingModel || c.Embedding.Path != "" }

// dimensions are those of the vectors, 0 when the model decides.
func (c *RAGConfig) dimensions() int {
	if c.local != nil {
		return c.local.Dimensions
	}
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
