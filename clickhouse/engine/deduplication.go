package engine

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The engine remembers which INSERTs it has seen in files of each table: a line an INSERT, "1 TAB part TAB id", or 2 where the
// id is forgotten. It writes that line before it puts the part in place. An engine that is killed between the two takes
// the repetition of that INSERT for a duplicate, answers that all is well, and stores nothing.
const (
	remembered = "1"
	forgotten  = "2"
)

// forgetUnwritten has the engine whose data is in dir, and which does not run, forget the INSERTs whose part is not there. It
// tells how many there were. Parts that were dropped since, with all they were merged into, are forgotten too: their INSERTs
// were answered long ago, and nobody repeats them.
func forgetUnwritten(dir string) (int, error) {
	folders, err := filepath.Glob(filepath.Join(dir, "store", "*", "*", "deduplication_logs"))
	if err != nil {
		return 0, err
	}
	sum := 0
	for _, folder := range folders {
		n, err := forgetUnwrittenOf(filepath.Dir(folder), folder)
		if err != nil {
			return sum, fmt.Errorf("look for interrupted INSERTs in %s: %w", folder, err)
		}
		sum += n
	}
	return sum, nil
}

// forgetUnwrittenOf does so for one table.
func forgetUnwrittenOf(table, folder string) (int, error) {
	logs, err := deduplicationLogs(folder)
	if err != nil || len(logs) == 0 {
		return 0, err
	}
	parts, err := partsIn(table)
	if err != nil {
		return 0, err
	}
	var (
		order []string // of ids
		of    = map[string]string{}
		last  = logs[len(logs)-1]
		whole int64
	)
	for _, path := range logs {
		text, err := os.ReadFile(path)
		if err != nil {
			return 0, err
		}
		text = text[:bytes.LastIndexByte(text, '\n')+1] // what a power cut left of a line stands for no part
		whole = int64(len(text))
		for line := range strings.Lines(string(text)) {
			switch f := strings.Split(strings.TrimSuffix(line, "\n"), "\t"); {
			case len(f) != 3:
				return 0, fmt.Errorf("%s has the line %q, which is not of three fields", path, line)
			case f[0] == remembered:
				order, of[f[2]] = append(order, f[2]), f[1]
			default:
				delete(of, f[2])
			}
		}
	}
	var lines strings.Builder
	n := 0
	for _, id := range order {
		if name, ok := of[id]; ok && !parts.hold(name) {
			fmt.Fprintf(&lines, "%s\t%s\t%s\n", forgotten, name, id)
			delete(of, id)
			n++
		}
	}
	info, err := os.Stat(last)
	if err != nil || n == 0 && info.Size() == whole {
		return 0, err
	}
	f, err := os.OpenFile(last, os.O_WRONLY, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if err := f.Truncate(whole); err != nil {
		return 0, err
	}
	if _, err := f.WriteAt([]byte(lines.String()), whole); err != nil {
		return 0, err
	}
	return n, f.Sync()
}

// deduplicationLogs gives a table's files, oldest first.
func deduplicationLogs(folder string) ([]string, error) {
	logs, err := filepath.Glob(filepath.Join(folder, "deduplication_log_*.txt"))
	if err != nil {
		return nil, err
	}
	number := func(path string) int {
		n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "deduplication_log_"), ".txt"))
		return n
	}
	slices.SortFunc(logs, func(a, b string) int { return number(a) - number(b) })
	return logs, nil
}

// blocks are those that a part was made of: a part is named PARTITION_FIRST_LAST_LEVEL, with a fifth number when it was changed.
type blocks struct{ first, last uint64 }

func parsePart(name string) (partition string, b blocks, ok bool) {
	f := strings.Split(name, "_")
	if len(f) != 4 && len(f) != 5 {
		return "", b, false
	}
	var err1, err2 error
	b.first, err1 = strconv.ParseUint(f[1], 10, 64)
	b.last, err2 = strconv.ParseUint(f[2], 10, 64)
	return f[0], b, err1 == nil && err2 == nil
}

// parts are a table's, by partition.
type parts map[string][]blocks

func partsIn(table string) (parts, error) {
	entries, err := os.ReadDir(table)
	if err != nil {
		return nil, err
	}
	all := parts{}
	for _, e := range entries {
		if partition, b, ok := parsePart(e.Name()); ok {
			all[partition] = append(all[partition], b)
		}
	}
	return all, nil
}

// hold says whether the part is there, on its own or within one it was merged into. A name that is not understood is left alone.
func (p parts) hold(name string) bool {
	partition, b, ok := parsePart(name)
	return !ok || slices.ContainsFunc(p[partition], func(has blocks) bool { return has.first <= b.first && b.last <= has.last })
}
