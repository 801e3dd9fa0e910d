package prompts

import (
	"context"
	"time"
)

// Changes keeps change requests. The author of each step is who took it; whether they may is not the store's to know.
type Changes interface {
	// OpenChange stores a new request; its From is filled in with where the label points. ErrNoPrompt, ErrNoVersion and
	// ErrDeleted when there is nothing to point to, ErrConflict when the label is there already or the id is taken.
	OpenChange(ctx context.Context, c Change) (Change, error)
	// Change finds one. ErrNoChange when there is none.
	Change(ctx context.Context, id string) (Change, error)
	// ListChanges gives a prompt's requests, or those of all prompts when the name is "", newest first.
	ListChanges(ctx context.Context, name string) ([]Change, error)
	// ReviewChange adds a review. ErrNotOpen when the request is not open, ErrOwnChange when the reviewer asked for it.
	ReviewChange(ctx context.Context, id string, r Review) (Change, error)
	// CloseChange ends a request without a move. ErrNotOpen when it is not open.
	CloseChange(ctx context.Context, id, author string, at time.Time) (Change, error)
	// MergeChange moves the label as the request says, in the step that ends it: see Change.CheckMerge for what it refuses.
	// passed names the gate that the version has passed, "" none.
	MergeChange(ctx context.Context, id, author, passed string, at time.Time) (Change, Move, error)
}
