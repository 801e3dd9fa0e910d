package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/prompts"
	"github.com/weir-dev/weir/prompts/experiment"
)

// stand is the stage of prompts and arms over stores in memory, with what it sent on last.
type stand struct {
	t        testing.TB
	trials   experiment.Memory
	prompts  prompts.Memory
	arms     *arms
	registry *prompts.Registry
	send     llm.Sender
	sent     *llm.Call
}

func newStand(tb testing.TB) *stand {
	tb.Helper()
	s := &stand{t: tb}
	s.arms = &arms{store: &s.trials, log: slog.New(slog.DiscardHandler)}
	var err error
	s.registry, err = prompts.OpenRegistry(tb.Context(), prompts.RegistryConfig{Store: gatewayState{&s.prompts, s.arms}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatal(err)
	}
	s.send = prompts.Resolve(llm.SenderFunc(func(_ context.Context, call *llm.Call) (*llm.Response, error) {
		s.sent = call
		return &llm.Response{}, nil
	}), prompts.ResolveConfig{Registry: s.registry, Arms: s.arms, Models: func(call *llm.Call) []string {
		if call.Key == "narrow" {
			return []string{"small"}
		}
		return nil
	}})
	for i, text := range []string{"Greet {{name}}.", "Greet {{name}} warmly."} {
		_, _, err := s.prompts.Push(tb.Context(), prompts.Push{Name: "greet", Content: prompts.Content{Text: text, Model: "small"}, Author: "ann", At: time.Unix(int64(i+1), 0)})
		if err != nil {
			tb.Fatal(err)
		}
	}
	_, err = s.prompts.MoveLabel(tb.Context(), prompts.Move{Pointer: prompts.Pointer{Prompt: "greet", Label: "production", Number: 1}, Author: "ann"}, -1)
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.registry.Refresh(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return s
}

// run makes an experiment of JSON and starts it, unless it is to stay a draft.
func (s *stand) run(text string, start bool) experiment.Record {
	s.t.Helper()
	e, err := experiment.Parse([]byte(text))
	if err != nil {
		s.t.Fatal(err)
	}
	step := experiment.Step{Author: "ann", At: time.Now()}
	r := s.change(e.Name, experiment.Create(e, step))
	if start {
		r = s.change(e.Name, experiment.Start(e.Name, step, func(ref string) (string, error) { return ref, nil }))
	}
	return r
}

func (s *stand) change(name string, change experiment.Change) experiment.Record {
	s.t.Helper()
	r, err := s.trials.ChangeExperiment(s.t.Context(), name, change)
	if err == nil {
		err = s.arms.refresh(s.t.Context())
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

const toneExperiment = `{"name": "tone", "unit": "user", "prompt": "greet",
	"arms": [{"name": "control", "prompt": "greet@1"}, {"name": "warm", "prompt": "greet@2", "model": "big", "parameters": {"temperature": 0.25, "seed": 7}}],
	"metrics": {"primary": {"metric": "cost", "direction": "lower"}}, "overrides": {"tester": "warm"}}`

func greeting2(user string, change ...func(*llm.Call)) *llm.Call {
	c := &llm.Call{
		Endpoint: llm.ChatCompletions, Dialect: llm.OpenAI, Project: "shop", User: user, Prompt: "greet@production", Use: &llm.Use{}, Header: http.Header{},
		Body: []byte(`{"prompt":{"id":"greet@production","variables":{"name":"Zoë"}},"temperature":1}`),
	}
	for _, f := range change {
		f(c)
	}
	return c
}

// of sends a call and tells what became of it: version, model, arm, epoch and unit; or the code it was refused with.
func (s *stand) of(c *llm.Call) string {
	s.t.Helper()
	_, err := s.send.Send(s.t.Context(), c)
	if err != nil {
		f := llm.AsFault(err)
		return string(f.Code) + ": " + f.Message
	}
	u := c.Use
	return fmt.Sprintf("%s@%d %s %s/%s %d %s", u.Prompt, u.PromptVersion, s.sent.Model, u.Experiment, u.Arm, u.Epoch, u.Unit)
}

// userOf finds a user who gets that arm.
func userOf(tb testing.TB, r *experiment.Record, arm string) string {
	tb.Helper()
	a, err := experiment.NewAssigner(r.Experiment)
	if err != nil {
		tb.Fatal(err)
	}
	for i := range 1000 {
		user := fmt.Sprintf("user-%d", i)
		if given, ok := a.Assign(&experiment.Subject{User: user}); ok && given.Arm == arm {
			return user
		}
	}
	tb.Fatal("nobody gets " + arm)
	return ""
}

func TestArmsInTheStage(t *testing.T) {
	s := newStand(t)
	if got, want := s.of(greeting2("ann")), "greet@1 small / 0 "; got != want {
		t.Errorf("without an experiment: %q, want %q", got, want)
	}
	s.run(toneExperiment, false)
	arm := func(name string) func(*llm.Call) { return func(c *llm.Call) { c.Arm = name } }
	prompt := func(ref string) func(*llm.Call) {
		return func(c *llm.Call) {
			c.Prompt, c.Body = ref, []byte(`{"prompt":{"id":"`+ref+`","variables":{"name":"x"}}}`)
		}
	}
	check := func(when, got, want string) {
		t.Helper()
		if !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	check("a draft assigns nobody", s.of(greeting2("ann")), "greet@1 small / 0 ")
	check("but can be tried", s.of(greeting2("ann", arm("tone/warm"))), "greet@2 big tone/warm 0 ")
	check("by all its names only", s.of(greeting2("ann", arm("warm"))), "weir_invalid_request: X-Weir-Arm: not an experiment: no arm \"warm\": none runs")

	tone := s.change("tone", experiment.Start("tone", experiment.Step{At: time.Now()}, func(ref string) (string, error) { return ref, nil }))
	stays, moves := userOf(t, &tone, "control"), userOf(t, &tone, "warm")
	check("the control", s.of(greeting2(stays)), "greet@1 small tone/control 1 "+stays)
	check("the other", s.of(greeting2(moves)), "greet@2 big tone/warm 1 "+moves)
	want := `{"messages":[{"role":"user","content":"Greet Zoë warmly."}],"model":"big","seed":7,"temperature":0.25}`
	var got, wanted any
	if err := json.Unmarshal(s.sent.Body, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	if s.sent.Use.OwnText != len("Zoë") {
		t.Errorf("the user's own text has %d bytes", s.sent.Use.OwnText)
	}
	check("without a user", s.of(greeting2("")), "greet@1 small tone/control 0 ")
	check("an override", s.of(greeting2("tester")), "greet@2 big tone/warm 0 tester")
	check("an arm that is asked for", s.of(greeting2(stays, arm("warm"))), "greet@2 big tone/warm 0 ")
	check("an arm that there is not", s.of(greeting2(stays, arm("cold"))), `weir_invalid_request: X-Weir-Arm: not an experiment: no arm "cold": tone has control and warm`)
	check("an experiment that there is not", s.of(greeting2(stays, arm("nope/cold"))), "weir_invalid_request: X-Weir-Arm: no such experiment")
	check("an arm of another prompt", s.of(greeting2("ann", arm("tone/warm"), func(c *llm.Call) { c.Prompt, c.Body = "", []byte(`{"model":"m"}`); c.Model = "m" })), "weir_invalid_request: X-Weir-Arm")
	check("a version by its number", s.of(greeting2(moves, prompt("greet@1"))), "greet@1 small / 0 ")
	check("another label", s.of(greeting2(moves, prompt("greet@latest"))), "greet@2 big tone/warm 1 ")
	check("a key that may not have the model", s.of(greeting2(moves, func(c *llm.Call) { c.Key = "narrow" })), "weir_forbidden")
	check("a provider's own key", s.of(greeting2(moves, func(c *llm.Call) {
		c.Prompt, c.UpstreamAuth, c.Model, c.Body = "", "Bearer x", "m", []byte(`{"model":"m"}`)
	})), "@0 m / 0 ")

	s.change("tone", experiment.Cease("tone", experiment.Step{At: time.Now()}))
	check("stopped", s.of(greeting2(moves)), "greet@1 small / 0 ")
}

// An experiment without a prompt is about all calls that its target picks, with a prompt or without.
func TestArmsOfModels(t *testing.T) {
	s := newStand(t)
	models := s.run(`{"name": "models", "unit": "header:X-Tenant", "target": "tags.team == \"a\"",
		"arms": [{"name": "asked"}, {"name": "big", "model": "big"}], "metrics": {"primary": {"metric": "cost", "direction": "lower"}}}`, true)
	a, err := experiment.NewAssigner(models.Experiment)
	if err != nil {
		t.Fatal(err)
	}
	tenant := ""
	for i := 0; ; i++ {
		tenant = fmt.Sprintf("t%d", i)
		given, ok := a.Assign(&experiment.Subject{Tags: map[string]string{"team": "a"}, Header: func(string) string { return tenant }})
		if ok && given.Arm == "big" {
			break
		}
	}
	call := func(team, tenant, prompt string) *llm.Call {
		c := greeting2("ann", func(c *llm.Call) {
			c.Prompt, c.Model, c.Body = prompt, "small", []byte(`{"model":"small","messages":[{"role":"user","content":"hello"},{"role":"assistant","content":"long"}]}`)
			c.Tags = map[string]string{"team": team}
		})
		if prompt != "" {
			c.Body = []byte(`{"model":"small","prompt":{"id":"` + prompt + `","variables":{"name":"x"}}}`)
		}
		c.Header.Set("X-Tenant", tenant)
		return c
	}
	for name, tt := range map[string]struct {
		call *llm.Call
		want string
	}{
		"in the target":     {call("a", tenant, ""), "@0 big models/big 1 " + tenant},
		"with a prompt":     {call("a", tenant, "greet@1"), "greet@1 big models/big 1 " + tenant},
		"out of the target": {call("b", tenant, ""), "@0 small / 0 "},
		"without a tenant":  {call("a", "", ""), "@0 small / 0 "},
	} {
		if got := s.of(tt.call); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	if s.of(call("a", tenant, "")); s.sent.Use.OwnText != len("hello") {
		t.Errorf("own text %d", s.sent.Use.OwnText)
	}
	embedding := call("a", tenant, "")
	embedding.Endpoint = llm.Embeddings
	if got := s.of(embedding); got != "@0 small / 0 " {
		t.Errorf("an embedding: %q", got)
	}
}

// An experiment that cannot be used leaves the others alone.
func TestArmsOfADamagedExperiment(t *testing.T) {
	s := newStand(t)
	tone := s.run(toneExperiment, true)
	s.change("bad", func(*experiment.Record, []experiment.Experiment, int64) (*experiment.Experiment, experiment.Event, error) {
		e := tone.Experiment
		e.Name, e.ID, e.Prompt, e.Alpha = "bad", "bad", "greet", 7
		return &e, experiment.Event{}, nil
	})
	user := userOf(t, &tone, "warm")
	if got := s.of(greeting2(user)); !strings.Contains(got, "tone/warm 1") {
		t.Error(got)
	}
}

func BenchmarkPromptAndArm(b *testing.B) {
	for _, bench := range []struct {
		name string
		run  bool
	}{{"prompt", false}, {"prompt and arm", true}} {
		b.Run(bench.name, func(b *testing.B) {
			s := newStand(b)
			s.run(toneExperiment, bench.run)
			call := greeting2("user-1")
			b.ReportAllocs()
			for b.Loop() {
				*call.Use = llm.Use{}
				if _, err := s.send.Send(b.Context(), call); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
