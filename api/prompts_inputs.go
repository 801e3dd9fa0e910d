package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/llm/tokens"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/prompts"
	"github.com/weir-dev/weir/trace"
)

const (
	recentCalls = 25                  // of a prompt that are looked at
	recentSpan  = 30 * 24 * time.Hour // how old they are at most
)

// promptDiff is what differs between two versions.
type promptDiff struct {
	prompts.Difference
	Text        string        `json:"text"`         // the same as a unified diff
	Recent      *recentInputs `json:"recent"`       // null when there is nothing to compare, or the calls could not be read
	RecentError string        `json:"recent_error"` // why they could not
}

// recentInputs says what two versions make of the variables of recent calls. Only what the prompt itself sends is counted and priced:
// what callers added is the same for both, and what models will answer is not known.
type recentInputs struct {
	Calls     int    `json:"calls"`    // looked at, the newest of the last 30 days
	Inputs    int    `json:"inputs"`   // of those with variables that both versions take: all sums are over them
	Unusable  int    `json:"unusable"` // of those whose variables are not recorded, or that the older version does not take
	Refused   int    `json:"refused"`  // of those that the newer version would refuse
	Refusal   string `json:"refusal"`  // of the first one
	Estimated bool   `json:"estimated"`
	// FromTokens and ToTokens are input tokens; Estimated says that the vocabulary of a model is not known.
	FromTokens int64 `json:"from_tokens"`
	ToTokens   int64 `json:"to_tokens"`
	// FromUSD and ToUSD are what those tokens cost by the book in force; null when a model has no price.
	FromUSD *price.USD `json:"from_usd"`
	ToUSD   *price.USD `json:"to_usd"`
}

func (a *API) diffPrompt(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	for _, name := range []string{"from", "to"} {
		if q.Get(name) == "" {
			return bad(name, "%s is missing: name two versions, as ?from=1&to=production", name)
		}
	}
	s, from, _, err := a.versionOf(r, q.Get("from"))
	if err != nil {
		return err
	}
	_, to, _, err := a.versionOf(r, q.Get("to"))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, a.difference(r.Context(), s, from, to))
}

// difference compares two versions of a prompt. The first may be the zero one, which says nothing.
func (a *API) difference(ctx context.Context, s *prompts.Snapshot, from, to *prompts.Version) *promptDiff {
	out := &promptDiff{Difference: prompts.Diff(*from, *to)}
	out.Text = out.Difference.String()
	if from.Number == 0 {
		return out
	}
	recent, err := a.recent(ctx, s, from, to)
	if err != nil {
		out.RecentError = faultOf(err).Message
		return out
	}
	out.Recent = recent
	return out
}

// side is one of the two versions that are compared.
type side struct {
	version  *prompts.Version
	compiled *prompts.Compiled
	partials prompts.Resolver

	tokens   int64
	usd      price.USD
	unpriced bool
}

// recent renders the variables of recent calls with both versions.
func (a *API) recent(ctx context.Context, s *prompts.Snapshot, from, to *prompts.Version) (*recentInputs, error) {
	sides := [2]side{{version: from}, {version: to}}
	for i := range sides {
		var err error
		if sides[i].compiled, err = prompts.Compile(*sides[i].version); err != nil {
			return nil, err
		}
		sides[i].partials = partialsOf(s, nil)
	}
	page, err := a.cfg.Reader.Calls(ctx, trace.Filter{Prompt: to.Name, Since: time.Now().Add(-recentSpan)}, recentCalls, "")
	if err != nil {
		return nil, fmt.Errorf("read recent calls: %w", err)
	}
	out := &recentInputs{Calls: len(page.Calls)}
	for i := range page.Calls {
		record, err := a.cfg.Reader.Call(ctx, page.Calls[i].ID)
		if err != nil {
			return nil, fmt.Errorf("read recent calls: %w", err)
		}
		a.addInput(out, &sides, &record)
	}
	out.FromTokens, out.ToTokens = sides[0].tokens, sides[1].tokens
	if !sides[0].unpriced && !sides[1].unpriced && out.Inputs > 0 {
		out.FromUSD, out.ToUSD = &sides[0].usd, &sides[1].usd
	}
	return out, nil
}

// addInput adds one call's variables.
func (a *API) addInput(out *recentInputs, sides *[2]side, record *trace.Record) {
	var body struct {
		Prompt struct {
			Variables json.RawMessage `json:"variables"`
		} `json:"prompt"`
	}
	if err := json.Unmarshal(record.Body.Request, &body); err != nil || body.Prompt.Variables == nil {
		out.Unusable++
		return
	}
	var made [2]prompts.Rendered
	for i := range sides {
		var err error
		if made[i], err = sides[i].compiled.Render(body.Prompt.Variables, sides[i].partials); err == nil {
			continue
		}
		if i == 0 {
			out.Unusable++
			return
		}
		if out.Refused++; out.Refusal == "" {
			out.Refusal = err.Error()
		}
		return
	}
	out.Inputs++
	for i := range sides {
		if !a.count(&sides[i], &made[i], &record.Call) {
			out.Estimated = true
		}
	}
}

// count adds the tokens of what a version sends, and what they cost on the model that would answer; false when they are estimated.
func (a *API) count(s *side, made *prompts.Rendered, call *trace.Span) bool {
	model := call.Model
	if s.version.Model != "" && s.version.Model != call.ModelRequested {
		model = s.version.Model
	}
	body := map[string]any{"model": model, "messages": made.Messages}
	if made.Messages == nil {
		body["messages"] = []prompts.Message{{Role: "user", Content: made.Text}}
	}
	if len(made.Tools) > 0 {
		body["tools"] = made.Tools
	}
	if len(made.ResponseFormat) > 0 {
		body["response_format"] = made.ResponseFormat
	}
	text, err := json.Marshal(body)
	if err != nil { // raw members were checked when they were pushed
		s.unpriced = true
		return false
	}
	vocabulary, known := tokens.For(model)
	n := int64(tokens.ChatRequest(vocabulary, text))
	s.tokens += n
	cost, priced := a.cfg.Book().Quote(price.Charge{
		Provider: a.cfg.PriceAs(call.Provider), Model: model, Project: call.Project, Usage: llm.Usage{InputUncached: n}, At: time.Now(),
	}).Known()
	s.usd += cost
	s.unpriced = s.unpriced || !priced
	return known
}
