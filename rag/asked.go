package rag

import (
	"context"
	"errors"
	"time"

	"github.com/weir-dev/weir/price"
)

// ErrNotAsked says that there is no question of an id.
var ErrNotAsked = errors.New("no such question")

// Asked is a question that a pipeline was asked, with what became of it at each stage. It is written once, when the answer
// is there; written again with the same ID and Time it replaces what was written.
type Asked struct {
	ID         string    `json:"id"`
	Time       time.Time `json:"time"` // when it was asked; kept to the microsecond
	TraceID    string    `json:"trace_id"`
	CallID     string    `json:"call_id"` // of the call that made the answer; empty when none did
	Project    string    `json:"project"`
	Pipeline   string    `json:"pipeline"`
	Collection string    `json:"collection"` // the one that the alias pointed at
	Question   string    `json:"question"`   // its beginning

	// TookMS and Counts say of each stage that ran how long it took in milliseconds, and how many chunks came out of it.
	TookMS      map[Step]float64 `json:"took_ms"`
	Counts      map[Step]int     `json:"counts"`
	RetrievalMS float64          `json:"retrieval_time"` // of all stages before the answer's generation, in milliseconds
	TotalMS     float64          `json:"total_ms"`

	Empty         bool    `json:"empty"`     // nothing was found that could be given to the model
	TopScore      float64 `json:"top_score"` // the best cosine similarity that the search gave
	NotInSources  bool    `json:"not_in_sources"`
	Citations     int     `json:"citations"` // of the answer
	Verified      int     `json:"verified"`  // of these, those whose quote is in the cited chunk
	ContextTokens int     `json:"context_tokens"`
	// GenerationCost is what the answer's call cost; nil when there was none or it has no price.
	GenerationCost *price.USD `json:"generation_cost"`
	// ContextRelevance and ResponseQuality are scores of 0 to 1; nil when the question was not picked to be scored.
	ContextRelevance *float64 `json:"context_relevance"`
	ResponseQuality  *float64 `json:"response_quality"`

	Chunks []AskedChunk `json:"chunks"` // every one that a search found, best of what it came to first
}

// AskedChunk is the way of one chunk through the stages of one question.
type AskedChunk struct {
	ID       string         `json:"id"`
	Document string         `json:"document"`
	Places   map[Step]Place `json:"places"` // after each stage it came through
	Packed   bool           `json:"packed"` // given to the model
	Cited    bool           `json:"cited"`
	Dropped  Step           `json:"dropped_at,omitempty"` // the stage it did not come through
	Why      string         `json:"why,omitempty"`
}

// AskedKey is a question's place in a list of the newest first.
type AskedKey struct {
	Time time.Time
	ID   string
}

// AskedFilter picks questions. The zero value picks all.
type AskedFilter struct {
	Project, Pipeline, Collection string
	TraceID, CallID               string
	Since, Until                  time.Time // [Since, Until); zero: open
	// SlowMS is the retrieval time, in milliseconds, from which on a question counts as slow; 0: none does.
	SlowMS float64
	Only   AskedKind // of these
}

// AskedKind is a sort of question that one wants to look at.
type AskedKind string

// The kinds; empty stands for all.
const (
	AskedEmpty      AskedKind = "empty"
	AskedSlow       AskedKind = "slow"
	AskedNotFound   AskedKind = "not_in_sources"
	AskedUnverified AskedKind = "unverified" // with a citation that could not be verified
)

// AskedTotals sums up questions. Means are over what is known, and nil when nothing is.
type AskedTotals struct {
	Questions    int64 `json:"questions"`
	Empty        int64 `json:"empty"`
	Slow         int64 `json:"slow"`
	NotInSources int64 `json:"not_in_sources"`
	Citations    int64 `json:"citations"`
	Verified     int64 `json:"verified"`
	// Cost is that of the answers whose cost is known, of which there are Priced.
	Cost             price.USD `json:"cost"`
	Priced           int64     `json:"priced"`
	ContextTokens    int64     `json:"context_tokens"`
	RetrievalP50     float64   `json:"retrieval_p50"` // milliseconds, as RetrievalP95
	RetrievalP95     float64   `json:"retrieval_p95"`
	ContextRelevance *float64  `json:"context_relevance"`
	ResponseQuality  *float64  `json:"response_quality"`
}

// HitRate is the share of questions that something was found for; false when there are no questions.
func (t *AskedTotals) HitRate() (float64, bool) {
	if t.Questions == 0 {
		return 0, false
	}
	return 1 - float64(t.Empty)/float64(t.Questions), true
}

// CostPerAnswer is the mean cost of the answers whose cost is known; false when there are none.
func (t *AskedTotals) CostPerAnswer() (price.USD, bool) {
	if t.Priced == 0 {
		return 0, false
	}
	return t.Cost / price.USD(t.Priced), true
}

// AskedGroup is the sum of the questions that have something in common.
type AskedGroup struct {
	Name string    `json:"name,omitempty"` // the pipeline's, where that is it
	Hour time.Time `json:"hour,omitzero"`  // the hour's beginning, UTC, where that is it
	AskedTotals
}

// StepTimes are how long a stage took, over the questions where it ran.
type StepTimes struct {
	Step Step    `json:"step"`
	Runs int64   `json:"runs"`
	P50  float64 `json:"p50"` // milliseconds, as P95
	P95  float64 `json:"p95"`
}

// AskedSummary sums up the questions that a filter picks.
type AskedSummary struct {
	AskedTotals
	Pipelines []AskedGroup `json:"pipelines"` // by name
	Hours     []AskedGroup `json:"hours"`     // those with questions, oldest first
	Steps     []StepTimes  `json:"steps"`     // in the order of the names
}

// Log keeps what pipelines were asked. Implementations are safe for concurrent use; package ragtest is this contract as a
// test. An error has ErrAway in its chain when the store cannot be reached.
type Log interface {
	// Write keeps questions; when it returns they can be read. The same again changes nothing.
	Write(ctx context.Context, asked []Asked) error
	// List gives the newest first, those after the place when it is not nil, at most limit; without their chunks.
	List(ctx context.Context, f AskedFilter, after *AskedKey, limit int) ([]Asked, error)
	// Get gives a question with its chunks, or ErrNotAsked.
	Get(ctx context.Context, id string) (Asked, error)
	// Summary sums up.
	Summary(ctx context.Context, f AskedFilter) (AskedSummary, error)
}
