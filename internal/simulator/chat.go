package simulator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"
)

// chatRequest is the part of a chat completion request that shapes the answer.
type chatRequest struct {
	Messages            []chatMessage   `json:"messages"`
	N                   *int            `json:"n"`
	Stream              bool            `json:"stream"`
	StreamOptions       streamOptions   `json:"stream_options"`
	MaxTokens           *int            `json:"max_tokens"`
	MaxCompletionTokens *int            `json:"max_completion_tokens"`
	Temperature         *float64        `json:"temperature"`
	TopP                *float64        `json:"top_p"`
	Stop                json.RawMessage `json:"stop"`
	Tools               []chatTool      `json:"tools"`
	ToolChoice          json.RawMessage `json:"tool_choice"`
	ParallelToolCalls   *bool           `json:"parallel_tool_calls"`
	ReasoningEffort     string          `json:"reasoning_effort"`
	ResponseFormat      struct {
		Type       string `json:"type"`
		JSONSchema struct {
			Schema json.RawMessage `json:"schema"`
		} `json:"json_schema"`
	} `json:"response_format"`
}

type chatMessage struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

type chatTool struct {
	Type     string `json:"type"`
	Function struct {
		Name        string          `json:"name"`
		Description string          `json:"description"`
		Parameters  json.RawMessage `json:"parameters"`
	} `json:"function"`
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

// prompt checks the request and puts it into the common form.
func (q chatRequest) prompt() (prompt, error) {
	p := prompt{choice: readChoice(q.ToolChoice), parallel: true, stop: readStop(q.Stop), effort: q.ReasoningEffort}
	if len(q.Messages) == 0 {
		return p, missing("messages")
	}
	for i, m := range q.Messages {
		text := contentText(m.Content)
		switch m.Role {
		case "system", "developer":
			p.system = join(p.system, text)
		case "user", "assistant", "tool":
			p.turns = append(p.turns, turn{m.Role, text})
		case "function":
			p.turns = append(p.turns, turn{"tool", text})
		default:
			return p, invalid(fmt.Sprintf("messages[%d].role", i), fmt.Sprintf("Invalid value: '%s'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.", m.Role))
		}
	}
	for i, t := range q.Tools {
		if t.Function.Name == "" {
			return p, missing(fmt.Sprintf("tools[%d].function.name", i))
		}
		p.tools = append(p.tools, tool{t.Function.Name, t.Function.Description, t.Function.Parameters})
	}
	if q.ParallelToolCalls != nil {
		p.parallel = *q.ParallelToolCalls
	}
	p.format = format{kind: cmp.Or(q.ResponseFormat.Type, "text"), schema: q.ResponseFormat.JSONSchema.Schema}
	if p.format.kind == "json_schema" && len(p.format.schema) == 0 {
		return p, missing("response_format.json_schema.schema")
	}
	limit := q.MaxCompletionTokens
	if limit == nil {
		limit = q.MaxTokens
	}
	if limit != nil {
		if *limit < 1 {
			return p, invalid("max_tokens", fmt.Sprintf("Invalid 'max_tokens': integer below minimum value. Expected a value >= 1, but got %d instead.", *limit))
		}
		p.limit = *limit
	}
	if err := checkSampling(q.Temperature, q.TopP); err != nil {
		return p, err
	}
	return p, nil
}

func checkSampling(temperature, topP *float64) error {
	if temperature != nil && (*temperature < 0 || *temperature > 2) {
		return invalid("temperature", "Unsupported value: 'temperature' must be between 0 and 2.")
	}
	if topP != nil && (*topP < 0 || *topP > 1) {
		return invalid("top_p", "Unsupported value: 'top_p' must be between 0 and 1.")
	}
	return nil
}

// choices reads n.
func choices(n *int) (int, error) {
	if n == nil {
		return 1, nil
	}
	if *n < 1 || *n > 128 {
		return 0, invalid("n", fmt.Sprintf("Invalid 'n': expected a value between 1 and 128, but got %d instead.", *n))
	}
	return *n, nil
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n" + b
}

type (
	chatCompletion struct {
		ID                string       `json:"id"`
		Object            string       `json:"object"`
		Created           int64        `json:"created"`
		Model             string       `json:"model"`
		Choices           []chatChoice `json:"choices"`
		Usage             *usage       `json:"usage,omitempty"`
		ServiceTier       string       `json:"service_tier"`
		SystemFingerprint string       `json:"system_fingerprint"`
	}
	chatChoice struct {
		Index        int        `json:"index"`
		Message      chatAnswer `json:"message"`
		Logprobs     *struct{}  `json:"logprobs"`
		FinishReason string     `json:"finish_reason"`
	}
	chatAnswer struct {
		Role        string     `json:"role"`
		Content     *string    `json:"content"`
		ToolCalls   []chatCall `json:"tool_calls,omitempty"`
		Refusal     *string    `json:"refusal"`
		Annotations []string   `json:"annotations"`
	}
	chatCall struct {
		Index    *int         `json:"index,omitempty"` // in a stream only
		ID       string       `json:"id,omitempty"`
		Type     string       `json:"type,omitempty"`
		Function chatFunction `json:"function"`
	}
	chatFunction struct {
		Name      string `json:"name,omitempty"`
		Arguments string `json:"arguments"`
	}
	chatChunk struct {
		ID                string        `json:"id"`
		Object            string        `json:"object"`
		Created           int64         `json:"created"`
		Model             string        `json:"model"`
		ServiceTier       string        `json:"service_tier"`
		SystemFingerprint string        `json:"system_fingerprint"`
		Choices           []chunkChoice `json:"choices"`
		Usage             *usage        `json:"usage,omitempty"`
	}
	chunkChoice struct {
		Index        int       `json:"index"`
		Delta        any       `json:"delta"`
		Logprobs     *struct{} `json:"logprobs"`
		FinishReason *string   `json:"finish_reason"`
	}
	firstDelta struct {
		Role    string  `json:"role"`
		Content *string `json:"content"`
		Refusal *string `json:"refusal"`
	}
	textDelta struct {
		Content string `json:"content"`
	}
	callDelta struct {
		ToolCalls []chatCall `json:"tool_calls"`
	}
)

// chat answers POST /v1/chat/completions.
func (s *Simulator) chat(x *exchange) error {
	if x.model.kind != chatKind {
		return notFound("This is not a chat model and thus not supported in the v1/chat/completions endpoint.")
	}
	var q chatRequest
	if err := decode(x.body, &q); err != nil {
		return err
	}
	p, err := q.prompt()
	if err != nil {
		return err
	}
	n, err := choices(q.N)
	if err != nil {
		return err
	}
	id, fingerprint := "chatcmpl-"+newID(x.dice, 29), "fp_"+hexID(x.dice, 10)
	count := counterFor(x.model)
	answers := answersTo(p, x, count, n)
	input := count.prompt("chat.completions", x.body)
	u := newUsage(input, cachedTokens(x, "chat.completions", "messages", input, count), answers)

	if q.Stream {
		chunk := chatChunk{ID: id, Object: "chat.completion.chunk", Created: time.Now().Unix(), Model: x.model.name(), ServiceTier: "default", SystemFingerprint: fingerprint}
		return s.ended(s.streamChat(x, chunk, answers, u, q.StreamOptions.IncludeUsage))
	}
	out := chatCompletion{ID: id, Object: "chat.completion", Created: time.Now().Unix(), Model: x.model.name(), Usage: u.as(x.b), ServiceTier: "default", SystemFingerprint: fingerprint}
	longest := 0
	for i, a := range answers {
		longest = max(longest, a.tokens+a.reasoning)
		message := chatAnswer{Role: "assistant", Annotations: []string{}}
		if len(a.calls) == 0 {
			message.Content = &a.text
		}
		for _, c := range a.calls {
			message.ToolCalls = append(message.ToolCalls, chatCall{ID: c.id, Type: "function", Function: chatFunction{c.name, c.arguments}})
		}
		out.Choices = append(out.Choices, chatChoice{Index: i, Message: message, FinishReason: a.finish})
	}
	if err := x.pace.whole(x.ctx, longest); err != nil {
		return err
	}
	if err := s.plain(x, out); err != nil {
		return err
	}
	s.bill(u.PromptTokens, u.CompletionTokens)
	return nil
}

// streamChat sends the answers piece by piece, the choices in turn.
func (s *Simulator) streamChat(x *exchange, chunk chatChunk, answers []answer, u usage, includeUsage bool) (*stream, error) {
	st := s.open(x)
	send := func(index int, delta any, finish *string) error {
		chunk.Choices = []chunkChoice{{Index: index, Delta: delta, FinishReason: finish}}
		return st.send("", chunk)
	}
	if err := x.pace.start(x.ctx, answers[0].reasoning); err != nil {
		return st, err
	}
	plans := make([][]piece, len(answers))
	for i, a := range answers {
		first := firstDelta{Role: "assistant"}
		if len(a.calls) == 0 {
			first.Content = new(string)
		}
		if err := send(i, first, nil); err != nil {
			return st, err
		}
		plans[i] = a.pieces(x.b, x.dice)
	}
	for step, more := 0, true; more; step++ {
		more = false
		for i, plan := range plans {
			if step >= len(plan) {
				continue
			}
			more = true
			p := plan[step]
			if err := x.pace.next(x.ctx, p.tokens); err != nil {
				return st, err
			}
			if err := send(i, p.delta(answers[i]), nil); err != nil {
				return st, err
			}
		}
	}
	for i, a := range answers {
		if err := send(i, struct{}{}, &a.finish); err != nil {
			return st, err
		}
	}
	if reported := u.as(x.b); includeUsage && reported != nil {
		chunk.Choices, chunk.Usage = []chunkChoice{}, reported
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

// delta is the piece as a chat stream carries it.
func (p piece) delta(a answer) any {
	if p.call < 0 {
		return textDelta{p.text}
	}
	c := chatCall{Index: &p.call, Function: chatFunction{Arguments: p.text}}
	if p.opens {
		c.ID, c.Type, c.Function.Name = a.calls[p.call].id, "function", a.calls[p.call].name
	}
	return callDelta{[]chatCall{c}}
}

// answersTo composes n answers, each with dice of its own.
func answersTo(p prompt, x *exchange, count counter, n int) []answer {
	answers := make([]answer, n)
	for i := range answers {
		r := rand.New(rand.NewPCG(x.dice.Uint64(), x.dice.Uint64()))
		answers[i] = compose(p, x.model, x.b, r, count)
	}
	return answers
}
