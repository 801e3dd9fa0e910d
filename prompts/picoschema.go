package prompts

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weir-dev/weir/internal/yamldoc"
)

// The types that Picoschema has a word for, beside array, object and enum.
var picoTypes = map[string]bool{"string": true, "boolean": true, "null": true, "number": true, "integer": true, "any": true}

// picoschema gives the JSON Schema that a node of a .prompt file stands for: what is a JSON Schema already stays, the rest is Picoschema.
func picoschema(n *yamldoc.Node) (*yamldoc.Node, error) {
	if kind := n.Member("type"); kind != nil && kind.Kind == yamldoc.Scalar && (picoTypes[kind.Value] || kind.Value == "object" || kind.Value == "array") {
		return n, nil
	}
	if properties := n.Member("properties"); properties != nil && properties.Kind == yamldoc.Mapping {
		out := yamldoc.Map(n.Content...)
		out.Content = append([]*yamldoc.Node{yamldoc.Text("type"), yamldoc.Text("object")}, out.Content...)
		return out, nil
	}
	return pico(n, 0)
}

func picoFault(n *yamldoc.Node, format string, args ...any) error {
	return &yamldoc.Error{Line: n.Line, Column: n.Column, Reason: fmt.Sprintf(format, args...)}
}

// pico reads "type, description", or a mapping of fields.
func pico(n *yamldoc.Node, depth int) (*yamldoc.Node, error) {
	if depth > maxShape {
		return nil, picoFault(n, "the schema is more than %d levels deep", maxShape)
	}
	switch n.Kind {
	case yamldoc.Scalar:
		kind, about := cutComma(n.Value)
		if !picoTypes[kind] {
			return nil, picoFault(n, "%.60q is no type of Picoschema; named schemas are not read, write the schema out", kind)
		}
		out := yamldoc.Map()
		if kind != "any" {
			out.Set("type", yamldoc.Text(kind))
		}
		describe(out, about)
		return out, nil
	case yamldoc.Mapping:
		return picoObject(n, depth)
	}
	return nil, picoFault(n, "a schema is a type, or names with types")
}

func picoObject(n *yamldoc.Node, depth int) (*yamldoc.Node, error) {
	properties, required := yamldoc.Map(), &yamldoc.Node{Kind: yamldoc.Sequence}
	others := &yamldoc.Node{Tag: "!!bool", Value: "false"}
	for key, value := range n.Members() {
		if key.Value == "(*)" {
			var err error
			if others, err = pico(value, depth+1); err != nil {
				return nil, err
			}
			continue
		}
		name, kind, typed := strings.Cut(key.Value, "(")
		name, optional := strings.CutSuffix(name, "?")
		if !optional {
			required.Content = append(required.Content, yamldoc.Text(name))
		}
		property, err := picoField(key, value, kind, typed, optional, depth)
		if err != nil {
			return nil, err
		}
		properties.Set(name, property)
	}
	out := yamldoc.Map(yamldoc.Text("type"), yamldoc.Text("object"))
	out.Set("properties", properties)
	if len(required.Content) > 0 {
		out.Set("required", required)
	}
	out.Set("additionalProperties", others)
	return out, nil
}

// picoField reads one field; kind is what stands in the parenthesis of its name, if one does.
func picoField(key, value *yamldoc.Node, kind string, typed, optional bool, depth int) (*yamldoc.Node, error) {
	if !typed {
		out, err := pico(value, depth+1)
		if err == nil && optional {
			nullable(out)
		}
		return out, err
	}
	kind, closed := strings.CutSuffix(kind, ")")
	kind, about := cutComma(kind)
	out := yamldoc.Map()
	switch {
	case kind == "array" && closed:
		items, err := pico(value, depth+1)
		if err != nil {
			return nil, err
		}
		out.Set("type", yamldoc.Text("array"))
		describe(out, about)
		out.Set("items", items)
	case kind == "object" && closed:
		object, err := pico(value, depth+1)
		if err != nil {
			return nil, err
		}
		out = object
		describe(out, about)
	case kind == "enum" && closed:
		if value.Kind != yamldoc.Sequence {
			return nil, picoFault(value, "the values of an enum are a list")
		}
		list := &yamldoc.Node{Kind: yamldoc.Sequence, Content: value.Content}
		if optional {
			list.Content = append(slices.Clip(list.Content), &yamldoc.Node{Tag: "!!null", Value: "null"})
		}
		describe(out, about)
		out.Set("enum", list)
	default:
		return nil, picoFault(key, "in the parenthesis of a field stands array, object or enum, as in tags(array, a list of tags)")
	}
	if optional {
		nullable(out)
	}
	return out, nil
}

// nullable lets a schema of one type be null too.
func nullable(schema *yamldoc.Node) {
	for key, value := range schema.Members() {
		if key.Value == "type" && value.Kind == yamldoc.Scalar {
			kind := *value
			*value = yamldoc.Node{Kind: yamldoc.Sequence, Content: []*yamldoc.Node{&kind, yamldoc.Text("null")}}
		}
	}
}

func describe(schema *yamldoc.Node, about string) {
	if about != "" {
		schema.Set("description", yamldoc.Text(about))
	}
}

func cutComma(s string) (before, after string) {
	before, after, _ = strings.Cut(s, ",")
	return strings.TrimSpace(before), strings.TrimSpace(after)
}
