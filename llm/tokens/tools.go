package tokens

import "strings"

// What OpenAI's cookbook adds around function definitions ("How to count tokens with tiktoken", tool calls). It fitted
// these numbers to what the API counted.
const (
	perFunctionO200k  = 7
	perFunctionCL100k = 10
	afterFunctions    = 12
	perProperties     = 3
	perProperty       = 3
	perEnum           = -3
	perEnumItem       = 3
)

// tools counts function definitions by the cookbook's method: the line name:description, and for each parameter the
// line name:type:description and its enum. The cookbook stops at the first level of parameters; nested objects, list
// items and alternatives are counted here by the same rule, one level down. Tools that are not functions count by the
// strings in them.
func (c counter) tools(tools, functions any) int {
	total, found := 0, false
	list, _ := tools.([]any)
	for _, v := range list {
		tool, ok := v.(map[string]any)
		if !ok {
			continue
		}
		if function, ok := tool["function"].(map[string]any); ok {
			tool = function
		} else if tool["type"] != "function" {
			total += c.strings(tool)
			continue
		}
		total += c.function(tool)
		found = true
	}
	list, _ = functions.([]any)
	for _, v := range list {
		if function, ok := v.(map[string]any); ok {
			total += c.function(function)
			found = true
		}
	}
	if found {
		total += afterFunctions
	}
	return total
}

func (c counter) function(f map[string]any) int {
	total := perFunctionO200k
	if c.enc == CL100k {
		total = perFunctionCL100k
	}
	name, _ := f["name"].(string)
	return total + c.text(name+":"+description(f)) + c.properties(f["parameters"])
}

// properties counts what a schema of an object says of its properties.
func (c counter) properties(v any) int {
	schema, _ := v.(map[string]any)
	total := 0
	if properties, _ := schema["properties"].(map[string]any); len(properties) > 0 {
		total += perProperties
		for name, v := range properties {
			total += perProperty + c.property(name, v)
		}
	}
	for _, key := range []string{"anyOf", "oneOf", "allOf"} {
		list, _ := schema[key].([]any)
		total += sum(list, c.nested)
	}
	for _, key := range []string{"$defs", "definitions"} {
		defs, _ := schema[key].(map[string]any)
		for _, v := range defs {
			total += c.nested(v)
		}
	}
	return total + c.nested(schema["items"])
}

func (c counter) property(name string, v any) int {
	schema, _ := v.(map[string]any)
	return c.text(name+":"+typeName(schema["type"])+":"+description(schema)) + c.enum(schema) + c.properties(schema)
}

// nested counts a schema that has no name of its own.
func (c counter) nested(v any) int {
	schema, ok := v.(map[string]any)
	if !ok {
		return 0
	}
	return c.text(typeName(schema["type"])) + c.text(description(schema)) + c.enum(schema) + c.properties(schema)
}

func (c counter) enum(schema map[string]any) int {
	list, ok := schema["enum"].([]any)
	if !ok || len(list) == 0 {
		return 0
	}
	return perEnum + sum(list, func(v any) int {
		if s, ok := v.(string); ok {
			return perEnumItem + c.text(s)
		}
		return perEnumItem + c.json(v)
	})
}

// description is without its full stop, which the API takes away.
func description(schema map[string]any) string {
	s, _ := schema["description"].(string)
	return strings.TrimSuffix(s, ".")
}
