package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/weir-dev/weir/account"
)

// dataDir is weir's directory, locked against a second weir.
type dataDir struct {
	path string
	lock *os.File
}

// openDataDir makes the directory if need be and locks it.
func openDataDir(path string) (*dataDir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory (choose another with --data or WEIR_DATA): %w", err)
	}
	name := filepath.Join(path, "weir.lock")
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open data directory (choose another with --data or WEIR_DATA): %w", err)
	}
	if err := lockFile(f); err != nil {
		holder, _ := os.ReadFile(name)
		_ = f.Close()
		return nil, fmt.Errorf("the data directory %s belongs to another weir that is running (process %s); stop it, or give this one another directory with --data",
			path, strings.TrimSpace(string(holder)))
	}
	if err := errors.Join(f.Truncate(0), writeAt(f, fmt.Sprintln(os.Getpid()))); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("write to data directory %s: %w", path, err)
	}
	return &dataDir{path, f}, nil
}

func writeAt(f *os.File, s string) error {
	_, err := f.WriteAt([]byte(s), 0)
	return err
}

// Close lets the directory go.
func (d *dataDir) Close() error { return d.lock.Close() }

// file is a path within the directory.
func (d *dataDir) file(name string) string { return filepath.Join(d.path, name) }

const adminTokenFile = "admin-token"

// adminToken reads the admin token, or makes it at the first start. The environment's WEIR_ADMIN_TOKEN goes first.
func (d *dataDir) adminToken() (token account.Secret, made bool, err error) {
	if v := os.Getenv("WEIR_ADMIN_TOKEN"); v != "" {
		return account.NewSecret(v), false, nil
	}
	name := d.file(adminTokenFile)
	b, err := os.ReadFile(name)
	if err == nil && strings.TrimSpace(string(b)) != "" {
		return account.NewSecret(strings.TrimSpace(string(b))), false, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return account.Secret{}, false, fmt.Errorf("read admin token: %w", err)
	}
	token = account.MintToken()
	if err := os.WriteFile(name, []byte(token.Reveal()+"\n"), 0o600); err != nil {
		return account.Secret{}, false, fmt.Errorf("write admin token: %w", err)
	}
	return token, true, nil
}

// randomBytes reads n random bytes that this directory keeps under the name, made at the first start.
func (d *dataDir) randomBytes(name string, n int) ([]byte, error) {
	b, err := os.ReadFile(d.file(name))
	if err == nil && len(b) == n {
		return b, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	b = make([]byte, n)
	_, _ = rand.Read(b) // never fails, see crypto/rand
	if err := os.WriteFile(d.file(name), b, 0o600); err != nil {
		return nil, fmt.Errorf("write %s: %w", name, err)
	}
	return b, nil
}
