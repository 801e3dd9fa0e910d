package prompts

import (
	"encoding/json"
	"maps"
	"strings"
)

// A outline is what rendering knows of a JSON Schema: the names it lists, which of them must be there, and whether it allows others. nil knows
// nothing.
type outline struct {
	kinds    []string // "type"
	members  map[string]*outline
	required map[string]bool
	items    *outline
	open     bool // others are allowed by name or pattern
	plain    bool // the schema says nothing beyond all this
}

// The depth to which a schema is looked into.
const maxShape = 12

// outlineOf reads a decoded schema. root is the document that its references point into.
func outlineOf(schema, root any, depth int) *outline {
	doc, ok := schema.(map[string]any)
	if !ok || depth > maxShape {
		return nil
	}
	s := &outline{members: map[string]*outline{}, required: map[string]bool{}}
	if ref, ok := doc["$ref"].(string); ok {
		s.join(outlineOf(pointed(ref, root), root, depth+1))
	}
	all, _ := doc["allOf"].([]any)
	for _, part := range all {
		s.join(outlineOf(part, root, depth+1))
	}
	switch kind := doc["type"].(type) {
	case string:
		s.kinds = []string{kind}
	case []any:
		for _, k := range kind {
			if k, ok := k.(string); ok {
				s.kinds = append(s.kinds, k)
			}
		}
	}
	properties, _ := doc["properties"].(map[string]any)
	for name, member := range properties {
		s.members[name] = outlineOf(member, root, depth+1)
	}
	required, _ := doc["required"].([]any)
	for _, name := range required {
		if name, ok := name.(string); ok {
			s.required[name] = true
		}
	}
	if items, ok := doc["items"]; ok {
		s.items = outlineOf(items, root, depth+1)
	}
	if others, ok := doc["additionalProperties"]; ok && others != false {
		s.open = true
	}
	for _, keyword := range []string{"patternProperties", "anyOf", "oneOf", "if", "$dynamicRef", "dependentSchemas"} {
		if _, ok := doc[keyword]; ok {
			s.open = true
		}
	}
	s.plain = len(s.kinds) == 1 && plainWords(doc)
	return s
}

// plainWords says that a schema has no words but those that an outline keeps, and those that forbid nothing.
func plainWords(doc map[string]any) bool {
	for word, v := range doc {
		switch word {
		case "type", "properties", "required", "items", "title", "description", "default", "examples", "$comment", "$schema":
		case "additionalProperties":
			if _, ok := v.(bool); !ok {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// fits says that a value surely fits the schema, much faster than the schema itself can. What it does not see to fit may fit.
func (s *outline) fits(v any) bool {
	if s == nil || !s.plain {
		return false
	}
	switch v := v.(type) {
	case string:
		return s.kinds[0] == "string"
	case bool:
		return s.kinds[0] == "boolean"
	case json.Number:
		return s.kinds[0] == "number" || s.kinds[0] == "integer" && strings.Trim(string(v), "-0123456789") == ""
	case []any:
		if s.kinds[0] != "array" {
			return false
		}
		for _, item := range v {
			if s.items != nil && !s.items.fits(item) {
				return false
			}
		}
		return true
	case map[string]any:
		return s.kinds[0] == "object" && s.fitsObject(v)
	}
	return false
}

func (s *outline) fitsObject(members map[string]any) bool {
	for name := range s.required {
		if _, ok := members[name]; !ok {
			return false
		}
	}
	for name, v := range members {
		if member, ok := s.members[name]; !ok && !s.open || ok && !member.fits(v) {
			return false
		}
	}
	return true
}

// join adds what another schema says of the same value.
func (s *outline) join(other *outline) {
	if other == nil {
		s.open = true
		return
	}
	s.open = s.open || other.open
	if s.kinds == nil {
		s.kinds = other.kinds
	}
	if s.items == nil {
		s.items = other.items
	}
	maps.Copy(s.members, other.members)
	for name := range other.required {
		s.required[name] = true
	}
}

// pointed follows a reference into the document.
func pointed(ref string, root any) any {
	path, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil
	}
	at := root
	for step := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if step == "" {
			break
		}
		doc, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = doc[strings.NewReplacer("~1", "/", "~0", "~").Replace(step)]
	}
	return at
}

func (s *outline) member(name string) *outline {
	if s == nil {
		return nil
	}
	return s.members[name]
}

func (s *outline) item() *outline {
	if s == nil {
		return nil
	}
	return s.items
}

// has says that the schema lists the name.
func (s *outline) has(name string) bool {
	if s == nil {
		return false
	}
	_, ok := s.members[name]
	return ok
}

// optional says that the schema lists the name and does not want it.
func (s *outline) optional(name string) bool { return s.has(name) && !s.required[name] }

// only says that the schema allows these types and no others.
func (s *outline) only(kinds ...string) bool {
	if s == nil || len(s.kinds) == 0 {
		return false
	}
	for _, kind := range s.kinds {
		found := false
		for _, k := range kinds {
			found = found || k == kind
		}
		if !found {
			return false
		}
	}
	return true
}
