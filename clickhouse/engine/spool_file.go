package engine

import (
	"fmt"
	"os"
)

// spoolFile holds the rows of one INSERT while the engine reads them by path.
type spoolFile struct {
	*os.File
	path   string
	remove bool // the file has a name on disk that must go
}

func (f *spoolFile) close() {
	f.File.Close()
	if f.remove {
		_ = os.Remove(f.path) // what stays is removed at the next start
	}
}

// spoolPattern names the files of diskSpool.
const spoolPattern = "weir-insert-*"

// diskSpool makes a file in dir.
func diskSpool(dir string) (*spoolFile, error) {
	file, err := os.CreateTemp(dir, spoolPattern)
	if err != nil {
		return nil, fmt.Errorf("make a file for the rows of an INSERT: %w; see that there is room in %s", err, dir)
	}
	return &spoolFile{File: file, path: file.Name(), remove: true}, nil
}
