package rag

import (
	"cmp"
	"fmt"
)

// Settings say what a pipeline does between a question and its answer. Zero fields take the defaults.
type Settings struct {
	Name  string
	Model string // that answers

	TopK  int // chunks of each list of a search; 0: 50
	Limit int // chunks that come through fusion; 0: 30
	RRF   RRF
	// MinSimilarity drops what is less like the question, by cosine; 0: nothing. There is no such bound on a fused score, which
	// says how others rank and nothing of how good a chunk is.
	MinSimilarity float64
	// Rewrite is a model that makes one query of a conversation; empty: the last message is searched with as it is.
	Rewrite string
	MMR     float64 // lambda of maximal marginal relevance, up to 1; 0: off
	Rerank  Rerank
	Parents bool // give the model the larger passage around a chunk, where there is one

	ContextTokens int   // of all passages, by the answering model's tokenizer; 0: 3,000
	Order         Order // of the passages; "": BestFirst
	System        string
	// Prompt is a registry's prompt in System's place, as name@label; empty: none.
	Prompt string
	// OwnTenant restricts a search to the caller's project and to what is everybody's.
	OwnTenant bool
	// RecallShare is how many of the questions, from 0 to 1, are searched exactly too, see Recall; 0: none.
	RecallShare float64
}

const (
	defaultTopK          = 50
	defaultLimit         = 30
	defaultContextTokens = 3000
	MaxName              = 40 // so that a collection's name, which is longer, is one too
	// MaxTopK bounds a list of a search.
	MaxTopK = 1000
)

func (s Settings) filled() Settings {
	s.TopK = cmp.Or(s.TopK, defaultTopK)
	s.Limit = cmp.Or(s.Limit, defaultLimit)
	s.ContextTokens = cmp.Or(s.ContextTokens, defaultContextTokens)
	s.Order = cmp.Or(s.Order, BestFirst)
	s.RRF, s.Rerank = s.RRF.filled(), s.Rerank.filled()
	return s
}

// Check tells of everything that is wrong with settings, each by the name that it has in weir.yaml.
func (s Settings) Check(tell func(name, what string)) {
	bad := func(name, format string, args ...any) { tell(name, fmt.Sprintf(format, args...)) }
	if err := CheckName(s.Name); err != nil {
		bad("name", "%v", err)
	} else if len(s.Name) > MaxName {
		bad("name", "is longer than %d letters", MaxName)
	}
	if s.System != "" && s.Prompt != "" {
		bad("prompt", "takes the place of system: want one of them")
	}
	if s.Model == "" {
		bad("model", "want the model that answers")
	}
	for _, n := range []struct {
		name string
		n    int
	}{{"top_k", s.TopK}, {"limit", s.Limit}, {"context_tokens", s.ContextTokens}, {"rerank.candidates", s.Rerank.Candidates}, {"rerank.top_n", s.Rerank.TopN}} {
		if n.n < 0 {
			bad(n.name, "%d is below zero; 0 takes the default", n.n)
		}
	}
	if s.TopK > MaxTopK {
		bad("top_k", "%d is more than %d", s.TopK, MaxTopK)
	}
	if !(s.RRF.K >= 0) || !(s.RRF.Dense >= 0) || !(s.RRF.Sparse >= 0) {
		bad("rrf", "k and weights may not be below zero")
	}
	if !(s.MinSimilarity >= 0 && s.MinSimilarity <= 1) {
		bad("min_similarity", "%v is not a cosine from 0 to 1", s.MinSimilarity)
	}
	if !(s.RecallShare >= 0 && s.RecallShare <= 1) {
		bad("recall_share", "%v is not a share from 0 to 1", s.RecallShare)
	}
	if !(s.MMR >= 0 && s.MMR <= 1) {
		bad("mmr.lambda", "%v is not from 0 to 1", s.MMR)
	}
	if s.Rerank.Model == "" && (s.Rerank.TopN != 0 || s.Rerank.Candidates != 0 || s.Rerank.Budget != 0 || s.Rerank.SkipMargin != 0) {
		bad("rerank", "needs the model that scores: rerank.model")
	}
	if !(s.Rerank.SkipMargin >= 0 && s.Rerank.SkipMargin <= 1) {
		bad("rerank.skip_margin", "%v is not a difference of cosines from 0 to 1", s.Rerank.SkipMargin)
	}
	if s.Rerank.Budget < 0 {
		bad("rerank.budget_usd", "is below zero")
	}
	if s.Order != "" && s.Order != BestFirst && s.Order != Edges {
		bad("order", "%q is none of best_first, edges", string(s.Order))
	}
}
