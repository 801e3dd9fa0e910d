package cache

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"
)

func key(s string) Key { return sha256.Sum256([]byte(s)) }

// kept is an entry that lives an hour from now.
func kept(project, model string, body string) *Entry {
	now := time.Now()
	return &Entry{Project: project, Requested: model, Stored: now, Expires: now.Add(time.Hour), Body: []byte(body)}
}

func TestMemoryIsBounded(t *testing.T) {
	const most = 1 << 20
	m := NewMemory(most)
	defer m.Close()
	body := string(make([]byte, 50<<10))
	for i := range 200 {
		if err := m.Put(t.Context(), key(fmt.Sprint(i)), kept("p", "m", body)); err != nil {
			t.Fatal(err)
		}
		if u, _ := m.Usage(t.Context()); u.Bytes > most {
			t.Fatalf("%d bytes after %d entries, the bound is %d", u.Bytes, i+1, most)
		}
	}
	u, _ := m.Usage(t.Context())
	if u.Entries < 15 || u.Entries > 20 || u.Evictions != 200-u.Entries {
		t.Errorf("%+v", u)
	}
	if err := m.Put(t.Context(), key("big"), kept("p", "m", string(make([]byte, most)))); err != nil {
		t.Fatal(err)
	}
	if e, _ := m.Get(t.Context(), key("big")); e != nil {
		t.Error("an entry larger than the store was kept")
	}
	if now, _ := m.Usage(t.Context()); now.Entries != u.Entries {
		t.Errorf("an entry too large pushed others out: %+v", now)
	}
}
