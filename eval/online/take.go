package online

import (
	"context"
	"errors"
	"time"

	"github.com/weir-dev/weir/internal/expression"
	"github.com/weir-dev/weir/trace"
)

const (
	settle    = time.Second      // an arrival's second is looked at when it is over
	saveEvery = 30 * time.Second // how often a position is stored that nothing was taken at
)

// looked is how far a rule has looked, in memory: a little further than what is stored.
type looked struct {
	Position
	saved time.Time
	seen  map[string]time.Time // calls that were taken or passed over within the overlap, with when they came
}

// take lets each rule look at what came since.
func (r *Runner) take(ctx context.Context) {
	rules, err := r.cfg.Store.OnlineRules(ctx)
	if err != nil {
		r.warn(ctx, "the rules could not be read", err)
		return
	}
	if len(rules) == 0 {
		return
	}
	now, err := r.cfg.Arrivals.StoreTime(ctx)
	if err != nil {
		if !errors.Is(err, trace.ErrAway) { // that is told elsewhere
			r.warn(ctx, "the store's clock could not be read", err)
		}
		return
	}
	for i := range rules {
		if err := r.takeFor(ctx, &rules[i], now.Add(-settle).Truncate(time.Second)); err != nil && !errors.Is(err, ErrMoved) && !errors.Is(err, trace.ErrAway) {
			r.warn(ctx, "a rule could not look at calls", err, "rule", rules[i].Name)
		}
	}
}

// takeFor reads what came before until, a page at a time.
func (r *Runner) takeFor(ctx context.Context, rule *Stored, until time.Time) error {
	at := r.looked[rule.Name]
	if at == nil || at.Moves != rule.Position.Moves {
		at = &looked{Position: rule.Position, saved: time.Now(), seen: map[string]time.Time{}}
		r.looked[rule.Name] = at
	}
	if at.From.IsZero() { // a new rule begins with what comes from now on
		next := Position{From: until, Until: until}
		return r.move(ctx, rule.Name, at, next, nil)
	}
	condition, err := compileCondition(&rule.Rule)
	if err != nil {
		return err
	}
	in := intake{rule: rule, condition: condition, at: at, most: r.cfg.MaxWaiting}
	for {
		since := at.Until.Add(-r.cfg.Overlap)
		if since.Before(at.From) {
			since = at.From
		}
		if !since.Before(until) {
			return nil
		}
		arrivals, err := r.cfg.Arrivals.Arrived(ctx, trace.ArrivalQuery{Filter: rule.Filter.calls(), Since: since, Until: until, After: in.after, Limit: page})
		if err != nil {
			return err
		}
		next, calls := in.look(arrivals)
		last := len(arrivals) < page
		if last {
			next.Until = until
		}
		if err := r.move(ctx, rule.Name, at, next, calls); err != nil {
			return err
		}
		for _, a := range arrivals {
			at.seen[a.ID] = a.At
		}
		if last {
			break
		}
		in.after = arrivals[len(arrivals)-1]
	}
	for id, came := range at.seen {
		if came.Before(at.Until.Add(-r.cfg.Overlap)) {
			delete(at.seen, id)
		}
	}
	return nil
}

// move stores what was taken with the position behind it. A position alone is stored now and then: what lies between is looked at again
// after a restart.
func (r *Runner) move(ctx context.Context, rule string, at *looked, next Position, calls []Taken) error {
	now := time.Now()
	if len(calls) > 0 || now.Sub(at.saved) >= saveEvery || at.From.IsZero() {
		forget := next.Until.Add(-2 * r.cfg.Overlap)
		if err := r.cfg.Store.TakeCalls(ctx, rule, at.Moves, next, calls, forget, now); err != nil {
			delete(r.looked, rule)
			return err
		}
		at.saved = now
		next.Moves = at.Moves + 1
	} else {
		next.Moves = at.Moves
	}
	at.Position = next
	return nil
}

// compileCondition is a rule's condition; nil: it has none.
func compileCondition(r *Rule) (*expression.Program, error) {
	if r.Condition == "" {
		return nil, nil //nolint:nilnil // no condition is no fault
	}
	return expression.CompileCondition(r.Condition, names(&trace.Span{}))
}

// intake decides of arrivals which a rule takes.
type intake struct {
	rule      *Stored
	condition *expression.Program
	at        *looked
	after     trace.Arrival
	most      int64
}

// look gives what is taken of a page, and the position behind it.
func (in *intake) look(arrivals []trace.Arrival) (Position, []Taken) {
	next := in.at.Position
	var calls []Taken
	for i := range arrivals {
		a := &arrivals[i]
		if a.At.After(next.Until) {
			next.Until = a.At
		}
		if _, seen := in.at.seen[a.ID]; seen || !live(&a.Span) || !in.rule.Sampled(&a.Span) {
			continue
		}
		t := Taken{CallID: a.ID, Came: a.At, Due: a.At.Add(time.Duration(in.rule.Delay))}
		eligible, err := in.holds(&a.Span)
		switch {
		case err != nil:
			t.Decided = in.rule.all(Failed, BadCondition, err.Error())
		case !eligible:
			continue
		case !in.fits(&next, a.At):
			t.Decided = in.rule.all(Skipped, OverRate, "")
		case in.rule.Waiting >= in.most:
			t.Decided = in.rule.all(Skipped, QueueFull, "")
		default:
			in.rule.Waiting++
		}
		calls = append(calls, t)
	}
	return next, calls
}

// holds says whether a call meets the condition.
func (in *intake) holds(s *trace.Span) (bool, error) {
	if in.condition == nil {
		return true, nil
	}
	v, err := in.condition.Run(names(s))
	if err != nil {
		return false, err
	}
	yes, _ := v.(bool)
	return yes, nil
}

// fits counts a call to its minute, and says whether it is one too many. One that is seen late counts to the minute that is counted.
func (in *intake) fits(p *Position, came time.Time) bool {
	if in.rule.PerMinute == 0 {
		return true
	}
	if minute := came.Truncate(time.Minute); minute.After(p.Minute) {
		p.Minute, p.Taken = minute, 0
	}
	if p.Taken >= in.rule.PerMinute {
		return false
	}
	p.Taken++
	return true
}

// all is one decision for every scorer.
func (r *Rule) all(o Outcome, why Reason, detail string) []Decision {
	out := make([]Decision, len(r.Scorers))
	for i := range r.Scorers {
		out[i] = Decision{Scorer: r.Scorers[i].Name, Outcome: o, Reason: why, Detail: clip(detail)}
	}
	return out
}

// clip bounds what the ledger keeps of a detail.
func clip(s string) string {
	const most = 300
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
