// Package source reads documents from files, folders, patterns, JSON lines and addresses.
package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/weir-dev/weir/rag"
)

// Reader reads documents. The zero value reads files and no addresses. The fields are not changed once it is in use; safe for
// concurrent use.
type Reader struct {
	// Hosts are those that documents may be fetched from: docs.example.com, or *.example.com for all below it; with a port when it
	// is not the scheme's own.
	Hosts []string
	// AllowPrivate lets these be, or resolve to, private, loopback or link-local addresses.
	AllowPrivate bool
	// MaxBytes bounds a document, as it is read and as text; 0 is 30 MB.
	MaxBytes int64
	// Timeout bounds the fetching of one address; 0 is 30 seconds.
	Timeout time.Duration

	once   sync.Once
	client *http.Client
	done   atomic.Int64
}

const (
	defaultMaxBytes = 30 << 20
	defaultTimeout  = 30 * time.Second
)

func (r *Reader) most() int64 { return cmp.Or(r.MaxBytes, defaultMaxBytes) }

// Documents reads what the arguments name, in their order: a file; a folder with all that is below it, by name, without hidden
// files, node_modules and symbolic links; a pattern in which ** stands for any folders; or an address with http or https. A
// file of JSON lines, .jsonl or .ndjson, has a document a line.
//
// The id of a document is its path with slashes below the folder that was named, or below that part of a pattern which is
// none; a file's name where the file was named; the address; or what the line says. One document is in memory at a time. What
// cannot be read is a *rag.DocumentError and the rest follows.
func (r *Reader) Documents(ctx context.Context, args []string) iter.Seq2[rag.Document, error] {
	return func(yield func(rag.Document, error) bool) {
		for _, arg := range args {
			if isAddress(arg) {
				doc, err := r.fetch(ctx, arg)
				if !yield(doc, err) {
					return
				}
				continue
			}
			for f, err := range files(arg) {
				if ctx.Err() != nil {
					return
				}
				if err != nil {
					if !yield(rag.Document{}, err) {
						return
					}
					continue
				}
				if !r.file(f, yield) {
					return
				}
			}
		}
	}
}

// Size is how many bytes the files have that the arguments name; what cannot be looked at, and addresses, count for nothing.
func Size(args []string) (sum int64) {
	for _, arg := range args {
		if isAddress(arg) {
			continue
		}
		for f, err := range files(arg) {
			if err == nil {
				sum += f.size
			}
		}
	}
	return sum
}

// Done is how many of the bytes that Size counts were read, or passed over because they could not be.
func (r *Reader) Done() int64 { return r.done.Load() }

func isAddress(arg string) bool {
	scheme, _, ok := strings.Cut(arg, "://")
	return ok && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https"))
}

// file is one that documents are read from.
type file struct {
	root *os.Root // of the folder it is below, which nothing leads out of
	path string   // below root, with slashes
	id   string
	name string // for people
	size int64
}

// files gives the files that an argument names.
func files(arg string) iter.Seq2[file, error] {
	return func(yield func(file, error) bool) {
		fail := func(err error) { yield(file{}, &rag.DocumentError{Name: arg, Err: err}) }
		info, err := os.Stat(arg)
		switch {
		case err == nil && info.IsDir():
			walk(arg, "", yield)
		case err == nil && info.Mode().IsRegular():
			alone(arg, info, yield)
		case err == nil:
			fail(errors.New("it is neither a file nor a folder"))
		case !strings.ContainsAny(arg, "*?[{"):
			fail(unwrapPath(err))
		case !doublestar.ValidatePattern(filepath.ToSlash(arg)):
			fail(errors.New("it is no pattern: want *, ?, [abc], {a,b} or **"))
		default:
			base, pattern := doublestar.SplitPattern(filepath.ToSlash(arg))
			if n, more := walk(filepath.FromSlash(base), pattern, yield); n == 0 && more {
				fail(errors.New("the pattern fits no file"))
			}
		}
	}
}

// alone gives one file that was named.
func alone(arg string, info os.FileInfo, yield func(file, error) bool) {
	real, err := filepath.EvalSymlinks(arg)
	if err != nil {
		yield(file{}, &rag.DocumentError{Document: info.Name(), Name: arg, Err: unwrapPath(err)})
		return
	}
	root, err := os.OpenRoot(filepath.Dir(real))
	if err != nil {
		yield(file{}, &rag.DocumentError{Document: info.Name(), Name: arg, Err: unwrapPath(err)})
		return
	}
	defer root.Close()
	yield(file{root, filepath.Base(real), filepath.Base(arg), arg, info.Size()}, nil)
}

// unwrapPath takes the path out of an error that is told beside it.
func unwrapPath(err error) error {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return p.Err
	}
	return err
}

// refusef makes a document's error.
func refusef(id, name, format string, args ...any) error {
	return &rag.DocumentError{Document: id, Name: name, Err: fmt.Errorf(format, args...)}
}
