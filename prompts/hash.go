package prompts

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// HashOf gives the hash of a content: "sha256:" and 64 hex digits of the SHA-256 of its canonical form. Contents that say the
// same have one hash: the order of members, the space between them, how a string is escaped and how a number is written (1, 1.0, 10e-1)
// make no difference, and a member that is null or empty is one that is not there. The error says which member is not JSON.
func HashOf(c Content) (string, error) {
	text, err := Canonical(c)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// Canonical writes a content as JSON in the one form that is hashed: members sorted by name, no space, nothing escaped that need not
// be, numbers in their shortest form.
func Canonical(c Content) ([]byte, error) {
	out := map[string]any{}
	if c.Text != "" {
		out["text"] = c.Text
	}
	if len(c.Messages) > 0 {
		list := make([]any, len(c.Messages))
		for i, m := range c.Messages {
			list[i] = map[string]any{"role": m.Role, "content": m.Content}
		}
		out["messages"] = list
	}
	if c.Model != "" {
		out["model"] = c.Model
	}
	for _, m := range c.raw() {
		if absent(m.text) {
			continue
		}
		v, err := decodeJSON(m.text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		out[m.name] = canonical(v)
	}
	return marshal(out)
}

// A rawMember is a member of a content that is kept as it was written.
type rawMember struct {
	name string
	text json.RawMessage
}

func (c *Content) raw() []rawMember {
	return []rawMember{
		{"settings", c.Settings},
		{"variables", c.Variables},
		{"defaults", c.Defaults},
		{"response_format", c.ResponseFormat},
		{"tools", c.Tools},
	}
}

// absent says that a raw member says nothing.
func absent(text json.RawMessage) bool {
	text = bytes.TrimSpace(text)
	return len(text) == 0 || string(text) == "null"
}

// decodeJSON reads exactly one JSON value, numbers as they are written.
func decodeJSON(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("not JSON: there is more behind the value")
	}
	return v, nil
}

// marshal writes JSON without space and without escapes for HTML, members sorted.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func canonical(v any) any {
	switch v := v.(type) {
	case json.Number:
		return json.Number(canonicalNumber(string(v)))
	case []any:
		for i := range v {
			v[i] = canonical(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = canonical(v[k])
		}
	}
	return v
}

// canonicalNumber writes a JSON number without a loss: digits alone when it is whole and short, else its digits as a whole number
// with an exponent of ten.
func canonicalNumber(s string) string {
	negative := strings.HasPrefix(s, "-")
	mantissa, power, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(s, "-")), "e")
	exponent := 0
	if power != "" {
		var err error
		if exponent, err = strconv.Atoi(power); err != nil {
			return s // an exponent beyond all measure stays as it is
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	exponent -= len(fraction)
	short := strings.TrimRight(digits, "0")
	exponent += len(digits) - len(short)
	if short == "" {
		return "0"
	}
	if exponent > 0 && len(short)+exponent <= 20 {
		short, exponent = short+strings.Repeat("0", exponent), 0
	}
	if exponent != 0 {
		short += "e" + strconv.Itoa(exponent)
	}
	if negative {
		return "-" + short
	}
	return short
}
