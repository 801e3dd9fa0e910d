package simulator

import (
	"encoding/json"
	"time"
)

// completionRequest is the part of a legacy completion request that shapes the answer.
type completionRequest struct {
	Prompt        json.RawMessage `json:"prompt"` // a string, a list of strings, or token ids
	N             *int            `json:"n"`
	Stream        bool            `json:"stream"`
	StreamOptions streamOptions   `json:"stream_options"`
	MaxTokens     *int            `json:"max_tokens"`
	Temperature   *float64        `json:"temperature"`
	TopP          *float64        `json:"top_p"`
	Stop          json.RawMessage `json:"stop"`
	Echo          bool            `json:"echo"`
}

type (
	completion struct {
		ID      string             `json:"id"`
		Object  string             `json:"object"`
		Created int64              `json:"created"`
		Model   string             `json:"model"`
		Choices []completionChoice `json:"choices"`
		Usage   *usage             `json:"usage,omitempty"`
	}
	completionChoice struct {
		Text         string    `json:"text"`
		Index        int       `json:"index"`
		Logprobs     *struct{} `json:"logprobs"`
		FinishReason *string   `json:"finish_reason"`
	}
)

// complete answers POST /v1/completions. As in the original, an answer has 16 tokens unless the request says more.
func (s *Simulator) complete(x *exchange) error {
	if x.model.kind != chatKind {
		return notFound("This model is not supported in the v1/completions endpoint.")
	}
	var q completionRequest
	if err := decode(x.body, &q); err != nil {
		return err
	}
	if len(q.Prompt) == 0 {
		return missing("prompt")
	}
	inputs, err := readInputs(q.Prompt, "prompt")
	if err != nil {
		return err
	}
	n, err := choices(q.N)
	if err != nil {
		return err
	}
	if err := checkSampling(q.Temperature, q.TopP); err != nil {
		return err
	}
	limit := 16
	if q.MaxTokens != nil {
		limit = *q.MaxTokens
	}
	if limit < 1 {
		return invalid("max_tokens", "Invalid 'max_tokens': expected a value >= 1.")
	}
	if x.b.Text != "" || x.b.Words > 0 || x.b.Chunks > 0 {
		limit = 1 << 20
	}
	count := counterFor(x.model)
	id := "cmpl-" + newID(x.dice, 29)
	var answers []answer
	for _, in := range inputs {
		p := prompt{turns: []turn{{"user", in.text}}, limit: limit, stop: readStop(q.Stop)}
		for _, a := range answersTo(p, x, count, n) {
			if q.Echo {
				a.text = in.text + a.text
			}
			answers = append(answers, a)
		}
	}
	u := newUsage(count.prompt("completions", x.body), x.b.Cached, answers)
	out := completion{ID: id, Object: "text_completion", Created: time.Now().Unix(), Model: x.model.name()}
	if q.Stream {
		return s.ended(s.streamCompletion(x, out, answers, u, q.StreamOptions.IncludeUsage))
	}
	longest := 0
	for i, a := range answers {
		longest = max(longest, a.tokens)
		out.Choices = append(out.Choices, completionChoice{Text: a.text, Index: i, FinishReason: &a.finish})
	}
	out.Usage = u.as(x.b)
	if err := x.pace.whole(x.ctx, longest); err != nil {
		return err
	}
	if err := s.plain(x, out); err != nil {
		return err
	}
	s.bill(u.PromptTokens, u.CompletionTokens)
	return nil
}

func (s *Simulator) streamCompletion(x *exchange, chunk completion, answers []answer, u usage, includeUsage bool) (*stream, error) {
	st := s.open(x)
	if err := x.pace.start(x.ctx, 0); err != nil {
		return st, err
	}
	for i, a := range answers {
		for _, p := range a.pieces(x.b, x.dice) {
			if err := x.pace.next(x.ctx, p.tokens); err != nil {
				return st, err
			}
			chunk.Choices = []completionChoice{{Text: p.text, Index: i}}
			if err := st.send("", chunk); err != nil {
				return st, err
			}
		}
		chunk.Choices = []completionChoice{{Index: i, FinishReason: &a.finish}}
		if err := st.send("", chunk); err != nil {
			return st, err
		}
	}
	if reported := u.as(x.b); includeUsage && reported != nil {
		chunk.Choices, chunk.Usage = []completionChoice{}, reported
		if err := st.send("", chunk); err != nil {
			return st, err
		}
	}
	if err := st.send("", "[DONE]"); err != nil {
		return st, err
	}
	s.bill(u.PromptTokens, u.CompletionTokens)
	return st, nil
}
