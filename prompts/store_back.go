package prompts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrNoMove says that a label was not moved with a revision.
var ErrNoMove = errors.New("no such move")

// Step is who takes a step, when and why.
type Step struct {
	Author string
	Reason string
	At     time.Time
}

// Undo takes a move back: the label goes to where it was before, or away when the move made it. ErrConflict when the label has
// moved since, ErrNoMove when there is none of the revision. What it may not do is as Store.MoveLabel and Store.RemoveLabel say.
func Undo(ctx context.Context, s Labels, name string, revision int64, step Step) (Move, error) {
	moves, err := s.Moves(ctx, name)
	if err != nil {
		return Move{}, err
	}
	i := slices.IndexFunc(moves, func(m Move) bool { return m.Revision == revision })
	if i < 0 {
		return Move{}, fmt.Errorf("prompt %s has no move with the revision %d: %w", name, revision, ErrNoMove)
	}
	was := moves[i]
	if later := slices.IndexFunc(moves[:i], func(m Move) bool { return m.Label == was.Label }); later >= 0 {
		return Move{}, fmt.Errorf("label %s of prompt %s has moved since, last to version %d with the revision %d: %w", was.Label, name, moves[later].Number, moves[later].Revision, ErrConflict)
	}
	back := Move{Pointer: Pointer{Prompt: name, Label: was.Label, Number: was.From, MovedAt: step.At}, From: was.Number, Author: step.Author, Reason: step.Reason}
	if was.From > 0 {
		return s.MoveLabel(ctx, back, was.Number)
	}
	if err := s.RemoveLabel(ctx, name, was.Label, step.Author, step.Reason, step.At); err != nil {
		return Move{}, err
	}
	return back, nil
}

// Rollback moves a label back: to a version that it was at before, or with to 0 to the one before the present one. Rolling back
// again goes back further. It needs no approval. ErrNoVersion when there is none to go back to.
func Rollback(ctx context.Context, s Store, name, label string, to int, step Step) (Move, error) {
	moves, err := s.Moves(ctx, name)
	if err != nil {
		return Move{}, err
	}
	state, err := s.State(ctx)
	if err != nil {
		return Move{}, err
	}
	p, ok := state.Prompts[name]
	if !ok {
		return Move{}, fmt.Errorf("prompt %s: %w", name, ErrNoPrompt)
	}
	at, ok := p.Labels[label]
	if !ok {
		return Move{}, fmt.Errorf("label %s of prompt %s: %w", label, name, ErrNoLabel)
	}
	if to == 0 {
		if to = before(p, moves, label, at.Number); to == 0 {
			return Move{}, fmt.Errorf("label %s of prompt %s was at no other version before that is still there: %w", label, name, ErrNoVersion)
		}
	} else if !slices.ContainsFunc(moves, func(m Move) bool { return m.Label == label && m.Number == to }) {
		return Move{}, fmt.Errorf("label %s of prompt %s was never at version %d, which is no roll-back: %w", label, name, to, ErrNoVersion)
	}
	return s.MoveLabel(ctx, Move{Pointer: Pointer{Prompt: name, Label: label, Number: to, MovedAt: step.At}, Author: step.Author, Reason: step.Reason}, at.Number)
}

// before finds the version to go back to. The moves are read as a path: one to a version that the path has already is a way back
// to there, so that what was rolled back is not gone forward to again.
func before(p *Prompt, moves []Move, label string, at int) int {
	var path []int
	for _, m := range slices.Backward(moves) {
		switch i := slices.Index(path, m.Number); {
		case m.Label != label || m.Number == 0:
		case i >= 0:
			path = path[:i+1]
		default:
			path = append(path, m.Number)
		}
	}
	for _, n := range slices.Backward(path) {
		if v, ok := p.Version(n); ok && n != at && v.DeletedAt.IsZero() {
			return n
		}
	}
	return 0
}
