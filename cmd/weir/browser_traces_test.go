package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/weir-dev/weir/internal/simulator"
)

// shownOutline is what the API says of a trace.
type shownOutline struct {
	Trace struct {
		Calls   int
		CostUSD string `json:"cost_usd"`
	}
	Spans []struct {
		ID     string
		SpanID string `json:"span_id"`
		Kind   string
	}
}

// fiveThousand has the page itself answer for a trace of 5,000 spans, four levels deep.
const fiveThousand = `(() => {
	const real = window.fetch
	const spans = Array.from({length: 5000}, (_, i) => ({id: 'id' + i, span_id: 's' + i, parent_id: i ? 's' + Math.floor((i - 1) / 10) : '', kind: i % 7 ? 'call' : 'retrieval', name: 'chat.completions', model: 'm' + i, provider: 'p',
		status: i % 50 === 49 ? 'error' : 'ok', http_status: 200, error: i % 50 === 49 ? '<img src=x onerror=window.__xss=1>' : '', offset_ms: i, duration_ms: 6000 - i, ttft_ms: i % 3 ? null : 5, input_tokens: i, output_tokens: 1, cost_usd: '0.0001', cache: 'off'}))
	const trace = {id: 'big', project: 'p', key: 'k', user: '', session: '', trace_id: 'big', kind: 'call', name: 'chat.completions', model: 'm0', status: 'ok', http_status: 200, error_code: '', input_preview: '', first_id: 'id0',
		start_time: '2026-11-23T08:00:00.000000Z', last_time: '2026-11-23T08:00:05.000000Z', end_time: '2026-11-23T08:00:06.000000Z', duration_ms: 6000, spans: 5000, calls: 4285, errors: 100, unpriced_calls: 0, cost_usd: '0.5', saved_usd: '0',
		input_tokens: 1, output_tokens: 1, usage: {}, models: ['m0'], users: [], scores: 0}
	window.fetch = (path, ...rest) => /traces\/big/.test(path) ? Promise.resolve(new Response(JSON.stringify({trace, spans, more: false}))) : /calls\/id/.test(path)
		? Promise.resolve(new Response(JSON.stringify({id: path.split('/').pop(), request: {messages: [{role: 'user', content: 'said in ' + path.split('/').pop()}]}, response: null}))) : real(path, ...rest)
	history.pushState(null, '', '/traces/big')
	dispatchEvent(new PopStateEvent('popstate'))
	return true
})()`

// Calls that belong together in the console: as traces, as sessions and by their users; and one call beside another.
func TestTracesInABrowser(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	axe := axeSource(t)
	w := startWeir(t, simulatedOpenAI(t, simulator.Config{Seed: 11}))
	p := newTab(t, browser, w.url)
	p.do(t, chromedp.Navigate(w.signIn))
	p.until(t, settled)
	for path, words := range map[string]string{"/traces": "curl", "/sessions": "X-Weir-Session", "/users": "X-Weir-User"} {
		p.open(t, path)
		p.shows(t, words)
		p.examine(t, path+" without any", axe)
	}

	const traceID = "0af7651916cd43dd8448eb211c80319c"
	user, session := hostile[1], hostile[0]
	ask := func(parent, text, more string, header ...string) string {
		t.Helper()
		h := map[string]string{"traceparent": "00-" + traceID + "-" + parent + "-01", "X-Weir-User": user, "X-Sim-Text": "Good day to you, " + text}
		for i := 0; i < len(header); i += 2 {
			h[header[i]] = header[i+1]
		}
		return w.callSaid(t, `{"model":"gpt-4o","stream":true,"messages":[{"role":"system","content":"Be kind."},`+more+`{"role":"user","content":`+quoteJS(text)+`}]}`, h)
	}
	first := ask("00f067aa0ba902b7", hostile[1], "", "X-Weir-Session", session)
	answered := func(text string) string {
		return `{"role":"user","content":` + quoteJS(text) + `},{"role":"assistant","content":` + quoteJS("Good day to you, "+text) + `},`
	}
	second := ask("00f067aa0ba902b7", "and then?", answered(hostile[1]), "X-Weir-Session", session)
	w.settle(t)
	var outline shownOutline
	w.get(t, "/traces/"+traceID+"/outline", &outline)
	child := ask(outline.Spans[0].SpanID, "beneath", "", "X-Sim-Status", "400")
	w.settle(t)
	w.get(t, "/traces/"+traceID+"/outline", &outline)
	if outline.Trace.Calls != 3 {
		t.Fatalf("the trace is %+v", outline)
	}

	// The list, and the trace by keys alone.
	p.open(t, "/traces")
	p.until(t, `document.querySelectorAll('[data-traces] tbody tr').length === 1`)
	p.accessible(t, "/traces", axe)
	p.harmless(t, "/traces")
	p.click(t, "[data-traces] a")
	p.until(t, `document.querySelectorAll('[role=treegrid] .wf-row[aria-level]').length === `+fmt.Sprint(len(outline.Spans)))
	p.shows(t, "Good day to you")
	p.accessible(t, "a trace", axe)
	read[bool](t, p, `(document.querySelector('[role=treegrid]').focus(), true)`)
	at := func(level string) string {
		return `document.getElementById(document.querySelector('[role=treegrid]').getAttribute('aria-activedescendant')).matches('[aria-level="` + level + `"]')`
	}
	p.press(t, "Home")
	p.until(t, at("1"))
	p.press(t, "ArrowRight") // into the children of the first
	p.until(t, at("2"))
	p.press(t, "Enter")
	p.until(t, `new URLSearchParams(location.search).get('span') === `+quoteJS(child)+` && document.querySelector('[data-chosen=`+quoteJS(child)+`]')`)
	p.press(t, "ArrowLeft")
	p.until(t, at("1"))
	p.press(t, "ArrowLeft") // folds it
	p.until(t, `document.querySelector('.wf-row[aria-expanded=false]') && !document.querySelector('.wf-row[aria-level="2"]')`)
	p.press(t, "+")
	p.until(t, `[...document.querySelectorAll('main button')].some((b) => b.textContent === 'Fit' && !b.disabled)`)
	p.press(t, "0")
	p.clickText(t, `[aria-label="View of the spans"] button`, "Table")
	p.until(t, `document.querySelectorAll('[role=grid] .wf-row').length === `+fmt.Sprint(len(outline.Spans)+1))
	p.accessible(t, "a trace as a table", axe)
	p.wide(t, 390)
	p.accessible(t, "a trace at 390 px", axe)
	p.fits(t, "a trace at 390 px")
	p.wide(t, 1280)
	p.harmless(t, "a trace")

	// Of 5,000 spans only what is in sight is drawn.
	p.open(t, "/traces")
	read[bool](t, p, fiveThousand)
	p.until(t, `document.querySelector('[data-spans="5000"]')`)
	p.press(t, "Tab")
	read[bool](t, p, `(document.querySelector('[role=treegrid]').focus(), true)`)
	p.press(t, "End")
	p.until(t, `[...document.querySelectorAll('.wf-row')].some((r) => r.getAttribute('aria-rowindex') === '5001')`)
	p.press(t, "Enter")
	p.until(t, `document.querySelector('.msg')?.textContent.includes('said in id')`)
	if n := read[int](t, p, `document.querySelectorAll('.wf-row').length`); n > 80 {
		t.Errorf("%d rows are drawn of 5,000 spans", n)
	}
	p.harmless(t, "a large trace")

	// A session says its history once.
	p.open(t, "/sessions")
	p.until(t, `document.querySelectorAll('[data-sessions] tbody tr').length === 1`)
	p.accessible(t, "/sessions", axe)
	p.click(t, ".views")
	p.clickText(t, ".viewsmenu button", "Errors")
	p.until(t, `location.search === '?status=error' && document.querySelector('.views').textContent === 'Errors'`)
	p.open(t, "/sessions?user=nobody&user=somebody")
	p.click(t, ".views")
	p.clickText(t, ".viewsmenu button", "Save this view")
	p.write(t, "dialog [name=name]", "two users")
	p.clickText(t, "dialog button", "Save")
	p.until(t, `!document.querySelector('dialog[open]') && document.querySelector('.views').textContent === 'two users'`)
	p.open(t, "/traces") // which has views of its own
	p.click(t, ".views")
	p.until(t, `document.querySelector('.viewsmenu')?.dataset.views === '0'`)
	p.open(t, "/sessions")
	p.click(t, ".views")
	p.clickText(t, ".viewline button", "two users")
	p.until(t, `location.search === '?user=nobody&user=somebody'`)
	p.click(t, ".views")
	p.clickText(t, ".viewsmenu button", "All sessions")
	p.until(t, `document.querySelectorAll('[data-sessions] tbody tr').length === 1`)
	p.click(t, "[data-sessions] a")
	p.until(t, `document.querySelectorAll('.turn').length === 2`)
	if got := read[[]int](t, p, `[...document.querySelectorAll('.turn')].map((e) => e.querySelectorAll('.msg').length)`); got[0] != 3 || got[1] != 2 {
		t.Errorf("the turns have %v messages, want 3 (system, user, answer) and 2 (user, answer)", got)
	}
	p.shows(t, "3 earlier messages")
	p.accessible(t, "a session", axe)
	p.wide(t, 390)
	p.fits(t, "a session at 390 px")
	p.wide(t, 1280)
	p.harmless(t, "a session")

	// One call beside the one before it in its session, and as an item of a dataset.
	p.open(t, "/calls/"+second)
	p.until(t, `document.querySelector('[data-slow] table')`)
	p.clickText(t, "main button", "Compare")
	p.clickText(t, "main button", "Previous in its session")
	p.until(t, `document.querySelector('[data-diff=`+quoteJS(first)+`]') && document.querySelector('[aria-label="Request beside each other"] ins')?.textContent.includes('and then?')`)
	p.accessible(t, "two calls", axe)
	p.wide(t, 390)
	p.fits(t, "two calls at 390 px")
	p.wide(t, 1280)
	for _, says := range []string{"Added: faq has 1 item now", "asks the same already"} {
		p.clickText(t, "main button", "Add to dataset")
		p.write(t, "dialog [name=dataset]", "faq")
		p.clickText(t, "dialog button", "Add it")
		p.told(t, says)
		p.until(t, `!document.querySelector('dialog[open]')`)
	}
	p.harmless(t, "two calls")

	// Their user.
	p.open(t, "/users")
	p.until(t, `document.querySelectorAll('[data-users] tbody tr').length === 1 && document.querySelector('[data-users] .spark')`)
	p.accessible(t, "/users", axe)
	p.clickText(t, "main .seg button", "Errors")
	p.until(t, `location.search.includes('order=errors')`)
	p.click(t, "[data-users] tbody a")
	p.until(t, `document.querySelector('.uplot canvas') && document.querySelectorAll('.bundles tbody tr').length === 1`)
	if title := read[string](t, p, `document.querySelector('h1').textContent`); title != strings.TrimSpace(user) {
		t.Errorf("the user is %q, want %q", title, user)
	}
	p.accessible(t, "a user", axe)
	p.wide(t, 390)
	p.fits(t, "a user at 390 px")
	p.harmless(t, "a user")
}
