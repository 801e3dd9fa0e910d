package engine

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// archive packs names and contents the way npm does.
func archive(t *testing.T, entries ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	w := tar.NewWriter(zipped)
	for i := 0; i < len(entries); i += 2 {
		header := &tar.Header{Name: entries[i], Mode: 0o755, Size: int64(len(entries[i+1])), Typeflag: tar.TypeReg}
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(entries[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func integrityOf(b []byte) string {
	sum := sha512.Sum512(b)
	return "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
}

// npm puts a program named npm on PATH that counts its runs in the file "runs" and then does what script says; $4 is
// the directory it packs into, and $PACKAGE the archive.
func npm(t *testing.T, packed []byte, script string) (runs func() int) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "package")
	for path, content := range map[string]string{
		file:                      string(packed),
		filepath.Join(dir, "npm"): "#!/bin/sh\necho run >> " + dir + "/runs\nPACKAGE=" + file + "\n" + script + "\n",
	} {
		if err := os.WriteFile(path, []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	return func() int {
		text, err := os.ReadFile(filepath.Join(dir, "runs"))
		if err != nil {
			return 0
		}
		return strings.Count(string(text), "run\n")
	}
}

const pack = `cp "$PACKAGE" "$4/lib-26.5.3.tgz"`

func TestFetch(t *testing.T) {
	good := archive(t, "package/index.js", "js", "package/libchdb.so", "the library", "package/../../evil", "evil")
	for _, tt := range []struct {
		name      string
		packed    []byte
		integrity string
		script    string
		want      []string // in the error; none: it works
	}{
		{"works", good, integrityOf(good), pack, nil},
		{"wrong checksum", good, integrityOf([]byte("other")), pack, []string{"wrong checksum", "nothing was installed", EnvLibrary}},
		{"npm fails", good, integrityOf(good), "echo 'npm error network' >&2; exit 1", []string{"npm error network", "check the network"}},
		{"npm leaves nothing", good, integrityOf(good), "exit 0", []string{"0 archives"}},
		{"no library inside", archive(t, "package/x", "x"), integrityOf(archive(t, "package/x", "x")), pack, []string{"no package/libchdb.so"}},
		{"cut short", good[:len(good)/2], integrityOf(good[:len(good)/2]), pack, []string{"unpack", "unexpected EOF"}},
		{"no checksum is pinned", good, "", pack, []string{EnvIntegrity, EnvLibrary, "WEIR_CLICKHOUSE_URL"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			npm(t, tt.packed, tt.script)
			dir := t.TempDir()
			var progress bytes.Buffer
			f := fetcher{dist: distribution{npm: "@chdb/lib-test", integrity: tt.integrity}, target: filepath.Join(dir, "v", libraryName), progress: &progress, interval: time.Millisecond}
			err := f.fetch(t.Context())
			if len(tt.want) == 0 {
				got, readErr := os.ReadFile(f.target)
				if err != nil || readErr != nil || string(got) != "the library" {
					t.Fatalf("got %q, %v, %v", got, err, readErr)
				}
				if !strings.Contains(progress.String(), "downloading @chdb/lib-test@"+Version) {
					t.Errorf("progress says %q", progress.String())
				}
			} else if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			left, err := filepath.Glob(filepath.Join(dir, "v", "fetch-*"))
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
			if _, err := os.Stat(filepath.Join(dir, "evil")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("an entry was written outside: %v", err)
			}
			if _, err := os.Stat(f.target); (err == nil) != (len(tt.want) == 0) {
				t.Errorf("library in place: %v", err)
			}
		})
	}
}

func TestFetchWithoutNpm(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	f := fetcher{dist: distribution{npm: "p", integrity: "sha512-x"}, target: filepath.Join(t.TempDir(), libraryName), progress: new(bytes.Buffer), interval: time.Second}
	err := f.fetch(t.Context())
	if err == nil || !strings.Contains(err.Error(), "npm is not on PATH") || !strings.Contains(err.Error(), "install Node.js") {
		t.Errorf("got %v", err)
	}
}

func TestFetchAtOnce(t *testing.T) {
	packed := archive(t, "package/libchdb.so", "the library")
	runs := npm(t, packed, pack)
	target := filepath.Join(t.TempDir(), libraryName)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			f := fetcher{dist: distribution{npm: "p", integrity: integrityOf(packed)}, target: target, progress: new(bytes.Buffer), interval: time.Second}
			if err := f.fetch(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := runs(); got != 1 {
		t.Errorf("npm ran %d times, want once", got)
	}
}

func TestFetchIsCancelled(t *testing.T) {
	npm(t, nil, "exec sleep 60")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	f := fetcher{dist: distribution{npm: "p", integrity: "sha512-x"}, target: filepath.Join(t.TempDir(), libraryName), progress: new(bytes.Buffer), interval: time.Millisecond}
	if err := f.fetch(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
}

func TestLocate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.so")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(EnvLibrary, file)
	if got, err := Locate(); err != nil || got != file {
		t.Errorf("got %q, %v, want %q", got, err, file)
	}
	t.Setenv(EnvLibrary, file+".gone")
	if _, err := Locate(); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), file+".gone") {
		t.Errorf("a wrong path: %v", err)
	}
	t.Setenv(EnvLibrary, "")
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", cache)
	if _, err := Locate(); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "make engine") || !strings.Contains(err.Error(), "WEIR_CLICKHOUSE_URL") {
		t.Errorf("nothing there: %v", err)
	}
	want, err := cachePath()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(want), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(want, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Locate(); err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestPlatform(t *testing.T) {
	for _, tt := range []struct{ os, arch, want string }{
		{"linux", "amd64", ""},
		{"linux", "arm64", ""},
		{"darwin", "arm64", ""},
		{"darwin", "amd64", "Intel Macs"},
		{"windows", "amd64", "Windows"},
		{"plan9", "386", "plan9/386"},
	} {
		_, err := platform(tt.os, tt.arch)
		if tt.want == "" {
			if err != nil {
				t.Errorf("%s/%s: %v", tt.os, tt.arch, err)
			}
			continue
		}
		if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "WEIR_CLICKHOUSE_URL") {
			t.Errorf("%s/%s: %v", tt.os, tt.arch, err)
		}
	}
}
