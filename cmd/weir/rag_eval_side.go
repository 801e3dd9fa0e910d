package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/weir-dev/weir/eval/retrieval"
	"github.com/weir-dev/weir/rag"
)

// ragSide is a collection of a pipeline that questions are asked of. It is named in each question, so that measuring does not
// count among what people asked.
type ragSide struct {
	c                   *client
	name, collection    string
	embedding, splitter string
	project             string
	exact               bool
}

// side finds the collection of a pipeline; the one that answers unless it is named.
func (e *ragEval) side(ctx context.Context, name, collection string) (*ragSide, error) {
	var p ragInfo
	if _, err := e.c.get(ctx, "rag/"+url.PathEscape(name), nil, &p); err != nil {
		return nil, err
	}
	if p.Error != "" {
		return nil, fmt.Errorf("look at the collections of %s: %s", name, p.Error)
	}
	if collection == "" {
		collection = p.Collection
	}
	if collection == "" {
		return nil, fmt.Errorf("nothing has been indexed for %s yet; run weir rag index %s PATH…", name, name)
	}
	out := &ragSide{c: e.c, name: name, collection: collection, project: e.project, exact: e.exact}
	for _, c := range p.Collections {
		if c.Name == collection {
			out.embedding, out.splitter = c.Embedding, c.Splitter
			return out, nil
		}
	}
	return nil, fmt.Errorf("%s has no collection %s; weir rag list %s names them", name, collection, name)
}

// texts reads the passages of documents and puts these together. A document that is not there has none.
func (s *ragSide) texts(ctx context.Context, documents []string) (map[string]*retrieval.Text, error) {
	out := map[string]*retrieval.Text{}
	for _, id := range documents {
		passages, err := s.passages(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("read the passages of %s: %w", id, err)
		}
		if len(passages) > 0 {
			out[id] = retrieval.NewText(passages)
		}
	}
	return out, nil
}

func (s *ragSide) passages(ctx context.Context, document string) ([]retrieval.Passage, error) {
	var list struct {
		Chunks []struct {
			ID, Text   string
			Start, End int
		}
	}
	q := url.Values{"document": {document}, "collection": {s.collection}}
	if _, err := s.c.get(ctx, "rag/"+url.PathEscape(s.name)+"/chunks", q, &list); err != nil {
		return nil, err
	}
	out := make([]retrieval.Passage, len(list.Chunks))
	for i, c := range list.Chunks {
		out[i] = retrieval.Passage{ID: c.ID, Text: c.Text, Start: c.Start, End: c.End}
	}
	return out, nil
}

// ask asks for passages, and for no answer. more are further members of the request.
func (s *ragSide) ask(ctx context.Context, question string, more map[string]any) (*ragSaid, error) {
	in := map[string]any{"question": question, "answer": false, "explain": true, "collection": s.collection, "project": s.project, "exact": s.exact}
	maps.Copy(in, more)
	var said ragSaid
	patient := *s.c
	patient.timeout = 10 * time.Minute // a reranker may be slow
	_, err := patient.do(ctx, http.MethodPost, "rag/"+url.PathEscape(s.name)+"/query", nil, in, &said)
	return &said, err
}

// stageOf is a pipeline's step by the name that measures have for it.
var stageOf = map[rag.Step]retrieval.Stage{
	rag.StepDense: retrieval.Dense, rag.StepSparse: retrieval.Sparse, rag.StepFuse: retrieval.Fused, rag.StepMMR: retrieval.MMR,
	rag.StepRerank: retrieval.Reranked, rag.StepPack: retrieval.Packed,
}

// foundOf is an answer as it is measured.
func foundOf(said *ragSaid) *retrieval.Found {
	f := &retrieval.Found{Ran: map[retrieval.Stage]bool{}, Contexts: said.Contexts}
	for _, st := range said.Stages {
		if s, ok := stageOf[st.Step]; ok {
			f.Ran[s] = true
		}
	}
	for _, c := range said.Chunks {
		f.Chunks = append(f.Chunks, chunkOf(&c.AskedChunk, c.Text))
		f.Cosine = max(f.Cosine, c.Places[rag.StepDense].Score)
	}
	return f
}

func chunkOf(c *rag.AskedChunk, text string) retrieval.Chunk {
	out := retrieval.Chunk{ID: c.ID, Document: c.Document, Text: text, Ranks: map[retrieval.Stage]int{}, Dropped: stageOf[c.Dropped], Why: c.Why}
	if c.Dropped == rag.StepParents { // another passage holds it, which is given or not
		out.Dropped = retrieval.Packed
	}
	for step, p := range c.Places {
		if s, ok := stageOf[step]; ok {
			out.Ranks[s] = p.Rank
		}
	}
	return out
}

// each runs f for each number below n, some at a time, until one fails.
func each(ctx context.Context, n, parallel int, f func(ctx context.Context, i int) error) error {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i := 0; i < n && within.Err() == nil; i++ {
		group.Go(func() error { return f(within, i) })
	}
	return cmp.Or(group.Wait(), context.Cause(ctx))
}
