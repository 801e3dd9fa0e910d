// Package yamldoc reads YAML into a tree that knows where everything stands, and writes it.
package yamldoc

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Kind says what a Node is.
type Kind uint8

// The kinds of nodes. An alias is never seen: it is the node that it stands for.
const (
	Scalar Kind = iota
	Mapping
	Sequence
)

// Node is one value of a document. What is an alias in the text is the very node that it names, so that a tree may meet itself: count
// the levels when you go down.
type Node struct {
	Kind         Kind
	Tag          string  // !!str, !!int, !!float, !!bool, !!null, !!map, !!seq, or one of the document's own
	Value        string  // of a scalar, without quotes
	Line, Column int     // from 1; the column counts characters
	Content      []*Node // of a sequence its items; of a mapping its names and values in turn
}

// SyntaxError says that a text is not YAML.
type SyntaxError struct {
	Line   int // from 1; 0: not known
	Reason string
}

// Error reads "line 3: …".
func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return e.Reason
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Reason)
}

// Parse reads the first document of a text. A text without one gives nil. The error is a *SyntaxError.
func Parse(text []byte) (*Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, syntaxError(err)
	}
	if len(doc.Content) == 0 {
		return nil, nil //nolint:nilnil // an empty document is neither a value nor an error
	}
	return convert(doc.Content[0], map[*yaml.Node]*Node{}), nil
}

// syntaxError reads the line out of the parser's message, which has it nowhere else.
func syntaxError(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	e := &SyntaxError{Reason: text}
	if _, scanErr := fmt.Sscanf(text, "line %d:", &e.Line); scanErr != nil {
		e.Line = 0
		return e
	}
	_, e.Reason, _ = strings.Cut(text, ": ")
	return e
}

// convert copies a tree; seen keeps what was an alias one node, and ends where a tree meets itself.
func convert(n *yaml.Node, seen map[*yaml.Node]*Node) *Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if done, ok := seen[n]; ok {
		return done
	}
	out := &Node{Tag: n.ShortTag(), Value: n.Value, Line: n.Line, Column: n.Column}
	seen[n] = out
	switch n.Kind {
	case yaml.MappingNode:
		out.Kind = Mapping
	case yaml.SequenceNode:
		out.Kind = Sequence
	}
	for _, child := range n.Content {
		out.Content = append(out.Content, convert(child, seen))
	}
	return out
}

// Members are a mapping's names and values in order; of another node there are none.
func (n *Node) Members() func(yield func(key, value *Node) bool) {
	return func(yield func(key, value *Node) bool) {
		if n == nil || n.Kind != Mapping {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

// Member gives a mapping's first value by that name, or nil.
func (n *Node) Member(name string) *Node {
	for key, value := range n.Members() {
		if key.Value == name {
			return value
		}
	}
	return nil
}

// Null says that a scalar is null or empty.
func (n *Node) Null() bool { return n.Kind == Scalar && n.Tag == "!!null" }

// Decode reads a scalar into a bool or a number by YAML's rules.
func (n *Node) Decode(into any) error {
	if n.Kind != Scalar {
		return errors.New("not a scalar")
	}
	return (&yaml.Node{Kind: yaml.ScalarNode, Tag: n.Tag, Value: n.Value}).Decode(into)
}
