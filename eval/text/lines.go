package text

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// longestLine bounds a segment, in bytes.
const longestLine = 16 << 20

// Lines reads segments, one after the other. It is for one goroutine.
type Lines struct {
	name string
	json bool
	from *bufio.Scanner
	n    int // of the line at hand
}

// NewLines reads lines of text, or, with isJSON, lines that are each one JSON string or null. name is what errors call it.
func NewLines(name string, from io.Reader, isJSON bool) *Lines {
	scan := bufio.NewScanner(from)
	scan.Buffer(make([]byte, 0, 64<<10), longestLine)
	scan.Split(universal)
	return &Lines{name: name, json: isJSON, from: scan}
}

// Read is how many lines were read.
func (l *Lines) Read() int { return l.n }

// Next gives the next segment, nil for a JSON null, and io.EOF behind the last. Lines end as Python's do: with \n, \r\n or \r. An
// error names the line.
func (l *Lines) Next() (*string, error) {
	line, err := l.line()
	if err != nil {
		return nil, err
	}
	l.n++
	if !utf8.Valid(line) {
		return nil, fmt.Errorf("%s, line %d: not valid UTF-8 at byte %d: convert the file (iconv -t UTF-8)", l.name, l.n, invalidAt(line)+1)
	}
	if !l.json {
		s := string(line)
		return &s, nil
	}
	var s *string
	if err := json.Unmarshal(line, &s); err != nil {
		return nil, fmt.Errorf("%s, line %d: want one JSON string, or null where a segment has no such reference: %w", l.name, l.n, err)
	}
	return s, nil
}

func invalidAt(b []byte) int {
	at := 0
	for at < len(b) {
		r, n := utf8.DecodeRune(b[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	return at
}

func (l *Lines) line() ([]byte, error) {
	if l.from.Scan() {
		return l.from.Bytes(), nil
	}
	switch err := l.from.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("%s, line %d: longer than %d MiB", l.name, l.n+1, longestLine>>20)
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", l.name, err)
	}
	return nil, io.EOF
}

// universal splits at \n, \r\n and \r.
func universal(data []byte, atEOF bool) (advance int, token []byte, err error) {
	at := bytes.IndexAny(data, "\r\n")
	switch {
	case at < 0 && atEOF && len(data) > 0:
		return len(data), data, nil
	case at < 0:
		return 0, nil, nil
	case data[at] == '\n':
		return at + 1, data[:at], nil
	case at+1 < len(data) && data[at+1] == '\n':
		return at + 2, data[:at], nil
	case at+1 == len(data) && !atEOF: // a \n may follow
		return 0, nil, nil
	}
	return at + 1, data[:at], nil
}
