package judge

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
)

// reads is a model that splits a text at its full stops, and finds a statement supported when a context has its words.
func reads() *model {
	m := &model{}
	m.answer = func(a *asked) reply {
		between := func(name string) string {
			_, rest, ok := strings.Cut(a.last(), "[begin "+name+" ")
			if !ok {
				return ""
			}
			_, rest, _ = strings.Cut(rest, "]\n")
			text, _, _ := strings.Cut(rest, "\n[end "+name)
			return text
		}
		switch schema := string(a.Format.Schema.Schema); {
		case strings.Contains(schema, `"statements"`):
			list := []string{}
			for part := range strings.SplitSeq(between("text"), ".") {
				if part = strings.TrimSpace(part); part != "" && !strings.HasSuffix(part, "?") {
					list = append(list, part)
				}
			}
			text, _ := json.Marshal(map[string]any{"statements": list})
			return reply{text: string(text)}
		case strings.Contains(schema, `"verdicts"`):
			var verdicts []any
			for i, line := range strings.Split(between("statements"), "\n") {
				_, one, _ := strings.Cut(line, ". ")
				verdicts = append(verdicts, map[string]any{"number": i + 1, "reason": "read", "verdict": strings.Contains(between("context 1"), one)})
			}
			text, _ := json.Marshal(map[string]any{"verdicts": verdicts})
			return reply{text: string(text)}
		case strings.Contains(schema, `"useful"`):
			return reply{text: fmt.Sprintf(`{"reason":"read","useful":%t}`, strings.Contains(between("context"), "Paris"))}
		}
		return reply{text: "?"}
	}
	return m
}

func TestFaithfulness(t *testing.T) {
	c := Case{Input: "q", Output: "Paris is the capital. It has a tower. It is in Spain.", Contexts: []string{"Paris is the capital. It has a tower"}}
	j := made(t, Config{Kind: Faithfulness, Model: "m"}, asker(reads()))
	got := judged(t, j, c)
	if got.State != Scored || math.Abs(got.Score-2.0/3) > 1e-12 || !got.Passed || !strings.Contains(got.Reason, "It is in Spain") || got.Tally.Calls != 2 {
		t.Errorf("got %+v", got)
	}
	for name, c := range map[string]Case{
		"no contexts":   {Input: "q", Output: "Paris."},
		"no output":     {Input: "q", Contexts: []string{"x"}},
		"no statements": {Input: "q", Output: "Shall I go on?", Contexts: []string{"x"}},
	} {
		if got := judged(t, j, c); got.State != Unscorable || got.Reason == "" {
			t.Errorf("%s: got %+v, want it unscorable", name, got)
		}
	}
}

func TestContextRecall(t *testing.T) {
	c := Case{Input: "q", Output: "whatever", Expected: "Paris is the capital. It has a tower. It is old. It is large.", Contexts: []string{"Paris is the capital"}}
	got := judged(t, made(t, Config{Kind: ContextRecall, Model: "m"}, asker(reads())), c)
	if got.State != Scored || got.Score != 0.25 || got.Passed {
		t.Errorf("got %+v", got)
	}
	c.Expected = ""
	if got := judged(t, made(t, Config{Kind: ContextRecall, Model: "m"}, asker(reads())), c); got.State != Unscorable {
		t.Errorf("without an expected answer: got %+v", got)
	}
}

func TestVerdictsMustCoverAllStatements(t *testing.T) {
	for name, verdicts := range map[string]string{
		"too few":     `{"verdicts":[{"number":1,"reason":"","verdict":true}]}`,
		"twice":       `{"verdicts":[{"number":1,"reason":"","verdict":true},{"number":1,"reason":"","verdict":true}]}`,
		"beyond":      `{"verdicts":[{"number":1,"reason":"","verdict":true},{"number":3,"reason":"","verdict":true}]}`,
		"none":        `{"verdicts":[]}`,
		"too many":    `{"verdicts":[{"number":1,"reason":"","verdict":true},{"number":2,"reason":"","verdict":true},{"number":3,"reason":"","verdict":true}]}`,
		"no booleans": `{"verdicts":[{"number":1,"reason":"","verdict":1},{"number":2,"reason":"","verdict":1}]}`,
	} {
		m := &model{}
		m.answer = func(a *asked) reply {
			if strings.Contains(string(a.Format.Schema.Schema), `"statements"`) {
				return reply{text: `{"statements":["one","two"," "]}`}
			}
			return reply{text: verdicts}
		}
		got := judged(t, made(t, Config{Kind: Faithfulness, Model: "m"}, asker(m)), aCase)
		if got.State != Unscorable || got.Tally.Repairs != 1 || got.Tally.Calls != 3 || got.Raw != verdicts {
			t.Errorf("%s: got %+v, want it unscorable after one repair", name, got)
		}
	}
}

func TestContextPrecision(t *testing.T) {
	// By hand: v = 1 0 1 0 0 1: (1/1 + 2/3 + 3/6) / 3.
	if got, want := contextPrecision([]bool{true, false, true, false, false, true}), (1+2.0/3+0.5)/(3+1e-10); math.Abs(got-want) > 1e-12 {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := contextPrecision([]bool{false, false}); got != 0 {
		t.Errorf("nothing useful: got %v, want 0", got)
	}
	c := Case{Input: "q", Output: "x", Contexts: []string{"Berlin", "Paris is it", "Paris again"}}
	got := judged(t, made(t, Config{Kind: ContextPrecision, Model: "m"}, asker(reads())), c)
	if want := (1.0/2 + 2.0/3) / (2 + 1e-10); got.State != Scored || math.Abs(got.Score-want) > 1e-12 || got.Tally.Calls != 3 {
		t.Errorf("got %+v, want %v", got, want)
	}
	if got := judged(t, made(t, Config{Kind: ContextPrecision, Model: "m"}, asker(says("useful!"))), c); got.State != Unscorable || got.Raw != "useful!" {
		t.Errorf("a chunk without a verdict: got %+v, want it unscorable", got)
	}
}

// TestAnswerRelevancy has vectors that are known: the input along x, questions at angles to it.
func TestAnswerRelevancy(t *testing.T) {
	run := func(noncommittal, vectors string) (Judgement, *model) {
		m := &model{}
		n := 0
		m.answer = func(a *asked) reply {
			if a.Input != nil {
				return reply{body: `{"data":` + vectors + `,"usage":{"prompt_tokens":9,"total_tokens":9}}`}
			}
			n++
			return reply{text: fmt.Sprintf(`{"noncommittal":%s,"question":"q%d"}`, noncommittal, n)}
		}
		return judged(t, made(t, Config{Kind: AnswerRelevancy, Model: "m", Embedding: "e", Strictness: 2}, asker(m)), aCase), m
	}
	vectors := `[{"index":1,"embedding":[1,1]},{"index":0,"embedding":[2,0]},{"index":2,"embedding":[0,3]}]`
	got, m := run("false", vectors)
	if want := math.Sqrt2 / 4; got.State != Scored || math.Abs(got.Score-want) > 1e-12 || got.Tally.Calls != 3 {
		t.Errorf("got %+v, want %v", got, want)
	}
	if a := m.asks()[2]; a.Model != "e" || len(a.Input) != 3 || a.Input[0] != aCase.Input || a.Input[1] != "q1" {
		t.Errorf("embedded %+v", a)
	}
	if got, _ := run("true", vectors); got.State != Scored || got.Score != 0 {
		t.Errorf("noncommittal: got %+v, want 0", got)
	}
	for name, vectors := range map[string]string{
		"too few":        `[{"index":0,"embedding":[2,0]}]`,
		"unequal length": `[{"index":0,"embedding":[2,0]},{"index":1,"embedding":[2]},{"index":2,"embedding":[2,0]}]`,
		"nowhere":        `[{"index":0,"embedding":[0,0]},{"index":1,"embedding":[1,0]},{"index":2,"embedding":[2,0]}]`,
		"no list":        `7`,
	} {
		if got, _ := run("false", vectors); got.State != Unscorable || got.Reason == "" {
			t.Errorf("%s: got %+v, want it unscorable", name, got)
		}
	}
}
