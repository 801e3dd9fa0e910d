package console

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

var tree = fstest.MapFS{
	"index.html":            {Data: []byte("<title>shell</title>")},
	"index.html.gz":         {Data: []byte("shell, packed")},
	"theme.js":              {Data: []byte("theme")},
	"assets/index-AbCd.js":  {Data: []byte("app")},
	"assets/index-AbCd.css": {Data: []byte("style")},
	".gitkeep":              {Data: []byte("secret")},
}

func ask(t *testing.T, h http.Handler, method, path string, headers ...string) (*http.Response, string) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	res := rec.Result()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func TestHandler(t *testing.T) {
	h := newHandler(tree)
	const shell = "<title>shell</title>"
	tests := []struct {
		path, body, kind, cache string
		status                  int
	}{
		{"/", shell, "text/html; charset=utf-8", "no-cache", 200},
		{"/calls", shell, "text/html; charset=utf-8", "no-cache", 200},
		{"/calls/", shell, "text/html; charset=utf-8", "no-cache", 200},
		{"/calls/01k-x", shell, "text/html; charset=utf-8", "no-cache", 200},
		{"/users/a%2Fb", shell, "text/html; charset=utf-8", "no-cache", 200},
		{"/foo", shell, "text/html; charset=utf-8", "no-cache", 404},
		{"/calls/1/2", shell, "text/html; charset=utf-8", "no-cache", 404},
		{"/calls//", shell, "text/html; charset=utf-8", "no-cache", 404},
		{"/.gitkeep", shell, "text/html; charset=utf-8", "no-cache", 404}, // hidden files are not served
		{"/index.html.gz", shell, "text/html; charset=utf-8", "no-cache", 404},
		{"/theme.js", "theme", "text/javascript; charset=utf-8", "no-cache", 200},
		{"/assets/index-AbCd.js", "app", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", 200},
		{"/assets/index-AbCd.css", "style", "text/css; charset=utf-8", "public, max-age=31536000, immutable", 200},
		{"/assets/index-Old.js", "This file is not part of this version of the console: load the page again.\n", "text/plain; charset=utf-8", "no-store", 404},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			res, body := ask(t, h, http.MethodGet, tt.path)
			got := []any{res.StatusCode, body, res.Header.Get("Content-Type"), res.Header.Get("Cache-Control")}
			want := []any{tt.status, tt.body, tt.kind, tt.cache}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Content-Security-Policy": Policy} {
				if got := res.Header.Get(name); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestRoutesAllGiveTheShell(t *testing.T) {
	h := newHandler(tree)
	for _, route := range Routes() {
		path := strings.NewReplacer("{id}", "01k-a", "{name}", "greet").Replace(route)
		if res, body := ask(t, h, http.MethodGet, path); res.StatusCode != 200 || !strings.Contains(body, "shell") {
			t.Errorf("%s: got %d %q", path, res.StatusCode, body)
		}
	}
	for _, want := range []string{"/", "/calls", "/calls/{id}", "/traces", "/sessions", "/users", "/costs", "/costs/advice", "/cache", "/budgets", "/models", "/prompts", "/experiments", "/datasets", "/scores", "/rag", "/alerts", "/system"} {
		if !slices.Contains(Routes(), want) {
			t.Errorf("Routes lacks %s", want)
		}
	}
}

func TestCompressedAndConditional(t *testing.T) {
	h := newHandler(tree)
	plain, _ := ask(t, h, http.MethodGet, "/")
	packed, body := ask(t, h, http.MethodGet, "/", "Accept-Encoding", "br, gzip;q=0.8")
	if got, want := body, "shell, packed"; got != want || packed.Header.Get("Content-Encoding") != "gzip" || packed.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("compressed: got %q, %v", got, packed.Header)
	}
	if plain.Header.Get("ETag") == packed.Header.Get("ETag") {
		t.Error("the compressed form has the ETag of the plain one")
	}
	if _, body := ask(t, h, http.MethodGet, "/", "Accept-Encoding", "gzip;q=0"); body != "<title>shell</title>" {
		t.Errorf("refused gzip: got %q", body)
	}
	if res, body := ask(t, h, http.MethodGet, "/", "If-None-Match", plain.Header.Get("ETag")); res.StatusCode != 304 || body != "" {
		t.Errorf("conditional: got %d %q", res.StatusCode, body)
	}
	if res, body := ask(t, h, http.MethodHead, "/foo"); res.StatusCode != 404 || body != "" {
		t.Errorf("HEAD: got %d %q", res.StatusCode, body)
	}
}

func TestWrongMethod(t *testing.T) {
	res, body := ask(t, newHandler(tree), http.MethodPost, "/calls")
	if res.StatusCode != 405 || res.Header.Get("Allow") != "GET, HEAD" || !strings.Contains(body, "/api/v1/") {
		t.Errorf("got %d %q %q", res.StatusCode, res.Header.Get("Allow"), body)
	}
}

func TestNotBuilt(t *testing.T) {
	h := newHandler(fstest.MapFS{".gitkeep": {}})
	for _, path := range []string{"/", "/calls", "/foo"} {
		res, body := ask(t, h, http.MethodGet, path)
		if res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "make console") {
			t.Errorf("%s: got %d %q", path, res.StatusCode, body)
		}
	}
}

// TestBuilt looks at the assets in this binary, when there are any.
func TestBuilt(t *testing.T) {
	if err := Built(); err != nil {
		t.Skip(err)
	}
	h := Handler().(*handler)
	_, page := ask(t, h, http.MethodGet, "/")
	if strings.Contains(page, "<script>") || strings.Contains(page, "<style") || strings.Contains(page, "onload=") {
		t.Error("the page has inline script or style, which its policy forbids")
	}
	for name, a := range h.assets {
		if strings.HasSuffix(name, ".js") && a.gzip == nil {
			t.Errorf("%s has no compressed form", name)
		}
	}
	entry := regexp.MustCompile(`<script type="module"[^>]+src="([^"]+)"`).FindStringSubmatch(page)
	if entry == nil {
		t.Fatal("the page has no script")
	}
	rooms := lazyImport.FindAllStringSubmatch(string(h.assets[entry[1]].body), -1)
	if len(rooms) < 5 {
		t.Fatalf("%d rooms are loaded when they are entered: want the most of them", len(rooms))
	}
	most, largest := 0, ""
	for _, room := range rooms {
		needs := map[string]bool{}
		h.scripts(needs, entry[1], entry[1])
		h.scripts(needs, "/assets/"+room[1], entry[1])
		script := 0
		for name := range needs {
			script += len(h.assets[name].gzip)
		}
		if script > most {
			most, largest = script, room[1]
		}
	}
	if limit := 150 << 10; most == 0 || most > limit {
		t.Errorf("script of the room %s: got %d bytes compressed, want at most %d", largest, most, limit)
	}
	t.Logf("script of the largest of %d rooms, %s: %d bytes compressed", len(rooms), largest, most)
}

var (
	lazyImport = regexp.MustCompile("import\\([\"'`]\\./([\\w.-]+\\.js)")
	anyImport  = regexp.MustCompile("(?:import|from)\\(?[\"'`]\\./([\\w.-]+\\.js)")
	onlyNow    = regexp.MustCompile("(?:import|from)[\"'`]\\./([\\w.-]+\\.js)")
)

// scripts adds a script with all that it imports. Of the entry's own, those that it loads when a room is entered are left out.
func (h *handler) scripts(into map[string]bool, name, entry string) {
	a := h.assets[name]
	if into[name] || a == nil {
		return
	}
	into[name] = true
	imports := anyImport
	if name == entry {
		imports = onlyNow
	}
	for _, m := range imports.FindAllStringSubmatch(string(a.body), -1) {
		h.scripts(into, "/assets/"+m[1], entry)
	}
}

func TestAcceptsGzip(t *testing.T) {
	for accept, want := range map[string]bool{"": false, "gzip": true, "br, GZIP": true, "gzip;q=0": false, "gzip; q=0.5": true, "gzip;q=x": false, "x-gzip": false, "deflate, gzip;q=0.0": false} {
		if got := acceptsGzip(accept); got != want {
			t.Errorf("%q: got %v, want %v", accept, got, want)
		}
	}
}
