package main

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// hostile are texts that would run if the console took any of them for more than text.
var hostile = []string{
	`<script>window.__xss=1</script>`,
	`"><img src=x onerror="window.__xss=1">`,
	`<svg/onload=window.__xss=1>`,
	`<iframe srcdoc="<script>parent.__xss=1</script>"></iframe>`,
	`[a link](javascript:window.__xss=1)`,
	`![a picture](javascript:window.__xss=1)`,
	`<a href="javascript:window.__xss=1">click</a>`,
	`javascript:window.__xss=1`,
	`</title></textarea></script><script>window.__xss=1</script>`,
}

func hostileText(t *testing.T, p *tab, w *service, axe string) {
	t.Helper()
	type shown struct {
		id    string
		words []string
	}
	var calls []shown
	for i, text := range hostile {
		body := fmt.Sprintf(`{"model":"gpt-4o-mini","stream":%t,"user":"body-user","messages":[{"role":"user","name":%s,"content":%s}]}`, i%2 == 0, quoteJS(text), quoteJS(text))
		id := w.callSaid(t, body, map[string]string{"X-Weir-User": text, "X-Weir-Session": text, "X-Weir-Tags": "mark=" + text, "X-Sim-Text": text})
		calls = append(calls, shown{id, []string{text}})
	}
	pictures := `{"model":"gpt-4o-mini","messages":[{"role":"user","content":[{"type":"text","text":"Look"},` +
		`{"type":"image_url","image_url":{"url":"data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIG9ubG9hZD0id2luZG93Ll9feHNzPTEiLz4="}},` +
		`{"type":"image_url","image_url":{"url":"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='window.__xss=1'/>"}},` +
		`{"type":"image_url","image_url":{"url":"javascript:window.__xss=1"}},` +
		`{"type":"image_url","image_url":{"url":"https://pictures.invalid/x.png?leak=1"}}]}],` +
		`"tools":[{"type":"function","function":{"name":"<img src=x onerror=window.__xss=1>","description":"<script>window.__xss=1</script>"}}]}`
	calls = append(calls,
		shown{w.callSaid(t, pictures, map[string]string{"X-Sim-Text": `<img src=x onerror=window.__xss=1>`}), []string{"javascript:window.__xss=1", "https://pictures.invalid/x.png?leak=1", "<img src=x onerror=window.__xss=1>"}},
		shown{w.callSaid(t, `{"model":"<img src=x onerror=window.__xss=1>","messages":[]}`, nil), []string{"<img src=x onerror=window.__xss=1>"}},
	)
	w.settle(t)

	quiet := func(where string) {
		t.Helper()
		p.quiet(t, where)
		p.clean(t, where)
	}
	for _, c := range calls {
		p.open(t, "/calls/"+c.id)
		p.until(t, `document.querySelector('.msg')`)
		for _, words := range c.words {
			p.shows(t, words)
		}
		read[int](t, p, `[...document.querySelectorAll('main details')].map((d) => (d.open = true)).length`)
		for _, view := range []string{"Request", "Response", "Chat"} {
			p.clickText(t, `[aria-label="View"] button`, view)
			p.until(t, `document.querySelector('[aria-label="View"] [aria-pressed="true"]').textContent === `+quoteJS(view))
			quiet(c.words[0] + ", " + view)
		}
	}
	p.wide(t, 390)
	p.fits(t, "a call with hostile text at 390 px")
	p.wide(t, 1280)
	for _, path := range []string{"/calls?" + url.Values{"user": {hostile[1]}}.Encode(), "/calls?" + url.Values{"tag.mark": {hostile[0]}}.Encode(), "/users", "/users/" + url.PathEscape(hostile[1]), "/traces", "/sessions", "/sessions/" + url.PathEscape(hostile[1]), "/costs?by=tag.mark,user", "/calls?q=" + url.QueryEscape(hostile[0]), "/models", "/calls/" + url.PathEscape(hostile[0])} {
		p.open(t, path)
		if strings.HasPrefix(path, "/calls/") {
			p.shows(t, "no call has this id")
			p.takeFaults() // the 404
		} else if strings.HasPrefix(path, "/calls?") || path == "/users" {
			p.until(t, `document.querySelectorAll('main [role=row], main tbody tr').length > 0`)
		}
		quiet(path)
	}
	p.open(t, "/calls")
	p.filter(t, "User", hostile[0])
	p.until(t, `document.querySelectorAll('.lbody a.hit').length === 1`)
	quiet("the filter by user")
	p.accessible(t, "a filter", axe)
}
