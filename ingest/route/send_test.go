package route

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
)

// answers plays a provider that answers with a status and remembers what it was asked.
type answers struct {
	status int
	body   string
	fault  *llm.Fault
	asked  []string // models
	bodies []string
}

func (a *answers) Send(_ context.Context, call *llm.Call) (*llm.Response, error) {
	a.asked = append(a.asked, call.Model)
	a.bodies = append(a.bodies, string(call.Body))
	if a.fault != nil {
		f := *a.fault
		f.Attempts = []llm.Attempt{{Provider: "x", Err: &llm.Error{Type: string(f.Code)}}}
		return nil, &f
	}
	return &llm.Response{
		Status: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body)), Attempts: []llm.Attempt{{Status: a.status}},
	}, nil
}

func newCall(model string) *llm.Call {
	return &llm.Call{Endpoint: llm.ChatCompletions, Method: http.MethodPost, Path: "/chat/completions", Model: model, Body: []byte(`{"model":"` + model + `","x":1}`)}
}

func fallbackTable(first, second *answers) *Table {
	return NewTable([]Provider{{Name: "a", Send: first}, {Name: "b", Send: second}}, []Alias{{
		Model: "fast", Targets: []Target{{"a", "big", 1}}, Fallback: []Target{{"b", "small", 0}},
	}})
}

func TestAnAnswerThatMayPassElsewhereIsTriedElsewhere(t *testing.T) {
	for _, c := range []struct {
		name  string
		first *answers
		want  int // status relayed
		tries int
	}{
		{"ok stays", &answers{status: 200}, 200, 1},
		{"a bad request is nobody else's", &answers{status: 400}, 400, 1},
		{"overloaded", &answers{status: 503, body: `{"error":{"type":"overloaded"}}`}, 200, 2},
		{"rate limited", &answers{status: 429}, 200, 2},
		{"away", &answers{fault: llm.Faultf(llm.UpstreamUnavailable, "away")}, 200, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			second := &answers{status: 200}
			resp, err := Fallback(fallbackTable(c.first, second), nil).Send(t.Context(), newCall("fast"))
			if err != nil {
				t.Fatal(err)
			}
			if resp.Status != c.want || len(resp.Attempts) != c.tries {
				t.Errorf("status %d after %d attempts, want %d after %d", resp.Status, len(resp.Attempts), c.want, c.tries)
			}
			if diff := cmp.Diff([]string{`{"model":"big","x":1}`}, c.first.bodies); diff != "" {
				t.Errorf("the first provider was asked (-want +got):\n%s", diff)
			}
			if c.tries == 2 {
				if diff := cmp.Diff([]string{"small"}, second.asked); diff != "" {
					t.Errorf("the second provider was asked (-want +got):\n%s", diff)
				}
				if resp.Attempts[0].Err == nil {
					t.Error("the failed attempt has no error")
				}
			}
		})
	}
}

func TestTheLastAnswerIsRelayedWhateverItIs(t *testing.T) {
	resp, err := Fallback(fallbackTable(&answers{status: 503}, &answers{status: 500}), nil).Send(t.Context(), newCall("fast"))
	if err != nil || resp.Status != 500 || len(resp.Attempts) != 2 {
		t.Errorf("%+v, %v", resp, err)
	}
}

func TestAClientThatLeftIsNotAnsweredElsewhere(t *testing.T) {
	second := &answers{status: 200}
	_, err := Fallback(fallbackTable(&answers{fault: llm.Faultf(llm.ClientClosed, "gone")}, second), nil).Send(t.Context(), newCall("fast"))
	if fault, ok := errors.AsType[*llm.Fault](err); !ok || fault.Code != llm.ClientClosed || len(second.asked) != 0 {
		t.Errorf("%v, the second provider was asked %v", err, second.asked)
	}
}

func TestARefusedTargetIsSkippedLikeAFailedOne(t *testing.T) {
	first, second := &answers{status: 200}, &answers{status: 200}
	admit := func(_ context.Context, try Try) (Hold, error) {
		if try.Call.Model == "big" && try.Asked.Model == "fast" && try.Provider.Name == "a" {
			return nil, llm.Faultf(llm.Unpriced, "no price")
		}
		return nil, nil
	}
	resp, err := Fallback(fallbackTable(first, second), admit).Send(t.Context(), newCall("fast"))
	if err != nil || resp.Status != 200 || len(first.asked) != 0 || len(second.asked) != 1 {
		t.Errorf("%+v, %v", resp, err)
	}
	refuseAll := func(context.Context, Try) (Hold, error) { return nil, llm.Faultf(llm.Unpriced, "no price") }
	_, err = Fallback(fallbackTable(first, second), refuseAll).Send(t.Context(), newCall("fast"))
	if fault, ok := errors.AsType[*llm.Fault](err); !ok || fault.Code != llm.Unpriced {
		t.Errorf("all refused: %v", err)
	}
}

func TestModelsAreListedOnce(t *testing.T) {
	a := &answers{status: 200, body: `{"object":"list","data":[{"id":"m1","object":"model","owned_by":"x","extra":1},{"id":"both"}]}`}
	b := &answers{status: 200, body: `{"object":"list","data":[{"id":"both"},{"id":"m2"}]}`}
	down := &answers{status: 500, body: "no"}
	table := NewTable([]Provider{{Name: "a", Send: a}, {Name: "b", Send: b}, {Name: "c", Models: []string{"literal", "pat-*"}, Send: down}}, []Alias{{Model: "fast"}})
	resp, err := Fallback(table, nil).Send(t.Context(), &llm.Call{Endpoint: llm.Models, Method: http.MethodGet, Path: "/models"})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"object":"list","data":[{"id":"fast","object":"model","created":0,"owned_by":"weir"},` +
		`{"id":"m1","object":"model","owned_by":"x","extra":1},{"id":"both"},{"id":"m2"},{"id":"literal","object":"model","created":0,"owned_by":"weir"}]}` + "\n"
	if diff := cmp.Diff(want, string(body)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(resp.Attempts) != 3 || resp.Attempts[2].Err == nil {
		t.Errorf("attempts %+v", resp.Attempts)
	}
}
