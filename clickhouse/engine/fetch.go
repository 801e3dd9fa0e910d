package engine

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// maxLibrarySize bounds what is unpacked, in bytes: the library is 559 MB.
const maxLibrarySize = 2 << 30

// Fetch puts libchdb into the user's cache directory and returns its path; when it is there already it does nothing.
// It downloads the npm package of Version with npm (so the user's registry settings hold), compares its SHA-512 with
// the pinned one, unpacks the library and moves it into place in one step. Several processes may fetch at once: one
// downloads, the others wait. One line of progress at a time goes to progress, which may be nil.
func Fetch(ctx context.Context, progress io.Writer) (string, error) {
	dist, err := platform(runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return "", err
	}
	target, err := cachePath()
	if err != nil {
		return "", err
	}
	if integrity := os.Getenv(EnvIntegrity); integrity != "" {
		dist.integrity = integrity
	}
	if progress == nil {
		progress = io.Discard
	}
	f := fetcher{dist: dist, target: target, progress: progress, interval: time.Second}
	if err := f.fetch(ctx); err != nil {
		return "", fmt.Errorf("fetch the engine library: %w", err)
	}
	return target, nil
}

// fetcher brings one distribution to one place.
type fetcher struct {
	dist     distribution
	target   string
	progress io.Writer
	interval time.Duration // between two lines of progress
}

func (f *fetcher) fetch(ctx context.Context) error {
	if isFile(f.target) == nil {
		fmt.Fprintf(f.progress, "engine library: %s is in place\n", f.target)
		return nil
	}
	spec := f.dist.npm + "@" + Version
	if f.dist.integrity == "" {
		return fmt.Errorf("weir pins no checksum of %s: look it up yourself and run `%s=$(npm view %s dist.integrity) weir engine fetch`, or set %s to a libchdb you trust, or WEIR_CLICKHOUSE_URL to a server",
			spec, EnvIntegrity, spec, EnvLibrary)
	}
	dir := filepath.Dir(f.target)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the cache directory: %w; make it writable, or set XDG_CACHE_HOME to one that is", err)
	}
	unlock, err := f.lock(ctx, filepath.Join(dir, "fetch.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	if isFile(f.target) == nil {
		fmt.Fprintf(f.progress, "engine library: %s is in place, another process fetched it\n", f.target)
		return nil
	}
	tmp, err := os.MkdirTemp(dir, "fetch-")
	if err != nil {
		return fmt.Errorf("make a directory to download into: %w", err)
	}
	defer os.RemoveAll(tmp) // what is left is in the cache directory and harmless

	archive, err := f.download(ctx, tmp, spec)
	if err != nil {
		return err
	}
	if err := checkIntegrity(archive, f.dist.integrity); err != nil {
		return fmt.Errorf("%s: %w: nothing was installed; the registry may have been tampered with or serves another build. Check `npm config get registry`, or set %s to a libchdb you trust", spec, err, EnvLibrary)
	}
	fmt.Fprintln(f.progress, "engine library: checksum is right, unpacking")
	library := filepath.Join(tmp, libraryName)
	if err := unpack(archive, library); err != nil {
		return fmt.Errorf("unpack %s: %w; 1 GB of free space is needed in %s", spec, err, dir)
	}
	if err := os.Rename(library, f.target); err != nil {
		return fmt.Errorf("move the library into place: %w", err)
	}
	fmt.Fprintf(f.progress, "engine library: %s is in place\n", f.target)
	return nil
}

// lock waits until no other process fetches into the same directory.
func (f *fetcher) lock(ctx context.Context, path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the download lock: %w", err)
	}
	told := false
	for {
		ok, err := tryLock(file)
		if err != nil {
			file.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if ok {
			return func() { file.Close() }, nil
		}
		if !told {
			fmt.Fprintln(f.progress, "engine library: another process is fetching it, waiting")
			told = true
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, fmt.Errorf("wait for another fetch that holds %s: %w", path, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// download runs npm pack and returns the path of the archive in dir.
func (f *fetcher) download(ctx context.Context, dir, spec string) (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", fmt.Errorf("npm is not on PATH, and %s comes from the npm registry: install Node.js, or set %s to a libchdb, or WEIR_CLICKHOUSE_URL to a server", spec, EnvLibrary)
	}
	fmt.Fprintf(f.progress, "engine library: downloading %s\n", spec)
	var output bytes.Buffer
	// A cache of its own shows how far the download is and leaves nothing of 160 MB behind.
	cache := filepath.Join(dir, "npm")
	cmd := exec.CommandContext(ctx, npm, "pack", spec, "--pack-destination", dir, "--cache", cache, "--loglevel", "error")
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start npm: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	tick := time.NewTicker(f.interval)
	defer tick.Stop()
	for last := int64(0); ; {
		select {
		case err := <-done:
			if ctx.Err() != nil {
				return "", fmt.Errorf("download %s: %w", spec, ctx.Err())
			}
			if err != nil {
				return "", fmt.Errorf("download %s: npm pack: %w: %s; check the network and `npm config get registry`, then run it again", spec, err, firstLines(output.String(), 4))
			}
			return findArchive(dir)
		case <-tick.C:
			if size := treeSize(cache) >> 20; size > last {
				last = size
				fmt.Fprintf(f.progress, "engine library: %d MB downloaded\n", size)
			}
		}
	}
}

func findArchive(dir string) (string, error) {
	found, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("npm pack left %d archives in %s, one was expected; update npm and run it again", len(found), dir)
	}
	return found[0], nil
}

// checkIntegrity compares a file with an npm integrity of the form "sha512-<base64>".
func checkIntegrity(path, want string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha512.New()
	if _, err := io.Copy(sum, file); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if got := "sha512-" + base64.StdEncoding.EncodeToString(sum.Sum(nil)); got != want {
		return fmt.Errorf("wrong checksum: got %s, want %s", got, want)
	}
	return nil
}

// unpack writes the library in an npm archive to path, synced to disk. Only that one entry is written, and only there,
// so that no name in the archive can lead elsewhere.
func unpack(archive, path string) error {
	in, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer in.Close()
	zipped, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	for entries := tar.NewReader(zipped); ; {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("no package/%s in the archive", libraryName)
		}
		if err != nil {
			return err
		}
		if entry.Typeflag != tar.TypeReg || (entry.Name != "package/"+libraryName && entry.Name != "package/libchdb.dylib") {
			continue
		}
		if entry.Size > maxLibrarySize {
			return fmt.Errorf("%s has %d bytes, more than %d", entry.Name, entry.Size, int64(maxLibrarySize))
		}
		out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, entries)
		return errors.Join(err, out.Sync(), out.Close())
	}
}

// treeSize is the number of bytes in the regular files under dir; files that vanish meanwhile do not count.
func treeSize(dir string) int64 {
	var size int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // npm moves its files while they are counted
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
		return nil
	})
	return size
}

// firstLines is the beginning of text, on one line.
func firstLines(text string, n int) string {
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	return strings.Join(lines[:min(n, len(lines))], " | ")
}
