package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/eval/judge"
)

// estimate says what a run, or the rest of it, is likely to take, and whether to go on: somebody at a terminal is asked.
func (r *evalRun) estimate(cmd *cobra.Command, runner *eval.Runner) (on bool, err error) {
	if !r.needsServer() {
		if r.dryRun {
			r.s.note("no model is asked, and nothing of it has a price")
		}
		return !r.dryRun, nil
	}
	ctx := cmd.Context()
	e, err := estimateRun(ctx, r.c, &runner.Run.Definition, runner.Items, runner.Past.Results)
	if err != nil {
		return false, err
	}
	if r.dryRun && asJSON(cmd) {
		return false, r.s.line(e)
	}
	r.s.estimated(&e)
	if r.dryRun {
		return false, nil
	}
	if r.yes || asJSON(cmd) || e.Calls == 0 || !onTerminal(cmd) || !term.IsTerminal(int(os.Stdin.Fd())) {
		return true, nil
	}
	fmt.Fprint(cmd.ErrOrStderr(), "Go on? [y/N] ")
	if !saysYes(cmd.InOrStdin()) {
		return false, sayNo("nothing was asked")
	}
	return true, nil
}

// saysYes reads an answer.
func saysYes(in io.Reader) bool {
	line, err := bufio.NewReader(io.LimitReader(in, 100)).ReadString('\n')
	word := strings.ToLower(strings.TrimSpace(line))
	return (err == nil || errors.Is(err, io.EOF)) && (word == "y" || word == "yes")
}

// estimateRun counts what is left of a run, with prices and prompts of the running weir.
func estimateRun(ctx context.Context, c *client, d *eval.Definition, items []eval.Item, past []eval.Result) (eval.Estimate, error) {
	e := eval.Estimator{Render: renderTarget(c)}
	models, err := scoringModels(d)
	if err != nil {
		return eval.Estimate{}, err
	}
	for i := range d.Targets {
		t := &d.Targets[i]
		if name := t.ModelName(); name != "" {
			models = append(models, name)
		} else if t.Prompt != "" {
			if v, err := targetPrompt(ctx, c, t); err == nil { // else the ask will say what is wrong
				models = append(models, v.Model)
			}
		}
	}
	e.Price = judgePrices(ctx, c, models)
	e.Judges = eval.Judges{Asker: judge.NewAsker(judge.AskerConfig{Price: e.Price}), Prompts: judgePrompts(c)}
	var list struct{ Evals []eval.Run }
	if _, err := c.get(ctx, "evals", url.Values{"name": {d.Name}, "state": {string(eval.Done)}, "limit": {"1"}}, &list); err == nil && len(list.Evals) > 0 {
		e.Previous = &list.Evals[0]
	}
	return e.Estimate(ctx, d, items, past)
}

// targetPrompt reads the version that a target's prompt means.
func targetPrompt(ctx context.Context, c *client, t *eval.TargetConfig) (apiPromptVersion, error) {
	name, ref, _ := strings.Cut(t.Prompt, "@")
	_, v, err := c.fetchPrompt(ctx, name, ref)
	return v, err
}

// renderTarget has the running weir fill a prompt in, as it will when the target is asked.
func renderTarget(c *client) func(ctx context.Context, t *eval.TargetConfig, body []byte) (string, []byte, error) {
	versions := map[string]apiPromptVersion{}
	return func(ctx context.Context, t *eval.TargetConfig, body []byte) (string, []byte, error) {
		v, seen := versions[t.Prompt]
		if !seen {
			var err error
			if v, err = targetPrompt(ctx, c, t); err != nil {
				return "", nil, err
			}
			versions[t.Prompt] = v
		}
		request := map[string]json.RawMessage{}
		if err := json.Unmarshal(body, &request); err != nil {
			return "", nil, err
		}
		var prompt struct {
			Variables json.RawMessage `json:"variables"`
		}
		if err := json.Unmarshal(request["prompt"], &prompt); err != nil {
			return "", nil, err
		}
		var made struct {
			Text     string            `json:"text"`
			Messages []json.RawMessage `json:"messages"`
		}
		in := map[string]any{"ref": fmt.Sprint(v.Version), "variables": prompt.Variables}
		if _, err := c.do(ctx, http.MethodPost, promptPath(v.Name, "render"), nil, in, &made); err != nil {
			return "", nil, err
		}
		if made.Text != "" {
			text, err := json.Marshal(map[string]string{"role": "user", "content": made.Text})
			if err != nil {
				return "", nil, err
			}
			made.Messages = append(made.Messages, text)
		}
		var own []json.RawMessage
		if len(request["messages"]) > 0 && json.Unmarshal(request["messages"], &own) == nil {
			made.Messages = append(made.Messages, own...)
		}
		delete(request, "prompt")
		messages, err := json.Marshal(made.Messages)
		if err != nil {
			return "", nil, err
		}
		request["messages"] = messages
		rendered, err := json.Marshal(request)
		return cmp.Or(t.ModelName(), v.Model), rendered, err
	}
}

// estimated prints an estimate.
func (s *screen) estimated(e *eval.Estimate) {
	basis := map[eval.Basis]string{
		eval.FromRun: "as in the run before", eval.FromBound: "answers as long as max_tokens lets them be", eval.Assumed: "answers of 256 tokens assumed", eval.Unknown: "it says no cost",
	}
	cost := func(calls int, usd fmt.Stringer, known bool) string {
		if !known {
			return noun(calls, "call") + " at a price that is not known"
		}
		return noun(calls, "call") + ", about " + usd.String() + " USD"
	}
	for _, t := range e.Targets {
		s.note("target %s: %s (%s tokens in, %s out; %s)", clean(t.Target), cost(t.Calls, t.Cost, t.Cost != nil), count(t.Input), count(t.Output), basis[t.Basis])
	}
	for _, c := range e.Scorers {
		s.note("scorer %s: at most %s (%s tokens in, %s out)", clean(c.Scorer), cost(c.Calls, c.Cost, c.Cost != nil), count(c.Input), count(c.Output))
	}
	more := ""
	if len(e.Unpriced) > 0 {
		more = ", and what " + clean(strings.Join(e.Unpriced, ", ")) + " will cost"
	}
	s.note("in all %s, about %s USD%s", noun(e.Calls, "call"), e.Cost, more)
	if e.Limit != nil && e.Cost > *e.Limit {
		s.note("that is more than the run may cost: it stops before %s USD are passed, and can be resumed", *e.Limit)
	}
}
