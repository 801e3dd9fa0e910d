package eval

import (
	"encoding/json"
	"fmt"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

// ItemOfCall makes an item of a recorded call: its messages, or the variables of its prompt, and, if expected is set, what was answered as what
// is expected. Content is as it was recorded, redacted or not at all. reason says why a call makes no item; "" is fine.
func ItemOfCall(rec *trace.Record, expected bool) (it Item, reason string) {
	c := &rec.Call
	if c.Endpoint != llm.ChatCompletions && c.Endpoint != llm.Messages {
		return it, "it is no chat"
	}
	if expected && c.Status != trace.StatusOK {
		return it, "it was not answered well"
	}
	if len(rec.Body.Request) == 0 {
		return it, "its content was not recorded"
	}
	var request struct {
		Messages json.RawMessage `json:"messages"`
		System   json.RawMessage `json:"system"`
		Prompt   struct {
			Variables json.RawMessage `json:"variables"`
		} `json:"prompt"`
	}
	if json.Unmarshal(rec.Body.Request, &request) != nil {
		return it, "its request is no JSON"
	}
	it = Item{ID: c.ID, Metadata: map[string]json.RawMessage{"model": marshal(c.Model), "call_id": marshal(c.ID)}}
	switch text, single := onlyText(request.Messages); {
	case request.Prompt.Variables != nil && request.Messages == nil:
		it.Input = request.Prompt.Variables
	case request.Messages == nil:
		return it, "its request has no messages"
	case single && request.System == nil && request.Prompt.Variables == nil:
		it.Input = marshal(text)
	default:
		messages := map[string]json.RawMessage{"messages": request.Messages}
		if request.System != nil { // of Anthropic's form, where it stands apart
			messages["messages"] = withSystem(request.System, request.Messages)
		}
		if request.Prompt.Variables != nil {
			messages["variables"] = request.Prompt.Variables
		}
		it.Input = marshal(messages)
	}
	if c.Prompt != "" {
		it.Metadata["prompt"] = marshal(c.Prompt)
	}
	if expected {
		dialect := llm.OpenAI
		if c.Endpoint == llm.Messages {
			dialect = llm.Anthropic
		}
		a := ReadAnswer(c.Endpoint, dialect, c.Stream, rec.Body.Response)
		switch {
		case a.Text != "":
			it.Expected = marshal(a.Text)
		case len(a.ToolCalls) > 0:
			it.Expected = marshal(a.ToolCalls)
		default:
			return it, "its answer was not recorded"
		}
	}
	if err := it.Settle(); err != nil {
		return it, err.Error()
	}
	return it, ""
}

// AnswerOfCall is what a recorded call answered, as a target's answer.
func AnswerOfCall(rec *trace.Record) Answer {
	c := &rec.Call
	dialect := llm.OpenAI
	if c.Endpoint == llm.Messages {
		dialect = llm.Anthropic
	}
	a := ReadAnswer(c.Endpoint, dialect, c.Stream, rec.Body.Response)
	a.CallID, a.Model, a.LatencyMS, a.At = c.ID, c.Model, float64(c.Duration)/1e6, c.End()
	a.InputTokens, a.OutputTokens, a.Tries = c.Usage.Input(), c.Usage.Output(), c.Attempts
	if usd, known := c.KnownCost(); known {
		a.Cost = &usd
	}
	if c.Prompt != "" && c.PromptVersion > 0 {
		a.Prompt = fmt.Sprintf("%s@%d", c.Prompt, c.PromptVersion)
	}
	return a
}

// onlyText is the text of messages that are a single one of a user.
func onlyText(messages json.RawMessage) (string, bool) {
	var list []struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	}
	var text string
	if json.Unmarshal(messages, &list) != nil || len(list) != 1 || list[0].Role != "user" || json.Unmarshal(list[0].Content, &text) != nil {
		return "", false
	}
	return text, true
}

// withSystem puts a system text before messages.
func withSystem(system, messages json.RawMessage) json.RawMessage {
	var list []json.RawMessage
	if json.Unmarshal(messages, &list) != nil {
		return messages
	}
	first := json.RawMessage(marshal(map[string]json.RawMessage{"role": json.RawMessage(`"system"`), "content": system}))
	return marshal(append([]json.RawMessage{first}, list...))
}
