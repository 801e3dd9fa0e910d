package rag

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// Span is a part of the work on a question, in OpenTelemetry's words.
type Span struct {
	TraceID    string // 32 hex digits
	SpanID     string // 16 hex digits
	ParentID   string // 16 hex digits, or ""
	Name       string // "rag handbook", "rag.search"
	Kind       string // chain, generation, embedding, retrieval or reranker
	Start      time.Time
	Duration   time.Duration
	Err        error
	Project    string
	Attributes map[string]any // by their OpenTelemetry names: texts, whole numbers, and floats
}

// Names of attributes.
const (
	attrOperation    = "gen_ai.operation.name"
	attrRequestModel = "gen_ai.request.model"
	attrDimensions   = "gen_ai.embeddings.dimension.count"
	attrQuery        = "gen_ai.retrieval.query.text"
	attrDocuments    = "gen_ai.retrieval.documents"
	attrTopK         = "gen_ai.retrieval.top_k"
	attrSource       = "gen_ai.data_source.id"
	attrDBSystem     = "db.system.name"
	attrDBOperation  = "db.operation.name"
	attrDBCollection = "db.collection.name"
	attrChunks       = "weir.rag.chunks"
	attrNote         = "weir.rag.note"
	attrPipeline     = "weir.rag.pipeline"
)

// kinds of the stages' spans; what is not here is a link of the chain.
var kinds = map[Step]string{
	StepRewrite: "generation", StepEmbed: "embedding", StepSearch: "retrieval", StepRerank: "reranker", StepGenerate: "generation",
}

// shownDocuments bounds the documents that a span names.
const shownDocuments = 20

// searchAttributes says of a search what OpenTelemetry asks of one.
func (r *run) searchAttributes(st *stepRun, found Found) {
	st.set(attrOperation, "retrieval")
	st.set(attrSource, r.collection.Name)
	st.set(attrTopK, cmp.Or(r.question.TopK, r.cfg.TopK))
	st.set(attrDBOperation, "query")
	st.set(attrDBCollection, r.collection.Name)
	if r.cfg.Store != "" {
		st.set(attrDBSystem, r.cfg.Store)
	}
	if !r.cfg.Kept(r.on.Project) {
		return
	}
	st.set(attrQuery, r.searched)
	type document struct {
		ID    string  `json:"id"`
		Score float64 `json:"score"`
	}
	list := found.Dense
	if len(list) == 0 {
		list = found.Sparse
	}
	shown := make([]document, 0, shownDocuments)
	for _, h := range list[:min(shownDocuments, len(list))] {
		shown = append(shown, document{h.ID, h.Score})
	}
	b, _ := json.Marshal(shown) // texts and finite numbers cannot fail
	st.set(attrDocuments, string(b))
}

// spans gives the question's own span and its stages'.
func (r *run) spans() []Span {
	kept := r.cfg.Kept(r.on.Project)
	out := []Span{{
		TraceID: r.on.TraceID, SpanID: r.span, ParentID: r.on.SpanID, Name: "rag " + r.cfg.Name, Kind: "chain",
		Start: r.began, Duration: time.Since(r.began), Err: r.failed, Project: r.on.Project,
		Attributes: map[string]any{attrPipeline: r.cfg.Name, attrSource: cmp.Or(r.collection.Name, r.cfg.Alias)},
	}}
	for i := range r.steps {
		st := &r.steps[i]
		if st.out > 0 {
			st.set(attrChunks, st.out)
		}
		if st.note != "" && (kept || st.Step != StepRewrite) {
			st.set(attrNote, st.note)
		}
		out = append(out, Span{
			TraceID: r.on.TraceID, SpanID: st.span, ParentID: r.span, Name: "rag." + string(st.Step), Kind: cmp.Or(kinds[st.Step], "chain"),
			Start: st.start, Duration: st.took, Err: st.err, Project: r.on.Project, Attributes: st.attributes,
		})
	}
	return out
}

// asked is the question as the log keeps it.
func (r *run) asked() Asked {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	a := Asked{
		ID: r.on.ID, Time: r.began.UTC().Truncate(time.Microsecond), TraceID: r.on.TraceID, CallID: r.callID(), Project: r.on.Project,
		Pipeline: r.cfg.Name, Collection: r.collection.Name, TookMS: map[Step]float64{}, Counts: map[Step]int{},
		RetrievalMS: ms(r.retrieved), TotalMS: ms(time.Since(r.began)),
		Empty: len(r.sources) == 0, NotInSources: r.silent, Citations: len(r.citations), ContextTokens: r.prompt,
	}
	if r.cfg.Kept(r.on.Project) {
		a.Question = clip(r.question.Text, maxKeptQuestion)
	}
	for _, st := range r.steps {
		a.TookMS[st.Step] += ms(st.took)
		a.Counts[st.Step] = st.out
	}
	cited := map[string]bool{}
	for _, c := range r.citations {
		if c.Verified {
			a.Verified++
		}
		cited[c.ID] = true
	}
	packed := map[string]bool{}
	for _, s := range r.sources {
		packed[s.Candidate.ID] = true
	}
	for _, c := range r.found {
		if c.Similar {
			a.TopScore = max(a.TopScore, c.Similarity)
		}
		a.Chunks = append(a.Chunks, AskedChunk{
			ID: c.ID, Document: c.Document, Places: c.Places, Packed: packed[c.ID], Cited: cited[c.ID], Dropped: c.Dropped, Why: c.Why,
		})
	}
	slices.SortStableFunc(a.Chunks, byWay)
	if r.cost != nil {
		if usd, ok := r.cost(); ok {
			a.GenerationCost = &usd
		}
	}
	return a
}

const maxKeptQuestion = 2 << 10 // bytes

// way is the stages in the order in which a chunk comes through them, the last first.
var way = []Step{StepPack, StepParents, StepRerank, StepMMR, StepFuse}

// byWay orders chunks by how far they came, and those that came as far by their place there.
func byWay(a, b AskedChunk) int {
	for _, s := range way {
		x, inA := a.Places[s]
		y, inB := b.Places[s]
		switch {
		case inA && inB && x.Rank != y.Rank:
			return cmp.Compare(x.Rank, y.Rank)
		case inA != inB && inA:
			return -1
		case inA != inB:
			return 1
		case inA:
			return 0
		}
	}
	return 0
}

// callID is the call that clients know the answer by: their own; else the one that made the answer.
func (r *run) callID() string {
	if r.on.SpanID != "" {
		return r.on.ID
	}
	if r.generation != nil {
		return r.generation.ID
	}
	return ""
}
