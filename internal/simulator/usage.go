package simulator

import (
	"encoding/json"
)

// usage is the token count of one answer, as chat completions report it.
type usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
	PromptDetails    struct {
		Cached int `json:"cached_tokens"`
		Audio  int `json:"audio_tokens"`
	} `json:"prompt_tokens_details"`
	CompletionDetails struct {
		Reasoning int `json:"reasoning_tokens"`
		Audio     int `json:"audio_tokens"`
		Accepted  int `json:"accepted_prediction_tokens"`
		Rejected  int `json:"rejected_prediction_tokens"`
	} `json:"completion_tokens_details"`
}

func newUsage(prompt, cached int, answers []answer) usage {
	u := usage{PromptTokens: prompt}
	u.PromptDetails.Cached = min(cached, prompt)
	for _, a := range answers {
		u.CompletionTokens += a.tokens + a.reasoning
		u.CompletionDetails.Reasoning += a.reasoning
	}
	u.TotalTokens = u.PromptTokens + u.CompletionTokens
	return u
}

// as returns the usage as the directive wants it reported: nil, zeros, or the counts.
func (u usage) as(b Behaviour) *usage {
	switch b.Usage {
	case "none":
		return nil
	case "zero":
		return new(usage)
	}
	return &u
}

// Prompt caching as OpenAI does it: prompts of at least 1,024 tokens, in steps of 128.
const (
	cacheFloor = 1024
	cacheStep  = 128
)

// cachedTokens says how much of the prompt was in the provider's cache. What can have been sent before is what stands
// before the newest user message: a long system message, or the conversation so far. Nine bodies in ten find it there.
// The rule keeps no memory, so that the same body always has the same usage.
func cachedTokens(x *exchange, endpoint, field string, prompt int, count counter) int {
	if x.b.Cached > 0 {
		return min(x.b.Cached, prompt)
	}
	lucky := x.dice.Float64() < .9
	if !lucky || prompt < cacheFloor {
		return 0
	}
	var body map[string]json.RawMessage
	var items []json.RawMessage
	if json.Unmarshal(x.body, &body) != nil || json.Unmarshal(body[field], &items) != nil {
		return 0
	}
	last := len(items) - 1
	for last > 0 && !isUser(items[last]) {
		last--
	}
	if last <= 0 && len(body["instructions"]) == 0 {
		return 0
	}
	prefix, err := json.Marshal(items[:max(last, 0)])
	if err != nil {
		return 0
	}
	body[field] = prefix
	head, err := json.Marshal(body)
	if err != nil {
		return 0
	}
	known := min(count.prompt(endpoint, head), prompt)
	if known < cacheFloor {
		return 0
	}
	return known / cacheStep * cacheStep
}

func isUser(item json.RawMessage) bool {
	var m struct {
		Role string `json:"role"`
	}
	return json.Unmarshal(item, &m) == nil && m.Role == "user"
}
