package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/weir-dev/weir/eval"
)

// beginsARun has this server evaluate a dataset of three calls, from the form to the scores.
func beginsARun(t *testing.T, p *tab, w *service, axe string) {
	t.Helper()
	p.open(t, "/datasets/heard")
	p.click(t, "[data-begin-run]")
	p.until(t, `document.querySelector('[data-new-run] .btn.primary').disabled`) // nobody is asked yet
	p.write(t, "[name=model-0]", "gpt-4o-mini")
	p.click(t, "[name=metric][value=levenshtein]")
	p.write(t, "[name=most]", "0")
	p.until(t, `document.querySelector('[name=most]').getAttribute('aria-invalid') === 'true' && document.querySelector('[data-new-run] .btn.primary').disabled`)
	p.write(t, "[name=most]", "0.5")
	p.until(t, `document.querySelector('[data-estimate] b')?.textContent.startsWith('3 calls, about $')`)
	p.examine(t, "the form of a run", axe)

	p.write(t, "[name=model-0]", "no-such-model")
	p.until(t, `!document.querySelector('[data-new-run] .btn.primary').disabled && document.querySelector('[data-estimate] b, [data-estimate] .bad-text')`)
	p.write(t, "[name=model-0]", "gpt-4o-mini")
	p.until(t, `document.querySelector('[data-estimate] b')?.textContent.startsWith('3 calls, about $')`)
	p.takeFaults() // what the estimate of a model that is not there answers is the API's business
	p.clickText(t, "dialog button", "Begin")
	p.until(t, `location.pathname.startsWith('/datasets/runs/') && document.querySelectorAll('[data-results] tbody tr').length === 3 && document.querySelectorAll('[data-eval-scores] tbody tr').length === 2`)
	id := strings.TrimPrefix(read[string](t, p, `location.pathname`), "/datasets/runs/")
	w.settle(t)
	var run eval.Run
	w.get(t, "/evals/"+id, &run)
	if run.State != eval.Done || len(run.Summary.Targets) != 1 || run.Summary.Targets[0].Cost <= 0 {
		t.Errorf("the run is %s with %+v", run.State, run.Summary)
	}
	for _, s := range run.Summary.Targets[0].Scores {
		row := fmt.Sprintf(`[...document.querySelector('[data-eval-scores] [data-scorer=%q]').cells].map((c) => c.textContent).slice(5, 8).join()`, s.Scorer)
		if got, want := read[string](t, p, row), fmt.Sprintf("%d,%d,%d", s.Scored, s.Failed, s.Unscorable); got != want || s.Scored != 3 {
			t.Errorf("%s: the page says %s, the API %s", s.Scorer, got, want)
		}
	}
	p.harmless(t, "a run of this server")
	w.post(t, http.MethodDelete, "/evals/"+id, "", http.StatusNoContent, nil)
}

// scoresOnline makes a rule in the console, watches it score live calls, changes it and takes it away.
func scoresOnline(t *testing.T, p *tab, w *service, axe string) {
	t.Helper()
	p.open(t, "/scores/online")
	p.clickText(t, "main button", "Make the first rule")
	p.write(t, "[name=rule]", "name: short\nrate: 1\nscorers: [\n")
	p.clickText(t, "dialog button", "Make the rule")
	p.shows(t, "Line ")
	p.write(t, "[name=rule]", "name: short\nrate: 1\nscorers: [{name: brief, metric: no-such-metric}]\n")
	p.clickText(t, "dialog button", "Make the rule")
	p.shows(t, "no-such-metric")
	p.refusedOnce(t, "a rule with a metric that is none")
	p.write(t, "[name=rule]", `{"name": "short", "rate": 1, "filter": {"project": "default"}, "scorers": [{"name": "brief", "metric": "expression", "expression": "len(answer) < 10000"}]}`)
	p.accessible(t, "the form of a rule", axe)
	p.clickText(t, "dialog button", "Make the rule")
	p.until(t, `document.querySelector('[data-rule=short]') && !document.body.textContent.includes('begins in a moment')`)
	for i := range 2 {
		w.callSaid(t, fmt.Sprintf(`{"model":"gpt-4o-mini","max_tokens":8,"messages":[{"role":"user","content":"Score me %d"}]}`, i), nil)
	}
	w.settle(t)
	p.until(t, `document.querySelector('[aria-label="Rule short"] [data-ledger][data-scored="2"]')`)
	var list struct{ Rules []shownOnline }
	w.get(t, "/evals/online?name=short", &list)
	if len(list.Rules) != 1 || list.Rules[0].Totals.Eligible != 2 || list.Rules[0].Totals.Scored != 2 {
		t.Errorf("the page says that 2 calls are scored, the API %+v", list.Rules)
	}
	p.until(t, `document.querySelector('[data-scorer=brief] td:nth-child(4)')?.textContent.trim() === '1'`)
	p.examine(t, "online evaluation", axe)

	p.click(t, `[aria-label="Edit short"]`)
	text := read[string](t, p, `document.querySelector('[name=rule]').value`)
	p.write(t, "[name=rule]", strings.Replace(text, `"rate": 1`, `"rate": 0.5`, 1))
	p.clickText(t, "dialog button", "Save")
	p.until(t, `document.querySelector('[aria-label="Rule short"] .tag')?.textContent.includes('50%')`)
	p.click(t, `[aria-label="Remove short"]`)
	p.clickText(t, "dialog button", "Remove the rule")
	p.shows(t, "No rules yet")
	p.harmless(t, "online evaluation")
}
