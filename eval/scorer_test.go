package eval

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/weir-dev/weir/price"
)

func scorerOf(t *testing.T, c ScorerConfig) Scorer {
	t.Helper()
	s, err := NewScorer(c)
	if err != nil {
		t.Fatalf("%+v: %v", c, err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestScorers(t *testing.T) {
	cost := price.USD(2_000_000)
	schema := json.RawMessage(`{"type":"object","required":["n"],"properties":{"n":{"type":"integer"}}}`)
	for _, c := range []struct {
		name     string
		cfg      ScorerConfig
		expected string // JSON; "": none
		answer   Answer
		want     Score // its reason is looked for in what comes
	}{
		{"exact", ScorerConfig{Metric: "exact"}, `"Paris"`, Answer{Text: "Paris"}, Score{State: Scored, Value: 1}},
		{"exact is exact", ScorerConfig{Metric: "exact"}, `"Paris"`, Answer{Text: "paris "}, Score{State: Scored}},
		{"exact, not quite", ScorerConfig{Metric: "exact", Trim: true, Case: true}, `"Paris"`, Answer{Text: "paris "}, Score{State: Scored, Value: 1}},
		{"one of a list", ScorerConfig{Metric: "exact"}, `["a","b"]`, Answer{Text: "b"}, Score{State: Scored, Value: 1}},
		{"a value, written otherwise", ScorerConfig{Metric: "exact"}, `{"b":1,"a":2}`, Answer{Text: `{ "a": 2, "b": 1 }`}, Score{State: Scored, Value: 1}},
		{"nothing expected is no zero", ScorerConfig{Metric: "exact"}, "", Answer{Text: "x"}, Score{State: Unscorable, Reason: "nothing of what is expected"}},
		{"no answer is no zero", ScorerConfig{Metric: "exact"}, `"x"`, Answer{Error: "HTTP 500"}, Score{State: Failed, Reason: "no answer: HTTP 500"}},
		{"contains all", ScorerConfig{Metric: "contains", Values: []string{"a", "z"}}, "", Answer{Text: "abc"}, Score{State: Scored, Reason: `without "z"`}},
		{"contains any", ScorerConfig{Metric: "contains", Values: []string{"a", "z"}, Any: true}, "", Answer{Text: "abc"}, Score{State: Scored, Value: 1}},
		{"starts", ScorerConfig{Metric: "starts_with"}, `["no","ab"]`, Answer{Text: "abc"}, Score{State: Scored, Value: 1}},
		{"ends", ScorerConfig{Metric: "ends_with"}, `"ab"`, Answer{Text: "abc"}, Score{State: Scored}},
		{"regex", ScorerConfig{Metric: "regex", Pattern: `^\d+$`}, "", Answer{Text: "42"}, Score{State: Scored, Value: 1}},
		{"regex that is expected", ScorerConfig{Metric: "regex", Case: true}, `"^A.C$"`, Answer{Text: "abc"}, Score{State: Scored, Value: 1}},
		{"regex that is none", ScorerConfig{Metric: "regex"}, `"("`, Answer{Text: "abc"}, Score{State: Unscorable, Reason: "no pattern"}},
		{"levenshtein", ScorerConfig{Metric: "levenshtein"}, `"kitten"`, Answer{Text: "sitting"}, Score{State: Scored, Value: 1 - 3.0/7}},
		{"levenshtein of nothing", ScorerConfig{Metric: "levenshtein"}, `""`, Answer{}, Score{State: Scored, Value: 1}},
		{"gleu", ScorerConfig{Metric: "gleu"}, `"the cat sat on the mat"`, Answer{Text: "the cat on the mat"}, Score{State: Scored, Value: 9.0 / 18}},
		{"numeric", ScorerConfig{Metric: "numeric", Within: 0.5}, `41.6`, Answer{Text: "Of 7 it makes 1,042: so 42."}, Score{State: Scored, Value: 1}},
		{"numeric, relative", ScorerConfig{Metric: "numeric", Within: 0.01, Relative: true}, `"1000"`, Answer{Text: "1,011"}, Score{State: Scored, Reason: "1011 in place of 1000"}},
		{"numeric without a number", ScorerConfig{Metric: "numeric"}, `1`, Answer{Text: "one"}, Score{State: Scored, Reason: "no number"}},
		{"json", ScorerConfig{Metric: "json_valid"}, "", Answer{Text: `{"a":1}`}, Score{State: Scored, Value: 1}},
		{"prose", ScorerConfig{Metric: "json_valid"}, "", Answer{Text: `Here: {"a":1}`}, Score{State: Scored, Reason: "invalid character"}},
		{"json and more", ScorerConfig{Metric: "json_valid"}, "", Answer{Text: `{"a":1} {}`}, Score{State: Scored, Reason: "behind"}},
		{"schema", ScorerConfig{Metric: "json_schema", Schema: schema}, "", Answer{Text: `{"n":1}`}, Score{State: Scored, Value: 1}},
		{"not the schema", ScorerConfig{Metric: "json_schema", Schema: schema}, "", Answer{Text: `{"n":1.5}`}, Score{State: Scored, Reason: "n "}},
		{"tool names", ScorerConfig{Metric: "tool_names"}, `["f","g"]`, Answer{ToolCalls: []ToolCall{{Name: "g"}, {Name: "h"}}}, Score{State: Scored, Value: 0.5}},
		{"tool arguments", ScorerConfig{Metric: "tool_arguments"}, `[{"name":"f","arguments":{"a":1,"b":2}}]`, Answer{ToolCalls: []ToolCall{{Name: "f", Arguments: json.RawMessage(`{"b":2,"a":1}`)}}}, Score{State: Scored, Value: 1}},
		{"tool sequence", ScorerConfig{Metric: "tool_sequence"}, `["f","g"]`, Answer{Text: `{"tool_calls":[{"type":"function","function":{"name":"g","arguments":"{}"}},{"function":{"name":"f"}}]}`}, Score{State: Scored}},
		{"bleu of the same", ScorerConfig{Metric: "bleu"}, `"Paris"`, Answer{Text: "Paris"}, Score{State: Scored, Value: 100}},
		{"ter of the same", ScorerConfig{Metric: "ter"}, `"a b"`, Answer{Text: "a b"}, Score{State: Scored}},
		{"rouge", ScorerConfig{Metric: "rouge1"}, `"the cat"`, Answer{Text: "the dog"}, Score{State: Scored, Value: 0.5}},
		{"ranking", ScorerConfig{Metric: "mrr_at_k"}, `["d2"]`, Answer{Text: `{"retrieved":[{"id":"d1"},{"id":"d2"}]}`}, Score{State: Scored, Value: 0.5}},
		{"ranking of lines", ScorerConfig{Metric: "recall_at_k", K: 2}, `{"d2":3,"d9":1,"d1":0}`, Answer{Text: "d1\nd2\nd9"}, Score{State: Scored, Value: 0.5}},
		{"nothing relevant", ScorerConfig{Metric: "ndcg_at_k"}, `{"d1":0}`, Answer{Text: "d1"}, Score{State: Unscorable, Reason: "nothing relevant"}},
		{"latency", ScorerConfig{Metric: "latency"}, "", Answer{LatencyMS: 12.5}, Score{State: Scored, Value: 12.5}},
		{"cost", ScorerConfig{Metric: "cost"}, "", Answer{Cost: &cost}, Score{State: Scored, Value: 0.002}},
		{"a cost that is not known", ScorerConfig{Metric: "cost"}, "", Answer{}, Score{State: Unscorable, Reason: "not known"}},
		{"expression", ScorerConfig{Metric: "expression", Expression: `answer == expected && latency_ms < 5`}, `"x"`, Answer{Text: "x", LatencyMS: 3}, Score{State: Scored, Value: 1}},
		{"expression of a number", ScorerConfig{Metric: "expression", Expression: `output_tokens * 2`}, "", Answer{OutputTokens: 4}, Score{State: Scored, Value: 8}},
		{"expression that fails", ScorerConfig{Metric: "expression", Expression: `json.a.b > 1`}, "", Answer{Text: "no JSON"}, Score{State: Unscorable}},
	} {
		it := &Item{ID: "i", Input: json.RawMessage(`"q"`), Expected: json.RawMessage(c.expected)}
		if c.expected == "" {
			it.Expected = nil
		}
		if err := it.Settle(); err != nil {
			t.Fatal(err)
		}
		got := scorerOf(t, c.cfg).Score(t.Context(), Sample{it, &c.answer})
		if got.State != c.want.State || got.State == Scored && math.Abs(got.Value-c.want.Value) > 1e-9 || !strings.Contains(got.Reason, c.want.Reason) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestBars(t *testing.T) {
	bar := 0.5
	for _, c := range []struct {
		metric string
		value  float64
		passed bool
	}{{"levenshtein", 0.5, true}, {"levenshtein", 0.4, false}, {"latency", 0.5, true}, {"latency", 0.6, false}} {
		b := barred{ScorerFunc(func(Sample) Score { return scored(c.value) }), &bar, (&ScorerConfig{Metric: c.metric}).Lower()}
		if got := b.Score(t.Context(), Sample{&Item{}, &Answer{}}); got.Passed == nil || *got.Passed != c.passed {
			t.Errorf("%s %v: %+v", c.metric, c.value, got)
		}
	}
}

func TestScorersThatAreWrong(t *testing.T) {
	for want, c := range map[string]ScorerConfig{
		"there is no metric":     {Metric: "exactly"},
		"regex: error parsing":   {Metric: "regex", Pattern: "("},
		"there is no schema":     {Metric: "json_schema"},
		"there is no expression": {Metric: "expression"},
		"unknown name nosuch":    {Metric: "expression", Expression: "nosuch > 1"},
		"there is no command":    {Metric: "process"},
	} {
		if _, err := NewScorer(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %q", c, err, want)
		}
	}
}

// A figure over all answers is not the mean of theirs, and says how it was made.
func TestCorpusFigures(t *testing.T) {
	items := itemsOf(t, `{"id":"a","input":1,"expected":"the cat sat on the mat"}`+"\n"+`{"id":"b","input":1,"expected":"a dog"}`)
	answers := []Answer{{Text: "the cat sat on the mat"}, {Text: "a dog runs home now"}}
	for metric, want := range map[string]string{"bleu": "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|", "chrf": "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|", "ter": "nrefs:1|case:lc|tok:tercom|"} {
		d := &Definition{Repeat: 1, Targets: []TargetConfig{{Name: "t"}}, Scorers: []ScorerConfig{{Name: "s", Metric: metric}}}
		s := scorerOf(t, d.Scorers[0])
		var results []Result
		for i := range items {
			results = append(results, Result{Key: Key{"t", items[i].ID, 1}, Answer: answers[i], Scores: map[string]Score{"s": s.Score(t.Context(), Sample{&items[i], &answers[i]})}})
		}
		sum := Summarise(d, items, results)
		got := sum.Of("t", "s")
		if got.Corpus == nil || !strings.HasPrefix(got.Signature, want) || math.Abs(*got.Corpus-*got.Mean) < 1e-9 {
			t.Errorf("%s: %+v", metric, got)
		}
	}
}

func TestMetricNamesAreAllThere(t *testing.T) {
	var names []string
	for _, m := range MetricNames() {
		if m[1] == "" || slices.Contains(names, m[0]) {
			t.Errorf("%v", m)
		}
		names = append(names, m[0])
	}
}
