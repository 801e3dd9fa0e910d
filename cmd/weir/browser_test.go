package main

import (
	stdcmp "cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

// The console in a real browser, against a real weir: one of each, for all that follows.
func TestConsoleInABrowser(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	axe := axeSource(t)
	var p *tab
	whole := t
	t.Run("served", func(t *testing.T) {
		w := startWeir(t, simulatedOpenAI(t, simulator.Config{Seed: 4}))
		w.seed(t, 4, 150)
		p = newTab(whole, browser, w.url) // it outlives weir
		p.thorough = true
		t.Run("sign in by link", func(t *testing.T) { signInByLink(t, p, w) })
		t.Run("used link, then token", func(t *testing.T) { signInByToken(t, browser, w) })
		t.Run("rooms", func(t *testing.T) { everyRoom(t, p, w, axe) })
		t.Run("filters", func(t *testing.T) { filtersOfCalls(t, p, w) })
		t.Run("one call", func(t *testing.T) { oneCall(t, p, w, axe) })
		t.Run("hostile text", func(t *testing.T) { hostileText(t, p, w, axe) })
		t.Run("unknown call", func(t *testing.T) {
			p.open(t, "/calls/01HZX0000000000000000000XX")
			p.shows(t, "no call has this id")
			if got := read[string](t, p, `document.querySelector('main a[href^="/calls"]').textContent`); got == "" {
				t.Error("no way back to the calls")
			}
			if f := p.takeFaults(); !slices.ContainsFunc(f, func(s string) bool { return strings.HasPrefix(s, "404") }) {
				t.Errorf("faults: %q, want a 404", f)
			}
		})
		t.Run("unknown address", func(t *testing.T) {
			p.open(t, "/no/such/room")
			p.shows(t, "Nothing lives at /no/such/room")
			p.takeFaults() // the page itself is answered 404
		})
		t.Run("store away", func(t *testing.T) { storeAway(t, browser, w) })
		t.Run("session ended", func(t *testing.T) { sessionEnded(t, p, w) })
	})
	if p == nil {
		return
	}
	t.Run("weir stopped", func(t *testing.T) { weirStopped(t, p) })
}

// seed writes a past into the store.
func (s *service) seed(t *testing.T, days, callsPerDay int) {
	t.Helper()
	cmd := demoCommand()
	cmd.SetOut(io.Discard)
	if err := seedHistory(t.Context(), cmd, s, demoOptions{seed: 1, days: days, callsPerDay: callsPerDay}, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
}

func signInByLink(t *testing.T, p *tab, w *service) {
	t.Helper()
	p.do(t, chromedp.Navigate(w.signIn))
	p.until(t, settled)
	if got := read[string](t, p, "location.href"); got != w.url+"/" {
		t.Errorf("the address after signing in is %s: the code must not stay in it", got)
	}
	p.until(t, `document.querySelector('.tile .v')`)
	p.clean(t, "sign in")
}

func signInByToken(t *testing.T, browser context.Context, w *service) {
	t.Helper()
	p := newTab(t, browser, w.url)
	p.do(t, chromedp.Navigate(w.signIn))
	p.shows(t, "the sign-in link was used before")
	p.signIn(t, "not-the-token")
	p.shows(t, "this is not the admin token")
	p.signIn(t, w.admin.Reveal())
	p.until(t, settled)
	if got := read[string](t, p, "document.querySelector('h1').textContent"); got != "Overview" {
		t.Errorf("after signing in one sees %q", got)
	}
	if got := read[string](t, p, "document.cookie + JSON.stringify({...localStorage, ...sessionStorage})"); got != "{}" {
		t.Errorf("scripts can read %q", got)
	}
	refused := 0
	for _, f := range p.takeFaults() {
		switch {
		case strings.HasPrefix(f, "401"):
			refused++
		case !strings.Contains(f, "401"): // the browser's own word on the same answers
			t.Error(f)
		}
	}
	if refused != 2 {
		t.Errorf("%d answers were 401, want 2: the used code and the wrong token", refused)
	}
}

// filled says, room by room, that there is data and not only a page.
var filled = map[string]string{
	"/":            `document.querySelectorAll('.month .tile .v').length === 3 && document.querySelector('.uplot canvas') && document.querySelectorAll('.three tbody tr').length > 5 && document.querySelectorAll('.spark polyline').length === 5`,
	"/calls":       `document.querySelectorAll('.lbody a.hit').length >= 20`,
	"/costs":       `document.querySelectorAll('.uplot canvas').length === 2 && document.querySelector('[data-forecast]') && document.querySelectorAll('.table tbody tr').length > 3`,
	"/reports":     `document.querySelector('[data-report] iframe')?.contentDocument.querySelectorAll('tr').length > 12 && document.querySelector('[data-report] iframe').contentDocument.querySelector('svg rect')`,
	"/cache":       `document.querySelector('.uplot canvas') && document.querySelectorAll('[data-groups] tbody tr').length > 3`,
	"/budgets":     `document.querySelector('.empty h2')`,
	"/alerts":      `document.querySelector('.empty h2')`,
	"/traces":      `document.querySelectorAll('[data-traces] tbody tr').length >= 20`,
	"/sessions":    `document.querySelectorAll('[data-sessions] tbody tr').length >= 20`,
	"/users":       `document.querySelectorAll('[data-users] tbody tr').length > 3 && document.querySelector('[data-users] .spark polyline')`,
	"/models":      `document.querySelectorAll('.table tbody tr').length > 50`,
	"/rag":         `document.querySelector('.empty h2')`,
	"/keys":        `document.querySelectorAll('.table tbody tr').length >= 1`,
	"/prompts":     `document.querySelector('.empty h2')`,
	"/playground":  `document.querySelector('.empty h2')`,
	"/experiments": `document.querySelector('.empty h2')`,
	"/scores":      `document.querySelector('.empty h2')`,
	"/drift":       `document.querySelectorAll('.drift-table tbody tr').length >= 5`,
	"/datasets":    `document.querySelector('.empty h2')`,
	"/members":     `document.querySelector('.empty h2')`,
	"/system":      `document.querySelectorAll('.balance b').length === 5 && document.body.innerText.includes('nothing lost')`,
}

func everyRoom(t *testing.T, p *tab, w *service, axe string) {
	t.Helper()
	rooms := read[[]string](t, p, `[...document.querySelectorAll('nav[aria-label="Rooms"] a')].map((a) => a.pathname)`)
	if len(rooms) != len(filled) {
		t.Errorf("the navigation has %q; this test knows %d rooms", rooms, len(filled))
	}
	for _, room := range rooms {
		t.Run(stdcmp.Or(strings.Trim(room, "/"), "overview"), func(t *testing.T) {
			p.open(t, room)
			p.until(t, filled[room])
			p.examine(t, room, axe)
			if room == "/" {
				overviewTotal(t, p, w)
			}
		})
	}
}

// examine looks at a page that is open: light and dark, wide and narrow.
func (p *tab) examine(t *testing.T, where, axe string) {
	t.Helper()
	p.fits(t, where+" at 1280 px")
	if !p.thorough {
		p.clean(t, where)
		return
	}
	p.accessible(t, where+" in light", axe)
	p.dark(t)
	p.accessible(t, where+" in dark", axe, "color-contrast", "link-in-text-block") // the rest is the same in any colour
	p.theme(t, "light")
	p.wide(t, 390)
	p.until(t, settled)
	p.fits(t, where+" at 390 px")
	p.wide(t, 1280)
	p.clean(t, where)
}

// overviewTotal compares the overview's figure with the API's.
func overviewTotal(t *testing.T, p *tab, w *service) {
	t.Helper()
	var costs struct {
		Total struct {
			CostUSD string `json:"cost_usd"`
			Calls   int64  `json:"calls"`
		} `json:"total"`
	}
	now := time.Now().UTC()
	w.get(t, "/costs?since="+now.Truncate(24*time.Hour).AddDate(0, 0, -29).Format(time.RFC3339), &costs)
	tile := read[string](t, p, `[...document.querySelectorAll('.tiles .tile')].find((e) => e.querySelector('.k').textContent === 'Cost').querySelector('.v').title`)
	if got, want := dollars(t, tile), dollars(t, costs.Total.CostUSD); got.Cmp(want) != 0 || want.Sign() == 0 {
		t.Errorf("the overview says %s, the API %s", tile, costs.Total.CostUSD)
	}
	rows := read[string](t, p, `[...document.querySelectorAll('.tiles .tile')].find((e) => e.querySelector('.k').textContent === 'Calls').querySelector('.v').title`)
	if got := strings.ReplaceAll(rows, ",", ""); got != fmt.Sprint(costs.Total.Calls) {
		t.Errorf("the overview says %s calls, the API %d", rows, costs.Total.Calls)
	}
}

// dollars reads an amount as the console or the API writes it, exactly.
func dollars(t *testing.T, text string) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(strings.NewReplacer("$", "", ",", "", "−", "-").Replace(text))
	if !ok {
		t.Fatalf("%q is no amount", text)
	}
	return r
}

// listedCalls is a page of the API's call list.
type listedCalls struct {
	Calls []struct {
		ID      string  `json:"id"`
		Model   string  `json:"model"`
		Status  string  `json:"status"`
		CostUSD *string `json:"cost_usd"`
	} `json:"calls"`
}

// filter narrows the call list by the menu.
func (p *tab) filter(t *testing.T, field, value string) {
	t.Helper()
	p.click(t, `button[aria-label="Add a filter"]`)
	p.clickText(t, ".pop-box .menu button", field)
	p.do(t, chromedp.SendKeys(chromedp.CSS(".pop-box input"), value, chromedp.NodeVisible))
	p.clickText(t, ".pop-box .menu button", value)
	p.until(t, `new URLSearchParams(location.search).get(`+quoteJS(strings.ToLower(field))+`) === `+quoteJS(value))
}

func filtersOfCalls(t *testing.T, p *tab, w *service) {
	t.Helper()
	since := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -29).Format(time.RFC3339)
	const status = "error"
	var failed struct {
		Model []trace.Facet `json:"model"`
	}
	w.get(t, "/facets?status="+status+"&since="+since, &failed)
	if len(failed.Model) == 0 {
		t.Fatal("nothing failed in the history")
	}
	model := failed.Model[0].Value
	p.open(t, "/calls?range=30d")
	p.filter(t, "Model", model)
	p.filter(t, "Status", status)
	var want listedCalls
	w.get(t, "/calls?"+url.Values{"model": {model}, "status": {status}, "since": {since}, "limit": {"60"}}.Encode(), &want)
	if len(want.Calls) == 0 {
		t.Fatalf("no %s calls of %s in the history", status, model)
	}
	ids := make([]string, len(want.Calls))
	for i, c := range want.Calls {
		if ids[i] = c.ID; c.Model != model || c.Status != status {
			t.Errorf("the API lists %+v", c)
		}
	}
	check := func(when string) {
		p.until(t, fmt.Sprintf(`%s && document.querySelectorAll('.lbody a.hit').length === %d`, settled, len(ids)))
		got := read[[]string](t, p, `[...document.querySelectorAll('.lbody a.hit')].map((a) => a.pathname.split('/').pop())`)
		if diff := cmp.Diff(ids, got); diff != "" {
			t.Errorf("%s (-API +list):\n%s", when, diff)
		}
		chips := read[[]string](t, p, `[...document.querySelectorAll('.chip b')].map((e) => e.textContent)`)
		if slices.Sort(chips); !slices.Equal(chips, slices.Sorted(slices.Values([]string{model, status}))) {
			t.Errorf("%s: chips %q", when, chips)
		}
	}
	check("filtered")
	p.do(t, chromedp.Reload())
	check("read again from the address")
	p.do(t, chromedp.NavigateBack())
	p.until(t, `!location.search.includes('status=')`)
	p.clean(t, "filters")
}

// callSaid makes a call through the gateway and gives its id.
func (s *service) callSaid(t *testing.T, body string, header map[string]string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.gateway+"/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.firstKey.Reveal())
	req.Header.Set("Content-Type", "application/json")
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.Header.Get("X-Weir-Call-Id")
}

func oneCall(t *testing.T, p *tab, w *service, axe string) {
	t.Helper()
	const question, reply = "How high may the water stand above the crest of the weir at Schwellenmätteli?", "Not more than **twelve** centimetres, and `never` overnight."
	id := w.callSaid(t, `{"model":"gpt-4o","messages":[{"role":"system","content":"`+strings.Repeat("You are a patient hydrologist. ", 60)+`"},{"role":"user","content":"`+question+`"}]}`,
		map[string]string{"X-Weir-User": "keyboard", "X-Sim-Text": reply, "X-Sim-Cached": "256"})
	w.callSaid(t, `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Newer"}]}`, map[string]string{"X-Weir-User": "keyboard"})
	rec := w.call(t, id)

	p.open(t, "/calls?user=keyboard")
	p.until(t, `document.querySelectorAll('.lbody a.hit').length === 2`)
	p.do(t, chromedp.KeyEvent("jj"))
	p.until(t, `document.querySelector('.lrow.here')?.id === `+quoteJS("call-"+id))
	inList := read[string](t, p, `document.querySelector('.lrow.here .c-cost [title]').title`)
	p.do(t, chromedp.KeyEvent(kb.Enter))
	p.until(t, `location.pathname === `+quoteJS("/calls/"+id)+` && document.querySelector('.msg.answer') && `+settled)
	for _, words := range []string{question, "Not more than twelve centimetres, and never overnight.", "You are a patient hydrologist."} {
		p.shows(t, words)
	}

	figures := read[map[string]string](t, p, `Object.fromEntries([...document.querySelectorAll('section[aria-label="Usage"] tbody tr')].map((r) => [r.cells[0].textContent, r.cells[1].textContent.replaceAll(',', '')]))`)
	u := rec.Call.Usage
	if diff := cmp.Diff(map[string]string{"Input": fmt.Sprint(u.InputUncached), "Cache read": fmt.Sprint(u.CacheRead), "Output": fmt.Sprint(u.OutputText)}, figures); diff != "" {
		t.Errorf("usage (-recorded +shown):\n%s", diff)
	}
	if u.CacheRead == 0 || rec.Call.UsageSource != llm.FromProvider {
		t.Errorf("usage %+v from %s", u, rec.Call.UsageSource)
	}
	total := read[string](t, p, `document.querySelector('section[aria-label="Cost explained"] tfoot tr:last-child td:last-child').textContent`)
	lines := read[[]string](t, p, `[...document.querySelectorAll('section[aria-label="Cost explained"] tbody tr:not(.rule) td:last-child')].map((e) => e.textContent)`)
	sum := new(big.Rat)
	for _, l := range lines {
		sum.Add(sum, dollars(t, l))
	}
	if want := dollars(t, rec.Call.Cost.String()); len(lines) != 3 || sum.Cmp(want) != 0 || dollars(t, total).Cmp(want) != 0 || total != inList {
		t.Errorf("the list says %s, the lines %q, their total %s, the record %s", inList, lines, total, rec.Call.Cost)
	}
	p.examine(t, "a call", axe)
	p.do(t, chromedp.KeyEvent(kb.Escape))
	p.until(t, `location.search === '?user=keyboard' && document.querySelector('.lrow.here')`)
	p.clean(t, "one call")
}
