package source

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"path"
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"github.com/weir-dev/weir/rag"
)

// file reads one, and says whether more are wanted.
func (r *Reader) file(f file, yield func(rag.Document, error) bool) bool {
	k := kinds[strings.ToLower(path.Ext(f.path))]
	if k.form == asLines {
		return r.lines(f, yield)
	}
	doc, err := r.whole(f, k)
	r.done.Add(f.size)
	if err != nil {
		return yield(rag.Document{}, &rag.DocumentError{Document: f.id, Name: f.name, Err: err})
	}
	return yield(doc, nil)
}

func (r *Reader) whole(f file, k kind) (rag.Document, error) {
	if k.form == asPDF {
		return rag.Document{}, errPDF
	}
	if f.size > r.most() {
		return rag.Document{}, tooLong(f.size, r.most())
	}
	in, err := f.root.Open(f.path)
	if err != nil {
		return rag.Document{}, unwrapPath(err)
	}
	defer in.Close()
	raw, err := readAll(in, r.most())
	if err != nil {
		return rag.Document{}, err
	}
	return r.decode(f.id, k, raw)
}

var errPDF = errors.New("PDF is not read; give its text, as pdftotext makes it")

func tooLong(size, most int64) error {
	return fmt.Errorf("it has %s, and at most %s are taken; cut it into several", megabytes(size), megabytes(most))
}

func megabytes(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}

// readAll reads so many bytes at most.
func readAll(in io.Reader, most int64) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return nil, unwrapPath(err)
	}
	if int64(len(raw)) > most {
		return nil, fmt.Errorf("it has more than %s; cut it into several", megabytes(most))
	}
	return raw, nil
}

// decode makes a document of bytes; whatever they do to a parser is an error of this document.
func (r *Reader) decode(id string, k kind, raw []byte) (doc rag.Document, err error) {
	defer func() {
		if v := recover(); v != nil {
			doc, err = rag.Document{}, fmt.Errorf("its parser failed: %v\n%s", v, debug.Stack())
		}
	}()
	if err := checkText(raw); err != nil {
		return rag.Document{}, err
	}
	text := strings.TrimPrefix(string(raw), "\ufeff")
	doc = rag.Document{ID: id, Kind: cmp.Or(k.kind, rag.Text), Text: text}
	switch k.form {
	case asHTML:
		doc.Kind = rag.Markdown
		doc.Title, doc.Text, err = fromHTML(text, r.most())
	case asTable:
		doc.Text, err = fromTable(text, k.comma, r.most())
	case asText, asLines, asPDF:
		if doc.Kind == rag.Markdown {
			doc.Title = titleOf(text)
		}
	}
	return doc, err
}

// checkText says what is wrong with bytes that are no text in UTF-8.
func checkText(raw []byte) error {
	switch {
	case bytes.HasPrefix(raw, []byte("%PDF-")):
		return errPDF
	case bytes.HasPrefix(raw, []byte("\xff\xfe")), bytes.HasPrefix(raw, []byte("\xfe\xff")):
		return errors.New("it is text in UTF-16; convert it to UTF-8")
	}
	if i := bytes.IndexByte(raw, 0); i >= 0 {
		return fmt.Errorf("it is no text: byte %d is zero", i)
	}
	for i := 0; i < len(raw); {
		if raw[i] < utf8.RuneSelf {
			i++
			continue
		}
		c, n := utf8.DecodeRune(raw[i:])
		if c == utf8.RuneError && n == 1 {
			return fmt.Errorf("it is no text in UTF-8: byte %d is %#02x; convert it to UTF-8", i, raw[i])
		}
		i += n
	}
	return nil
}

const titleWithin = 4 << 10 // bytes in which a title is looked for

// titleOf is a Markdown text's title as its front matter says, or its first heading of the first level.
func titleOf(text string) string {
	fence, front := false, false
	n := 0
	for line := range strings.Lines(text) {
		if n += len(line); n > titleWithin {
			break
		}
		line = strings.TrimRight(line, " \t\r\n")
		if line == "---" && (front || n <= len(line)+2) {
			front = !front
			continue
		}
		if strings.HasPrefix(line, "```") {
			fence = !fence
		}
		if title, ok := strings.CutPrefix(line, "title:"); ok && front {
			return strings.Trim(title, ` "'`)
		}
		if title, ok := strings.CutPrefix(line, "# "); ok && !front && !fence {
			return strings.TrimSpace(strings.TrimRight(strings.ReplaceAll(strings.TrimSpace(title), "`", ""), "#"))
		}
	}
	return ""
}
