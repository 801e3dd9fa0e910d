package prompts

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Change is a request to move a protected label, kept for ever.
type Change struct {
	ID            string
	Prompt, Label string
	From          int // the version that the label pointed to when it was asked; 0: it was not there
	To            int
	Author        string // who asks
	Reason        string
	OpenedAt      time.Time
	Reviews       []Review // in the order they were given

	Status   ChangeStatus
	ClosedAt time.Time // zero while open
	ClosedBy string
	Revision int64 // of the move that it made, 0: none
}

// ChangeStatus says how far a change request is.
type ChangeStatus string

// A change request is open until the label moves by it, or until somebody closes it.
const (
	ChangeOpen   ChangeStatus = "open"
	ChangeMerged ChangeStatus = "merged"
	ChangeClosed ChangeStatus = "closed"
)

// Review is what somebody thinks of a change request. The last word of each person counts.
type Review struct {
	Author  string
	Approve bool // else rejected
	Comment string
	At      time.Time
}

// The errors about change requests.
var (
	ErrNoChange    = errors.New("no such change request")
	ErrNotOpen     = errors.New("the change request is not open")
	ErrStale       = errors.New("the label has moved since the change was asked for")
	ErrOwnChange   = errors.New("nobody reviews a change of their own")
	ErrNotApproved = errors.New("the change is not approved")
	ErrGate        = errors.New("the change has not passed its gate")
)

// Approvals lists whose last word is an approval, and Rejections whose is not. The author's own do not count.
func (c *Change) Approvals() []string { return c.lastWords(true) }

// Rejections lists whose last word is a rejection.
func (c *Change) Rejections() []string { return c.lastWords(false) }

func (c *Change) lastWords(approve bool) []string {
	var out []string
	for i, r := range c.Reviews {
		last := !slices.ContainsFunc(c.Reviews[i+1:], func(later Review) bool { return later.Author == r.Author })
		if last && r.Approve == approve && r.Author != c.Author {
			out = append(out, r.Author)
		}
	}
	return out
}

// CheckReview says whether somebody may review the change now.
func (c *Change) CheckReview(r Review) error {
	if c.Status != ChangeOpen {
		return c.notOpen()
	}
	if r.Author == c.Author {
		return fmt.Errorf("change %s is %s's own: %w", c.ID, c.Author, ErrOwnChange)
	}
	return nil
}

// CheckClose says whether the change may be closed without a move.
func (c *Change) CheckClose() error {
	if c.Status != ChangeOpen {
		return c.notOpen()
	}
	return nil
}

func (c *Change) notOpen() error {
	return fmt.Errorf("change %s is %s since %s, by %s: %w", c.ID, c.Status, c.ClosedAt.Format(time.RFC3339), c.ClosedBy, ErrNotOpen)
}

// CheckMerge says whether the label may move by the change now. rule is the label's, the zero Protection when it has
// none, and passed the name of the gate that the version has passed. Stores ask it within the step that moves the label.
func (c *Change) CheckMerge(rule Protection, passed string, p Place) error {
	if c.Status != ChangeOpen {
		return c.notOpen()
	}
	if p.At != c.From {
		return fmt.Errorf("change %s was asked for while label %s of prompt %s was at version %d, and it is at %d now: %w", c.ID, c.Label, c.Prompt, c.From, p.At, ErrStale)
	}
	if err := checkTarget(c.Prompt, c.To, p); err != nil {
		return err
	}
	if against := c.Rejections(); len(against) > 0 {
		return fmt.Errorf("change %s is rejected by %s: %w", c.ID, strings.Join(against, ", "), ErrNotApproved)
	}
	if have := len(c.Approvals()); have < rule.Approvals {
		return fmt.Errorf("change %s has %d of the %d approvals that label %s needs: %w", c.ID, have, rule.Approvals, c.Label, ErrNotApproved)
	}
	if rule.Gate != "" && rule.Gate != passed {
		return fmt.Errorf("change %s: the evaluation %s has not passed for version %d of prompt %s: %w", c.ID, rule.Gate, c.To, c.Prompt, ErrGate)
	}
	return nil
}

// Merged is the move that the change makes.
func (c *Change) Merged(author string, at time.Time) Move {
	return Move{
		Pointer: Pointer{Prompt: c.Prompt, Label: c.Label, Number: c.To, MovedAt: at}, From: c.From, Author: author, Reason: c.Reason, Change: c.ID,
	}
}
