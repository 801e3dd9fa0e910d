// Command catalogue writes prices.jsonl, the price book that weir embeds, from the collected facts in source.
package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

// collected is the day on which the facts were gathered; it becomes the version of the book.
const collected = "2026-11-23"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "catalogue:", err)
		os.Exit(1)
	}
}

func run() error {
	folder, err := here()
	if err != nil {
		return err
	}
	text, err := generate(os.DirFS(filepath.Join(folder, "source")))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "prices.jsonl"), text, 0o644)
}

// here is the folder of this file, so that the program may be started from anywhere in the module.
func here() (string, error) {
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		return "", fmt.Errorf("the program does not know its own folder: build it without -trimpath")
	}
	return filepath.Dir(file), nil
}

// generate makes the book: a header, the aliases, the entries, one JSON object a line, so that a changed price is a
// changed line.
func generate(source fs.FS) ([]byte, error) {
	aliases, free, err := readAliases(source)
	if err != nil {
		return nil, err
	}
	entries, err := readEntries(source)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	lines := []any{struct {
		Format  int    `json:"weir_prices"`
		Version string `json:"version"`
		About   string `json:"about"`
	}{1, collected, "List prices in US dollars per million tokens. Written by go generate ./price from price/catalogue/source: change those, not this."}}
	for _, a := range aliases {
		lines = append(lines, a)
	}
	for _, e := range slices.Concat(entries, free) {
		lines = append(lines, e)
	}
	for _, l := range lines {
		if err := enc.Encode(l); err != nil {
			return nil, fmt.Errorf("write %v: %w", l, err)
		}
	}
	return out.Bytes(), nil
}

// row is a record of a CSV file by the names of its columns.
type row map[string]string

func read(source fs.FS, name string) ([]row, error) {
	f, err := source.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	records, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(records) == 0 {
		return nil, fmt.Errorf("read %s: it is empty", name)
	}
	out := make([]row, 0, len(records)-1)
	for _, record := range records[1:] {
		r := row{}
		for i, column := range records[0] {
			r[column] = record[i]
		}
		out = append(out, r)
	}
	return out, nil
}
