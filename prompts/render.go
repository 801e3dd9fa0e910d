package prompts

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// What one rendering may come to.
const (
	maxRendered = 4 << 20 // bytes of all messages
	maxSteps    = 1 << 20 // pieces of templates that are gone through
)

// The errors of a rendering, beside VariableError and what the resolver of partials answers.
var (
	ErrCycle  = errors.New("the prompt contains itself")
	ErrBounds = errors.New("the prompt is too large")
)

// Rendered is a prompt with its variables filled in.
type Rendered struct {
	Text           string          `json:"text,omitempty"`
	Messages       []Message       `json:"messages,omitempty"`
	Model          string          `json:"model,omitempty"`
	Settings       json.RawMessage `json:"settings,omitempty"`
	ResponseFormat json.RawMessage `json:"response_format,omitempty"`
	Tools          json.RawMessage `json:"tools,omitempty"`
	Pins           []Pin           `json:"pins,omitempty"` // the partials, in the order they were first met
}

// Pin says which version a partial was at the time of a rendering.
type Pin struct {
	Ref      string `json:"ref"` // as the template has it
	Name     string `json:"name"`
	Version  int    `json:"version"`
	Hash     string `json:"hash"`
	Revision int64  `json:"revision"` // of the label that named it; 0: it was named by number
}

// VariableError says which variable a prompt could not be rendered with. Its text names it, says why, and where it is wanted; no value
// is in it.
type VariableError struct {
	Prompt   string // name@number
	Variable string // with its dots; "" when it is about all of them
	Reason   string
}

// Error reads `prompt greet@3: the variable "name" is missing: …`.
func (e *VariableError) Error() string {
	if e.Variable == "" {
		return fmt.Sprintf("prompt %s: the variables %s", e.Prompt, e.Reason)
	}
	return fmt.Sprintf("prompt %s: the variable %q %s", e.Prompt, e.Variable, e.Reason)
}

// Render fills the variables, a JSON object, in; nothing and null are one without members. A value is put in as it is and never read as a
// template. partials gives the versions that the template's partials name; nil when it has none.
//
// A variable that the template asks for must be there, in variables or in Defaults, unless the schema lists it and does not
// require it; one that neither the schema nor a template knows must not. A name in a section that is not gone through is not asked for.
// The error is a *VariableError, has ErrCycle or ErrBounds in its chain, or is the resolver's with the place in front. The raw members of the answer are the version's
// own: do not change them.
func (c *Compiled) Render(variables json.RawMessage, partials Resolver) (Rendered, error) {
	r := renderer{whole: c, part: c}
	values, err := c.read(variables)
	if err != nil {
		return Rendered{}, err
	}
	if r.parts, r.pins, err = c.resolve(partials); err != nil {
		return Rendered{}, err
	}
	if values, err = c.check(values, r.parts); err != nil {
		return Rendered{}, err
	}
	r.frames = append(r.room[:0], frame{values, c.shape})
	return r.render()
}

func (c *Compiled) bad(variable, reason string) error {
	return &VariableError{Prompt: c.String(), Variable: variable, Reason: reason}
}

// check refuses surplus variables and those that the schema does not allow, and fills in the defaults.
func (c *Compiled) check(values map[string]any, parts map[Ref]part) (map[string]any, error) {
	surplus, found := "", false
	for name := range values {
		if !c.knows(name) && !anyKnows(parts, name) && (!found || name < surplus) {
			surplus, found = name, true
		}
	}
	if found {
		return nil, c.bad(surplus, "is not one of the prompt's: "+c.wants(parts))
	}
	if len(c.defaults) > 0 {
		merged := maps.Clone(c.defaults)
		maps.Copy(merged, values)
		values = merged
	}
	if c.schema == nil {
		return values, nil
	}
	own := values
	if len(parts) > 0 { // variables that only partials know are not the schema's to judge
		own = maps.Clone(values)
		maps.DeleteFunc(own, func(name string, _ any) bool { return !c.knows(name) })
	}
	if own == nil {
		own = map[string]any{}
	}
	if c.shape.fits(own) {
		return values, nil
	}
	if faults := c.schema.Validate(own); len(faults) > 0 {
		return nil, c.bad(strings.Join(faults[0].Path, "."), faults[0].Reason)
	}
	return values, nil
}

// wants lists the variables that a prompt knows.
func (c *Compiled) wants(parts map[Ref]part) string {
	known := maps.Clone(c.known)
	for _, p := range parts {
		maps.Copy(known, p.known)
	}
	if len(known) == 0 {
		return "it has none"
	}
	list := slices.Sorted(maps.Keys(known))
	if len(list) > 20 {
		list = append(list[:20], "…")
	}
	return "it has " + strings.Join(list, ", ")
}

func anyKnows(parts map[Ref]part, name string) bool {
	for _, p := range parts {
		if p.knows(name) {
			return true
		}
	}
	return false
}

// A renderer is one rendering.
type renderer struct {
	whole  *Compiled // what is rendered
	part   *Compiled // what is being gone through: the same, or a partial
	parts  map[Ref]part
	pins   []Pin
	now    *Template
	number int // of the message that is rendered, from 1; 0: a text
	out    []byte
	size   int // bytes of the messages that are done
	steps  int
	frames []frame // values of the sections around, the variables first
	room   [8]frame
}

// A frame is a value in which names are looked for, and what the schema says of it.
type frame struct {
	value any
	shape *outline
}

func (r *renderer) render() (Rendered, error) {
	c := r.whole
	out := Rendered{Model: c.Version.Model, Settings: c.Version.Settings, ResponseFormat: c.Version.ResponseFormat, Tools: c.Version.Tools, Pins: r.pins}
	if len(c.Version.Messages) == 0 {
		if err := r.template(c.templates[0]); err != nil {
			return Rendered{}, err
		}
		out.Text = string(r.out)
		return out, nil
	}
	out.Messages = make([]Message, len(c.Version.Messages))
	for i, m := range c.Version.Messages {
		r.number = i + 1
		if err := r.template(c.templates[i]); err != nil {
			return Rendered{}, err
		}
		out.Messages[i] = Message{Role: m.Role, Content: string(r.out)}
		r.size += len(r.out)
		r.out = r.out[:0]
	}
	return out, nil
}

func (r *renderer) template(t *Template) error {
	r.now = t
	r.out = slices.Grow(r.out, len(t.source)+len(t.source)/2)
	return r.nodes(t.nodes)
}

func (r *renderer) nodes(nodes []node) error {
	for i := range nodes {
		n := &nodes[i]
		if r.steps++; r.steps > maxSteps {
			return r.bounds("it goes through more than a million pieces of its templates")
		}
		var err error
		switch n.kind {
		case nodeText:
			r.out = append(r.out, n.text...)
		case nodeValue:
			err = r.value(n)
		case nodePartial:
			err = r.partial(n)
		default:
			err = r.section(n)
		}
		if err != nil {
			return err
		}
		if r.size+len(r.out) > maxRendered {
			return r.bounds("it is rendered to more than 4 MiB")
		}
	}
	return nil
}

func (r *renderer) bounds(why string) error {
	return fmt.Errorf("prompt %s: %w: %s", r.whole, ErrBounds, why)
}

func (r *renderer) value(n *node) error {
	f, err := r.lookup(n)
	if err != nil {
		return err
	}
	switch v := f.value.(type) {
	case nil:
	case string:
		r.out = append(r.out, v...)
	case json.Number:
		r.out = append(r.out, v...)
	case bool:
		r.out = strconv.AppendBool(r.out, v)
	default:
		text, err := marshal(v)
		if err != nil {
			return r.fail(n, n.name, "cannot be written: "+err.Error())
		}
		r.out = append(r.out, text...)
	}
	return nil
}

func (r *renderer) section(n *node) error {
	f, err := r.lookup(n)
	if err != nil {
		return err
	}
	if n.kind == nodeInverted {
		if truthy(f.value) {
			return nil
		}
		return r.nodes(n.body)
	}
	if !truthy(f.value) {
		return nil
	}
	list, ok := f.value.([]any)
	if !ok {
		return r.within(f, n.body)
	}
	for _, v := range list {
		if r.steps++; r.steps > maxSteps {
			return r.bounds("it goes through more than a million pieces of its templates")
		}
		if err := r.within(frame{v, f.shape.item()}, n.body); err != nil {
			return err
		}
	}
	return nil
}

func (r *renderer) within(f frame, body []node) error {
	r.frames = append(r.frames, f)
	err := r.nodes(body)
	r.frames = r.frames[:len(r.frames)-1]
	return err
}

// truthy says whether a section is gone through: not for false, null, an empty text, 0 and an empty list.
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case json.Number:
		mantissa, _, _ := strings.Cut(strings.ToLower(string(v)), "e")
		return strings.Trim(mantissa, "-0.") != ""
	case []any:
		return len(v) > 0
	}
	return true
}

// lookup finds what a name stands for: its first part in the innermost value that has it, the others in what that is.
func (r *renderer) lookup(n *node) (frame, error) {
	if n.path == nil {
		if len(r.frames) == 1 {
			return frame{}, r.fail(n, ".", "stands for the value of a section, and there is none around it")
		}
		return r.frames[len(r.frames)-1], nil
	}
	f, optional, found := r.first(n.path[0])
	for _, name := range n.path[1:] {
		if !found {
			break
		}
		members, ok := f.value.(map[string]any)
		if f.value != nil && !ok {
			return frame{}, r.fail(n, n.name, fmt.Sprintf("is not there: it is looked for in %s", kindOf(f.value)))
		}
		optional = optional || f.value == nil || f.shape.optional(name)
		f.value, found = members[name]
		f.shape = f.shape.member(name)
	}
	if found || optional {
		return f, nil
	}
	return frame{}, r.fail(n, n.name, "is missing")
}

// first finds the value of a name without dots, or says that it may be left out.
func (r *renderer) first(name string) (f frame, optional, found bool) {
	for _, f := range slices.Backward(r.frames) {
		if members, ok := f.value.(map[string]any); ok {
			if v, found := members[name]; found {
				return frame{v, f.shape.member(name)}, false, true
			}
		}
		optional = optional || f.shape.optional(name)
	}
	if r.part != r.whole {
		if v, found := r.part.defaults[name]; found {
			return frame{v, r.part.shape.member(name)}, false, true
		}
		optional = optional || r.part.shape.optional(name)
	}
	return frame{}, optional, false
}

// fail says what is wrong with a name, and where it stands.
func (r *renderer) fail(n *node, variable, reason string) error {
	line, column := r.now.position(n.at)
	where := fmt.Sprintf("line %d, column %d", line, column)
	switch {
	case r.part != r.whole:
		where = fmt.Sprintf("prompt %s, %s", r.part, where)
	case r.number > 0:
		where = fmt.Sprintf("message %d (%s), %s", r.number, r.whole.Version.Messages[r.number-1].Role, where)
	}
	return r.whole.bad(variable, reason+"; "+where+" asks for it")
}

func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case json.Number:
		return "a number"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	}
	return "an object"
}
