package cache

import (
	"context"
	"time"
)

// Vectors keeps, for each answer, where its question lies among others: questions that mean much the same lie near each
// other. Only those of one partition are ever compared. An implementation may forget any point at any time. Safe for
// concurrent use.
type Vectors interface {
	// Nearest gives the points of a partition whose cosine similarity to v is at least that, the nearest first, at most so
	// many. It looks at all that are there and not expired, or at the newest where there are very many. All vectors of a
	// partition have one length, and v has it.
	Nearest(ctx context.Context, partition Key, v []float32, least float64, most int) ([]Neighbor, error)
	// Add keeps points until they expire. One takes the place of that with its partition and answer.
	Add(ctx context.Context, points []Point) error
	// Remove lets go of those points, whatever their vectors.
	Remove(ctx context.Context, places []Place) error
	// Purge removes what the filter picks of all partitions.
	Purge(ctx context.Context, f Filter) error
	// Trim removes the oldest points so that about so many are left.
	Trim(ctx context.Context, most int) error
}

// Place says which point one is.
type Place struct {
	Partition Key // what must be equal for questions to be compared
	Answer    Key // of the entry, in the form of a plain body
}

// Point is a question that was answered.
type Point struct {
	Place
	Vector []float32 // of length 1
	Labels
	Stored, Expires time.Time
}

// Labels are what points are purged by; see Filter.
type Labels struct {
	Project   string
	Requested string // model that was asked for, as the client said, as it was asked for upstream, as the answer named it
	Model     string
	Answered  string
	Tags      map[string]string
}

// PicksPoint says whether the filter picks a point.
func (f *Filter) PicksPoint(p *Point, now time.Time) bool {
	e := Entry{Project: p.Project, Requested: p.Requested, Model: p.Model, Tags: p.Tags, Stored: p.Stored}
	e.Outcome.Model = p.Answered
	return f.Picks(&e, now)
}

// Neighbor is a point near another.
type Neighbor struct {
	Answer Key
	Score  float64 // cosine similarity
}
