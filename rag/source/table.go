package source

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// fromTable writes each record of a CSV text as lines of a column's name and its value, with a blank line between records: so a
// record that is found says what its numbers are. The first record has the names.
func fromTable(text string, comma rune, most int64) (string, error) {
	in := csv.NewReader(strings.NewReader(text))
	in.Comma, in.LazyQuotes, in.FieldsPerRecord, in.ReuseRecord = comma, true, -1, true
	names, err := in.Read()
	switch {
	case errors.Is(err, io.EOF):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("read its first record: %w", err)
	}
	names = append([]string(nil), names...)
	for i, name := range names {
		names[i] = strings.Join(strings.Fields(name), " ")
	}
	var b strings.Builder
	for {
		record, err := in.Read()
		switch {
		case errors.Is(err, io.EOF):
			return b.String(), nil
		case err != nil:
			return "", fmt.Errorf("read a record: %w", err)
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		for i, value := range record {
			if value = strings.TrimSpace(value); value == "" {
				continue
			}
			if i < len(names) && names[i] != "" {
				b.WriteString(names[i])
				b.WriteString(": ")
			}
			b.WriteString(value)
			b.WriteByte('\n')
			if int64(b.Len()) > most {
				return "", fmt.Errorf("with the columns' names beside the values it has more than %s; cut it into several", megabytes(most))
			}
		}
	}
}
