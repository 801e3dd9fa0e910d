package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/weir-dev/weir/internal/simulator"
	"github.com/weir-dev/weir/rag"
)

// withPipelines is a configuration with two pipelines whose vectors cost nothing.
func withPipelines(t *testing.T) Config {
	t.Helper()
	cfg := simulatedOpenAI(t, simulator.Config{Seed: 9})
	providers := cfg.Providers
	faults := &configFaults{}
	decodeConfig([]byte(`
rag:
  - {name: handbook, embedding: {model: hashing}, model: gpt-4o-mini, mmr: {lambda: 0.7}, rerank: {model: gpt-4o-mini, top_n: 3}}
  - {name: empty, embedding: {model: hashing}, model: gpt-4o-mini}
`), &cfg, faults)
	cfg.Providers = providers
	cfg.validate(faults)
	if err := faults.asError(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// index gives documents to a pipeline.
func (s *service) index(t *testing.T, pipeline string, documents ...map[string]any) {
	t.Helper()
	var lines strings.Builder
	for _, d := range documents {
		b, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(b, '\n'))
	}
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, s.url+"/api/v1/rag/"+pipeline+"/documents", strings.NewReader(lines.String()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.admin.Reveal())
	req.Header.Set("Content-Type", "application/x-ndjson")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var sum rag.Summary
	if err := json.NewDecoder(resp.Body).Decode(&sum); err != nil || resp.StatusCode != http.StatusOK || len(sum.Errors) > 0 {
		t.Fatalf("index: %d %v %+v", resp.StatusCode, err, sum)
	}
}

// A pipeline in the console: its documents, a question in the bench with all its stages, and what is kept of it. All texts are hostile.
func TestRAGInABrowser(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	axe := axeSource(t)
	w := startWeir(t, withPipelines(t))
	p := newTab(t, browser, w.url)
	p.do(t, chromedp.Navigate(w.signIn))
	p.until(t, settled)
	bad := hostile[1]

	p.open(t, "/rag")
	p.shows(t, "weir rag index empty ./docs")
	p.until(t, `document.querySelectorAll('[data-pipeline]').length === 2`)
	w.index(t, "handbook",
		map[string]any{"id": "leave.md", "title": bad, "kind": "markdown", "text": "# " + bad + "\n\nEvery employee has thirty days of paid leave a year. Zoë keeps the list. " + bad, "labels": map[string]string{"mark": bad}},
		map[string]any{"id": bad + ".md", "text": "Travel by train is paid for; flights need approval by a manager. " + bad},
		map[string]any{"id": "sick.md", "text": "Whoever is ill for more than three days sends a note."},
	)
	p.open(t, "/rag")
	p.until(t, `document.querySelector('[data-pipeline=handbook]').textContent.includes('3 documents')`)
	p.examine(t, "/rag", axe)

	p.open(t, "/rag/handbook/documents")
	p.until(t, `document.querySelectorAll('[data-documents] tbody tr').length === 3 && document.querySelector('[data-document="leave.md"] td:nth-child(2)').textContent.includes('B')`)
	p.examine(t, "documents", axe)
	p.do(t, chromedp.SendKeys(chromedp.CSS("input[name=q]"), "ILL", chromedp.NodeVisible), chromedp.KeyEvent(kb.Enter))
	p.shows(t, "No document has these words") // ids and titles are searched, not texts
	p.open(t, "/rag/handbook/documents?document=leave.md")
	p.until(t, `document.querySelector('[data-chunks] li')?.textContent.includes(`+quoteJS(bad)+`)`)
	p.examine(t, "chunks", axe)

	// Passages alone: nothing is asked of a model.
	p.open(t, "/rag/handbook/bench")
	p.do(t, chromedp.SendKeys(chromedp.CSS("[name=question]"), "How many days of paid leave does an employee have?"+kb.Enter, chromedp.NodeVisible))
	p.until(t, settled+` && document.querySelector('[data-times]')`)
	p.shows(t, "skipped: only passages are asked for, and no model")
	if cost := read[string](t, p, `document.querySelector('[data-cost]').textContent`); cost != "$0.00" {
		t.Errorf("passages alone cost %s", cost)
	}

	// With an answer: the stages, a chunk's way by keyboard, and the quote in its passage.
	p.clickText(t, "[data-bench] button", "Answer")
	p.clickText(t, "[data-bench] button", "Ask")
	p.until(t, settled+` && document.querySelector('[data-answer]')`)
	if got, want := read[string](t, p, `document.querySelector('[data-stages]').dataset.stages`), "dense sparse fuse mmr rerank pack cite"; got != want {
		t.Errorf("stages %q, want %q", got, want)
	}
	p.examine(t, "the bench", axe)
	read[bool](t, p, `(document.querySelector('[data-col="0"][data-chunk]').focus(), true)`)
	first := read[string](t, p, `document.activeElement.dataset.chunk`)
	p.do(t, chromedp.KeyEvent(kb.ArrowRight))
	p.until(t, `document.activeElement.dataset.col !== '0' && document.querySelectorAll('.rag-chunk.on').length > 1 && document.querySelector('[data-shown]').dataset.shown === document.activeElement.dataset.chunk`)
	if now := read[string](t, p, `document.activeElement.dataset.chunk`); now != first {
		t.Errorf("to the right of %s came %s", first, now)
	}
	p.shows(t, "by words, ")
	p.click(t, `.rag-mark`)
	p.until(t, `document.querySelector('.rag-passages mark')`)
	if quote, cited := read[string](t, p, `document.querySelector('.rag-passages mark').textContent`), read[string](t, p, `document.querySelector('[data-cite][aria-pressed=true]').textContent`); quote == "" || !strings.Contains(cited, quote) {
		t.Errorf("marked %q of %q", quote, cited)
	}
	p.click(t, `button[aria-label="Table"]`)
	p.until(t, `document.querySelectorAll('[data-way] tbody tr').length === 3`)
	p.accessible(t, "the way as a table", axe)

	// What is kept of it.
	p.clickText(t, "main a", "this question")
	p.until(t, settled+` && document.querySelector('[data-asked]')?.textContent.includes('paid leave') && document.querySelector('[data-stages]')`)
	p.examine(t, "a question", axe)
	p.open(t, "/rag/handbook")
	p.until(t, `document.querySelectorAll('[data-question]').length === 2 && document.querySelectorAll('[data-stage-times] tbody tr').length > 5`)
	p.examine(t, "questions", axe)
	p.clickText(t, "button", "Empty")
	p.shows(t, "No such question in this range")
	p.open(t, "/rag/handbook/collections")
	p.until(t, `document.querySelector('[data-collections] .badge.ok')`)
	p.examine(t, "collections", axe)
	p.swaps(t, w)
	if read[bool](t, p, `'__xss' in window || document.querySelector('main img[src=x]') !== null`) {
		t.Error("a text was taken for HTML")
	}
	p.open(t, "/rag/nothing")
	p.shows(t, "weir.yaml")
}

// swaps moves handbook to a collection of another splitter, back, and drops it, each in its dialog.
func (p *tab) swaps(t *testing.T, w *service) {
	t.Helper()
	index, ctx := w.rag.indexes["handbook"], t.Context()
	old := w.rag.configs["handbook"].collection()
	const other = "handbook-0000000a"
	info, err := index.Collection(ctx, old)
	if err != nil {
		t.Fatal(err)
	}
	chunks, err := index.Chunks(ctx, old, "sick.md")
	if err != nil || len(chunks) == 0 {
		t.Fatalf("%d chunks, %v", len(chunks), err)
	}
	vector := make([]float32, info.Dimensions)
	vector[0] = 1
	shape := info.Shape
	shape.Splitter = "another"
	if err := errors.Join(index.Make(ctx, rag.Collection{Name: other, Shape: shape}), index.Put(ctx, other, []rag.Point{{Chunk: chunks[0], Vector: vector}})); err != nil {
		t.Fatal(err)
	}
	answers := func(what, want string) {
		t.Helper()
		p.until(t, `!document.querySelector('dialog[open]') && document.querySelector('[data-collection="`+want+`"] .badge.ok')`)
		if aliases, err := index.Aliases(ctx); err != nil || aliases["handbook"] != want {
			t.Errorf("%s: %s answers, want %s (%v)", what, aliases["handbook"], want, err)
		}
	}
	p.open(t, "/rag/handbook/collections")
	p.until(t, `document.querySelectorAll('[data-collections] tbody tr').length === 2`)
	p.clickText(t, `[data-collection="`+other+`"] button`, "Swap to it")
	p.shows(t, "less than half of the chunks")
	p.click(t, "input[name=force]")
	p.clickText(t, "dialog[open] button", "Swap")
	answers("swapped", other)
	p.clickText(t, "main button", "Roll back")
	p.shows(t, old+" answers again in place of "+other)
	p.clickText(t, "dialog[open] button", "Roll back")
	answers("rolled back", old)
	p.clickText(t, `[data-collection="`+other+`"] button`, "Drop")
	p.shows(t, "removed for good")
	p.clickText(t, "dialog[open] button", "Drop it")
	p.until(t, `document.querySelectorAll('[data-collections] tbody tr').length === 1`)
	if _, err := index.Collection(ctx, other); !errors.Is(err, rag.ErrNoCollection) {
		t.Errorf("dropped: %v", err)
	}
}
