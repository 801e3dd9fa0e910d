package prompts

import (
	"context"
	"fmt"
)

// Gate knows which versions have passed which evaluations. Safe for concurrent use.
type Gate interface {
	// Gate tells how the newest run of the evaluation went for the version.
	Gate(ctx context.Context, name string, v Version) (GateReport, error)
}

// GateReport is what an evaluation says of a version.
type GateReport struct {
	Known  bool // it was run; without, Passed means nothing
	Passed bool
	Report string // for people: the figures, or why nothing is known
}

// AskGate asks whether a version has passed the gate of a rule. Without a gate there is nothing to pass; nil answers nothing.
func AskGate(ctx context.Context, g Gate, rule Protection, v Version) (GateReport, error) {
	switch {
	case rule.Gate == "":
		return GateReport{Known: true, Passed: true}, nil
	case g == nil:
		return GateReport{Report: "this weir has no evaluation that could answer for the gate " + rule.Gate}, nil
	}
	report, err := g.Gate(ctx, rule.Gate, v)
	if err != nil {
		return GateReport{}, fmt.Errorf("ask the gate %s for version %d of prompt %s: %w", rule.Gate, v.Number, v.Name, err)
	}
	return report, nil
}

// Merge asks the gate and moves the label as the change says. Its errors are those of Store.MergeChange; ErrGate says in its text what
// the gate answered.
func Merge(ctx context.Context, s Store, g Gate, id string, step Step) (Change, Move, error) {
	c, err := s.Change(ctx, id)
	if err != nil {
		return Change{}, Move{}, err
	}
	state, err := s.State(ctx)
	if err != nil {
		return Change{}, Move{}, err
	}
	var rule Protection
	var report GateReport
	if p, ok := state.Prompts[c.Prompt]; ok && c.Status == ChangeOpen {
		rule = p.Protected[c.Label]
		if v, ok := p.Version(c.To); ok && v.DeletedAt.IsZero() {
			if report, err = AskGate(ctx, g, rule, v); err != nil {
				return Change{}, Move{}, err
			}
		}
	}
	passed := ""
	if report.Known && report.Passed {
		passed = rule.Gate
	}
	c, m, err := s.MergeChange(ctx, id, step.Author, passed, step.At)
	if err != nil && rule.Gate != "" && passed == "" && report.Report != "" {
		err = fmt.Errorf("%w (the gate %s says: %s)", err, rule.Gate, report.Report)
	}
	return c, m, err
}
