package source

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestOddFolders: however deep, wide or tangled a folder is, its documents are read.
func TestOddFolders(t *testing.T) {
	files := map[string]string{strings.Repeat("d/", 250) + "deep.txt": "deep"}
	for i := range 3000 {
		files[fmt.Sprintf("wide/%04d.txt", i)] = "wide"
	}
	root := tree(t, files)
	for name, to := range map[string]string{"round": ".", "wide/up": "..", "one": "two", "two": "one", "broken.txt": "nowhere"} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Skip(err)
		}
	}
	docs, errs := read(t, new(Reader), root)
	if len(docs) != 3001 || docs[0].ID != strings.Repeat("d/", 250)+"deep.txt" || len(errs) > 0 {
		t.Errorf("%d documents, want 3001; errors %v", len(docs), errs)
	}
	// A link that is named leads somewhere or is an error.
	_, errs = read(t, new(Reader), filepath.Join(root, "one"), filepath.Join(root, "broken.txt"))
	if len(errs) != 2 || !strings.Contains(errs["one"], "links") {
		t.Errorf("links that lead nowhere: %v", errs)
	}
}

// TestDone: what was read is counted, whatever became of it.
func TestDone(t *testing.T) {
	root := tree(t, map[string]string{"a.txt": "text", "b.pdf": "%PDF", "c.jsonl": "{}\n{\"id\":\"1\",\"text\":\"x\"}\n", "d.csv": "a\n1\n", "e.txt": strings.Repeat("x", 200)})
	r := &Reader{MaxBytes: 100}
	read(t, r, root)
	if got, want := r.Done(), Size([]string{root}); got != want || want == 0 {
		t.Errorf("%d bytes are done of %d", got, want)
	}
}

// TestCompressedBomb: a little that unpacks to very much is refused, and takes no more memory than a document may.
func TestCompressedBomb(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.CopyN(z, endlessly('x'), 1<<30) // until the reader has had enough
		_ = z.Close()
	}))
	t.Cleanup(srv.Close)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	docs, errs := read(t, &Reader{Hosts: []string{strings.TrimPrefix(srv.URL, "http://")}, AllowPrivate: true, MaxBytes: 1 << 20}, srv.URL+"/bomb")
	runtime.ReadMemStats(&after)
	if len(docs) > 0 || !strings.Contains(errs["bomb"], "it has more than 1.0 MB") {
		t.Errorf("%d documents, errors %v", len(docs), errs)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 32<<20 {
		t.Errorf("%d MB were allocated", used>>20)
	}
}

type endlessly byte

func (e endlessly) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

// TestLedInside: a host outside that redirects to one inside, or whose name changes its answer to an address inside, is not followed.
func TestLedInside(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the server inside was asked") }))
	t.Cleanup(inside.Close)
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, inside.URL+"/secret", http.StatusFound)
	}))
	t.Cleanup(outside.Close)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(inside.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	r := &Reader{Hosts: []string{"docs.example.com", strings.TrimPrefix(inside.URL, "http://"), "localhost:" + port}, Timeout: time.Minute}
	transport, ok := r.http().Transport.(*http.Transport)
	if !ok {
		t.Fatalf("the transport is a %T", r.http().Transport)
	}
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == "docs.example.com:80" { // stands for a server outside, which a test has none of
			return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(outside.URL, "http://"))
		}
		return dial(ctx, network, address)
	}
	_, errs := read(t, r, "http://docs.example.com/away", "http://localhost:"+port+"/rebound")
	for _, path := range []string{"away", "rebound"} {
		if want := "a private address"; !strings.Contains(errs[path], want) {
			t.Errorf("/%s: %q, want %q", path, errs[path], want)
		}
	}
}
