package prompts

import (
	"fmt"
	"unicode/utf8"
)

// Template is a parsed template. It never changes and is safe for concurrent use.
type Template struct {
	source string
	nodes  []node
	names  []Name
	refs   []Partial
	indent int // bytes in front of each line that the source did not have
}

// Name is one place where a template asks for a variable.
type Name struct {
	Name         string   `json:"name"` // with its dots; "." is the value that the section around it stands for
	Kind         NameKind `json:"kind"`
	Inside       []string `json:"inside,omitempty"` // the sections around it, outermost first
	Line, Column int      // from 1, in characters
}

// NameKind says what for.
type NameKind string

// The kinds of names.
const (
	NameValue    NameKind = "value"    // {{name}}
	NameSection  NameKind = "section"  // {{#name}}
	NameInverted NameKind = "inverted" // {{^name}}
)

// Partial is one place where a template takes another prompt's text.
type Partial struct {
	Ref          Ref
	Line, Column int
}

// SyntaxError says where and why a template does not parse.
type SyntaxError struct {
	Line, Column int // from 1, in characters
	Reason       string
}

// Error reads "line 3, column 7: …".
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

// Names are the places where the template itself asks for variables, in order; those of its partials are theirs.
func (t *Template) Names() []Name { return t.names }

// Partials are the places where the template takes other prompts' texts, in order.
func (t *Template) Partials() []Partial { return t.refs }

// Source is the text that was parsed.
func (t *Template) Source() string { return t.source }

// position gives line and column of a byte of the source.
func (t *Template) position(at int) (line, column int) {
	line, column = position(t.source, at)
	return line, max(column-t.indent, 1)
}

func position(text string, at int) (line, column int) {
	line = 1
	start := 0
	for i := range at {
		if text[i] == '\n' {
			line++
			start = i + 1
		}
	}
	return line, utf8.RuneCountInString(text[start:at]) + 1
}

// A node is a piece of a parsed template.
type node struct {
	kind nodeKind
	text string   // of nodeText
	path []string // of a name; nil is "."
	name string   // the same in one
	body []node   // of a section
	ref  int      // of a partial: its place in Template.refs
	pad  string   // of a partial on a line of its own: what stands before each of its lines
	at   int      // where its tag begins in the source
}

type nodeKind uint8

const (
	nodeText nodeKind = iota
	nodeValue
	nodeSection
	nodeInverted
	nodePartial
)
