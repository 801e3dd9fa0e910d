package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/weir-dev/weir/rag"
)

// documentKinds are the kinds of documents by the suffix of a file's name.
var documentKinds = map[string]rag.Kind{
	".txt": rag.Text, ".text": rag.Text, ".rst": rag.Text, ".adoc": rag.Text, ".log": rag.Text, "": rag.Text,
	".md": rag.Markdown, ".markdown": rag.Markdown, ".mdx": rag.Markdown,
	".csv": rag.Table, ".tsv": rag.Table,
	".go": rag.Code, ".py": rag.Code, ".js": rag.Code, ".ts": rag.Code, ".tsx": rag.Code, ".jsx": rag.Code, ".java": rag.Code, ".kt": rag.Code, ".rs": rag.Code,
	".c": rag.Code, ".h": rag.Code, ".cc": rag.Code, ".cpp": rag.Code, ".hpp": rag.Code, ".cs": rag.Code, ".rb": rag.Code, ".php": rag.Code, ".swift": rag.Code,
	".scala": rag.Code, ".sh": rag.Code, ".sql": rag.Code, ".yaml": rag.Code, ".yml": rag.Code, ".toml": rag.Code, ".json": rag.Code, ".proto": rag.Code, ".tf": rag.Code,
}

// jsonLines are the suffixes of files with a document a line.
var jsonLines = []string{".jsonl", ".ndjson"}

// documentFile is a file that documents are read from.
type documentFile struct {
	path string
	id   string // of its document: the path below the folder that was named, with slashes
	size int64
}

// findDocuments lists the files that arguments name: files, folders with all that is below them but hidden, and patterns. What
// cannot be looked at is an error beside them.
func findDocuments(args []string) (files []documentFile, errs []error) {
	for _, arg := range args {
		paths := []string{arg}
		if _, err := os.Lstat(arg); err != nil && strings.ContainsAny(arg, "*?[") {
			if paths, err = filepath.Glob(arg); err != nil || len(paths) == 0 {
				errs = append(errs, &rag.DocumentError{Name: arg, Err: errors.New("the pattern fits no file")})
				continue
			}
		}
		for _, p := range paths {
			found, faults := below(p)
			files, errs = append(files, found...), append(errs, faults...)
		}
	}
	return files, errs
}

// below lists the files of a folder in order, or a file alone. Links are not followed.
func below(root string) (files []documentFile, errs []error) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			errs = append(errs, &rag.DocumentError{Name: path, Err: errors.Unwrap(err)})
			return nil
		}
		if path != root && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		info, err := d.Info()
		if err != nil || !info.Mode().IsRegular() {
			return nil //nolint:nilerr // gone since it was listed
		}
		id, err := filepath.Rel(root, path)
		if err != nil || id == "." {
			id = filepath.Base(path)
		}
		files = append(files, documentFile{path, filepath.ToSlash(id), info.Size()})
		return nil
	})
	if err != nil {
		errs = append(errs, &rag.DocumentError{Name: root, Err: err})
	}
	return files, errs
}

// readFiles reads the documents of files, one file at a time.
func readFiles(files []documentFile, errs []error) iter.Seq2[rag.Document, error] {
	return func(yield func(rag.Document, error) bool) {
		for _, err := range errs {
			if !yield(rag.Document{}, err) {
				return
			}
		}
		for i := range files {
			if !files[i].read(yield) {
				return
			}
		}
	}
}

// read reads one file, and says whether more are wanted.
func (f *documentFile) read(yield func(rag.Document, error) bool) bool {
	suffix := strings.ToLower(filepath.Ext(f.path))
	if slices.Contains(jsonLines, suffix) {
		return f.lines(yield)
	}
	fail := func(format string, args ...any) bool {
		return yield(rag.Document{}, &rag.DocumentError{Document: f.id, Name: f.path, Err: fmt.Errorf(format, args...)})
	}
	kind, ok := documentKinds[suffix]
	switch {
	case !ok:
		return fail("files of the kind %s are not read; give its text as .txt, .md or JSON lines", suffix)
	case f.size > ragLongest:
		return fail("it has %d MB, and at most %d are taken; cut it into several", f.size>>20, ragLongest>>20)
	}
	text, err := os.ReadFile(f.path)
	switch {
	case err != nil:
		return fail("%w", err)
	case bytes.IndexByte(text, 0) >= 0 || !utf8.Valid(text):
		return fail("it is not text in UTF-8")
	}
	return yield(rag.Document{ID: f.id, Kind: kind, Text: strings.TrimPrefix(string(text), "\ufeff"), Title: titleOf(kind, text)}, nil)
}

// titleOf is a Markdown text's first heading of the first level.
func titleOf(kind rag.Kind, text []byte) string {
	if kind != rag.Markdown {
		return ""
	}
	for line := range bytes.Lines(text[:min(len(text), 4<<10)]) {
		if title, ok := bytes.CutPrefix(line, []byte("# ")); ok {
			return strings.ToValidUTF8(strings.Trim(string(title), " #\r\n"), "")
		}
	}
	return ""
}

// lines reads a document a line. One that is none is an error of its own.
func (f *documentFile) lines(yield func(rag.Document, error) bool) bool {
	file, err := os.Open(f.path)
	if err != nil {
		return yield(rag.Document{}, &rag.DocumentError{Name: f.path, Err: err})
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 0, 64<<10), ragLongest)
	n := 0
	for lines.Scan() {
		n++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		at := fmt.Sprintf("%s:%d", f.path, n)
		var one ragLine
		err := json.Unmarshal(lines.Bytes(), &one)
		switch {
		case err != nil:
			err = &rag.DocumentError{Name: at, Err: fmt.Errorf("it is no document: %w", err)}
		case one.ID == "" || one.Text == "":
			err = &rag.DocumentError{Document: one.ID, Name: at, Err: errors.New(`want {"id": "…", "text": "…"}`)}
		}
		doc := rag.Document{ID: one.ID, Title: one.Title, Kind: cmp.Or(one.Kind, rag.Text), Text: one.Text, Labels: one.Labels, Tenant: one.Tenant}
		if !yield(doc, err) {
			return false
		}
	}
	if err := lines.Err(); err != nil {
		return yield(rag.Document{}, &rag.DocumentError{Name: fmt.Sprintf("%s:%d", f.path, n+1), Err: fmt.Errorf("the line cannot be read: %w", err)})
	}
	return true
}
