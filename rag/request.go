package rag

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/weir-dev/weir/llm"
)

// wishes are what a chat completion may ask of a pipeline beside the question: the body's member weir.
type wishes struct {
	Labels   map[string][]string `json:"labels"`
	Contexts bool                `json:"include_contexts"` // message.contexts: the passages that the model was given
	Explain  bool                `json:"explain"`          // weir.stages
}

// request is a chat completion that a pipeline is asked.
type request struct {
	members  map[string]json.RawMessage
	messages []json.RawMessage
	last     int // of messages: the question
	question Question
	wishes   wishes
	usage    bool // the client asked for usage in the stream
}

// readRequest reads a chat completion's body.
func readRequest(body []byte) (*request, *llm.Fault) {
	bad := func(param, message string) *llm.Fault {
		return &llm.Fault{Code: llm.InvalidRequest, Param: param, Message: message}
	}
	r := &request{last: -1}
	if err := json.Unmarshal(body, &r.members); err != nil {
		return nil, bad("", "the body is not a JSON object").Because(err)
	}
	if err := json.Unmarshal(r.members["messages"], &r.messages); err != nil || len(r.messages) == 0 {
		return nil, bad("messages", "want a list of messages")
	}
	if raw, ok := r.members["weir"]; ok {
		if err := json.Unmarshal(raw, &r.wishes); err != nil {
			return nil, bad("weir", `want {"labels": {"name": ["value"]}, "include_contexts": true, "explain": true}`).Because(err)
		}
	}
	for _, name := range []string{"tools", "functions", "audio"} {
		if raw, ok := r.members[name]; ok && !empty(raw) {
			return nil, bad(name, "a pipeline answers with text from its sources and takes no "+name)
		}
	}
	var n int
	if raw, ok := r.members["n"]; ok && (json.Unmarshal(raw, &n) != nil || n != 1) {
		return nil, bad("n", "a pipeline gives one answer")
	}
	var format struct{ Type string }
	if raw, ok := r.members["response_format"]; ok && !empty(raw) {
		if json.Unmarshal(raw, &format) != nil || format.Type != "text" {
			return nil, bad("response_format", "a pipeline answers with text and citations, and in no other form")
		}
	}
	if fault := r.readMessages(); fault != nil {
		return nil, fault
	}
	return r, r.question.check()
}

func empty(raw json.RawMessage) bool { return string(raw) == "null" || string(raw) == "[]" }

// readMessages finds the question, which is the last message of the user, and what was said before it.
func (r *request) readMessages() *llm.Fault {
	texts := make([]Turn, len(r.messages))
	for i, raw := range r.messages {
		var m struct {
			Role    string          `json:"role"`
			Content json.RawMessage `json:"content"`
		}
		if err := json.Unmarshal(raw, &m); err != nil {
			return (&llm.Fault{Code: llm.InvalidRequest, Param: "messages", Message: "a message is an object with role and content"}).Because(err)
		}
		texts[i] = Turn{m.Role, contentText(m.Content)}
		if m.Role == "user" {
			r.last = i
		}
	}
	if r.last != len(r.messages)-1 {
		return &llm.Fault{Code: llm.InvalidRequest, Param: "messages", Message: "the last message is the question, and its role is user"}
	}
	if kind := foreignPart(r.messages[r.last]); kind != "" {
		return &llm.Fault{Code: llm.InvalidRequest, Param: "messages", Message: fmt.Sprintf("a pipeline searches with text, and the question has a part of type %.40q", kind)}
	}
	r.question = Question{Text: texts[r.last].Text, Labels: r.wishes.Labels}
	for _, t := range texts[:r.last] {
		if t.Role == "user" || t.Role == "assistant" {
			r.question.Earlier = append(r.question.Earlier, t)
		}
	}
	return nil
}

// contentText joins the texts of a message's content.
func contentText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return strings.TrimSpace(text)
	}
	var parts []struct{ Type, Text string }
	if json.Unmarshal(raw, &parts) != nil {
		return ""
	}
	var b strings.Builder
	for _, p := range parts {
		if p.Type == "text" {
			b.WriteString(p.Text + "\n")
		}
	}
	return strings.TrimSpace(b.String())
}

// foreignPart is the type of a part of a message that is not text, or "".
func foreignPart(raw json.RawMessage) string {
	var m struct{ Content []struct{ Type string } }
	if json.Unmarshal(raw, &m) != nil { // its content is a text
		return ""
	}
	for _, p := range m.Content {
		if p.Type != "text" {
			return cmp.Or(p.Type, "unknown")
		}
	}
	return ""
}

// body is the request to the answering model: the client's own, with the rules before its messages and the sources in its question.
func (r *request) body(s *Settings, sources []*Source) []byte {
	out := maps.Clone(r.members)
	delete(out, "weir")
	delete(out, "prompt")
	question := r.question.Text
	messages := make([]json.RawMessage, 0, len(r.messages)+1)
	messages = append(messages, marshal(message{"system", answerSystem(s.System)}))
	messages = append(messages, r.messages[:r.last]...)
	messages = append(messages, marshal(message{"user", sourcesText(sources, question) + questionBefore + question}))
	out["model"], out["messages"] = marshal(s.Model), marshal(messages)
	return marshal(out)
}

// marshal writes what cannot fail: texts, numbers and JSON that was read before.
func marshal(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("rag: " + err.Error())
	}
	return b
}
