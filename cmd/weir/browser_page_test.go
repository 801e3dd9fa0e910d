package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/weir-dev/weir/dashboards/console"
)

// patience is how long a page may take on a machine that does much else.
const patience = 60 * time.Second

// unmet skips a test for want of something, or fails it where everything must be there.
func unmet(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("WEIR_TEST_ENGINE") == "required" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// everyFlow runs each flow of the console in a browser; see make test-browser. Without it TestConsoleInABrowser alone goes through the rooms.
var everyFlow = flag.Bool("browser", false, "run every test that needs a browser, not only the walk through the rooms")

// startBrowser gives the browser to a test of one flow, which make test-browser runs and make test leaves out.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	if !*everyFlow {
		t.Skip("a flow of the console: run make test-browser")
	}
	return chromium(t)
}

// chromium gives the one headless Chromium of all tests. Each tab of newTab has cookies and storage of its own.
func chromium(t *testing.T) context.Context {
	t.Helper()
	if err := console.Built(); err != nil {
		unmet(t, err.Error())
	}
	path := chromiumPath()
	if path == "" {
		unmet(t, "no chromium on this machine: install the package chromium, or Chrome")
	}
	browser, err := sharedChromium.start(path)
	if err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return browser
}

func chromiumPath() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	return ""
}

// sharedChromium is started by the first test that wants it, and stopped by TestMain.
var sharedChromium browserProcess

type browserProcess struct {
	once    sync.Once
	browser context.Context
	err     error
	stop    func()
}

func (b *browserProcess) start(path string) (context.Context, error) {
	b.once.Do(func() {
		opts := append(chromedp.DefaultExecAllocatorOptions[:],
			chromedp.ExecPath(path), chromedp.DisableGPU, chromedp.WindowSize(1280, 800), chromedp.WSURLReadTimeout(patience),
			chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", true),
		)
		if os.Geteuid() == 0 {
			opts = append(opts, chromedp.NoSandbox) // Chromium refuses its sandbox to root
		}
		allocated, stop := chromedp.NewExecAllocator(context.Background(), opts...)
		browser, quit := chromedp.NewContext(allocated)
		b.browser, b.err = browser, chromedp.Do(browser)
		b.stop = func() { quit(); stop() }
	})
	return b.browser, b.err
}

func (b *browserProcess) close() {
	if b.stop != nil {
		b.stop()
	}
}

// tab is a page of a browser with its own cookies. What goes wrong in it is gathered until somebody asks.
type tab struct {
	ctx      context.Context
	base     string // what the page may ask for begins with this
	thorough bool   // every state is examined for accessibility, in both themes and narrow

	mu     sync.Mutex
	faults []string
}

// everyPage has every state of every page examined, which takes minutes; see make test-pages. Without it that is done for each room
// once, in TestConsoleInABrowser.
var everyPage = flag.Bool("pages", false, "examine every state of every page for accessibility, in both themes and narrow")

// newTab opens a tab without cookies that speaks with one weir only.
func newTab(t *testing.T, browser context.Context, base string) *tab {
	t.Helper()
	p := &tab{base: base, thorough: *everyPage}
	ctx, shut := chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.hear))
	t.Cleanup(shut)
	p.ctx = ctx
	p.do(t, chromedp.EmulateViewport(1280, 800))
	p.theme(t, "light")
	return p
}

// hear runs on the goroutine that reads from the browser.
func (p *tab) hear(ev any) {
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		text := ev.ExceptionDetails.Text
		if e := ev.ExceptionDetails.Exception; e != nil {
			text += " " + e.Description
		}
		p.fault("exception: %s", text)
	case *runtime.EventConsoleAPICalled:
		if ev.Type == "error" || ev.Type == "warning" || ev.Type == "assert" {
			args := make([]string, len(ev.Args))
			for i, a := range ev.Args {
				args[i] = string(a.Value) + a.Description
			}
			p.fault("console %s: %s", ev.Type, strings.Join(args, " "))
		}
	case *log.EventEntryAdded: // refusals of the Content-Security-Policy too
		if ev.Entry.Level == "error" || ev.Entry.Level == "warning" {
			p.fault("%s %s: %s %s", ev.Entry.Source, ev.Entry.Level, ev.Entry.Text, ev.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		if u := ev.Request.URL; !strings.HasPrefix(u, p.base+"/") && !strings.HasPrefix(u, "data:image/") {
			p.fault("asked for %s", u)
		}
	case *network.EventResponseReceived:
		if ev.Response.Status >= 400 {
			p.fault("%d for %s", ev.Response.Status, ev.Response.URL)
		}
	case *network.EventLoadingFailed:
		if !ev.Canceled { // the console itself takes back what a left page asked for
			p.fault("request failed: %s %s", ev.ErrorText, ev.BlockedReason)
		}
	case *cdppage.EventJavascriptDialogOpening:
		p.fault("a dialog opened: %s", ev.Message)
	}
}

func (p *tab) fault(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, fmt.Sprintf(format, args...))
}

// takeFaults gives what went wrong since it was last asked.
func (p *tab) takeFaults() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.faults
	p.faults = nil
	return out
}

// clean fails the test when anything went wrong since it was last asked.
func (p *tab) clean(t *testing.T, where string) {
	t.Helper()
	for _, f := range p.takeFaults() {
		t.Errorf("%s: %s", where, f)
	}
}

func (p *tab) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx := p.ctx
	if chromedp.FromContext(ctx).Target != nil { // the first use must not end with a time limit
		limited, cancel := context.WithTimeout(p.ctx, patience)
		defer cancel()
		ctx = limited
	}
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatalf("browser: %v", err)
	}
}

// read evaluates an expression in the page.
func read[T any](t *testing.T, p *tab, js string) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("evaluate %.200s: %v", js, err)
	}
	return v
}

// until waits until an expression holds in the page.
func (p *tab) until(t *testing.T, js string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Poll[chromedp.Void]("!!("+js+")", chromedp.WithPollingInterval(25*time.Millisecond), chromedp.WithPollingTimeout(patience))); err != nil {
		t.Fatalf("the page never came to %s: %v\nit is at %s and says: %.1500s\nfaults: %q", js, err,
			read[string](t, p, "location.href"), read[string](t, p, "document.body.innerText"), p.takeFaults())
	}
}

// settled says that a room has read all it wants to show.
const settled = `document.querySelector('#main h1') && !document.querySelector('.skel, [aria-busy="true"]')`

// open loads an address of the console and waits until it has read its data.
func (p *tab) open(t *testing.T, path string) {
	t.Helper()
	p.do(t, chromedp.Navigate(p.base+path))
	p.until(t, settled)
}

// click clicks the one thing that a selector names, once it is there.
func (p *tab) click(t *testing.T, selector string) {
	t.Helper()
	p.do(t, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// clickText clicks the first element of a selector that has the words.
func (p *tab) clickText(t *testing.T, selector, words string) {
	t.Helper()
	find := fmt.Sprintf(`[...document.querySelectorAll(%s)].find((e) => e.textContent.includes(%s))`, quoteJS(selector), quoteJS(words))
	p.until(t, find)
	read[bool](t, p, `(`+find+`.click(), true)`)
}

// signIn types the admin token into the sign-in form, over what stands there.
func (p *tab) signIn(t *testing.T, token string) {
	t.Helper()
	p.until(t, `document.querySelector('input[type=password]')`)
	read[bool](t, p, `(document.querySelector('input[type=password]').focus(), document.querySelector('input[type=password]').select(), true)`)
	p.do(t, chromedp.KeyEvent(token+kb.Enter))
}

func (p *tab) shows(t *testing.T, words string) {
	t.Helper()
	p.until(t, `document.body.textContent.includes(`+quoteJS(words)+`)`)
}

// theme has the machine prefer light or dark.
func (p *tab) theme(t *testing.T, scheme string) {
	t.Helper()
	p.do(t, func(ctx context.Context, _ *chromedp.Target) (v chromedp.Void, err error) {
		_, err = chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}})
		return v, err
	})
}

// dark has the page change its colours.
func (p *tab) dark(t *testing.T) {
	t.Helper()
	p.theme(t, "dark")
	p.until(t, `document.documentElement.dataset.theme === 'dark'`)
}

// wide sets the width of the window.
func (p *tab) wide(t *testing.T, width int64) {
	t.Helper()
	p.do(t, chromedp.EmulateViewport(width, 800))
	p.until(t, fmt.Sprintf("innerWidth === %d", width))
}

// fits checks that a page comes to be no wider than its window: charts are drawn anew some frames after the
// window's width has changed.
func (p *tab) fits(t *testing.T, where string) {
	t.Helper()
	const wider = `(() => {
		const w = document.documentElement.clientWidth, page = document.scrollingElement.scrollWidth
		if (page <= w) return ''
		const out = [...document.querySelectorAll('main *')].filter((e) => e.getBoundingClientRect().right > w + 1 && !e.closest('.scroll, pre'))
		return page + ' px in ' + w + ': ' + out.slice(0, 5).map((e) => e.tagName + '.' + e.className).join(', ')
	})()`
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Poll[chromedp.Void](wider+" === ''", chromedp.WithPollingInterval(25*time.Millisecond), chromedp.WithPollingTimeout(10*time.Second))); err != nil {
		t.Errorf("%s scrolls sideways: %s", where, read[string](t, p, wider))
	}
}

// axeSource is the accessibility checker that npm installed beside the console.
func axeSource(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "dashboards", "console", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		unmet(t, "axe-core is not installed: run make console")
	}
	return string(text)
}

// accessible checks a page with axe: no serious or critical finding. Without rules it checks them all.
func (p *tab) accessible(t *testing.T, where, axe string, rules ...string) {
	t.Helper()
	if !p.thorough {
		return
	}
	if !read[bool](t, p, `typeof window.axe === 'object'`) {
		p.do(t, chromedp.Evaluate[chromedp.Void](axe+"\n;0"))
	}
	type finding struct {
		ID, Impact, Help string
		Nodes            []string
	}
	only := ""
	if len(rules) > 0 {
		only = `, runOnly: ["` + strings.Join(rules, `", "`) + `"]`
	}
	found := read[[]finding](t, p, `axe.run(document, {resultTypes: ['violations']`+only+`}).then((r) => r.violations
		.filter((v) => v.impact === 'serious' || v.impact === 'critical')
		.map((v) => ({ID: v.id, Impact: v.impact, Help: v.help, Nodes: v.nodes.slice(0, 4).map((n) => n.html.slice(0, 200) + ' ' + (n.any[0]?.message ?? ''))})))`)
	for _, f := range found {
		t.Errorf("%s: %s (%s): %s\n  %s", where, f.ID, f.Impact, f.Help, strings.Join(f.Nodes, "\n  "))
	}
}

func quoteJS(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string is always JSON
	}
	return string(b)
}
