package simulator

import (
	"encoding/json"
	"slices"
	"strings"
)

// prompt is what the text endpoints ask, in one form.
type prompt struct {
	system   string // all system and developer messages
	turns    []turn
	tools    []tool
	choice   string // none, auto, required, or the name of a function
	parallel bool   // more than one call in an answer is welcome
	format   format
	limit    int // most tokens in the answer, reasoning included; 0: no limit
	stop     []string
	effort   string // minimal, low, medium, high; empty: medium
}

// turn is one message of the conversation.
type turn struct {
	role string // user, assistant, tool
	text string
}

// tool is a function the model may call.
type tool struct {
	name, description string
	schema            json.RawMessage
}

// format is the form the answer must have.
type format struct {
	kind   string // text, json_object, json_schema
	schema json.RawMessage
}

// last returns the newest user message, or the newest message of any kind.
func (p prompt) last() string {
	for _, v := range slices.Backward(p.turns) {
		if v.role == "user" {
			return v.text
		}
	}
	if len(p.turns) > 0 {
		return p.turns[len(p.turns)-1].text
	}
	return p.system
}

// afterTool reports whether the newest message is a tool's result, and returns all results since the last user turn.
func (p prompt) afterTool() ([]string, bool) {
	var results []string
	for i := len(p.turns) - 1; i >= 0 && p.turns[i].role != "user"; i-- {
		if p.turns[i].role == "tool" {
			results = append([]string{p.turns[i].text}, results...)
		}
	}
	n := len(p.turns)
	return results, n > 0 && p.turns[n-1].role == "tool"
}

// contentText reads the text of a message's content: a string, or a list of parts.
func contentText(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || json.Unmarshal(raw, &s) == nil {
		return s
	}
	var parts []struct {
		Text    string `json:"text"`
		Refusal string `json:"refusal"`
	}
	if json.Unmarshal(raw, &parts) != nil {
		return ""
	}
	var texts []string
	for _, p := range parts {
		if t := p.Text + p.Refusal; t != "" {
			texts = append(texts, t)
		}
	}
	return strings.Join(texts, "\n")
}

// readChoice reads tool_choice in either dialect: a word, {"type":"function","function":{"name"}} or {"type":"function","name"}.
func readChoice(raw json.RawMessage) string {
	var word string
	if len(raw) == 0 || json.Unmarshal(raw, &word) == nil {
		return word
	}
	var named struct {
		Name     string `json:"name"`
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	}
	if json.Unmarshal(raw, &named) != nil {
		return ""
	}
	return named.Name + named.Function.Name
}

// readStop reads stop: nothing, a string, or a list of strings.
func readStop(raw json.RawMessage) []string {
	var one string
	if json.Unmarshal(raw, &one) == nil && one != "" {
		return []string{one}
	}
	var many []string
	if json.Unmarshal(raw, &many) != nil {
		return nil
	}
	return many
}
