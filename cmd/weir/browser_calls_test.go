package main

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// manyCalls writes n calls of the last days, every tenth of which failed; the dearest is dear.
func manyCalls(t *testing.T, w *service, n int) (dear string) {
	t.Helper()
	now := time.Now().UTC().Add(-time.Minute)
	records := make(trace.Slice, n)
	for i := range records {
		start := now.Add(-time.Duration(i) * 10 * time.Minute)
		s := trace.Span{
			ID: llm.NewID(start), SpanID: fmt.Sprintf("%016x", i+1), TraceID: fmt.Sprintf("%032x", i+1), Kind: trace.KindCall, Start: start, Duration: time.Duration(i%50+1) * 20 * time.Millisecond,
			Project: []string{"shop", "desk"}[i%2], Key: "k", User: hostile[i%len(hostile)], Tags: map[string]string{"team": []string{"a", hostile[0]}[i%2]}, Provider: "openai", Endpoint: llm.ChatCompletions,
			ModelRequested: "m", Model: []string{"m", "n", hostile[1]}[i%3], Status: trace.StatusOK, HTTPStatus: 200, PriceStatus: price.Exact, Cost: price.Dollar / 1000 * price.USD(i%97+1), Cache: trace.CacheOff,
			Usage: llm.Usage{InputUncached: int64(100 + i), OutputText: 20}, FinishReasons: []string{"stop"},
		}
		if i%10 == 0 {
			s.Status, s.HTTPStatus, s.ErrorCode = trace.StatusError, 500, "server_error"
		}
		if i == n/2 {
			s.Cost, dear = price.Dollar, s.ID
		}
		records[i] = trace.Record{Call: s}
	}
	if err := w.writer.Write(t.Context(), trace.Batch{Token: "many", Records: records}); err != nil {
		t.Fatal(err)
	}
	return dear
}

// tooWide has the page itself refuse a search as a service with very many calls would.
const tooWide = `(() => {
	const real = window.fetch
	window.fetch = (path, ...rest) => /\/calls\?.*q=/.test(path) && !/since=2026-11-20T10/.test(path)
		? Promise.resolve(new Response(JSON.stringify({error: {message: 'the words would be looked for in 40 GB; begin at 2026-11-20T10:00:00Z or later', type: 'x', param: 'since', code: 'weir_invalid_request'}}), {status: 400}))
		: /facets|costs/.test(path) ? real(path.replace(/&?q=[^&]*/, ''), ...rest) : real(path, ...rest)
	return true
})()`

// The page of calls: counts narrow it, orders and columns change it, a view keeps it, and what is called meanwhile comes in on top.
func TestCallsInABrowser(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	axe := axeSource(t)
	w := startWeir(t, simulatedOpenAI(t, simulator.Config{Seed: 23}))
	dear := manyCalls(t, w, 600)
	p := newTab(t, browser, w.url)
	p.thorough = true
	p.do(t, chromedp.Navigate(w.signIn))
	p.until(t, settled)
	drawn := func() int { return read[int](t, p, `document.querySelectorAll('.lbody .lrow').length`) }
	param := func(name, want string) {
		t.Helper()
		p.until(t, `(new URLSearchParams(location.search).get(`+quoteJS(name)+`) ?? '') === `+quoteJS(want))
	}

	// However many are read, only those in sight are drawn; one comes back to where one was.
	p.open(t, "/calls")
	p.until(t, `document.querySelectorAll('[data-facet=model] label').length === 3`)
	p.accessible(t, "/calls", axe)
	p.until(t, `(scrollTo(0, document.body.scrollHeight), +document.querySelector('[data-loaded]')?.dataset.loaded >= 500)`)
	if n := drawn(); n < 10 || n >= 100 {
		t.Errorf("%d rows are drawn of 500", n)
	}
	const seen = `[...document.querySelectorAll('.lbody a.hit')].find((a) => a.getBoundingClientRect().top > 200 && a.getBoundingClientRect().top < 600)`
	p.until(t, `(scrollTo(0, 9000), scrollY === 9000 && `+seen+`)`)
	id := read[string](t, p, `((a) => (a.click(), a.pathname.split('/').pop()))(`+seen+`)`)
	p.until(t, `location.pathname === `+quoteJS("/calls/"+id))
	p.do(t, chromedp.NavigateBack())
	p.until(t, `document.querySelector('.lrow.here')?.id === `+quoteJS("call-"+id)+` && scrollY === 9000`)

	// Counts: what is chosen of a field does not narrow its own values.
	p.open(t, "/calls")
	p.clickText(t, "[data-facet=status] label", "error")
	param("status", "error")
	p.until(t, settled+` && [...document.querySelectorAll('.lbody .c-status')].every((e) => e.textContent.includes('error'))`)
	var counted struct {
		Fields []struct{ Values []trace.Facet }
	}
	w.get(t, "/calls/facets?"+url.Values{"fields": {"project,status"}, "status": {"error"}, "since": {time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -6).Format(time.RFC3339)}}.Encode(), &counted)
	for i, field := range []string{"project", "status"} {
		for _, v := range counted.Fields[i].Values {
			p.until(t, fmt.Sprintf(`document.querySelector('[data-facet=%s] label[title=%s]')`, field, quoteJS(fmt.Sprintf("%s: %d calls", v.Value, v.Calls))))
		}
	}
	// Several values of a field, one left out by keys, and none.
	p.clickText(t, "[data-facet=status] label", "ok")
	p.until(t, `location.search.includes('status=error&status=ok') && document.querySelectorAll('.filters .chip').length === 2 && `+settled)
	p.accessible(t, "two values of a field", axe)
	p.do(t, chromedp.Focus(chromedp.CSS(`[data-facet=status] input[tabindex="0"]`)), chromedp.KeyEvent(kb.ArrowDown+kb.Tab+kb.Tab+" "))
	p.until(t, `location.search === '?status=ok&not.status=error' && document.querySelector('.facet-row.off button[aria-pressed=true]')?.getAttribute('aria-label') === 'Not error'`)
	p.until(t, settled+` && document.querySelector('.lbody .c-status') && [...document.querySelectorAll('.lbody .c-status')].every((e) => !e.textContent.includes('error'))`)
	p.accessible(t, "a value left out", axe)
	p.click(t, ".filters .chip.out button")
	p.until(t, `location.search === '?status=ok'`)
	p.click(t, "[data-clear=status]")
	param("status", "")
	p.do(t, chromedp.Focus(chromedp.CSS(`[data-facet=status] input[tabindex="0"]`)), chromedp.KeyEvent(kb.ArrowDown+kb.Tab+kb.Enter))
	param("status", "error")
	p.clickText(t, ".facet-head", "Tags")
	p.clickText(t, ".facet-tags .facet-head", "team")
	p.clickText(t, "[data-facet='tag.team'] label", "a")
	param("tag.team", "a")
	p.clickText(t, ".filters .btn", "Clear")
	param("status", "")

	// The dearest first, with another column; kept as a view, left, and taken back.
	p.click(t, ".lhead .c-cost .sort")
	param("sort", "cost")
	p.until(t, settled+` && document.querySelector('.lhead .c-cost')?.getAttribute('aria-sort') === 'descending' && document.querySelector('.lbody a.hit')?.pathname.endsWith(`+quoteJS(dear)+`)`)
	p.click(t, ".lhead .c-cost .sort")
	param("order", "asc")
	p.until(t, settled+` && document.querySelector('.lhead .c-cost')?.getAttribute('aria-sort') === 'ascending' && document.querySelector('.live').disabled`)
	p.until(t, `((all) => all.length > 9 && all.every((v, i) => v <= (all[i + 1] ?? v)))([...document.querySelectorAll('.lbody .c-cost')].map((e) => +e.textContent.replace(/[^0-9.]/g, '')))`)
	p.click(t, ".lhead .c-cost .sort")
	param("order", "")
	p.click(t, `button[aria-label="Columns"]`)
	p.clickText(t, ".chooser label", "Tags")
	p.until(t, `document.querySelector('.lhead .c-tags')`)
	p.accessible(t, "the columns of calls", axe, "label", "button-name", "aria-required-children", "color-contrast")
	p.click(t, ".views")
	p.clickText(t, ".viewsmenu button", "Save this view")
	p.write(t, "dialog [name=name]", hostile[0])
	p.accessible(t, "the form of a view", axe)
	p.clickText(t, "dialog button", "Save")
	p.until(t, `!document.querySelector('dialog[open]') && document.querySelector('.views').textContent.includes(`+quoteJS(hostile[0])+`) && location.search.includes('columns=') && location.search.includes('sort=cost')`)
	p.click(t, ".views")
	p.clickText(t, ".viewsmenu button", "All calls")
	p.until(t, settled+` && location.search === '' && document.querySelector('.lhead .c-time')?.getAttribute('aria-sort') === 'descending'`)
	p.click(t, ".views")
	p.clickText(t, ".viewline button", hostile[0])
	param("sort", "cost")
	p.until(t, settled+` && document.querySelector('.lhead .c-tags') && document.querySelector('.lbody a.hit')?.pathname.endsWith(`+quoteJS(dear)+`)`)
	p.click(t, ".views")
	p.click(t, `.viewline button[aria-label^="Change"]`)
	p.clickText(t, "dialog button", "Remove")
	p.clickText(t, "dialog button", "Remove it")
	p.until(t, `!document.querySelector('dialog[open]') && document.querySelector('.views').textContent === 'Views'`)
	p.click(t, `button[aria-label="Export"]`)
	if got := read[[]string](t, p, `[...document.querySelectorAll('.export a')].map((a) => new URL(a.href).searchParams.get('format'))`); fmt.Sprint(got) != "[csv jsonl parquet]" {
		t.Errorf("exports: %q", got)
	}

	// What is called meanwhile comes in on top, or waits above while one reads further down.
	p.open(t, "/calls")
	p.click(t, ".live")
	p.until(t, `document.querySelector('.live').dataset.tail === 'live'`)
	came := func() string {
		return w.callSaid(t, `{"model":"gpt-4o","messages":[{"role":"user","content":"Hello"}]}`, map[string]string{"X-Weir-User": hostile[2]})
	}
	first := came()
	p.until(t, `document.querySelector('.lbody a.hit')?.pathname.endsWith(`+quoteJS(first)+`)`)
	p.until(t, `(scrollTo(0, 1200), !document.getElementById(`+quoteJS("call-"+first)+`))`)
	second := came()
	p.until(t, `document.querySelector('.newcalls')?.textContent === '1 new call'`)
	p.click(t, ".newcalls")
	p.until(t, `scrollY === 0 && document.querySelector('.lbody a.hit')?.pathname.endsWith(`+quoteJS(second)+`)`)

	// A search that would read too much is taken up where it fits.
	read[bool](t, p, tooWide)
	p.write(t, "#search", "Hello")
	p.click(t, "[data-within]")
	param("since", "2026-11-20T10:00:00Z")
	p.until(t, settled+` && !document.querySelector('[role=alert]')`)

	// Narrow: the counts are in a drawer, and a call in two lines.
	p.open(t, "/calls?project=shop")
	p.wide(t, 390)
	p.until(t, settled)
	p.accessible(t, "/calls at 390 px", axe)
	p.fits(t, "/calls at 390 px")
	p.click(t, `.filters button[aria-expanded]:has(.count)`)
	p.until(t, `document.querySelectorAll('dialog[open] [data-facet=project] label').length >= 2`)
	p.accessible(t, "the drawer of filters", axe)
	p.click(t, "dialog[open] [data-facet=project] button[aria-label='Only desk']")
	param("project", "desk")
	p.clickText(t, "dialog[open] button", "Show the calls")
	p.until(t, `!document.querySelector('dialog[open]') && [...document.querySelectorAll('.lbody .c-who')].every((e) => e.textContent.startsWith('desk')) && document.querySelector('.lbody a.hit')`)
	p.harmless(t, "/calls")
}
