package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/weir-dev/weir/internal/yamldoc"
	"github.com/weir-dev/weir/price"
)

// filePrice is a price of a file.
type filePrice struct {
	price.Entry
	line int
}

// priceFile is what was read of a file of prices.
type priceFile struct {
	name    string
	prices  []filePrice
	skipped []string // what has no price that weir can take, with its reason

	faults []configFault
	first  map[string]filePrice
}

// readPriceFile reads prices in weir's own form or as the common JSON map of models to prices per token. format is weir, map,
// or empty to see by what is in it. Everything wrong is told at once, each with its line.
func readPriceFile(name string, text []byte, format string) (*priceFile, error) {
	f := &priceFile{name: name, first: map[string]filePrice{}}
	docs := f.documents(text)
	if format == "" {
		format = formatOf(docs)
	}
	for _, doc := range docs {
		if format == "map" {
			f.priceMap(doc)
		} else {
			f.ownForm(doc)
		}
	}
	if len(f.faults) == 0 && len(f.prices) == 0 && len(f.skipped) == 0 {
		f.fault(0, "holds no prices: want prices: [{provider, model, input_usd_per_mtok, output_usd_per_mtok}], or a JSON map of models with input_cost_per_token")
	}
	if len(f.faults) > 0 {
		return nil, f
	}
	return f, nil
}

func (f *priceFile) fault(line int, format string, args ...any) {
	f.faults = append(f.faults, configFault{line, fmt.Sprintf(format, args...)})
}

// Error lists every fault with its line.
func (f *priceFile) Error() string {
	slices.SortStableFunc(f.faults, func(a, b configFault) int { return a.line - b.line })
	var b strings.Builder
	fmt.Fprintf(&b, "the price file has %d %s, and nothing of it is taken:", len(f.faults), plural(len(f.faults), "fault", "faults"))
	for _, fault := range f.faults {
		if fault.line > 0 {
			fmt.Fprintf(&b, "\n  %s:%d: %s", f.name, fault.line, clean(fault.text))
		} else {
			fmt.Fprintf(&b, "\n  %s: %s", f.name, clean(fault.text))
		}
	}
	return b.String()
}

// documents reads YAML, or one or more JSON values.
func (f *priceFile) documents(text []byte) []*yamldoc.Node {
	if start := bytes.TrimSpace(text); len(start) > 0 && (start[0] == '{' || start[0] == '[') {
		docs, err := jsonNodes(text)
		if err != nil {
			f.fault(1+bytes.Count(text[:min(offsetOf(err, len(text)), len(text))], []byte("\n")), "not valid JSON: %v", err)
		}
		return docs
	}
	doc, err := yamldoc.Parse(text)
	if err != nil {
		f.fault(yamlLine(err), "not valid YAML: %v", err)
	}
	if doc == nil {
		return nil
	}
	return []*yamldoc.Node{doc}
}

func offsetOf(err error, end int) int {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return int(syntax.Offset)
	}
	return end
}

// jsonNodes reads JSON as YAML's nodes, which know their lines.
func jsonNodes(text []byte) ([]*yamldoc.Node, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	line, seen := 1, 0
	var value func() (*yamldoc.Node, error)
	value = func() (*yamldoc.Node, error) {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		offset := int(dec.InputOffset())
		line += bytes.Count(text[seen:offset], []byte("\n"))
		seen = offset
		n := &yamldoc.Node{Line: line, Value: fmt.Sprint(token)}
		switch token := token.(type) {
		case json.Delim:
			n.Kind, n.Value = yamldoc.Mapping, ""
			if token == '[' {
				n.Kind = yamldoc.Sequence
			}
			for dec.More() {
				v, err := value()
				if err != nil {
					return nil, err
				}
				n.Content = append(n.Content, v)
			}
			_, err = dec.Token()
		case json.Number:
			n.Tag = "!!float"
		case nil:
			n.Tag = "!!null"
		case bool:
			n.Tag = "!!bool"
		default:
			n.Tag = "!!str"
		}
		return n, err
	}
	var out []*yamldoc.Node
	for {
		n, err := value()
		if errors.Is(err, io.EOF) && n == nil && !dec.More() {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, n)
	}
}

// formatOf tells the forms apart: weir's has a list, or names provider and model.
func formatOf(docs []*yamldoc.Node) string {
	for _, doc := range docs {
		if doc.Kind == yamldoc.Sequence || doc.Member("prices") != nil || doc.Member("model") != nil {
			return "weir"
		}
		for _, v := range doc.Members() {
			if v.Kind == yamldoc.Mapping {
				return "map"
			}
		}
	}
	return "weir"
}

// ownForm reads a list of prices, one price, or an object that has a list by the name of prices.
func (f *priceFile) ownForm(doc *yamldoc.Node) {
	list := []*yamldoc.Node{doc}
	switch {
	case doc.Kind == yamldoc.Sequence:
		list = doc.Content
	case doc.Member("prices") != nil:
		for key, v := range doc.Members() {
			switch key.Value {
			case "currency":
				f.currency(v)
			case "prices":
				if v.Kind != yamldoc.Sequence {
					f.fault(v.Line, "prices: want a list")
				}
				list = v.Content
			case "version", "truncated", "about":
			default:
				f.fault(key.Line, "there is no such field %q beside prices", key.Value)
			}
		}
	}
	for _, item := range list {
		f.ownPrice(item)
	}
}

func (f *priceFile) currency(v *yamldoc.Node) {
	if !strings.EqualFold(v.Value, "USD") {
		f.fault(v.Line, "the currency %q is not dollars: weir's prices are in USD, convert them first", v.Value)
	}
}

// ownPrice reads one price, field by field, so that each fault has its line.
func (f *priceFile) ownPrice(n *yamldoc.Node) {
	if n.Kind != yamldoc.Mapping {
		f.fault(n.Line, "want a price: {provider, model, input_usd_per_mtok, output_usd_per_mtok}")
		return
	}
	before := len(f.faults)
	fields := map[string]any{}
	for key, v := range n.Members() {
		if key.Value == "currency" {
			f.currency(v)
			continue
		}
		if _, twice := fields[key.Value]; twice {
			f.fault(key.Line, "%s: said twice", key.Value)
			continue
		}
		value := plainNode(v, key.Value, 0)
		one, err := json.Marshal(map[string]any{key.Value: value})
		var e price.Entry
		if err == nil {
			err = json.Unmarshal(one, &e)
		}
		if err != nil {
			f.fault(key.Line, "%s: %s", key.Value, strings.TrimPrefix(err.Error(), "json: "))
			continue
		}
		fields[key.Value] = value
	}
	if len(f.faults) > before {
		return
	}
	var e price.Entry
	text, err := json.Marshal(fields)
	if err == nil {
		err = json.Unmarshal(text, &e)
	}
	if err != nil {
		f.fault(n.Line, "%v", err)
		return
	}
	f.add(n.Line, e)
}

// plainNode is a node as JSON has it: prices and names are texts, counts are numbers. No price is deeper than a few levels; what
// is, an alias of itself above all, is cut off.
func plainNode(n *yamldoc.Node, field string, depth int) any {
	const deepest = 8
	if depth > deepest {
		return "…"
	}
	switch n.Kind {
	case yamldoc.Mapping:
		out := map[string]any{}
		for key, v := range n.Members() {
			out[key.Value] = plainNode(v, key.Value, depth+1)
		}
		return out
	case yamldoc.Sequence:
		out := make([]any, len(n.Content))
		for i, v := range n.Content {
			out[i] = plainNode(v, field, depth+1)
		}
		return out
	}
	if n.Null() {
		return nil
	}
	switch field {
	case "context_window", "max_output_tokens", "threshold_tokens":
		if json.Valid([]byte(n.Value)) {
			return json.RawMessage(n.Value)
		}
	}
	return n.Value
}

// add takes a price, unless there is another for its model, project and date.
func (f *priceFile) add(line int, e price.Entry) {
	e.Status = ""
	if err := e.Validate(); err != nil {
		f.fault(line, "%v", err)
		return
	}
	id := e.Provider + "\x00" + e.Model + "\x00" + e.Project + "\x00" + e.EffectiveFrom.String()
	if before, twice := f.first[id]; twice {
		f.fault(line, "two prices of %s for one date: the other is on line %d", e.Name(), before.line)
		return
	}
	f.first[id] = filePrice{e, line}
	f.prices = append(f.prices, filePrice{e, line})
}
