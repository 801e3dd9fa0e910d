package main

import (
	"io"
	"log/slog"
	"strings"
	"testing"
)

// startDemo runs what weir demo shows, without its live traffic.
func startDemo(t *testing.T, opts demoOptions) *service {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	provider, stop, err := startSimulator(t.Context(), opts.seed, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	cfg := defaultConfig()
	cfg.Providers = []ProviderConfig{provider}
	demoConfig(&cfg)
	faults := &configFaults{}
	cfg.validate(faults)
	if err := faults.asError(); err != nil {
		t.Fatal(err)
	}
	w := startWeir(t, cfg)
	cmd := demoCommand()
	cmd.SetContext(t.Context())
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	if err := seedDemo(t.Context(), cmd, w, opts, log); err != nil {
		t.Fatal(err)
	}
	w.settle(t)
	return w
}

// The demo in a browser: every room has something to show, no link is dead, each kind of page is accessible and fits a narrow window, and
// the main pages look as the documentation shows them.
func TestDemoInABrowser(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	axe := axeSource(t)
	w := startDemo(t, demoOptions{seed: 1, days: 30, callsPerDay: 1200})
	p := newTab(t, browser, w.url)
	signInByLink(t, p, w)

	t.Run("rooms", func(t *testing.T) {
		for _, room := range read[[]string](t, p, `[...document.querySelectorAll('nav[aria-label="Rooms"] a')].map((a) => a.pathname)`) {
			p.open(t, room)
			p.until(t, `document.querySelector('#main table, #main [role=table], #main .card, #main article')`)
			if room != "/playground" && read[bool](t, p, `!!document.querySelector('#main .empty h2') && !document.querySelector('#main table, #main [role=table]')`) {
				t.Errorf("%s has nothing to show in the demo: %.400s", room, read[string](t, p, `document.querySelector('#main').innerText`))
			}
			p.clean(t, room)
		}
	})
	t.Run("links", func(t *testing.T) {
		p.thorough = true
		defer func() { p.thorough = *everyPage }()
		examined := map[string]bool{}
		p.crawl(t, "/", 300, func(path string) {
			page, _, _ := strings.Cut(pageKind(path), "?")
			if examined[page] {
				return // the same page with other parameters
			}
			examined[page] = true
			p.accessible(t, path, axe)
			p.wide(t, 390)
			p.fits(t, path+" at 390 px")
			p.wide(t, 1280)
		})
	})
	t.Run("pictures", func(t *testing.T) {
		for i := range shots {
			t.Run(shots[i].name, func(t *testing.T) {
				shown := decodePNG(t, p.takeShot(t, &shots[i]))
				if d := difference(readPNG(t, shotFile(shots[i].name)), shown); d > sameLooks {
					t.Errorf("%s looks different from %s in %.0f%% of its area: look at it, and run make shots when it is meant", shots[i].path, shotFile(shots[i].name), 100*d)
				}
			})
		}
	})
}
