package eval

import (
	"encoding/json"
	"slices"
	"strings"
)

func toolMetrics() []metric {
	return []metric{
		{name: "tool_names", about: "F1 of the functions that are called against those that are expected, their order aside", pass: &whole, make: tools(nameF1)},
		{name: "tool_arguments", about: "the share of the expected calls that are made with these arguments", pass: &whole, make: tools(argumentShare)},
		{name: "tool_sequence", about: "the functions are called that are expected, in that order and no others", pass: &whole, make: tools(func(got, want []ToolCall) float64 {
			if slices.EqualFunc(got, want, func(a, b ToolCall) bool { return a.Name == b.Name }) {
				return 1
			}
			return 0
		})},
	}
}

// toolCalls reads calls: a list of {"name", "arguments"}, or of names, or an object whose tool_calls is one; as OpenAI writes them, too.
func toolCalls(raw json.RawMessage) ([]ToolCall, bool) {
	var whole struct {
		ToolCalls json.RawMessage `json:"tool_calls"`
	}
	if json.Unmarshal(raw, &whole) == nil && whole.ToolCalls != nil {
		raw = whole.ToolCalls
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return nil, false
	}
	out := make([]ToolCall, len(list))
	for i, one := range list {
		var c struct {
			ToolCall
			Function *ToolCall `json:"function"`
		}
		switch {
		case json.Unmarshal(one, &c.Name) == nil:
		case json.Unmarshal(one, &c) == nil && c.Function != nil:
			c.ToolCall = *c.Function
		}
		if c.Name == "" {
			return nil, false
		}
		out[i] = ToolCall{Name: c.Name, Arguments: arguments(c.Arguments)}
	}
	return out, true
}

// arguments are a call's in one form, whether they came as an object or as its text.
func arguments(raw json.RawMessage) json.RawMessage {
	var inner string
	if json.Unmarshal(raw, &inner) == nil {
		raw = json.RawMessage(inner)
	}
	if v, err := normal(raw); err == nil {
		raw = v
	}
	if len(raw) == 0 {
		return json.RawMessage("{}")
	}
	return raw
}

func tools(score func(got, want []ToolCall) float64) func(ScorerConfig) (Scorer, error) {
	return func(ScorerConfig) (Scorer, error) {
		return ScorerFunc(func(s Sample) Score {
			if s.Item.Expected == nil {
				return unscorable(errNoExpected.Error())
			}
			want, ok := toolCalls(s.Item.Expected)
			if !ok {
				return unscorable(`what is expected is no list of calls: want [{"name": …, "arguments": {…}}]`)
			}
			got := s.Answer.ToolCalls
			if len(got) == 0 { // of a command, which writes them
				got, _ = toolCalls(json.RawMessage(strings.TrimSpace(s.Answer.Text)))
			}
			return scored(score(got, want))
		}), nil
	}
}

func nameF1(got, want []ToolCall) float64 {
	if len(got) == 0 && len(want) == 0 {
		return 1
	}
	same := common(got, want, func(c ToolCall) string { return c.Name })
	return 2 * float64(same) / float64(len(got)+len(want))
}

func argumentShare(got, want []ToolCall) float64 {
	if len(want) == 0 {
		return float64(1 - min(1, len(got)))
	}
	return float64(common(got, want, func(c ToolCall) string { return c.Name + "\x00" + string(arguments(c.Arguments)) })) / float64(len(want))
}

// common counts what two lists share.
func common(a, b []ToolCall, key func(ToolCall) string) int {
	counts := map[string]int{}
	for _, c := range b {
		counts[key(c)]++
	}
	n := 0
	for _, c := range a {
		if k := key(c); counts[k] > 0 {
			counts[k]--
			n++
		}
	}
	return n
}
