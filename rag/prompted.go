package rag

import (
	"encoding/json"
	"strings"
)

// Prompted reads the question and the passages, in their order, out of a request that a pipeline made to its answering model; false
// when it is none.
func Prompted(body []byte) (question string, passages []string, ok bool) {
	var req struct {
		Messages []struct {
			Role    string          `json:"role"`
			Content json.RawMessage `json:"content"`
		} `json:"messages"`
	}
	if json.Unmarshal(body, &req) != nil || len(req.Messages) == 0 {
		return "", nil, false
	}
	var text string
	last := req.Messages[len(req.Messages)-1]
	if last.Role != "user" || json.Unmarshal(last.Content, &text) != nil {
		return "", nil, false
	}
	head, rest, _ := strings.Cut(text, "\n\n")
	head, ok = strings.CutPrefix(head, sourcesBefore)
	mark, _, in := strings.Cut(head, ",")
	if !ok || !in {
		return "", nil, false
	}
	begin, end := "=== "+mark+" ===\n", "\n=== end "+mark+" ===\n\n" // which no passage can have in it
	for {
		source, more, is := strings.Cut(rest, end)
		if !is {
			break
		}
		source, is = strings.CutPrefix(source, begin)
		_, source, in = strings.Cut(source, "\n\n[") // its names have no empty line
		_, passage, numbered := strings.Cut(source, "]\n")
		if !is || !in || !numbered {
			return "", nil, false
		}
		passages, rest = append(passages, passage), more
	}
	question, ok = strings.CutPrefix(rest, questionBefore)
	return question, passages, ok
}

// AskedIn is the question in a client's chat completion, as a pipeline takes it; false when it has none.
func AskedIn(body []byte) (string, bool) {
	r, fault := readRequest(body)
	if fault != nil {
		return "", false
	}
	return r.question.Text, true
}
