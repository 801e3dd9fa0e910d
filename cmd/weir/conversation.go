package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/weir-dev/weir/llm"
)

// said is one turn of a conversation, for people.
type said struct{ role, text string }

// questions reads what was asked out of a request body. What it does not know it leaves out.
func questions(body []byte) []said {
	var q struct {
		System       any   `json:"system"`
		Instructions any   `json:"instructions"`
		Messages     []any `json:"messages"`
		Prompt       any   `json:"prompt"`
		Input        any   `json:"input"`
	}
	if json.Unmarshal(body, &q) != nil {
		return nil
	}
	var out []said
	add := func(role, text string) {
		if text != "" {
			out = append(out, said{role, text})
		}
	}
	add("system", plainText(q.System))
	add("system", plainText(q.Instructions))
	for _, m := range q.Messages {
		add(turn(m))
	}
	add("prompt", plainText(q.Prompt))
	if list, ok := q.Input.([]any); ok {
		for _, item := range list {
			add(turn(item))
		}
	} else {
		add("user", plainText(q.Input))
	}
	return out
}

// turn reads one message, or one item of an input.
func turn(m any) (role, text string) {
	o, ok := m.(map[string]any)
	if !ok {
		return "input", plainText(m)
	}
	role, _ = o["role"].(string)
	parts := []string{plainText(o["content"])}
	if s, ok := o["refusal"].(string); ok {
		parts = append(parts, s)
	}
	calls, _ := o["tool_calls"].([]any)
	for _, c := range calls {
		call, _ := c.(map[string]any)
		fn, _ := call["function"].(map[string]any)
		parts = append(parts, toolCall(fn["name"], fn["arguments"]))
	}
	switch o["type"] {
	case "function_call":
		role = "assistant"
		parts = append(parts, toolCall(o["name"], o["arguments"]))
	case "function_call_output":
		role = "tool"
		parts = append(parts, plainText(o["output"]))
	}
	if role == "" {
		role = "input"
	}
	return role, joinLines(parts)
}

// plainText is the text of a content: a string, or its parts a line each. Pictures and files are named, not shown.
func plainText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []any:
		var parts []string
		for _, p := range v {
			parts = append(parts, plainText(p))
		}
		return joinLines(parts)
	case map[string]any:
		for _, name := range []string{"text", "refusal", "thinking"} {
			if s, ok := v[name].(string); ok {
				return s
			}
		}
		switch kind, _ := v["type"].(string); kind {
		case "tool_use":
			return toolCall(v["name"], v["input"])
		case "tool_result":
			return plainText(v["content"])
		case "":
		default:
			return "[" + kind + "]"
		}
	}
	text, err := json.Marshal(v)
	if err != nil { // cannot happen: it came out of JSON
		return ""
	}
	return string(text)
}

func toolCall(name, args any) string {
	return fmt.Sprintf("-> %s(%s)", plainText(name), plainText(args))
}

func joinLines(parts []string) string {
	var kept []string
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, "\n")
}

// answers reads what was answered out of a response body, whole or an event stream.
func answers(endpoint llm.Endpoint, stream bool, body []byte) []said {
	dialect := llm.OpenAI
	if endpoint == llm.Messages {
		dialect = llm.Anthropic
	}
	a := llm.Assemble(endpoint, dialect, stream, body)
	var out []said
	if a.Reasoning != "" {
		out = append(out, said{"reasoning", a.Reasoning})
	}
	for i := range max(len(a.Texts), 1) {
		var parts []string
		if i < len(a.Texts) {
			parts = append(parts, a.Texts[i])
		}
		if i == 0 {
			parts = append(parts, a.Refusal)
		}
		for _, t := range a.ToolCalls {
			if t.Choice == i {
				parts = append(parts, toolCall(t.Name, t.Arguments))
			}
		}
		role := "assistant"
		if i > 0 {
			role = fmt.Sprintf("assistant, choice %d", i+1)
		}
		if text := joinLines(parts); text != "" {
			out = append(out, said{role, text})
		}
	}
	return out
}
