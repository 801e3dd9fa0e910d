package importtest

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestHouse loads every package of the module for both systems weir is built for and checks the table.
func TestHouse(t *testing.T) {
	for _, goos := range []string{"linux", "darwin"} {
		t.Run(goos, func(t *testing.T) {
			for _, fault := range faults(load(t, goos)) {
				t.Error(fault)
			}
		})
	}
}

// load returns the packages of the module and all they depend on, as they are built for goos.
func load(t *testing.T, goos string) []pkg {
	t.Helper()
	root := filepath.Join("..", "..")
	watch(t, root)
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Imports,Standard,Module", "./...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var out []pkg
	for dec := json.NewDecoder(strings.NewReader(string(stdout))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("read what go list printed: %v", err)
		}
		out = append(out, p)
	}
	ours := 0
	for _, p := range out {
		if _, ok := below(p.ImportPath); ok {
			ours++
		}
	}
	if ours < 2 {
		t.Fatalf("go list found %d packages of %s, want them all", ours, module)
	}
	return out
}

// watch looks at every Go file below root, so that `go test` runs this test again when one of them changes: it cannot see
// what the go command it starts has read.
func watch(t *testing.T, root string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (name == "node_modules" || name == "data" || strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if filepath.Ext(name) != ".go" && name != "go.mod" {
			return nil
		}
		_, err = os.Stat(path)
		return err
	})
	if err != nil {
		t.Fatalf("watch the sources: %v", err)
	}
}

func TestFaults(t *testing.T) {
	outside := func(path, module string) pkg {
		return pkg{ImportPath: path, Module: &struct{ Path string }{module}}
	}
	ours := func(name string, imports ...string) pkg {
		return pkg{ImportPath: module + "/" + name, Imports: imports}
	}
	own := func(name string) string { return module + "/" + name }
	bun := outside("github.com/uptrace/bun/schema", "github.com/uptrace/bun")
	std := pkg{ImportPath: "net/http", Standard: true}
	tests := []struct {
		name string
		pkgs []pkg
		want []string // how each fault begins
	}{
		{"allowed arrow", []pkg{ours("trace", own("llm"), "net/http"), std}, nil},
		{"llm may use its scanner", []pkg{ours("llm", own("internal/rawjson"))}, nil},
		{"llm imports trace", []pkg{ours("llm", own("trace"))}, []string{"llm → trace: "}},
		{"a stage imports another", []pkg{ours("ingest/route", own("ingest/upstream"))}, []string{"ingest/route → ingest/upstream: "}},
		{"a stage imports ingest", []pkg{ours("ingest/route", own("ingest"))}, []string{"ingest/route → ingest: "}},
		{"the API imports a store", []pkg{ours("api", own("clickhouse"))}, []string{"api → clickhouse: only cmd/weir"}},
		{"cmd imports the stores", []pkg{ours("cmd/weir", own("clickhouse"), own("sqldb"), own("clickhouse/engine"))}, nil},
		{"something imports cmd", []pkg{ours("api", own("cmd/weir"))}, []string{"api → cmd/weir: nothing imports cmd"}},
		{"a new room without a row", []pkg{ours("attic")}, []string{"attic is not in the table"}},
		{"a library at home", []pkg{ours("sqldb", bun.ImportPath), bun}, nil},
		{"a library away from home", []pkg{ours("api", bun.ImportPath), bun}, []string{"api → github.com/uptrace/bun: that library lives behind sqldb"}},
		{"a library nobody weighed", []pkg{ours("api", "example.com/x"), outside("example.com/x", "example.com/x")}, []string{"example.com/x is imported by api"}},
		{"golang.org/x in a noun", []pkg{ours("llm", "golang.org/x/sys/unix"), outside("golang.org/x/sys/unix", "golang.org/x/sys")}, []string{"llm → golang.org/x/sys/unix: llm stands on"}},
		{"golang.org/x elsewhere", []pkg{ours("ingest/spool", "golang.org/x/sys/unix"), outside("golang.org/x/sys/unix", "golang.org/x/sys")}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := faults(tt.pkgs)
			if len(got) != len(tt.want) {
				t.Fatalf("faults: got %d %q, want %d %q", len(got), got, len(tt.want), tt.want)
			}
			for i, begins := range tt.want {
				if !strings.HasPrefix(got[i], begins) {
					t.Errorf("fault %d:\n%s", i, cmp.Diff(begins, got[i]))
				}
			}
		})
	}
}

// TestTable checks the table itself: vendors and guarded packages live in rooms it knows.
func TestTable(t *testing.T) {
	for vendor, home := range vendors {
		if roomOf(home) == nil {
			t.Errorf("vendor %s lives in %s, which has no row", vendor, home)
		}
	}
	for name, only := range guarded {
		if roomOf(name) == nil || roomOf(only) == nil {
			t.Errorf("guarded %s for %s: both need a row", name, only)
		}
	}
	for _, r := range house {
		if r.why == "" {
			t.Errorf("%s has no reason", r.packages)
		}
	}
}
