package qdrant_test

import (
	"os"
	"testing"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/rag"
	"github.com/weir-dev/weir/rag/qdrant"
	"github.com/weir-dev/weir/rag/ragtest"
)

// open opens a store that is closed with the test.
func open(t *testing.T, cfg qdrant.Config) *qdrant.Store {
	t.Helper()
	s, err := qdrant.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestContract(t *testing.T) {
	server := (&stub{}).start(t)
	ragtest.Run(t, func(t *testing.T) rag.Index { return open(t, qdrant.Config{URL: server.url}) })
	if server.unwaited > 0 {
		t.Errorf("%d writes did not wait until they can be found", server.unwaited)
	}
}

// TestServer is the contract on a real server.
func TestServer(t *testing.T) {
	url, key := realServer(t)
	for _, q := range []qdrant.Quantization{qdrant.None, qdrant.Scalar} {
		t.Run(string(q), func(t *testing.T) {
			ragtest.Run(t, func(t *testing.T) rag.Index {
				return late{open(t, qdrant.Config{URL: url, APIKey: account.NewSecret(key), Quantization: q})}
			})
		})
	}
}

// late says that the engine counts the words of removed points until its optimizer has cleaned up.
type late struct{ rag.Index }

func (late) CountsRemoved() {}

// realServer is the address of a Qdrant server: the one of WEIR_QDRANT_URL, or one started from QDRANT_BIN.
func realServer(t *testing.T) (url, key string) {
	t.Helper()
	if url := os.Getenv("WEIR_QDRANT_URL"); url != "" {
		return url, os.Getenv("QDRANT_API_KEY")
	}
	if binary := os.Getenv("QDRANT_BIN"); binary != "" {
		return startServer(t, binary), ""
	}
	t.Skip("not run: no Qdrant server (set QDRANT_BIN or WEIR_QDRANT_URL)")
	return "", ""
}
