package online_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/eval/online"
	"github.com/weir-dev/weir/eval/online/onlinetest"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
	"github.com/weir-dev/weir/trace/tracetest"
)

// world is what stays when a runner is killed.
type world struct {
	t      *testing.T
	store  flaky
	calls  tracetest.Arriving
	scores tracetest.MemoryScores
	judge  judgeModel
	spent  price.USD // by judges of processes that died before they booked it
	n      int
}

// flaky is a store whose answers are lost once in a while, after they took effect or before.
type flaky struct {
	onlinetest.Memory
	mu     sync.Mutex
	random *rand.Rand // nil: none is lost
}

var errLost = errors.New("the connection was lost")

func (f *flaky) lost() (before, after bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.random == nil {
		return false, false
	}
	n := f.random.IntN(20)
	return n == 0, n == 1
}

func (f *flaky) TakeCalls(ctx context.Context, rule string, moves int64, next online.Position, calls []online.Taken, forget, at time.Time) error {
	before, after := f.lost()
	if before {
		return errLost
	}
	err := f.Memory.TakeCalls(ctx, rule, moves, next, calls, forget, at)
	if after {
		return errLost
	}
	return err
}

func (f *flaky) DecideCall(ctx context.Context, rule, id string, d []online.Decision, at time.Time) (bool, error) {
	before, after := f.lost()
	if before || ctx.Err() != nil {
		return false, errLost
	}
	ok, err := f.Memory.DecideCall(ctx, rule, id, d, at)
	if after {
		return false, errLost
	}
	return ok, err
}

func (f *flaky) TakeLease(ctx context.Context, name, owner string, holds time.Duration) (bool, error) {
	if before, _ := f.lost(); before || f.killed() && holds == 0 { // what is killed gives nothing back
		return false, errLost
	}
	return f.Memory.TakeLease(ctx, name, owner, holds)
}

func (f *flaky) killed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.random != nil
}

// judgeModel answers judges with what it is told to say, for a price.
type judgeModel struct {
	mu    sync.Mutex
	say   string
	takes time.Duration
	calls []*llm.Call
}

type pricedBody struct {
	io.Reader
	cost price.USD
}

func (pricedBody) Close() error              { return nil }
func (b pricedBody) Cost() (price.USD, bool) { return b.cost, true }

const questionCost = price.USD(1_000_000) // a tenth of a cent

func (j *judgeModel) Send(ctx context.Context, call *llm.Call) (*llm.Response, error) {
	select {
	case <-time.After(j.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls = append(j.calls, call)
	text := fmt.Sprintf(`{"choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}],"usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120}}`, j.say)
	return &llm.Response{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: pricedBody{strings.NewReader(text), questionCost}, Dialect: llm.OpenAI}, nil
}

func (w *world) runner() *online.Runner {
	return online.New(online.Config{
		Store: &w.store, Leases: &w.store, Owner: fmt.Sprint("weir ", rand.Int()), Arrivals: &w.calls, Calls: &w.calls, Scores: &w.scores, Values: &w.scores, //nolint:gosec // a name
		Send: llm.SenderFunc(w.judge.Send), Price: func(string, llm.Usage) (price.USD, bool) { return questionCost, true },
		Spent: w.recorded, MaxWaiting: 200, Log: slog.New(slog.DiscardHandler),
	})
}

// recorded is what the record says of judges.
func (w *world) recorded(_ context.Context, _ string, since time.Time) (price.USD, error) {
	w.judge.mu.Lock()
	defer w.judge.mu.Unlock()
	usd := w.spent
	for _, c := range w.judge.calls {
		if !c.Start.Before(since) {
			usd += questionCost
		}
	}
	return usd, nil
}

// work lets a runner work for so long, and then kills it.
func (w *world) work(d time.Duration) {
	ctx, kill := context.WithTimeout(w.t.Context(), d)
	defer kill()
	w.runner().Run(ctx)
}

// asked records a call, which is stamped so long ago.
func (w *world) asked(late time.Duration, change ...func(*trace.Record)) string {
	w.t.Helper()
	w.n++
	now := time.Now()
	rec := trace.Record{Call: trace.Span{
		ID: llm.NewID(now), TraceID: llm.NewTraceID(), SpanID: llm.NewSpanID(), Kind: trace.KindCall, Start: now, Project: "shop", Endpoint: llm.ChatCompletions, Status: trace.StatusOK,
		Model: "m", ModelRequested: "m", PriceStatus: price.Unpriced,
	}}
	rec.Body.Request = []byte(`{"model":"m","messages":[{"role":"user","content":"where is my order?"}]}`)
	rec.Body.Response = []byte(`{"choices":[{"index":0,"message":{"role":"assistant","content":"on its way"},"finish_reason":"stop"}]}`)
	for _, c := range change {
		c(&rec)
	}
	if err := w.calls.WriteAt(w.t.Context(), trace.Batch{Token: rec.Call.ID, Records: trace.Slice([]trace.Record{rec})}, now.Add(-late).UTC().Truncate(time.Second)); err != nil {
		w.t.Fatal(err)
	}
	return rec.Call.ID
}

func (w *world) set(r online.Rule) {
	w.t.Helper()
	if err := r.Settle(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if err := w.store.PutOnlineRule(w.t.Context(), r); err != nil {
		w.t.Fatal(err)
	}
	w.work(5 * time.Second) // it begins here
}

func (w *world) totals(scorer string) online.Totals {
	w.t.Helper()
	entries, err := w.store.Ledger(w.t.Context(), "", time.Time{})
	if err != nil {
		w.t.Fatal(err)
	}
	return online.Sum(entries, func(e *online.Entry) bool { return e.Scorer == scorer })
}

func sum(by map[online.Reason]int64) (n int64) {
	for _, v := range by {
		n += v
	}
	return n
}

var (
	contains = eval.ScorerConfig{Name: "way", Metric: "contains", Values: []string{"way"}}
	graded   = eval.ScorerConfig{Name: "helpful", Metric: "judge", Judge: []byte(`{"rubric":"helpfulness","model":"j"}`)}
)

const grade = `{"reason":"good","score":5}`

func inWorld(t *testing.T, do func(*testing.T, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		do(t, &world{t: t, judge: judgeModel{say: grade, takes: 300 * time.Millisecond}})
	})
}

// Whatever is lost and whenever the process is killed, every call in the sample is in the ledger once in the end, and never twice before.
func TestLedgerBalances(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				random := rand.New(rand.NewPCG(seed, 1))
				rule := online.Rule{Name: "r", Rate: 0.5, Scorers: []eval.ScorerConfig{contains, graded}, Condition: `model == "m"`}
				w.set(rule)
				time.Sleep(time.Minute)
				w.store.random = random
				var want int64
				for range 12 {
					for range random.IntN(20) {
						span := trace.Span{ID: w.asked(time.Duration(random.IntN(40)) * time.Second)}
						if rule.Sampled(&span) {
							want++
						}
					}
					w.work(time.Duration(1+random.IntN(20_000)) * time.Millisecond)
					time.Sleep(leaseOver(random))
					for _, scorer := range []string{"way", "helpful"} {
						got := w.totals(scorer)
						if got.Eligible != got.Scored+sum(got.Skipped)+sum(got.Failed) || got.Eligible > want {
							t.Fatalf("%s after a kill: %+v, of %d calls", scorer, got, want)
						}
					}
				}
				w.store.mu.Lock()
				w.store.random = nil
				w.store.mu.Unlock()
				time.Sleep(time.Minute)
				w.work(5 * time.Minute)
				for _, scorer := range []string{"way", "helpful"} {
					if got := w.totals(scorer); got.Eligible != want || got.Scored != want {
						t.Errorf("%s in the end: %+v, want %d scored", scorer, got, want)
					}
				}
				page, err := w.scores.ListScores(t.Context(), trace.ScoreFilter{Name: "helpful"}, 1000, "")
				if err != nil || int64(len(page.Scores)) != want {
					t.Errorf("%d scores %v, want %d", len(page.Scores), err, want)
				}
				rules, _ := w.store.OnlineRules(t.Context())
				if rules[0].Waiting != 0 {
					t.Errorf("%d wait in the end", rules[0].Waiting)
				}
			})
		})
	}
}

// leaseOver is sometimes longer than a lease holds, and sometimes not.
func leaseOver(random *rand.Rand) time.Duration { return time.Duration(random.IntN(90)) * time.Second }

func TestJudgeThatAnswersProse(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.set(online.Rule{Name: "r", Rate: 1, Scorers: []eval.ScorerConfig{contains, graded}})
		w.judge.say = "I think it is rather good."
		w.asked(0)
		w.work(time.Minute)
		if got := w.totals("helpful"); got.Failed[online.Unscorable] != 1 || got.Eligible != 1 || got.Cost != 2*questionCost { // asked once more
			t.Errorf("judged %+v, want one unscorable that cost two questions", got)
		}
		if got := w.totals("way"); got.Scored != 1 || got.Cost != 0 {
			t.Errorf("the metric %+v, want one score", got)
		}
	})
}

func TestScoreIsOfItsRule(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		rule := online.Rule{Name: "r", Rate: 1, Scorers: []eval.ScorerConfig{graded}}
		w.set(rule)
		id := w.asked(0, func(r *trace.Record) { r.Call.Prompt, r.Call.PromptVersion = "greet", 3 })
		w.work(time.Minute)
		page, err := w.scores.ListScores(t.Context(), trace.ScoreFilter{CallID: id}, 10, "")
		if err != nil || len(page.Scores) != 1 {
			t.Fatalf("scores %v %v, want one", page, err)
		}
		s := page.Scores[0]
		if s.Author != "online:r" || s.Source != trace.FromJudge || !strings.HasPrefix(s.Config, "r@") || s.Cost == nil || *s.Cost != questionCost || s.Prompt != "greet" || s.Value != 1 {
			t.Errorf("the score is %+v", s)
		}
		call := w.judge.calls[0]
		if call.Project != online.Project || call.Tags["online"] != "r" || call.Tags["judge"] == "" {
			t.Errorf("the judge asked on the account of %s with tags %v", call.Project, call.Tags)
		}
	})
}

func TestWhatIsNotEligible(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.set(online.Rule{Name: "r", Rate: 1, Scorers: []eval.ScorerConfig{contains}, Condition: "output_tokens > 10"})
		long := func(r *trace.Record) { r.Call.Usage.OutputText = 20 }
		for name, change := range map[string]func(*trace.Record){
			"a judge's":     func(r *trace.Record) { r.Call.Tags = map[string]string{"judge": "x"} },
			"of the rules'": func(r *trace.Record) { r.Call.Project = online.Project },
			"a run's":       func(r *trace.Record) { r.Call.Tags = map[string]string{"eval_ask": "x"} },
			"an embedding":  func(r *trace.Record) { r.Call.Endpoint = llm.Embeddings },
			"an error":      func(r *trace.Record) { r.Call.Status = trace.StatusError },
			"a short one":   func(r *trace.Record) { r.Call.Usage.OutputText = 10 },
		} {
			w.asked(0, long, change)
			w.work(10 * time.Second)
			if got := w.totals("way"); got.Eligible != 0 {
				t.Fatalf("%s is eligible", name)
			}
		}
		w.asked(0, long)
		w.work(10 * time.Second)
		if got := w.totals("way"); got.Scored != 1 {
			t.Errorf("%+v, want one score", got)
		}
	})
}

func TestWhatIsSkipped(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.set(online.Rule{Name: "r", Rate: 1, Scorers: []eval.ScorerConfig{contains}})
		w.asked(0, func(r *trace.Record) { r.Body = trace.Body{} })
		w.asked(0, func(r *trace.Record) { r.Body.Request, r.Body.Response = []byte("sha256:00"), []byte("sha256:11") })
		w.asked(0, func(r *trace.Record) { r.Body.Request = []byte("no JSON") })
		w.work(10 * time.Second)
		if got := w.totals("way"); got.Skipped[online.NoContent] != 2 || got.Failed[online.Unscorable] != 1 || got.Eligible != 3 {
			t.Errorf("%+v, want two without content and one that cannot be read", got)
		}
	})
}

func TestBudget(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		usd := 3 * questionCost
		w.spent = questionCost // by a process that died before it could book it
		w.set(online.Rule{Name: "r", Rate: 1, Scorers: []eval.ScorerConfig{graded, contains}, Budget: &usd})
		for range 6 {
			w.asked(0)
		}
		w.work(time.Minute)
		got := w.totals("helpful")
		// Six equal questions are asked until the first answer is remembered; what could pass the limit is not.
		if got.Cost > 2*questionCost || got.Skipped[online.OverBudget] == 0 || got.Scored == 0 || got.Eligible != 6 {
			t.Errorf("with 2 questions of money: %+v", got)
		}
		if other := w.totals("way"); other.Scored != 6 {
			t.Errorf("what costs nothing: %+v, want six scores", other)
		}
		w.asked(0, func(r *trace.Record) { r.Body.Request = []byte(`{"messages":[{"role":"user","content":"another?"}]}`) })
		w.work(time.Minute)
		if after := w.totals("helpful"); after.Cost > 2*questionCost || after.Eligible != 7 {
			t.Errorf("afterwards: %+v", after)
		}
		time.Sleep(24 * time.Hour)
		w.spent = 0
		w.asked(0, func(r *trace.Record) { r.Body.Request = []byte(`{"messages":[{"role":"user","content":"a third?"}]}`) })
		w.work(time.Minute)
		if next := w.totals("helpful"); next.Scored <= got.Scored {
			t.Errorf("on the next day: %+v, want a score more than %d", next, got.Scored)
		}
	})
}

func TestBoundsOfWhatIsTaken(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.set(online.Rule{Name: "minute", Rate: 1, Scorers: []eval.ScorerConfig{{Name: "m", Metric: "contains", Values: []string{"x"}}}, PerMinute: 5})
		w.set(online.Rule{Name: "queue", Rate: 1, Scorers: []eval.ScorerConfig{{Name: "q", Metric: "contains", Values: []string{"x"}}}, Delay: eval.Duration(time.Hour)})
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
		for range 250 {
			w.asked(0)
		}
		w.work(20 * time.Second)
		if got := w.totals("m"); got.Scored != 5 || got.Skipped[online.OverRate] != 245 {
			t.Errorf("with 5 a minute: %+v", got)
		}
		if got := w.totals("q"); got.Eligible != 50 || got.Skipped[online.QueueFull] != 50 {
			t.Errorf("with a queue of 200: %+v", got)
		}
		if err := w.store.RemoveOnlineRule(t.Context(), "queue", time.Now()); err != nil {
			t.Fatal(err)
		}
		if got := w.totals("q"); got.Eligible != 250 || got.Skipped[online.Removed] != 200 {
			t.Errorf("of the removed rule: %+v", got)
		}
		w.work(65 * time.Minute)
		if got := w.totals("m"); got.Eligible != 250 {
			t.Errorf("later: %+v", got)
		}
	})
}

func TestTwoWeirsScoreOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.set(online.Rule{Name: "r", Rate: 1, Scorers: []eval.ScorerConfig{graded}})
		time.Sleep(2 * time.Minute)
		ctx, kill := context.WithTimeout(t.Context(), 3*time.Minute)
		defer kill()
		var both sync.WaitGroup
		for range 2 {
			r := w.runner()
			both.Go(func() { r.Run(ctx) })
		}
		for i := range 10 {
			w.asked(0, func(r *trace.Record) {
				r.Body.Request = fmt.Appendf(nil, `{"messages":[{"role":"user","content":"question %d"}]}`, i)
			})
			time.Sleep(5 * time.Second)
		}
		both.Wait()
		if got := w.totals("helpful"); got.Scored != 10 || len(w.judge.calls) != 10 {
			t.Errorf("%+v with %d questions, want ten of each", got, len(w.judge.calls))
		}
	})
}
