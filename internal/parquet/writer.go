package parquet

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// A row group is cut at either of these.
const (
	groupRows  = 50_000
	groupBytes = 8 << 20 // of what its values say
)

// Writer writes rows as a Parquet file, in one pass: it holds one row group of about 8 MiB, compressed, and some kilobytes for the footer
// for each that was written. Not safe for concurrent use.
type Writer struct {
	columns []Column
	leaves  []int           // the first leaf of each column
	to      *parquet.Writer //nolint:staticcheck // the generic one wants a Go type, and the columns are known at run time only
	row     parquet.Row
	rows    int
	bytes   int // of the present row group
	err     error
}

// NewWriter begins a file of columns.
func NewWriter(to io.Writer, columns []Column) (*Writer, error) {
	schema, err := schemaOf(columns)
	if err != nil {
		return nil, err
	}
	w := &Writer{columns: columns}
	options := []parquet.WriterOption{schema, parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest}), parquet.CreatedBy("weir", "1", ""), parquet.DefaultEncoding(&parquet.Plain)}
	leaf := 0
	for i := range columns {
		w.leaves = append(w.leaves, leaf)
		if leaf++; columns[i].Kind == TextMap {
			leaf++
		}
		if columns[i].Large {
			options = append(options, parquet.SkipPageBounds(columns[i].Name))
		}
	}
	w.to = parquet.NewWriter(to, options...)
	return w, nil
}

// Write adds a row: a value for each column in order, of its kind's Go type, or nil. After an error the file is lost.
func (w *Writer) Write(row ...any) error {
	if w.err != nil {
		return w.err
	}
	if len(row) != len(w.columns) {
		return w.fail(fmt.Errorf("a row has %d values for %d columns", len(row), len(w.columns)))
	}
	w.row = w.row[:0]
	for i, v := range row {
		if err := w.add(i, v); err != nil {
			return w.fail(err)
		}
	}
	if _, err := w.to.WriteRows([]parquet.Row{w.row}); err != nil {
		return w.fail(fmt.Errorf("write Parquet: %w", err))
	}
	if w.rows++; w.rows >= groupRows || w.bytes >= groupBytes {
		w.rows, w.bytes = 0, 0
		if err := w.to.Flush(); err != nil {
			return w.fail(fmt.Errorf("write Parquet: %w", err))
		}
	}
	return nil
}

func (w *Writer) fail(err error) error {
	w.err = err
	return err
}

// Close writes the rest and the footer.
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	if err := w.to.Close(); err != nil {
		return w.fail(fmt.Errorf("write Parquet: %w", err))
	}
	return nil
}

// add puts a column's value into the row.
func (w *Writer) add(i int, v any) error {
	c, leaf := &w.columns[i], w.leaves[i]
	switch c.Kind {
	case Texts:
		list, ok := v.([]string)
		if !ok && v != nil {
			return mistyped(c, v)
		}
		w.list(leaf, len(list), func(k int) string { return list[k] })
		return nil
	case TextMap:
		m, ok := v.(map[string]string)
		if !ok && v != nil {
			return mistyped(c, v)
		}
		keys := slices.Sorted(maps.Keys(m))
		w.list(leaf, len(keys), func(k int) string { return keys[k] })
		w.list(leaf+1, len(keys), func(k int) string { return m[keys[k]] })
		return nil
	}
	if v == nil {
		if !c.Optional {
			return fmt.Errorf("the column %s of Parquet has no value, and needs one", c.Name)
		}
		w.row = append(w.row, parquet.NullValue().Level(0, 0, leaf))
		return nil
	}
	value, ok := w.value(c.Kind, v)
	if !ok {
		return mistyped(c, v)
	}
	level := 0
	if c.Optional {
		level = 1
	}
	w.row = append(w.row, value.Level(0, level, leaf))
	return nil
}

func mistyped(c *Column, v any) error {
	return fmt.Errorf("the column %s of Parquet is given a %T", c.Name, v)
}

// list puts texts into the leaf of a repeated field.
func (w *Writer) list(leaf, n int, text func(int) string) {
	if n == 0 {
		w.row = append(w.row, parquet.NullValue().Level(0, 0, leaf))
		return
	}
	for k := range n {
		t := text(k)
		w.bytes += len(t) + 4
		w.row = append(w.row, parquet.ByteArrayValue([]byte(t)).Level(min(k, 1), 1, leaf))
	}
}

func (w *Writer) value(kind Kind, v any) (parquet.Value, bool) {
	w.bytes += 8
	switch v := v.(type) {
	case string:
		w.bytes += len(v)
		return parquet.ByteArrayValue([]byte(v)), kind == Text || kind == JSON
	case int64:
		return parquet.Int64Value(v), kind == Int || kind == Money || kind == Time
	case float64:
		return parquet.DoubleValue(v), kind == Double
	case bool:
		return parquet.BooleanValue(v), kind == Bool
	}
	return parquet.Value{}, false
}
