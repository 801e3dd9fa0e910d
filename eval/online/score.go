package online

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/eval/judge"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// errUnread is in the chain when one call could not be read: others may be, and it stays to be tried again.
var errUnread = errors.New("read call")

// scoreAll scores what waits, some calls of each rule in turn, until nothing is due or something is in the way.
func (r *Runner) scoreAll(ctx context.Context) {
	for ctx.Err() == nil {
		rules, err := r.cfg.Store.OnlineRules(ctx)
		if err != nil {
			r.warn(ctx, "the rules could not be read", err)
			return
		}
		done := 0
		for i := range rules {
			if rules[i].Waiting == 0 {
				continue
			}
			n, err := r.scoreFor(ctx, &rules[i].Rule)
			if err == nil {
				done += n
			} else if !errors.Is(err, trace.ErrAway) { // that is told elsewhere
				r.warn(ctx, "calls could not be scored", err, "rule", rules[i].Name)
			}
		}
		if done == 0 {
			return
		}
	}
}

// scoreFor scores a batch of a rule, and says how many were decided. What an error kept from it waits.
func (r *Runner) scoreFor(ctx context.Context, rule *Rule) (int, error) {
	ids, err := r.cfg.Store.WaitingCalls(ctx, rule.Name, time.Now(), batch)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	b, err := r.begin(ctx, rule)
	if err != nil {
		return 0, err
	}
	defer b.end()
	jobs := make(chan string)
	var (
		mu     sync.Mutex // guards done, faults and broken
		done   int
		faults []error
		broken bool
		all    sync.WaitGroup
	)
	for range min(r.cfg.Workers, len(ids)) {
		all.Go(func() {
			for id := range jobs {
				decided, err := b.call(ctx, id)
				mu.Lock()
				if decided {
					done++
				}
				if err != nil {
					faults = append(faults, err)
					broken = broken || !errors.Is(err, errUnread) || errors.Is(err, trace.ErrAway)
				}
				mu.Unlock()
			}
		})
	}
	for _, id := range ids {
		mu.Lock()
		stop := broken
		mu.Unlock()
		if stop || ctx.Err() != nil {
			break
		}
		jobs <- id
	}
	close(jobs)
	all.Wait()
	return done, errors.Join(faults...)
}

// round scores some calls of one rule.
type round struct {
	r       *Runner
	rule    *Rule
	scorers []eval.Scorer // one for each of the rule's; nil where it could not be made
	faults  []string      // why not
	spent   bool          // the budget of the day is
}

// begin makes the scorers, with what is left of the day's budget.
func (r *Runner) begin(ctx context.Context, rule *Rule) (*round, error) {
	b := &round{r: r, rule: rule, scorers: make([]eval.Scorer, len(rule.Scorers)), faults: make([]string, len(rule.Scorers))}
	ask := judge.AskerConfig{
		Send: r.cfg.Send, Price: r.cfg.Price, Cache: &r.memory,
		Call: llm.Call{Project: Project, KeyID: Project, Key: Project, Session: "online:" + rule.Name, Tags: map[string]string{"online": rule.Name, "weir": "judge"}},
	}
	if rule.Budget != nil {
		left, err := r.left(ctx, rule, time.Now())
		if err != nil {
			return nil, err
		}
		ask.Limit, b.spent = left, left <= 0
	}
	with := eval.Judges{Asker: judge.NewAsker(ask), Prompts: r.cfg.Prompts}
	for i := range rule.Scorers {
		s, err := eval.NewLiveScorer(ctx, rule.Scorers[i], with)
		if err != nil {
			if ctx.Err() != nil {
				b.end()
				return nil, ctx.Err()
			}
			b.faults[i] = err.Error()
			continue
		}
		b.scorers[i] = s
	}
	return b, nil
}

func (b *round) end() {
	for _, s := range b.scorers {
		if s != nil {
			_ = s.Close() // what is scored on a server starts nothing
		}
	}
}

// call scores one call and books it. false without an error: it was decided elsewhere.
func (b *round) call(ctx context.Context, id string) (bool, error) {
	rec, err := b.r.cfg.Calls.Call(ctx, id)
	switch {
	case errors.Is(err, trace.ErrNoCall):
		return b.book(ctx, id, b.rule.all(Skipped, Gone, ""))
	case err != nil:
		return false, fmt.Errorf("%w %s: %w", errUnread, id, err)
	}
	sample, none := sampleOf(&rec)
	if none != nil {
		return b.book(ctx, id, b.rule.all(none.Outcome, none.Reason, none.Detail))
	}
	if b.r.cfg.Contexts != nil && len(sample.Answer.Contexts) == 0 {
		if sample.Answer.Contexts, err = b.r.cfg.Contexts(ctx, &rec); err != nil {
			return false, fmt.Errorf("%w %s: its passages: %w", errUnread, id, err)
		}
	}
	decisions := make([]Decision, len(b.scorers))
	var scores []trace.Score
	for i := range b.scorers {
		score, d := b.score(ctx, i, sample)
		if ctx.Err() != nil {
			b.owe(decisions[:i+1])
			return false, ctx.Err()
		}
		if decisions[i] = d; d.Outcome == Scored {
			scores = append(scores, b.scoreOf(&rec.Call, i, &score))
		}
	}
	if len(scores) > 0 {
		if err := b.r.cfg.Scores.PutScores(ctx, scores); err != nil {
			b.owe(decisions)
			return false, fmt.Errorf("store scores of call %s: %w", id, err)
		}
	}
	decided, err := b.book(ctx, id, decisions)
	if err != nil || !decided {
		b.owe(decisions)
	}
	return decided, err
}

func (b *round) book(ctx context.Context, id string, d []Decision) (bool, error) {
	return b.r.cfg.Store.DecideCall(ctx, b.rule.Name, id, d, time.Now())
}

// score asks one scorer.
func (b *round) score(ctx context.Context, i int, sample eval.Sample) (eval.Score, Decision) {
	c := &b.rule.Scorers[i]
	d := Decision{Scorer: c.Name}
	say := func(o Outcome, why Reason, detail string) (eval.Score, Decision) {
		d.Outcome, d.Reason, d.Detail = o, why, clip(detail)
		return eval.Score{}, d
	}
	switch {
	case b.scorers[i] == nil:
		return say(Failed, BadScorer, b.faults[i])
	case b.spent && judges(c):
		return say(Skipped, OverBudget, "")
	}
	s := b.scorers[i].Score(ctx, sample)
	if s.Cost != nil {
		d.Cost = *s.Cost
	}
	d.Unpriced = s.Unpriced
	switch s.State {
	case eval.Scored:
		d.Outcome = Scored
		return s, d
	case eval.Failed:
		return say(Failed, ScorerFailed, s.Reason)
	case eval.Unscorable:
		return say(Failed, Unscorable, s.Reason)
	}
	why := eval.WhyStopped(b.scorers[i])
	if refused, ok := errors.AsType[*judge.RefusedError](why); errors.Is(why, judge.ErrLimit) || ok && llm.Code(refused.Code) == llm.BudgetExceeded {
		return say(Skipped, OverBudget, why.Error())
	}
	return say(Failed, Refused, fmt.Sprint(why))
}

// sampleOf is a recorded call as scorers read it, or what becomes of one that cannot be.
func sampleOf(rec *trace.Record) (eval.Sample, *Decision) {
	kept := func(body []byte) bool { return len(body) > 0 && !bytes.HasPrefix(body, []byte("sha256:")) }
	if !kept(rec.Body.Request) || !kept(rec.Body.Response) {
		return eval.Sample{}, &Decision{Outcome: Skipped, Reason: NoContent, Detail: "the project's calls are recorded without what was said"}
	}
	item, reason := eval.ItemOfCall(rec, false)
	if reason != "" {
		return eval.Sample{}, &Decision{Outcome: Failed, Reason: Unscorable, Detail: reason}
	}
	answer := eval.AnswerOfCall(rec)
	if answer.Error != "" {
		return eval.Sample{}, &Decision{Outcome: Failed, Reason: Unscorable, Detail: "its answer cannot be read: " + answer.Error}
	}
	return eval.Sample{Item: &item, Answer: &answer}, nil
}

// scoreOf is a score as it is kept. Its id is always the same for the same call, so that one that is made again counts once.
func (b *round) scoreOf(c *trace.Span, i int, s *eval.Score) trace.Score {
	config := &b.rule.Scorers[i]
	sum := sha256.Sum256([]byte(b.rule.Name + "\x00" + config.Name + "\x00" + c.ID))
	now := time.Now()
	out := trace.Score{
		ID: "online-" + hex.EncodeToString(sum[:12]), Revision: now.UnixMicro(), CallID: c.ID, TraceID: c.TraceID, CallStart: c.Start, Project: c.Project, User: c.User,
		Session: c.Session, Model: c.Model, Prompt: c.Prompt, PromptVersion: c.PromptVersion, Experiment: c.Experiment, Arm: c.Arm, Epoch: c.Epoch, Unit: c.Unit,
		Name: config.Name, Kind: trace.NumberScore, Value: s.Value, Comment: s.Reason, Source: trace.FromMetric, Author: "online:" + b.rule.Name,
		Config: b.rule.Version(), Cost: s.Cost, At: now,
	}
	if judges(config) {
		out.Source = trace.FromJudge
		if s.Unpriced > 0 {
			out.Cost = nil
		}
	}
	return out
}

// left is what a rule may still spend on the day of now.
func (r *Runner) left(ctx context.Context, rule *Rule, now time.Time) (price.USD, error) {
	day := now.UTC().Truncate(24 * time.Hour)
	entries, err := r.cfg.Store.Ledger(ctx, rule.Name, day)
	if err != nil {
		return 0, err
	}
	booked := Sum(entries, func(*Entry) bool { return true }).Cost
	r.mu.Lock()
	extra, known := r.extra[rule.Name]
	r.mu.Unlock()
	if !known && r.cfg.Spent != nil { // what a process spent that died before it booked it
		recorded, err := r.cfg.Spent(ctx, rule.Name, day)
		if err != nil {
			return 0, fmt.Errorf("read what judges cost today: %w", err)
		}
		extra.usd = max(0, recorded-booked)
	}
	if known && !extra.day.Equal(day) {
		extra.usd = 0
	}
	extra.day = day
	r.mu.Lock()
	if was, raised := r.extra[rule.Name]; !raised || !was.day.Equal(day) {
		r.extra[rule.Name] = extra
	}
	r.mu.Unlock()
	return *rule.Budget - booked - extra.usd, nil
}

// owe remembers what was spent and could not be booked.
func (b *round) owe(decisions []Decision) {
	day := time.Now().UTC().Truncate(24 * time.Hour)
	b.r.mu.Lock()
	defer b.r.mu.Unlock()
	was := b.r.extra[b.rule.Name]
	if !was.day.Equal(day) {
		was = owed{day: day}
	}
	for _, d := range decisions {
		was.usd += d.Cost
	}
	b.r.extra[b.rule.Name] = was
}
