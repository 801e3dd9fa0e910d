package api

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/prompts/experiment"
	"github.com/weir-dev/weir/trace"
)

// schemas are the JSON schemas of Go types, by name.
type schemas map[string]any

const (
	amountPattern = `^-?[0-9]+\.[0-9]{9}$`
	stampPattern  = `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$`
	windowPattern = `^(minute|hour|day|week|month|quarter|year|lifetime|rolling:.+)$`
	ratePattern   = `^[0-9]+(\.[0-9]+)?$`
)

// kindNames are the kinds of spans.
var kindNames = []string{
	string(trace.KindCall), string(trace.KindAttempt), string(trace.KindChain), string(trace.KindGeneration), string(trace.KindEmbedding), string(trace.KindRetrieval), string(trace.KindReranker),
}

// written are the types whose JSON is not what their fields say.
var written = map[reflect.Type]object{
	reflect.TypeFor[stamp]():              {"type": "string", "format": "date-time", "pattern": stampPattern},
	reflect.TypeFor[time.Time]():          {"type": "string", "format": "date-time"},
	reflect.TypeFor[experiment.Amount]():  {"anyOf": []object{{"type": "number"}, {"type": "string", "pattern": `^-?[0-9.e+-]+%$`, "description": "a share of the control's value"}}},
	reflect.TypeFor[eval.Duration]():      {"type": "string", "description": "such as 1m30s"},
	reflect.TypeFor[price.USD]():          {"type": "string", "pattern": amountPattern, "description": "US dollars"},
	reflect.TypeFor[json.RawMessage]():    {},
	reflect.TypeFor[trace.Status]():       {"type": "string", "enum": statuses},
	reflect.TypeFor[trace.Cache]():        {"type": "string", "enum": caches},
	reflect.TypeFor[trace.Kind]():         {"type": "string", "enum": kindNames},
	reflect.TypeFor[price.Status]():       {"type": "string", "enum": []string{string(price.Exact), string(price.Default), string(price.Unpriced)}},
	reflect.TypeFor[price.Window]():       {"type": "string", "pattern": windowPattern},
	reflect.TypeFor[price.BudgetPolicy](): {"type": "string", "enum": []string{string(price.Expected), string(price.Strict)}},
	reflect.TypeFor[price.AtLimit]():      {"type": "string", "enum": []string{string(price.RefuseCall), string(price.Downgrade), string(price.AlertOnly)}},
	reflect.TypeFor[llm.UsageSource]():    {"type": "string", "enum": []string{string(llm.FromProvider), string(llm.Estimated), string(llm.NoUsage)}},
}

// of gives the schema of v's type, and keeps those of the structs it is made of.
func (s schemas) of(v any) object { return s.schema(reflect.TypeOf(v)) }

func (s schemas) schema(t reflect.Type) object {
	if o, ok := written[t]; ok {
		return o
	}
	switch t.Kind() {
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Interface:
		return object{}
	case reflect.Slice:
		return object{"type": "array", "items": s.schema(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.schema(t.Elem())}
	case reflect.Pointer:
		return object{"anyOf": []object{s.schema(t.Elem()), {"type": "null"}}}
	case reflect.Struct:
		name := schemaName(t)
		if _, known := s[name]; !known {
			s[name] = nil // it may hold itself
			s[name] = s.structure(t)
		}
		return object{"$ref": "#/components/schemas/" + name}
	}
	panic(fmt.Sprintf("api: no JSON schema for %s", t))
}

// schemaName is the type's name with a capital.
func schemaName(t reflect.Type) string {
	if t == reflect.TypeFor[price.Entry]() {
		return "Price"
	}
	r := []rune(t.Name())
	r[0] = unicode.ToUpper(r[0])
	if strings.HasSuffix(t.PkgPath(), "/rag") {
		return "RAG" + string(r)
	}
	if of := t.PkgPath(); strings.HasSuffix(of, "/eval") || strings.HasSuffix(of, "/eval/stats") { // whose nouns have names that others have, too
		return "Eval" + string(r)
	}
	if strings.HasSuffix(t.PkgPath(), "/alert") {
		return "Alert" + string(r)
	}
	if strings.HasSuffix(t.PkgPath(), "/dashboards/report") && t.Name() != "Report" {
		return "Report" + string(r)
	}
	if strings.HasSuffix(t.PkgPath(), "/eval/drift") {
		return "Traffic" + string(r)
	}
	return string(r)
}

func (s schemas) structure(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[price.Entry]():
		return s.price()
	case reflect.TypeFor[costRow]():
		row := s.structure(reflect.TypeFor[sums]())
		row["additionalProperties"] = object{"type": "string"}
		row["description"] = "the values of the columns grouped by, under their names, and the sums of their group"
		return row
	}
	properties, required := object{}, []string{}
	s.fields(t, properties, &required)
	return object{"type": "object", "properties": properties, "required": required}
}

// fields adds a struct's fields as encoding/json sees them: those of embedded structs first, so that its own prevail.
func (s schemas) fields(t reflect.Type, properties object, required *[]string) {
	for f := range t.Fields() {
		if f.Anonymous {
			s.fields(f.Type, properties, required)
		}
	}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || !f.IsExported() || name == "" {
			continue
		}
		if _, known := properties[name]; !known && !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") {
			*required = append(*required, name)
		}
		properties[name] = s.schema(f.Type)
	}
}

// price describes price.Entry, which writes itself.
func (s schemas) price() object {
	text, number := object{"type": "string"}, object{"type": "integer"}
	rate := object{"type": "string", "pattern": ratePattern, "description": "US dollars per million tokens; left out when not known"}
	properties := object{
		"provider": text, "model": text, "project": text, "mode": text, "tokenizer": text, "status": text,
		"effective_from": object{"type": "string", "description": "a day, or an RFC 3339 time; left out: always"},
		"kind":           object{"type": "string", "enum": []string{string(price.PerToken), string(price.PerSecond), string(price.PerCall), string(price.Free)}},
		"unit_usd":       s.schema(reflect.TypeFor[price.USD]()),
		"context_window": number, "max_output_tokens": number,
		"sources": object{"type": "array", "items": text},
		"tier": object{
			"type": "object", "required": []string{"threshold_tokens"},
			"properties": object{"threshold_tokens": number, "input_usd_per_mtok": rate, "output_usd_per_mtok": rate},
		},
		"peak": object{"type": "array", "items": object{
			"type": "object", "required": []string{"days", "hours_utc"},
			"properties": object{
				"from":  object{"type": "string", "format": "date-time"},
				"until": object{"type": "string", "format": "date-time"},
				"days":  object{"type": "string", "enum": []string{string(price.EveryDay), string(price.Weekdays)}}, "hours_utc": text,
				"input_usd_per_mtok": rate, "cache_read_usd_per_mtok": rate, "output_usd_per_mtok": rate,
			},
		}},
	}
	for _, name := range []string{
		"input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning", "input_audio", "output_audio",
		"batch_input", "batch_output", "flex_input", "flex_output", "priority_input", "priority_output", "fast_input", "fast_output",
	} {
		properties[name+"_usd_per_mtok"] = rate
	}
	return object{"type": "object", "properties": properties, "required": []string{"provider", "model"}}
}
