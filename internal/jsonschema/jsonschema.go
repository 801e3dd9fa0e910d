// Package jsonschema checks JSON values against JSON Schemas that strangers wrote: nothing is ever loaded from elsewhere.
package jsonschema

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	vendor "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// MaxSize is how large a schema may be, in bytes.
const MaxSize = 64 << 10

// The name by which a schema is known to itself.
const self = "urn:weir:schema"

// Schema is a compiled schema. It is safe for concurrent use.
type Schema struct {
	compiled *vendor.Schema
}

// Fault is one thing wrong with a value.
type Fault struct {
	Path   []string // members and places of lists that lead to it; a member that is missing or surplus is the last one
	Reason string   // reads on after the name of what is at fault: "must be …"
}

// nothing is a loader that loads nothing.
type nothing struct{}

func (nothing) Load(url string) (any, error) {
	return nil, fmt.Errorf("%.200q is not part of the schema, and schemas are never loaded from elsewhere; copy it into $defs", url)
}

// Compile reads a schema of JSON Schema 2020-12, or of the draft that its $schema names. The error says what is wrong with it in one line.
func Compile(text []byte) (*Schema, error) {
	if len(text) > MaxSize {
		return nil, fmt.Errorf("the schema is larger than %d KiB", MaxSize>>10)
	}
	doc, err := vendor.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	c := vendor.NewCompiler()
	c.UseLoader(nothing{})
	c.DefaultDraft(vendor.Draft2020)
	if err := c.AddResource(self, doc); err != nil {
		return nil, plain(err)
	}
	compiled, err := c.Compile(self)
	if err != nil {
		return nil, plain(err)
	}
	if err := work(compiled); err != nil {
		return nil, err
	}
	return &Schema{compiled}, nil
}

// plain says a compiler's error without the compiler's names for things.
func plain(err error) error {
	if invalid, ok := errors.AsType[*vendor.SchemaValidationError](err); ok {
		if e, ok := errors.AsType[*vendor.ValidationError](invalid.Err); ok {
			faults := flatten(e, nil)
			if len(faults) > 0 {
				f := faults[0]
				return fmt.Errorf("not a JSON Schema: %s %s", at(f.Path), f.Reason)
			}
		}
	}
	text := strings.ReplaceAll(err.Error(), self, "")
	return fmt.Errorf("not a JSON Schema: %s", strings.Join(strings.Fields(text), " "))
}

func at(path []string) string {
	if len(path) == 0 {
		return "it"
	}
	return strings.Join(path, ".")
}

// Validate gives what is wrong with a value as encoding/json decodes it with UseNumber, in the order of its parts; nil when nothing is.
func (s *Schema) Validate(v any) []Fault {
	err := s.compiled.Validate(v)
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*vendor.ValidationError](err)
	if !ok {
		return []Fault{{Reason: "cannot be checked: " + err.Error()}}
	}
	faults := flatten(e, nil)
	slices.SortStableFunc(faults, func(a, b Fault) int { return slices.Compare(a.Path, b.Path) })
	return faults
}

var printer = message.NewPrinter(language.English)

// flatten takes the causes at the ends of the tree. Of alternatives that all fail the choice itself is told, not each.
func flatten(e *vendor.ValidationError, out []Fault) []Fault {
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			out = append(out, Fault{below(e.InstanceLocation, name), "is missing"})
		}
		return out
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			out = append(out, Fault{below(e.InstanceLocation, name), "is not allowed"})
		}
		return out
	case *kind.Type:
		return append(out, Fault{e.InstanceLocation, fmt.Sprintf("must be of type %s, not %s", strings.Join(k.Want, " or "), k.Got)})
	case *kind.Enum:
		return append(out, Fault{e.InstanceLocation, "must be one of " + brief(k.Want)})
	case *kind.Const:
		return append(out, Fault{e.InstanceLocation, "must be " + brief([]any{k.Want})})
	case *kind.Pattern:
		return append(out, Fault{e.InstanceLocation, fmt.Sprintf("must match the pattern %.200q", k.Want)})
	case *kind.FalseSchema:
		return append(out, Fault{e.InstanceLocation, "is not allowed"})
	case *kind.AnyOf, *kind.OneOf:
		return append(out, Fault{e.InstanceLocation, "fits none or several of the forms that the schema allows"})
	case *kind.Not:
		return append(out, Fault{e.InstanceLocation, "has a form that the schema forbids"})
	}
	if len(e.Causes) == 0 {
		return append(out, Fault{e.InstanceLocation, "does not fit: " + e.ErrorKind.LocalizedString(printer)})
	}
	for _, cause := range e.Causes {
		out = flatten(cause, out)
	}
	return out
}

func below(path []string, name string) []string {
	return append(slices.Clip(path), name)
}

// brief writes values that the schema has, not those that it was asked about.
func brief(values []any) string {
	parts := make([]string, 0, len(values))
	for _, v := range values {
		if len(parts) == 12 {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, fmt.Sprintf("%.60v", v))
	}
	return strings.Join(parts, ", ")
}
