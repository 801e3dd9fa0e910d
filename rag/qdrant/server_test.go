package qdrant_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/weir-dev/weir/rag/qdrant"
)

// startServer runs a Qdrant server in a directory of the test's until the test ends.
func startServer(t *testing.T, binary string) string {
	t.Helper()
	dir := t.TempDir()
	http, grpc := freePort(t), freePort(t)
	out, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	cmd.Env = append(os.Environ(),
		"QDRANT__SERVICE__HOST=127.0.0.1", "QDRANT__SERVICE__HTTP_PORT="+http, "QDRANT__SERVICE__GRPC_PORT="+grpc,
		"QDRANT__STORAGE__STORAGE_PATH="+filepath.Join(dir, "storage"), "QDRANT__TELEMETRY_DISABLED=true", "QDRANT__LOG_LEVEL=WARN",
	)
	if err := cmd.Start(); err != nil {
		t.Fatalf("start QDRANT_BIN: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			if text, err := os.ReadFile(out.Name()); err == nil {
				t.Logf("the server's log:\n%s", text)
			}
		}
		_ = out.Close()
	})
	url := "http://127.0.0.1:" + grpc
	store := open(t, qdrant.Config{URL: url, Timeout: 2 * time.Second})
	deadline := time.Now().Add(time.Minute)
	for {
		err := store.Ready(t.Context())
		if err == nil {
			return url
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server did not come up in a minute: %v", err)
		}
	}
}

// freePort is one that nobody listened on a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}
