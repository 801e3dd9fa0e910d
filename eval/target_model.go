package eval

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// Gateway is the weir that models are asked through, so that each ask is recorded, priced and held to budgets like any call.
type Gateway struct {
	URL    string // with /v1
	Key    string // a virtual key
	Client *http.Client
	// Recorded finds the call that was recorded with a tag, and what it answered; false when there is none that was answered. Nil: nothing is
	// looked for.
	Recorded func(ctx context.Context, run, tag string) (Answer, bool, error)
}

// modelTarget asks a model.
type modelTarget struct {
	cfg     TargetConfig
	to      Gateway
	timeout time.Duration
}

var _ Recoverer = (*modelTarget)(nil)

// NewModel makes a target of a model, with or without a prompt, or of a RAG pipeline, which is asked like one.
func NewModel(c TargetConfig, to Gateway, timeout time.Duration) Target {
	return &modelTarget{c, to, timeout}
}

// Tag is the value of the tag eval_ask that an ask's call is recorded with.
func (k Key) Tag() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d", k.Target, k.Item, k.Repeat))
	return hex.EncodeToString(sum[:12])
}

// body is the request for an item.
func (t *modelTarget) body(it *Item) ([]byte, error) {
	out := map[string]json.RawMessage{}
	if t.cfg.Parameters != nil {
		if err := json.Unmarshal(t.cfg.Parameters, &out); err != nil {
			return nil, fmt.Errorf("parameters: %w", err)
		}
	}
	if model := t.cfg.ModelName(); model != "" {
		out["model"] = marshal(model)
	}
	var object map[string]json.RawMessage
	isObject := json.Unmarshal(it.Input, &object) == nil && object != nil
	var variables json.RawMessage
	switch messages, chat := object["messages"]; {
	case chat:
		out["messages"] = messages
		if variables = object["variables"]; variables != nil && t.cfg.Prompt == "" {
			return nil, errors.New("the input has variables, and the target no prompt")
		}
	case t.cfg.Prompt != "" && isObject:
		variables = it.Input
	case t.cfg.Prompt != "" && t.cfg.Variable != "":
		variables = marshal(map[string]json.RawMessage{t.cfg.Variable: it.Input})
	default:
		out["messages"] = marshal([]map[string]string{{"role": "user", "content": Text(it.Input)}})
	}
	if t.cfg.Prompt != "" {
		prompt := map[string]any{"id": t.cfg.Prompt}
		if variables != nil {
			prompt["variables"] = variables
		}
		out["prompt"] = marshal(prompt)
	}
	return marshal(out), nil
}

// Ask implements Target.
func (t *modelTarget) Ask(ctx context.Context, a Ask) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	body, err := t.body(a.Item)
	if err != nil {
		return Answer{}, &AskError{Err: err}
	}
	cache := t.cfg.Cache
	if cache == "" {
		cache = "off" // an answer from the cache would say nothing of the model, and the same of each repeat
	}
	header := http.Header{
		"Content-Type": {"application/json"}, "Authorization": {"Bearer " + t.to.Key}, "X-Weir-Session": {a.Run}, "X-Weir-Cache": {cache},
		"X-Weir-Tags": {"eval_run=" + a.Run + ",eval_target=" + t.cfg.Name + ",eval_ask=" + a.Tag()},
	}
	begin := time.Now()
	head, raw, err := post(ctx, t.to.Client, strings.TrimSuffix(t.to.URL, "/")+"/chat/completions", header, body)
	if err != nil {
		e := asAskError(err)
		if r, ok := errors.AsType[*refusedError](e.Err); ok {
			switch Text(first(r.body, "error.code")) {
			case "weir_budget_exceeded":
				e.Stop, e.Again, e.Err = true, false, spentError{e.Err}
			case "weir_unauthorized":
				e.Stop, e.Again = true, false
			}
		}
		return Answer{}, e
	}
	out := readAnswer(raw)
	out.LatencyMS = milliseconds(begin)
	out.CallID, out.Prompt = head.Get("X-Weir-Call-Id"), head.Get("X-Weir-Prompt")
	if usd, err := price.ParseUSD(head.Get("X-Weir-Cost-USD")); err == nil {
		out.Cost = &usd
	}
	return out, nil
}

// Recover implements Recoverer.
func (t *modelTarget) Recover(ctx context.Context, a Ask) (Answer, bool, error) {
	if t.to.Recorded == nil {
		return Answer{}, false, nil
	}
	return t.to.Recorded(ctx, a.Run, a.Tag())
}

// readAnswer reads an answer of chat.completions.
func readAnswer(raw []byte) Answer {
	var out Answer
	said := llm.Assemble(llm.ChatCompletions, llm.OpenAI, false, raw)
	if len(said.Texts) > 0 {
		out.Text = said.Texts[0]
	}
	if out.Text == "" {
		out.Text = said.Refusal
	}
	for _, c := range said.ToolCalls {
		if c.Choice == 0 {
			out.ToolCalls = append(out.ToolCalls, ToolCall{Name: c.Name, Arguments: arguments(marshal(c.Arguments))})
		}
	}
	var whole struct {
		Model   string `json:"model"`
		Choices []struct {
			Message struct {
				Contexts  json.RawMessage `json:"contexts"` // of a RAG pipeline; of others it may be anything
				Citations json.RawMessage `json:"citations"`
			} `json:"message"`
		} `json:"choices"`
		Usage struct {
			Prompt     int64 `json:"prompt_tokens"`
			Completion int64 `json:"completion_tokens"`
		} `json:"usage"`
	}
	if json.Unmarshal(raw, &whole) == nil {
		out.Model, out.InputTokens, out.OutputTokens = whole.Model, whole.Usage.Prompt, whole.Usage.Completion
		if len(whole.Choices) > 0 {
			m := &whole.Choices[0].Message
			if json.Unmarshal(m.Contexts, &out.Contexts) != nil {
				out.Contexts = nil
			}
			if json.Unmarshal(m.Citations, &out.Citations) != nil {
				out.Citations = nil
			}
		}
	}
	return out
}

// ReadAnswer reads what a recorded call answered, as a target's answer.
func ReadAnswer(endpoint llm.Endpoint, dialect llm.Dialect, stream bool, body []byte) Answer {
	if endpoint == llm.ChatCompletions && dialect == llm.OpenAI && !stream {
		return readAnswer(body)
	}
	var out Answer
	said := llm.Assemble(endpoint, dialect, stream, body)
	if len(said.Texts) > 0 {
		out.Text = said.Texts[0]
	}
	for _, c := range said.ToolCalls {
		out.ToolCalls = append(out.ToolCalls, ToolCall{Name: c.Name, Arguments: arguments(marshal(c.Arguments))})
	}
	return out
}
