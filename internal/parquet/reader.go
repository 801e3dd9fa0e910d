package parquet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/parquet-go/parquet-go"
)

// Row is what a row says, by column: nil, bool, int64, uint64, float64, string, json.Number for decimals, json.RawMessage of a column of JSON,
// time.Time in UTC, []any, or map[string]any of what is nested.
type Row map[string]any

// Read gives the columns of a file, in order, and its rows. The file may be anybody's: it is read within limits, none of its lies makes room
// for itself, and what is wrong with it is an error that names the file's part. The rows end at the first error.
func Read(file []byte, l Limits) (columns []string, rows iter.Seq2[Row, error], err error) {
	defer caught(&err)
	l = l.filled()
	if err := check(file, l); err != nil {
		return nil, nil, fmt.Errorf("it is not a Parquet file that can be read: %w", err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, nil, fmt.Errorf("it is not a Parquet file that can be read: %w", err)
	}
	a := newAssembler(f.Root())
	for _, c := range a.root.children {
		columns = append(columns, c.name)
	}
	return columns, func(yield func(Row, error) bool) {
		left := l.Bytes
		for _, group := range f.RowGroups() {
			if !readGroup(group, a, &left, yield) {
				return
			}
		}
	}, nil
}

// readGroup gives the rows of a group, and says whether to go on.
func readGroup(group parquet.RowGroup, a *assembler, left *int64, yield func(Row, error) bool) bool {
	from := group.Rows()
	defer from.Close()
	buffer := make([]parquet.Row, 64)
	for done := false; !done; {
		n, end, err := readRows(from, buffer)
		if done = end; err != nil {
			yield(nil, err)
			return false
		}
		for _, r := range buffer[:n] {
			row, err := a.row(r, left)
			if err != nil {
				yield(nil, err)
				return false
			}
			if !yield(row, nil) {
				return false
			}
		}
	}
	return true
}

func readRows(from parquet.Rows, into []parquet.Row) (n int, end bool, err error) {
	defer caught(&err)
	n, err = from.ReadRows(into)
	switch {
	case errors.Is(err, io.EOF):
		return n, true, nil
	case err != nil:
		return 0, true, fmt.Errorf("read rows: %w", err)
	case n == 0:
		return 0, true, errors.New("read rows: a row group is cut off")
	}
	return n, false, nil
}

// caught makes an error of a panic: the library trusts some of what a file says.
func caught(err *error) { //nolint:gocritic // a deferred call sets its caller's error
	if p := recover(); p != nil {
		*err = fmt.Errorf("it is not a Parquet file that can be read: %v", p)
	}
}
