package main

import (
	"context"
	"flag"
	"net/http"
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
	browser := chromium(t)
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
	p.do(t, chromedp.EmulateViewport(1280, 1080))
	p.open(t, "/costs/advice?small=show")
	p.until(t, `document.querySelector('.finding')`)
	shoot("advice")
	p.open(t, "/cache")
	p.until(t, filled["/cache"])
	shoot("cache")
	p.open(t, "/models?q=claude-sonnet-4-5&provider=anthropic")
	p.clickText(t, ".fold-btn", "claude-sonnet-4-5")
	p.until(t, `document.querySelector('.details')`)
	shoot("prices")
	p.open(t, "/models?tab=simulator")
	p.until(t, `document.querySelectorAll('[data-quotes] tbody tr').length === 3`)
	p.clickText(t, "button", "Price the calls")
	p.until(t, `document.querySelector('[data-recorded]')`)
	shoot("simulator")
	w.post(t, http.MethodPost, "/budgets", `{"name":"everything","window":"month","limit_usd":"60","thresholds":[50,80]}`, http.StatusCreated, nil)
	p.open(t, "/budgets")
	p.until(t, `document.querySelector('.burn .uplot canvas') && document.querySelector('.gauge')`)
	shoot("budgets")
	p.do(t, chromedp.EmulateViewport(1280, 860))
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
	shootPrompts(t, p, w, shoot)
}

// shootPrompts makes a prompt with a past, and shows its rooms.
func shootPrompts(t *testing.T, p *tab, w *service, shoot func(name string)) {
	t.Helper()
	push := func(system, message string) {
		t.Helper()
		content := `{"messages":[{"role":"system","content":` + quoteJS(system) + `},{"role":"user","content":"{{name}} asks: {{question}}"}],"model":"gpt-4o-mini","settings":{"temperature":0.2}}`
		w.post(t, http.MethodPost, "/prompts", `{"name":"support-answer","message":`+quoteJS(message)+`,"content":`+content+`}`, http.StatusOK, nil)
	}
	push("You answer the customers of a bicycle shop.\nBe friendly.", "the first one")
	w.post(t, http.MethodPut, "/prompts/support-answer/labels/production", `{"version":1}`, http.StatusOK, nil)
	w.post(t, http.MethodPut, "/prompts/support-answer/protections/production", `{"approvals":1}`, http.StatusOK, nil)
	push("You answer the customers of a bicycle shop.\nBe friendly, and say what to do next.", "say what to do next")
	push("You answer the customers of a bicycle shop.\nBe brief, and say what to do next.\nNever promise a date that is not in the order.", "no promises of dates")
	var change struct {
		ID string `json:"id"`
	}
	w.post(t, http.MethodPost, "/prompts/support-answer/changes", `{"label":"production","version":3,"reason":"Customers were promised dates that nobody kept."}`, http.StatusCreated, &change)
	p.do(t, chromedp.EmulateViewport(1280, 860))
	p.open(t, "/prompts/support-answer?v=3")
	p.until(t, `document.querySelector('.template .mtag')`)
	shoot("prompt")
	p.open(t, "/changes/"+change.ID)
	p.until(t, `document.querySelector('.lines-diff mark')`)
	shoot("change")
	p.open(t, "/playground?prompt=support-answer@3")
	p.write(t, "[data-variable=name]", "Ann")
	p.write(t, "[data-variable=question]", "Where is my order?")
	p.write(t, `input[aria-label="Model 1"]`, "gpt-4o-mini")
	p.clickText(t, "main button", "Another model")
	p.write(t, `input[aria-label="Model 2"]`, "gpt-4o")
	p.clickText(t, "main button", "Ask 2 models")
	p.until(t, `document.querySelectorAll('[data-state=done] [data-cost]').length === 2`)
	shoot("playground")
}
