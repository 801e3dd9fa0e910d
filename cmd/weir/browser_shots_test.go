package main

import (
	"bytes"
	"context"
	"flag"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

var updateShots = flag.Bool("update-shots", false, "write the pictures of the documentation to docs/images")

// The pictures of the documentation, of a month of the demonstration.
func TestScreenshots(t *testing.T) {
	if !*updateShots {
		t.Skip("give -update-shots to write docs/images; TestDemoInABrowser compares")
	}
	browser := chromium(t)
	w := startDemo(t, demoOptions{seed: 1, days: 30, callsPerDay: 1200})
	p := newTab(t, browser, w.url)
	signInByLink(t, p, w)
	for i := range shots {
		t.Run(shots[i].name, func(t *testing.T) {
			if err := os.WriteFile(shotFile(shots[i].name), p.takeShot(t, &shots[i]), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func shotFile(name string) string { return filepath.Join("..", "..", "docs", "images", name+".png") }

// shot is a picture of the documentation: a page of the demo in a window 1280 pixels wide.
type shot struct {
	name   string
	path   string
	height int64
	ready  string // holds when the page shows what the picture is to show
	dark   bool
	first  string // a selector whose first link is followed to come to the page
	act    func(t *testing.T, p *tab)
}

// shots are the pictures in docs/images, which make shots writes.
var shots = []shot{
	{name: "overview", path: "/", height: 1080, ready: `document.querySelector('.uplot canvas')`},
	{name: "calls", path: "/calls", height: 860, ready: `document.querySelectorAll('.lbody a.hit').length >= 20`},
	{name: "calls-dark", path: "/calls", height: 860, dark: true, ready: `document.querySelectorAll('.lbody a.hit').length >= 20`},
	{name: "call", path: "/calls?model=claude-sonnet-4-5-20250929&status=ok", height: 1080, ready: `document.querySelector('.lbody a.hit')`, act: func(t *testing.T, p *tab) {
		t.Helper()
		p.do(t, chromedp.KeyEvent("j"+kb.Enter))
		p.until(t, `document.querySelector('.msg.answer') && `+settled)
	}},
	{name: "traces", path: "/traces", height: 860, ready: `document.querySelectorAll('[data-traces] tbody tr').length >= 5`},
	{name: "sessions", path: "/sessions", height: 860, ready: `document.querySelectorAll('[data-sessions] tbody tr').length >= 5`},
	{name: "users", path: "/users", height: 860, ready: `document.querySelectorAll('[data-users] tbody tr').length > 3`},
	{name: "costs", path: "/costs", height: 860, ready: filled["/costs"]},
	{name: "advice", path: "/costs/advice?small=show", height: 1080, ready: `document.querySelector('.finding')`},
	{name: "cache", path: "/cache", height: 1080, ready: filled["/cache"]},
	{name: "budgets", path: "/budgets", height: 1080, ready: `document.querySelector('.burn .uplot canvas') && document.querySelector('.gauge')`},
	{name: "reports", path: "/reports", height: 1080},
	{name: "prices", path: "/models?q=claude-sonnet-4-5&provider=anthropic", height: 1080, act: func(t *testing.T, p *tab) {
		t.Helper()
		p.clickText(t, ".fold-btn", "claude-sonnet-4-5")
		p.until(t, `document.querySelector('.details')`)
	}},
	{name: "simulator", path: "/models?tab=simulator", height: 1080, ready: `document.querySelectorAll('[data-quotes] tbody tr').length === 3`, act: func(t *testing.T, p *tab) {
		t.Helper()
		p.clickText(t, "button", "Price the calls")
		p.until(t, `document.querySelector('[data-recorded]')`)
	}},
	{name: "prompt", path: "/prompts/support-answer?v=4", height: 860, ready: `document.querySelector('.template')`},
	{name: "change", path: "/changes", height: 860, first: `#main a[href^="/changes/"]`, ready: `document.querySelector('.lines-diff mark')`},
	{name: "experiment", path: "/experiments", height: 1080, first: `#main tbody a[href^="/experiments/"]`},
	{name: "playground", path: "/playground?prompt=support-answer@4", height: 860, act: func(t *testing.T, p *tab) {
		t.Helper()
		p.write(t, `input[aria-label="Model 1"]`, "gpt-4o-mini")
		p.clickText(t, "main button", "Another model")
		p.write(t, `input[aria-label="Model 2"]`, "gpt-4o")
		p.clickText(t, "main button", "Ask 2 models")
		p.until(t, `document.querySelectorAll('[data-state=done] [data-cost]').length === 2`)
	}},
	{name: "scores", path: "/scores", height: 860},
	{name: "agreement", path: "/scores/agreement", height: 1080},
	{name: "run", path: "/datasets?tab=runs", height: 860, first: `#main a[href^="/datasets/runs/"]`},
	{name: "rag", path: "/rag", height: 860, ready: `document.querySelector('.rag-figures')`},
	{name: "rag-question", path: "/rag/handbook", height: 1080, first: `#main a[href^="/rag/handbook/questions/"]`, ready: `document.querySelector('[data-stages]')`},
	{name: "drift", path: "/drift", height: 1080, ready: filled["/drift"]},
	{name: "alerts", path: "/alerts", height: 1080, ready: `document.querySelectorAll('[data-rule]').length > 3`},
	{name: "system", path: "/system", height: 860, ready: filled["/system"]},
}

// takeShot opens a page as a picture wants it, and takes the picture.
func (p *tab) takeShot(t *testing.T, s *shot) []byte {
	t.Helper()
	p.do(t, chromedp.EmulateViewport(1280, s.height))
	p.theme(t, map[bool]string{true: "dark", false: "light"}[s.dark])
	p.open(t, s.path)
	if s.first != "" {
		p.until(t, `document.querySelector(`+quoteJS(s.first)+`)`)
		read[bool](t, p, `(document.querySelector(`+quoteJS(s.first)+`).click(), true)`)
		p.until(t, `location.pathname !== `+quoteJS(strings.SplitN(s.path, "?", 2)[0])+` && `+settled)
	}
	if s.ready != "" {
		p.until(t, s.ready)
	}
	if s.act != nil {
		s.act(t, p)
	}
	p.until(t, settled+` && document.fonts.status === 'loaded'`)
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	p.clean(t, s.path)
	return picture
}

// block is the side in pixels of the squares by whose mean colour two pictures are compared: words and figures may differ, the places
// of things may not.
const block = 20

// rows is by how many rows of blocks a thing may stand higher or lower: a list above it has an entry more.
const rows = 3

// sameLooks is the share of blocks that may differ between two pictures of one page: the demo's days move on, and fonts are not the same
// on every machine.
const sameLooks = 0.10

// difference is the share of the blocks of a picture that have no visibly equal one in another, at their place or a little above or below.
// Pictures of different sizes have nothing in common.
func difference(a, b image.Image) float64 {
	if a.Bounds().Size() != b.Bounds().Size() {
		return 1
	}
	p, q := blocks(a), blocks(b)
	var differ, all float64
	for y := range p {
		for x := range p[y] {
			all++
			found := false
			for other := max(0, y-rows); other <= min(len(q)-1, y+rows) && !found; other++ {
				found = like(p[y][x], q[other][x])
			}
			if !found {
				differ++
			}
		}
	}
	return differ / all
}

// like tells whether two colours look the same.
func like(a, b [3]float64) bool {
	for i := range a {
		if d := a[i] - b[i]; d > 14 || d < -14 {
			return false
		}
	}
	return true
}

// blocks gives the mean colours of a picture's blocks, by row and column.
func blocks(m image.Image) [][][3]float64 {
	size := m.Bounds().Size()
	var all [][][3]float64
	for y := 0; y < size.Y; y += block {
		var row [][3]float64
		for x := 0; x < size.X; x += block {
			row = append(row, meanColour(m, image.Rect(x, y, min(x+block, size.X), min(y+block, size.Y))))
		}
		all = append(all, row)
	}
	return all
}

// meanColour is the mean red, green and blue of a part of a picture, each 0 to 255.
func meanColour(m image.Image, part image.Rectangle) [3]float64 {
	var sum [3]float64
	origin := m.Bounds().Min
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			r, g, b, _ := m.At(origin.X+x, origin.Y+y).RGBA()
			sum[0] += float64(r >> 8)
			sum[1] += float64(g >> 8)
			sum[2] += float64(b >> 8)
		}
	}
	n := float64(part.Dx() * part.Dy())
	return [3]float64{sum[0] / n, sum[1] / n, sum[2] / n}
}

func decodePNG(t *testing.T, data []byte) image.Image {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func readPNG(t *testing.T, path string) image.Image {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run make shots", err)
	}
	return decodePNG(t, data)
}

// Pictures of different pages must not pass for the same, or the comparison would say nothing.
func TestDifferenceOfPictures(t *testing.T) {
	overview, calls := readPNG(t, shotFile("overview")), readPNG(t, shotFile("calls"))
	if d := difference(overview, overview); d != 0 {
		t.Errorf("a picture differs from itself by %v", d)
	}
	for name, pair := range map[string][2]image.Image{
		"another page":            {readPNG(t, shotFile("costs")), calls},
		"a page without its list": {calls, readPNG(t, shotFile("rag"))},
		"the same in dark":        {readPNG(t, shotFile("calls-dark")), calls},
		"another size":            {overview, calls},
	} {
		if d := difference(pair[0], pair[1]); d <= sameLooks {
			t.Errorf("%s differs by %.3f only", name, d)
		} else {
			t.Logf("%s differs by %.3f", name, d)
		}
	}
}
