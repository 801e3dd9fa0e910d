package eval

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/weir-dev/weir/internal/parquet"
)

// ReadParquet reads a dataset of a row an item from a Parquet file. The columns are those of ReadCSV, but a cell is what its type says: a text,
// a number, a list or an object, and the JSON that is in a column of JSON. A column metadata of objects is what it says; other columns become
// metadata. Faults are told at once, in a *ReadError, by row.
func ReadParquet(name string, file []byte, as Columns) ([]Item, error) {
	r := newReading(name)
	head, rows, err := parquet.Read(file, parquet.Limits{})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	as = Columns{cmp.Or(as.ID, "id"), cmp.Or(as.Input, "input"), cmp.Or(as.Expected, "expected"), cmp.Or(as.Context, "context")}
	if missing := missingColumns(head, as); len(missing) > 0 {
		return nil, fmt.Errorf("read %s: there is no column %s; there is %s", name, strings.Join(missing, ", nor "), strings.Join(head, ", "))
	}
	n := 0
	for row, err := range rows {
		if n++; err != nil {
			return nil, fmt.Errorf("read %s: row %d: %w", name, n, err)
		}
		it, err := parquetItem(row, as)
		if err != nil {
			r.fault(n, "%v", err)
			continue
		}
		r.add(n, it)
	}
	return r.done()
}

// parquetItem makes an item of a row.
func parquetItem(row parquet.Row, as Columns) (Item, error) {
	var it Item
	for name, v := range row {
		if v == nil {
			continue
		}
		raw, err := json.Marshal(v)
		if err != nil {
			return it, fmt.Errorf("the cell of %s cannot be kept as JSON: %w", name, err)
		}
		switch name {
		case as.ID:
			if it.ID = Text(raw); strings.HasPrefix(it.ID, "{") || strings.HasPrefix(it.ID, "[") {
				return it, errors.New("the id is neither text nor a number")
			}
		case as.Input:
			it.Input = raw
		case as.Expected:
			it.Expected = raw
		case as.Context:
			it.Context = raw
		default:
			var members map[string]json.RawMessage
			if name != "metadata" || json.Unmarshal(raw, &members) != nil {
				it.meta(name, raw)
				continue
			}
			for k, m := range members {
				it.meta(k, m)
			}
		}
	}
	return it, nil
}

// WriteParquet writes items as ReadParquet reads them: the columns id, input, expected, context and metadata, of text where all cells of a
// column are texts, else of JSON.
func WriteParquet(to io.Writer, items []Item) error {
	parts := []func(*Item) json.RawMessage{
		func(it *Item) json.RawMessage { return it.Input },
		func(it *Item) json.RawMessage { return it.Expected },
		func(it *Item) json.RawMessage { return it.Context },
		func(it *Item) json.RawMessage {
			if len(it.Metadata) == 0 {
				return nil
			}
			return marshal(it.Metadata)
		},
	}
	columns := []parquet.Column{{Name: "id"}}
	for i, name := range []string{"input", "expected", "context", "metadata"} {
		c := parquet.Column{Name: name, Kind: parquet.Text, Optional: name != "input", Large: true}
		if slices.ContainsFunc(items, func(it Item) bool { raw := parts[i](&it); return raw != nil && raw[0] != '"' }) {
			c.Kind = parquet.JSON
		}
		columns = append(columns, c)
	}
	w, err := parquet.NewWriter(to, columns)
	if err != nil {
		return fmt.Errorf("write items: %w", err)
	}
	for i := range items {
		cells := []any{items[i].ID}
		for k, part := range parts {
			switch raw := part(&items[i]); {
			case raw == nil:
				cells = append(cells, nil)
			case columns[k+1].Kind == parquet.Text:
				cells = append(cells, Text(raw))
			default:
				cells = append(cells, string(raw))
			}
		}
		if err := w.Write(cells...); err != nil {
			return fmt.Errorf("write item %s: %w", items[i].ID, err)
		}
	}
	return w.Close()
}
