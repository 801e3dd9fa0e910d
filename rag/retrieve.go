package rag

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// maxQuery bounds what a rewriting model may make of a question, in bytes.
const maxQuery = 4 << 10

// noModel is what a stage says that would ask a model.
const noModel = "skipped: only passages are asked for, and no model"

// retrieve finds the passages for the question. What is left in sources may be nothing.
func (r *run) retrieve(ctx context.Context) error {
	defer func() { r.retrieved = time.Since(r.began) }()
	var err error
	if r.collection, err = r.resolve(ctx, false); err != nil {
		return err
	}
	r.rewrite(ctx)
	found, err := r.search(ctx)
	if errors.Is(err, ErrNoCollection) { // dropped since the alias was looked up
		if r.collection, err = r.resolve(ctx, true); err == nil {
			found, err = r.search(ctx)
		}
	}
	if err != nil {
		return err
	}
	candidates := r.fuse(found)
	candidates = r.diversify(candidates)
	if candidates, err = r.rerank(ctx, candidates); err != nil {
		return err
	}
	r.pack(candidates)
	return nil
}

// resolve is the collection that is searched.
func (r *run) resolve(ctx context.Context, fresh bool) (Collection, error) {
	if r.question.Collection == "" {
		return r.Pipeline.collection(ctx, fresh)
	}
	info, err := r.cfg.Index.Collection(ctx, r.question.Collection)
	return info.Collection, err
}

// rewrite makes one query of the conversation. A model that does not answer leaves the question as it is.
func (r *run) rewrite(ctx context.Context) {
	if r.cfg.Rewrite == "" {
		return
	}
	_ = r.step(StepRewrite, func(st *stepRun) error {
		if r.question.Bare {
			st.note, st.skipped = noModel, true
			return nil
		}
		var b strings.Builder
		for _, t := range r.question.Earlier {
			fmt.Fprintf(&b, "%s: %s\n", t.Role, clip(t.Text, maxRerankText))
		}
		fmt.Fprintf(&b, "\nLast message: %s", r.question.Text)
		text, err := r.ask(ctx, st.span, chat{Model: r.cfg.Rewrite, Messages: []message{{"system", strings.TrimSpace(rewriteWords)}, {"user", b.String()}}})
		text = strings.TrimSpace(text)
		switch {
		case err != nil:
			st.note, st.failed = "the question is searched with as it is: "+err.Error(), true
		case text == "" || len(text) > maxQuery:
			st.note, st.failed = "the question is searched with as it is: what the model made of it is no query", true
		default:
			r.searched, st.note = text, text
		}
		return nil
	})
}

// searches says whether a list is asked for.
func (r *run) searches(list Step) bool {
	weight := r.cfg.RRF.Dense
	if list == StepSparse {
		weight = r.cfg.RRF.Sparse
	}
	if len(r.question.Lists) > 0 {
		return slices.Contains(r.question.Lists, list)
	}
	return weight > 0
}

// search makes the question's vector and asks the index, in one request for both lists.
func (r *run) search(ctx context.Context) (Found, error) {
	q := Query{
		Limit: cmp.Or(r.question.TopK, r.cfg.TopK), AnyTenant: !r.cfg.OwnTenant, Tenant: r.on.Project, Labels: r.question.Labels, Exact: r.question.Exact,
		Vectors: r.cfg.MMR > 0 || r.cfg.MinSimilarity > 0,
	}
	r.vector = nil
	if r.searches(StepDense) {
		if err := r.step(StepEmbed, func(st *stepRun) error { return r.embed(ctx, st) }); err != nil {
			return Found{}, err
		}
		q.Vector = r.vector
	}
	if r.searches(StepSparse) {
		q.Terms = r.cfg.Terms(r.searched)
	}
	var found Found
	err := r.step(StepSearch, func(st *stepRun) error {
		var err error
		if q.Vector != nil || len(q.Terms.IDs) > 0 {
			found, err = r.cfg.Index.Search(ctx, r.collection.Name, q)
		}
		st.out = len(found.Dense) + len(found.Sparse)
		r.searchAttributes(st, found)
		return err
	})
	if err == nil && r.cfg.Recall != nil && r.question.Collection == "" { // a test of another collection says nothing of this one
		r.cfg.Recall.offer(searched{pipeline: r.cfg.Name, collection: r.collection.Name, index: r.cfg.Index, query: q}, r.cfg.RecallShare, found.Dense)
	}
	return found, err
}

// embed makes the vector that the question is searched with.
func (r *run) embed(ctx context.Context, st *stepRun) error {
	e, err := r.cfg.Embedder(r.asker, r.under(st.span), r.collection.Shape)
	if err != nil {
		return err
	}
	st.set(attrOperation, "embeddings")
	st.set(attrRequestModel, e.Model())
	st.set(attrDimensions, r.collection.Dimensions)
	vectors, err := e.Embed(ctx, []string{r.searched})
	if err != nil {
		return fmt.Errorf("make the vector of a question with %s: %w", e.Model(), err)
	}
	if len(vectors) != 1 || len(vectors[0]) != r.collection.Dimensions {
		return fmt.Errorf("%s made %s of a question, and the collection %s has %d dimensions: %w", e.Model(), vectorsOf(vectors), r.collection.Name, r.collection.Dimensions, ErrOtherShape)
	}
	r.vector = vectors[0]
	return nil
}

func vectorsOf(v [][]float32) string {
	if len(v) != 1 {
		return fmt.Sprintf("%d vectors", len(v))
	}
	return fmt.Sprintf("a vector of %d dimensions", len(v[0]))
}

// fuse joins the lists, and drops what is too unlike the question or beyond the limit.
func (r *run) fuse(found Found) []*Candidate {
	var out []*Candidate
	_ = r.step(StepFuse, func(st *stepRun) error {
		r.found = Fuse(found, r.cfg.RRF)
		for _, c := range r.found {
			if !c.Similar {
				c.Similarity, c.Similar = dot(r.vector, c.Vector)
			}
			if c.Similar && c.Similarity < r.cfg.MinSimilarity {
				c.drop(StepFuse, fmt.Sprintf("its cosine %.3f is below min_similarity %.3f", c.Similarity, r.cfg.MinSimilarity))
				continue
			}
			out = append(out, c)
		}
		if r.cfg.MMR == 0 { // which picks among all
			out = r.cut(out, StepFuse)
		}
		st.out = len(out)
		return nil
	})
	return out
}

// cut keeps as many as the limit says.
func (r *run) cut(candidates []*Candidate, s Step) []*Candidate {
	n := min(r.cfg.Limit, len(candidates))
	for i, c := range candidates[n:] {
		c.drop(s, fmt.Sprintf("rank %d is beyond the limit of %d", n+i+1, r.cfg.Limit))
	}
	return candidates[:n]
}

// diversify picks candidates that are unlike each other.
func (r *run) diversify(candidates []*Candidate) []*Candidate {
	if r.cfg.MMR == 0 {
		return candidates
	}
	_ = r.step(StepMMR, func(st *stepRun) error {
		if r.vector == nil {
			candidates = r.cut(candidates, StepMMR)
			st.note, st.out = "the question has no vector to compare with", len(candidates)
			return nil
		}
		picked, rest := Diversify(r.vector, candidates, r.cfg.MMR, r.cfg.Limit)
		for _, c := range rest {
			c.drop(StepMMR, fmt.Sprintf("%d others are nearer to the question or less like each other", len(picked)))
		}
		candidates, st.out = picked, len(picked)
		return nil
	})
	return candidates
}

// rerank has a model order the best candidates. When it cannot, they stay as they are and the stage says why; only a caller that
// has gone ends the question.
func (r *run) rerank(ctx context.Context, candidates []*Candidate) ([]*Candidate, error) {
	re := r.cfg.Rerank
	if re.Model == "" || len(candidates) == 0 {
		return candidates, nil
	}
	err := r.step(StepRerank, func(st *stepRun) error {
		st.set(attrRequestModel, re.Model)
		switch {
		case r.question.Bare:
			st.note, st.skipped = noModel, true
		case len(candidates) == 1:
			st.note, st.skipped = "skipped: there is one candidate", true
		case re.ahead(candidates):
			st.note, st.skipped = fmt.Sprintf("skipped: the best candidate's cosine is ahead of all others' by %.3f or more", re.SkipMargin), true
		default:
			n, err := re.affordable(r.searched, candidates, r.tokens, r.price)
			if err != nil {
				st.note, st.skipped = "skipped: "+err.Error(), true
				break
			}
			scores, err := re.scores(ctx, r.asker, st.span, r.searched, candidates[:n])
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				st.note, st.failed = "the fused order stays: "+err.Error(), true
				break
			}
			candidates = reorder(candidates, scores)
			st.note = fmt.Sprintf("%d scored", n)
		}
		for _, c := range candidates[min(re.TopN, len(candidates)):] {
			c.drop(StepRerank, fmt.Sprintf("not among the best %d", re.TopN))
		}
		candidates = candidates[:min(re.TopN, len(candidates))]
		st.out = len(candidates)
		return nil
	})
	return candidates, err
}

// pack makes the passages and takes those that fit.
func (r *run) pack(candidates []*Candidate) {
	var gathered []*Source
	_ = r.step(StepParents, func(st *stepRun) error {
		gathered = Gather(candidates, r.cfg.Parents)
		st.out = len(gathered)
		return nil
	})
	_ = r.step(StepPack, func(st *stepRun) error {
		r.sources = Pack(gathered, r.cfg.ContextTokens, r.cfg.Order, r.tokens)
		for _, s := range r.sources {
			r.prompt += s.Tokens
		}
		st.out = len(r.sources)
		return nil
	})
}
