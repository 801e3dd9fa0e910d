package trace

import (
	"context"
	"errors"
	"time"

	"github.com/weir-dev/weir/price"
)

// Score is what somebody or something thinks of a call's answer. A score is never changed: one with the same ID and a
// higher Revision stands in its place.
type Score struct {
	ID       string
	Revision int64 // microseconds since 1970, or anything that grows
	Deleted  bool  // it holds no more

	// What is scored: a call, or a trace as a whole, with what is known of it, so that scores are counted where it is.
	CallID        string // "" of a trace
	TraceID       string
	CallStart     time.Time // of a trace, its first span's
	Project       string
	User          string
	Session       string
	Model         string
	Prompt        string
	PromptVersion int
	Experiment    string
	Arm           string
	Epoch         int
	Unit          string

	Name     string    // of what is judged: helpfulness, bleu, thumbs
	Kind     ScoreKind // how Value is meant
	Value    float64   // a number; of a boolean 1 or 0; meaningless of a category
	Category string    // of a category, one of few words
	Comment  string
	Source   ScoreSource
	Author   string     // who gave it: a member, a judge's name
	Config   string     // version of what made it, so that scores of two versions are told apart: judge@3
	Cost     *price.USD // what asking a model for it took; nil: nothing was asked, or it is not known
	At       time.Time
}

// ScoreKind is how a score's value is meant.
type ScoreKind string

// The kinds of scores. All scores of a name ought to be of one kind.
const (
	NumberScore   ScoreKind = "number"
	BooleanScore  ScoreKind = "boolean"
	CategoryScore ScoreKind = "category"
)

// ScoreSource is where a score comes from.
type ScoreSource string

// The sources of scores.
const (
	FromAPI    ScoreSource = "api"    // a program, for its user as a rule
	FromHuman  ScoreSource = "human"  // somebody who looked at the call
	FromJudge  ScoreSource = "judge"  // a model
	FromMetric ScoreSource = "metric" // a computation
)

// ErrNoScore says that there is no score of an id. Test with errors.Is.
var ErrNoScore = errors.New("no such score")

// ScoreFilter picks scores. Zero fields pick everything; several are joined by and.
type ScoreFilter struct {
	Since, Until time.Time // [Since, Until) by the start of what is scored
	ID           string
	CallID       string
	TraceID      string
	Name         string
	Source       string
	Config       string
	Project      string
	Model        string
	Prompt       string // name, or name@version
	Experiment   string
	Arm          string
}

// ScorePage is a part of a list, newest first by the start of what is scored.
type ScorePage struct {
	Scores []Score
	Next   string // cursor of the next page, "" at the end
}

// ScoreQuery asks for figures of scores.
type ScoreQuery struct {
	Filter ScoreFilter
	// By names the grouping columns in order, beside the name and kind of the scores, by which they are grouped in any case:
	// source config project model prompt experiment arm, and day in UTC.
	By []string
}

// ScoreFigures are the figures of the scores of one name, kind and group. The moments are those of numbers and booleans.
type ScoreFigures struct {
	Name       string
	Kind       ScoreKind
	Group      []string // values in the order of By
	N          int64
	Mean, SD   float64 // sample standard deviation, 0 of fewer than two
	Min, Max   float64
	P50        float64
	Categories map[string]int64 // of categories: how many of each
}

// Scores stores scores and answers questions about them. Safe for concurrent use. ErrAway is in the chain of an error that
// means the store is not there at the moment.
type Scores interface {
	// PutScores stores a batch of at most 10,000, all or none; the same batch again changes nothing.
	PutScores(ctx context.Context, batch []Score) error
	// ListScores lists the scores that hold, newest first. limit is 1..1000. ErrBadCursor for a cursor that is not this
	// list's.
	ListScores(ctx context.Context, f ScoreFilter, limit int, cursor string) (ScorePage, error)
	// SumScores gives figures of the scores that hold, by name, kind and group.
	SumScores(ctx context.Context, q ScoreQuery) ([]ScoreFigures, error)
}
