// Command generate writes the boards of package grafana as JSON beside their sources, and into the Helm chart, which
// cannot reach out of its folder.
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
	here := filepath.Join(filepath.Dir(file), "..")
	folders := []string{filepath.Join(here, "boards"), filepath.Join(here, "..", "..", "deploy", "helm", "weir", "files", "boards")}
	boards, err := grafana.Boards()
	if err != nil {
		return err
	}
	for _, b := range boards {
		for _, folder := range folders {
			if err := os.WriteFile(filepath.Join(folder, b.File), b.JSON, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
