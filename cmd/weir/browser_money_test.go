package main

import (
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/weir-dev/weir/internal/simulator"
)

// write types into a field of the page that is open, in place of what stands there.
func (p *tab) write(t *testing.T, selector, text string) {
	t.Helper()
	p.until(t, `document.querySelector(`+quoteJS(selector)+`)`)
	read[bool](t, p, `((e) => { e.focus(); e.value = `+quoteJS(text)+`; e.dispatchEvent(new Event('input', {bubbles: true})); return true })(document.querySelector(`+quoteJS(selector)+`))`)
}

// pick chooses an option of a list of the page.
func (p *tab) pick(t *testing.T, selector, value string) {
	t.Helper()
	p.until(t, `document.querySelector(`+quoteJS(selector)+`)`)
	read[bool](t, p, `((e) => { e.value = `+quoteJS(value)+`; e.dispatchEvent(new Event('change', {bubbles: true})); return true })(document.querySelector(`+quoteJS(selector)+`))`)
}

// A model without a price gets one in the console, its calls are repriced, and the book shows whom it is for.
func TestPricesInABrowser(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	axe := axeSource(t)
	cfg := simulatedOpenAI(t, simulator.Config{Seed: 12})
	cfg.Providers[0].PriceAs = "own" // no such provider is in the book
	w := startWeir(t, cfg)
	p := newTab(t, browser, w.url)
	p.do(t, chromedp.Navigate(w.signIn))
	p.until(t, settled)
	for range 3 {
		w.callSaid(t, `{"model":"gpt-4o","max_tokens":50,"messages":[{"role":"user","content":"Hello"}]}`, map[string]string{"X-Sim-Text": "Good day to you."})
	}
	w.settle(t)
	const project = `<img src=x onerror=window.__xss=1>`

	p.open(t, "/models?tab=unpriced")
	p.until(t, `document.querySelector('section[aria-label="Without a price"] tbody td:nth-child(4)')?.textContent.match(/\d/)`)
	row := read[[]string](t, p, `[...document.querySelectorAll('section[aria-label="Without a price"] tbody tr td')].map((e) => e.textContent)`)
	var costs struct {
		Total struct {
			Input  int64 `json:"input_tokens"`
			Output int64 `json:"output_tokens"`
		} `json:"total"`
	}
	w.get(t, "/costs?unpriced=true", &costs)
	if !strings.Contains(row[0], "gpt-4o") || row[1] != "3" || row[2] != fmt.Sprint(costs.Total.Input) || row[3] != fmt.Sprint(costs.Total.Output) || costs.Total.Output == 0 {
		t.Errorf("the row says %q, the API %+v", row, costs.Total)
	}
	p.examine(t, "/models, unpriced", axe)

	// What is no price stands beside its field; then it is one.
	p.clickText(t, `section[aria-label="Without a price"] tbody button`, "Set a price")
	p.until(t, `document.querySelector('dialog[open] form')`)
	p.accessible(t, "the form of a price", axe)
	p.wide(t, 390)
	p.fits(t, "the form of a price at 390 px")
	p.wide(t, 1280)
	p.fill(t, "input[name=input]", "a lot")
	p.fill(t, "input[name=output]", "8.5")
	p.clickText(t, "dialog button", "Set the price")
	p.until(t, `document.querySelector('#wrong-input')?.textContent.includes('is no price')`)
	p.fill(t, "input[name=input]", "2.25")
	p.clickText(t, "dialog button", "Set the price")
	p.until(t, `!document.querySelector('dialog[open]') && document.querySelector('section[aria-label="Without a price"] tbody .badge.ok')?.textContent.includes('to be repriced')`)
	var book struct {
		Prices []struct {
			Model  string `json:"model"`
			Input  string `json:"input_usd_per_mtok"`
			Output string `json:"output_usd_per_mtok"`
		} `json:"prices"`
	}
	if w.get(t, "/prices?provider=own", &book); len(book.Prices) != 1 || book.Prices[0].Input != "2.25" || book.Prices[0].Output != "8.5" {
		t.Fatalf("the form set %+v", book)
	}

	// A dry run shows what repricing adds, and changes nothing until it is applied.
	p.clickText(t, "button", "Dry run")
	p.until(t, `document.querySelector('[data-reprice] tfoot [data-difference]')`)
	shown := read[string](t, p, `document.querySelector('[data-reprice] tfoot [data-difference]').dataset.difference`)
	want := new(big.Rat).Add(
		new(big.Rat).Mul(dollars(t, "2.25"), big.NewRat(costs.Total.Input, 1_000_000)),
		new(big.Rat).Mul(dollars(t, "8.5"), big.NewRat(costs.Total.Output, 1_000_000)))
	if dollars(t, shown).Cmp(want) != 0 {
		t.Errorf("the dry run shows %s, want %s", shown, want.FloatString(9))
	}
	total := func() *string {
		t.Helper()
		var costs struct {
			Total struct {
				Cost *string `json:"cost_usd"`
			} `json:"total"`
		}
		w.get(t, "/costs", &costs)
		return costs.Total.Cost
	}
	if c := total(); c != nil {
		t.Errorf("a dry run made the calls cost %s", *c)
	}
	p.examine(t, "/models, a dry run", axe)
	p.clickText(t, "button", "Apply the difference")
	p.clickText(t, "dialog button", "Add the difference")
	p.until(t, `document.body.textContent.includes('Added as adjustments') && document.querySelector('.empty h2')?.textContent.includes('Every model that was called has a price')`)
	if c := total(); c == nil || dollars(t, *c).Cmp(want) != 0 {
		t.Errorf("after the reprice the calls cost %v, want %s", c, want.FloatString(9))
	}

	// The book: a project's own price stands behind its model, with the discount, as text.
	w.post(t, http.MethodPost, "/prices", `{"provider":"openai","model":"gpt-4o-mini","project":`+quoteJS(project)+`,"input_usd_per_mtok":"0.12","output_usd_per_mtok":"0.48"}`, http.StatusCreated, nil)
	p.open(t, "/models?q=openai+gpt-4o-mini&provider=openai")
	p.until(t, `document.querySelector('.fold-btn')`)
	p.clickText(t, ".fold-btn", "gpt-4o-mini")
	p.until(t, `document.querySelector('.details')`)
	p.shows(t, project)
	if got := read[string](t, p, `[...document.querySelectorAll('.details .delta')].map((e) => e.textContent.trim()).join()`); got != "−20%,−20%" {
		t.Errorf("the discount is shown as %q", got)
	}
	p.examine(t, "/models, a model's prices", axe)
	p.clickText(t, ".details button", "Remove")
	p.clickText(t, "dialog button", "Remove the price")
	p.until(t, `!document.querySelector('dialog[open]') && document.body.textContent.includes('Every project pays the price of the book')`)
	p.write(t, "#search", "no such model at all")
	p.until(t, `document.querySelector('.empty h2')?.textContent === 'No such model in the book'`)
	p.accessible(t, "no such model", axe)
	if ran := read[string](t, p, `String(window.__xss)`); ran != "undefined" {
		t.Error("a project's name ran")
	}
	p.clean(t, "prices")
}

// The simulator shows what the API says of amounts and of recorded calls.
func TestSimulatorInABrowser(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	axe := axeSource(t)
	w := startWeir(t, simulatedOpenAI(t, simulator.Config{Seed: 13}))
	p := newTab(t, browser, w.url)
	p.do(t, chromedp.Navigate(w.signIn))
	p.until(t, settled)
	for range 2 {
		w.callSaid(t, `{"model":"gpt-4o","max_tokens":50,"messages":[{"role":"user","content":"Hello"}]}`, map[string]string{"X-Sim-Text": "Good day to you.", "X-Sim-Cached": "0"})
	}
	w.settle(t)
	const models = "openai/gpt-4o-mini,anthropic/claude-sonnet-4-5,openai/<b>no-such"
	p.open(t, "/models?"+url.Values{"tab": {"simulator"}, "models": {models}}.Encode())
	p.write(t, "input[name=input_uncached]", "300k")
	p.write(t, "input[name=cache_read]", "")
	p.write(t, "input[name=output_text]", "many")
	p.until(t, `document.querySelector('#wrong-output_text')`)
	p.write(t, "input[name=output_text]", "1,200")
	p.write(t, "input[name=reasoning]", "300")
	p.pick(t, "select[name=tier]", "batch")
	var want struct {
		Quotes []struct {
			Provider string
			Model    string
			CostUSD  *string `json:"cost_usd"`
			Lines    []struct {
				Rule      string
				AmountUSD *string `json:"amount_usd"`
			}
		}
		Recorded struct {
			Calls       int64
			RecordedUSD string `json:"recorded_usd"`
			Models      []struct {
				SimulatedUSD string `json:"simulated_usd"`
			}
		}
	}
	const asked = `"models":[{"provider":"openai","model":"gpt-4o-mini"},{"provider":"anthropic","model":"claude-sonnet-4-5"},{"provider":"openai","model":"<b>no-such"}],"service_tier":"batch"`
	w.post(t, http.MethodPost, "/prices/simulate", `{`+asked+`,"usage":{"input_uncached":300000,"output_text":1200,"reasoning":300},"recorded":{"since":"7d"}}`, http.StatusOK, &want)
	p.until(t, fmt.Sprintf(`document.querySelector('[data-quotes] [data-model="openai/gpt-4o-mini"] [data-cost]')?.dataset.cost === %s`, quoteJS(*want.Quotes[0].CostUSD)))
	for _, q := range want.Quotes {
		cost := ""
		if q.CostUSD != nil {
			cost = *q.CostUSD
		}
		name := q.Provider + "/" + q.Model
		got := read[string](t, p, `[...document.querySelectorAll('[data-quotes] [data-model]')].find((e) => e.dataset.model === `+quoteJS(name)+`).querySelector('[data-cost]').dataset.cost`)
		if got != cost {
			t.Errorf("%s: the page says %q, the API %q", name, got, cost)
		}
		card := read[string](t, p, `[...document.querySelectorAll('section.card')].find((e) => e.getAttribute('aria-label') === `+quoteJS(name)+`).textContent`)
		sum := new(big.Rat)
		for _, l := range q.Lines {
			if !strings.Contains(card, l.Rule) {
				t.Errorf("%s: the rule %q is not shown", name, l.Rule)
			}
			if l.AmountUSD != nil {
				sum.Add(sum, dollars(t, *l.AmountUSD))
			}
		}
		if q.CostUSD != nil && sum.Cmp(dollars(t, cost)) != 0 {
			t.Errorf("%s: the lines make %s, the cost is %s", name, sum.FloatString(12), cost)
		}
	}
	if want.Quotes[2].CostUSD != nil {
		t.Errorf("a model that is not there costs %s", *want.Quotes[2].CostUSD)
	}
	p.clickText(t, "button", "Price the calls")
	p.until(t, `document.querySelectorAll('[data-recorded] tbody tr').length === 4`)
	figures := read[[]string](t, p, `[...document.querySelectorAll('[data-recorded] [data-cost]')].map((e) => e.dataset.cost)`)
	for _, amount := range []string{want.Recorded.RecordedUSD, want.Recorded.Models[0].SimulatedUSD, want.Recorded.Models[1].SimulatedUSD} {
		if !slices.Contains(figures, amount) || dollars(t, amount).Sign() == 0 {
			t.Errorf("the page says %q, the API %s", figures, amount)
		}
	}
	p.examine(t, "/models, simulator", axe)
	p.click(t, `button[aria-label="Remove openai/<b>no-such"]`)
	p.until(t, `document.querySelectorAll('[data-quotes] tbody tr').length === 2`)
	p.write(t, "input[name=add-model]", "gpt-5") // by its model alone
	p.clickText(t, ".sim-form button", "Add")
	p.until(t, `document.querySelectorAll('[data-quotes] tbody tr').length === 3 && location.search.includes('gpt-5')`)
	p.clean(t, "simulator")
}

// The Cache page shows what the cache did, by what, and can empty a part of it.
func TestCacheInABrowser(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	axe := axeSource(t)
	w := startWeir(t, simulatedOpenAI(t, simulator.Config{Seed: 10}))
	p := newTab(t, browser, w.url)
	p.do(t, chromedp.Navigate(w.signIn))
	p.until(t, settled)
	p.open(t, "/cache")
	p.until(t, `document.querySelector('.empty h2')?.textContent === 'No calls in this range'`)
	p.examine(t, "/cache without calls", axe)
	team := hostile[0]
	for _, model := range []string{"gpt-4o", "gpt-4o", "gpt-4o", "gpt-4o-mini"} {
		w.callSaid(t, `{"model":"`+model+`","temperature":0,"messages":[{"role":"user","content":"Hello"}]}`, map[string]string{"X-Weir-Cache": "read", "X-Weir-Tags": "team=" + team, "X-Sim-Text": "Good day to you."})
	}
	w.callSaid(t, `{"model":"gpt-4o","messages":[{"role":"user","content":"Hello"}]}`, map[string]string{"X-Sim-Text": "Good day to you."})
	w.settle(t)
	figures := func() map[string]string {
		t.Helper()
		return read[map[string]string](t, p, `Object.fromEntries([...document.querySelectorAll('[data-cache] > div')].map((e) => [e.querySelector('dt').textContent, e.querySelector('dd').textContent]))`)
	}
	p.open(t, "/cache")
	p.until(t, `document.querySelector('[data-cache]') && document.querySelector('.uplot canvas')`)
	if got := figures(); got["Hits"] != "2" || got["Misses"] != "2" || got["Hit rate"] != "50%" || got["Entries"] != "2" || !strings.HasPrefix(got["Saved"], "$0.0") {
		t.Errorf("figures %q", got)
	}
	tiles := read[map[string]string](t, p, `Object.fromEntries([...document.querySelectorAll('[data-tile]')].map((e) => [e.dataset.tile, e.querySelector('.v').title || e.querySelector('.v').textContent]))`)
	var costs struct {
		Rows []struct {
			Cache string
			Calls int64
		}
		Total struct {
			SavedUSD  string `json:"saved_usd"`
			CacheHits int64  `json:"cache_hits"`
		}
	}
	w.get(t, "/costs?by=cache", &costs)
	if dollars(t, tiles["Saved"]).Cmp(dollars(t, costs.Total.SavedUSD)) != 0 || tiles["Hits"] != fmt.Sprint(costs.Total.CacheHits) || tiles["Hit rate"] != "50%" || tiles["Misses"] != "2" {
		t.Errorf("tiles %q, the API says %+v", tiles, costs)
	}
	if len(costs.Rows) != 3 {
		t.Errorf("by cache: %+v", costs.Rows)
	}
	p.shows(t, "1 call that did not ask it")
	p.clickText(t, `[aria-label="Measure"] button`, "Saved")
	p.click(t, `button[aria-label="Table"]`)
	p.until(t, `document.querySelector('section[aria-label="Saved by the cache"] tbody tr')`)
	p.write(t, ".tag-field", "team")
	p.clickText(t, "button", "By tag")
	p.until(t, `document.querySelector('[data-groups] tbody td')?.textContent === `+quoteJS(team))
	p.examine(t, "/cache", axe)

	// A part of it first: what is no tag is said, then one model's answers go.
	p.clickText(t, `section[aria-label="Response cache"] button`, "Purge")
	p.fill(t, "input[name=tag]", "team")
	p.until(t, `document.querySelector('dialog .wrong')`)
	p.accessible(t, "the dialog of a purge", axe)
	p.fill(t, "input[name=tag]", "team="+team)
	p.fill(t, "input[name=model]", "gpt-4o-mini")
	p.clickText(t, "dialog button", "Purge these answers")
	p.until(t, `!document.querySelector('dialog[open]') && [...document.querySelectorAll('[data-cache] > div')].some((e) => e.textContent === 'Entries1')`)
	p.clickText(t, `section[aria-label="Response cache"] button`, "Purge")
	p.clickText(t, "dialog button", "Purge the cache")
	p.until(t, `!document.querySelector('dialog[open]') && [...document.querySelectorAll('[data-cache] > div')].some((e) => e.textContent === 'Entries0')`)
	if ran := read[string](t, p, `String(window.__xss)`); ran != "undefined" {
		t.Error("a tag's value ran")
	}
	p.clean(t, "cache")
}

// Advice and forecast are what the API says; a finding leads to its calls.
func TestAdviceInABrowser(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	axe := axeSource(t)
	w := startWeir(t, simulatedOpenAI(t, simulator.Config{Seed: 14}))
	p := newTab(t, browser, w.url)
	p.do(t, chromedp.Navigate(w.signIn))
	p.until(t, settled)
	p.open(t, "/costs/advice")
	p.until(t, `document.querySelector('.empty h2')?.textContent === 'No calls in this range'`)
	p.examine(t, "/costs/advice without calls", axe)

	w.seed(t, 6, 150)
	var advice struct {
		Calls    int64
		Findings []struct {
			Title  string
			Filter map[string]string
			Saving string `json:"saving_usd_30d"`
		}
	}
	w.get(t, "/costs/advice?since=30d&min_usd=0", &advice)
	if len(advice.Findings) == 0 || advice.Calls == 0 {
		t.Fatalf("no advice: %+v", advice)
	}
	p.open(t, "/costs/advice?small=show")
	p.until(t, `document.querySelector('.finding [data-saving]')`)
	titles := read[[]string](t, p, `[...document.querySelectorAll('.finding h2')].map((e) => e.textContent)`)
	savings := read[[]string](t, p, `[...document.querySelectorAll('.finding [data-saving]')].map((e) => e.dataset.saving)`)
	if want := min(len(advice.Findings), 8); len(titles) != want {
		t.Errorf("%d findings are shown, want %d", len(titles), want)
	}
	for i := range titles {
		if f := advice.Findings[i]; titles[i] != f.Title || dollars(t, savings[i]).Sign() <= 0 {
			t.Errorf("finding %d: %q saves %s, the API says %q and %s", i, titles[i], savings[i], f.Title, f.Saving)
		}
	}
	p.shows(t, "they do not add up")
	p.examine(t, "/costs/advice", axe)
	p.clickText(t, ".finding a", "See the calls")
	p.until(t, `location.pathname === '/calls' && document.querySelectorAll('.lbody a.hit').length > 0`)
	for name, value := range advice.Findings[0].Filter {
		if got := read[string](t, p, `String(new URLSearchParams(location.search).get(`+quoteJS(name)+`))`); got != value && name != "since" && name != "until" {
			t.Errorf("the calls are filtered by %s=%q, want %q", name, got, value)
		}
	}

	var ahead struct {
		Spent    string  `json:"spent_usd"`
		Expected *string `json:"expected_usd"`
		Low      *string `json:"low_usd"`
	}
	w.get(t, "/costs/forecast?window=year", &ahead)
	p.open(t, "/costs")
	p.clickText(t, `[aria-label="Window"] button`, "Year")
	p.until(t, `document.querySelector('[data-forecast] dd')?.title && document.querySelector('[aria-label="Window"] [aria-pressed="true"]').textContent === 'Year' && document.querySelectorAll('.uplot canvas').length === 2`)
	shown := read[[]string](t, p, `[...document.querySelectorAll('[data-forecast] dd')].map((e) => e.title)`)
	if dollars(t, shown[0]).Cmp(dollars(t, ahead.Spent)) != 0 || dollars(t, ahead.Spent).Sign() <= 0 {
		t.Errorf("the page says %s is spent, the API %s", shown[0], ahead.Spent)
	}
	if ahead.Expected == nil || len(shown) < 2 {
		t.Fatalf("no forecast from six days: %+v, shown %q", ahead, shown)
	}
	got, _ := dollars(t, shown[1]).Float64()
	want, _ := dollars(t, *ahead.Expected).Float64()
	if got < want*0.98 || got > want*1.02 { // they were made some seconds apart
		t.Errorf("the page expects %s, the API %s", shown[1], *ahead.Expected)
	}
	p.click(t, `[aria-label="View of the forecast"] button[aria-label="Table"]`)
	p.until(t, `document.querySelectorAll('[aria-label="Forecast, table"] tbody tr').length > 5`)
	p.examine(t, "/costs with the forecast's table", axe)
	p.clean(t, "advice")
}

// What happens to budgets stands on their page as the API tells it, under the budget's name as text.
func TestBudgetEventsInABrowser(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	axe := axeSource(t)
	w := startWeir(t, simulatedOpenAI(t, simulator.Config{Seed: 15}))
	p := newTab(t, browser, w.url)
	p.do(t, chromedp.Navigate(w.signIn))
	p.until(t, settled)
	name := hostile[1]
	const user = "eager"
	w.post(t, http.MethodPost, "/budgets", `{"name":`+quoteJS(name)+`,"scope":{"user":"`+user+`"},"window":"year","limit_calls":2,"thresholds":[50]}`, http.StatusCreated, nil)
	p.open(t, "/budgets")
	p.shows(t, "Nothing happened in this time")
	p.accessible(t, "no events", axe)
	for _, want := range []int{http.StatusOK, http.StatusOK, http.StatusTooManyRequests, http.StatusTooManyRequests, http.StatusTooManyRequests} {
		if got := w.statusOf(t, user); got != want {
			t.Fatalf("a call is answered %d, want %d", got, want)
		}
	}
	w.settle(t)
	p.until(t, `document.querySelector('[data-events] [data-kind="refused"]') && document.querySelectorAll('[data-events] [data-kind="threshold"]').length === 2`)
	var events struct {
		Events []struct {
			Budget    string
			Kind      string
			Count     int64
			Threshold *int
		}
	}
	w.get(t, "/budgets/events", &events)
	refused := int64(0)
	for _, e := range events.Events {
		if e.Budget != name {
			t.Errorf("an event of %q", e.Budget)
		}
		if e.Kind == "refused" {
			refused = e.Count
		}
	}
	if refused != 3 {
		t.Errorf("the API counts %d refusals, want 3: %+v", refused, events.Events)
	}
	p.until(t, `document.querySelector('[data-events] [data-kind="refused"]').textContent.includes('3 calls refused at 2 of 2 calls spent')`)
	p.shows(t, "100% of the limit reached")
	if got := read[string](t, p, `document.querySelector('[data-events] .who').textContent`); got != name {
		t.Errorf("the budget is called %q", got)
	}
	if lanes := read[int](t, p, `document.querySelectorAll('.lanes .track i').length`); lanes != len(events.Events) {
		t.Errorf("%d marks on the time line for %d events", lanes, len(events.Events))
	}
	p.examine(t, "/budgets with events", axe)
	p.clickText(t, `[data-events] [data-kind="refused"] a`, "calls")
	p.until(t, `location.pathname === '/calls' && document.querySelectorAll('.lbody a.hit').length === 3`)
	if ran := read[string](t, p, `String(window.__xss)`); ran != "undefined" {
		t.Error("a budget's name ran")
	}
	p.clean(t, "events")
}
