package simulator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"
)

// responsesRequest is the part of a request to POST /v1/responses that shapes the answer. What it does not name is
// echoed from the body.
type responsesRequest struct {
	Input           json.RawMessage  `json:"input"`
	Instructions    *string          `json:"instructions"`
	Stream          bool             `json:"stream"`
	MaxOutputTokens *int             `json:"max_output_tokens"`
	Temperature     *float64         `json:"temperature"`
	TopP            *float64         `json:"top_p"`
	Tools           []responsesTool  `json:"tools"`
	ToolChoice      json.RawMessage  `json:"tool_choice"`
	Parallel        *bool            `json:"parallel_tool_calls"`
	Metadata        json.RawMessage  `json:"metadata"`
	User            *string          `json:"user"`
	Previous        *string          `json:"previous_response_id"`
	Store           *bool            `json:"store"`
	Reasoning       responsesEffort  `json:"reasoning"`
	Text            responsesTextOut `json:"text"`
}

type (
	responsesTool struct {
		Type        string          `json:"type"`
		Name        string          `json:"name"`
		Description string          `json:"description"`
		Parameters  json.RawMessage `json:"parameters"`
	}
	responsesEffort struct {
		Effort  *string `json:"effort"`
		Summary *string `json:"summary"`
	}
	responsesTextOut struct {
		Format json.RawMessage `json:"format"`
	}
	responsesItem struct {
		Type    string          `json:"type"`
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
		Output  json.RawMessage `json:"output"`
	}
)

// prompt checks the request and puts it into the common form.
func (q responsesRequest) prompt() (prompt, error) {
	p := prompt{choice: readChoice(q.ToolChoice), parallel: true}
	if q.Instructions != nil {
		p.system = *q.Instructions
	}
	if len(q.Input) == 0 {
		return p, missing("input")
	}
	var text string
	var items []responsesItem
	switch {
	case json.Unmarshal(q.Input, &text) == nil:
		p.turns = []turn{{"user", text}}
	case json.Unmarshal(q.Input, &items) == nil:
		for i, it := range items {
			switch cmp.Or(it.Type, "message") {
			case "message":
				if it.Role == "system" || it.Role == "developer" {
					p.system = join(p.system, contentText(it.Content))
				} else {
					p.turns = append(p.turns, turn{it.Role, contentText(it.Content)})
				}
			case "function_call_output":
				p.turns = append(p.turns, turn{"tool", contentText(it.Output)})
			case "function_call", "reasoning", "item_reference":
			default:
				return p, invalid(fmt.Sprintf("input[%d].type", i), "Invalid value: '"+it.Type+"'.")
			}
		}
	default:
		return p, invalid("input", "Invalid type for 'input': expected a string or a list of items.")
	}
	for _, t := range q.Tools {
		if t.Type == "function" {
			p.tools = append(p.tools, tool{t.Name, t.Description, t.Parameters})
		}
	}
	if q.Parallel != nil {
		p.parallel = *q.Parallel
	}
	var f struct {
		Type   string          `json:"type"`
		Schema json.RawMessage `json:"schema"`
	}
	if len(q.Text.Format) > 0 && json.Unmarshal(q.Text.Format, &f) != nil {
		return p, invalid("text.format", "Invalid type for 'text.format': expected an object.")
	}
	p.format = format{kind: cmp.Or(f.Type, "text"), schema: f.Schema}
	if q.Reasoning.Effort != nil {
		p.effort = *q.Reasoning.Effort
	}
	if q.MaxOutputTokens != nil {
		if *q.MaxOutputTokens < 1 {
			return p, invalid("max_output_tokens", "Invalid 'max_output_tokens': expected a value >= 1.")
		}
		p.limit = *q.MaxOutputTokens
	}
	return p, checkSampling(q.Temperature, q.TopP)
}

type (
	response struct {
		ID                string             `json:"id"`
		Object            string             `json:"object"`
		CreatedAt         int64              `json:"created_at"`
		Status            string             `json:"status"`
		Background        bool               `json:"background"`
		Error             *responseError     `json:"error"`
		IncompleteDetails *incompleteDetails `json:"incomplete_details"`
		Instructions      *string            `json:"instructions"`
		MaxOutputTokens   *int               `json:"max_output_tokens"`
		Model             string             `json:"model"`
		Output            []any              `json:"output"`
		ParallelToolCalls bool               `json:"parallel_tool_calls"`
		PreviousID        *string            `json:"previous_response_id"`
		Reasoning         responsesEffort    `json:"reasoning"`
		ServiceTier       string             `json:"service_tier"`
		Store             bool               `json:"store"`
		Temperature       float64            `json:"temperature"`
		Text              responsesTextOut   `json:"text"`
		ToolChoice        json.RawMessage    `json:"tool_choice"`
		Tools             json.RawMessage    `json:"tools"`
		TopP              float64            `json:"top_p"`
		Truncation        string             `json:"truncation"`
		Usage             *responseUsage     `json:"usage"`
		User              *string            `json:"user"`
		Metadata          json.RawMessage    `json:"metadata"`
	}
	responseError struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	incompleteDetails struct {
		Reason string `json:"reason"`
	}
	responseUsage struct {
		InputTokens  int `json:"input_tokens"`
		InputDetails struct {
			Cached int `json:"cached_tokens"`
		} `json:"input_tokens_details"`
		OutputTokens  int `json:"output_tokens"`
		OutputDetails struct {
			Reasoning int `json:"reasoning_tokens"`
		} `json:"output_tokens_details"`
		TotalTokens int `json:"total_tokens"`
	}
	reasoningItem struct {
		ID      string   `json:"id"`
		Type    string   `json:"type"`
		Summary []string `json:"summary"`
	}
	messageItem struct {
		ID      string       `json:"id"`
		Type    string       `json:"type"`
		Status  string       `json:"status"`
		Role    string       `json:"role"`
		Content []outputText `json:"content"`
	}
	outputText struct {
		Type        string   `json:"type"`
		Annotations []string `json:"annotations"`
		Logprobs    []string `json:"logprobs"`
		Text        string   `json:"text"`
	}
	functionItem struct {
		ID        string `json:"id"`
		Type      string `json:"type"`
		Status    string `json:"status"`
		Arguments string `json:"arguments"`
		CallID    string `json:"call_id"`
		Name      string `json:"name"`
	}
)

func textPart(s string) outputText {
	return outputText{"output_text", []string{}, []string{}, s}
}

// asResponses words the usage as this endpoint does.
func (u usage) asResponses(b Behaviour) *responseUsage {
	if b.Usage == "none" {
		return nil
	}
	var out responseUsage
	if b.Usage != "zero" {
		out.InputTokens, out.OutputTokens, out.TotalTokens = u.PromptTokens, u.CompletionTokens, u.TotalTokens
		out.InputDetails.Cached, out.OutputDetails.Reasoning = u.PromptDetails.Cached, u.CompletionDetails.Reasoning
	}
	return &out
}

// respond answers POST /v1/responses.
func (s *Simulator) respond(x *exchange) error {
	if x.model.kind != chatKind {
		return notFound("This model is not supported in the v1/responses endpoint.")
	}
	var q responsesRequest
	if err := decode(x.body, &q); err != nil {
		return err
	}
	p, err := q.prompt()
	if err != nil {
		return err
	}
	count := counterFor(x.model)
	id := hexID(x.dice, 48)
	a := answersTo(p, x, count, 1)[0]
	input := count.prompt("responses", x.body)
	u := newUsage(input, cachedTokens(x, "responses", "input", input, count), []answer{a})
	r := q.skeleton(id, x.model.name())
	if q.Stream {
		return s.ended(s.streamResponse(x, r, id, a, u))
	}
	if err := x.pace.whole(x.ctx, a.tokens+a.reasoning); err != nil {
		return err
	}
	r.complete(a, id, u.asResponses(x.b))
	if err := s.plain(x, r); err != nil {
		return err
	}
	s.bill(u.PromptTokens, u.CompletionTokens)
	return nil
}

// skeleton is the response before anything was generated.
func (q responsesRequest) skeleton(id, modelName string) response {
	r := response{
		ID: "resp_" + id, Object: "response", CreatedAt: time.Now().Unix(), Status: "in_progress", Instructions: q.Instructions,
		MaxOutputTokens: q.MaxOutputTokens, Model: modelName, Output: []any{}, ParallelToolCalls: true, PreviousID: q.Previous,
		Reasoning: q.Reasoning, ServiceTier: "default", Store: true, Temperature: 1, TopP: 1, Text: q.Text,
		ToolChoice: q.ToolChoice, Tools: json.RawMessage("[]"), Truncation: "disabled", User: q.User, Metadata: q.Metadata,
	}
	if len(r.ToolChoice) == 0 {
		r.ToolChoice = json.RawMessage(`"auto"`)
	}
	if len(r.Metadata) == 0 {
		r.Metadata = json.RawMessage("{}")
	}
	if len(r.Text.Format) == 0 {
		r.Text.Format = json.RawMessage(`{"type":"text"}`)
	}
	if tools, err := json.Marshal(q.Tools); err == nil && len(q.Tools) > 0 {
		r.Tools = tools
	}
	if q.Parallel != nil {
		r.ParallelToolCalls = *q.Parallel
	}
	if q.Store != nil {
		r.Store = *q.Store
	}
	if q.Temperature != nil {
		r.Temperature = *q.Temperature
	}
	if q.TopP != nil {
		r.TopP = *q.TopP
	}
	return r
}

// complete puts the answer into the response.
func (r *response) complete(a answer, id string, u *responseUsage) {
	r.Status, r.Usage = "completed", u
	if a.finish == "length" {
		r.Status, r.IncompleteDetails = "incomplete", &incompleteDetails{"max_output_tokens"}
	}
	if a.reasoning > 0 {
		r.Output = append(r.Output, reasoningItem{"rs_" + id, "reasoning", []string{}})
	}
	for i, c := range a.calls {
		r.Output = append(r.Output, functionItem{fmt.Sprintf("fc_%s%d", id, i), "function_call", r.Status, c.arguments, c.id, c.name})
	}
	if len(a.calls) == 0 && (a.text != "" || a.finish != "length") {
		r.Output = append(r.Output, messageItem{"msg_" + id, "message", r.Status, "assistant", []outputText{textPart(a.text)}})
	}
}

// streamResponse sends the full sequence of events.
func (s *Simulator) streamResponse(x *exchange, r response, id string, a answer, u usage) (*stream, error) {
	st := s.open(x)
	st.named = true
	done := r
	done.Output = []any{}
	done.complete(a, id, u.asResponses(x.b))
	if err := x.pace.start(x.ctx, 0); err != nil {
		return st, err
	}
	for _, name := range []string{"response.created", "response.in_progress"} {
		if err := st.event(name, fields{"response": r}); err != nil {
			return st, err
		}
	}
	if err := x.pace.think(x.ctx, a.reasoning); err != nil {
		return st, err
	}
	for at, item := range done.Output {
		var err error
		switch item := item.(type) {
		case reasoningItem:
			err = st.item(at, item, item, nil)
		case functionItem:
			open := item
			open.Status, open.Arguments = "in_progress", ""
			err = st.item(at, open, item, func() error { return st.arguments(at, item, x, a.tokens) })
		case messageItem:
			open := item
			open.Status, open.Content = "in_progress", []outputText{}
			err = st.item(at, open, item, func() error { return st.text(at, item, x, a.tokens) })
		}
		if err != nil {
			return st, err
		}
	}
	if err := st.event("response."+done.Status, fields{"response": done}); err != nil {
		return st, err
	}
	s.bill(u.PromptTokens, u.CompletionTokens)
	return st, nil
}

// fields are the members of an event beside its type and number.
type fields map[string]any

// event sends one named event with the next sequence number.
func (st *stream) event(name string, f fields) error {
	f["type"], f["sequence_number"] = name, st.events
	return st.send(name, f)
}

// item sends an output item: that it begins, what between says, that it is done.
func (st *stream) item(at int, open, done any, between func() error) error {
	if err := st.event("response.output_item.added", fields{"output_index": at, "item": open}); err != nil {
		return err
	}
	if between != nil {
		if err := between(); err != nil {
			return err
		}
	}
	return st.event("response.output_item.done", fields{"output_index": at, "item": done})
}

func (st *stream) text(at int, m messageItem, x *exchange, tokens int) error {
	text := m.Content[0].Text
	base := func(more fields) fields {
		more["item_id"], more["output_index"], more["content_index"] = m.ID, at, 0
		return more
	}
	if err := st.event("response.content_part.added", base(fields{"part": textPart("")})); err != nil {
		return err
	}
	parts := cut(text, x.b, x.dice)
	for _, part := range parts {
		if err := x.pace.next(x.ctx, float64(tokens)/float64(len(parts))); err != nil {
			return err
		}
		if err := st.event("response.output_text.delta", base(fields{"delta": part, "logprobs": []string{}})); err != nil {
			return err
		}
	}
	if err := st.event("response.output_text.done", base(fields{"text": text, "logprobs": []string{}})); err != nil {
		return err
	}
	return st.event("response.content_part.done", base(fields{"part": m.Content[0]}))
}

func (st *stream) arguments(at int, c functionItem, x *exchange, tokens int) error {
	parts := cut(c.Arguments, x.b, x.dice)
	for _, part := range parts {
		if err := x.pace.next(x.ctx, float64(tokens)/float64(len(parts))); err != nil {
			return err
		}
		if err := st.event("response.function_call_arguments.delta", fields{"item_id": c.ID, "output_index": at, "delta": part}); err != nil {
			return err
		}
	}
	return st.event("response.function_call_arguments.done", fields{"item_id": c.ID, "output_index": at, "arguments": c.Arguments})
}
