package prompts

import (
	"fmt"

	"github.com/weir-dev/weir/internal/jsonschema"
)

// Compiled is a version that is ready to be rendered. It never changes and is safe for concurrent use.
type Compiled struct {
	Version Version // must not be changed

	templates []*Template // of the text, or of each message
	refs      []Partial   // of all templates
	known     map[string]bool
	defaults  map[string]any
	schema    *jsonschema.Schema // nil: none
	shape     *outline           // of the schema
}

// Compile parses a version's templates and its schema. ErrDeleted when the version was deleted; else the error is a *ContentError with
// the prompt's name in front.
func Compile(v Version) (*Compiled, error) {
	c := &Compiled{Version: v, known: map[string]bool{}}
	if !v.DeletedAt.IsZero() {
		return nil, fmt.Errorf("prompt %s: %w", c, ErrDeleted)
	}
	k := checker{content: v.Content}
	k.templates()
	c.defaults = k.object("defaults", v.Defaults)
	if schema := k.object("variables", v.Variables); schema != nil {
		var err error
		if c.schema, err = jsonschema.Compile(v.Variables); err != nil {
			k.fault("variables", "%v", err)
		}
		c.shape = outlineOf(schema, schema, 0)
	}
	if len(k.faults) > 0 {
		return nil, fmt.Errorf("prompt %s: %w", c, &ContentError{k.faults})
	}
	c.templates = k.parsed
	for _, t := range c.templates {
		c.refs = append(c.refs, t.refs...)
		for _, n := range t.names {
			if first := firstName(n.Name); first != "" {
				c.known[first] = true
			}
		}
	}
	if c.shape != nil {
		for name := range c.shape.members {
			c.known[name] = true
		}
	}
	for name := range c.defaults {
		c.known[name] = true
	}
	return c, nil
}

// String gives name@number.
func (c *Compiled) String() string {
	return Ref{Name: c.Version.Name, Number: c.Version.Number}.String()
}

// Names are the places where the version's own templates ask for variables, message after message.
func (c *Compiled) Names() []Name {
	var out []Name
	for _, t := range c.templates {
		out = append(out, t.names...)
	}
	return out
}

// Partials are the places where the version's templates take other prompts' texts.
func (c *Compiled) Partials() []Partial { return c.refs }

// knows says that a variable of the name may be given.
func (c *Compiled) knows(name string) bool {
	return c.known[name] || c.shape != nil && c.shape.open
}
