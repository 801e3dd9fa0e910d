package prompts

import (
	"slices"
	"strings"
	"unicode"
)

// What a template may be at most.
const (
	maxTemplate = 256 << 10 // bytes
	maxNesting  = 32        // sections in one another
)

// Parse reads a template. The error is a *SyntaxError.
//
// {{name}}, {{{name}}} and {{&name}} stand for a variable, {{a.b}} for what is in one; {{#name}}…{{/name}} is a section,
// {{^name}}…{{/name}} an inverted one, {{.}} the value that a section stands for, {{! …}} a comment, {{> name@label}} another prompt's
// text, {{=<% %>=}} changes how tags are written.
func Parse(text string) (*Template, error) {
	if len(text) > maxTemplate {
		return nil, &SyntaxError{1, 1, "the template is larger than 256 KiB; give what is large as a variable"}
	}
	tokens, err := scan(text)
	if err != nil {
		return nil, err
	}
	p := &parser{t: &Template{source: text}, tokens: tokens}
	nodes, err := p.nodes()
	if err != nil {
		return nil, err
	}
	p.t.nodes = nodes
	return p.t, nil
}

// A parser builds a Template.
type parser struct {
	t      *Template
	tokens []token
	inside []string // names of open sections; never written into, the names have it
	opened []int    // where they were opened

	line, column, at int // of the last place that was asked for
}

// where is position for places that only go forward.
func (p *parser) where(at int) (line, column int) {
	l, c := position(p.t.source[p.at:], at-p.at)
	if l == 1 {
		c += p.column
	}
	p.line, p.column, p.at = p.line+l-1, c-1, at
	return p.line + 1, c
}

// nodes reads up to the end of the section that is open, or of the text.
func (p *parser) nodes() ([]node, error) {
	var out []node
	for len(p.tokens) > 0 {
		t := p.tokens[0]
		p.tokens = p.tokens[1:]
		switch t.kind {
		case 0:
			if t.text != "" {
				out = append(out, node{kind: nodeText, text: t.text, at: t.start})
			}
		case 'v':
			n, err := p.named(nodeValue, NameValue, t)
			if err != nil {
				return nil, err
			}
			out = append(out, n)
		case '#', '^':
			n, err := p.section(t)
			if err != nil {
				return nil, err
			}
			out = append(out, n)
		case '/':
			return out, p.close(t)
		case '>':
			n, err := p.partial(t)
			if err != nil {
				return nil, err
			}
			out = append(out, n)
		}
	}
	if n := len(p.inside); n > 0 {
		return nil, syntax(p.t.source, p.opened[n-1], "the section %q is not closed: {{/%s}} is missing", p.inside[n-1], p.inside[n-1])
	}
	return out, nil
}

// named makes a node of a variable's name.
func (p *parser) named(kind nodeKind, as NameKind, t token) (node, error) {
	path, err := p.path(t)
	if err != nil {
		return node{}, err
	}
	line, column := p.where(t.start)
	p.t.names = append(p.t.names, Name{t.text, as, p.inside, line, column})
	return node{kind: kind, path: path, name: t.text, at: t.start}, nil
}

// path takes a name apart at its dots.
func (p *parser) path(t token) ([]string, error) {
	if t.text == "." {
		return nil, nil
	}
	if t.text == "" {
		return nil, syntax(p.t.source, t.start, "the tag is empty: a variable's name is missing")
	}
	path := strings.Split(t.text, ".")
	for _, part := range path {
		if part == "" || strings.IndexFunc(part, notInName) >= 0 {
			return nil, syntax(p.t.source, t.start, "%.100q is not a variable's name: names are letters, digits, \"_\" and \"-\", joined by dots; to have braces in the text, change the delimiters: {{=<%% %%>=}}", t.text)
		}
	}
	return path, nil
}

func notInName(r rune) bool {
	return r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
}

func (p *parser) section(t token) (node, error) {
	if len(p.inside) == maxNesting {
		return node{}, syntax(p.t.source, t.start, "sections are in one another more than %d deep", maxNesting)
	}
	kind, as := nodeSection, NameSection
	if t.kind == '^' {
		kind, as = nodeInverted, NameInverted
	}
	n, err := p.named(kind, as, t)
	if err != nil {
		return node{}, err
	}
	p.inside, p.opened = slices.Concat(p.inside, []string{t.text}), append(p.opened, t.start)
	n.body, err = p.nodes()
	return n, err
}

func (p *parser) close(t token) error {
	n := len(p.inside)
	if n == 0 {
		return syntax(p.t.source, t.start, "{{/%.100s}} closes a section that is not open", t.text)
	}
	if p.inside[n-1] != t.text {
		return syntax(p.t.source, t.start, "{{/%.100s}} does not close the section that is open, %q", t.text, p.inside[n-1])
	}
	p.inside, p.opened = p.inside[:n-1], p.opened[:n-1]
	if n == 1 {
		p.inside = nil
	}
	return nil
}

func (p *parser) partial(t token) (node, error) {
	ref, err := ParseRef(t.text)
	if err != nil {
		return node{}, syntax(p.t.source, t.start, "%v", err)
	}
	line, column := p.where(t.start)
	p.t.refs = append(p.t.refs, Partial{ref, line, column})
	return node{kind: nodePartial, ref: len(p.t.refs) - 1, pad: t.pad, at: t.start}, nil
}
