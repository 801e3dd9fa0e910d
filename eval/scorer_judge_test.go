package eval

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-dev/weir/eval/judge"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// grading is a provider whose model finds that an answer is right when it says 4. After so many grades, its budget is spent.
type grading struct {
	asked atomic.Int64
	most  int64
}

func (g *grading) Send(_ context.Context, call *llm.Call) (*llm.Response, error) {
	if n := g.asked.Add(1); g.most > 0 && n > g.most {
		return nil, llm.Faultf(llm.BudgetExceeded, "the budget is spent")
	}
	score := 1
	if strings.Contains(string(call.Body), "]\\n4\\n[end output") {
		score = 5
	}
	text, err := json.Marshal(fmt.Sprintf(`{"reason":"read it","score":%d}`, score))
	if err != nil {
		return nil, err
	}
	body := fmt.Sprintf(`{"choices":[{"index":0,"message":{"content":%s},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}`, text)
	return &llm.Response{Status: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Dialect: llm.OpenAI}, nil
}

func judges(g *grading) Judges {
	return Judges{Asker: judge.NewAsker(judge.AskerConfig{Send: g, Price: func(_ string, u llm.Usage) (price.USD, bool) { return price.USD(u.Input() + u.Output()), true }})}
}

func judgeRun(t *testing.T, n int) (Run, []Item) {
	t.Helper()
	d, err := ReadDefinition("eval.yaml", []byte(`
name: sums
dataset: sums.jsonl
concurrency: 2
targets: [{name: calc, command: [cat]}]
scorers:
  - {name: right, metric: judge, judge: {rubric: correctness, model: m}}
  - {name: same, metric: exact}
gate: {right: {min_mean: 0.2}}
`))
	if err != nil {
		t.Fatal(err)
	}
	items := make([]Item, n)
	for i := range items {
		items[i] = Item{ID: fmt.Sprint(i), Input: json.RawMessage(`"What is 2 + 2?"`), Expected: json.RawMessage(`"4"`)}
	}
	return Run{ID: "r", Name: d.Name, State: Running, Items: n, Definition: d, CreatedAt: time.Now(), UpdatedAt: time.Now()}, items
}

// calc is a target that is right of every even item.
func calc() map[string]Target {
	return map[string]Target{"calc": TargetFunc(func(_ context.Context, a Ask) (Answer, error) {
		if (a.Item.ID[len(a.Item.ID)-1]-'0')%2 == 0 {
			return Answer{Text: "4"}, nil
		}
		return Answer{Text: "5"}, nil
	})}
}

func TestJudgeScores(t *testing.T) {
	run, items := judgeRun(t, 10)
	journal, err := CreateJournal(t.TempDir(), &run, items)
	if err != nil {
		t.Fatal(err)
	}
	defer journal.Close()
	g := &grading{}
	results, done, err := (&Runner{Run: run, Items: items, Targets: calc(), Journal: journal, Judges: judges(g)}).Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if done.State != Done || len(results) != 10 || g.asked.Load() != 10 {
		t.Fatalf("%s, %d results, %d asked", done.State, len(results), g.asked.Load())
	}
	for i := range results {
		s, same := results[i].Scores["right"], results[i].Scores["same"]
		if s.State != Scored || s.Passed == nil || *s.Passed != *same.Passed || s.Reason != "read it" || s.Cost == nil || *s.Cost != 15 {
			t.Errorf("%s: got %+v beside %+v", results[i].Item, s, same)
		}
	}
	right := done.Summary.Of("calc", "right")
	if right == nil || right.Mean == nil || *right.Mean != 0.5 || right.PassRate == nil || *right.PassRate != 0.5 || right.Coverage != 1 {
		t.Errorf("summary %+v", right)
	}

	// A judge that nobody compared with people closes the gate; one that may gate opens it.
	judged := func(f *judge.Fitness) Verdict {
		t.Helper()
		with := done
		with.Definition.Scorers = append([]ScorerConfig(nil), done.Definition.Scorers...)
		with.Definition.Scorers[0].Fitness = f
		v, err := Judge(&with, results, with.Definition.Gate, nil)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := judged(nil); v.Passed || !strings.Contains(v.Text(), "never compared with people") {
		t.Errorf("uncalibrated: %s", v.Text())
	}
	if v := judged(&judge.Fitness{Standing: judge.BelowFloor, Reason: "kappa is 0.31"}); v.Passed || !strings.Contains(v.Text(), "below_floor: kappa is 0.31") {
		t.Errorf("below the floor: %s", v.Text())
	}
	if v := judged(&judge.Fitness{Standing: judge.Fit, Reason: "kappa is 0.81"}); !v.Passed {
		t.Errorf("fit: %s", v.Text())
	}
}

// TestASpentBudgetStopsAndResumes: what the judge could not score is scored later, and nothing is asked twice.
func TestASpentBudgetStopsAndResumes(t *testing.T) {
	run, items := judgeRun(t, 10)
	dir := t.TempDir()
	journal, err := CreateJournal(dir, &run, items)
	if err != nil {
		t.Fatal(err)
	}
	g := &grading{most: 4}
	_, stopped, err := (&Runner{Run: run, Items: items, Targets: calc(), Journal: journal, Judges: judges(g)}).Do(t.Context())
	if err != nil || stopped.State != Stopped || !strings.Contains(stopped.Reason, "budget is spent") {
		t.Fatalf("got %s %q, %v", stopped.State, stopped.Reason, err)
	}
	if err := journal.Close(); err != nil {
		t.Fatal(err)
	}
	journal, past, err := OpenJournal(dir, "r")
	if err != nil {
		t.Fatal(err)
	}
	defer journal.Close()
	more := &grading{}
	results, done, err := (&Runner{Run: past.Run, Items: past.Items, Targets: calc(), Journal: journal, Past: past, Judges: judges(more)}).Do(t.Context())
	if err != nil || done.State != Done || len(results) != 10 || more.asked.Load() != 6 {
		t.Fatalf("resumed: %s %q, %d results, %d graded, %v", done.State, done.Reason, len(results), more.asked.Load(), err)
	}
	for i := range results {
		if results[i].Scores["right"].State != Scored {
			t.Errorf("%s has %+v", results[i].Item, results[i].Scores)
		}
	}
}

func TestJudgeScorersThatAreWrong(t *testing.T) {
	for want, line := range map[string]string{
		"there is no judge":        `{metric: judge}`,
		"unknown field":            `{metric: judge, judge: {rubric: tone, model: m, mood: 3}}`,
		"no built-in rubric":       `{metric: judge, judge: {rubric: beauty, model: m}}`,
		"weir eval judge run does": `{metric: judge, judge: {kind: pairwise, rubric: tone, model: m}}`,
		"there is no model":        `{metric: judge, judge: {rubric: tone}}`,
	} {
		_, err := ReadDefinition("eval.yaml", []byte("name: x\ndataset: x.jsonl\ntargets: [{name: t, command: [cat]}]\nscorers: ["+line+"]\n"))
		if _, ok := errors.AsType[*ReadError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", line, err, want)
		}
	}
	s, err := NewScorer(ScorerConfig{Metric: "judge", Judge: json.RawMessage(`{"rubric":"tone","model":"m"}`)})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Score(t.Context(), Sample{&Item{}, &Answer{Text: "x"}}); got.State != Failed || got.Reason == "" {
		t.Errorf("without models to ask: got %+v", got)
	}
}
