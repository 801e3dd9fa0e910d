package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/trace"
)

// newQueueItems says which calls are added to a queue: one of the three.
type newQueueItems struct {
	CallIDs []string   `json:"call_ids,omitempty"` // these calls, up to 10,000
	Calls   *pickCalls `json:"calls,omitempty"`    // those that the address's parameters pick
	Run     *pickRun   `json:"run,omitempty"`      // answers of an evaluation
}

// pickCalls adds the newest calls that were answered, unless a status is asked for.
type pickCalls struct {
	Limit int `json:"limit,omitempty"` // at most; 100 unless given
}

// pickRun adds results of a run: those that failed or whose score is low; all of them when neither is asked for.
type pickRun struct {
	ID     string   `json:"id"`
	Target string   `json:"target,omitempty"` // only of this one
	Scorer string   `json:"scorer,omitempty"` // whose score is looked at
	Below  *float64 `json:"below,omitempty"`  // scores below it are low
	Failed bool     `json:"failed,omitempty"` // those that the scorer, or any, did not pass or could not score
	Limit  int      `json:"limit,omitempty"`  // at most; 100 unless given
}

// addedItems says what became of what was to be added.
type addedItems struct {
	Added   int            `json:"added"`
	There   int            `json:"there"`   // that the queue had already
	Skipped map[string]int `json:"skipped"` // by reason
}

func (a *API) addQueueItems(w http.ResponseWriter, r *http.Request) error {
	var in newQueueItems
	if err := read(r, &in); err != nil {
		return err
	}
	q, err := a.cfg.Annotations.GetQueue(r.Context(), r.PathValue("name"))
	if err != nil {
		return queueFault(err)
	}
	given := 0
	for _, one := range []bool{in.CallIDs != nil, in.Calls != nil, in.Run != nil} {
		if one {
			given++
		}
	}
	if given != 1 {
		return bad("", "say what to add in one way: call_ids, calls or run")
	}
	if in.Calls == nil && r.URL.RawQuery != "" {
		return bad("calls", "parameters pick calls only for calls: send {\"calls\": {}}")
	}
	p := &picking{a: a, q: &q, out: addedItems{Skipped: map[string]int{}}, seen: map[string]bool{}}
	switch {
	case in.CallIDs != nil:
		err = p.byID(r.Context(), in.CallIDs)
	case in.Calls != nil:
		err = p.byFilter(r, in.Calls)
	default:
		err = p.ofRun(r.Context(), in.Run)
	}
	if err != nil {
		return err
	}
	who, now := callerOf(r).name, time.Now()
	for i := range p.items {
		p.items[i].AddedBy, p.items[i].AddedAt = who, now
	}
	if p.out.Added, err = a.cfg.Annotations.AddQueueItems(r.Context(), q.Name, p.items); err != nil {
		return queueFault(err)
	}
	p.out.There = len(p.items) - p.out.Added
	return answer(w, http.StatusCreated, p.out)
}

// picking collects items for a queue.
type picking struct {
	a     *API
	q     *eval.Queue
	items []eval.QueueItem
	seen  map[string]bool // calls
	out   addedItems
}

// add takes a call unless it is not of the queue's project.
func (p *picking) add(it eval.QueueItem, c *trace.Span) {
	switch {
	case p.seen[it.CallID]:
	case p.q.Project != "" && c.Project != p.q.Project:
		p.out.Skipped["it is of another project"]++
	default:
		p.seen[it.CallID] = true
		p.items = append(p.items, it)
	}
}

func (p *picking) byID(ctx context.Context, ids []string) error {
	if len(ids) == 0 || len(ids) > mostCalls {
		return bad("call_ids", "%d calls: want 1 to %d", len(ids), mostCalls)
	}
	spans, err := p.a.spansOf(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		c, found := spans[id]
		if !found {
			p.out.Skipped["there is no such call"]++
			continue
		}
		p.add(eval.QueueItem{CallID: id}, &c)
	}
	return nil
}

func most(limit int) (int, error) {
	switch {
	case limit == 0:
		return 100, nil
	case limit < 0 || limit > mostCalls:
		return 0, bad("limit", "limit is %d: want 1 to %d", limit, mostCalls)
	}
	return limit, nil
}

func (p *picking) byFilter(r *http.Request, in *pickCalls) error {
	limit, err := most(in.Limit)
	if err != nil {
		return err
	}
	f, err := readFilter(r.URL.Query(), time.Now(), time.UTC)
	if err != nil {
		return err
	}
	if !f.Wants("status") {
		f.Status = string(trace.StatusOK)
	}
	if !f.Wants("project") {
		f.Project = p.q.Project
	}
	cursor := ""
	for len(p.items) < limit {
		page, err := p.a.cfg.Reader.Calls(r.Context(), f, min(1000, limit-len(p.items)), cursor)
		if err != nil {
			return fmt.Errorf("read calls: %w", err)
		}
		for i := range page.Calls {
			p.add(eval.QueueItem{CallID: page.Calls[i].ID}, &page.Calls[i].Span)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	return nil
}

func (p *picking) ofRun(ctx context.Context, in *pickRun) error {
	limit, err := most(in.Limit)
	if err != nil {
		return err
	}
	run, err := p.a.cfg.Evals.GetRun(ctx, in.ID)
	if err != nil {
		return evalFault(err)
	}
	if in.Below != nil && in.Scorer == "" {
		return bad("scorer", "below needs the scorer whose scores are meant")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var found []eval.QueueItem
	var ids []string
	for row, err := range p.a.cfg.EvalResults.Results(ctx, run.ID, in.Target, eval.Key{}, 0) {
		if err != nil {
			return fmt.Errorf("read results: %w", err)
		}
		if !in.wants(&row) {
			continue
		}
		if row.Answer.CallID == "" {
			p.out.Skipped["its answer is no recorded call"]++
			continue
		}
		found, ids = append(found, eval.QueueItem{CallID: row.Answer.CallID, Run: run.ID, Key: row.Key}), append(ids, row.Answer.CallID)
		if len(found) == limit {
			break
		}
	}
	spans, err := p.a.spansOf(ctx, ids)
	if err != nil {
		return err
	}
	for _, it := range found {
		c, there := spans[it.CallID]
		if !there {
			p.out.Skipped["there is no such call"]++
			continue
		}
		p.add(it, &c)
	}
	return nil
}

// wants says whether a result is one that is asked for.
func (in *pickRun) wants(row *eval.Row) bool {
	if in.Below == nil && !in.Failed {
		return true
	}
	for name, s := range row.Scores {
		if in.Scorer != "" && name != in.Scorer {
			continue
		}
		if in.Failed && (s.State != eval.Scored || s.Passed != nil && !*s.Passed) || in.Below != nil && s.State == eval.Scored && s.Value < *in.Below {
			return true
		}
	}
	return false
}
