package upstream

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weir-dev/weir/internal/rawjson"
	"github.com/weir-dev/weir/llm"
)

// request is a chat completion request while it is translated: what is taken out of it is accounted for, and what is
// left at the end had no counterpart.
type request struct {
	provider string
	fields   map[string]rawjson.Value
	names    []string // in the order of the body
	dropped  []string
}

func readRequest(provider string, body []byte) (*request, *llm.Fault) {
	r := &request{provider: provider, fields: map[string]rawjson.Value{}}
	err := rawjson.Scan(body, func(key []byte, v rawjson.Value, _ int) bool {
		name := string(key)
		if _, twice := r.fields[name]; !twice {
			r.names = append(r.names, name)
		}
		if v.Kind() == rawjson.Null {
			v = nil
		}
		r.fields[name] = v
		return true
	})
	if err != nil {
		return nil, llm.Faultf(llm.InvalidRequest, "the body is not valid JSON: %v", err)
	}
	return r, nil
}

// take gives a member and marks it as understood; nil when it is absent or null.
func (r *request) take(name string) rawjson.Value {
	v := r.fields[name]
	delete(r.fields, name)
	return v
}

// takeText is take of a string; an empty one is absent.
func (r *request) takeText(name string) (string, *llm.Fault) {
	v := r.take(name)
	if v == nil {
		return "", nil
	}
	s, ok := v.Str()
	if !ok {
		return "", badParam(name, "want a string")
	}
	return s, nil
}

// takeNumber is take of a number as it is written.
func (r *request) takeNumber(name string) (rawjson.Value, *llm.Fault) {
	v := r.take(name)
	if v != nil && v.Kind() != rawjson.Number {
		return nil, badParam(name, "want a number")
	}
	return v, nil
}

// takeLimit is the bound on the answer's tokens, 0 without one.
func (r *request) takeLimit() (int64, *llm.Fault) {
	old, limit := r.take("max_tokens"), r.take("max_completion_tokens")
	if limit == nil {
		limit = old
	}
	if limit == nil {
		return 0, nil
	}
	n, ok := limit.Int()
	if !ok || n < 1 {
		return 0, badParam("max_completion_tokens", "want a whole number above zero")
	}
	return n, nil
}

// takeStop is the list of stop sequences, nil without any.
func (r *request) takeStop() (list, *llm.Fault) {
	v := r.take("stop")
	var out list
	switch v.Kind() {
	case rawjson.Absent:
	case rawjson.String:
		out = append(out, v)
	case rawjson.Array:
		wrong := false
		v.Each(func(_ int, s rawjson.Value) bool {
			wrong = wrong || s.Kind() != rawjson.String
			out = append(out, s)
			return true
		})
		if wrong {
			return nil, badParam("stop", "want strings")
		}
	default:
		return nil, badParam("stop", "want a string or an array of strings")
	}
	return out, nil
}

// drop notes that a member was left out.
func (r *request) drop(name string) {
	const most, longest = 32, 64
	name = strings.Map(func(c rune) rune { // it goes into a header
		if c > ' ' && c < 0x7f && c != ',' && c != '"' {
			return c
		}
		return '_'
	}, name)
	if len(name) > longest {
		name = name[:longest]
	}
	if len(r.dropped) < most && !slices.Contains(r.dropped, name) {
		r.dropped = append(r.dropped, name)
	}
}

// refuse says that the provider has nothing like a member whose absence would change the answer's meaning.
func (r *request) refuse(param, why string) *llm.Fault {
	return badParam(param, fmt.Sprintf("provider %s cannot do this: %s; leave it out or ask a model of another provider", r.provider, why))
}

func badParam(param, why string) *llm.Fault {
	return &llm.Fault{Code: llm.InvalidRequest, Param: param, Message: param + ": " + why}
}

// meaning are members of the dialect without which an answer would be another one, the values that say nothing, and
// why an answer would be another one.
var meaning = map[string]struct {
	neutral func(rawjson.Value) bool
	why     string
}{
	"n":                  {isNumber(1), "it gives one choice"},
	"logprobs":           {isFalse, "it gives no log probabilities"},
	"top_logprobs":       {isNumber(0), "it gives no log probabilities"},
	"logit_bias":         {rawjson.Value.Empty, "its sampling cannot be biased by token"},
	"functions":          {rawjson.Value.Empty, "weir translates tools, which replaced functions"},
	"function_call":      {rawjson.Value.Empty, "weir translates tool_choice, which replaced function_call"},
	"audio":              {rawjson.Value.Empty, "it gives no audio here"},
	"modalities":         {onlyText, "weir translates answers of text"},
	"web_search_options": {neverNeutral, "weir does not translate web search"},
}

// harmless are values that say nothing, of members that may be left out.
var harmless = map[string]func(rawjson.Value) bool{
	"presence_penalty":    isNumber(0),
	"frequency_penalty":   isNumber(0),
	"store":               isFalse,
	"parallel_tool_calls": func(v rawjson.Value) bool { return string(v) == "true" },
	"service_tier":        func(v rawjson.Value) bool { return v.Is("auto") || v.Is("default") },
	"stream_options":      func(rawjson.Value) bool { return true }, // the translation itself reads it
	"stream":              func(rawjson.Value) bool { return true },
	"model":               func(rawjson.Value) bool { return true },
}

// rest accounts for the members that nothing has taken: it refuses those that would change the meaning and drops the
// others.
func (r *request) rest() *llm.Fault {
	for _, name := range r.names {
		v, left := r.fields[name]
		if !left || v == nil {
			continue
		}
		if m, ok := meaning[name]; ok {
			if !m.neutral(v) {
				return r.refuse(name, m.why)
			}
			continue
		}
		if says, ok := harmless[name]; ok && says(v) {
			continue
		}
		r.drop(name)
	}
	return nil
}

func isNumber(want int64) func(rawjson.Value) bool {
	return func(v rawjson.Value) bool {
		n, ok := v.Int()
		return ok && n == want
	}
}

func isFalse(v rawjson.Value) bool    { return string(v) == "false" }
func neverNeutral(rawjson.Value) bool { return false }

func onlyText(v rawjson.Value) bool {
	only := v.Kind() == rawjson.Array
	v.Each(func(_ int, m rawjson.Value) bool {
		only = only && m.Is("text")
		return only
	})
	return only
}
