package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

const (
	// Version is the version of libchdb (and of its npm package) that weir is built for.
	Version = "26.5.3"

	// EnvLibrary names the environment variable that holds the path of libchdb. It comes before every other place.
	EnvLibrary = "WEIR_ENGINE_LIB"

	// EnvIntegrity names the environment variable that holds the npm integrity ("sha512-…") that Fetch checks
	// instead of the pinned one. It is needed where weir pins none.
	EnvIntegrity = "WEIR_ENGINE_INTEGRITY"

	libraryName = "libchdb.so"
)

var (
	// ErrMissing is what Locate wraps when libchdb is not on this machine.
	ErrMissing = errors.New("the ClickHouse engine library is missing")

	// ErrUnsupported is what Locate and Fetch wrap where there is no libchdb for the platform.
	ErrUnsupported = errors.New("no ClickHouse engine library for this platform")
)

// distribution is where libchdb for one platform comes from.
type distribution struct {
	npm       string // name of the npm package
	integrity string // pinned npm integrity of Version; empty where none is pinned
}

// distributions lists the platforms by GOOS/GOARCH.
var distributions = map[string]distribution{
	"linux/amd64": {
		npm:       "@chdb/lib-linux-x64-gnu",
		integrity: "sha512-fPrLmRt5Moor9yGz4mazbrNje4t7X9KB2mTGkXFWRxRBs2iKy8yh6jx11xsa0Qr3iDFMU/yHqd+bVdYJXu3QaQ==",
	},
	"linux/arm64":  {npm: "@chdb/lib-linux-arm64-gnu"},
	"darwin/arm64": {npm: "@chdb/lib-darwin-arm64"},
}

// Locate returns the path of libchdb. It looks at WEIR_ENGINE_LIB, then in the user's cache directory where Fetch puts
// it, then beside the running executable. The error wraps ErrMissing or ErrUnsupported and says what to do.
func Locate() (string, error) {
	if path := os.Getenv(EnvLibrary); path != "" {
		if err := isFile(path); err != nil {
			return "", fmt.Errorf("%w: %s=%s: %w; correct the path, or unset it and run `make engine`", ErrMissing, EnvLibrary, path, err)
		}
		return filepath.Abs(path)
	}
	if _, err := platform(runtime.GOOS, runtime.GOARCH); err != nil {
		return "", err
	}
	cached, err := cachePath()
	if err != nil {
		return "", err
	}
	places := []string{cached}
	if exe, err := os.Executable(); err == nil {
		places = append(places, filepath.Join(filepath.Dir(exe), libraryName))
	}
	for _, path := range places {
		if isFile(path) == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w (looked for %v): run `make engine` (or `weir engine fetch`), or set WEIR_CLICKHOUSE_URL to use a ClickHouse server", ErrMissing, places)
}

// cachePath is where Fetch puts the library.
func cachePath() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache directory: %w; set %s to the path of libchdb", err, EnvLibrary)
	}
	return filepath.Join(cache, "weir", "engine", Version, runtime.GOOS+"-"+runtime.GOARCH, libraryName), nil
}

func platform(goos, goarch string) (distribution, error) {
	if d, ok := distributions[goos+"/"+goarch]; ok {
		return d, nil
	}
	const remedy = "set WEIR_CLICKHOUSE_URL to a ClickHouse server"
	switch {
	case goos == "darwin" && goarch == "amd64":
		return distribution{}, fmt.Errorf("%w: the embedded engine does not run on Intel Macs; %s", ErrUnsupported, remedy)
	case goos == "windows":
		return distribution{}, fmt.Errorf("%w: the embedded engine does not run on Windows; %s, or run weir under WSL 2", ErrUnsupported, remedy)
	}
	return distribution{}, fmt.Errorf("%w: the embedded engine does not run on %s/%s; %s", ErrUnsupported, goos, goarch, remedy)
}

func isFile(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
			return pathErr.Err
		}
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	return nil
}
