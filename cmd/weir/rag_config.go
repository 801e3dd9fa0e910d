package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/prompts"
	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/rag/minilm"
	"github.com/weir-dev/weir/rag/split"
)

// RAGConfig is a pipeline that answers from documents.
type RAGConfig struct {
	Name      string          `yaml:"name"` // clients ask for rag/NAME
	Embedding EmbeddingConfig `yaml:"embedding"`
	Model     string          `yaml:"model"` // that answers
	Index     string          `yaml:"index"` // clickhouse, the default, or qdrant
	Splitter  SplitterConfig  `yaml:"splitter"`
	// Collection is what the documents are kept under, the pipeline's name unless said; pipelines that name the same one search the
	// same documents.
	Collection string `yaml:"collection"`

	TopK          int          `yaml:"top_k"` // chunks of each list
	Limit         int          `yaml:"limit"` // chunks that come through fusion
	RRF           RRFConfig    `yaml:"rrf"`
	MinSimilarity float64      `yaml:"min_similarity"` // by cosine
	MinScore      *float64     `yaml:"min_score"`      // refused, with the reason
	Rewrite       string       `yaml:"rewrite"`        // a model that makes one query of a conversation
	MMR           MMRConfig    `yaml:"mmr"`
	Rerank        RerankConfig `yaml:"rerank"`
	Parents       bool         `yaml:"parents"`
	ContextTokens int          `yaml:"context_tokens"`
	Order         string       `yaml:"order"`  // best_first, edges
	System        string       `yaml:"system"` // said to the answering model before the rules
	Prompt        string       `yaml:"prompt"` // the same, of the registry: name@label
	Tenant        string       `yaml:"tenant"` // none, project
	// RecallShare is how many questions are searched exactly too, to see what the approximate search misses; a hundredth unless said.
	RecallShare *float64 `yaml:"recall_share"`

	position
	local *minilm.Folder // of Embedding.Path, once that was looked at
}

// EmbeddingConfig names what makes vectors.
type EmbeddingConfig struct {
	Model      string `yaml:"model"`      // as a client asks for it; hashing: made here, without a model; with Path a name of one's own
	Dimensions int    `yaml:"dimensions"` // of a vector; 0: as many as the model gives
	Path       string `yaml:"path"`       // the folder of a sentence-transformers model that is run here
}

// SplitterConfig says how documents are cut. Zero fields take the splitter's defaults.
type SplitterConfig struct {
	Kind    string `yaml:"kind"`
	Tokens  int    `yaml:"tokens"`
	Overlap *int   `yaml:"overlap"`
}

// RRFConfig says how lists are joined.
type RRFConfig struct {
	K      float64 `yaml:"k"`
	Dense  float64 `yaml:"dense"` // weights
	Sparse float64 `yaml:"sparse"`
}

// MMRConfig makes passages unlike each other.
type MMRConfig struct {
	Lambda float64 `yaml:"lambda"` // 1: by likeness to the question alone; 0: off
}

// RerankConfig has a model order the best candidates.
type RerankConfig struct {
	Model      string  `yaml:"model"`
	Candidates int     `yaml:"candidates"`
	TopN       int     `yaml:"top_n"`
	BudgetUSD  string  `yaml:"budget_usd"` // of one question
	SkipMargin float64 `yaml:"skip_margin"`
}

// hashingModel is the embedding model that needs none.
const (
	hashingModel      = "hashing"
	hashingDimensions = 384
)

// localPrefix begins the names that shapes have for models that weir runs itself.
const localPrefix = "local:"

// defaultRecallShare is small: an exact search of a large collection costs as much as some dozen others.
const defaultRecallShare = 0.01

// settings are the pipeline's, as far as they can be read.
func (c *RAGConfig) settings() rag.Settings {
	budget, _ := price.ParseUSD(cmp.Or(c.Rerank.BudgetUSD, "0")) // validated
	recall := defaultRecallShare
	if c.RecallShare != nil {
		recall = *c.RecallShare
	}
	return rag.Settings{
		Name: c.Name, Model: c.Model, TopK: c.TopK, Limit: c.Limit, RRF: rag.RRF{K: c.RRF.K, Dense: c.RRF.Dense, Sparse: c.RRF.Sparse},
		MinSimilarity: c.MinSimilarity, Rewrite: c.Rewrite, MMR: c.MMR.Lambda,
		Rerank: rag.Rerank{
			Model: c.Rerank.Model, Candidates: c.Rerank.Candidates, TopN: c.Rerank.TopN, Budget: budget, SkipMargin: c.Rerank.SkipMargin,
		},
		Parents: c.Parents, ContextTokens: c.ContextTokens, Order: rag.Order(c.Order), System: c.System, Prompt: c.Prompt, OwnTenant: c.Tenant == "project",
		RecallShare: recall,
	}
}

// store is where the passages are kept.
func (c *RAGConfig) store() string { return cmp.Or(c.Index, "clickhouse") }

// alias is what points at the collection that is searched.
func (c *RAGConfig) alias() string { return cmp.Or(c.Collection, c.Name) }

// embedder names what makes vectors as a shape does: a model that is asked for dimensions makes other vectors than the model as
// it is.
func (c *RAGConfig) embedder() string {
	switch {
	case c.Embedding.Path != "":
		return localPrefix + c.Embedding.Model
	case c.Embedding.Model == hashingModel:
		return fmt.Sprintf("hashing-v1/%d", cmp.Or(c.Embedding.Dimensions, hashingDimensions))
	case c.Embedding.Dimensions > 0:
		return c.Embedding.Model + "@" + strconv.Itoa(c.Embedding.Dimensions)
	}
	return c.Embedding.Model
}

// splitter is what cuts the documents.
func (c *RAGConfig) splitter() (*split.Splitter, error) {
	cfg := split.Config{Kind: split.Kind(c.Splitter.Kind), Tokens: c.Splitter.Tokens, Overlap: c.Splitter.Overlap, Model: c.Embedding.Model}
	if c.local != nil {
		cfg.Counter, cfg.Longest = c.local.Tokenizer, c.local.Room()
	}
	return split.New(cfg)
}

// collection is the name of the collection for what the pipeline's documents are split and embedded by now. Another splitter or
// embedding model has another, so that the old one answers until a swap.
func (c *RAGConfig) collection() string {
	version := ""
	if s, err := c.splitter(); err == nil { // validated
		version = s.Version()
	}
	sum := sha256.Sum256([]byte(c.embedder() + "\n" + version))
	return c.alias() + "-" + hex.EncodeToString(sum[:4])
}

// validateRAG reports what is wrong with the pipelines.
func (c *Config) validateRAG(faults *configFaults) {
	seen := map[string]bool{}
	bases := map[string]*RAGConfig{}
	for i := range c.RAG {
		r := &c.RAG[i]
		at := fmt.Sprintf("rag[%d]", i)
		line := func(path string) int {
			first, _, _ := strings.Cut(path, ".")
			return cmp.Or(faults.lines[at+"."+path], faults.lines[at+"."+first], r.line)
		}
		bad := func(path, format string, args ...any) {
			faults.add(line(path), "%s.%s: %s", at, path, fmt.Sprintf(format, args...))
		}
		r.settings().Check(func(name, what string) { bad(name, "%s", what) })
		if seen[r.Name] {
			bad("name", "there are two pipelines named %q", r.Name)
		}
		seen[r.Name] = true
		r.validateParts(c, bad)
		if other := bases[r.alias()]; other != nil && (other.collection() != r.collection() || other.store() != r.store()) {
			bad("collection", "the pipeline %s keeps documents under %q too, with another embedding, splitter or index: these must be the same", other.Name, r.alias())
		}
		bases[r.alias()] = r
	}
	if len(c.RAG) > 0 {
		for _, p := range c.Providers {
			if p.Name == strings.TrimSuffix(rag.ModelPrefix, "/") {
				faults.add(p.line, "provider rag: pipelines are asked for as rag/NAME, so that a provider named rag could not be; give it another name")
			}
		}
	}
}

// validateParts reports what the settings of retrieval do not know.
func (c *RAGConfig) validateParts(cfg *Config, bad func(path, format string, args ...any)) {
	if c.Embedding.Model == "" {
		bad("embedding", "want the model that makes vectors: {model: text-embedding-3-small}, or {model: hashing} to try it without one")
	}
	if strings.HasPrefix(c.Embedding.Model, rag.ModelPrefix) || strings.HasPrefix(c.Model, rag.ModelPrefix) {
		bad("model", "a pipeline is not asked by another")
	}
	c.validateLocal(cfg, bad)
	const mostDimensions = 8192
	if c.Embedding.Dimensions < 0 || c.Embedding.Dimensions > mostDimensions {
		bad("embedding.dimensions", "%d is not from 0, which takes the model's own, to %d", c.Embedding.Dimensions, mostDimensions)
	}
	switch {
	case !slices.Contains([]string{"", "clickhouse", "qdrant"}, c.Index):
		bad("index", "%q is none of clickhouse, qdrant", c.Index)
	case c.Index == "qdrant" && cfg.Qdrant.URL.IsZero():
		bad("index", "qdrant needs its address: qdrant: {url: …} or WEIR_QDRANT_URL")
	}
	if err := rag.CheckName(c.alias()); c.Collection != "" && err != nil {
		bad("collection", "%v", err)
	} else if len(c.Collection) > rag.MaxName {
		bad("collection", "is longer than %d letters", rag.MaxName)
	}
	if !slices.Contains([]string{"", "none", "project"}, c.Tenant) {
		bad("tenant", "%q is none of none, project", c.Tenant)
	}
	if _, err := prompts.ParseRef(c.Prompt); c.Prompt != "" && err != nil {
		bad("prompt", "%v", err)
	}
	if c.MinScore != nil {
		bad("min_score", "a fused score says how other chunks rank, not how good one is, so that no bound on it means anything; use min_similarity, a bound on the cosine to the question")
	}
	if b := c.Rerank.BudgetUSD; b != "" {
		if _, err := price.ParseUSD(b); err != nil {
			bad("rerank.budget_usd", "%v", err)
		}
	}
	if _, err := c.splitter(); err != nil {
		path, what, _ := strings.Cut(err.Error(), ": ")
		bad(path, "%s", what)
	}
}

// validateLocal reads the settings of a model that weir runs itself, and reports what is wrong with them.
func (c *RAGConfig) validateLocal(cfg *Config, bad func(path, format string, args ...any)) {
	e := &c.Embedding
	switch {
	case strings.HasPrefix(e.Model, localPrefix):
		bad("embedding.model", "%q begins as the names that weir gives models of its own; with embedding.path, leave %q away", e.Model, localPrefix)
		return
	case e.Path == "":
		return
	case e.Model == "" || e.Model == hashingModel:
		bad("embedding.model", "want a name of your own for the model in embedding.path, such as all-MiniLM-L6-v2")
		return
	case !minilm.Built:
		bad("embedding.path", "%v", minilm.ErrNotBuilt)
		return
	}
	for i := range cfg.RAG {
		if other := &cfg.RAG[i]; other.local != nil && other.Embedding.Model == e.Model && other.Embedding.Path != e.Path {
			bad("embedding.path", "the pipeline %s has another folder for the model %s: give one of them another name", other.Name, e.Model)
			return
		}
	}
	local, err := minilm.Open(e.Path)
	if err != nil {
		bad("embedding.path", "%v", err)
		return
	}
	c.local = local
	if e.Dimensions != 0 && e.Dimensions != local.Dimensions {
		bad("embedding.dimensions", "the model in %s makes vectors of %d dimensions, not of %d; leave the setting away", e.Path, local.Dimensions, e.Dimensions)
	}
}

// pipelineNames are those of the configured pipelines.
func pipelineNames(cfg Config) []string {
	out := make([]string, len(cfg.RAG))
	for i := range cfg.RAG {
		out[i] = cfg.RAG[i].Name
	}
	return out
}
