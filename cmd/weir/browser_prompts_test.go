package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/weir-dev/weir/internal/simulator"
)

// shownPrompt is what the API says of a prompt.
type shownPrompt struct {
	Versions []struct {
		Version   int     `json:"version"`
		Author    string  `json:"author"`
		Message   string  `json:"message"`
		DeletedAt *string `json:"deleted_at"`
	} `json:"versions"`
	Labels []struct {
		Label   string `json:"label"`
		Version int    `json:"version"`
	} `json:"labels"`
}

// label gives the version that a label points to; 0 none.
func (p shownPrompt) label(name string) int {
	for _, l := range p.Labels {
		if l.Label == name {
			return l.Version
		}
	}
	return 0
}

// expected takes those answers out of what went wrong that a test asked for, and fails on any other.
func (p *tab) expected(t *testing.T, where string, statuses ...string) {
	t.Helper()
	for _, f := range p.takeFaults() {
		if !slices.ContainsFunc(statuses, func(s string) bool { return strings.Contains(f, s) }) {
			t.Errorf("%s: %s", where, f)
		}
	}
}

// told waits for a toast, once no dialog is open.
func (p *tab) told(t *testing.T, words string) {
	t.Helper()
	p.until(t, `!document.querySelector('dialog[open]') && document.querySelector('.toast')?.textContent.includes(`+quoteJS(words)+`)`)
}

// A prompt's life in the console: written, rendered, changed, compared, its label moved, protected, asked for, approved by
// somebody else, merged, rolled back.
func TestPromptsInABrowser(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	axe := axeSource(t)
	w := startWeir(t, simulatedOpenAI(t, simulator.Config{Seed: 31}))
	p := newTab(t, browser, w.url)
	p.do(t, chromedp.Navigate(w.signIn))
	p.until(t, settled)
	prompt := func() shownPrompt {
		t.Helper()
		var s shownPrompt
		w.get(t, "/prompts/greet", &s)
		return s
	}

	p.open(t, "/prompts")
	p.until(t, `document.querySelector('.empty h2')?.textContent === 'Push the first prompt'`)
	p.shows(t, "weir prompts push greet.prompt --message 'the first one' --label production")
	p.examine(t, "/prompts without any", axe)

	// What is wrong stands where it is; nothing is stored before.
	p.clickText(t, "main button", "Write the first prompt")
	p.write(t, "input[name=prompt-name]", "no name/at all")
	p.until(t, `document.querySelector('#name-rule.wrong')`)
	p.write(t, "input[name=prompt-name]", "greet")
	p.write(t, `textarea[aria-label="Message 1"]`, hostile[0]+" Be kind.\nSign as {{shop}}.")
	p.write(t, `textarea[aria-label="Message 2"]`, "I am {{name}}.\n{{#orders}}{{id}}")
	p.until(t, `document.querySelector('#f-message-2')?.textContent.startsWith('Line 2, column 1')`)
	p.accessible(t, "the editor with a fault", axe)
	p.until(t, `[...document.querySelectorAll('button')].find((b) => b.textContent === 'Store the version').disabled`)
	p.write(t, `textarea[aria-label="Message 2"]`, "I am {{name}}.\n{{#orders}}{{id}} {{/orders}}")
	p.until(t, `document.querySelector('[data-check] .badge.ok')`)
	if uses := read[[]string](t, p, `[...document.querySelectorAll('[data-uses] li b')].map((e) => e.textContent)`); !slices.Equal(uses, []string{"shop", "name", "orders"}) {
		t.Errorf("it asks for %q", uses)
	}
	p.click(t, `button[aria-label="Move message 2 up"]`)
	p.until(t, `document.querySelector('textarea[aria-label="Message 1"]').value.startsWith('I am')`)
	p.click(t, `button[aria-label="Move message 2 up"]`)
	p.until(t, `document.querySelector('textarea[aria-label="Message 2"]').value.startsWith('I am')`)
	read[int](t, p, `[...document.querySelectorAll('details.raw')].map((d) => (d.open = true)).length`)
	p.write(t, `textarea[aria-label="Settings"]`, `{"temperature": `)
	p.until(t, `document.querySelector('#f-settings')?.textContent.includes('not JSON')`)
	p.write(t, `textarea[aria-label="Settings"]`, `{"temperature": 0, "model": "gpt-4o"}`)
	p.until(t, `document.querySelector('#f-settings')?.textContent.includes('model is none of the settings')`)
	p.write(t, `textarea[aria-label="Settings"]`, `{"temperature": 0}`)
	p.write(t, "input[name=prompt-model]", "gpt-4o-mini")
	p.write(t, "input[name=message]", hostile[1])
	p.write(t, "input[name=label]", "production")
	p.until(t, `document.querySelector('[data-check] .badge.ok')?.textContent === 'it can be stored'`)
	p.expected(t, "the editor", "422")
	p.wide(t, 390)
	p.fits(t, "the editor at 390 px")
	p.wide(t, 1280)
	p.clickText(t, "main button", "Store the version")
	p.until(t, `location.pathname === '/prompts/greet' && document.querySelector('.template .mtag') && `+settled)
	if got := prompt(); len(got.Versions) != 1 || got.Versions[0].Message != hostile[1] || got.Versions[0].Author != "admin" || got.label("production") != 1 {
		t.Fatalf("stored %+v", got)
	}
	p.shows(t, hostile[0])
	p.expected(t, "stored", "422")
	p.examine(t, "a prompt", axe)

	// Variables: what is missing stands beside its field, and a value is never a template.
	p.clickText(t, "[data-render] button", "Render v1")
	p.until(t, `document.querySelector('[data-render] .wrong')?.textContent.includes('is missing')`)
	p.accessible(t, "a variable that is missing", axe)
	p.expected(t, "a missing variable", "422")
	p.write(t, `[data-render] [data-variable=name]`, "{{shop}} "+hostile[2])
	p.write(t, `[data-render] [data-variable=shop]`, "Velo")
	p.write(t, `[data-render] [data-variable=orders]`, `[{"id": "A1"}`)
	p.until(t, `[...document.querySelectorAll('[data-render] .wrong')].some((e) => e.textContent.includes('not JSON'))`)
	p.write(t, `[data-render] [data-variable=orders]`, `[{"id": "A1"}]`)
	p.clickText(t, "[data-render] button", "Render v1")
	p.until(t, `document.querySelector('[aria-label="Rendered user"] .template')?.textContent === `+quoteJS("I am {{shop}} "+hostile[2]+".\nA1 "))

	// The next version, beside the first.
	p.clickText(t, "main a", "New version")
	p.until(t, `document.querySelector('textarea[aria-label="Message 2"]')`)
	p.write(t, `textarea[aria-label="Message 1"]`, hostile[0]+" Be brief.\nSign as {{shop}}.")
	p.write(t, "input[name=message]", "brief")
	p.until(t, `document.querySelector('[data-check] .badge.ok')?.textContent === 'it can be stored'`)
	p.clickText(t, "main button", "Store the version")
	p.until(t, `location.search === '?v=2' && `+settled)
	for range 3 {
		w.callSaid(t, `{"prompt":{"id":"greet@1","variables":{"name":"Ann","shop":"Velo","orders":[]}}}`, map[string]string{"X-Sim-Text": "Good day."})
	}
	scored := w.callSaid(t, `{"prompt":{"id":"greet@2","variables":{"name":"Ann","shop":"Velo","orders":[]}}}`, map[string]string{"X-Sim-Text": "Good day."})
	w.settle(t)
	w.post(t, http.MethodPost, "/scores", `{"call_id":"`+scored+`","name":"helpful","value":true}`, http.StatusCreated, nil)
	p.expected(t, "the next version", "422")
	p.open(t, "/prompts/greet?tab=compare&from=1&to=2")
	p.until(t, `document.querySelector('.lines-diff tr.changed')`)
	if got := read[[]string](t, p, `[...document.querySelectorAll('.lines-diff mark')].map((e) => e.textContent)`); !slices.Equal(got, []string{"kind", "brief"}) {
		t.Errorf("words that differ: %q", got)
	}
	p.until(t, `document.querySelector('[data-recent] tbody td:nth-child(2)')?.textContent.match(/\d/)`)
	p.examine(t, "/prompts/greet, compared", axe)

	// What each version came to, as the API says it.
	var usage struct {
		Versions []struct {
			Version int    `json:"version"`
			Calls   int    `json:"calls"`
			Cost    string `json:"cost_usd"`
		} `json:"versions"`
	}
	w.get(t, "/prompts/greet/usage", &usage)
	p.open(t, "/prompts/greet?tab=use")
	p.until(t, `document.querySelectorAll('[data-usage] tbody tr').length === 2`)
	calls := read[[]string](t, p, `[...document.querySelectorAll('[data-usage] tbody tr td:nth-child(2)')].map((e) => e.textContent)`)
	if len(usage.Versions) != 2 || !slices.Equal(calls, []string{"1", "3"}) {
		t.Errorf("calls %q, the API says %+v", calls, usage)
	}
	if got := read[string](t, p, `document.querySelector('[data-usage] [data-version="1"] td:nth-child(4) [title]').title`); dollars(t, got).Cmp(dollars(t, usage.Versions[1].Cost)) != 0 {
		t.Errorf("the page says %s, the API %s", got, usage.Versions[1].Cost)
	}
	p.until(t, `document.querySelector('[data-usage] [data-version="2"] td:last-child')?.textContent === '100%'`)
	p.shows(t, "helpful")
	p.examine(t, "/prompts/greet, use", axe)

	// A label moves, and the last move can be undone.
	p.open(t, "/prompts/greet?tab=labels")
	p.click(t, `button[aria-label="Move production"]`)
	p.until(t, `document.querySelector('dialog[open] select[name=version]')`)
	p.accessible(t, "the dialog of a move", axe)
	p.choose(t, "select[name=version]", "2")
	p.fill(t, "input[name=reason]", hostile[3])
	p.clickText(t, "dialog button", "Move the label")
	p.told(t, "production points to version 2")
	p.until(t, `document.querySelector('[data-moves] li')?.textContent.includes(`+quoteJS(hostile[3])+`)`)
	p.clickText(t, "[data-moves] button", "Undo")
	p.clickText(t, "dialog button", "Undo it")
	p.told(t, "production points to version 1")
	if got := prompt().label("production"); got != 1 {
		t.Fatalf("after the undoing production is at %d", got)
	}
	p.click(t, `button[aria-label="Protect production"]`)
	p.clickText(t, "dialog button", "Protect it")
	p.told(t, "Label protected")
	p.examine(t, "/prompts/greet, labels", axe)

	// Protected, it takes a request that somebody else approves.
	bob := w.addMember(t, "bob", "approver")
	p.open(t, "/prompts/greet?v=2")
	p.clickText(t, "main button", "Move a label here")
	p.fill(t, "input[name=reason]", "shorter "+hostile[4])
	p.clickText(t, "dialog button", "Open the change request")
	p.until(t, `location.pathname.startsWith('/changes/') && document.querySelector('.lines-diff mark') && `+settled)
	change := read[string](t, p, "location.pathname")
	p.shows(t, "You asked for this: somebody else has to approve it.")
	p.until(t, `[...document.querySelectorAll('main button')].find((b) => b.textContent === 'Merge').disabled`)
	p.examine(t, "a change request", axe)

	p2 := newTab(t, browser, w.url)
	p2.do(t, chromedp.Navigate(w.url+"/"))
	p2.signIn(t, bob)
	p2.until(t, settled)
	p2.expected(t, "signing in", "401")
	p2.shows(t, "bob, approver")
	p2.open(t, "/changes")
	p2.until(t, `document.querySelectorAll('[data-changes] tbody tr').length === 1`)
	p2.examine(t, "/changes", axe)
	p2.open(t, change)
	p2.write(t, "textarea[name=comment]", hostile[5])
	p2.clickText(t, "main button", "Approve")
	p2.until(t, `document.querySelector('.reviews li')?.textContent.includes(`+quoteJS(hostile[5])+`) && ![...document.querySelectorAll('main button')].find((b) => b.textContent === 'Merge').disabled`)
	p2.clickText(t, "main button", "Merge")
	p2.clickText(t, "dialog button", "Merge")
	p2.told(t, "production points to version 2")
	if got := prompt().label("production"); got != 2 {
		t.Fatalf("after the merge production is at %d", got)
	}
	p2.clickText(t, "main button", "Roll production back")
	p2.clickText(t, "dialog button", "Roll back")
	p2.until(t, `!document.querySelector('dialog[open]') && document.body.textContent.includes('production points to v1 by now')`)
	if got := prompt().label("production"); got != 1 {
		t.Errorf("after rolling back production is at %d", got)
	}

	// A request that is overtaken is stale.
	var made struct {
		ID string `json:"id"`
	}
	w.post(t, http.MethodPost, "/prompts/greet/changes", `{"label":"production","version":2}`, http.StatusCreated, &made)
	w.post(t, http.MethodPost, "/prompts/greet/labels/production/rollback", `{"version":2}`, http.StatusOK, nil)
	p2.open(t, "/changes/"+made.ID)
	p2.shows(t, "This request is stale.")
	p2.accessible(t, "a stale request", axe)
	p2.clickText(t, "main button", "Close without a move")
	p2.clickText(t, "dialog button", "Close it")
	p2.shows(t, "without a move.")
	p2.clean(t, "as bob")

	// A version that is deleted says so.
	p.open(t, "/prompts/greet?v=1")
	p.click(t, `button[aria-label="Delete version 1"]`)
	p.clickText(t, "dialog button", "Delete it for good")
	p.until(t, `document.body.textContent.includes('taken away for good by')`)
	if got := prompt(); got.Versions[1].DeletedAt == nil {
		t.Errorf("versions %+v", got.Versions)
	}
	p.examine(t, "a deleted version", axe)

	// The list, by keyboard.
	p.open(t, "/prompts")
	p.until(t, `document.querySelectorAll('[data-prompts] tbody tr').length === 1`)
	p.do(t, chromedp.KeyEvent("/"))
	p.until(t, `document.activeElement.id === 'search'`)
	p.do(t, chromedp.KeyEvent("no such"))
	p.until(t, `document.querySelector('.empty h2')?.textContent === 'No prompt matches'`)
	p.clickText(t, ".empty button", "Show all")
	p.until(t, `document.querySelector('[data-prompts] tbody td:nth-child(4)')?.textContent === '4'`)
	p.examine(t, "/prompts", axe)
	read[bool](t, p, `(document.activeElement.blur(), true)`)
	p.do(t, chromedp.KeyEvent("gl"))
	p.until(t, `location.pathname === '/playground'`)
	if ran := read[string](t, p, `String(window.__xss)`) + read[string](t, p2, `String(window.__xss)`); ran != "undefinedundefined" {
		t.Error("a prompt's text ran")
	}
	p.open(t, "/prompts/"+url.PathEscape(hostile[0]))
	p.shows(t, "All prompts")
	p.expected(t, "a prompt that cannot be", "400", "404", "422")
}

// Answers of models stand side by side as they stream; what is refused says why; each is a call that can be opened, and a call can
// be taken back to the playground.
func TestPlaygroundInABrowser(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	axe := axeSource(t)
	w := startWeir(t, simulatedOpenAI(t, simulator.Config{Seed: 32}))
	ann := w.addMember(t, "ann", "developer")
	w.post(t, http.MethodPost, "/prompts", `{"name":"greet","content":{"messages":[{"role":"user","content":"Greet {{name}}."}],"model":"gpt-4o-mini"}}`, http.StatusOK, nil)
	p := newTab(t, browser, w.url)
	p.do(t, chromedp.Navigate(w.url+"/"))
	p.signIn(t, ann)
	p.until(t, settled)
	p.expected(t, "signing in", "401")

	p.open(t, "/playground")
	p.until(t, `document.querySelector('.empty h2')?.textContent === 'Answers stand here'`)
	p.examine(t, "/playground", axe)
	p.write(t, `textarea[aria-label="Message 2"]`, hostile[0])
	p.write(t, `input[aria-label="Model 1"]`, "gpt-4o")
	p.clickText(t, "main button", "Another model")
	p.write(t, `input[aria-label="Model 2"]`, "no/such-model")
	p.write(t, "textarea[name=settings]", `{"metadata": {"sim-text": `+quoteJS(hostile[5])+`}`)
	p.until(t, `document.querySelector('#wrong-settings')`)
	p.write(t, "textarea[name=settings]", `{"metadata": {"sim-text": `+quoteJS(hostile[5])+`}}`)
	p.until(t, `!document.querySelector('#wrong-settings')`)
	p.do(t, chromedp.Focus(chromedp.CSS(`textarea[aria-label="Message 2"]`)), chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(2)))
	p.until(t, `document.querySelector('[aria-label="Answer of gpt-4o"][data-state=done] [data-cost]') && document.querySelector('[aria-label="Answer of no/such-model"][data-state=failed]')`)
	card := func(model, js string) string {
		return `document.querySelector(` + quoteJS(`[aria-label="Answer of `+model+`"]`) + `)` + js
	}
	if got := read[string](t, p, card("gpt-4o", `.querySelector('.prose').textContent`)); !strings.Contains(got, hostile[5]) {
		t.Errorf("the answer reads %q", got)
	}
	if got := read[string](t, p, card("no/such-model", `.querySelector('.notice b').textContent`)); got != "No such model" {
		t.Errorf("a model that is not there: %q", got)
	}
	p.expected(t, "a model that is not there", "404")
	id := read[string](t, p, card("gpt-4o", `.querySelector('a[href^="/calls/"]').pathname.split('/').pop()`))
	w.settle(t)
	rec := w.call(t, id)
	if c := rec.Call; c.Project != "playground" || c.User != "ann" || !c.Stream {
		t.Errorf("recorded %+v", c)
	}
	if got := read[string](t, p, card("gpt-4o", `.querySelector('[data-cost]').dataset.cost`)); dollars(t, got).Cmp(dollars(t, rec.Call.Cost.String())) != 0 {
		t.Errorf("the card says %s, the record %s", got, rec.Call.Cost)
	}
	p.examine(t, "/playground with answers", axe)

	// Stopped on the way.
	p.click(t, `button[aria-label="Remove model 2"]`)
	p.write(t, "textarea[name=settings]", `{"metadata": {"sim-hang": "3"}}`)
	p.clickText(t, "main button", "Ask the model")
	p.until(t, card("gpt-4o", `?.dataset.state === 'streaming'`))
	p.accessible(t, "an answer under way", axe)
	p.clickText(t, "main button", "Stop")
	p.until(t, card("gpt-4o", `?.dataset.state === 'stopped'`))
	p.until(t, card("gpt-4o", `.querySelector('[data-cost]')`)) // recorded once weir has noticed

	// A prompt: its variable's fault stands beside it.
	p.open(t, "/prompts/greet")
	p.clickText(t, "main a", "Playground")
	p.until(t, `document.querySelector('[data-variable=name]')`)
	p.clickText(t, "main button", "Ask the model")
	p.until(t, `document.querySelector('.slot .wrong')?.textContent.includes('is missing')`)
	p.expected(t, "a variable that is missing", "422")
	p.write(t, "[data-variable=name]", "Bo")
	p.write(t, "textarea[name=settings]", `{"metadata": {"sim-text": "Good day, Bo."}}`)
	p.clickText(t, "main button", "Ask the model")
	p.until(t, `document.querySelector('[data-state=done] .prose')?.textContent.includes('Good day, Bo.') && document.querySelector('.answer-foot')?.textContent.includes('greet@1')`)

	// A call comes back with what it asked.
	p.open(t, "/calls/"+id)
	p.clickText(t, "main a", "Replay in the playground")
	p.until(t, `document.querySelector('textarea[aria-label="Message 1"]')?.value === `+quoteJS(hostile[0])+` && document.querySelector('input[aria-label="Model 1"]').value === 'gpt-4o'`)

	// A budget that is spent is said plainly.
	w.makeBudget(t, `{"name":"play","scope":{"project":"playground"},"window":"day","limit_calls":1}`)
	p.clickText(t, "main button", "Ask the model")
	p.until(t, card("gpt-4o", `?.querySelector('.notice.bad b')?.textContent === 'A budget is spent'`))
	p.accessible(t, "a budget that is spent", axe)
	p.expected(t, "a budget that is spent", "429")
	if ran := read[string](t, p, `String(window.__xss)`); ran != "undefined" {
		t.Error("an answer ran")
	}
	p.clean(t, "playground")
}

// Members are added, given roles and removed by an admin; others see who they are, and may not do what their role does not let them.
func TestMembersInABrowser(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	axe := axeSource(t)
	w := startWeir(t, simulatedOpenAI(t, simulator.Config{Seed: 33}))
	p := newTab(t, browser, w.url)
	p.do(t, chromedp.Navigate(w.signIn))
	p.until(t, settled)
	p.open(t, "/members")
	p.until(t, `document.querySelector('.empty h2')?.textContent === 'No members yet'`)
	p.examine(t, "/members without any", axe)
	p.clickText(t, "main button", "Add a member")
	p.fill(t, "input[name=name]", hostile[2])
	p.clickText(t, "dialog button", "Add and show the token")
	p.until(t, `document.querySelector('dialog .notice.bad')?.textContent.includes('letters, digits')`)
	p.accessible(t, "the form of a member", axe)
	p.expected(t, "no name", "400")
	p.fill(t, "input[name=name]", "vic")
	p.click(t, `dialog input[value=viewer]`)
	p.clickText(t, "dialog button", "Add and show the token")
	p.until(t, `document.querySelector('.secret code')?.textContent.startsWith('wm-weir-')`)
	token := read[string](t, p, `document.querySelector('.secret code').textContent`)
	p.accessible(t, "a token", axe)
	p.clickText(t, "dialog button", "I have copied it")
	p.until(t, `document.querySelectorAll('[data-members] tbody tr').length === 1 && !document.body.innerHTML.includes(`+quoteJS(token)+`)`)

	vic := newTab(t, browser, w.url)
	vic.do(t, chromedp.Navigate(w.url+"/"))
	vic.signIn(t, token)
	vic.until(t, settled)
	vic.expected(t, "signing in", "401")
	vic.open(t, "/members")
	vic.shows(t, "An admin adds members and gives roles.")
	if got := read[int](t, vic, `document.querySelectorAll('[data-members]').length`); got != 0 {
		t.Error("a viewer sees all members")
	}
	vic.examine(t, "/members as a viewer", axe)
	vic.open(t, "/playground")
	vic.shows(t, "This takes the role developer")
	vic.open(t, "/prompts")
	vic.until(t, `document.querySelector('.empty h2')`)
	if got := read[int](t, vic, `[...document.querySelectorAll('main button')].filter((b) => /prompt/i.test(b.textContent)).length`); got != 0 {
		t.Error("a viewer is offered to write a prompt")
	}
	vic.clean(t, "as a viewer")

	p.click(t, `button[aria-label="Role of vic"]`)
	p.click(t, `dialog input[value=developer]`)
	p.clickText(t, "dialog button", "Give this role")
	p.told(t, "Role changed")
	p.until(t, `document.querySelector('[data-members] tbody .badge')?.textContent === 'developer'`)
	p.examine(t, "/members", axe)
	vic.open(t, "/prompts")
	vic.clickText(t, "main button", "Write the first prompt") // the role of now counts in a session begun before

	p.click(t, `button[aria-label="Remove vic"]`)
	p.clickText(t, "dialog button", "Remove the member")
	p.told(t, "Member removed")
	vic.do(t, chromedp.Navigate(w.url+"/members"))
	vic.until(t, `document.querySelector('input[type=password]')`)
	vic.expected(t, "removed", "401")
	p.clean(t, "members")
}
