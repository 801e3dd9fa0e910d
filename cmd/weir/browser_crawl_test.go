package main

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// fixedSegments are parts of an address that name a page; any other part after the first names a thing.
var fixedSegments = regexp.MustCompile(`^(advice|online|annotate|agreement|runs|compare|bench|documents|collections|questions)$`)

// pageKind is an address without what it names: all calls are pages of one kind.
func pageKind(path string) string {
	u, err := url.Parse(path)
	if err != nil {
		return path
	}
	parts := strings.Split(strings.Trim(u.EscapedPath(), "/"), "/")
	for i := 1; i < len(parts); i++ {
		if !fixedSegments.MatchString(parts[i]) {
			parts[i] = "*"
		}
	}
	names := make([]string, 0, 4)
	for name := range u.Query() {
		names = append(names, name)
	}
	slices.Sort(names)
	return "/" + strings.Join(parts, "/") + "?" + strings.Join(names, "&")
}

func TestPageKind(t *testing.T) {
	for path, want := range map[string]string{
		"/": "/?", "/calls/01HZ": "/calls/*?", "/calls?status=error&model=a": "/calls?model&status", "/datasets/runs/x": "/datasets/runs/*?",
		"/rag/handbook/questions/01": "/rag/*/questions/*?", "/users/%3Cscript%3E%2F": "/users/*?",
	} {
		if got := pageKind(path); got != want {
			t.Errorf("%s is of kind %s, want %s", path, got, want)
		}
	}
}

// crawl follows the links of the console from one page on, two pages of each kind and one of each kind with parameters, and gives the
// kinds it saw. At each page nothing may have gone wrong, and look is called.
func (p *tab) crawl(t *testing.T, from string, most int, look func(path string)) map[string]int {
	t.Helper()
	enough := func(kind string, n int) bool { return n >= 2 || n >= 1 && !strings.HasSuffix(kind, "?") }
	seen, queue, queued := map[string]int{}, []string{from}, map[string]bool{from: true}
	pages := 0
	for len(queue) > 0 && pages < most {
		path := queue[0]
		queue = queue[1:]
		kind := pageKind(path)
		if enough(kind, seen[kind]) {
			continue
		}
		seen[kind]++
		pages++
		p.open(t, path)
		if words := read[string](t, p, `document.querySelector('#main').innerText`); strings.Contains(words, "Nothing lives at") || strings.Contains(words, "not built yet") || strings.Contains(words, "does not understand") {
			t.Errorf("%s is a dead end: %.300s", path, words)
		}
		p.fits(t, path)
		look(path)
		p.clean(t, path)
		for _, link := range read[[]string](t, p, `[...new Set([...document.querySelectorAll('a[href^="/"]')].filter((a) => !a.hasAttribute('download') && !/^\/(api|v1|metrics|healthz|readyz)(\/|$)/.test(a.pathname)).map((a) => a.pathname + a.search))]`) {
			if kind := pageKind(link); !queued[link] && !enough(kind, seen[kind]) {
				queued[link] = true
				queue = append(queue, link)
			}
		}
	}
	if len(queue) > 0 && pages >= most {
		t.Errorf("after %d pages there are still others: %q", pages, queue[:min(len(queue), 10)])
	}
	t.Logf("%d pages of %d kinds", pages, len(seen))
	return seen
}
