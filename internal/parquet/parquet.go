// Package parquet writes rows as Parquet files in one pass and reads files of strangers within limits.
package parquet

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/parquet-go/parquet-go"
)

// Magic begins and ends every Parquet file.
const Magic = "PAR1"

// Kind is what a column that is written holds.
type Kind int

// The kinds, with the Go types that Writer.Write takes for them, and what other programs see.
const (
	Text    Kind = iota // string; STRING
	JSON                // string; JSON
	Int                 // int64; INT64
	Double              // float64; DOUBLE
	Bool                // bool; BOOLEAN
	Money               // int64 of nanodollars; DECIMAL(18, 9)
	Time                // int64 of microseconds since 1970; TIMESTAMP in UTC
	Texts               // []string; LIST of STRING
	TextMap             // map[string]string; MAP of STRING to STRING
)

// Column is a column that is written.
type Column struct {
	Name     string
	Kind     Kind
	Optional bool // nil may be written; not of Texts and TextMap, whose nil is empty
	// Few says that values repeat, so that they are kept once a row group.
	Few bool
	// Large says that values are long, so that the file keeps no least and greatest of them.
	Large bool
}

// node is the column in a schema.
func (c *Column) node() (parquet.Node, error) {
	var n parquet.Node
	switch c.Kind {
	case Text:
		n = parquet.String()
	case JSON:
		n = parquet.JSON()
	case Int:
		n = parquet.Leaf(parquet.Int64Type)
	case Double:
		n = parquet.Leaf(parquet.DoubleType)
	case Bool:
		n = parquet.Leaf(parquet.BooleanType)
	case Money:
		n = parquet.Decimal(9, 18, parquet.Int64Type)
	case Time:
		n = parquet.Timestamp(parquet.Microsecond)
	case Texts:
		return parquet.List(parquet.String()), nil
	case TextMap:
		return parquet.Map(parquet.String(), parquet.String()), nil
	default:
		return nil, fmt.Errorf("column %s is of the unknown kind %d", c.Name, c.Kind)
	}
	if c.Few {
		n = parquet.Encoded(n, &parquet.RLEDictionary)
	}
	if c.Optional {
		n = parquet.Optional(n)
	}
	return n, nil
}

// ordered is a group whose fields stand in their own order, where parquet.Group sorts them.
type ordered struct {
	parquet.Group
	fields []parquet.Field
}

func (o *ordered) Fields() []parquet.Field { return o.fields }

type field struct {
	parquet.Node
	name string
}

func (f *field) Name() string { return f.name }

// Value is asked for by writers of Go values only, which this package does not use.
func (f *field) Value(base reflect.Value) reflect.Value {
	return base.MapIndex(reflect.ValueOf(f.name))
}

// schemaOf is the schema of columns.
func schemaOf(columns []Column) (*parquet.Schema, error) {
	if len(columns) == 0 {
		return nil, errors.New("a Parquet file needs a column at least")
	}
	root := &ordered{Group: parquet.Group{}}
	for i := range columns {
		c := &columns[i]
		n, err := c.node()
		if err != nil {
			return nil, err
		}
		if root.Group[c.Name] != nil || c.Name == "" {
			return nil, fmt.Errorf("the column %q has no name, or stands twice", c.Name)
		}
		root.Group[c.Name] = n
		root.fields = append(root.fields, &field{n, c.Name})
	}
	return parquet.NewSchema("weir", root), nil
}
