package prompts

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/weir-dev/weir/internal/yamldoc"
)

// ReadDotprompt reads a .prompt file: a front in YAML between two lines of ---, and a body in the part of Handlebars that weir's own templates can
// say with the same meaning. What it cannot is refused, each with line and column in a *ContentError; what is left out, as description, is told in
// the warnings. The content is not checked.
func ReadDotprompt(text []byte) (c Content, warnings []string, err error) {
	d := dotprompt{where: "file"}
	d.split(string(text))
	for key, value := range d.front.Members() {
		d.member(key, value)
	}
	d.readBody()
	if len(d.faults) > 0 {
		return Content{}, d.warnings, &ContentError{d.faults}
	}
	return d.content, d.warnings, nil
}

func (d *dotprompt) warn(n *yamldoc.Node, format string, args ...any) {
	d.warnings = append(d.warnings, fmt.Sprintf("line %d: ", n.Line)+fmt.Sprintf(format, args...))
}

// member reads one member of the front.
func (d *dotprompt) member(key, value *yamldoc.Node) {
	switch name := key.Value; {
	case name == "model":
		d.content.Model = d.word(key, value)
	case name == "config":
		d.content.Settings = d.json(value)
	case name == "input":
		d.input(key, value)
	case name == "output":
		d.output(key, value)
	case name == "tools":
		d.tools(value)
	case name == extTemplate:
		if d.mustache = value.Value == "mustache"; !d.mustache {
			d.fault(value, "%s is mustache or not there", extTemplate)
		}
	case name == extExact:
		d.exact = value.Value == "true"
	case name == extText:
		d.content.Text = d.word(key, value)
	case strings.HasPrefix(name, extPrefix):
		d.own(key, value)
	default:
		d.warn(key, "%.60q is not kept", name)
	}
}

func (d *dotprompt) word(key, n *yamldoc.Node) string {
	if n.Kind != yamldoc.Scalar {
		d.fault(n, "%s must be a text", key.Value)
	}
	if n.Null() {
		return ""
	}
	return n.Value
}

func (d *dotprompt) json(n *yamldoc.Node) json.RawMessage {
	if n.Null() {
		return nil
	}
	out, err := n.JSON()
	if err != nil {
		d.failed(n, err)
	}
	return out
}

// own reads weir.settings and its like.
func (d *dotprompt) own(key, value *yamldoc.Node) {
	into := map[string]*json.RawMessage{
		"settings": &d.content.Settings, "variables": &d.content.Variables, "defaults": &d.content.Defaults,
		"response_format": &d.content.ResponseFormat, "tools": &d.content.Tools,
	}
	name := strings.TrimPrefix(key.Value, extPrefix)
	text := []byte(d.word(key, value))
	if name == "messages" {
		if err := json.Unmarshal(text, &d.content.Messages); err != nil {
			d.fault(value, "%s must be JSON: a list of role and content", key.Value)
		}
		return
	}
	raw, ok := into[name]
	if !ok {
		d.fault(key, "there is no member %.60q of weir's", key.Value)
		return
	}
	if !json.Valid(text) {
		d.fault(value, "%s must be JSON in a text", key.Value)
		return
	}
	*raw = text
}

func (d *dotprompt) input(key, n *yamldoc.Node) {
	for name, value := range n.Members() {
		switch name.Value {
		case "schema":
			d.content.Variables = d.schema(value)
		case "default":
			d.content.Defaults = d.json(value)
		default:
			d.warn(name, "%s.%.60s is not kept", key.Value, name.Value)
		}
	}
}

func (d *dotprompt) schema(n *yamldoc.Node) json.RawMessage {
	if n.Null() {
		return nil
	}
	schema, err := picoschema(n)
	if err != nil {
		d.failed(n, err)
		return nil
	}
	out, err := schema.JSON()
	if err != nil {
		d.failed(n, err)
	}
	return out
}

// output is a response format: the schema when there is one, else the word.
func (d *dotprompt) output(key, n *yamldoc.Node) {
	var format string
	var schema json.RawMessage
	for name, value := range n.Members() {
		switch name.Value {
		case "format":
			format = d.word(name, value)
		case "schema":
			schema = d.schema(value)
		default:
			d.warn(name, "%s.%.60s is not kept", key.Value, name.Value)
		}
	}
	switch {
	case schema != nil:
		d.content.ResponseFormat = append(append(json.RawMessage(`{"type":"json_schema","json_schema":{"name":"output","schema":`), schema...), "}}"...)
	case format == "json":
		d.content.ResponseFormat = json.RawMessage(`{"type":"json_object"}`)
	case format != "" && format != "text":
		d.fault(n, "the format %.60q is not read: json and text are", format)
	}
}

// tools are definitions with name, description and the schema of their input; a name alone stands for nothing here.
func (d *dotprompt) tools(n *yamldoc.Node) {
	if n.Null() {
		return
	}
	if n.Kind != yamldoc.Sequence {
		d.fault(n, "tools must be a list")
		return
	}
	list := &yamldoc.Node{Kind: yamldoc.Sequence}
	for _, item := range n.Content {
		if item.Kind != yamldoc.Mapping || item.Member("name") == nil {
			d.fault(item, "a tool is read with its definition, {name, description, input}: weir knows none by name")
			continue
		}
		function := yamldoc.Map()
		for key, value := range item.Members() {
			switch key.Value {
			case "name", "description":
				function.Set(key.Value, value)
			case "input":
				schema, err := picoschema(value)
				if err != nil {
					d.failed(value, err)
					continue
				}
				function.Set("parameters", schema)
			default:
				d.warn(key, "tools: %.60s is not kept", key.Value)
			}
		}
		tool := yamldoc.Map(yamldoc.Text("type"), yamldoc.Text("function"))
		tool.Set("function", function)
		list.Content = append(list.Content, tool)
	}
	d.content.Tools = d.json(list)
}

// readBody reads the text or the messages.
func (d *dotprompt) readBody() {
	if d.content.Text != "" || len(d.content.Messages) > 0 {
		if strings.TrimSpace(d.body) != "" {
			d.faultAt(d.bodyAt, "the prompt's text is in the front, so there is no body")
		}
		return
	}
	if d.front != nil && !d.exact {
		trimmed := strings.TrimLeft(d.body, " \t\r\n\f\v\ufeff\u00a0")
		d.bodyAt += len(d.body) - len(trimmed)
		d.body = strings.TrimRight(trimmed, " \t\r\n\f\v\ufeff\u00a0")
	}
	if d.mustache {
		d.ownBody()
		return
	}
	r := hbReader{src: d.body}
	if v, err := decodeJSON(d.content.Variables); err == nil {
		r.shape = outlineOf(v, v, 0)
	}
	text, messages := r.read()
	for _, f := range r.faults {
		d.faultAt(d.bodyAt+f.at, f.text)
	}
	d.content.Text, d.content.Messages = text, messages
}

// ownBody reads templates of ours with {{role "…"}} between them.
func (d *dotprompt) ownBody() {
	marks := roleMark.FindAllStringSubmatchIndex(d.body, -1)
	if len(marks) == 0 {
		d.content.Text = d.body
		d.template(d.body, d.bodyAt)
		return
	}
	if strings.TrimSpace(d.body[:marks[0][0]]) != "" {
		d.faultAt(d.bodyAt, `there is a text in front of the first {{role "…"}}`)
	}
	for i, m := range marks {
		end := len(d.body)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		role := d.body[m[2]:m[3]]
		if role == "model" {
			role = "assistant"
		}
		d.content.Messages = append(d.content.Messages, Message{role, d.body[m[1]:end]})
		d.template(d.body[m[1]:end], d.bodyAt+m[1])
	}
}

// template says what is wrong with a template that begins at a byte of the file.
func (d *dotprompt) template(text string, at int) {
	_, err := Parse(text)
	if f, ok := errors.AsType[*SyntaxError](err); ok {
		line, column := position(d.file, at)
		if f.Line == 1 {
			f.Column += column - 1
		}
		d.faults = append(d.faults, Fault{d.where, line + f.Line - 1, f.Column, f.Reason})
	}
}
