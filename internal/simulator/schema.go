package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// schema is the part of a JSON schema the generator obeys.
type schema struct {
	Ref         string            `json:"$ref"`
	Type        json.RawMessage   `json:"type"` // a name or a list of names
	Enum        []json.RawMessage `json:"enum"`
	Const       json.RawMessage   `json:"const"`
	Description string            `json:"description"`
	Format      string            `json:"format"`
	Pattern     string            `json:"pattern"`
	MinLength   int               `json:"minLength"`
	MaxLength   *int              `json:"maxLength"`
	Minimum     *float64          `json:"minimum"`
	Maximum     *float64          `json:"maximum"`
	Above       *float64          `json:"exclusiveMinimum"`
	Below       *float64          `json:"exclusiveMaximum"`
	MultipleOf  float64           `json:"multipleOf"`
	Items       json.RawMessage   `json:"items"`
	MinItems    int               `json:"minItems"`
	MaxItems    *int              `json:"maxItems"`
	Properties  json.RawMessage   `json:"properties"`
	Required    []string          `json:"required"`
	AnyOf       []json.RawMessage `json:"anyOf"`
	OneOf       []json.RawMessage `json:"oneOf"`
	AllOf       []json.RawMessage `json:"allOf"`
}

// filler writes JSON values that fit a schema, out of what the text says.
type filler struct {
	root json.RawMessage
	text string
	r    *rand.Rand
}

const maxDepth = 6 // below it only what is required is written

// object writes a value that fits the schema, as compact JSON. Without a schema it is an empty object.
func (p prompt) object(raw json.RawMessage, r *rand.Rand) string {
	if len(raw) == 0 || string(raw) == "null" {
		return "{}"
	}
	f := filler{root: raw, text: p.last(), r: r}
	var buf bytes.Buffer
	f.value(&buf, raw, "", 0)
	return buf.String()
}

func (f filler) value(w *bytes.Buffer, raw json.RawMessage, name string, depth int) {
	var s schema
	if json.Unmarshal(raw, &s) != nil || depth > 4*maxDepth {
		w.WriteString("null")
		return
	}
	switch {
	case s.Ref != "":
		f.value(w, f.resolve(s.Ref), name, depth+1)
	case len(s.Const) > 0:
		w.Write(s.Const)
	case len(s.Enum) > 0:
		w.Write(f.oneOf(s.Enum))
	case len(s.AnyOf)+len(s.OneOf) > 0:
		f.value(w, f.alternative(append(s.AnyOf, s.OneOf...)), name, depth+1)
	case len(s.AllOf) > 0 && len(s.Properties) == 0:
		f.value(w, f.merge(s.AllOf), name, depth+1)
	default:
		switch typeName(s) {
		case "object":
			f.object(w, s, depth)
		case "array":
			f.array(w, s, name, depth)
		case "integer", "number":
			w.WriteString(f.number(s))
		case "boolean":
			w.WriteString(strconv.FormatBool(f.r.IntN(2) == 0))
		case "null":
			w.WriteString("null")
		default:
			writeString(w, f.string(s, name))
		}
	}
}

// typeName is the schema's type; of a list, the first that is not null; of none, what the other fields suggest.
func typeName(s schema) string {
	var one string
	if json.Unmarshal(s.Type, &one) == nil && one != "" {
		return one
	}
	var many []string
	if json.Unmarshal(s.Type, &many) == nil && len(many) > 0 {
		if i := slices.IndexFunc(many, func(t string) bool { return t != "null" }); i >= 0 {
			return many[i]
		}
		return "null"
	}
	switch {
	case len(s.Properties) > 0:
		return "object"
	case len(s.Items) > 0:
		return "array"
	case s.Minimum != nil || s.Maximum != nil:
		return "number"
	}
	return "string"
}

func (f filler) object(w *bytes.Buffer, s schema, depth int) {
	keys, values, err := orderedObject(s.Properties)
	if err != nil {
		keys = nil
	}
	w.WriteByte('{')
	first := true
	for i, k := range keys {
		if depth >= maxDepth && !slices.Contains(s.Required, k) {
			continue
		}
		if !first {
			w.WriteByte(',')
		}
		first = false
		writeString(w, k)
		w.WriteByte(':')
		f.value(w, values[i], k, depth+1)
	}
	w.WriteByte('}')
}

func (f filler) array(w *bytes.Buffer, s schema, name string, depth int) {
	n := max(s.MinItems, 1+f.r.IntN(3))
	if depth >= maxDepth {
		n = s.MinItems
	}
	if s.MaxItems != nil {
		n = min(n, *s.MaxItems)
	}
	w.WriteByte('[')
	for i := range n {
		if i > 0 {
			w.WriteByte(',')
		}
		if len(s.Items) == 0 {
			writeString(w, f.phrase(i))
			continue
		}
		f.value(w, s.Items, strings.TrimSuffix(name, "s"), depth+1)
	}
	w.WriteByte(']')
}

var numberInText = regexp.MustCompile(`-?\d+(?:\.\d+)?`)

// number prefers a number of the text that fits the bounds.
func (f filler) number(s schema) string {
	low, high := math.Inf(-1), math.Inf(1)
	for _, b := range []*float64{s.Minimum, s.Above} {
		if b != nil {
			low = max(low, *b)
		}
	}
	for _, b := range []*float64{s.Maximum, s.Below} {
		if b != nil {
			high = min(high, *b)
		}
	}
	whole := typeName(s) == "integer"
	fits := func(v float64) bool {
		return v >= low && v <= high && (s.Above == nil || v > *s.Above) && (s.Below == nil || v < *s.Below) &&
			(!whole || v == math.Trunc(v)) && (s.MultipleOf == 0 || v/s.MultipleOf == math.Trunc(v/s.MultipleOf))
	}
	if !(low >= 0 && high <= 1) { // a score is not found in the text
		var found []float64
		for _, t := range numberInText.FindAllString(f.text, -1) {
			if v, err := strconv.ParseFloat(t, 64); err == nil && fits(v) && math.Abs(v) < 1e12 {
				found = append(found, v)
			}
		}
		if len(found) > 0 {
			return formatNumber(found[f.r.IntN(len(found))], whole)
		}
	}
	switch {
	case math.IsInf(low, -1) && math.IsInf(high, 1):
		low, high = 1, 20
	case math.IsInf(low, -1):
		low = high - 20
	case math.IsInf(high, 1):
		high = low + 20
	}
	step := s.MultipleOf
	if step == 0 {
		step = 0.01
		if whole {
			step = 1
		}
	}
	from, to := math.Ceil(low/step), math.Floor(high/step)
	if s.Above != nil && from*step <= *s.Above {
		from++
	}
	if s.Below != nil && to*step >= *s.Below {
		to--
	}
	// Two throws, the larger: scores lean to the good side, as models' own do.
	pick := from
	if to > from {
		span := to - from + 1
		pick = from + math.Floor(max(f.r.Float64(), f.r.Float64())*span)
	}
	return formatNumber(pick*step, whole || step == math.Trunc(step))
}

func formatNumber(v float64, whole bool) string {
	if whole {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(math.Round(v*1e6)/1e6, 'f', -1, 64)
}

// oneOf picks the value the text names, else a drawn one.
func (f filler) oneOf(values []json.RawMessage) json.RawMessage {
	labels := make([]string, len(values))
	for i, v := range values {
		labels[i] = strings.Trim(string(v), `"`)
	}
	want := nearestLabel(labels, f.text, f.r)
	return values[slices.Index(labels, want)]
}

// alternative picks the first that is not null.
func (f filler) alternative(all []json.RawMessage) json.RawMessage {
	for _, raw := range all {
		var s schema
		if json.Unmarshal(raw, &s) == nil && (typeName(s) != "null" || s.Ref != "") {
			return raw
		}
	}
	return all[0]
}

// merge joins the objects of an allOf.
func (f filler) merge(all []json.RawMessage) json.RawMessage {
	var props bytes.Buffer
	var required []string
	for _, raw := range all {
		var s schema
		for json.Unmarshal(raw, &s) == nil && s.Ref != "" {
			raw = f.resolve(s.Ref)
			s = schema{}
		}
		required = append(required, s.Required...)
		keys, values, err := orderedObject(s.Properties)
		if err != nil {
			continue
		}
		for i, k := range keys {
			if props.Len() > 0 {
				props.WriteByte(',')
			}
			writeString(&props, k)
			props.WriteByte(':')
			props.Write(values[i])
		}
	}
	if props.Len() == 0 {
		return all[0]
	}
	req, err := json.Marshal(required)
	if err != nil || required == nil {
		req = []byte("[]")
	}
	return fmt.Appendf(nil, `{"type":"object","properties":{%s},"required":%s}`, props.Bytes(), req)
}

// resolve follows a reference inside the schema, such as #/$defs/address.
func (f filler) resolve(ref string) json.RawMessage {
	at := f.root
	for part := range strings.SplitSeq(strings.TrimPrefix(strings.TrimPrefix(ref, "#"), "/"), "/") {
		if part == "" {
			continue
		}
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		var m map[string]json.RawMessage
		if json.Unmarshal(at, &m) != nil {
			return json.RawMessage("false")
		}
		at = m[part]
	}
	return at
}

// orderedObject splits a JSON object into its keys and values, in their order.
func orderedObject(raw json.RawMessage) (keys []string, values []json.RawMessage, err error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	open, err := dec.Token()
	if err != nil || open != json.Delim('{') {
		return nil, nil, fmt.Errorf("not a JSON object")
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, nil, err
		}
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			return nil, nil, err
		}
		keys, values = append(keys, fmt.Sprint(key)), append(values, v)
	}
	return keys, values, nil
}

func writeString(w *bytes.Buffer, s string) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	w.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}
