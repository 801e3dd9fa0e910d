package prompts

import (
	"context"
	"errors"
	"time"
)

// Store keeps prompts, for good. It is safe for concurrent use by several processes. Times come back in UTC, to the
// microsecond. Every change raises the revision of the whole by one or more; what changes nothing leaves it as it is.
type Store interface {
	States
	Versions
	Labels
	Changes
}

// States gives what is there.
type States interface {
	// State gives everything as it was at one revision.
	State(ctx context.Context) (*State, error)
	// Revision gives the present revision, cheaply.
	Revision(ctx context.Context) (int64, error)
}

// ErrPointed says that a version cannot be deleted since a label points to it.
var ErrPointed = errors.New("move the label first")

// Versions adds versions to prompts.
type Versions interface {
	// Push stores a content as the next version of its prompt, and makes the prompt when there is none. A content that a
	// version already has, and that was not deleted, is that version: made is false, whatever Push.After says. ErrConflict
	// when Push.After is set and is not the newest version's number. Latest moves with it.
	Push(ctx context.Context, p Push) (v Version, made bool, err error)
	// DeleteVersion takes a version's content away; Latest moves with it. ErrNoPrompt and ErrNoVersion when there is none,
	// ErrDeleted when it was deleted before, ErrPointed while a label other than Latest points to it.
	DeleteVersion(ctx context.Context, name string, number int, author string, at time.Time) error
}

// Labels moves labels, and guards them.
type Labels interface {
	// MoveLabel points a label to a version, and makes the label when there is none; From and Revision are filled in. A
	// label that is at the version already is not moved, which is no error: the Revision is then 0. ErrNoPrompt,
	// ErrNoVersion and ErrDeleted when there is nothing to point to. ErrConflict when the label does not point to expect (0:
	// it is not there; a negative number expects nothing). ErrProtected when the label is protected and was never at that
	// version before: it goes there by MergeChange only, which alone sets Move.Change.
	MoveLabel(ctx context.Context, m Move, expect int) (Move, error)
	// RemoveLabel takes a label away. ErrNoLabel when there is none, ErrProtected when it is protected.
	RemoveLabel(ctx context.Context, name, label, author, reason string, at time.Time) error
	// Moves gives a prompt's moves, newest first. A label that was taken away moved to 0. Those of Latest are not kept: the
	// versions say them. ErrNoPrompt when there is none.
	Moves(ctx context.Context, name string) ([]Move, error)

	// Protect guards a label, which need not be there yet, by a rule in place of the one it has. ErrNoPrompt when there is
	// none.
	Protect(ctx context.Context, name, label string, rule Protection) error
	// Unprotect sets it free. ErrNoLabel when it is not protected.
	Unprotect(ctx context.Context, name, label string) error
}

// Push is a content on its way into a store.
type Push struct {
	Name    string
	Content Content // checked
	Author  string
	Message string
	At      time.Time
	After   int // the newest version that the author knew of; 0: does not matter
}

// State is all prompts at one revision. It must not be changed.
type State struct {
	Revision int64
	Prompts  map[string]*Prompt // by name
}

// Prompt is one prompt with its history. It must not be changed.
type Prompt struct {
	Name     string
	Versions []Version          // by number, from 1; deleted ones have no content
	Labels   map[string]Pointer // Latest too, while there is a version that is not deleted
	// Protected are the labels that move by an approved change request only, with the rule of each.
	Protected map[string]Protection
}

// Version gives a version by its number, and false when there is none; a deleted one is there.
func (p *Prompt) Version(number int) (Version, bool) {
	if number < 1 || number > len(p.Versions) {
		return Version{}, false
	}
	return p.Versions[number-1], true
}

// Protection is the rule of a protected label.
type Protection struct {
	Approvals int    // of how many people beside the one who asks, 1 or more
	Gate      string // name of the evaluation that must have passed for the version; "" none
	Author    string // who set it
	At        time.Time
}
