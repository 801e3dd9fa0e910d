package source

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/rag"
)

// tree writes files below a new folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		at := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// read gives what the arguments hold: ids of documents with their texts, and errors by what they are about.
func read(t *testing.T, r *Reader, args ...string) (docs []rag.Document, errs map[string]string) {
	t.Helper()
	errs = make(map[string]string)
	for doc, err := range r.Documents(t.Context(), args) {
		if err == nil {
			docs = append(docs, doc)
			continue
		}
		d, ok := errors.AsType[*rag.DocumentError](err)
		if !ok {
			t.Fatalf("the error of no document: %v", err)
		}
		name := d.Name
		if name == "" {
			name = d.Document
		}
		errs[filepath.Base(name)] = d.Err.Error()
	}
	return docs, errs
}

func ids(docs []rag.Document) (out []string) {
	for _, d := range docs {
		out = append(out, d.ID)
	}
	return out
}

func TestFolder(t *testing.T) {
	root := tree(t, map[string]string{
		"b.md":                    "---\ntitle: \"From the front\"\n---\n# Heading\n",
		"a/z.txt":                 "\ufeffplain",
		"a/code.go":               "package a\n",
		"a/.hidden/x.txt":         "no",
		".git/config":             "no",
		"node_modules/m/index.js": "no",
		"c.md":                    "intro\n```\n# in a fence\n```\n# The `title` #\n",
		"t.csv":                   "name, unit price\napple,1.50\n\"pear, green\",\n",
		"LICENSE":                 "words",
	})
	outside := tree(t, map[string]string{"secret.txt": "secret"})
	for name, to := range map[string]string{"link.txt": filepath.Join(outside, "secret.txt"), "folder": outside} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Skip(err)
		}
	}
	docs, errs := read(t, new(Reader), root)
	want := []rag.Document{
		{ID: "LICENSE", Kind: rag.Text, Text: "words"},
		{ID: "a/code.go", Kind: rag.Code, Text: "package a\n"},
		{ID: "a/z.txt", Kind: rag.Text, Text: "plain"},
		{ID: "b.md", Kind: rag.Markdown, Title: "From the front", Text: "---\ntitle: \"From the front\"\n---\n# Heading\n"},
		{ID: "c.md", Kind: rag.Markdown, Title: "The title", Text: "intro\n```\n# in a fence\n```\n# The `title` #\n"},
		{ID: "t.csv", Kind: rag.Table, Text: "name: apple\nunit price: 1.50\n\nname: pear, green\n"},
	}
	if diff := cmp.Diff(docs, want); diff != "" || len(errs) > 0 {
		t.Errorf("errors %v (-got +want):\n%s", errs, diff)
	}
	var size int64
	for _, name := range []string{"LICENSE", "a/code.go", "a/z.txt", "b.md", "c.md", "t.csv"} {
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if got := Size([]string{root, "https://example.com/", "nowhere"}); got != size {
		t.Errorf("Size = %d, want %d", got, size)
	}
}

func TestArguments(t *testing.T) {
	root := tree(t, map[string]string{"x/1.md": "1", "x/y/2.md": "2", "x/y/3.txt": "3", "x/.h/4.md": "4", "real.txt": "r"})
	at := func(names ...string) (out []string) {
		for _, name := range names {
			out = append(out, filepath.Join(root, name))
		}
		return out
	}
	if err := os.Symlink(filepath.Join(root, "real.txt"), filepath.Join(root, "named.txt")); err != nil {
		t.Skip(err)
	}
	for _, c := range []struct {
		args []string
		want []string
		errs map[string]string
	}{
		{at("x/**/*.md"), []string{"1.md", "y/2.md"}, nil},
		{at("*/y/*.{md,txt}"), []string{"x/y/2.md", "x/y/3.txt"}, nil},
		{at("x/.h/*.md"), []string{"4.md"}, nil},
		{at("x/1.md", "x/y/3.txt"), []string{"1.md", "3.txt"}, nil},
		{at("named.txt"), []string{"named.txt"}, nil}, // a link that was named is meant
		{at("none.md", "x/1.md"), []string{"1.md"}, map[string]string{"none.md": "no such file or directory"}},
		{at("x/*.go"), nil, map[string]string{"*.go": "the pattern fits no file"}},
		{at("x/[.md"), nil, map[string]string{"[.md": "it is no pattern: want *, ?, [abc], {a,b} or **"}},
	} {
		docs, errs := read(t, new(Reader), c.args...)
		if c.errs == nil {
			c.errs = map[string]string{}
		}
		if diff := cmp.Diff(ids(docs), c.want) + cmp.Diff(errs, c.errs); diff != "" {
			t.Errorf("%v (-got +want):\n%s", c.args, diff)
		}
	}
}

func TestBadFiles(t *testing.T) {
	root := tree(t, map[string]string{
		"a.pdf":      "%PDF-1.7",
		"b.txt":      "%PDF-1.7 by another name",
		"binary.bin": "MZ\x00\x01",
		"latin.txt":  "caf\xe9 au lait",
		"utf16.txt":  "\xff\xfea\x00",
		"long.txt":   strings.Repeat("x", 2000),
		"bomb.csv":   strings.Repeat("h", 400) + "\n" + strings.Repeat("1\n", 20),
		"deep.html":  strings.Repeat("<div>", 150),
		"good.txt":   "good",
	})
	docs, errs := read(t, &Reader{MaxBytes: 1000}, root)
	if diff := cmp.Diff(ids(docs), []string{"deep.html", "good.txt"}); diff != "" {
		t.Errorf("documents (-got +want):\n%s", diff)
	}
	want := map[string]string{
		"a.pdf":      errPDF.Error(),
		"b.txt":      errPDF.Error(),
		"binary.bin": "it is no text: byte 2 is zero",
		"latin.txt":  "it is no text in UTF-8: byte 3 is 0xe9; convert it to UTF-8",
		"utf16.txt":  "it is text in UTF-16; convert it to UTF-8",
		"long.txt":   "it has 2000 bytes, and at most 1000 bytes are taken; cut it into several",
		"bomb.csv":   "with the columns' names beside the values it has more than 1000 bytes; cut it into several",
	}
	if diff := cmp.Diff(errs, want); diff != "" {
		t.Errorf("errors (-got +want):\n%s", diff)
	}
}

func TestLines(t *testing.T) {
	root := tree(t, map[string]string{"d.jsonl": strings.Join([]string{
		`{"id":"1","text":"one","title":"T","labels":{"a":"b"},"tenant":"x"}`,
		``,
		`{"id":"2","text":"two","kind":"markdown"}` + "\r",
		`{"id":"3"}`,
		`{"text":"nameless"}`,
		`{"id":"4","text":"x","kind":"poem"}`,
		`[]`,
		`{"id":"5","text":"` + strings.Repeat("x", 300_000) + `"}`,
		"{\"id\":\"6\",\"text\":\"\xff\"}",
		`{"id":"7","text":"seven"}`,
	}, "\n")})
	docs, errs := read(t, &Reader{MaxBytes: 200_000}, filepath.Join(root, "d.jsonl"))
	want := []rag.Document{
		{ID: "1", Kind: rag.Text, Text: "one", Title: "T", Labels: map[string]string{"a": "b"}, Tenant: "x"},
		{ID: "2", Kind: rag.Markdown, Text: "two"},
		{ID: "7", Kind: rag.Text, Text: "seven"},
	}
	if diff := cmp.Diff(docs, want); diff != "" {
		t.Errorf("documents (-got +want):\n%s", diff)
	}
	for line, part := range map[string]string{
		"d.jsonl:4": "it has no text", "d.jsonl:5": "it has no id", "d.jsonl:6": `kind: "poem" is none of`, "d.jsonl:7": "it is no document",
		"d.jsonl:8": "the line has 300021 bytes", "d.jsonl:9": "byte 18 is 0xff",
	} {
		if !strings.Contains(errs[line], part) {
			t.Errorf("%s: %q, want %q", line, errs[line], part)
		}
	}
	if len(errs) != 6 {
		t.Errorf("%d errors, want 6: %v", len(errs), errs)
	}
}

// TestLongLine: a line of 200 MB is one error, and takes no memory.
func TestLongLine(t *testing.T) {
	in := &endless{left: 200 << 20}
	var errs, docs int
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	Lines(in, "long", 1<<20, func(_ rag.Document, err error) bool {
		if err != nil {
			errs++
		} else {
			docs++
		}
		return true
	})
	runtime.ReadMemStats(&after)
	if errs != 1 || docs != 1 {
		t.Errorf("%d errors and %d documents, want one of each", errs, docs)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
		t.Errorf("%d MB were allocated", used>>20)
	}
}

// endless is a line of so many bytes, then a document.
type endless struct {
	left int
	told bool
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left > 0 {
		n := min(len(p), e.left)
		for i := range p[:n] {
			p[i] = 'x'
		}
		e.left -= n
		return n, nil
	}
	if e.told {
		return 0, fmt.Errorf("read on after the end")
	}
	e.told = true
	return copy(p, "\n{\"id\":\"1\",\"text\":\"one\"}"), io.EOF
}

func TestHTML(t *testing.T) {
	page := `<!DOCTYPE html><html><head><title> A  &amp; B </title><style>p{color:red}</style><script>alert("x")</script></head>
<body><h1>Weirs</h1><p hidden>not shown</p><p>A <b>low</b> dam.</p><script>evil()</script><noscript>enable</noscript><!-- remark -->
<svg><title>icon</title><text>drawn</text></svg><ul><li>one</li><li>two</li></ul><pre><code>x := 1
</code></pre><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table><a href="javascript:alert(1)">link</a></body></html>`
	docs, errs := read(t, new(Reader), filepath.Join(tree(t, map[string]string{"p.html": page}), "p.html"))
	if len(docs) != 1 {
		t.Fatalf("errors %v", errs)
	}
	d := docs[0]
	if d.Title != "A & B" || d.Kind != rag.Markdown {
		t.Errorf("title %q, kind %s", d.Title, d.Kind)
	}
	for _, part := range []string{"# Weirs\n", "A **low** dam.", "- one\n- two", "```\nx := 1\n```", "| a | b |"} {
		if !strings.Contains(d.Text, part) {
			t.Errorf("the text lacks %q:\n%s", part, d.Text)
		}
	}
	for _, part := range []string{"alert(\"x\")", "evil", "color:red", "not shown", "enable", "remark", "drawn", "icon"} {
		if strings.Contains(d.Text, part) {
			t.Errorf("the text has %q:\n%s", part, d.Text)
		}
	}
}

// TestHostileHTML: nothing that a page can hold takes long or ends the process.
func TestHostileHTML(t *testing.T) {
	const size = 128 << 10
	many := strings.Repeat("<td>x", 4000)
	for _, part := range []string{
		"<tr>" + many + strings.Repeat("<tr><td>y", 8000), "<td colspan=1000000 rowspan=1000000>x", "<div>", "<b>", "<a href=x>", "<table><tr><td>", "<ul><li>", "<blockquote>", "<p>", "</p>", "<b><i>x", "&amp;", "<!--", "<h1>", "<pre>", "*", "_", "[", "`", "<td>x", "<select><option>",
		"<font><p>", "<svg><a>", "<frameset>", "<a><b>x</a>",
	} {
		begun := time.Now()
		_, text, err := fromHTML("<table>"+strings.Repeat(part, max(size/len(part), 1)), 16<<20)
		if took := time.Since(begun); took > 20*time.Second {
			t.Errorf("%.40q takes %v (%d bytes, %v)", part, took, len(text), err)
		}
	}
}

func TestAddresses(t *testing.T) {
	var other *httptest.Server
	serve := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/page":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, "<title>Page</title><h1>Hi</h1>")
		case "/doc.md":
			w.Header().Set("Content-Type", "text/plain")
			fmt.Fprint(w, "# Doc\n")
		case "/moved":
			http.Redirect(w, r, "/page", http.StatusFound)
		case "/away":
			http.Redirect(w, r, other.URL+"/page", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/latin":
			w.Header().Set("Content-Type", "text/html; charset=iso-8859-1")
		case "/image":
			w.Header().Set("Content-Type", "image/png")
		case "/long":
			w.Header().Set("Content-Type", "text/plain")
			for range 3 {
				fmt.Fprint(w, strings.Repeat("x", 50_000))
			}
		case "/slow":
			<-r.Context().Done()
		default:
			http.NotFound(w, r)
		}
	}
	one := httptest.NewServer(http.HandlerFunc(serve))
	other = httptest.NewServer(http.HandlerFunc(serve))
	t.Cleanup(one.Close)
	t.Cleanup(other.Close)
	host := strings.TrimPrefix(one.URL, "http://")

	r := &Reader{Hosts: []string{host}, AllowPrivate: true, MaxBytes: 100_000, Timeout: time.Minute}
	docs, errs := read(t, r, one.URL+"/page#part", one.URL+"/doc.md", one.URL+"/moved", one.URL+"/away", one.URL+"/round", one.URL+"/latin", one.URL+"/image",
		one.URL+"/long", one.URL+"/gone", other.URL+"/elsewhere")
	want := []rag.Document{
		{ID: one.URL + "/page", Kind: rag.Markdown, Title: "Page", Text: "# Hi"},
		{ID: one.URL + "/doc.md", Kind: rag.Markdown, Title: "Doc", Text: "# Doc\n"},
		{ID: one.URL + "/moved", Kind: rag.Markdown, Title: "Page", Text: "# Hi"},
	}
	if diff := cmp.Diff(docs, want); diff != "" {
		t.Errorf("documents (-got +want):\n%s", diff)
	}
	for path, part := range map[string]string{
		"away": "it leads elsewhere", "round": "more than 5 redirects", "latin": "its text is in iso-8859-1", "image": `"image/png" is not read`,
		"long": "more than 100000 bytes", "gone": "the server answered 404", "elsewhere": "not among those that may be read from",
	} {
		if !strings.Contains(errs[path], part) {
			t.Errorf("/%s: %q, want %q", path, errs[path], part)
		}
	}

	// A host that is allowed must not be one inside, unless that is allowed too.
	_, errs = read(t, &Reader{Hosts: []string{host}}, one.URL+"/page")
	if want := "a private address"; !strings.Contains(errs["page"], want) {
		t.Errorf("a private address: %q, want %q", errs["page"], want)
	}
	_, errs = read(t, &Reader{Hosts: []string{host}, AllowPrivate: true, Timeout: 50 * time.Millisecond}, one.URL+"/slow")
	if want := "deadline exceeded"; !strings.Contains(errs["slow"], want) {
		t.Errorf("a slow server: %q, want %q", errs["slow"], want)
	}
}

func TestAllowed(t *testing.T) {
	r := &Reader{Hosts: []string{"*.example.com", "Docs.example.org:8080"}}
	for address, want := range map[string]bool{
		"https://a.example.com/": true, "https://A.EXAMPLE.COM/": true, "https://example.com/": false, "https://aexample.com/": false,
		"https://a.example.com.evil.net/": false, "https://a.example.com:444/": false, "http://docs.example.org:8080/": true, "http://docs.example.org/": false,
		"https://a.example.com@evil.net/": false,
	} {
		_, errs := read(t, &Reader{Hosts: r.Hosts, Timeout: time.Nanosecond}, address)
		refused := false
		for _, err := range errs {
			refused = strings.Contains(err, "not among those")
		}
		if refused == want {
			t.Errorf("%s: allowed %v, want %v (%v)", address, !refused, want, errs)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("<p>a<b>c</p>", uint8(0))
	f.Add("a,b\n1,2\n", uint8(1))
	f.Add(`{"id":"1","text":"x"}`, uint8(2))
	f.Add("# T\n", uint8(3))
	forms := []kind{{form: asHTML}, kinds[".csv"], {form: asLines}, kinds[".md"]}
	f.Fuzz(func(t *testing.T, text string, form uint8) {
		k := forms[int(form)%len(forms)]
		look := func(doc rag.Document, err error) bool {
			if err == nil && checkText([]byte(doc.Text)) != nil {
				t.Fatalf("a document that is no text: %q", doc.Text)
			}
			return true
		}
		if k.form == asLines {
			Lines(strings.NewReader(text), "fuzz", 1<<10, look)
			return
		}
		doc, err := new(Reader).decode("x", k, []byte(text))
		if err != nil && strings.Contains(err.Error(), "its parser failed") {
			t.Fatal(err)
		}
		look(doc, err)
	})
}
