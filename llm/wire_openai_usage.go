package llm

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/weir-dev/weir/internal/rawjson"
)

// openaiUsages reads the usage block; Groq's own is the same number in another place.
func (m *Meter) openaiUsages(usage, groq rawjson.Value) {
	if groq != nil {
		if m.out.Err == nil {
			if e, ok := groq.Get("error").Str(); ok && e != "" {
				m.out.Err = &Error{Type: "http_502", Message: clip(maskSecrets(e), maxMessage), Status: http.StatusBadGateway, Retryable: true}
			}
		}
		if u := groq.Get("usage"); usage.Empty() {
			usage = u
		}
	}
	if !usage.Empty() {
		m.openaiUsage(usage)
	}
}

// openaiUsage reads a block with inclusive totals, in the names of chat completions or of the Responses API.
func (m *Meter) openaiUsage(usage rawjson.Value) {
	var (
		c                   counts
		in, out, total      rawjson.Value
		ownReasoning        int64
		hit                 rawjson.Value
		research, byTheTime bool
	)
	usage.Members(func(key []byte, v rawjson.Value) bool {
		switch string(key) {
		case "prompt_tokens", "input_tokens":
			in = v
		case "completion_tokens", "output_tokens":
			out = v
		case "total_tokens":
			total = v
		case "prompt_tokens_details", "input_tokens_details", "input_token_details":
			v.Members(func(key []byte, v rawjson.Value) bool {
				switch string(key) {
				case "cached_tokens":
					c.cacheRead = m.detail(v)
				case "cache_write_tokens":
					c.write5m = m.detail(v)
				case "audio_tokens":
					c.audioIn = m.detail(v)
				}
				return true
			})
		case "completion_tokens_details", "output_tokens_details", "output_token_details":
			v.Members(func(key []byte, v rawjson.Value) bool {
				switch string(key) {
				case "reasoning_tokens":
					c.reasoning = m.detail(v)
				case "audio_tokens":
					c.audioOut = m.detail(v)
				}
				return true
			})
		case "cached_tokens", "prompt_cache_hit_tokens":
			hit = v
		case "reasoning_tokens":
			ownReasoning = m.detail(v)
		case "citation_tokens":
			research = true
		case "num_search_queries":
			m.out.Units.WebSearch, research = m.detail(v), true
		case "cost":
			m.cost(v)
		case "cost_in_usd_ticks":
			m.ticks(v)
		case "type":
			byTheTime = v.Is("duration")
		case "seconds":
			if s, err := strconv.ParseFloat(string(v), 64); err == nil && s >= 0 && s < 1e9 {
				m.out.Units.AudioSeconds = s
			}
		}
		return true
	})
	if byTheTime && in == nil && out == nil {
		m.take(counts{}, usage)
		return
	}
	var okIn, okOut bool
	c.in, okIn = count(in)
	c.out, okOut = count(out)
	if out.Kind() <= rawjson.Null && m.outputOptional() {
		okOut = true
	}
	if !okIn || !okOut {
		m.void(usage)
		return
	}
	if c.cacheRead == 0 {
		c.cacheRead = m.detail(hit)
	}
	switch sum, _ := count(total); {
	case m.Quirks.ReasoningApart && sum != c.in+c.out:
		c.out += c.reasoning
	case m.Quirks.TotalHoldsReasoning && sum > c.in+c.out:
		c.reasoning = max(c.reasoning, sum-c.in-c.out)
		c.out = sum - c.in
	case research: // deep research counts its reasoning beside the completion
		c.reasoning, c.out = ownReasoning, c.out+ownReasoning
	case c.reasoning == 0:
		c.reasoning = ownReasoning
	}
	m.take(c, usage)
}

// outputOptional: embeddings, rankings and the like have no output tokens.
func (m *Meter) outputOptional() bool { return m.Endpoint == Embeddings || !m.generates() }

// cost reads a cost in dollars, as a number (OpenRouter) or an object with a total (Perplexity).
func (m *Meter) cost(v rawjson.Value) {
	if v.Kind() == rawjson.Object {
		v = v.Get("total_cost")
	}
	if d, ok := decimal(v); ok {
		m.out.ProviderCost = d
	}
}

// ticks reads a cost in units of 10⁻¹⁰ dollars (xAI).
func (m *Meter) ticks(v rawjson.Value) {
	n, ok := v.Int()
	if !ok || n < 0 {
		return
	}
	d := strconv.AppendInt(nil, n, 10)
	s := shift(d, len(d)-10)
	m.out.ProviderCost = strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	if m.out.ProviderCost == "" {
		m.out.ProviderCost = "0"
	}
}
