package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/eval/evaltest"
	"github.com/weir-dev/weir/eval/online"
	"github.com/weir-dev/weir/eval/online/onlinetest"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/prompts"
	"github.com/weir-dev/weir/prompts/experiment"
	"github.com/weir-dev/weir/trace"
	"github.com/weir-dev/weir/trace/tracetest"
)

// demoDays are enough for all that happens in a month of the demo.
const demoDays = 12

// demoEnd is when the story of these tests ends: on a Tuesday in the last week of a month.
var demoEnd = time.Date(2026, time.November, 24, 15, 0, 0, 0, time.UTC)

// storyBook is what a demo of a test wrote.
type storyBook struct {
	calls   *tracetest.Memory
	scores  *tracetest.MemoryScores
	prompts *prompts.Memory
	trials  *experiment.Memory
	budgets *budgetShelf
	rules   *onlinetest.Memory
	queues  *evaltest.Queues
	evals   *evaltest.Memory
	members *account.MemoryMembers
	keys    *account.MemoryKeys
	dir     string
}

func newStoryBook(t *testing.T) *storyBook {
	b := &storyBook{
		&tracetest.Memory{}, &tracetest.MemoryScores{}, &prompts.Memory{}, &experiment.Memory{}, &budgetShelf{}, &onlinetest.Memory{}, &evaltest.Queues{}, &evaltest.Memory{},
		&account.MemoryMembers{}, &account.MemoryKeys{}, t.TempDir(),
	}
	page, err := json.Marshal(demoPage{Now: demoEnd, Days: demoDays})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile((&dataDir{path: b.dir}).file("demo.json"), page, 0o600); err != nil {
		t.Fatal(err)
	}
	return b
}

// tell tells the story, or what is left of it. spoil may put other stores in place of some.
func (b *storyBook) tell(t *testing.T, spoil func(*service)) (*demoStory, error) {
	t.Helper()
	book, err := openPrices(t.Context(), Config{}, noPrices{})
	if err != nil {
		t.Fatal(err)
	}
	s := &service{dir: &dataDir{path: b.dir}, writer: b.calls, reader: b.calls, keys: b.keys, book: book, rag: &pipelines{}, stores: demoStores{
		members: b.members, prompts: b.prompts, experiments: b.trials, prices: &priceShelf{}, budgets: b.budgets, datasets: b.evals, runs: b.evals, results: b.evals,
		online: b.rules, annotations: b.queues, scores: b.scores, inForce: func(context.Context) error { return nil },
	}}
	if spoil != nil {
		spoil(s)
	}
	d, err := openStory(&cobra.Command{}, s, demoOptions{seed: 1, days: 30, callsPerDay: 900}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return d, d.tell(t.Context(), slices.DeleteFunc(slices.Clone(chapters), func(c chapter) bool { return c.name == "alerts" })...) // they look at rollups
}

// The demo's rooms tell one story: what one says follows from what another one does.
func TestDemoTellsOneStory(t *testing.T) {
	b := newStoryBook(t)
	d, err := b.tell(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]trace.Span{}
	for rec, err := range b.calls.Export(t.Context(), trace.Filter{}, false) {
		if err != nil {
			t.Fatal(err)
		}
		calls[rec.Call.ID] = rec.Call
	}
	t.Run("prompts", func(t *testing.T) { versionsAreThoseOfTheTime(t, b, calls) })
	t.Run("experiments", func(t *testing.T) { armsAreAssigned(t, b, d, calls) })
	t.Run("budgets", func(t *testing.T) { budgetsCountTheCalls(t, b, d, calls) })
	t.Run("scores", func(t *testing.T) { scoresAreOfCalls(t, b, calls) })
	t.Run("rule", func(t *testing.T) { ledgerIsWhole(t, b) })
	t.Run("people", func(t *testing.T) { peopleAndData(t, b) })
	t.Run("again", func(t *testing.T) {
		before := b.tally(t)
		if _, err := b.tell(t, nil); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, b.tally(t)); diff != "" {
			t.Errorf("a second start adds (-first +second):\n%s", diff)
		}
	})
}

// A demo that was killed in the middle of its first start is whole after the second.
func TestDemoIsGoneOnWith(t *testing.T) {
	whole := newStoryBook(t)
	if _, err := whole.tell(t, nil); err != nil {
		t.Fatal(err)
	}
	broken := newStoryBook(t)
	for _, spoil := range []func(*service){
		func(s *service) { s.stores.experiments = failingTrials{s.stores.experiments} },
		func(s *service) { s.stores.scores = failingScores{s.stores.scores} },
		func(s *service) { s.stores.budgets = failingBudgets{s.stores.budgets} },
		func(s *service) { s.stores.annotations = failingQueues{s.stores.annotations} },
	} {
		if _, err := broken.tell(t, spoil); !errors.Is(err, errKilled) {
			t.Fatalf("the start was not cut short: %v", err)
		}
	}
	if _, err := broken.tell(t, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(whole.tally(t), broken.tally(t)); diff != "" {
		t.Errorf("after a kill the demo is another (-whole +gone on with):\n%s", diff)
	}
}

// tally counts what there is.
func (b *storyBook) tally(t *testing.T) map[string]int {
	t.Helper()
	out := map[string]int{}
	count := func(name string, n int, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = n
	}
	for _, err := range b.calls.Export(t.Context(), trace.Filter{}, false) {
		count("calls", out["calls"]+1, err)
	}
	sums, err := b.scores.SumScores(t.Context(), trace.ScoreQuery{By: []string{"source"}})
	for _, s := range sums {
		count("score "+s.Name+" "+s.Group[0], int(s.N), err)
	}
	state, err := b.prompts.State(t.Context())
	for name, p := range state.Prompts {
		moves, merr := b.prompts.Moves(t.Context(), name)
		count("versions of "+name, len(p.Versions), err)
		count("moves of "+name, len(moves), merr)
	}
	changes, err := b.prompts.ListChanges(t.Context(), "")
	count("changes", len(changes), err)
	trials, err := b.trials.Experiments(t.Context())
	count("experiments", len(trials), err)
	for _, e := range trials {
		events, err := b.trials.ExperimentEvents(t.Context(), e.Name)
		count("events of "+e.Name, len(events), err)
	}
	count("budgets", len(b.budgets.list), nil)
	for _, e := range b.budgets.events {
		out["event "+e.Name+" "+string(e.Kind)] += int(e.Count)
	}
	entries, err := b.rules.Ledger(t.Context(), "", time.Time{})
	for _, e := range entries {
		count("ledger "+e.Scorer, out["ledger "+e.Scorer]+int(e.Calls), err)
	}
	p, err := b.queues.QueueProgress(t.Context(), demoQueue, demoEnd)
	count("reviewed", p.Done, err)
	count("skipped", p.Skipped, nil)
	for _, name := range []string{demoGolden, demoStaff} {
		versions, err := b.evals.DatasetVersions(t.Context(), name)
		count("versions of "+name, len(versions), err)
	}
	members, err := b.members.ListMembers(t.Context())
	count("members", len(members), err)
	keys, err := b.keys.ListKeys(t.Context())
	count("keys", len(keys), err)
	return out
}

// versionsAreThoseOfTheTime holds the version of each call against the labels' moves and the arms.
func versionsAreThoseOfTheTime(t *testing.T, b *storyBook, calls map[string]trace.Span) {
	past, err := readPrompts(t.Context(), b.prompts)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]int{}
	for _, s := range calls {
		if s.Prompt == "" {
			continue
		}
		label := prompts.Production
		if s.Tags["env"] == demoStaging {
			label = demoStaging
		}
		m, ok := past.pointed(s.Prompt, label, s.Start)
		if !ok || s.Experiment == "" && (s.PromptVersion != m.Number || s.PromptRevision != m.Revision) || s.PromptHash != past.hash(s.Prompt, s.PromptVersion) {
			t.Fatalf("a call of %v by %s got %s@%d (%s); the label was at %+v, %v", s.Start, label, s.Prompt, s.PromptVersion, s.PromptHash, m, ok)
		}
		if s.Prompt == demoSupport {
			seen[s.PromptVersion]++
		}
	}
	if len(seen) != 4 {
		t.Errorf("the versions of %s have %v calls, want some of each of four", demoSupport, seen)
	}
	p := past.prompts[demoSupport]
	if rule := p.Protected[prompts.Production]; rule.Approvals != 1 || rule.Gate != demoEval || p.Labels[prompts.Production].Number != 3 {
		t.Errorf("production is at %+v, guarded by %+v", p.Labels[prompts.Production], rule)
	}
	changes, err := b.prompts.ListChanges(t.Context(), demoSupport)
	if err != nil || len(changes) != 2 || changes[0].Status != prompts.ChangeOpen || changes[1].Status != prompts.ChangeMerged {
		t.Errorf("changes %+v, %v: want an open one and a merged one", changes, err)
	}
}

// armsAreAssigned holds the arm of each call against the experiment's own assignment.
func armsAreAssigned(t *testing.T, b *storyBook, d *demoStory, calls map[string]trace.Span) {
	use, err := d.openUse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	units := map[string]map[string]bool{}
	for _, s := range calls {
		if s.Experiment == "" {
			continue
		}
		i := slices.IndexFunc(use.trials, func(p pastTrial) bool { return p.Assigner.Experiment().Name == s.Experiment })
		given, ok := use.trials[i].Assign(&experiment.Subject{Project: s.Project, User: s.User, Label: prompts.Production, Tags: s.Tags})
		ref, _ := prompts.ParseRef(given.Served.Prompt)
		if !ok || given.Arm != s.Arm || given.Unit != s.Unit || given.Epoch != s.Epoch || ref.Number != s.PromptVersion || s.OwnText == 0 ||
			s.Start.Before(use.trials[i].from) || !s.Start.Before(use.trials[i].until) {
			t.Fatalf("a call of %s got %s of %s with version %d; the experiment gives %+v", s.User, s.Arm, s.Experiment, s.PromptVersion, given)
		}
		key := s.Experiment + " " + s.Arm
		if units[key] == nil {
			units[key] = map[string]bool{}
		}
		units[key][s.Unit] = true
	}
	for _, key := range []string{demoWon + " control", demoWon + " next-step", demoRuns + " control", demoRuns + " two-sentences"} {
		if len(units[key]) < 20 {
			t.Errorf("%s has %d units of %v", key, len(units[key]), slices.Collect(maps.Keys(units)))
		}
	}
	won, err := findTrial(t.Context(), b.trials, demoWon)
	if err != nil || won.Status != experiment.Concluded || won.Winner != "next-step" || won.Reason == "" {
		t.Errorf("%s is %+v, %v", demoWon, won, err)
	}
	if runs, err := findTrial(t.Context(), b.trials, demoRuns); err != nil || runs.Status != experiment.Running {
		t.Errorf("%s is %+v, %v", demoRuns, runs, err)
	}
}

// budgetsCountTheCalls adds the calls up again.
func budgetsCountTheCalls(t *testing.T, b *storyBook, d *demoStory, calls map[string]trace.Span) {
	from, until := d.budgets.from, d.budgets.until
	if d.budgets.window != price.Month || len(b.budgets.list) != 3 {
		t.Fatalf("%d budgets by the %s", len(b.budgets.list), d.budgets.window)
	}
	for i := range b.budgets.list {
		budget := &b.budgets.list[i]
		if err := budget.Check(); err != nil {
			t.Error(err)
		}
		var spent price.USD
		var refused int64
		for _, s := range calls {
			if s.Key != budget.Scope["key"] || s.Start.Before(from) || !s.Start.Before(until) {
				continue
			}
			if cost, known := s.KnownCost(); known {
				spent += cost
			}
			if s.Status == trace.StatusBudget {
				refused++
			}
		}
		percent := int(spent * 100 / budget.LimitUSD)
		told, turned, limit := []int{}, int64(0), time.Time{}
		for _, e := range b.budgets.events {
			if e.Budget != budget.ID {
				continue
			}
			if e.Kind == price.EventRefused {
				turned = e.Count
			} else {
				told = append(told, e.Percent)
			}
			if e.Percent == 100 {
				limit = e.At
			}
			if e.Limit.USD != budget.LimitUSD || e.At.Before(from) || e.LastAt.After(d.Now) || e.Spent.USD*100 < budget.LimitUSD*price.USD(e.Percent) {
				t.Errorf("%s: %+v", budget.Name, e)
			}
		}
		if turned != refused {
			t.Errorf("%s has refused %d calls, its event says %d", budget.Name, refused, turned)
		}
		switch budget.Scope["key"] {
		case "email-triage":
			if percent < 50 || percent > 61 || !slices.Equal(told, []int{50}) {
				t.Errorf("%s is used to %d %%, told at %v", budget.Name, percent, told)
			}
		case "ide-plugin":
			plan := d.budgets.plans[slices.IndexFunc(d.budgets.plans, func(p *demoPlan) bool { return p.key == "ide-plugin" })]
			if coming := d.budgets.coming(plan); percent < 60 || percent >= 100 || spent+coming <= budget.LimitUSD {
				t.Errorf("%s is used to %d %%, %v of %v, and %v is to come", budget.Name, percent, spent, budget.LimitUSD, coming)
			}
		case "ci-review":
			if percent < 100 || percent > 110 || refused == 0 || !slices.Equal(told, []int{50, 80, 100}) {
				t.Errorf("%s is used to %d %%, told at %v, %d calls were refused", budget.Name, percent, told, refused)
			}
			for _, s := range calls {
				if s.Key == "ci-review" && s.Status == trace.StatusOK && s.Start.After(limit) && s.Start.After(from) {
					t.Fatalf("a call at %v went through; the limit was reached at %v", s.Start, limit)
				}
			}
		}
	}
}

// scoresAreOfCalls holds what scores say of their calls against the calls.
func scoresAreOfCalls(t *testing.T, b *storyBook, calls map[string]trace.Span) {
	kinds := map[trace.ScoreKind]int{}
	sources := map[trace.ScoreSource]int{}
	for cursor := ""; ; {
		page, err := b.scores.ListScores(t.Context(), trace.ScoreFilter{}, 1000, cursor)
		if err != nil {
			t.Fatal(err)
		}
		for i := range page.Scores {
			s := &page.Scores[i]
			c, ok := calls[s.CallID]
			if !ok || s.Prompt != c.Prompt || s.PromptVersion != c.PromptVersion || s.Arm != c.Arm || s.Unit != c.Unit || s.At.Before(c.Start) || s.At.After(demoEnd) {
				t.Fatalf("a score %+v of the call %+v", s, c)
			}
			kinds[s.Kind]++
			sources[s.Source]++
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if len(kinds) != 3 || len(sources) != 4 {
		t.Errorf("scores of the kinds %v from %v, want three and four", kinds, sources)
	}
	figures, err := b.scores.SumScores(t.Context(), trace.ScoreQuery{Filter: trace.ScoreFilter{Name: demoHelpful, Source: string(trace.FromAPI), Experiment: demoWon}, By: []string{"arm"}})
	if err != nil || len(figures) != 2 {
		t.Fatalf("figures by arm %v, %v", figures, err)
	}
	slices.SortFunc(figures, func(a, b trace.ScoreFigures) int { return strings.Compare(a.Group[0], b.Group[0]) })
	if figures[0].Mean >= figures[1].Mean {
		t.Errorf("the winner is found helpful in %.3f of its calls, the control in %.3f", figures[1].Mean, figures[0].Mean)
	}
}

// ledgerIsWhole holds a rule's ledger against its scores.
func ledgerIsWhole(t *testing.T, b *storyBook) {
	entries, err := b.rules.Ledger(t.Context(), demoRule(demoEnd).Name, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range demoRule(demoEnd).Scorers {
		totals := online.Sum(entries, func(e *online.Entry) bool { return e.Scorer == c.Name })
		figures, err := b.scores.SumScores(t.Context(), trace.ScoreQuery{Filter: trace.ScoreFilter{Name: c.Name}})
		if err != nil || len(figures) != 1 || figures[0].N != totals.Scored || totals.Eligible < 20 || figures[0].Mean < .5 {
			t.Errorf("%s: the ledger has %+v, the scores %+v, %v", c.Name, totals, figures, err)
		}
	}
}

// peopleAndData looks at members, keys, the queue and the datasets.
func peopleAndData(t *testing.T, b *storyBook) {
	members, err := b.members.ListMembers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	roles := map[account.Role]bool{}
	for _, m := range members {
		roles[m.Role] = true
	}
	keys, err := b.keys.ListKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	projects, expired := map[string]bool{}, 0
	for _, k := range keys {
		projects[k.Project] = true
		if !k.Live(demoEnd) {
			expired++
		}
	}
	if len(roles) != len(account.Roles) || len(projects) != 2 || expired != 1 {
		t.Errorf("roles %v, projects %v, %d expired keys", roles, projects, expired)
	}
	p, err := b.queues.QueueProgress(t.Context(), demoQueue, demoEnd)
	if err != nil || p.Done == 0 || p.Waiting == 0 || len(p.People) != 2 {
		t.Errorf("the queue is at %+v, %v", p, err)
	}
	one, err := b.reviewsBy(t, demoWriter)
	if err != nil {
		t.Fatal(err)
	}
	other, err := b.reviewsBy(t, demoAuthor)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := eval.Agree(one, other, nil); err != nil || a.Pairs == 0 || a.Disagreed == 0 || a.Disagreed == a.Pairs {
		t.Errorf("two people agree as %+v, %v", a, err)
	}
	versions, err := b.evals.DatasetVersions(t.Context(), demoGolden)
	if err != nil || len(versions) != 2 || versions[0].Items <= versions[1].Items {
		t.Errorf("versions of %s: %+v, %v", demoGolden, versions, err)
	}
}

// reviewsBy are what somebody said of quality in the queue.
func (b *storyBook) reviewsBy(t *testing.T, who string) ([]trace.Score, error) {
	page, err := b.scores.ListScores(t.Context(), trace.ScoreFilter{Name: demoQuality, Source: string(trace.FromHuman)}, 1000, "")
	return slices.DeleteFunc(page.Scores, func(s trace.Score) bool { return s.Author != who }), err
}

// budgetShelf keeps budgets and their events in memory.
type budgetShelf struct {
	price.BudgetEvents // nil: what is not there is not asked
	list               []price.Budget
	events             []price.BudgetEvent
}

func (m *budgetShelf) PutBudget(_ context.Context, b price.Budget) error {
	m.list = append(m.list, b)
	return nil
}

func (m *budgetShelf) ListBudgets(context.Context) ([]price.Budget, error) { return m.list, nil }

func (m *budgetShelf) DeleteBudget(context.Context, string) error { return errors.ErrUnsupported }

func (m *budgetShelf) AddBudgetEvent(_ context.Context, e price.BudgetEvent) (bool, error) {
	m.events = append(m.events, e)
	return true, nil
}

func (m *budgetShelf) ListBudgetEvents(_ context.Context, q price.BudgetEventQuery) (out []price.BudgetEvent, next string, err error) {
	return slices.DeleteFunc(slices.Clone(m.events), func(e price.BudgetEvent) bool { return e.Budget != q.Budget }), "", nil
}

// priceShelf keeps prices in memory.
type priceShelf struct{ list []price.Entry }

func (m *priceShelf) Prices(context.Context) ([]price.Entry, error) { return m.list, nil }

func (m *priceShelf) PutPrice(_ context.Context, e price.Entry) error {
	m.list = append(m.list, e)
	return nil
}

var errKilled = errors.New("killed")

// failingTrials and those below are where a start ends.
type (
	failingTrials  struct{ experiment.Store }
	failingScores  struct{ trace.Scores }
	failingBudgets struct{ budgetStore }
	failingQueues  struct{ eval.Annotations }
)

func (failingTrials) ChangeExperiment(context.Context, string, experiment.Change) (experiment.Record, error) {
	return experiment.Record{}, errKilled
}

func (failingScores) PutScores(context.Context, []trace.Score) error { return errKilled }

func (failingBudgets) PutBudget(context.Context, price.Budget) error { return errKilled }

func (failingQueues) EndReview(context.Context, string, string, eval.Review) error { return errKilled }
