package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/eval/retrieval"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// pricedBody is an answer that tells its cost.
type pricedBody struct {
	io.Reader
	usd price.USD
}

func (pricedBody) Close() error              { return nil }
func (b pricedBody) Cost() (price.USD, bool) { return b.usd, true }

// writer is a model that writes questions about leave, at a tenth of a dollar a call.
func writer(t *testing.T) llm.Sender {
	t.Helper()
	return llm.SenderFunc(func(_ context.Context, call *llm.Call) (*llm.Response, error) {
		said := `{"question": "How long is an annual holiday?", "quote": "thirty days of paid leave"}`
		switch {
		case strings.Contains(string(call.Body), "You check test questions"):
			said = `{"answered": true, "specific": true}`
		case strings.Contains(string(call.Body), "Travel"):
			said = "I know of no question."
		}
		text, err := json.Marshal(said)
		if err != nil {
			return nil, err
		}
		body := `{"choices":[{"index":0,"message":{"role":"assistant","content":` + string(text) + `},"finish_reason":"stop"}]}`
		return &llm.Response{Status: http.StatusOK, Header: http.Header{}, Body: pricedBody{strings.NewReader(body), price.Dollar / 10}}, nil
	})
}

const longLeave = "Every employee of the company has thirty days of paid leave in a year of the calendar. Days that were not used expire on the last of March of the year that follows, unless a manager has agreed."

func TestQuestionsAreMade(t *testing.T) {
	m := &making{send: writer(t), on: llm.Call{Model: "m"}, made: map[int]retrieval.Question{}, refused: map[retrieval.Refused]int{}}
	for i, text := range []string{longLeave, "Travel. " + longLeave, "Short.", longLeave} {
		q, refused, err := retrieval.Make(t.Context(), m.ask, "leave.md", text)
		if err != nil {
			t.Fatal(err)
		}
		m.take(i, q, refused)
	}
	var out, told bytes.Buffer
	g := &ragQuestions{n: 3, out: filepath.Join(t.TempDir(), "made.jsonl")}
	g.s = &screen{out: &out, err: &told}
	err := g.write(m, nil)
	if !errors.Is(err, errNo) || !strings.Contains(err.Error(), "2 questions of 3 could be made, for 0.500000000 USD") {
		t.Errorf("got %v", err)
	}
	if s := told.String(); !strings.Contains(s, "1 passage not used: the passage is too short") || !strings.Contains(s, "1 passage not used: the model's answer cannot be read") {
		t.Errorf("told %q", s)
	}
	got, err := readQuestions(g.out)
	if err != nil {
		t.Fatal(err)
	}
	label := []retrieval.Label{{Document: "leave.md", Quote: "thirty days of paid leave"}}
	if diff := cmp.Diff(got, []retrieval.Question{
		{ID: "made-1", Question: "How long is an annual holiday?", Kind: "made", Relevant: label}, {ID: "made-2", Question: "How long is an annual holiday?", Kind: "made", Relevant: label},
	}); diff != "" {
		t.Error(diff)
	}
	if err := g.write(m, nil); err == nil || errors.Is(err, errNo) {
		t.Errorf("a file that is there was written over: %v", err)
	}
}

func TestMakingStopsAtItsLimit(t *testing.T) {
	m := &making{send: writer(t), on: llm.Call{Model: "m"}, limit: price.Dollar / 4}
	var err error
	asked := 0
	for ; err == nil && asked < 10; asked++ {
		_, err = m.ask(t.Context(), []retrieval.Message{{Role: "user", Content: "x"}})
	}
	if err == nil || asked != 4 || !strings.Contains(err.Error(), "0.300000000 USD are spent") { // the third goes over it, the fourth is not asked
		t.Errorf("ended after %d with %v", asked, err)
	}
}
