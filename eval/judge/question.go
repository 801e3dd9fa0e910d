package judge

import (
	"encoding/json"
	"slices"
	"strconv"
)

// Format is how a model is held to the shape of its answer.
type Format string

// The formats: by a schema, which is the default; to some JSON object; by words alone, which every prompt has as well.
const (
	BySchema Format = "json_schema"
	ByObject Format = "json_object"
	ByWords  Format = "none"
)

// Question is one request to a model.
type Question struct {
	Version     string // hash of the judge that asks
	Step        string // which of its questions
	Vote        int    // from 0; the same question asked again has another
	Model       string
	Messages    []Message
	Schema      json.RawMessage // of the answer
	Format      Format          // "" is BySchema
	Temperature float64
	MaxTokens   int
	LogProbs    bool // ask for the probabilities of the answer's tokens
	Expect      int  // tokens of a usual answer, for estimates

	// Embed are texts to be made into vectors; then the fields from Messages on but Model mean nothing.
	Embed []string
}

// Key is the question's name in a cache: a hash of the judge (its rubric, prompt, models and parameters), the step, the vote, and
// the request, in which are the input, the output, what is expected and the contexts.
func (q *Question) Key() string {
	return hashOf(form, q.Version, q.Step, strconv.Itoa(q.Vote), string(q.body(nil)))
}

// topLogProbs is how many alternatives of a token are asked for: as many as OpenAI gives.
const topLogProbs = 20

// body is the request; members that the model would not take are left out.
func (q *Question) body(dropped []string) []byte {
	if q.Embed != nil {
		return marshal(struct {
			Model  string   `json:"model"`
			Input  []string `json:"input"`
			Format string   `json:"encoding_format"`
		}{q.Model, q.Embed, "float"})
	}
	type schema struct {
		Name   string          `json:"name"`
		Strict bool            `json:"strict"`
		Schema json.RawMessage `json:"schema"`
	}
	type format struct {
		Type   Format  `json:"type"`
		Schema *schema `json:"json_schema,omitempty"`
	}
	out := struct {
		Model       string    `json:"model"`
		Messages    []Message `json:"messages"`
		Format      *format   `json:"response_format,omitempty"`
		Temperature *float64  `json:"temperature,omitempty"`
		MaxTokens   int       `json:"max_tokens,omitempty"`
		MaxComplete int       `json:"max_completion_tokens,omitempty"`
		LogProbs    bool      `json:"logprobs,omitempty"`
		Top         int       `json:"top_logprobs,omitempty"`
	}{Model: q.Model, Messages: q.Messages, Temperature: &q.Temperature, MaxTokens: q.MaxTokens}
	switch q.Format {
	case ByObject:
		out.Format = &format{Type: ByObject}
	case ByWords:
	default:
		out.Format = &format{BySchema, &schema{"judgement", true, q.Schema}}
	}
	if q.LogProbs {
		out.LogProbs, out.Top = true, topLogProbs
	}
	if slices.Contains(dropped, "temperature") {
		out.Temperature = nil
	}
	if slices.Contains(dropped, "logprobs") {
		out.LogProbs, out.Top = false, 0
	}
	if slices.Contains(dropped, "response_format") {
		out.Format = nil
	}
	if slices.Contains(dropped, "max_tokens") {
		out.MaxTokens, out.MaxComplete = 0, out.MaxTokens
	}
	return marshal(out)
}

// unwanted names the member to leave out after a refusal that names it as param; "" when there is none such.
func unwanted(param string) string {
	switch param {
	case "temperature", "max_tokens":
		return param
	case "logprobs", "top_logprobs":
		return "logprobs"
	case "response_format", "response_format.type", "response_format.json_schema":
		return "response_format"
	}
	return ""
}
