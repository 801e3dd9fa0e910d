package source

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/weir-dev/weir/rag"
)

// walk gives the files below a folder that a pattern fits, in the order of their names; an empty one fits all. It says how many
// there were, errors too, and whether more are wanted.
func walk(folder, pattern string, yield func(file, error) bool) (n int, more bool) {
	more = true
	root, err := os.OpenRoot(folder)
	if err != nil {
		return 1, yield(file{}, &rag.DocumentError{Name: folder, Err: unwrapPath(err)})
	}
	defer root.Close()
	give := func(f file, err error) error {
		n++
		if more = yield(f, err); !more {
			return fs.SkipAll
		}
		return nil
	}
	_ = fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error { // its errors are given to the callback
		name := filepath.Join(folder, filepath.FromSlash(p))
		if err != nil {
			if stop := give(file{}, &rag.DocumentError{Name: name, Err: unwrapPath(err)}); stop != nil || d == nil || !d.IsDir() {
				return stop
			}
			return fs.SkipDir
		}
		if d.IsDir() {
			if p != "." && passedOver(p, pattern) {
				return fs.SkipDir
			}
			return nil
		}
		if pattern == "" && passedOver(p, "") || pattern != "" && (!doublestar.MatchUnvalidated(pattern, p) || passedOver(p, pattern)) {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return give(file{}, &rag.DocumentError{Document: p, Name: name, Err: unwrapPath(err)})
		}
		if !info.Mode().IsRegular() {
			return nil
		}
		return give(file{root, p, p, name, info.Size()}, nil)
	})
	return n, more
}

// passedOver says that nobody means a path: a hidden one, or what npm put there; but by a pattern that says so.
func passedOver(p, pattern string) bool {
	base := path.Base(p)
	return strings.HasPrefix(base, ".") && !strings.HasPrefix(pattern, ".") && !strings.Contains(pattern, "/.") ||
		base == "node_modules" && !strings.Contains(pattern, "node_modules")
}
