package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-dev/weir/internal/yamldoc"
)

// usageFigures are what a provider and weir both count of a day's calls of a model. Nil: not counted.
type usageFigures struct {
	calls, input, output, usd *big.Rat
}

// figureNames are for people, in the order of fields.
var figureNames = []string{"calls", "input tokens", "output tokens", "usd"}

func (f *usageFigures) fields() []**big.Rat {
	return []**big.Rat{&f.calls, &f.input, &f.output, &f.usd}
}

// add puts one number to a field.
func add(to **big.Rat, n *big.Rat) {
	if n == nil {
		return
	}
	if *to == nil {
		*to = new(big.Rat)
	}
	(*to).Add(*to, n)
}

// dayModel is what figures are of.
type dayModel struct{ day, model string }

// usageFile is a provider's export of usage or costs.
type usageFile struct {
	name    string
	figures map[dayModel]*usageFigures
	days    map[string]bool
	faults  []configFault
}

func (f *usageFile) fault(line int, format string, args ...any) {
	f.faults = append(f.faults, configFault{line, fmt.Sprintf(format, args...)})
}

// Error lists every fault with its line.
func (f *usageFile) Error() string {
	slices.SortStableFunc(f.faults, func(a, b configFault) int { return a.line - b.line })
	const most = 20
	var b strings.Builder
	fmt.Fprintf(&b, "the export has %d %s:", len(f.faults), plural(len(f.faults), "fault", "faults"))
	for i, fault := range f.faults {
		if i == most {
			fmt.Fprintf(&b, "\n  and %d more", len(f.faults)-most)
			break
		}
		fmt.Fprintf(&b, "\n  %s:%d: %s", f.name, fault.line, clean(fault.text))
	}
	return b.String()
}

// readUsageFile reads OpenAI's costs or usage, as its API gives them or as CSV.
func readUsageFile(name string, text []byte) (*usageFile, error) {
	f := &usageFile{name: name, figures: map[dayModel]*usageFigures{}, days: map[string]bool{}}
	if start := bytes.TrimSpace(text); len(start) > 0 && (start[0] == '{' || start[0] == '[') {
		docs, err := jsonNodes(text)
		if err != nil {
			f.fault(1+bytes.Count(text[:min(offsetOf(err, len(text)), len(text))], []byte("\n")), "not valid JSON: %v", err)
		}
		for _, doc := range docs {
			f.pages(doc)
		}
	} else {
		f.table(text)
	}
	if len(f.faults) == 0 && len(f.figures) == 0 {
		f.fault(1, "holds no usage: want OpenAI's costs or usage, JSON with data: [{start_time, results: […]}] or CSV with a header")
	}
	if len(f.faults) > 0 {
		return nil, f
	}
	return f, nil
}

// pages reads one page, a list of them, or a list of buckets.
func (f *usageFile) pages(n *yamldoc.Node) {
	if n.Kind == yamldoc.Sequence {
		for _, one := range n.Content {
			f.pages(one)
		}
		return
	}
	if data := n.Member("data"); data != nil {
		f.pages(data)
		return
	}
	results := n.Member("results")
	if results == nil || results.Kind != yamldoc.Sequence {
		f.fault(n.Line, "want a bucket: {start_time, results: […]}")
		return
	}
	start := n.Member("start_time")
	if start == nil {
		f.fault(n.Line, "the bucket has no start_time")
		return
	}
	day, ok := dayOf(start.Value)
	if !ok {
		f.fault(start.Line, "start_time %q is no time: want seconds since 1970, or RFC 3339", start.Value)
		return
	}
	f.days[day] = true
	for _, r := range results.Content {
		f.result(day, r)
	}
}

// result reads one line of a bucket.
func (f *usageFile) result(day string, n *yamldoc.Node) {
	get := func(name string) string {
		if v := n.Member(name); v != nil && v.Tag != "!!null" {
			return v.Value
		}
		return ""
	}
	if amount := n.Member("amount"); amount != nil && amount.Kind == yamldoc.Mapping {
		value, currency := amount.Member("value"), amount.Member("currency")
		if value == nil {
			f.fault(amount.Line, "amount has no value")
			return
		}
		if currency != nil && !strings.EqualFold(currency.Value, "usd") {
			f.fault(currency.Line, "the currency %q is not dollars", currency.Value)
			return
		}
		f.take(value.Line, day, get("line_item"), map[string]string{"usd": value.Value})
		return
	}
	numbers := map[string]string{}
	for field, name := range usageColumns {
		if text := get(field); text != "" && name != "usd" {
			numbers[name] = text
		}
	}
	f.take(n.Line, day, get("model"), numbers)
}

// usageColumns are the fields and columns that exports call their figures by.
var usageColumns = map[string]string{
	"num_model_requests": "calls", "requests": "calls", "n_requests": "calls",
	"input_tokens": "input tokens", "n_context_tokens_total": "input tokens",
	"output_tokens": "output tokens", "n_generated_tokens_total": "output tokens",
	"amount_value": "usd", "cost_usd": "usd", "cost": "usd", "amount": "usd",
}

// take adds figures of a day's calls of a model. A line of costs is named by its model and what was charged for: gpt-4o, input.
func (f *usageFile) take(line int, day, model string, numbers map[string]string) {
	model, _, _ = strings.Cut(model, ",")
	if model = strings.TrimSpace(model); model == "" {
		f.fault(line, "names no model: export it grouped by model (usage) or by line_item (costs)")
		return
	}
	key := dayModel{day, model}
	if f.figures[key] == nil {
		f.figures[key] = &usageFigures{}
	}
	for i, to := range f.figures[key].fields() {
		text, there := numbers[figureNames[i]]
		if !there {
			continue
		}
		n, ok := new(big.Rat).SetString(text)
		if !ok || len(text) > 64 {
			f.fault(line, "%s: %q is no number", figureNames[i], text)
			continue
		}
		add(to, n)
	}
}

// dayOf is the day, in UTC, of seconds since 1970, a time or a day.
func dayOf(text string) (string, bool) {
	if s, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(s, 0).UTC().Format(time.DateOnly), s > 0
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC().Format(time.DateOnly), true
		}
	}
	return "", false
}

// table reads CSV with a header.
func (f *usageFile) table(text []byte) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	r.FieldsPerRecord = -1
	head, err := r.Read()
	if err != nil {
		return // an empty file, which is said of it
	}
	day, model, currency := -1, -1, -1
	figures := map[int]string{}
	for i, name := range head {
		switch name = strings.ToLower(strings.TrimSpace(name)); name {
		case "date", "day", "start_time_iso":
			day = i
		case "start_time":
			if day < 0 {
				day = i
			}
		case "model", "line_item", "snapshot_id":
			model = i
		case "amount_currency", "currency":
			currency = i
		default:
			if figure, ok := usageColumns[name]; ok {
				figures[i] = figure
			}
		}
	}
	if day < 0 || model < 0 || len(figures) == 0 {
		f.fault(1, "the header wants a day (date, start_time_iso), a model (model, line_item) and figures (input_tokens, output_tokens, num_model_requests, amount_value); it has %s", strings.Join(head, ", "))
		return
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			line := 1
			if bad, ok := errors.AsType[*csv.ParseError](err); ok {
				line = bad.Line
			}
			f.fault(line, "not valid CSV: %v", err)
			return
		}
		line, _ := r.FieldPos(0)
		f.row(line, row, day, model, currency, figures)
	}
}

func (f *usageFile) row(line int, row []string, day, model, currency int, figures map[int]string) {
	if max(day, model, currency) >= len(row) {
		f.fault(line, "has %d columns, fewer than the header", len(row))
		return
	}
	at, ok := dayOf(row[day])
	switch {
	case !ok:
		f.fault(line, "%q is no day", row[day])
		return
	case currency >= 0 && row[currency] != "" && !strings.EqualFold(row[currency], "usd"):
		f.fault(line, "the currency %q is not dollars", row[currency])
		return
	}
	f.days[at] = true
	numbers := map[string]string{}
	for i, name := range figures {
		if i < len(row) && row[i] != "" {
			numbers[name] = row[i]
		}
	}
	if len(numbers) == 0 && row[model] == "" {
		return // a day on which nothing was used
	}
	f.take(line, at, row[model], numbers)
}
