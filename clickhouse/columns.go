package clickhouse

import (
	"reflect"
	"strings"
)

// columns are the names of a row struct's columns, from its ch tags.
type columns []string

func columnsOf[R any]() columns {
	var c columns
	for field := range reflect.TypeFor[R]().Fields() {
		if name := field.Tag.Get("ch"); name != "" {
			c = append(c, name)
		}
	}
	return c
}

var (
	callColumns = columnsOf[callRow]()
	bodyColumns = columnsOf[bodyRow]()
)

// String lists the columns for a SELECT or an INSERT.
func (c columns) String() string { return strings.Join(c, ", ") }
