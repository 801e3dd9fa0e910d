package prompts

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/weir-dev/weir/internal/yamldoc"
)

var roleMark = regexp.MustCompile(`\{\{\s*role\s+"([A-Za-z]+)"\s*\}\}`)

// A manner is a way to write the texts of a content.
type manner struct{ mustache, exact, front bool }

// The ways, the plainest first.
var manners = []manner{{}, {exact: true}, {mustache: true}, {mustache: true, exact: true}, {front: true}}

// WriteDotprompt writes a content as a .prompt file. ReadDotprompt reads it as the same content, of the same hash: what the format has no
// place for stands in members of weir's own, weir.tools and so on, which other programs pass over.
func WriteDotprompt(c Content) ([]byte, error) {
	want, err := HashOf(c)
	if err != nil {
		return nil, fmt.Errorf("write .prompt: %w", err)
	}
	own := map[string]bool{}
	for _, m := range c.raw() {
		own[m.name] = !kept(m)
	}
	for _, m := range manners {
		text, err := write(c, m, own)
		if err != nil {
			return nil, err
		}
		if reads(text, want) {
			return text, nil
		}
	}
	return nil, errors.New("write .prompt: a file of that form cannot say what the prompt says")
}

// reads says that a file is read as the content of that hash.
func reads(text []byte, want string) bool {
	c, _, err := ReadDotprompt(text)
	if err != nil {
		return false
	}
	got, err := HashOf(c)
	return err == nil && got == want
}

// kept says that a member is read as it was written when it stands in its own place.
func kept(m rawMember) bool {
	var c Content
	switch m.name {
	case "settings":
		c.Settings = m.text
	case "variables":
		c.Variables = m.text
	case "defaults":
		c.Defaults = m.text
	case "response_format":
		c.ResponseFormat = m.text
	case "tools":
		c.Tools = m.text
	}
	want, err := HashOf(c)
	if err != nil {
		return false
	}
	text, err := write(c, manner{}, nil)
	return err == nil && reads(text, want)
}

func write(c Content, m manner, own map[string]bool) ([]byte, error) {
	front, err := frontOf(c, own)
	if err != nil {
		return nil, err
	}
	if m.mustache {
		front.Set(extTemplate, yamldoc.Text("mustache"))
	}
	if m.exact {
		front.Set(extExact, &yamldoc.Node{Tag: "!!bool", Value: "true"})
	}
	body := bodyOf(c)
	if m.front {
		body = ""
		if c.Text != "" {
			front.Set(extText, yamldoc.Text(c.Text))
		} else if len(c.Messages) > 0 {
			text, err := marshal(c.Messages)
			if err != nil {
				return nil, err
			}
			front.Set(extPrefix+"messages", yamldoc.Text(string(text)))
		}
	}
	if len(front.Content) == 0 {
		return []byte(body), nil
	}
	head, err := front.Encode()
	if err != nil {
		return nil, fmt.Errorf("write .prompt: %w", err)
	}
	end := "\n"
	if m.exact || body == "" {
		end = ""
	}
	return []byte("---\n" + string(head) + "---\n" + body + end), nil
}

func bodyOf(c Content) string {
	if len(c.Messages) == 0 {
		return c.Text
	}
	var b strings.Builder
	for _, m := range c.Messages {
		role := m.Role
		if role == "assistant" {
			role = "model"
		}
		fmt.Fprintf(&b, "{{role %q}}%s", role, m.Content)
	}
	return b.String()
}

// frontOf puts each member where the format has it, but for those that are ours.
func frontOf(c Content, own map[string]bool) (*yamldoc.Node, error) {
	front, input := yamldoc.Map(), yamldoc.Map()
	if c.Model != "" {
		front.Set("model", yamldoc.Text(c.Model))
	}
	var ours []rawMember
	for _, m := range c.raw() {
		if absent(m.text) {
			continue
		}
		n, err := yamldoc.FromJSON(m.text)
		if err != nil {
			return nil, fmt.Errorf("write .prompt: %s: %w", m.name, err)
		}
		placed := !own[m.name]
		if placed {
			switch m.name {
			case "settings":
				front.Set("config", n)
			case "variables":
				input.Set("schema", n)
			case "defaults":
				input.Set("default", n)
			case "response_format":
				placed = writeOutput(front, n)
			case "tools":
				placed = writeTools(front, n)
			}
		}
		if !placed {
			ours = append(ours, m)
		}
	}
	if len(input.Content) > 0 {
		front.Set("input", input)
	}
	for _, m := range ours {
		front.Set(extPrefix+m.name, yamldoc.Text(string(m.text)))
	}
	return front, nil
}

// writeOutput writes a response format whose name is the one that reading gives.
func writeOutput(front, format *yamldoc.Node) bool {
	kind, output := format.Member("type"), yamldoc.Map()
	if kind == nil {
		return false
	}
	switch kind.Value {
	case "json_object":
		output.Set("format", yamldoc.Text("json"))
	case "json_schema":
		schema := format.Member("json_schema").Member("schema")
		if schema == nil {
			return false
		}
		output.Set("format", yamldoc.Text("json"))
		output.Set("schema", schema)
	default:
		return false
	}
	front.Set("output", output)
	return true
}

// writeTools writes functions as dotprompt defines them.
func writeTools(front, tools *yamldoc.Node) bool {
	list := &yamldoc.Node{Kind: yamldoc.Sequence, Tag: "!!seq"}
	for _, tool := range tools.Content {
		function := tool.Member("function")
		if tools.Kind != yamldoc.Sequence || function == nil {
			return false
		}
		out := yamldoc.Map()
		for key, value := range function.Members() {
			name := key.Value
			if name == "parameters" {
				name = "input"
			}
			out.Set(name, value)
		}
		list.Content = append(list.Content, out)
	}
	if len(list.Content) == 0 {
		return false
	}
	front.Set("tools", list)
	return true
}
