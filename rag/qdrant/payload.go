package qdrant

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/qdrant/go-client/qdrant"

	"github.com/weir-dev/weir/rag"
)

// The fields of a point's payload. Every point has all of them, so that to set them is to replace them.
const (
	fieldDocument    = "document"
	fieldTitle       = "title"
	fieldText        = "text"
	fieldHeadings    = "headings"
	fieldOrdinal     = "ordinal"
	fieldStart       = "start"
	fieldEnd         = "end"
	fieldParentStart = "parent_start"
	fieldParentEnd   = "parent_end"
	fieldParent      = "parent"
	fieldTokens      = "tokens"
	fieldHash        = "hash"
	fieldLabels      = "labels" // a list of name=value, so that one index serves all names
	fieldTenant      = "tenant" // or the empty string
)

// payload is the chunk as Qdrant keeps it, all but its text.
func payload(c *rag.Chunk) (map[string]*qdrant.Value, error) {
	labels := make([]*qdrant.Value, 0, len(c.Labels))
	for _, name := range slices.Sorted(maps.Keys(c.Labels)) {
		labels = append(labels, qdrant.NewValueString(label(name, c.Labels[name])))
	}
	headings := make([]*qdrant.Value, 0, len(c.Headings))
	for _, h := range c.Headings {
		headings = append(headings, qdrant.NewValueString(h))
	}
	fields := map[string]*qdrant.Value{
		fieldDocument: qdrant.NewValueString(c.Document), fieldTitle: qdrant.NewValueString(c.Title),
		fieldHeadings: qdrant.NewValueFromList(headings...), fieldLabels: qdrant.NewValueFromList(labels...),
		fieldOrdinal: number(c.Ordinal), fieldStart: number(c.Start), fieldEnd: number(c.End),
		fieldParentStart: number(c.ParentStart), fieldParentEnd: number(c.ParentEnd), fieldParent: qdrant.NewValueString(c.Parent),
		fieldTokens: number(c.Tokens), fieldHash: qdrant.NewValueString(c.DocumentHash), fieldTenant: qdrant.NewValueString(c.Tenant),
	}
	for name, v := range fields {
		texts := append([]*qdrant.Value{v}, v.GetListValue().GetValues()...)
		for _, text := range texts {
			if !utf8.ValidString(text.GetStringValue()) {
				return nil, fmt.Errorf("chunk %s: its %s is not valid UTF-8", c.ID, name)
			}
		}
	}
	return fields, nil
}

func number(n int) *qdrant.Value { return qdrant.NewValueInt(int64(n)) }

// label is one label as a keyword. The name holds no "=" any more, so that it can be read back.
func label(name, value string) string { return url.QueryEscape(name) + "=" + value }

// chunk reads a point's payload back.
func chunk(id *qdrant.PointId, payload map[string]*qdrant.Value) rag.Chunk {
	text := func(field string) string { return payload[field].GetStringValue() }
	n := func(field string) int { return int(payload[field].GetIntegerValue()) }
	c := rag.Chunk{
		ID: id.GetUuid(), Document: text(fieldDocument), Title: text(fieldTitle), Text: text(fieldText),
		Ordinal: n(fieldOrdinal), Start: n(fieldStart), End: n(fieldEnd), ParentStart: n(fieldParentStart), ParentEnd: n(fieldParentEnd),
		Parent: text(fieldParent), Tokens: n(fieldTokens), DocumentHash: text(fieldHash), Tenant: text(fieldTenant),
	}
	for _, h := range payload[fieldHeadings].GetListValue().GetValues() {
		c.Headings = append(c.Headings, h.GetStringValue())
	}
	for _, l := range payload[fieldLabels].GetListValue().GetValues() {
		escaped, value, _ := strings.Cut(l.GetStringValue(), "=")
		name, err := url.QueryUnescape(escaped)
		if err != nil {
			continue // label wrote none such
		}
		if c.Labels == nil {
			c.Labels = map[string]string{}
		}
		c.Labels[name] = value
	}
	return c
}
