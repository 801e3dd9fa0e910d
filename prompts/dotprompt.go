package prompts

import (
	"errors"
	"fmt"
	"strings"

	"github.com/weir-dev/weir/internal/yamldoc"
)

// The members that the front of a .prompt file has for weir alone, as dotprompt asks of extensions: with a dot in their names.
const (
	extTemplate = "weir.template" // mustache: the body is in weir's own templates, but for {{role}}; else in Handlebars
	extExact    = "weir.exact"    // true: the space around the body belongs to it
	extText     = "weir.text"     // the text, when a body cannot hold it
	extPrefix   = "weir."         // weir.settings and so on: a member of the content as JSON in a text, when its own place cannot hold it
)

// A dotprompt is a .prompt file that is being read.
type dotprompt struct {
	where    string // what faults are said to be in
	front    *yamldoc.Node
	body     string
	bodyAt   int // bytes of the file in front of the body
	file     string
	content  Content
	mustache bool
	exact    bool
	faults   []Fault
	warnings []string
}

func (d *dotprompt) fault(n *yamldoc.Node, format string, args ...any) {
	d.faults = append(d.faults, Fault{d.where, n.Line, n.Column, fmt.Sprintf(format, args...)})
}

func (d *dotprompt) faultAt(at int, text string) {
	line, column := position(d.file, min(at, len(d.file)))
	d.faults = append(d.faults, Fault{d.where, line, column, text})
}

// failed takes an error about the front.
func (d *dotprompt) failed(n *yamldoc.Node, err error) {
	if at, ok := errors.AsType[*yamldoc.Error](err); ok {
		if at.Line == 0 {
			at.Line, at.Column = n.Line, n.Column
		}
		d.faults = append(d.faults, Fault{d.where, at.Line, at.Column, at.Reason})
		return
	}
	d.fault(n, "%v", err)
}

// split finds the front between two lines of ---, behind comments and empty lines, and the body behind it. A file without a front is all
// body.
func (d *dotprompt) split(text string) {
	d.file, d.body = text, text
	at, from, line := 0, -1, 0
	for rest := range strings.SplitAfterSeq(text, "\n") {
		line++
		word := strings.TrimRight(rest, " \t\r\n")
		at += len(rest)
		switch {
		case word == "---" && from < 0:
			from = at
		case word == "---":
			front := text[from : at-len(rest)]
			d.bodyAt, d.body = at, text[at:]
			d.parse(front, strings.Count(text[:from], "\n"))
			return
		case from < 0 && word != "" && !strings.HasPrefix(word, "#"):
			return
		}
	}
	if from >= 0 {
		d.faultAt(0, "the front is not closed: a second line of --- is missing")
	}
}

// parse reads the front; before is how many lines stand above it.
func (d *dotprompt) parse(front string, before int) {
	doc, err := yamldoc.Parse([]byte(strings.Repeat("\n", before) + front))
	if err != nil {
		f := Fault{Where: d.where, Line: 1, Column: 1, Reason: "the front is not valid YAML: " + err.Error()}
		if at, ok := errors.AsType[*yamldoc.SyntaxError](err); ok && at.Line > 0 {
			f.Line, f.Reason = at.Line, "the front is not valid YAML: "+at.Reason
		}
		d.faults = append(d.faults, f)
		return
	}
	if doc == nil || doc.Null() {
		doc = yamldoc.Map()
	}
	if doc.Kind != yamldoc.Mapping {
		d.fault(doc, "the front must be names with values")
		return
	}
	d.front = doc
}
