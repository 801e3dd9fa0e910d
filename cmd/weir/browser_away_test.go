package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/internal/simulator"
)

// storeAway looks at a second weir whose ClickHouse is not there at first: it is the first one's engine, behind a door.
func storeAway(t *testing.T, browser context.Context, first *service) {
	t.Helper()
	var there atomic.Bool
	engine := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", "engine" },
		Transport: &http.Transport{DialContext: first.engine.DialContext},
		ErrorLog:  slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !there.Load() {
			panic(http.ErrAbortHandler) // the connection ends without an answer
		}
		engine.ServeHTTP(w, r)
	}))
	t.Cleanup(door.Close)
	cfg := simulatedOpenAI(t, simulator.Config{Seed: 5})
	cfg.ClickHouse.URL = secretText{Secret: account.NewSecret(door.URL + "/default")}
	w := startWeir(t, cfg)
	p := newTab(t, browser, w.url)
	p.do(t, chromedp.Navigate(w.signIn))
	p.shows(t, "the store of records cannot be reached at the moment")
	for path, words := range map[string]string{"/costs": "the store of records cannot be reached at the moment", "/calls": "the store of records cannot be reached at the moment", "/system": "away"} {
		p.open(t, path)
		p.shows(t, words)
		if !read[bool](t, p, `!!document.querySelector('nav[aria-label="Rooms"]')`) {
			t.Errorf("%s: the navigation is gone", path)
		}
		p.fits(t, path+" without a store")
	}
	p.open(t, "/costs")
	p.takeFaults()
	there.Store(true)
	p.clickText(t, "[role=alert] button", "Try again")
	p.until(t, filled["/costs"])
	p.clean(t, "the store is back")
}

// sessionEnded ends the browser's session behind its back.
func sessionEnded(t *testing.T, p *tab, w *service) {
	t.Helper()
	p.open(t, "/costs")
	cookies, err := chromedp.Call(p.ctx, network.GetCookies, network.GetCookiesParams{})
	if err != nil || len(cookies.Cookies) != 1 {
		t.Fatalf("cookies %v, %v", cookies.Cookies, err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, w.url+"/api/v1/session", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.AddCookie(&http.Cookie{Name: cookies.Cookies[0].Name, Value: cookies.Cookies[0].Value})
	req.Header.Set("Origin", w.url)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		t.Fatalf("sign out: %d", resp.StatusCode)
	}
	p.clean(t, "before the session ended")
	p.click(t, `nav a[href="/keys"]`)
	p.until(t, `document.querySelector('form input[type=password]')`)
	p.shows(t, "Sign in")
	p.signIn(t, w.admin.Reveal())
	p.until(t, settled)
	if got := read[string](t, p, "location.pathname"); got != "/keys" {
		t.Errorf("after signing in again one is at %s, not where one was", got)
	}
	p.takeFaults()
}

// weirStopped looks at a room that was not read before, in a page that is open while nothing answers any more.
func weirStopped(t *testing.T, p *tab) {
	t.Helper()
	p.click(t, `nav a[href="/models"]`)
	p.shows(t, "weir does not answer. Is it still running?")
	if got := read[string](t, p, `document.querySelector('[role=alert] button').textContent`); got != "Try again" {
		t.Errorf("the page offers %q", got)
	}
	p.fits(t, "a page without weir")
}
