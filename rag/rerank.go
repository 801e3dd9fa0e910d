package rag

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// Rerank says how a model orders the best candidates anew. The zero value: not at all.
type Rerank struct {
	Model      string
	Candidates int // that it is shown; 0: 20
	TopN       int // that come through; 0: 8
	// Budget is the most that one question's reranking may cost by the price book's estimate; 0: no limit. Fewer candidates are
	// shown to keep it, and none when two do not fit.
	Budget price.USD
	// SkipMargin leaves the order as it is when the best candidate's cosine is ahead of all others' by at least this much; 0: never.
	SkipMargin float64
}

const (
	defaultRerankCandidates = 20
	defaultRerankTop        = 8
	maxRerankText           = 4000 // bytes of a passage that are shown
	mostScore               = 10
)

func (r Rerank) filled() Rerank {
	r.Candidates = cmp.Or(r.Candidates, defaultRerankCandidates)
	r.TopN = cmp.Or(r.TopN, defaultRerankTop)
	return r
}

// ahead says whether the first candidate is so near to the question that no reranking would change it.
func (r Rerank) ahead(candidates []*Candidate) bool {
	if r.SkipMargin <= 0 || len(candidates) == 0 || !candidates[0].Similar {
		return false
	}
	next := 0.0
	for _, c := range candidates[1:] {
		if c.Similar {
			next = max(next, c.Similarity)
		}
	}
	return candidates[0].Similarity-next >= r.SkipMargin
}

// scored is the form of a reranker's answer.
type scored struct {
	Scores []struct {
		Passage int     `json:"passage"`
		Score   float64 `json:"score"`
	} `json:"scores"`
}

// rerankFormat makes the model keep to the form.
func rerankFormat() any {
	type m = map[string]any
	entry := m{
		"type": "object", "additionalProperties": false, "required": []string{"passage", "score"},
		"properties": m{"passage": m{"type": "integer"}, "score": m{"type": "number"}},
	}
	return m{"type": "json_schema", "json_schema": m{"name": "scores", "strict": true, "schema": m{
		"type": "object", "additionalProperties": false, "required": []string{"scores"},
		"properties": m{"scores": m{"type": "array", "items": entry}},
	}}}
}

// rerankChat is the request for scores.
func rerankChat(model, question string, candidates []*Candidate) chat {
	texts := []string{question}
	for _, c := range candidates {
		texts = append(texts, clip(c.Text, maxRerankText))
	}
	mark := fencing(texts...)
	var b strings.Builder
	fmt.Fprintf(&b, "Question: %s\n\nPassages. Each stands between two lines with the mark %s:\n\n", question, mark)
	for i, text := range texts[1:] {
		fmt.Fprintf(&b, "=== passage %d %s ===\n%s\n=== end of passage %d %s ===\n\n", i+1, mark, text, i+1, mark)
	}
	return chat{Model: model, Messages: []message{{"system", rerankSystem(len(candidates))}, {"user", b.String()}}, Format: rerankFormat()}
}

// readScores reads a reranker's answer: one score for each of n passages.
func readScores(text string, n int) ([]float64, error) {
	text = strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(text, "```"); ok { // fenced, though it was asked for bare
		inner = strings.TrimPrefix(strings.TrimSuffix(inner, "```"), "json")
		text = strings.TrimSpace(inner)
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	var s scored
	if err := dec.Decode(&s); err != nil {
		return nil, fmt.Errorf("it is not the JSON that was asked for: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("something follows the JSON")
	}
	out, seen := make([]float64, n), make([]bool, n)
	for _, e := range s.Scores {
		switch i := e.Passage - 1; {
		case i < 0 || i >= n:
			return nil, fmt.Errorf("there is no passage %d; they are numbered from 1 to %d", e.Passage, n)
		case seen[i]:
			return nil, fmt.Errorf("passage %d has two scores", e.Passage)
		case !(e.Score >= 0 && e.Score <= mostScore):
			return nil, fmt.Errorf("passage %d has the score %v; want 0 to %d", e.Passage, e.Score, mostScore)
		default:
			out[i], seen[i] = e.Score, true
		}
	}
	if i := slices.Index(seen, false); i >= 0 {
		return nil, fmt.Errorf("passage %d has no score", i+1)
	}
	return out, nil
}

// affordable is how many of the candidates may be shown.
func (r Rerank) affordable(question string, candidates []*Candidate, count func(string) int, cost func(model string, u llm.Usage) (price.USD, bool)) (int, error) {
	n := min(r.Candidates, len(candidates))
	if r.Budget <= 0 {
		return n, nil
	}
	const perScore, around = 16, 300 // tokens of an entry of the answer, and of what does not depend on the passages
	for ; n >= 2; n-- {
		u := llm.Usage{InputUncached: int64(around + count(question)), OutputText: int64(perScore * n)}
		for _, c := range candidates[:n] {
			u.InputUncached += int64(count(clip(c.Text, maxRerankText)) + perScore)
		}
		usd, ok := cost(r.Model, u)
		if !ok {
			return 0, fmt.Errorf("%s has no price, so its budget of $%s cannot be kept", r.Model, r.Budget)
		}
		if usd <= r.Budget {
			return n, nil
		}
	}
	return 0, fmt.Errorf("the budget of $%s does not pay for two passages", r.Budget)
}

// scores asks the model, and once more when its answer cannot be read.
func (r Rerank) scores(ctx context.Context, a *asker, span, question string, candidates []*Candidate) ([]float64, error) {
	c := rerankChat(r.Model, question, candidates)
	text, err := a.ask(ctx, span, c)
	if err != nil {
		return nil, err
	}
	out, fault := readScores(text, len(candidates))
	if fault == nil {
		return out, nil
	}
	c.Messages = append(c.Messages, message{"assistant", clip(text, maxRerankText)},
		message{"user", "Your answer cannot be read: " + fault.Error() + ". Answer once more, with the JSON alone."})
	if text, err = a.ask(ctx, span, c); err != nil {
		return nil, err
	}
	if out, fault = readScores(text, len(candidates)); fault != nil {
		return nil, fmt.Errorf("its answer cannot be read: %w", fault)
	}
	return out, nil
}

// reorder puts candidates into the order of their scores, equals as they were; those that were not scored follow.
func reorder(candidates []*Candidate, scores []float64) []*Candidate {
	at := make([]int, len(scores))
	for i := range at {
		at[i] = i
	}
	slices.SortStableFunc(at, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	out := make([]*Candidate, 0, len(candidates))
	for rank, i := range at {
		candidates[i].place(StepRerank, rank+1, scores[i])
		out = append(out, candidates[i])
	}
	return append(out, candidates[len(scores):]...)
}
