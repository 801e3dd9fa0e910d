package judge

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Message is one message of a chat.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Prompt makes messages of variables. Safe for concurrent use.
//
// The variables of every prompt are id (of the markers), input, output, expected and contexts, which stand between markers,
// criteria, steps, grades and format, which says the shape of the answer; those that a case lacks are "". Single prompts have more.
type Prompt interface {
	Messages(ctx context.Context, variables map[string]string) ([]Message, error)
	// Hash tells prompts apart by all they say.
	Hash() string
}

// Resolver finds a prompt in a registry by name@label or name@version.
type Resolver func(ctx context.Context, ref string) (Prompt, error)

// Template is a Prompt of messages with {{name}} in them. Values are put in once and never read for names themselves.
type Template []Message

// Messages implements Prompt. An unknown name is an error.
func (t Template) Messages(_ context.Context, variables map[string]string) ([]Message, error) {
	out := make([]Message, len(t))
	for i, m := range t {
		text, err := fill(m.Content, variables)
		if err != nil {
			return nil, err
		}
		out[i] = Message{m.Role, text}
	}
	return out, nil
}

// Hash implements Prompt.
func (t Template) Hash() string {
	parts := make([]string, 0, 2*len(t))
	for _, m := range t {
		parts = append(parts, m.Role, m.Content)
	}
	return hashOf(parts...)
}

func fill(text string, variables map[string]string) (string, error) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{{")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}}")
		if !closed {
			return "", errors.New("a {{ in the judge's prompt is never closed")
		}
		value, known := variables[strings.TrimSpace(name)]
		if !known {
			return "", fmt.Errorf("the judge's prompt asks for %.60q; there is %s", strings.TrimSpace(name), strings.Join(slices.Sorted(maps.Keys(variables)), ", "))
		}
		b.WriteString(value)
		text = after
	}
}

//go:embed templates/*.txt
var templates embed.FS

// builtin is a template of this package: the system's message, a line of three dashes, the user's.
func builtin(name string) Template {
	text, err := templates.ReadFile("templates/" + name + ".txt")
	if err != nil {
		panic(fmt.Sprintf("judge: %v", err)) // it is embedded
	}
	system, user, _ := strings.Cut(string(text), "\n---\n")
	return Template{{"system", strings.TrimSpace(system)}, {"user", strings.TrimSpace(user)}}
}

// variables are those of a case. Its texts stand between markers whose id is made of all its texts, and of more, so that no text can hold the
// marker that would end it.
func (c *Case) variables(more ...string) map[string]string {
	id := hashOf(slices.Concat([]string{c.Input, c.Output, c.Expected}, c.Contexts, more)...)[:20] // 80 bits: a text that holds its own id cannot be searched for
	v := map[string]string{"id": id, "input": "", "output": fence("output", id, c.Output), "expected": "", "contexts": "", "criteria": "", "steps": "", "grades": "", "format": ""}
	if c.Input != "" {
		v["input"] = fence("input", id, c.Input)
	}
	if c.Expected != "" {
		v["expected"] = fence("expected", id, c.Expected)
	}
	var all []string
	for i, text := range c.Contexts {
		all = append(all, fence(fmt.Sprintf("context %d", i+1), id, text))
	}
	v["contexts"] = strings.Join(all, "\n")
	return v
}

// fence puts a text between markers.
func fence(name, id, text string) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	return fmt.Sprintf("[begin %s %s]\n%s\n[end %s %s]", name, id, text, name, id)
}

// formatOf says the shape of the answer in words, for models that are not held to a schema.
func formatOf(schema []byte) string {
	return "Answer with one JSON object and nothing else: no prose before or after it, no code fence. It must fit this JSON Schema:\n" + string(schema)
}
