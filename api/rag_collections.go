package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/rag"
)

// ragSwap says which collection is to answer.
type ragSwap struct {
	To    string `json:"to,omitempty"`    // the one of the present configuration unless given
	Force bool   `json:"force,omitempty"` // though it has no points, or fewer than half of those that answer now
}

// ragSwapped is which collection answers now.
type ragSwapped struct {
	Collection string `json:"collection"`
	Previous   string `json:"previous"`
	Points     int64  `json:"points"`
	Moved      bool   `json:"moved"` // false: it answered before
}

type ragDropped struct {
	Collections []string `json:"collections"` // those removed
}

// hashed is what a collection's name has behind its pipeline's.
var hashed = regexp.MustCompile(`^-[0-9a-f]{8}$`)

// owns says whether a collection is one of a pipeline's.
func owns(p *rag.Pipeline, collection string) bool {
	rest, ok := strings.CutPrefix(collection, p.Alias())
	return ok && hashed.MatchString(rest)
}

// ownCollections are the pipeline's.
func ownCollections(ctx context.Context, p *rag.Pipeline) ([]rag.CollectionInfo, error) {
	all, err := p.Index().Collections(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(c rag.CollectionInfo) bool { return !owns(p, c.Name) }), nil
}

func (a *API) swapRAG(w http.ResponseWriter, r *http.Request) error {
	p, name, err := a.pipeline(r)
	if err != nil {
		return err
	}
	var in ragSwap
	if err := read(r, &in); err != nil {
		return err
	}
	if in.To == "" {
		in.To = a.cfg.RAG.Made(name).Collection
	}
	if !owns(p, in.To) {
		return bad("to", "%s is no collection of the pipeline %s", clip(in.To), name)
	}
	info, err := p.Index().Collection(r.Context(), in.To)
	if errors.Is(err, rag.ErrNoCollection) && in.To == a.cfg.RAG.Made(name).Collection {
		return llm.Faultf(llm.NotFound, "nothing has been indexed with the present embedding model and splitter of %s yet; run weir rag index %s PATH…, then swap", name, name).Because(err)
	}
	if err != nil {
		return ragFault(fmt.Errorf("swap to %s: %w", in.To, err))
	}
	of, _ := a.describe(r.Context(), name, p)
	if !in.Force && (info.Points == 0 || 2*info.Points < of.Points) {
		return llm.Faultf(llm.Conflict, "the collection %s has %d points and %s, which answers now, has %d; index all documents first, or swap with force", in.To, info.Points, of.Collection, of.Points)
	}
	return a.move(w, r, p, of, info)
}

func (a *API) rollbackRAG(w http.ResponseWriter, r *http.Request) error {
	p, name, err := a.pipeline(r)
	if err != nil {
		return err
	}
	of, _ := a.describe(r.Context(), name, p)
	switch {
	case of.Error != "":
		return llm.Faultf(llm.RecordUnavailable, "%s", of.Error)
	case of.Previous == "":
		return llm.Faultf(llm.Conflict, "there is no collection to roll %s back to: none answered before %s", name, of.Collection)
	}
	info, err := p.Index().Collection(r.Context(), of.Previous)
	if err != nil {
		return ragFault(err)
	}
	return a.move(w, r, p, of, info)
}

// move points the alias elsewhere, after noting where it pointed.
func (a *API) move(w http.ResponseWriter, r *http.Request, p *rag.Pipeline, from ragPipeline, to rag.CollectionInfo) error {
	out := ragSwapped{Collection: to.Name, Previous: from.Previous, Points: to.Points}
	if from.Collection == to.Name {
		return answer(w, http.StatusOK, out)
	}
	out.Moved = true
	if from.Collection != "" {
		if err := p.Index().Point(r.Context(), p.Alias()+previousAlias, from.Collection); err != nil {
			return ragFault(fmt.Errorf("note the collection that answers: %w", err))
		}
		out.Previous = from.Collection
	}
	if err := p.Index().Point(r.Context(), p.Alias(), to.Name); err != nil {
		return ragFault(fmt.Errorf("swap to %s: %w", to.Name, err))
	}
	for _, other := range a.cfg.RAG.Pipelines() {
		if other.Alias() == p.Alias() {
			other.Moved()
		}
	}
	return answer(w, http.StatusOK, out)
}

func (a *API) dropRAG(w http.ResponseWriter, r *http.Request) error {
	p, name, err := a.pipeline(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	of, aliases := a.describe(ctx, name, p)
	if of.Error != "" {
		return llm.Faultf(llm.RecordUnavailable, "%s", of.Error)
	}
	out := ragDropped{Collections: []string{}}
	one := r.URL.Query().Get("collection")
	switch {
	case one != "" && !owns(p, one):
		return bad("collection", "%s is no collection of the pipeline %s", clip(one), name)
	case one != "" && one == of.Collection:
		return llm.Faultf(llm.Conflict, "the collection %s answers: swap to another one first", one)
	}
	all, err := ownCollections(ctx, p)
	if err != nil {
		return ragFault(err)
	}
	for alias, to := range aliases {
		if (alias == p.Alias() && one == "") || alias == p.Alias()+previousAlias && (one == "" || to == one) {
			if err := p.Index().Unpoint(ctx, alias); err != nil {
				return ragFault(fmt.Errorf("remove the alias %s: %w", alias, err))
			}
		}
	}
	p.Moved()
	for _, c := range all {
		if one != "" && c.Name != one {
			continue
		}
		if err := p.Index().Drop(ctx, c.Name); err != nil {
			return ragFault(fmt.Errorf("remove the collection %s: %w", c.Name, err))
		}
		out.Collections = append(out.Collections, c.Name)
	}
	if one != "" && len(out.Collections) == 0 {
		return ragFault(fmt.Errorf("%s: %w", one, rag.ErrNoCollection))
	}
	return answer(w, http.StatusOK, out)
}
