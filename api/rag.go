package api

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/rag"
)

// RAG is the configured pipelines, and what can be done to their documents. Safe for concurrent use.
type RAG interface {
	// Pipelines are the pipelines by name.
	Pipelines() rag.Pipelines
	// Made says what a pipeline's documents are made into by its present configuration.
	Made(name string) RAGMade
	// Put indexes documents into the collection of the present configuration, on the account of a call. The collection begins to
	// answer when none does yet.
	Put(ctx context.Context, name string, on *llm.Call, docs iter.Seq2[rag.Document, error]) (rag.Summary, error)
}

// RAGMade is what documents are made into.
type RAGMade struct {
	Index      string // clickhouse or qdrant
	Embedding  string // the embedding model as collections name it
	Splitter   string // its version
	Collection string // the collection for both
}

// ragPipeline is a pipeline with what it answers from.
type ragPipeline struct {
	Name       string `json:"name"`
	Model      string `json:"model"` // that answers
	Index      string `json:"index"`
	Embedding  string `json:"embedding"` // of the present configuration, as Splitter and Target
	Splitter   string `json:"splitter"`
	Target     string `json:"target"`     // the collection that documents are put into
	Alias      string `json:"alias"`      // that points at the one that answers
	Collection string `json:"collection"` // the one that answers; empty: none does yet
	Previous   string `json:"previous"`   // the one that answered before, to roll back to; or empty
	Points     int64  `json:"points"`     // of the one that answers
	Documents  int64  `json:"documents"`
	// Questions, HitRate and CostPerAnswer are of the last 24 hours; null without questions, or without a known cost.
	Questions     int64    `json:"questions"`
	HitRate       *float64 `json:"hit_rate"`
	CostPerAnswer *string  `json:"cost_per_answer_usd"`
	// ApproximateRecall is the share of the passages nearest by meaning that the approximate search found, the mean over the
	// last questions that were searched exactly too, of which there are ApproximateMeasured; null when there are none.
	ApproximateRecall   *float64 `json:"approximate_recall"`
	ApproximateMeasured int64    `json:"approximate_measured"`

	Error string `json:"error"` // why the index could not be asked, or ""
}

// ragCollection is a collection of a pipeline.
type ragCollection struct {
	Name       string `json:"name"`
	Embedding  string `json:"embedding"`
	Dimensions int    `json:"dimensions"`
	Splitter   string `json:"splitter"`
	Points     int64  `json:"points"`
	Documents  int64  `json:"documents"`
	Role       string `json:"role"` // answers, previous, target or none
}

// ragDetail is a pipeline with all its collections and its settings.
type ragDetail struct {
	ragPipeline
	Collections []ragCollection `json:"collections"`
	Settings    ragSettings     `json:"settings"`
}

// ragSettings are a pipeline's, with the defaults filled in.
type ragSettings struct {
	TopK          int     `json:"top_k"`
	Limit         int     `json:"limit"`
	RRFK          float64 `json:"rrf_k"`
	Dense         float64 `json:"dense"`
	Sparse        float64 `json:"sparse"`
	MinSimilarity float64 `json:"min_similarity"`
	Rewrite       string  `json:"rewrite"`
	MMR           float64 `json:"mmr_lambda"`
	RerankModel   string  `json:"rerank_model"`
	RerankTop     int     `json:"rerank_top_n"`
	Parents       bool    `json:"parents"`
	ContextTokens int     `json:"context_tokens"`
	Order         string  `json:"order"`
	OwnTenant     bool    `json:"own_tenant"`
	RecallShare   float64 `json:"recall_share"` // of the questions that are searched exactly too
}

type ragList struct {
	Pipelines []ragPipeline `json:"pipelines"`
}

// The name of a pipeline's alias with this behind it points at the collection that answered before.
const previousAlias = ".previous"

// ragRoutes are those of pipelines; none without one to serve.
func (a *API) ragRoutes() []route {
	collection := param{name: "collection", about: "one of the pipeline's collections; the one that answers unless given"}
	return []route{
		{
			method: "GET", path: "/rag", name: "listRAG", summary: "The configured pipelines, with what they answer from",
			status: http.StatusOK, out: ragList{}, handle: a.listRAG,
		},
		{
			method: "GET", path: "/rag/{name}", name: "getRAG", summary: "A pipeline, its settings and all its collections",
			status: http.StatusOK, out: ragDetail{}, handle: a.getRAG,
		},
		{
			method: "DELETE", path: "/rag/{name}", name: "dropRAG", role: account.Admin,
			summary: "Remove a collection that does not answer; or without one named all of the pipeline's, so that it answers nothing until it is indexed again",
			params:  []param{{name: "collection", about: "the one to remove; all unless given"}}, status: http.StatusOK, out: ragDropped{}, handle: a.dropRAG,
		},
		{
			method: "POST", path: "/rag/{name}/query", name: "queryRAG", role: account.Developer,
			summary: "Ask a pipeline: its answer with verified citations, and the way of every chunk through its stages",
			in:      ragQuery{}, status: http.StatusOK, out: ragAnswer{}, handle: a.queryRAG,
		},
		{
			method: "GET", path: "/rag/{name}/documents", name: "listRAGDocuments", summary: "The documents of a collection by id",
			params: append([]param{collection, {name: "q", about: "words of its id or title, in any case"}}, pageParams...), status: http.StatusOK, out: ragDocuments{}, handle: a.listRAGDocuments,
		},
		{
			method: "POST", path: "/rag/{name}/documents", name: "putRAGDocuments", role: account.Developer, maxBody: maxRAGBody,
			summary: "Index documents, one JSON object a line; what has not changed is not embedded again, and each one that cannot be indexed is an error of its own",
			params:  []param{{name: "project", about: "on whose account vectors are made; default unless given"}},
			takes:   []string{contentJSONLines}, status: http.StatusOK, out: rag.Summary{}, handle: a.putRAGDocuments,
		},
		{
			method: "POST", path: "/rag/{name}/prune", name: "pruneRAG", role: account.Developer, maxBody: maxRAGBody,
			summary: "Remove from the collection that documents are put into all documents but those named",
			in:      ragKeep{}, status: http.StatusOK, out: ragPruned{}, handle: a.pruneRAG,
		},
		{
			method: "GET", path: "/rag/{name}/chunks", name: "listRAGChunks", summary: "The chunks of a document, in its order",
			params: []param{{name: "document", about: "its id", required: true}, collection}, status: http.StatusOK, out: ragChunks{}, handle: a.listRAGChunks,
		},
		{
			method: "GET", path: "/rag/{name}/queries", name: "listRAGQueries", summary: "What the pipeline was asked, newest first",
			params: append([]param{
				{name: "since", about: "asked from then on: RFC 3339, a day, or how long ago"},
				{name: "until", about: "asked before then"},
				{name: "project", about: "on this account"},
				{name: "only", about: "of these", enum: askedKinds},
				{name: "slow_ms", about: "the retrieval time from which on a question is slow", kind: "number"},
				{name: "trace", about: "of this trace"},
				{name: "call", about: "of this call"},
			}, pageParams...), status: http.StatusOK, out: ragQueries{}, handle: a.listRAGQueries,
		},
		{
			method: "GET", path: "/rag/{name}/queries/{id}", name: "getRAGQuery", summary: "A question with the way of every chunk through its stages",
			status: http.StatusOK, out: ragAskedDetail{}, handle: a.getRAGQuery,
		},
		a.ragSummaryRoute(),
		{
			method: "POST", path: "/rag/{name}/swap", name: "swapRAG", role: account.Developer,
			summary: "Have another collection answer, at once for every question; what answered before is kept to roll back to",
			in:      ragSwap{}, status: http.StatusOK, out: ragSwapped{}, handle: a.swapRAG,
		},
		{
			method: "POST", path: "/rag/{name}/rollback", name: "rollbackRAG", role: account.Developer,
			summary: "Have the collection answer that answered before the last swap", status: http.StatusOK, out: ragSwapped{}, handle: a.rollbackRAG,
		},
	}
}

// pipeline finds the one that a path names.
func (a *API) pipeline(r *http.Request) (*rag.Pipeline, string, error) {
	name := r.PathValue("name")
	if a.cfg.RAG != nil {
		if p, ok := a.cfg.RAG.Pipelines()[name]; ok {
			return p, name, nil
		}
	}
	return nil, "", llm.Faultf(llm.NotFound, "there is no pipeline %s: pipelines are configured under rag in weir.yaml, and GET %s/rag lists them", clip(name), prefix)
}

// ragFault finds the fault of an error about an index.
func ragFault(err error) error {
	switch {
	case errors.Is(err, rag.ErrNoCollection):
		return llm.Faultf(llm.NotFound, "there is no such collection; GET %s/rag/{name} lists the pipeline's", prefix).Because(err)
	case errors.Is(err, rag.ErrOtherShape):
		return llm.Faultf(llm.Conflict, "%v", err).Because(err)
	case errors.Is(err, rag.ErrAway):
		f := llm.Faultf(llm.RecordUnavailable, "the vector store cannot be reached at the moment")
		f.RetryAfter = awayRetry
		return f.Because(err)
	case errors.Is(err, rag.ErrNotAsked):
		return llm.Faultf(llm.NotFound, "no question has this id").Because(err)
	}
	return err
}

func (a *API) listRAG(w http.ResponseWriter, r *http.Request) error {
	out := ragList{Pipelines: []ragPipeline{}}
	if a.cfg.RAG != nil {
		pipelines := a.cfg.RAG.Pipelines()
		asked := a.askedOf(r.Context())
		for _, name := range pipelines.Names() {
			p, _ := a.describe(r.Context(), name, pipelines[name])
			p.add(asked[name])
			out.Pipelines = append(out.Pipelines, p)
		}
	}
	return answer(w, http.StatusOK, out)
}

// askedOf sums up the last day's questions by pipeline. A log that cannot be read says nothing.
func (a *API) askedOf(ctx context.Context) map[string]rag.AskedTotals {
	out := map[string]rag.AskedTotals{}
	s, err := a.cfg.RAGLog.Summary(ctx, rag.AskedFilter{Since: time.Now().Add(-24 * time.Hour)})
	if err != nil {
		a.cfg.Log.Warn("questions of pipelines not summed up", "error", err)
	}
	for _, g := range s.Pipelines {
		out[g.Name] = g.AskedTotals
	}
	return out
}

func (p *ragPipeline) add(t rag.AskedTotals) {
	p.Questions = t.Questions
	if rate, ok := t.HitRate(); ok {
		p.HitRate = &rate
	}
	if usd, ok := t.CostPerAnswer(); ok {
		text := usd.String()
		p.CostPerAnswer = &text
	}
}

// describe says what a pipeline answers from. A store that is away leaves its error there.
func (a *API) describe(ctx context.Context, name string, p *rag.Pipeline) (ragPipeline, map[string]string) {
	made := a.cfg.RAG.Made(name)
	out := ragPipeline{
		Name: name, Model: p.Settings().Model, Index: made.Index, Embedding: made.Embedding, Splitter: made.Splitter, Target: made.Collection, Alias: p.Alias(),
	}
	if mean, n := p.Recalled(); n > 0 {
		out.ApproximateRecall, out.ApproximateMeasured = &mean, int64(n)
	}
	aliases, err := p.Index().Aliases(ctx)
	if err != nil {
		out.Error = faultOf(ragFault(err)).Message
		return out, nil
	}
	out.Collection, out.Previous = aliases[p.Alias()], aliases[p.Alias()+previousAlias]
	if out.Collection == "" {
		return out, aliases
	}
	info, err := p.Index().Collection(ctx, out.Collection)
	if err != nil {
		out.Error = faultOf(ragFault(err)).Message
		return out, aliases
	}
	out.Points, out.Documents = info.Points, info.Documents
	return out, aliases
}

func (a *API) getRAG(w http.ResponseWriter, r *http.Request) error {
	p, name, err := a.pipeline(r)
	if err != nil {
		return err
	}
	of, _ := a.describe(r.Context(), name, p)
	of.add(a.askedOf(r.Context())[name])
	out := ragDetail{ragPipeline: of, Collections: []ragCollection{}, Settings: settingsOf(p.Settings())}
	if of.Error != "" {
		return answer(w, http.StatusOK, out)
	}
	all, err := ownCollections(r.Context(), p)
	if err != nil {
		return ragFault(err)
	}
	for _, c := range all {
		role := "none"
		switch c.Name {
		case of.Collection:
			role = "answers"
		case of.Previous:
			role = "previous"
		case of.Target:
			role = "target"
		}
		out.Collections = append(out.Collections, ragCollection{c.Name, c.Embedder, c.Dimensions, c.Splitter, c.Points, c.Documents, role})
	}
	return answer(w, http.StatusOK, out)
}

func settingsOf(s rag.Settings) ragSettings {
	return ragSettings{
		TopK: s.TopK, Limit: s.Limit, RRFK: s.RRF.K, Dense: s.RRF.Dense, Sparse: s.RRF.Sparse, MinSimilarity: s.MinSimilarity, Rewrite: s.Rewrite, MMR: s.MMR,
		RerankModel: s.Rerank.Model, RerankTop: s.Rerank.TopN, Parents: s.Parents, ContextTokens: s.ContextTokens, Order: string(s.Order), OwnTenant: s.OwnTenant, RecallShare: s.RecallShare,
	}
}
