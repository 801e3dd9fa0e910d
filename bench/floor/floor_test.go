package floor

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestPassesOnAndFlushes(t *testing.T) {
	goOn := make(chan struct{})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s|", r.URL.Path, b)
		_ = http.NewResponseController(w).Flush()
		<-goOn
		fmt.Fprint(w, "end")
	}))
	defer up.Close()
	u, err := url.Parse(up.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(New(u))
	defer proxy.Close()
	resp, err := http.Post(proxy.URL+"/v1/chat", "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	const want = "/v1/chat hello|"
	early := make([]byte, len(want))
	if _, err := io.ReadFull(resp.Body, early); err != nil || string(early) != want {
		t.Fatalf("got %q before the end, want %q (%v)", early, want, err)
	}
	close(goOn)
	rest, err := io.ReadAll(resp.Body)
	if err != nil || string(rest) != "end" {
		t.Errorf("got %q at the end (%v), want %q", rest, err, "end")
	}
}
