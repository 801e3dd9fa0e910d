// Command generate writes the boards of package grafana as JSON beside their sources.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/weir-dev/weir/dashboards/grafana"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run() error {
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		return fmt.Errorf("the program does not know its own folder: build it without -trimpath")
	}
	folder := filepath.Join(filepath.Dir(file), "..", "boards")
	boards, err := grafana.Boards()
	if err != nil {
		return err
	}
	for _, b := range boards {
		if err := os.WriteFile(filepath.Join(folder, b.File), b.JSON, 0o644); err != nil {
			return err
		}
	}
	return nil
}
