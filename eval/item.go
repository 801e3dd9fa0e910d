package eval

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bounds of items.
const (
	MaxItem = 4 << 20 // bytes of one, as JSON
	maxID   = 200     // bytes
)

// Item is one case of a dataset: what is asked, and what a good answer is. Its values are JSON, objects with sorted names.
type Item struct {
	ID       string                     `json:"id"`
	Input    json.RawMessage            `json:"input"`              // a text; an object of a prompt's variables, or with messages
	Expected json.RawMessage            `json:"expected,omitempty"` // a text, a list of texts each of which is right, or what a scorer wants
	Context  json.RawMessage            `json:"context,omitempty"`  // what the answer has to be drawn from
	Metadata map[string]json.RawMessage `json:"metadata,omitempty"`
}

// Hash tells items apart by all they say: 64 digits of hex.
func (it *Item) Hash() string {
	sum := sha256.Sum256(it.line())
	return hex.EncodeToString(sum[:])
}

// line is the item as JSON, always the same for the same item.
func (it *Item) line() []byte { return marshal(it) }

// marshal writes a value that is known to be JSON, without escapes for HTML.
func marshal(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("eval: write JSON: %v", err)) // the values were read from JSON
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// normal gives a JSON value in one form: no white space, names sorted, null as nothing.
func normal(raw json.RawMessage) (json.RawMessage, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if v == nil {
		return nil, nil
	}
	return marshal(v), nil
}

// Settle puts an item's values into one form, gives it an id when it has none, and says what is wrong with it.
func (it *Item) Settle() error {
	for _, field := range []*json.RawMessage{&it.Input, &it.Expected, &it.Context} {
		var err error
		if *field, err = normal(*field); err != nil {
			return err
		}
	}
	for name, raw := range it.Metadata {
		v, err := normal(raw)
		if err != nil {
			return err
		}
		if it.Metadata[name] = v; v == nil {
			delete(it.Metadata, name)
		}
	}
	if len(it.Metadata) == 0 {
		it.Metadata = nil
	}
	if it.ID == "" {
		it.ID = it.Hash()[:12]
	}
	switch {
	case it.Input == nil:
		return errors.New("there is no input")
	case len(it.ID) > maxID || !utf8.ValidString(it.ID) || strings.ContainsFunc(it.ID, func(r rune) bool { return r < ' ' }):
		return fmt.Errorf("the id %.40q is none: want up to %d bytes of text on one line", it.ID, maxID)
	case len(it.line()) > MaxItem:
		return fmt.Errorf("the item is larger than %d MiB", MaxItem>>20)
	}
	return nil
}

// Text is a JSON value as a reader sees it: a string without its quotes, else the JSON; "" of none.
func Text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// texts is a value as the texts that it holds: those of a list, or the one.
func texts(raw json.RawMessage) []string {
	if raw == nil {
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return []string{Text(raw)}
	}
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = Text(v)
	}
	return out
}
