package yamldoc

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Text is a node of a text.
func Text(s string) *Node { return &Node{Tag: "!!str", Value: s} }

// Map is a mapping of names and values in turn.
func Map(content ...*Node) *Node { return &Node{Kind: Mapping, Tag: "!!map", Content: content} }

// Set adds a member at the end of a mapping.
func (n *Node) Set(name string, value *Node) { n.Content = append(n.Content, Text(name), value) }

// Encode writes a node as a YAML document with an indent of two. What it writes, Parse reads as the same tree but for places.
func (n *Node) Encode() ([]byte, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(n.plain()); err != nil {
		return nil, err
	}
	err := enc.Close()
	return b.Bytes(), err
}

// plain gives the vendor's node.
func (n *Node) plain() *yaml.Node {
	out := &yaml.Node{Kind: yaml.ScalarNode, Tag: n.Tag, Value: n.Value}
	switch n.Kind {
	case Mapping:
		out.Kind, out.Style = yaml.MappingNode, emptyStyle(n)
	case Sequence:
		out.Kind, out.Style = yaml.SequenceNode, emptyStyle(n)
	default:
		out.Style = scalarStyle(n)
		if n.Tag == "!!int" || n.Tag == "!!float" {
			out.Tag = "" // which of the two is seen by how it is written
		}
	}
	for _, child := range n.Content {
		out.Content = append(out.Content, child.plain())
	}
	return out
}

// emptyStyle writes what is empty in one line: as a block it would be nothing at all.
func emptyStyle(n *Node) yaml.Style {
	if len(n.Content) == 0 {
		return yaml.FlowStyle
	}
	return 0
}

// scalarStyle quotes texts that a block or a plain word would change: the double-quoted style escapes everything.
func scalarStyle(n *Node) yaml.Style {
	if n.Tag != "!!str" {
		return 0
	}
	plain := n.Value != "" && n.Value == strings.TrimSpace(n.Value)
	for _, r := range n.Value {
		if r < ' ' || r == 0x7f || r == 0x85 || r == 0xa0 || r == 0xfeff || r == 0x2028 || r == 0x2029 || r == 0xfffd {
			plain = false
		}
	}
	if plain {
		return 0
	}
	return yaml.DoubleQuotedStyle
}
