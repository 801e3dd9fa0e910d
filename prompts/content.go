package prompts

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/weir-dev/weir/internal/jsonschema"
	"github.com/weir-dev/weir/internal/rawjson"
)

// What a content may be at most.
const (
	maxMessages = 256
	maxRaw      = 256 << 10 // bytes of each member that is kept as it was written
)

// The roles a message may have.
var roles = []string{"system", "developer", "user", "assistant"}

// Fault is one thing wrong with a content.
type Fault struct {
	Where  string `json:"where"`            // text, messages[2], settings, …
	Line   int    `json:"line,omitempty"`   // within a template, or of a file
	Column int    `json:"column,omitempty"` // in characters
	Reason string `json:"reason"`
}

// String reads `messages[2]: line 1, column 7: …`.
func (f Fault) String() string {
	if f.Line > 0 {
		return fmt.Sprintf("%s: line %d, column %d: %s", f.Where, f.Line, f.Column, f.Reason)
	}
	return f.Where + ": " + f.Reason
}

// ContentError is everything that is wrong with a content. ErrInvalid is in its chain.
type ContentError struct{ Faults []Fault }

// Error lists the faults, one a line when there are several.
func (e *ContentError) Error() string {
	if len(e.Faults) == 1 {
		return ErrInvalid.Error() + ": " + e.Faults[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%v: it has %d faults:", ErrInvalid, len(e.Faults))
	for _, f := range e.Faults {
		b.WriteString("\n  " + f.String())
	}
	return b.String()
}

// Unwrap gives ErrInvalid.
func (e *ContentError) Unwrap() error { return ErrInvalid }

// Check says everything that is wrong with a content, as a *ContentError, and what may be a mistake.
func Check(c Content) (warnings []string, err error) {
	k := checker{content: c}
	k.templates()
	k.settings()
	k.variables()
	k.responseFormat()
	k.tools()
	if len(k.faults) > 0 {
		return k.warnings, &ContentError{k.faults}
	}
	return k.warnings, nil
}

// A checker is one check.
type checker struct {
	content  Content
	parsed   []*Template
	wheres   []string // of each of them
	faults   []Fault
	warnings []string
}

func (k *checker) fault(where, format string, args ...any) {
	k.faults = append(k.faults, Fault{Where: where, Reason: fmt.Sprintf(format, args...)})
}

func (k *checker) templates() {
	c := k.content
	switch {
	case c.Text == "" && len(c.Messages) == 0:
		k.fault("text", "a prompt has a text or messages, and this has neither")
	case c.Text != "" && len(c.Messages) > 0:
		k.fault("messages", "a prompt has a text or messages, not both")
	case len(c.Messages) > maxMessages:
		k.fault("messages", "there are more than %d", maxMessages)
		return
	}
	if c.Text != "" {
		k.template("text", c.Text)
	}
	for i, m := range c.Messages {
		where := fmt.Sprintf("messages[%d]", i)
		if !slices.Contains(roles, m.Role) {
			k.fault(where, "the role %.60q is none of %s", m.Role, strings.Join(roles, ", "))
		}
		k.template(where, m.Content)
	}
}

func (k *checker) template(where, text string) {
	if strings.TrimSpace(text) == "" {
		k.fault(where, "it is empty")
		return
	}
	if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
		k.fault(where, "it is not text: it has a zero character, or bytes that are not UTF-8")
		return
	}
	t, err := Parse(text)
	if err != nil {
		f := Fault{Where: where, Reason: err.Error()}
		if at, ok := errors.AsType[*SyntaxError](err); ok {
			f = Fault{where, at.Line, at.Column, at.Reason}
		}
		k.faults = append(k.faults, f)
		return
	}
	k.parsed, k.wheres = append(k.parsed, t), append(k.wheres, where)
}

// object reads a raw member that must be an object; nil when it is absent or is none.
func (k *checker) object(where string, text json.RawMessage) map[string]any {
	v := k.json(where, text)
	if v == nil {
		return nil
	}
	doc, ok := v.(map[string]any)
	if !ok {
		k.fault(where, "must be an object")
	}
	return doc
}

// json reads a raw member; nil when it is absent or is not JSON.
func (k *checker) json(where string, text json.RawMessage) any {
	if absent(text) {
		return nil
	}
	if len(text) > maxRaw {
		k.fault(where, "is larger than %d KiB", maxRaw>>10)
		return nil
	}
	if err := rawjson.ScanUnique(text, nil); err != nil {
		k.fault(where, "%v", err)
		return nil
	}
	v, err := decodeJSON(text)
	if err != nil {
		k.fault(where, "%v", err)
	}
	return v
}

// Request members that are not a prompt's to set, and where they are instead.
var notSettings = map[string]string{
	"messages": "a prompt's messages are its own", "prompt": "a prompt's text is its own", "input": "a prompt's text is its own",
	"model": "write it as the prompt's model", "stream": "the caller says whether to stream", "stream_options": "the caller says whether to stream",
	"tools": "write them as the prompt's tools", "response_format": "write it as the prompt's response_format",
}

func (k *checker) settings() {
	for name := range k.object("settings", k.content.Settings) {
		if why, no := notSettings[name]; no {
			k.fault("settings", "%s is none of the settings: %s", name, why)
		}
	}
	slices.SortStableFunc(k.faults, func(a, b Fault) int { // of settings only: a map has no order
		if a.Where == "settings" && b.Where == "settings" {
			return strings.Compare(a.Reason, b.Reason)
		}
		return 0
	})
}

func (k *checker) variables() {
	defaults := k.object("defaults", k.content.Defaults)
	known := map[string]bool{}
	partials := false
	for _, t := range k.parsed {
		partials = partials || len(t.refs) > 0
		for _, n := range t.names {
			known[firstName(n.Name)] = true
		}
	}
	v := k.json("variables", k.content.Variables)
	if v == nil {
		for name := range defaults {
			if !known[name] && !partials {
				k.warnings = append(k.warnings, fmt.Sprintf("defaults: no template asks for %q", name))
			}
		}
		slices.Sort(k.warnings)
		return
	}
	schema, err := jsonschema.Compile(k.content.Variables)
	if err != nil {
		k.fault("variables", "%v", err)
		return
	}
	s := outlineOf(v, v, 0)
	if s == nil || !s.only("object") {
		k.fault("variables", `the schema must be of the object of variables: {"type": "object", "properties": {…}}`)
		return
	}
	k.names(s)
	for name := range s.members {
		if !known[name] && !partials {
			k.warnings = append(k.warnings, fmt.Sprintf("variables: no template asks for %q", name))
		}
	}
	slices.Sort(k.warnings)
	if defaults != nil {
		k.defaults(schema, defaults)
	}
}

// names holds the templates' names against the schema. A name in a section may be one of the section's value.
func (k *checker) names(s *outline) {
	if s.open {
		return
	}
	for i, t := range k.parsed {
		for _, n := range t.names {
			first := firstName(n.Name)
			if first == "" || s.has(first) || len(n.Inside) > 0 && inside(s, n.Inside, first) {
				continue
			}
			k.faults = append(k.faults, Fault{k.wheres[i], n.Line, n.Column, fmt.Sprintf("the schema of the variables does not list %q", first)})
		}
	}
}

// inside says whether a name may be a member of what the sections around it stand for.
func inside(s *outline, sections []string, name string) bool {
	frames := []*outline{s}
	for _, section := range sections {
		at := frames[len(frames)-1]
		if section != "." {
			at = nil
			path := strings.Split(section, ".")
			for _, f := range slices.Backward(frames) {
				if f.has(path[0]) {
					at = f
					break
				}
			}
			for _, step := range path {
				at = at.member(step)
			}
		}
		if at != nil && at.items != nil {
			at = at.items
		}
		frames = append(frames, at)
	}
	for _, f := range frames[1:] {
		if f == nil || f.open || f.has(name) || len(f.members) == 0 && !f.only("string", "number", "integer", "boolean", "null") {
			return true
		}
	}
	return false
}

// firstName is a name up to its first dot; "" for the name ".".
func firstName(name string) string {
	first, _, _ := strings.Cut(name, ".")
	return first
}

// defaults holds the defaults against the schema; what is missing the caller gives.
func (k *checker) defaults(schema *jsonschema.Schema, defaults map[string]any) {
	for _, f := range schema.Validate(defaults) {
		if len(f.Path) == 1 && f.Reason == "is missing" {
			continue
		}
		k.fault("defaults", "%s %s", strings.Join(f.Path, "."), f.Reason)
	}
}

func (k *checker) responseFormat() {
	doc := k.object("response_format", k.content.ResponseFormat)
	if doc == nil {
		return
	}
	switch doc["type"] {
	case "text", "json_object":
		return
	case "json_schema":
	default:
		k.fault("response_format", "its type must be text, json_object or json_schema")
		return
	}
	inner, ok := doc["json_schema"].(map[string]any)
	if !ok {
		k.fault("response_format", "json_schema must be an object with name and schema")
		return
	}
	if name, _ := inner["name"].(string); name == "" {
		k.fault("response_format", "json_schema.name is missing")
	}
	if schema, ok := inner["schema"]; ok {
		k.schema("response_format", "json_schema.schema", schema)
	}
}

// schema checks a schema in a member.
func (k *checker) schema(where, at string, schema any) {
	text, err := json.Marshal(schema)
	if err == nil {
		_, err = jsonschema.Compile(text)
	}
	if err != nil {
		k.fault(where, "%s: %v", at, err)
	}
}

func (k *checker) tools() {
	v := k.json("tools", k.content.Tools)
	if v == nil {
		return
	}
	list, ok := v.([]any)
	if !ok {
		k.fault("tools", "must be a list")
		return
	}
	names := map[string]bool{}
	for i, item := range list {
		where := fmt.Sprintf("tools[%d]", i)
		tool, ok := item.(map[string]any)
		kind, _ := tool["type"].(string)
		if !ok || kind == "" {
			k.fault(where, `must be an object with a type, as {"type": "function", "function": {…}}`)
			continue
		}
		if kind != "function" {
			continue
		}
		function, _ := tool["function"].(map[string]any)
		name, _ := function["name"].(string)
		if name == "" {
			k.fault(where, "function.name is missing")
			continue
		}
		if names[name] {
			k.fault(where, "the function %.60q is there twice", name)
		}
		names[name] = true
		if parameters, ok := function["parameters"]; ok {
			k.schema(where, "function.parameters", parameters)
		}
	}
}
