package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// hostileRecords puts hostile text into whatever takes free text: prompts, datasets, scores, annotations, experiments, alerts, budgets
// and documents. Names of keys and members cannot hold any.
func hostileRecords(t *testing.T, w *service) {
	t.Helper()
	all := quoteJS(strings.Join(hostile, "\n"))
	bad := quoteJS(hostile[1])
	post := func(method, path, body string, want int, into any) {
		t.Helper()
		w.post(t, method, path, strings.NewReplacer("ALL", all, "BAD", bad).Replace(body), want, into)
	}
	var calls []string
	for i, text := range hostile {
		calls = append(calls, w.callSaid(t, fmt.Sprintf(`{"model":"gpt-4o-mini","messages":[{"role":"user","content":%s}]}`, quoteJS(text)),
			map[string]string{"X-Weir-User": text, "X-Weir-Session": hostile[i/2], "X-Weir-Tags": "mark=" + text, "X-Sim-Text": text}))
	}
	w.settle(t)

	for _, message := range []string{"ALL", "BAD"} {
		post(http.MethodPost, "/prompts", `{"name":"bad","message":`+message+`,"content":{"messages":[{"role":"system","content":`+message+`},{"role":"user","content":"{{question}}"}],"model":"gpt-4o-mini"}}`, http.StatusOK, nil)
	}
	post(http.MethodPut, "/prompts/bad/labels/production", `{"version":1,"reason":ALL}`, http.StatusOK, nil)
	post(http.MethodPut, "/prompts/bad/protections/production", `{"approvals":1}`, http.StatusOK, nil)
	var change struct{ ID string }
	post(http.MethodPost, "/prompts/bad/changes", `{"label":"production","version":2,"reason":ALL}`, http.StatusCreated, &change)

	post(http.MethodPost, "/datasets", `{"name":"bad","message":ALL,"items":[{"id":"one","input":{"question":ALL},"context":ALL,"expected":BAD,"metadata":{"mark":BAD}},{"id":"two","input":BAD,"expected":ALL}]}`, http.StatusCreated, nil)
	ids, err := json.Marshal(calls)
	if err != nil {
		t.Fatal(err)
	}
	post(http.MethodPost, "/scores", `{"scores":[{"call_id":"`+calls[0]+`","name":"tone","value":BAD,"comment":ALL,"source":"human","author":BAD},{"call_id":"`+calls[1]+`","name":"helpful","value":0.5,"comment":BAD,"source":"human"}]}`, http.StatusCreated, nil)
	post(http.MethodPost, "/annotations", `{"name":"bad","instructions":ALL,"reviewers":1,"questions":[{"name":"tone","kind":"category","categories":["good",BAD],"description":BAD}]}`, http.StatusCreated, nil)
	post(http.MethodPost, "/annotations/bad/items", `{"call_ids":`+string(ids)+`}`, http.StatusCreated, nil)

	post(http.MethodPost, "/alerts", `{"name":"bad","about":ALL,"metric":"error_rate","window":"1h","op":"gt","alert":0.5,"filter":{"user":BAD}}`, http.StatusCreated, nil)
	post(http.MethodPost, "/alerts/silences", `{"rule":"bad","for":"1h","why":ALL}`, http.StatusCreated, nil)
	post(http.MethodPost, "/budgets", `{"name":"bad","window":"day","limit_usd":"1","scope":{"user":BAD}}`, http.StatusCreated, nil)
	w.index(t, "handbook", map[string]any{"id": "bad.md", "title": hostile[1], "text": strings.Join(hostile, "\n\n"), "labels": map[string]string{"mark": hostile[0]}})
	post(http.MethodPost, "/rag/handbook/query", `{"question":ALL,"answer":true}`, http.StatusOK, nil)
	w.settle(t)
}

// quiet checks that no recorded text ran or became markup.
func (p *tab) quiet(t *testing.T, where string) {
	t.Helper()
	if got := read[string](t, p, `String(window.__xss)`); got != "undefined" {
		t.Fatalf("%s: recorded text ran", where)
	}
	if got := read[[]string](t, p, `[...document.querySelectorAll('main script, main iframe:not([sandbox]), main object, main embed, main a, main img, main svg[onload], main [onerror]')]
		.filter((e) => !(e.tagName === 'A' && /^https?:$/.test(e.protocol)) && !(e.tagName === 'IMG' && /^data:image\/(png|jpeg|gif|webp)/.test(e.src))).map((e) => e.outerHTML)`); len(got) > 0 {
		t.Errorf("%s: recorded text made %q", where, got)
	}
}

// Hostile text in everything that is kept: no page of the console takes it for more than text.
func TestHostileRecordsInABrowser(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	w := startWeir(t, withPipelines(t))
	hostileRecords(t, w)
	p := newTab(t, browser, w.url)
	signInByLink(t, p, w)
	seen := p.crawl(t, "/", 160, func(path string) {
		read[int](t, p, `[...document.querySelectorAll('main details')].map((d) => (d.open = true)).length`)
		p.quiet(t, path)
	})
	for _, kind := range []string{"/calls/*?", "/prompts/*?", "/datasets/*?", "/changes/*?", "/scores/annotate/*?", "/rag/*?", "/rag/*/documents?", "/users/*?", "/sessions/*?project"} {
		if seen[kind] == 0 {
			t.Errorf("no page of kind %s was reached by links", kind)
		}
	}
	for _, path := range []string{"/alerts?rule=bad", "/users/" + url.PathEscape(hostile[0]), "/sessions/" + url.PathEscape(hostile[1]), "/calls?q=" + url.QueryEscape(hostile[0]), "/rag/handbook/documents?document=bad.md", "/costs?by=tag.mark,user", "/prompts/bad?v=1"} {
		p.open(t, path)
		p.quiet(t, path)
		p.clean(t, path)
	}
}
