package eval_test

import (
	"strings"
	"testing"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/eval/evaltest"
	"github.com/weir-dev/weir/trace"
)

func TestQueuesInMemory(t *testing.T) { evaltest.TestAnnotations(t, &evaltest.Queues{}) }

func TestWhatAQueueAsks(t *testing.T) {
	one, five := 1.0, 5.0
	number := eval.Question{Name: "n", Kind: trace.NumberScore, Min: &one, Max: &five}
	word := eval.Question{Name: "w", Kind: trace.CategoryScore, Categories: []string{"good", "bad"}}
	truth := eval.Question{Name: "b", Kind: trace.BooleanScore}
	fine := eval.Queue{Questions: []eval.Question{number, word, truth}, Reviewers: 1}
	if err := fine.Check(); err != nil {
		t.Fatal(err)
	}
	for want, q := range map[string]eval.Queue{
		"asks 0 questions":     {Reviewers: 1},
		"0 people":             {Questions: fine.Questions},
		"twice":                {Questions: []eval.Question{truth, truth}, Reviewers: 1},
		"not below the most":   {Questions: []eval.Question{{Name: "n", Kind: trace.NumberScore, Min: &five, Max: &one}}, Reviewers: 1},
		"1 categories":         {Questions: []eval.Question{{Name: "w", Kind: trace.CategoryScore, Categories: []string{"a"}}}, Reviewers: 1},
		`category "a"`:         {Questions: []eval.Question{{Name: "w", Kind: trace.CategoryScore, Categories: []string{"a", "a"}}}, Reviewers: 1},
		"is unknown":           {Questions: []eval.Question{{Name: "w", Kind: "text"}}, Reviewers: 1},
		"that are not its own": {Questions: []eval.Question{{Name: "b", Kind: trace.BooleanScore, Max: &five}}, Reviewers: 1},
	} {
		if err := q.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for _, tt := range []struct {
		ask  eval.Question
		v    any
		want trace.Score
		word string
	}{
		{number, 5.0, trace.Score{Name: "n", Kind: trace.NumberScore, Value: 5}, ""},
		{number, 5.5, trace.Score{}, "1 to 5"},
		{number, true, trace.Score{}, "not a number"},
		{word, "bad", trace.Score{Name: "w", Kind: trace.CategoryScore, Category: "bad"}, ""},
		{word, "ugly", trace.Score{}, "good, bad"},
		{truth, true, trace.Score{Name: "b", Kind: trace.BooleanScore, Value: 1}, ""},
		{truth, "yes", trace.Score{}, "not a boolean"},
	} {
		var got trace.Score
		err := tt.ask.Take(tt.v, &got)
		if tt.word == "" && (err != nil || got != tt.want) || tt.word != "" && (err == nil || !strings.Contains(err.Error(), tt.word)) {
			t.Errorf("%v for %s: %+v, %v", tt.v, tt.ask.Name, got, err)
		}
	}
}
