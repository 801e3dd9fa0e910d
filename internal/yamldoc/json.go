package yamldoc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/weir-dev/weir/internal/rawjson"
)

// What a document may come to as JSON: aliases make much of little.
const (
	maxDepth = 64
	maxJSON  = 4 << 20 // bytes
)

// Error is something that JSON does not have, and where it stands.
type Error struct {
	Line, Column int
	Reason       string
}

// Error reads "line 3, column 7: …".
func (e *Error) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

// JSON writes a node as JSON: names in their order, numbers as they are written where JSON writes them so. The error is an *Error: a name that is
// no text or stands twice, a number that is none in JSON, an alias that holds itself.
func (n *Node) JSON() (json.RawMessage, error) {
	w := writer{}
	if err := w.node(n, 0); err != nil {
		return nil, err
	}
	return w.out, nil
}

type writer struct{ out []byte }

func (n *Node) fail(format string, args ...any) error {
	return &Error{n.Line, n.Column, fmt.Sprintf(format, args...)}
}

func (w *writer) node(n *Node, depth int) error {
	if depth > maxDepth {
		return n.fail("it is more than %d levels deep, or an alias that holds itself", maxDepth)
	}
	if len(w.out) > maxJSON {
		return n.fail("with its aliases written out the document is larger than %d MiB", maxJSON>>20)
	}
	switch n.Kind {
	case Mapping:
		return w.mapping(n, depth)
	case Sequence:
		w.out = append(w.out, '[')
		for i, item := range n.Content {
			if i > 0 {
				w.out = append(w.out, ',')
			}
			if err := w.node(item, depth+1); err != nil {
				return err
			}
		}
		w.out = append(w.out, ']')
		return nil
	}
	return w.scalar(n)
}

func (w *writer) mapping(n *Node, depth int) error {
	seen := map[string]bool{}
	w.out = append(w.out, '{')
	for key, value := range n.Members() {
		switch {
		case key.Kind != Scalar:
			return key.fail("a name must be a text")
		case key.Tag == "!!merge":
			return key.fail("merging with << is not read; write the members out")
		case seen[key.Value]:
			return key.fail("%q stands twice", key.Value)
		}
		if len(seen) > 0 {
			w.out = append(w.out, ',')
		}
		seen[key.Value] = true
		w.out = append(append(w.out, rawjson.Quote(key.Value)...), ':')
		if err := w.node(value, depth+1); err != nil {
			return err
		}
	}
	w.out = append(w.out, '}')
	return nil
}

func (w *writer) scalar(n *Node) error {
	switch n.Tag {
	case "!!null":
		w.out = append(w.out, "null"...)
	case "!!bool":
		var b bool
		if err := n.Decode(&b); err != nil {
			return n.fail("%q is neither true nor false", n.Value)
		}
		w.out = strconv.AppendBool(w.out, b)
	case "!!int", "!!float":
		return w.number(n)
	default: // texts, and what only looks like one: times, binary
		w.out = append(w.out, rawjson.Quote(n.Value)...)
	}
	return nil
}

func (w *writer) number(n *Node) error {
	if json.Valid([]byte(n.Value)) {
		w.out = append(w.out, n.Value...)
		return nil
	}
	if n.Tag == "!!int" {
		var i int64
		if err := n.Decode(&i); err != nil {
			return n.fail("%q is not a number that JSON can say", n.Value)
		}
		w.out = strconv.AppendInt(w.out, i, 10)
		return nil
	}
	var f float64
	if err := n.Decode(&f); err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return n.fail("%q is not a number that JSON can say", n.Value)
	}
	text, err := json.Marshal(f)
	if err != nil {
		return n.fail("%q is not a number that JSON can say", n.Value)
	}
	w.out = append(w.out, text...)
	return nil
}

// FromJSON reads exactly one JSON value as a Node, members in their order and numbers as they are written.
func FromJSON(text []byte) (*Node, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if !json.Valid(text) {
		return nil, fmt.Errorf("not JSON")
	}
	return fromJSON(dec)
}

func fromJSON(dec *json.Decoder) (*Node, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case json.Delim:
		n := &Node{Kind: Mapping, Tag: "!!map"}
		if token == '[' {
			n = &Node{Kind: Sequence, Tag: "!!seq"}
		}
		for dec.More() {
			child, err := fromJSON(dec)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, child)
		}
		_, err := dec.Token()
		return n, err
	case json.Number:
		return &Node{Tag: "!!float", Value: string(token)}, nil
	case bool:
		return &Node{Tag: "!!bool", Value: strconv.FormatBool(token)}, nil
	case string:
		return Text(token), nil
	}
	return &Node{Tag: "!!null", Value: "null"}, nil
}
