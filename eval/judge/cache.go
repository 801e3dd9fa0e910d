package judge

import (
	"context"
	"os"
	"path/filepath"
	"sync"
)

// Cache remembers answers by the key of their question. What it loses is asked again, so it has no errors. Safe for concurrent use;
// it owns neither key nor text after it returns, and what Get gives must not be changed.
type Cache interface {
	Get(ctx context.Context, key string) ([]byte, bool)
	Put(ctx context.Context, key string, text []byte)
}

// Memory is a Cache in memory, bounded by a number of answers: when it is full, it forgets any. The zero value is ready.
type Memory struct {
	Most int // answers; 0: 10,000

	mu      sync.Mutex // guards answers
	answers map[string][]byte
}

var _ Cache = (*Memory)(nil)

// Get implements Cache.
func (m *Memory) Get(_ context.Context, key string) ([]byte, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	text, ok := m.answers[key]
	return text, ok
}

// Put implements Cache.
func (m *Memory) Put(_ context.Context, key string, text []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	most := m.Most
	if most <= 0 {
		most = 10_000
	}
	if m.answers == nil {
		m.answers = map[string][]byte{}
	}
	for old := range m.answers {
		if len(m.answers) < most {
			break
		}
		delete(m.answers, old)
	}
	m.answers[key] = text
}

// Files is a Cache of one file an answer in a directory, whose name it is. It is emptied by removing the directory.
type Files string

var _ Cache = Files("")

func (f Files) path(key string) string { return filepath.Join(string(f), key[:2], key+".json") }

// Get implements Cache.
func (f Files) Get(_ context.Context, key string) ([]byte, bool) {
	text, err := os.ReadFile(f.path(key))
	return text, err == nil
}

// Put implements Cache. A file is there whole or not at all.
func (f Files) Put(_ context.Context, key string, text []byte) {
	path := f.path(key)
	if os.MkdirAll(filepath.Dir(path), 0o700) != nil {
		return
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return
	}
	_, err = file.Write(text)
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name()) // it is not needed
	}
}
