package budget

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

const (
	// pieces of time in which the store is asked: sessions, tags and odd time zones are answered for 92 days at most.
	pieceDays = 90
	// lifetimes of what is answered in pieces are asked for that far back.
	lifeDays = 5 * 365
	lostPage = 1000
)

// past is what was spent of a budget's present window before it began to count, and the holds of calls that were lost.
func (g *Guard) past(ctx context.Context, r *rule, now time.Time) ([]Past, []Hold, error) {
	from, _ := r.budget.Window.Span(now, r.account.Zone)
	var out []Past
	for since, until := range pieces(r, from, r.since) {
		some, err := g.pastPiece(ctx, r, since, until)
		if err != nil {
			return nil, nil, fmt.Errorf("sum what was spent of budget %s: %w", r.budget.Name, err)
		}
		out = append(out, some...)
	}
	lost, err := g.lost(ctx, r, from)
	if err != nil {
		return nil, nil, fmt.Errorf("list lost calls of budget %s: %w", r.budget.Name, err)
	}
	return out, lost, nil
}

// pieces cuts [from, until) so that the store can answer each. A zero from is the beginning of time.
func pieces(r *rule, from, until time.Time) func(yield func(time.Time, time.Time) bool) {
	narrow := false
	for _, c := range r.conds {
		narrow = narrow || c.of == bySession || c.of == byTag
	}
	return func(yield func(time.Time, time.Time) bool) {
		if !narrow {
			if from.Before(until) {
				yield(from, until)
			}
			return
		}
		if from.IsZero() {
			from = until.AddDate(0, 0, -lifeDays)
		}
		for from.Before(until) {
			to := from.AddDate(0, 0, pieceDays)
			if to.After(until) {
				to = until
			}
			if !yield(from, to) {
				return
			}
			from = to
		}
	}
}

// pastPiece sums one piece of time.
func (g *Guard) pastPiece(ctx context.Context, r *rule, since, until time.Time) ([]Past, error) {
	f := filterOf(r)
	f.Since, f.Until = since, until
	q := trace.CostQuery{Filter: f, By: []string{"status", "endpoint"}}
	step := time.Duration(0)
	if d, ok := r.budget.Window.Rolling(); ok {
		name := "hour"
		if step = time.Hour; d <= 3*time.Hour {
			name, step = "minute", time.Minute
		}
		q.By = append(q.By, name)
	}
	costs, err := g.cfg.Reader.Costs(ctx, q)
	if err != nil {
		return nil, err
	}
	rows := costs.Rows
	if f.Model != "" {
		dated, err := g.datedModels(ctx, q)
		if err != nil {
			return nil, err
		}
		rows = append(rows, dated...)
	}
	cached, err := g.cached(ctx, r, q)
	if err != nil {
		return nil, err
	}
	out := make([]Past, 0, len(rows))
	if slices.ContainsFunc(costs.Rows, func(row trace.CostRow) bool { return row.UnpricedCalls > 0 }) {
		if out, err = g.unknowns(ctx, r, since, until); err != nil {
			return nil, err
		}
	}
	for _, row := range rows {
		if free(llm.Endpoint(row.Group[1])) {
			continue
		}
		p := Past{At: until.Add(-time.Nanosecond), Amount: amountOf(row).Minus(cached[strings.Join(row.Group, "\x00")])}
		if step > 0 {
			at, err := time.Parse(time.RFC3339, row.Group[2])
			if err != nil {
				return nil, fmt.Errorf("the store names the time %q: %w", row.Group[2], err)
			}
			if end := at.Add(step - time.Nanosecond); end.Before(p.At) {
				p.At = end // it counts as if all had been spent at the end of the step: never shorter than it should
			}
		}
		out = append(out, p)
	}
	return out, nil
}

// cached sums what came out of the response cache, which costs nothing and counts for nothing, though its rows have tokens. For
// a budget of one model, what was answered under a dated name is not among it.
func (g *Guard) cached(ctx context.Context, r *rule, q trace.CostQuery) (map[string]Amount, error) {
	out := map[string]Amount{}
	if r.budget.LimitTokens == 0 && r.budget.LimitCalls == 0 {
		return out, nil // dollars are zero there as it is
	}
	for _, use := range []trace.Cache{trace.CacheHit, trace.CacheSemantic} {
		q.Filter.Cache = string(use)
		costs, err := g.cfg.Reader.Costs(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, row := range costs.Rows {
			key := strings.Join(row.Group, "\x00")
			out[key] = out[key].Plus(amountOf(row))
		}
	}
	return out, nil
}

func amountOf(row trace.CostRow) Amount {
	a := Amount{USD: row.Cost, Tokens: add(row.Usage.Input(), row.Usage.Output())}
	if countsAsCall(trace.Status(row.Group[0])) {
		a.Calls = row.Calls
	}
	return a
}

// datedModels sums the calls that were sent to the budget's model under another name, and answered under a dated one of it,
// as gpt-4o is by gpt-4o-2024-08-06: the store keeps what was asked for and what answered, not what was asked upstream.
func (g *Guard) datedModels(ctx context.Context, q trace.CostQuery) ([]trace.CostRow, error) {
	model := q.Filter.Model
	q.By = append([]string{q.By[0], q.By[1]}, append(q.By[2:], "model")...)
	counted, err := g.cfg.Reader.Costs(ctx, q)
	if err != nil {
		return nil, err
	}
	q.Filter.Model = ""
	all, err := g.cfg.Reader.Costs(ctx, q)
	if err != nil {
		return nil, err
	}
	key := func(row trace.CostRow) string { return strings.Join(row.Group, "\x00") }
	already := map[string]trace.CostRow{}
	for _, row := range counted.Rows {
		already[key(row)] = row
	}
	var out []trace.CostRow
	for _, row := range all.Rows {
		if answered := row.Group[len(row.Group)-1]; answered == model || undated(answered) != model {
			continue
		}
		had := already[key(row)]
		row.Calls -= had.Calls
		row.Cost -= had.Cost
		row.Usage = llm.Usage{InputUncached: row.Usage.Input() - had.Usage.Input(), OutputText: row.Usage.Output() - had.Usage.Output()}
		out = append(out, row)
	}
	return out, nil
}

// undated is a model's name without the date of its snapshot: -2024-08-06, -20250929.
func undated(model string) string {
	for _, form := range []string{"-2006-01-02", "-20060102"} {
		if n := len(model) - len(form); n > 0 {
			if _, err := time.Parse(form, model[n:]); err == nil {
				return model[:n]
			}
		}
	}
	return model
}

func filterOf(r *rule) trace.Filter {
	var f trace.Filter
	for _, c := range r.conds {
		switch c.of {
		case bySession:
			f.Session = c.value
		case byUser:
			f.User = c.value
		case byKey:
			f.Key = c.value
		case byTag:
			if f.Tags == nil {
				f.Tags = map[string]string{}
			}
			f.Tags[c.name] = c.value
		case byModel:
			f.Model = c.value
		case byProvider:
			f.Provider = c.value
		case byProject:
			f.Project = c.value
		}
	}
	return f
}

// lost finds the calls of the window that were under way when a weir died: they are presumed to have cost what was held.
// Of one whose admission did not say which provider it went to, a budget of any provider takes it.
func (g *Guard) lost(ctx context.Context, r *rule, from time.Time) ([]Hold, error) {
	f := filterOf(r)
	provider := f.Provider
	f.Provider, f.ErrorCode, f.Since, f.Until = "", string(llm.Lost), from, r.since
	var out []Hold
	for cursor := ""; ; {
		page, err := g.cfg.Reader.Calls(ctx, f, lostPage, cursor)
		if err != nil {
			return nil, err
		}
		for i := range page.Calls {
			s := &page.Calls[i].Span
			g.mu.Lock()
			_, released := g.released[s.ID]
			g.mu.Unlock()
			elsewhere := s.Provider != "" && provider != "" && s.Provider != provider
			if !released && !elsewhere && !free(s.Endpoint) {
				out = append(out, lostHold(s, &r.account, s.Held))
			}
		}
		if cursor = page.Next; cursor == "" {
			return out, nil
		}
	}
}

func lostHold(s *trace.Span, a *Account, held price.USD) Hold {
	return Hold{
		ID: s.ID, Call: s.ID, Claims: []Claim{{a, Amount{USD: held, Calls: 1}}}, Began: s.Start, Expires: s.Start,
		Project: s.Project, Key: s.Key, Model: s.ModelRequested, Provider: s.Provider,
	}
}
