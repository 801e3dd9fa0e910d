package account

import (
	"context"
	"errors"
	"time"
)

// View is a saved way of looking at a list of the console: its filters, its range, its order and its columns.
type View struct {
	ID        string // opaque
	Room      string // the list that it is of: calls, traces or sessions
	Name      string // unique among its owner's
	Query     string // the parameters of the list's address, as url.Values.Encode writes them; "" is the plain list
	Owner     string // the name of who made it
	Shared    bool   // everybody has it in the list of views
	CreatedAt time.Time
	ChangedAt time.Time
}

// MayBeChangedBy says whether somebody may change or remove the view: its owner may, and every admin.
func (v *View) MayBeChangedBy(name string, role Role) bool {
	return v.Owner == name && role.May(Viewer) || role.May(Admin)
}

// Errors of Views. Test with errors.Is.
var (
	ErrNoView    = errors.New("no such view")
	ErrViewTaken = errors.New("its owner has a view of this name")
)

// Views keeps saved views. Safe for concurrent use by several processes. Times come back in UTC, to the microsecond.
type Views interface {
	// AddView stores a new view. ErrViewTaken when its owner has one of the name.
	AddView(ctx context.Context, v View) error
	// View finds one by id. ErrNoView when there is none.
	View(ctx context.Context, id string) (View, error)
	// ListViews gives those of an owner and those that are shared, by name, and by owner where names are equal.
	ListViews(ctx context.Context, owner string) ([]View, error)
	// SetView puts name, query, shared and the time of the change in place of those of the view with the same id. ErrNoView when there
	// is none, ErrViewTaken as above.
	SetView(ctx context.Context, v View) error
	// RemoveView ends one. ErrNoView when there is none.
	RemoveView(ctx context.Context, id string) error
}
