// Package console serves the web console: an application built by npm into dist and embedded in the binary.
package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed all:dist
var dist embed.FS

// Policy is the Content-Security-Policy of every page: no inline script, nothing from elsewhere.
const Policy = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
	"object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

// routes are the application's pages; an element in braces stands for any one non-empty element.
var routes = []string{
	"/", "/calls", "/calls/{id}", "/traces", "/traces/{id}", "/sessions", "/sessions/{id}", "/users", "/users/{name}", "/costs", "/costs/advice", "/reports", "/cache", "/budgets", "/models",
	"/prompts", "/prompts/{name}", "/experiments", "/experiments/{name}", "/datasets", "/datasets/{name}", "/datasets/runs/{id}", "/scores", "/scores/online", "/scores/annotate", "/scores/annotate/{name}", "/scores/agreement", "/drift", "/rag", "/rag/{name}", "/rag/{name}/bench", "/rag/{name}/documents", "/rag/{name}/collections", "/rag/{name}/questions/{id}",
	"/alerts", "/keys", "/system", "/changes", "/changes/{id}", "/playground", "/members",
}

// Routes lists the paths of the application's pages; an element such as {id} stands for any value.
// The caller may change the slice.
func Routes() []string { return slices.Clone(routes) }

// Handler serves the console: the built assets, and the application's page for every path of Routes.
// Any other path gets the same page with status 404, so that the application can say what there is.
// A binary built without the console's assets serves a page that says how to build them.
// It is safe for concurrent use.
func Handler() http.Handler {
	root, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // dist is embedded above: its name is always valid
	}
	return newHandler(root)
}

// handler holds every asset in memory: the whole console is some hundred kilobytes.
type handler struct {
	assets map[string]*asset // by URL path
	page   *asset            // index.html
	built  bool
}

type asset struct {
	body, gzip []byte
	kind       string // Content-Type
	etag       string // strong, of body; the compressed form has one of its own
	forever    bool   // the name carries a hash of the content
}

func newHandler(root fs.FS) http.Handler {
	h := &handler{assets: map[string]*asset{}}
	// A file that cannot be read is left out: its path is then answered 404.
	_ = fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") || strings.HasSuffix(name, ".gz") {
			return nil //nolint:nilerr // see above
		}
		body, err := fs.ReadFile(root, name)
		if err != nil {
			return nil //nolint:nilerr // see above
		}
		a := newAsset(name, body)
		if packed, err := fs.ReadFile(root, name+".gz"); err == nil {
			a.gzip = packed
		}
		h.assets["/"+name] = a
		return nil
	})
	if page, ok := h.assets["/index.html"]; ok {
		h.page, h.built = page, true
		delete(h.assets, "/index.html")
	} else {
		h.page = newAsset("index.html", []byte(notBuilt))
	}
	return h
}

func newAsset(name string, body []byte) *asset {
	kind := mime.TypeByExtension(path.Ext(name))
	// The machine's own table may differ: these must not.
	switch path.Ext(name) {
	case ".js":
		kind = "text/javascript; charset=utf-8"
	case ".css":
		kind = "text/css; charset=utf-8"
	case ".html":
		kind = "text/html; charset=utf-8"
	case ".svg":
		kind = "image/svg+xml"
	case "":
		kind = "application/octet-stream"
	}
	sum := sha256.Sum256(body)
	return &asset{body: body, kind: kind, etag: hex.EncodeToString(sum[:12]), forever: strings.HasPrefix(name, "assets/")}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Content-Security-Policy", Policy)
	head.Set("Referrer-Policy", "same-origin")
	head.Set("X-Frame-Options", "DENY")
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		head.Set("Allow", "GET, HEAD")
		http.Error(w, "The console answers GET and HEAD only; the API is under /api/v1/.", http.StatusMethodNotAllowed)
		return
	}
	if a, ok := h.assets[r.URL.Path]; ok {
		a.serve(w, r, http.StatusOK)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/assets/") {
		// A page from before an upgrade asks for a file that is gone: the page itself would be the wrong answer.
		head.Set("Cache-Control", "no-store")
		http.Error(w, "This file is not part of this version of the console: load the page again.", http.StatusNotFound)
		return
	}
	status := http.StatusNotFound
	switch {
	case !h.built:
		status = http.StatusServiceUnavailable
	case known(r.URL.EscapedPath()): // a name may have a slash of its own
		status = http.StatusOK
	}
	h.page.serve(w, r, status)
}

// known tells whether an escaped path is one of routes; one trailing slash is forgiven.
func known(p string) bool {
	if p != "/" {
		p = strings.TrimSuffix(p, "/")
	}
	got := strings.Split(p, "/")
	return slices.ContainsFunc(routes, func(route string) bool {
		want := strings.Split(route, "/")
		return len(want) == len(got) && match(want, got)
	})
}

func match(want, got []string) bool {
	for i, w := range want {
		if strings.HasPrefix(w, "{") {
			if got[i] == "" {
				return false
			}
		} else if w != got[i] {
			return false
		}
	}
	return true
}

func (a *asset) serve(w http.ResponseWriter, r *http.Request, status int) {
	head := w.Header()
	head.Set("Content-Type", a.kind)
	head.Set("Cache-Control", "no-cache")
	if a.forever {
		head.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body, etag := a.body, `"`+a.etag+`"`
	if a.gzip != nil {
		head.Add("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Get("Accept-Encoding")) {
			head.Set("Content-Encoding", "gzip")
			body, etag = a.gzip, `"`+a.etag+`-gz"`
		}
	}
	head.Set("ETag", etag)
	if status == http.StatusOK {
		// ServeContent answers conditional and range requests by the headers set here.
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
		return
	}
	head.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = io.Copy(w, bytes.NewReader(body)) // the client went away: there is nobody to tell
	}
}

// acceptsGzip reads an Accept-Encoding header; "gzip;q=0" is a refusal.
func acceptsGzip(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		q, found := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(params), " ", ""), "q=")
		if !found {
			return true
		}
		v, err := strconv.ParseFloat(q, 64)
		return err == nil && v > 0
	}
	return false
}

// errNotBuilt is what Built returns for a binary without the console's assets.
var errNotBuilt = errors.New("console: this binary was built without the web console; run `make console` and build again")

// Built returns nil when the console's assets are in the binary, and an error that says what to do when they are not.
func Built() error {
	if _, err := fs.Stat(dist, "dist/index.html"); err != nil {
		return errNotBuilt
	}
	return nil
}

const notBuilt = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>weir: the console is not built</title>
<style>body{font:15px/1.6 system-ui,sans-serif;max-width:42em;margin:12vh auto;padding:0 1.5em;color-scheme:light dark}code{font-family:ui-monospace,monospace;background:#8882;padding:.1em .4em;border-radius:4px}</style></head>
<body><h1>The console is not in this binary</h1>
<p>weir itself runs: the gateway is at <code>/v1</code>, the API at <code>/api/v1</code>. This binary was built without the console's assets. In the source tree, with Node and npm installed, run</p>
<p><code>make console</code></p>
<p>and build again (<code>make build</code> does both). Until then <code>weir calls</code> and <code>weir costs</code> show the same data.</p></body></html>
`
