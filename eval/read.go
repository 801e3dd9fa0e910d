package eval

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// mostFaults is how many faults of a file are told one by one.
const mostFaults = 20

// LineFault is what is wrong with a line of a file.
type LineFault struct {
	Line   int // from 1
	Reason string
}

// ReadError says what is wrong with a dataset's file, line by line.
type ReadError struct {
	Name   string // of the file
	Faults []LineFault
	More   int // faults that are not told
}

// Error has a fault a line.
func (e *ReadError) Error() string {
	lines := make([]string, len(e.Faults), len(e.Faults)+1)
	for i, f := range e.Faults {
		lines[i] = fmt.Sprintf("%s:%d: %s", e.Name, f.Line, f.Reason)
	}
	if e.More > 0 {
		lines = append(lines, fmt.Sprintf("%s: and %d more", e.Name, e.More))
	}
	return strings.Join(lines, "\n")
}

// reading collects a file's items and faults.
type reading struct {
	items []Item
	lines map[string]int // of ids
	err   ReadError
}

func (r *reading) fault(line int, format string, args ...any) {
	if len(r.err.Faults) >= mostFaults {
		r.err.More++
		return
	}
	r.err.Faults = append(r.err.Faults, LineFault{line, fmt.Sprintf(format, args...)})
}

func (r *reading) add(line int, it Item) {
	if err := it.Settle(); err != nil {
		r.fault(line, "%v", err)
		return
	}
	if first, twice := r.lines[it.ID]; twice {
		r.fault(line, "the id %.60q is that of line %d", it.ID, first)
		return
	}
	r.lines[it.ID] = line
	r.items = append(r.items, it)
}

func (r *reading) done() ([]Item, error) {
	if len(r.err.Faults) > 0 {
		return nil, &r.err
	}
	if len(r.items) == 0 {
		return nil, fmt.Errorf("%s has no item: a dataset needs one at least", r.err.Name)
	}
	return r.items, nil
}

func newReading(name string) *reading {
	return &reading{lines: map[string]int{}, err: ReadError{Name: name}}
}

// ReadJSONL reads a dataset of one JSON object a line: {"id", "input", "expected", "context", "metadata"}. Without an id, an item is
// known by what it says. Other members become metadata. Empty lines are passed over. All faults are told at once, in a *ReadError.
func ReadJSONL(name string, from io.Reader) ([]Item, error) {
	r := newReading(name)
	lines := bufio.NewScanner(from)
	lines.Buffer(make([]byte, 0, 64<<10), MaxItem+(1<<10))
	n := 0
	for lines.Scan() {
		n++
		line := lines.Bytes()
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		switch line = bytes.TrimSpace(line); {
		case len(line) == 0:
		case !utf8.Valid(line):
			r.fault(n, "it is not text in UTF-8")
		default:
			it, err := parseItem(line)
			if err != nil {
				r.fault(n, "%v", err)
				continue
			}
			r.add(n, it)
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		r.fault(n+1, "the line is longer than %d MiB", MaxItem>>20)
	} else if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return r.done()
}

// parseItem reads an item's object.
func parseItem(line []byte) (Item, error) {
	var it Item
	var members map[string]json.RawMessage
	if err := json.Unmarshal(line, &members); err != nil {
		if e, ok := errors.AsType[*json.SyntaxError](err); ok {
			return it, fmt.Errorf("it is not JSON, at character %d: %w", e.Offset, e)
		}
		return it, errors.New(`it is not a JSON object: want {"id": …, "input": …, "expected": …}`)
	}
	if members == nil {
		return it, errors.New(`it is null: want {"id": …, "input": …, "expected": …}`)
	}
	for name, v := range members {
		switch name {
		case "id":
			var number json.Number
			if json.Unmarshal(v, &it.ID) != nil && json.Unmarshal(v, &number) != nil {
				return it, errors.New("the id is neither text nor a number")
			}
			it.ID = cmp.Or(it.ID, number.String())
		case "input":
			it.Input = v
		case "expected":
			it.Expected = v
		case "context":
			it.Context = v
		case "metadata":
			var more map[string]json.RawMessage
			if err := json.Unmarshal(v, &more); err != nil {
				return it, errors.New("metadata is not an object")
			}
			for k, m := range more {
				it.meta(k, m)
			}
		default:
			it.meta(name, v)
		}
	}
	return it, nil
}

func (it *Item) meta(name string, v json.RawMessage) {
	if it.Metadata == nil {
		it.Metadata = map[string]json.RawMessage{}
	}
	it.Metadata[name] = v
}

// Columns say which columns of a CSV file are an item's parts. Empty names are those of the parts themselves.
type Columns struct {
	ID       string `json:"id,omitempty"`
	Input    string `json:"input,omitempty"`
	Expected string `json:"expected,omitempty"`
	Context  string `json:"context,omitempty"`
}

// ReadCSV reads a dataset of a record a row, the first of which names the columns. Cells are texts; other columns become metadata. An
// empty cell of expected or context is none. All faults are told at once, in a *ReadError.
func ReadCSV(name string, from io.Reader, as Columns) ([]Item, error) {
	r := newReading(name)
	rows := csv.NewReader(stripMark(from))
	rows.FieldsPerRecord = -1
	head, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s is empty: the first line names the columns", name)
	}
	if err != nil {
		return nil, csvError(name, err)
	}
	as = Columns{cmp.Or(as.ID, "id"), cmp.Or(as.Input, "input"), cmp.Or(as.Expected, "expected"), cmp.Or(as.Context, "context")}
	if missing := missingColumns(head, as); len(missing) > 0 {
		r.fault(1, "there is no column %s; there is %s", strings.Join(missing, ", nor "), strings.Join(head, ", "))
		return r.done()
	}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return r.done()
		}
		if err != nil {
			return nil, csvError(name, err)
		}
		line, _ := rows.FieldPos(0)
		if len(row) != len(head) {
			r.fault(line, "it has %s, the first line names %d", plural(len(row), "cell"), len(head))
			continue
		}
		it, err := csvItem(head, row, as)
		if err != nil {
			r.fault(line, "%v", err)
			continue
		}
		r.add(line, it)
	}
}

func missingColumns(head []string, as Columns) []string {
	var missing []string
	for _, want := range []string{as.Input, as.Expected, as.ID, as.Context} {
		own := want == "id" || want == "context" || want == "expected" // may be left out unless they were renamed
		if !own && !slices.Contains(head, want) {
			missing = append(missing, want)
		}
	}
	return missing
}

func csvItem(head, row []string, as Columns) (Item, error) {
	var it Item
	for i, cell := range row {
		if !utf8.ValidString(cell) {
			return it, fmt.Errorf("the cell of %s is not text in UTF-8", head[i])
		}
		v := json.RawMessage(marshal(cell))
		switch head[i] {
		case as.ID:
			it.ID = cell
		case as.Input:
			it.Input = v
		case as.Expected:
			if cell != "" {
				it.Expected = v
			}
		case as.Context:
			if cell != "" {
				it.Context = v
			}
		default:
			it.meta(head[i], v)
		}
	}
	return it, nil
}

func csvError(name string, err error) error {
	if e, ok := errors.AsType[*csv.ParseError](err); ok {
		return &ReadError{Name: name, Faults: []LineFault{{e.Line, "it is not CSV: " + e.Err.Error()}}}
	}
	return fmt.Errorf("read %s: %w", name, err)
}

// stripMark leaves out the mark that some programs put in front of UTF-8.
func stripMark(from io.Reader) io.Reader {
	b := bufio.NewReader(from)
	if mark, err := b.Peek(3); err == nil && string(mark) == "\xef\xbb\xbf" {
		_, _ = b.Discard(3)
	}
	return b
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + one + "s"
}
