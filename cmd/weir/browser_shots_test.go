package main

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/weir-dev/weir/internal/simulator"
)

var updateShots = flag.Bool("update-shots", false, "write the screenshots of the documentation to docs/images")

// Screenshots of a month of the demonstration, for the documentation.
func TestScreenshots(t *testing.T) {
	if !*updateShots {
		t.Skip("give -update-shots to write docs/images")
	}
	browser := startBrowser(t)
	w := startWeir(t, simulatedOpenAI(t, simulator.Config{Seed: 4}))
	w.seed(t, 30, 1200)
	p := newTab(t, browser, w.url)
	signInByLink(t, p, w)
	dir := filepath.Join("..", "..", "docs", "images")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	shoot := func(name string) {
		ctx, cancel := context.WithTimeout(p.ctx, patience)
		defer cancel()
		png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p.do(t, chromedp.EmulateViewport(1280, 1080))
	p.open(t, "/")
	p.until(t, filled["/"])
	shoot("overview")
	p.do(t, chromedp.EmulateViewport(1280, 860))
	p.open(t, "/costs")
	p.until(t, filled["/costs"])
	shoot("costs")
	p.open(t, "/calls")
	p.until(t, filled["/calls"])
	shoot("calls")
	p.dark(t)
	shoot("calls-dark")
	p.theme(t, "light")
	p.open(t, "/calls?model=claude-sonnet-4-5-20250929&status=ok")
	p.until(t, `document.querySelector('.lbody a.hit')`)
	p.do(t, chromedp.KeyEvent("j"+kb.Enter))
	p.until(t, `document.querySelector('.msg.answer') && `+settled)
	p.do(t, chromedp.EmulateViewport(1280, 1080))
	shoot("call")
}
