package api

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/weir-dev/weir/prompts"
)

// labelMove asks for a label to point to a version.
type labelMove struct {
	Version int    `json:"version"`
	Expect  *int   `json:"expect,omitempty"` // the version that it is thought to point to, 0 for none: another is a conflict
	Reason  string `json:"reason,omitempty"`
}

// rollbackRequest asks for a label to be moved back.
type rollbackRequest struct {
	Version int    `json:"version,omitempty"` // one that it was at before; the one before the present one unless given
	Reason  string `json:"reason,omitempty"`
}

// reasonRequest says why.
type reasonRequest struct {
	Reason string `json:"reason,omitempty"`
}

// moveRow is a move of a label.
type moveRow struct {
	Revision int64  `json:"revision"` // 0: it was there already
	Label    string `json:"label"`
	From     int    `json:"from"` // 0: the label was made
	To       int    `json:"to"`   // 0: it was taken away
	Author   string `json:"author"`
	Reason   string `json:"reason"`
	Change   string `json:"change"` // id of the change request that allowed it; "" none
	MovedAt  stamp  `json:"moved_at"`
}

// moveList is every move of a prompt's labels.
type moveList struct {
	Moves []moveRow `json:"moves"`
}

// movedLabel is a move just made.
type movedLabel struct {
	moveRow
	Converged bool     `json:"converged"` // every weir on the same store serves it: calls that start from now on use the version
	Behind    []string `json:"behind"`    // those that did not say so in time, by name
}

// newProtection asks for a label to be protected.
type newProtection struct {
	Approvals int    `json:"approvals,omitempty"` // of how many people beside the one who asks; 1 unless given
	Gate      string `json:"gate,omitempty"`      // name of an evaluation that must have passed
}

// protection is the rule of a protected label.
type protection struct {
	Label     string `json:"label"`
	Approvals int    `json:"approvals"`
	Gate      string `json:"gate"` // "" none
	Author    string `json:"author"`
	SetAt     stamp  `json:"set_at"`
}

func shownMove(m *prompts.Move) moveRow {
	return moveRow{m.Revision, m.Label, m.From, m.Number, m.Author, m.Reason, m.Change, stamp(m.MovedAt)}
}

func shownProtection(label string, p prompts.Protection) protection {
	return protection{label, p.Approvals, p.Gate, p.Author, stamp(p.At)}
}

// showMove puts a move into force and shows it.
func (a *API) showMove(w http.ResponseWriter, r *http.Request, m prompts.Move, err error) error {
	if err != nil {
		return err
	}
	c := a.cfg.Registry.Changed(r.Context())
	return answer(w, http.StatusOK, movedLabel{shownMove(&m), c.Converged, behind(c)})
}

// behind names the weirs that have not taken a change over.
func behind(c prompts.Convergence) []string {
	names := make([]string, len(c.Behind))
	for i, r := range c.Behind {
		names[i] = r.Name
	}
	return names
}

// labelOf reads the names of a path to a label.
func labelOf(r *http.Request) (name, label string, err error) {
	name, label = r.PathValue("name"), r.PathValue("label")
	if err = prompts.CheckName(name); err == nil {
		err = checkMovable(nil, label)
	}
	return name, label, err
}

func (a *API) moveLabel(w http.ResponseWriter, r *http.Request) error {
	var in labelMove
	if err := read(r, &in); err != nil {
		return err
	}
	name, label, err := labelOf(r)
	if err != nil {
		return err
	}
	if err := checkTexts(textField{"reason", in.Reason}); err != nil {
		return err
	}
	expect := -1
	if in.Expect != nil {
		if expect = *in.Expect; expect < 0 {
			return bad("expect", "expect is %d: want the version that the label points to, or 0 for none", expect)
		}
	}
	m, err := a.cfg.Prompts.MoveLabel(r.Context(), prompts.Move{
		Pointer: prompts.Pointer{Prompt: name, Label: label, Number: in.Version, MovedAt: time.Now()}, Author: callerOf(r).name, Reason: in.Reason,
	}, expect)
	return a.showMove(w, r, m, err)
}

func (a *API) removeLabel(w http.ResponseWriter, r *http.Request) error {
	name, label, err := labelOf(r)
	if err != nil {
		return err
	}
	if err := a.cfg.Prompts.RemoveLabel(r.Context(), name, label, callerOf(r).name, "", time.Now()); err != nil {
		return err
	}
	a.cfg.Registry.Changed(r.Context())
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) rollbackLabel(w http.ResponseWriter, r *http.Request) error {
	var in rollbackRequest
	if err := read(r, &in); err != nil {
		return err
	}
	name, label, err := labelOf(r)
	if err != nil {
		return err
	}
	if err := checkTexts(textField{"reason", in.Reason}); err != nil {
		return err
	}
	m, err := prompts.Rollback(r.Context(), a.cfg.Prompts, name, label, in.Version, prompts.Step{Author: callerOf(r).name, Reason: in.Reason, At: time.Now()})
	return a.showMove(w, r, m, err)
}

func (a *API) listMoves(w http.ResponseWriter, r *http.Request) error {
	moves, err := a.cfg.Prompts.Moves(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	out := moveList{Moves: make([]moveRow, len(moves))}
	for i := range moves {
		out.Moves[i] = shownMove(&moves[i])
	}
	return answer(w, http.StatusOK, out)
}

func (a *API) undoMove(w http.ResponseWriter, r *http.Request) error {
	var in reasonRequest
	if err := read(r, &in); err != nil {
		return err
	}
	if err := checkTexts(textField{"reason", in.Reason}); err != nil {
		return err
	}
	revision, err := strconv.ParseInt(r.PathValue("revision"), 10, 64)
	if err != nil {
		return bad("revision", "%q is no revision of a move; GET %s/prompts/NAME/moves lists them", clip(r.PathValue("revision")), prefix)
	}
	m, err := prompts.Undo(r.Context(), a.cfg.Prompts, r.PathValue("name"), revision, prompts.Step{Author: callerOf(r).name, Reason: in.Reason, At: time.Now()})
	return a.showMove(w, r, m, err)
}

func (a *API) protectLabel(w http.ResponseWriter, r *http.Request) error {
	var in newProtection
	if err := read(r, &in); err != nil {
		return err
	}
	name, label, err := labelOf(r)
	if err != nil {
		return err
	}
	const most = 20
	rule := prompts.Protection{Approvals: in.Approvals, Gate: in.Gate, Author: callerOf(r).name, At: time.Now().UTC().Truncate(time.Microsecond)}
	if rule.Approvals == 0 {
		rule.Approvals = 1
	}
	if rule.Approvals < 1 || rule.Approvals > most {
		return bad("approvals", "approvals is %d: want 1 to %d", in.Approvals, most)
	}
	if rule.Gate != "" && !isName(rule.Gate) {
		return bad("gate", "the gate %q is no name of an evaluation: want 1 to 64 letters, digits, dots, dashes and underscores", clip(rule.Gate))
	}
	if err := a.cfg.Prompts.Protect(r.Context(), name, label, rule); err != nil {
		return fmt.Errorf("protect: %w", err)
	}
	a.cfg.Registry.Changed(r.Context())
	return answer(w, http.StatusOK, shownProtection(label, rule))
}

func (a *API) unprotectLabel(w http.ResponseWriter, r *http.Request) error {
	name, label, err := labelOf(r)
	if err != nil {
		return err
	}
	if err := a.cfg.Prompts.Unprotect(r.Context(), name, label); err != nil {
		return err
	}
	a.cfg.Registry.Changed(r.Context())
	w.WriteHeader(http.StatusNoContent)
	return nil
}
