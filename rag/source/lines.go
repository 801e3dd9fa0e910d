package source

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/weir-dev/weir/rag"
)

// Line is a document in JSON lines.
type Line struct {
	ID     string            `json:"id"`
	Title  string            `json:"title,omitempty"`
	Kind   rag.Kind          `json:"kind,omitempty"` // empty is text
	Text   string            `json:"text"`
	Labels map[string]string `json:"labels,omitempty"`
	Tenant string            `json:"tenant,omitempty"`
}

// lines reads a document a line, and says whether more are wanted.
func (r *Reader) lines(f file, yield func(rag.Document, error) bool) bool {
	in, err := f.root.Open(f.path)
	if err != nil {
		r.done.Add(f.size)
		return yield(rag.Document{}, &rag.DocumentError{Name: f.name, Err: unwrapPath(err)})
	}
	defer in.Close()
	return Lines(counted{in, &r.done}, f.name, r.most(), yield)
}

// counted tells how much was read.
type counted struct {
	in   io.Reader
	done *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.done.Add(int64(n))
	return n, err
}

// Lines reads a document a line, each of so many bytes at most, and says whether more are wanted. An empty line is none, and one
// that is no document is an error of its own, whose name has the number of the line.
func Lines(in io.Reader, name string, most int64, yield func(rag.Document, error) bool) bool {
	buffered := bufio.NewReaderSize(in, 64<<10)
	for n := 1; ; n++ {
		line, length, err := readLine(buffered, most)
		if err != nil && !errors.Is(err, io.EOF) {
			return yield(rag.Document{}, refusef("", fmt.Sprintf("%s:%d", name, n), "%w", unwrapPath(err)))
		}
		if length > 0 && len(bytes.TrimSpace(line)) > 0 || length > most {
			doc, bad := parseLine(line, length, most)
			if bad != nil {
				bad = &rag.DocumentError{Document: doc.ID, Name: fmt.Sprintf("%s:%d", name, n), Err: bad}
				doc = rag.Document{}
			}
			if !yield(doc, bad) {
				return false
			}
		}
		if err != nil {
			return true
		}
	}
}

// readLine reads a line, of which it keeps no more than so many bytes; length is what it had. At the end, io.EOF comes with the
// last line.
func readLine(in *bufio.Reader, most int64) (line []byte, length int64, err error) {
	for {
		part, err := in.ReadSlice('\n')
		length += int64(len(part))
		if length <= most {
			line = append(line, part...)
		} else {
			line = nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, length, err
		}
	}
}

func parseLine(line []byte, length, most int64) (rag.Document, error) {
	if length > most {
		return rag.Document{}, fmt.Errorf("the line has %s, and at most %s are taken", megabytes(length), megabytes(most))
	}
	if err := checkText(line); err != nil {
		return rag.Document{}, err
	}
	var one Line
	if err := json.Unmarshal(line, &one); err != nil {
		return rag.Document{}, fmt.Errorf(`it is no document: %w; want {"id": "…", "text": "…"}`, err)
	}
	doc := rag.Document{ID: one.ID, Title: one.Title, Kind: one.Kind, Text: one.Text, Labels: one.Labels, Tenant: one.Tenant}
	switch doc.Kind {
	case "":
		doc.Kind = rag.Text
	case rag.Text, rag.Markdown, rag.Code, rag.Table:
	default:
		return doc, fmt.Errorf("kind: %.40q is none of text, markdown, code, table", doc.Kind)
	}
	switch {
	case doc.ID == "":
		return doc, errors.New(`it has no id; want {"id": "…", "text": "…"}`)
	case doc.Text == "":
		return doc, errors.New(`it has no text; want {"id": "…", "text": "…"}`)
	}
	return doc, nil
}
