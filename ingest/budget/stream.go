package budget

import (
	"context"
	"errors"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// ahead is how many tokens a running stream is held ahead of what was relayed, at least; half as many when there is no room
// for that.
const ahead = 256

// Watch gives, for a call that is answered by a stream, what is to be told how many tokens have been relayed as they come. Its
// fault, of code StreamCut, says that they are more than is held, and that the budgets have no room for more: the stream is
// to be cut. Nil when no budget bounds the call's dollars or tokens.
func (g *Guard) Watch(call *llm.Call) func(relayed int64) *llm.Fault {
	if !g.admits.Load() {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	c, ok := g.calls[call.ID]
	if !ok || len(c.tickets) == 0 {
		return nil
	}
	t := c.tickets[len(c.tickets)-1]
	if !t.bounds {
		return nil
	}
	held := t.output
	return func(relayed int64) *llm.Fault {
		if relayed <= held {
			return nil
		}
		for _, more := range []int64{max(ahead, held/4), ahead / 2, 1} {
			refused, err := g.extend(t, add(relayed, more))
			if errors.Is(err, ErrAway) && t.strict {
				return llm.Faultf(llm.StreamCut, "the ledger of the budgets cannot be asked for the rest of this answer, which was cut off here; what came until now is charged").Because(err)
			}
			if errors.Is(err, ErrAway) {
				held = add(relayed, more)
				return nil
			}
			if err != nil {
				g.settled(err)
				return nil // released by hand, or out of reach: what it costs is charged in any case
			}
			if refused == nil {
				held = add(relayed, more)
				return nil
			}
			if more == 1 {
				return g.cut(refused)
			}
		}
		return nil
	}
}

// extend raises a ticket's hold to what so much output costs.
func (g *Guard) extend(t *Ticket, output int64) ([]Refusal, error) {
	now := time.Now()
	usage := llm.Usage{InputUncached: t.input, OutputText: output}
	usd, _ := g.cfg.Book().Quote(price.Charge{Provider: t.priceAs, Model: t.model, Project: t.call.Project, Usage: usage, At: t.call.Start}).Known()
	total := Amount{USD: usd, Tokens: add(t.input, output)}
	refused, err := g.cfg.Ledger.Extend(context.Background(), t.id, total, now.Add(lease), now)
	if err == nil && refused == nil {
		g.mu.Lock()
		t.extended = total
		g.mu.Unlock()
	}
	return refused, err
}

func (g *Guard) cut(refused []Refusal) *llm.Fault {
	name, now := refused[0].Account.ID, time.Now()
	for i := len(refused) - 1; i >= 0; i-- {
		if r, ok := g.rules.Load().byID[refused[i].Account.ID]; ok {
			name = r.budget.Name
			g.breach(r, price.EventCut, &refused[i].Usage, Amount{}, now)
		}
	}
	return llm.Faultf(llm.StreamCut, "the budget %s has no room for the rest of this answer, which was cut off here; what came until now is charged", name)
}
