package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/weir-dev/weir/internal/simulator"
)

// shownBudgets is what the API says of budgets.
type shownBudgets struct {
	Budgets []struct {
		Name         string            `json:"name"`
		Scope        map[string]string `json:"scope"`
		Window       string            `json:"window"`
		LimitUSD     *string           `json:"limit_usd"`
		LimitCalls   *int64            `json:"limit_calls"`
		Policy       string            `json:"policy"`
		Soft         []int             `json:"soft"`
		State        string            `json:"state"`
		SpentUSD     string            `json:"spent_usd"`
		SpentCalls   int64             `json:"spent_calls"`
		RemainingUSD *string           `json:"remaining_usd"`
	} `json:"budgets"`
}

// fill types into a field of the form that is open, in place of what stands there.
func (p *tab) fill(t *testing.T, selector, text string) {
	t.Helper()
	selector = "dialog " + selector
	p.until(t, `document.querySelector(`+quoteJS(selector)+`)`)
	read[bool](t, p, `(document.querySelector(`+quoteJS(selector)+`).focus(), document.querySelector(`+quoteJS(selector)+`).select(), true)`)
	p.do(t, chromedp.SendKeys(chromedp.CSS(selector), text, chromedp.NodeVisible))
	p.until(t, `document.querySelector(`+quoteJS(selector)+`).value === `+quoteJS(text))
}

// choose picks an option of a list in the form that is open.
func (p *tab) choose(t *testing.T, selector, value string) {
	t.Helper()
	read[bool](t, p, `((e) => { e.value = `+quoteJS(value)+`; e.dispatchEvent(new Event('change', {bubbles: true})); return true })(document.querySelector(`+quoteJS("dialog "+selector)+`))`)
	p.until(t, `document.querySelector(`+quoteJS("dialog "+selector)+`).value === `+quoteJS(value))
}

// refusedOnce checks that the API refused one request with 400, and that nothing else went wrong.
func (p *tab) refusedOnce(t *testing.T, where string) {
	t.Helper()
	faults := p.takeFaults()
	if n := len(slices.DeleteFunc(slices.Clone(faults), func(f string) bool { return !strings.HasPrefix(f, "400 for") })); n != 1 {
		t.Errorf("%s: faults %q, want one refusal", where, faults)
	}
	for _, f := range faults {
		if !strings.Contains(f, "400") {
			t.Errorf("%s: %s", where, f)
		}
	}
}

// A budget's life in the console: made in the form, spent by calls through the gateway, changed, deleted.
func TestBudgetsInABrowser(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	axe := axeSource(t)
	w := startWeir(t, simulatedOpenAI(t, simulator.Config{Seed: 9}))
	p := newTab(t, browser, w.url)
	p.do(t, chromedp.Navigate(w.signIn))
	p.until(t, settled)
	const user = `<svg/onload=window.__xss=1>`
	name := hostile[1]
	call := func() {
		t.Helper()
		w.callSaid(t, `{"model":"gpt-4o","max_tokens":50,"messages":[{"role":"user","content":"Hello"}]}`, map[string]string{"X-Weir-User": user, "X-Sim-Text": "Good day to you."})
	}
	budgets := func() shownBudgets {
		t.Helper()
		var list shownBudgets
		w.get(t, "/budgets", &list)
		return list
	}

	p.open(t, "/budgets")
	p.shows(t, "weir budgets set team-a --scope tag.team=a")
	p.examine(t, "/budgets without any", axe)

	// What the API does not take stands beside its field.
	p.clickText(t, "main button", "Make the first budget")
	p.until(t, `document.querySelector('dialog[open] form')`)
	p.accessible(t, "the form", axe)
	p.clickText(t, "dialog button", "Narrow it")
	p.choose(t, "fieldset select", "user")
	p.clickText(t, "dialog button", "Make the budget")
	p.until(t, `document.querySelector('#wrong-limit')?.textContent.includes('limit_usd') && document.querySelector('#wrong-name')?.textContent.includes('1 to 100') && document.querySelector('#wrong-scope')?.textContent.includes('user is empty')`)
	p.accessible(t, "the form with faults", axe)
	p.refusedOnce(t, "the form with faults")

	p.fill(t, "input[name=name]", name)
	p.fill(t, `fieldset input[aria-label="Value, 1"]`, user)
	p.choose(t, "select[name=window]", "year")
	p.fill(t, "input[name=limit_usd]", "0.5")
	p.fill(t, "input[name=limit_calls]", "10")
	p.choose(t, "select[name=policy]", "strict")
	p.fill(t, "input[name=soft]", "20, 90")
	p.wide(t, 390)
	p.fits(t, "the form at 390 px")
	p.wide(t, 1280)
	p.clickText(t, "dialog button", "Make the budget")
	p.until(t, `!document.querySelector('dialog[open]') && document.querySelectorAll('.gauge').length === 2`)
	made := budgets().Budgets
	if len(made) != 1 || made[0].Name != name || made[0].Scope["user"] != user || made[0].Window != "year" || made[0].Policy != "strict" || !slices.Equal(made[0].Soft, []int{20, 90}) {
		t.Fatalf("the form made %+v", made)
	}
	if dollars(t, *made[0].LimitUSD).Cmp(dollars(t, "0.5")) != 0 || *made[0].LimitCalls != 10 {
		t.Errorf("limits %v and %v", *made[0].LimitUSD, *made[0].LimitCalls)
	}

	// What calls cost stands on the bar, as the API says it.
	call()
	call()
	w.settle(t)
	p.until(t, `document.querySelector('.gauge[data-kind=calls] [data-spent]').dataset.spent === '2'`)
	spent := budgets().Budgets[0]
	got := read[string](t, p, `document.querySelector('.gauge[data-kind=usd] [data-spent]').dataset.spent`)
	left := read[string](t, p, `document.querySelector('.gauge[data-kind=usd] [data-left]').dataset.left`)
	if got != spent.SpentUSD || dollars(t, got).Sign() <= 0 || left != *spent.RemainingUSD {
		t.Errorf("the page says %s spent and %s left, the API %s and %s", got, left, spent.SpentUSD, *spent.RemainingUSD)
	}
	eventually(t, patience, func() error { // what was spent before the budget was made is counted in the background
		if state := budgets().Budgets[0].State; state != "soft" {
			return fmt.Errorf("2 of 10 calls, told at 20 %%: state %q", state)
		}
		return nil
	})
	p.shows(t, "soft limit 20%")
	p.until(t, `document.querySelector('.burn .uplot canvas')`)
	p.shows(t, "Nothing is held")
	p.examine(t, "/budgets", axe)
	p.clickText(t, ".burn button", "Calls")
	p.click(t, `.burn button[aria-label="Table"]`)
	p.until(t, `document.querySelector('.burn tbody tr td:nth-child(3)')?.textContent === '2'`)
	p.examine(t, "/budgets, table", axe)
	p.click(t, `.burn button[aria-label="Chart"]`)

	// A change keeps what was spent.
	p.click(t, `.budget button[aria-label^="Edit"]`)
	p.fill(t, "input[name=limit_calls]", "2")
	p.fill(t, "input[name=limit_usd]", "a lot")
	p.clickText(t, "dialog button", "Save")
	p.until(t, `document.querySelector('#wrong-limit')?.textContent.includes('not an amount of dollars')`)
	p.refusedOnce(t, "no amount")
	p.fill(t, "input[name=limit_usd]", "1.25")
	p.clickText(t, "dialog button", "Save")
	p.until(t, `!document.querySelector('dialog[open]') && document.querySelector('.budget .badge.bad')?.textContent.includes('spent')`)
	if b := budgets().Budgets[0]; dollars(t, *b.LimitUSD).Cmp(dollars(t, "1.25")) != 0 || *b.LimitCalls != 2 || b.SpentCalls != 2 || b.State != "spent" {
		t.Errorf("changed to %+v", b)
	}
	if got := w.statusOf(t, user); got != http.StatusTooManyRequests {
		t.Errorf("a call beyond the limit is answered %d", got)
	}
	p.accessible(t, "a spent budget", axe)

	p.click(t, `.budget button[aria-label^="Delete"]`)
	p.clickText(t, "dialog button", "Delete the budget")
	p.until(t, `document.querySelector('.empty h2')`)
	if left := budgets().Budgets; len(left) != 0 {
		t.Errorf("left after the deletion: %+v", left)
	}
	if got := w.statusOf(t, user); got != http.StatusOK {
		t.Errorf("a call without the budget is answered %d", got)
	}
	if ran := read[string](t, p, `String(window.__xss)`); ran != "undefined" {
		t.Error("a budget's name ran")
	}
	p.clean(t, "budgets")
}

// statusOf makes a call of a user and gives the status of its answer.
func (s *service) statusOf(t *testing.T, user string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.gateway+"/chat/completions", strings.NewReader(`{"model":"gpt-4o","max_tokens":50,"messages":[{"role":"user","content":"Hello"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.firstKey.Reveal())
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Weir-User", user)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// A call that hangs holds its budget; the page shows the hold, and gives it back when told to.
func TestHoldsInABrowser(t *testing.T) {
	browser := startBrowser(t)
	axe := axeSource(t)
	w := startWeir(t, simulatedOpenAI(t, simulator.Config{Seed: 11}))
	t.Setenv("WEIR_URL", w.url)
	t.Setenv("WEIR_ADMIN_TOKEN", w.admin.Reveal())
	if out, err := weirSays(t, "budgets", "set", "everything", "--window", "lifetime", "--usd", "1", "--policy", "strict"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ctx, leave := context.WithCancel(t.Context())
	var caller sync.WaitGroup
	defer caller.Wait()
	defer leave()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.gateway+"/chat/completions", strings.NewReader(`{"model":"gpt-4o","max_tokens":1000,"messages":[{"role":"user","content":"Hello"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.firstKey.Reveal())
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Sim-Hang", "true")
	caller.Go(func() {
		if resp, err := http.DefaultClient.Do(req); err == nil { // it ends when the caller leaves
			resp.Body.Close()
		}
	})

	p := newTab(t, browser, w.url)
	p.do(t, chromedp.Navigate(w.signIn))
	p.until(t, settled)
	p.open(t, "/budgets")
	p.until(t, `document.querySelector('section[aria-label="Holds in flight"] tbody td:nth-child(5)')?.textContent.includes('everything') && document.querySelector('.gauge .held[style*="width"]').style.width !== '0%'`)
	var holds struct {
		Holds []struct {
			Budgets []struct {
				USD string `json:"usd"`
			} `json:"budgets"`
		} `json:"holds"`
	}
	w.get(t, "/budgets/holds", &holds)
	if len(holds.Holds) != 1 || len(holds.Holds[0].Budgets) != 1 || dollars(t, holds.Holds[0].Budgets[0].USD).Cmp(dollars(t, "0.01")) < 0 { // 1000 tokens of output at 10 dollars per million
		t.Fatalf("holds %+v", holds)
	}
	p.examine(t, "/budgets with a hold", axe)
	p.clickText(t, `section[aria-label="Holds in flight"] button`, "Release")
	p.accessible(t, "the question before a release", axe)
	p.clickText(t, "dialog button", "Release the hold")
	p.until(t, `!document.querySelector('dialog[open]') && document.body.textContent.includes('Nothing is held')`)
	if w.get(t, "/budgets/holds", &holds); len(holds.Holds) != 0 {
		t.Errorf("left after the release: %+v", holds)
	}
	p.clean(t, "holds")
}
