package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/weir-dev/weir/trace"
)

// Errors of queues. Test with errors.Is.
var (
	ErrNoQueue     = errors.New("no such queue")
	ErrQueueThere  = errors.New("there is a queue of this name")
	ErrNoQueueItem = errors.New("the queue has no such item")
	ErrItemTaken   = errors.New("as many people as the queue wants have the item, or have scored it")
)

// Question is one thing that people are asked about an answer: what a score of its name will be.
type Question struct {
	Name        string          `json:"name"`
	Kind        trace.ScoreKind `json:"kind"`
	Min         *float64        `json:"min,omitempty"` // of a number; nil: any
	Max         *float64        `json:"max,omitempty"`
	Categories  []string        `json:"categories,omitempty"` // of a category: the words to choose from
	Description string          `json:"description,omitempty"`
	Optional    bool            `json:"optional,omitempty"` // an item is done without it
}

// Queue is a list of calls that people are to score.
type Queue struct {
	Name         string     `json:"name"`
	Project      string     `json:"project,omitempty"` // only its calls; "": all
	Questions    []Question `json:"questions"`
	Instructions string     `json:"instructions,omitempty"`
	Reviewers    int        `json:"reviewers"` // how many people score each item
	Author       string     `json:"author"`
	CreatedAt    time.Time  `json:"created_at"`
}

// Bounds of queues.
const (
	mostQuestions  = 20
	mostCategories = 50
	mostReviewers  = 20
)

// Check says what is wrong with a queue. Who calls it checks the name's form.
func (q *Queue) Check() error {
	if len(q.Questions) == 0 || len(q.Questions) > mostQuestions {
		return fmt.Errorf("it asks %d questions: want 1 to %d", len(q.Questions), mostQuestions)
	}
	if q.Reviewers < 1 || q.Reviewers > mostReviewers {
		return fmt.Errorf("%d people score each item: want 1 to %d", q.Reviewers, mostReviewers)
	}
	seen := map[string]bool{}
	for i := range q.Questions {
		one := &q.Questions[i]
		if seen[one.Name] {
			return fmt.Errorf("%q is asked twice", one.Name)
		}
		seen[one.Name] = true
		if err := one.check(); err != nil {
			return fmt.Errorf("%q: %w", one.Name, err)
		}
	}
	return nil
}

func (q *Question) check() error {
	switch q.Kind {
	case trace.NumberScore:
		if q.Min != nil && q.Max != nil && *q.Min >= *q.Max {
			return fmt.Errorf("the least, %v, is not below the most, %v", *q.Min, *q.Max)
		}
	case trace.BooleanScore:
	case trace.CategoryScore:
		if len(q.Categories) < 2 || len(q.Categories) > mostCategories {
			return fmt.Errorf("it has %d categories: want 2 to %d", len(q.Categories), mostCategories)
		}
		for i, c := range q.Categories {
			if n := utf8.RuneCountInString(c); n == 0 || n > 100 || !utf8.ValidString(c) || slices.Contains(q.Categories[:i], c) {
				return fmt.Errorf("the category %.40q is empty, too long or there twice", c)
			}
		}
	default:
		return fmt.Errorf("the kind %q is unknown: want number, boolean or category", q.Kind)
	}
	if q.Kind != trace.NumberScore && (q.Min != nil || q.Max != nil) || q.Kind != trace.CategoryScore && q.Categories != nil {
		return fmt.Errorf("a %s has a least or a most, or categories, that are not its own", q.Kind)
	}
	return nil
}

// Take puts a value into a score, or says why it is no answer to what is asked. v is a float64, a bool or a string.
func (q *Question) Take(v any, into *trace.Score) error {
	into.Name, into.Kind = q.Name, q.Kind
	switch v := v.(type) {
	case float64:
		if q.Kind != trace.NumberScore || math.IsNaN(v) || math.IsInf(v, 0) {
			break
		}
		if q.Min != nil && v < *q.Min || q.Max != nil && v > *q.Max {
			return fmt.Errorf("%v is outside of what is asked%s", v, q.span())
		}
		into.Value = v
		return nil
	case bool:
		if q.Kind != trace.BooleanScore {
			break
		}
		if v {
			into.Value = 1
		}
		return nil
	case string:
		if q.Kind != trace.CategoryScore {
			break
		}
		if !slices.Contains(q.Categories, v) {
			return fmt.Errorf("%.40q is none of the categories %s", v, strings.Join(q.Categories, ", "))
		}
		into.Category = v
		return nil
	}
	return fmt.Errorf("the value is not a %s", q.Kind)
}

func (q *Question) span() string {
	switch {
	case q.Min != nil && q.Max != nil:
		return fmt.Sprintf(": %v to %v", *q.Min, *q.Max)
	case q.Min != nil:
		return fmt.Sprintf(": %v or more", *q.Min)
	case q.Max != nil:
		return fmt.Sprintf(": up to %v", *q.Max)
	}
	return ""
}

// ItemState says how an item of a queue, or one person's review of it, stands.
type ItemState string

// Waiting: people are wanted. Taken: somebody has it. Finished: it is scored. Skipped: people did not want to say.
const (
	Waiting  ItemState = "waiting"
	Taken    ItemState = "taken"
	Finished ItemState = "done"
	Skipped  ItemState = "skipped"
)

// QueueItem is a call that is to be scored. A queue has a call once.
type QueueItem struct {
	CallID  string
	Run     string // of the evaluation that it is of; "": none
	Key     Key    // of the run's result
	AddedBy string
	AddedAt time.Time
	State   ItemState
	Reviews []Review // by who, in order of name
}

// Review is what one person did with an item.
type Review struct {
	Who    string
	State  ItemState // Taken, Finished or Skipped
	Until  time.Time // how long it is taken; after that it is as if it were not there
	At     time.Time
	Reason string // of a skip
}

// QueueProgress counts a queue's items by how they stand, and what people did.
type QueueProgress struct {
	Waiting int // those that are taken among them
	Taken   int
	Done    int
	Skipped int
	People  []PersonProgress // by name
}

// PersonProgress counts what one person did.
type PersonProgress struct {
	Who     string
	Done    int
	Skipped int
	Last    time.Time
}

// Annotations keeps queues. An item is done when as many people as the queue wants have scored it, and skipped when as many have skipped it.
// Safe for concurrent use, by several processes too.
type Annotations interface {
	// PutQueue stores a queue. ErrQueueThere when its name is taken.
	PutQueue(ctx context.Context, q Queue) error
	// GetQueue gives a queue. ErrNoQueue, as all below.
	GetQueue(ctx context.Context, name string) (Queue, error)
	// ListQueues gives all of them by name.
	ListQueues(ctx context.Context) ([]Queue, error)
	// DeleteQueue removes a queue with its items; scores that were given stay.
	DeleteQueue(ctx context.Context, name string) error
	// AddQueueItems adds items behind those that are there, and says how many are new: a call that the queue has already is passed over.
	AddQueueItems(ctx context.Context, queue string, items []QueueItem) (added int, err error)
	// QueueItems gives at most limit items in the order of the queue, of one state unless that is "", after a call's unless that is "".
	QueueItems(ctx context.Context, queue string, state ItemState, after string, limit int, now time.Time) ([]QueueItem, error)
	// QueueProgress counts.
	QueueProgress(ctx context.Context, queue string, now time.Time) (QueueProgress, error)
	// NextItem takes the first item that wants one more person and that who has neither scored nor skipped, for who until then; the one who
	// has already is given again. False: there is none.
	NextItem(ctx context.Context, queue, who string, now, until time.Time) (QueueItem, bool, error)
	// TakeItem takes one item, also one that who scored before. ErrNoQueueItem; ErrItemTaken.
	TakeItem(ctx context.Context, queue, call, who string, now, until time.Time) error
	// EndReview stores that a person who took an item scored or skipped it. ErrNoQueueItem when they did not take it.
	EndReview(ctx context.Context, queue, call string, r Review) error
}
