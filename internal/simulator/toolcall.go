package simulator

import (
	"math/rand/v2"
	"strings"
)

// call decides which functions the answer calls, and with what. A choice that forces a call is obeyed, unless a tool
// has just answered; else a function is called when the newest message has words of its name or description.
func (p prompt) call(r *rand.Rand) []call {
	if _, done := p.afterTool(); done || len(p.tools) == 0 || p.choice == "none" {
		return nil
	}
	newest := stemsOf(p.last())
	var fitting []tool
	best := 0
	for _, t := range p.tools {
		if t.name == p.choice {
			return []call{p.callTo(t, r)}
		}
		name := stemsOf(strings.NewReplacer("_", " ", "-", " ", ".", " ").Replace(t.name))
		n := 2*overlap(name, newest) + overlap(stemsOf(t.description), newest)
		switch {
		case n > best:
			fitting, best = []tool{t}, n
		case n == best:
			fitting = append(fitting, t)
		}
	}
	switch p.choice {
	case "required":
		if best == 0 {
			fitting = p.tools[:1]
		}
	case "", "auto":
		if best < 2 {
			return nil
		}
	default: // a function that is not among the tools
		return nil
	}
	if !p.parallel {
		fitting = fitting[:1]
	}
	var calls []call
	for _, t := range fitting[:min(2, len(fitting))] {
		calls = append(calls, p.callTo(t, r))
	}
	return calls
}

func (p prompt) callTo(t tool, r *rand.Rand) call {
	return call{id: "call_" + newID(r, 24), name: t.name, arguments: p.object(t.schema, r)}
}
