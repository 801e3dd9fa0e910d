package simulator

import "github.com/weir-dev/weir/llm/tokens"

// counter counts tokens as one model does.
type counter struct{ enc tokens.Encoding }

func counterFor(m model) counter {
	enc, _ := tokens.For(m.name())
	return counter{enc}
}

// text counts a text.
func (c counter) text(b []byte) int { return tokens.Count(c.enc, b) }

// prompt counts the prompt of a request to an endpoint: chat.completions, completions, embeddings or responses.
func (c counter) prompt(endpoint string, body []byte) int {
	return tokens.Request(endpoint, c.enc, body)
}
