package main

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/weir-dev/weir/internal/simulator"
)

// shownScores is what the API sums up of scores.
type shownScores struct {
	Rows []struct {
		Name, Type         string
		Group              map[string]string
		N                  int64
		Mean, SD, Min, Max float64
		P50                float64
		Categories         map[string]int64
	}
}

func (s *service) scores(t *testing.T, query string) (sums shownScores) {
	t.Helper()
	s.get(t, "/scores/summary"+query, &sums)
	return sums
}

// harmless checks that no text of others ran, or became more than text.
func (p *tab) harmless(t *testing.T, where string) {
	t.Helper()
	if ran := read[string](t, p, `String(window.__xss)`); ran != "undefined" {
		t.Errorf("%s: a text ran", where)
	}
	if made := read[int](t, p, `document.querySelectorAll('main script, main iframe, main img, main svg[onload]').length`); made > 0 {
		t.Errorf("%s: texts became %d elements", where, made)
	}
	p.clean(t, where)
}

// Scores in the console are those of the API; a call is scored on its own page, and the score taken back.
func TestScoresInABrowser(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	axe := axeSource(t)
	w := startWeir(t, simulatedOpenAI(t, simulator.Config{Seed: 21}))
	p := newTab(t, browser, w.url)
	p.do(t, chromedp.Navigate(w.signIn))
	p.until(t, settled)
	p.open(t, "/scores")
	p.shows(t, "Nothing is scored yet")
	p.examine(t, "/scores without any", axe)

	const calls = 30
	var ids []string
	var list strings.Builder
	word := hostile[2]
	for i := range calls {
		id := w.callSaid(t, fmt.Sprintf(`{"model":%q,"max_tokens":8,"messages":[{"role":"user","content":"Hello"}]}`, []string{"gpt-4o", "gpt-4o-mini"}[i%2]), map[string]string{"X-Weir-User": hostile[0]})
		ids = append(ids, id)
		fmt.Fprintf(&list, `,{"call_id":%q,"name":"helpful","value":%v,"source":"judge","author":%s,"config_version":"judge@3"}`, id, float64(i*i%97)/100, quoteJS(hostile[1]))
		fmt.Fprintf(&list, `,{"call_id":%q,"name":"thumbs","value":%t,"comment":%s}`, id, i%3 > 0, quoteJS(hostile[3]))
		fmt.Fprintf(&list, `,{"call_id":%q,"name":"tone","value":%s}`, id, quoteJS([]string{"warm", "warm", "curt", word}[i%4]))
	}
	w.settle(t)
	w.post(t, http.MethodPost, "/scores", `{"scores":[`+list.String()[1:]+`]}`, http.StatusCreated, nil)

	p.open(t, "/scores")
	p.until(t, `document.querySelectorAll('[data-names] tbody tr').length === 3 && document.querySelectorAll('[data-scores] tbody tr').length === 25`)
	for i, row := range w.scores(t, "").Rows {
		shown := read[[]string](t, p, fmt.Sprintf(`[...document.querySelectorAll('[data-names] tbody tr')[%d].cells].map((c) => c.textContent)`, i))
		mean := read[string](t, p, fmt.Sprintf(`document.querySelectorAll('[data-names] [data-mean]')[%d].dataset.mean`, i))
		if got, err := strconv.ParseFloat(mean, 64); err != nil || math.Abs(got-row.Mean) > 1e-12 || !strings.HasPrefix(shown[0], row.Name) || shown[1] != strconv.FormatInt(row.N, 10) {
			t.Errorf("the row says %q with mean %s, the API %+v", shown, mean, row)
		}
	}
	p.clickText(t, ".more button", "Show more")
	p.until(t, `document.querySelectorAll('[data-scores] tbody tr').length === 50`)
	p.examine(t, "/scores", axe)
	p.harmless(t, "/scores")

	// One name: each picture is a table too, and says what the API says.
	p.clickText(t, "[data-names] button", "helpful")
	p.until(t, `location.search === '?name=helpful' && document.querySelector('.hist .bin') && document.querySelector('.uplot canvas') && document.querySelector('[data-compared] tbody tr')`)
	helpful := w.scores(t, "?name=helpful").Rows[0]
	figures := read[map[string]string](t, p, `Object.fromEntries([...document.querySelectorAll('[data-figure]')].map((e) => [e.dataset.figure, e.textContent]))`)
	for name, want := range map[string]float64{"Scores": float64(helpful.N), "Mean": helpful.Mean, "Median": helpful.P50, "From": helpful.Min} {
		if got, err := strconv.ParseFloat(figures[name], 64); err != nil || math.Abs(got-want) > 0.005*math.Max(1, math.Abs(want)) {
			t.Errorf("%s is %q, the API says %g", name, figures[name], want)
		}
	}
	p.examine(t, "/scores of a number", axe)
	heights := read[[]float64](t, p, `[...document.querySelectorAll('.hist .bin i')].map((e) => e.getBoundingClientRect().height)`)
	read[int](t, p, `[...document.querySelectorAll('[aria-label="View"] button:last-child')].map((b) => b.click()).length`)
	p.until(t, `document.querySelector('[data-bins]') && document.querySelector('[data-days]')`)
	var held int64
	bins := read[[]int64](t, p, `[...document.querySelectorAll('[data-bins] tbody tr')].map((r) => Number(r.cells[1].textContent))`)
	if len(bins) != len(heights) {
		t.Fatalf("%d bins are drawn, the table has %d", len(heights), len(bins))
	}
	tallest, most := slices.Max(heights), slices.Max(bins)
	for i, n := range bins {
		held += n
		if want := tallest * float64(n) / float64(most); math.Abs(heights[i]-want) > 2 {
			t.Errorf("the bar of %d scores is %.1f px high, want %.1f", n, heights[i], want)
		}
	}
	if held != helpful.N {
		t.Errorf("the bins hold %d scores, want %d", held, helpful.N)
	}
	if sum := read[int64](t, p, `[...document.querySelectorAll('[data-days] tbody tr')].reduce((s, r) => s + Number(r.cells[1].textContent), 0)`); sum != helpful.N {
		t.Errorf("the days hold %d scores, want %d", sum, helpful.N)
	}
	p.accessible(t, "the tables of a number", axe)
	p.clickText(t, `[aria-label="By"] button`, "Model")
	p.until(t, `document.querySelectorAll('[data-compared="model"] tbody tr').length === 2`)
	for _, row := range w.scores(t, "?name=helpful&by=model").Rows {
		find := `[...document.querySelectorAll('[data-compared] tbody tr')].find((r) => r.cells[0].textContent === ` + quoteJS(row.Group["model"]) + `)`
		if n := read[string](t, p, find+`?.cells[1].textContent ?? ''`); n != strconv.FormatInt(row.N, 10) {
			t.Errorf("%s has %q scores, the API says %d", row.Group["model"], n, row.N)
		}
	}
	p.clickText(t, "[data-compared] button", "gpt-4o-mini")
	p.until(t, `new URLSearchParams(location.search).get('model')?.startsWith('gpt-4o-mini') && document.querySelector('.chip b') && document.querySelectorAll('[data-scores] tbody tr').length === 15`)
	p.open(t, "/scores?name=tone")
	p.until(t, `document.querySelectorAll('.shares tbody tr').length === 3 && document.querySelector('.uplot canvas')`)
	p.shows(t, word)
	p.examine(t, "/scores of a category", axe)
	p.open(t, "/scores?name=thumbs&source=human")
	p.shows(t, "No score is picked")
	p.accessible(t, "/scores of nothing", axe)
	p.harmless(t, "/scores by name")

	// On the page of a call.
	p.open(t, "/calls/"+ids[0])
	p.until(t, `document.querySelectorAll('[data-call-scores] li').length === 3`)
	p.clickText(t, `section[aria-label="Scores"] button`, "Score it")
	p.until(t, `document.querySelector('.new-score')`)
	p.accessible(t, "the form of a score", axe)
	p.write(t, ".new-score [name=score-name]", "not a name!")
	p.write(t, ".new-score [name=score-value]", "0.25")
	p.clickText(t, ".new-score button", "Score the call")
	p.until(t, `document.querySelector('#wrong-name')?.textContent.includes('1 to 64')`)
	p.refusedOnce(t, "a bad name")
	p.write(t, ".new-score [name=score-name]", "thumbs") // which is yes or no
	p.until(t, `document.querySelector('.new-score [aria-label="Kind of value"] [aria-pressed="true"]').textContent === 'Yes or no'`)
	p.clickText(t, ".new-score button", "Score the call")
	p.until(t, `document.querySelector('#wrong-value')`)
	p.clickText(t, `.new-score [aria-label="Value"] button`, "No")
	p.write(t, ".new-score [name=score-comment]", hostile[1])
	p.clickText(t, ".new-score button", "Score the call")
	p.until(t, `!document.querySelector('.new-score') && document.querySelectorAll('[data-call-scores] li').length === 4`)
	var made struct {
		Scores []struct {
			ID, Source, Author, Comment string
			Value                       any
		}
	}
	w.get(t, "/scores?source=human&call="+ids[0], &made)
	if len(made.Scores) != 1 || made.Scores[0].Value != false || made.Scores[0].Comment != hostile[1] || made.Scores[0].Author == "" {
		t.Fatalf("the form made %+v", made)
	}
	p.examine(t, "a call with scores", axe)
	p.click(t, `[data-score="`+made.Scores[0].ID+`"] button[aria-label^="Take"]`)
	p.clickText(t, "dialog button", "Take it back")
	p.until(t, `!document.querySelector('dialog[open]') && document.querySelectorAll('[data-call-scores] li').length === 3`)
	if w.get(t, "/scores?source=human&call="+ids[0], &made); len(made.Scores) != 0 {
		t.Errorf("after taking it back: %+v", made)
	}
	p.harmless(t, "a call with scores")

	annotating(t, p, w, axe, ids)
}

// trial is who got which arm of an experiment.
type trial struct {
	*service
	prompt string
	mu     sync.Mutex // guards calls
	calls  map[string][]string
}

// come lets users call a prompt, some at a time, and notes the calls of each arm.
func (s *trial) come(t *testing.T, users []string) {
	t.Helper()
	const atOnce = 8
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce}}
	defer client.CloseIdleConnections()
	next := make(chan string)
	var group sync.WaitGroup
	for range atOnce {
		group.Go(func() {
			for user := range next {
				body := fmt.Sprintf(`{"prompt":{"id":"%s@production","variables":{"name":%q}},"max_tokens":4}`, s.prompt, user)
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.gateway+"/chat/completions", strings.NewReader(body))
				if err != nil {
					t.Error(err)
					continue
				}
				req.Header.Set("Authorization", "Bearer "+s.firstKey.Reveal())
				req.Header.Set("X-Weir-User", user)
				resp, err := client.Do(req)
				if err != nil {
					t.Error(err)
					continue
				}
				answer, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					t.Errorf("%s: %d %s", user, resp.StatusCode, answer)
				}
				s.mu.Lock()
				s.calls[resp.Header.Get("X-Weir-Arm")] = append(s.calls[resp.Header.Get("X-Weir-Arm")], resp.Header.Get("X-Weir-Call-Id"))
				s.mu.Unlock()
			}
		})
	}
	for _, u := range users {
		next <- u
	}
	close(next)
	group.Wait()
	s.settle(t)
}

// judge says of each arm's calls that so many of 20 are good.
func (s *trial) judge(t *testing.T, good map[string]int) {
	t.Helper()
	var list []string
	for arm, ids := range s.calls {
		for i, id := range ids {
			list = append(list, fmt.Sprintf(`{"call_id":%q,"name":"good","value":%t}`, id, i%20 < good[arm]))
		}
	}
	for part := range slices.Chunk(list, 1000) {
		s.post(t, http.MethodPost, "/scores", `{"scores":[`+strings.Join(part, ",")+`]}`, http.StatusCreated, nil)
	}
}

func namesOf(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("user-%d", i)
	}
	return out
}

// running makes two versions of a prompt and an experiment on them, and starts it.
func (s *service) running(t *testing.T, prompt, name string) *trial {
	t.Helper()
	s.twoVersions(t, prompt)
	s.post(t, http.MethodPost, "/experiments", fmt.Sprintf(`{"name":%q,"unit":"user","arms":[{"name":"control","prompt":"%s@1"},{"name":"warm","prompt":"%s@2"}],
		"metrics":{"primary":{"metric":"score:good","direction":"higher"},"guardrails":[{"metric":"errors","direction":"lower","margin":0.1}]},"planned_units":1000}`, name, prompt, prompt), http.StatusCreated, nil)
	s.post(t, http.MethodPost, "/experiments/"+name+"/start", `{}`, http.StatusOK, nil)
	return &trial{service: s, prompt: prompt, calls: map[string][]string{}}
}

func (s *service) twoVersions(t *testing.T, prompt string) {
	t.Helper()
	s.pushPrompt(t, prompt, `{"text":"Greet {{name}}.","model":"gpt-4o-mini","settings":{"temperature":0.1}}`)
	s.moveLabel(t, prompt, "production", 1)
	s.pushPrompt(t, prompt, `{"text":"Greet {{name}} as warmly as you can.","model":"gpt-4o-mini","settings":{"temperature":0.1}}`)
}

const tone = `name: tone
unit: user
arms:
  - {name: control, prompt: greet@production, weight: 50}
  - {name: warm, prompt: greet@2, weight: 50}
metrics:
  primary: {metric: "score:good", direction: higher}
  guardrails:
    - {metric: errors, direction: lower, margin: 0.1}
    - {metric: cost, direction: lower, margin: "90%"}
planned_units: 1000
`

// describe puts a text into the form of an experiment.
func (p *tab) describe(t *testing.T, text string) {
	t.Helper()
	read[bool](t, p, `((e) => { e.value = `+quoteJS(text)+`; e.dispatchEvent(new Event('input', {bubbles: true})); return true })(document.querySelector('[name=description]'))`)
	p.until(t, `document.querySelector('[name=description]').value === `+quoteJS(text))
}

// An experiment's life in the console: described, started, watched with simulated users, and promoted through a change request.
func TestExperimentsInABrowser(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	axe := axeSource(t)
	w := startWeir(t, simulatedOpenAI(t, simulator.Config{Seed: 22}))
	p := newTab(t, browser, w.url)
	p.do(t, chromedp.Navigate(w.signIn))
	p.until(t, settled)
	p.open(t, "/experiments")
	p.shows(t, "Compare two ways on live traffic")
	p.shows(t, "weir experiments start")
	p.examine(t, "/experiments without any", axe)

	// Faults stand beside their lines: those of the text at once, those of the API when it is sent.
	w.twoVersions(t, "greet")
	p.clickText(t, "main a", "Describe the first experiment")
	p.until(t, `document.querySelector('[name=description]')?.value.includes('greet@production')`)
	p.examine(t, "the form", axe)
	p.describe(t, strings.Replace(tone, "unit: user", "unit: user\n   arms: {", 1))
	p.until(t, `document.querySelector('.fault-list li')?.textContent.startsWith('line 3') && document.querySelector('.gutter .wrong-line').textContent === '3' && document.querySelector('.form-side .primary').disabled`)
	p.describe(t, strings.NewReplacer("unit: user", "unit: team", "greet@2", "greet@9", ", margin: 0.1", "").Replace(tone))
	p.clickText(t, ".form-side button", "Make the draft")
	p.until(t, `document.querySelectorAll('.fault-list li').length === 3`)
	if got := read[[]string](t, p, `[...document.querySelectorAll('.fault-list button')].map((b) => b.textContent)`); !slices.Equal(got, []string{"line 2", "line 9", "line 5"}) {
		t.Errorf("the faults are of %q: %q", got, read[string](t, p, `document.querySelector('.fault-list').innerText`))
	}
	p.clickText(t, ".fault-list button", "line 9")
	if got := read[string](t, p, `((e) => e.value.slice(e.selectionStart, e.selectionEnd))(document.querySelector('[name=description]'))`); !strings.Contains(got, "metric: errors") {
		t.Errorf("the button marks %q", got)
	}
	p.accessible(t, "the form with faults", axe)
	p.wide(t, 390)
	p.fits(t, "the form with faults at 390 px")
	p.wide(t, 1280)
	p.refusedOnce(t, "the form with faults")
	p.describe(t, tone)
	p.clickText(t, ".form-side button", "Make the draft")
	p.until(t, `location.pathname === '/experiments/tone' && document.querySelector('[data-verdict="waiting"]')`)
	p.examine(t, "a draft", axe)
	p.clickText(t, ".actions-row a", "Edit")
	p.until(t, `document.querySelector('[name=description]')?.value.includes('"planned_units": 1000')`)
	p.describe(t, strings.Replace(read[string](t, p, `document.querySelector('[name=description]').value`), `"planned_units": 1000`, `"planned_units": 1200`, 1))
	p.clickText(t, ".form-side button", "Save the draft")
	p.until(t, `location.search === '' && document.querySelector('.verdict-side')?.textContent.includes('of 1,200')`)

	p.clickText(t, ".actions-row button", "Start")
	p.until(t, `document.querySelector('dialog[open] .share-list')`)
	p.accessible(t, "the start", axe)
	p.fill(t, "[name=reason]", hostile[1])
	p.clickText(t, "dialog button", "Start it")
	p.until(t, `!document.querySelector('dialog[open]') && document.body.textContent.includes('Nobody has been assigned so far')`)
	p.shows(t, hostile[1])
	p.harmless(t, "a new experiment")

	users := &trial{service: w, prompt: "greet", calls: map[string][]string{}}
	users.come(t, namesOf(300))
	users.judge(t, map[string]int{"control": 9, "warm": 18})
	p.do(t, chromedp.KeyEvent("r"))
	p.until(t, `document.querySelector('[data-verdict="ship"]') && document.querySelector('.uplot canvas')`)
	seen := w.experiment(t, "tone")
	p.sameAsTheAPI(t, &seen)
	p.examine(t, "an experiment to ship", axe)
	for _, metric := range []string{"Failed calls", "Cost per unit"} {
		p.clickText(t, `[aria-label="Metric"] button`, metric)
		p.until(t, `document.querySelector('section[aria-label="Effect over time"] .legend')?.textContent.includes('Margin') && document.querySelector('.uplot canvas')`)
	}
	p.click(t, `section[aria-label="Effect over time"] [aria-label="View"] button:last-child`)
	p.until(t, `document.querySelectorAll('[data-over] tbody tr').length === 16`)
	if last := read[[]string](t, p, `[...document.querySelector('[data-over] tbody tr').cells].map((c) => c.textContent)`); last[1] != "300" || !strings.Contains(last[2], "$") {
		t.Errorf("the last of the effects on cost over time is %q, want dollars for 300 units", last)
	}
	p.accessible(t, "the effect over time as a table", axe)

	// Weights change in the console, and begin an epoch.
	p.clickText(t, ".actions-row button", "Weights")
	p.fill(t, `[name="weight-control"]`, "60")
	p.until(t, `document.querySelector('dialog [role=status]').textContent.includes('must be 100%')`)
	p.accessible(t, "weights that do not sum", axe)
	p.fill(t, `[name="weight-warm"]`, "40")
	p.clickText(t, "dialog button", "Change them")
	p.until(t, `!document.querySelector('dialog[open]') && document.querySelectorAll('[data-epochs] tbody tr').length === 2`)
	if e := w.experiment(t, "tone").Experiment; len(e.Epochs) != 2 {
		t.Errorf("epochs: %+v", e.Epochs)
	}

	// The winner is promoted: the label is guarded, so a change request waits.
	w.post(t, http.MethodPut, "/prompts/greet/protections/production", `{"approvals":1}`, http.StatusOK, nil)
	p.clickText(t, ".actions-row button", "Promote")
	p.until(t, `document.querySelector('dialog[open]')?.textContent.includes('production moves to greet@2')`)
	p.accessible(t, "the promotion", axe)
	p.wide(t, 390)
	p.fits(t, "the promotion at 390 px")
	p.wide(t, 1280)
	p.clickText(t, "dialog button", "Promote warm")
	p.until(t, `location.pathname.startsWith('/changes/') && document.querySelector('h1')?.textContent.includes('greet')`)
	if e := w.experiment(t, "tone").Experiment; e.Status != "concluded" || e.Winner != "warm" {
		t.Errorf("promoted: %+v", e)
	}
	p.open(t, "/experiments/tone")
	p.until(t, `document.querySelector('[data-verdict]')?.textContent.includes('Concluded for warm') && document.querySelectorAll('[data-history] li').length === 6`)
	p.examine(t, "a concluded experiment", axe)
	p.harmless(t, "an experiment")
}

// sameAsTheAPI compares an experiment's page with what the API says of it.
func (p *tab) sameAsTheAPI(t *testing.T, seen *shownExperiment) {
	t.Helper()
	if got := read[string](t, p, `document.querySelector('[data-verdict-text]').textContent`); got != seen.Verdict.Text {
		t.Errorf("the verdict is %q, the API says %q", got, seen.Verdict.Text)
	}
	for _, arm := range seen.Analysis.Arms {
		if got := read[string](t, p, `document.querySelector('[data-units-table] [data-arm=`+quoteJS(arm.Arm)+`]').cells[1].textContent`); got != strconv.FormatInt(arm.Units, 10) {
			t.Errorf("%s has %s units, the API says %d", arm.Arm, got, arm.Units)
		}
	}
	type effect struct{ Metric, Value, Low, High string }
	shown := read[[]effect](t, p, `[...document.querySelectorAll('[data-effects] tbody tr')].map((r) => ({Metric: r.dataset.effect, Value: r.dataset.value, Low: r.dataset.low, High: r.dataset.high}))`)
	if len(shown) != len(seen.Analysis.Effects) {
		t.Fatalf("%d effects are shown, the API has %d", len(shown), len(seen.Analysis.Effects))
	}
	for i, f := range seen.Analysis.Effects {
		for name, pair := range map[string]struct {
			text string
			want float64
		}{"value": {shown[i].Value, f.Difference.Value}, "low": {shown[i].Low, f.Difference.Low}, "high": {shown[i].High, f.Difference.High}} {
			if got, err := strconv.ParseFloat(pair.text, 64); err != nil || math.Abs(got-pair.want) > 1e-9 || shown[i].Metric != f.Metric {
				t.Errorf("%s of %s is %q, the API says %g", name, f.Metric, pair.text, pair.want)
			}
		}
	}
}

// Harm and a split that is not as planned are unmistakable, in the list and on their pages.
func TestExperimentsThatMustStopInABrowser(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	axe := axeSource(t)
	w := startWeir(t, simulatedOpenAI(t, simulator.Config{Seed: 23}))
	p := newTab(t, browser, w.url)
	p.do(t, chromedp.Navigate(w.signIn))
	p.until(t, settled)

	harm := w.running(t, "bye", "harm")
	harm.come(t, namesOf(260))
	harm.judge(t, map[string]int{"control": 18, "warm": 6})
	// Only those who get the control call: as if the other arm's calls were lost.
	split := w.running(t, "odd", "split")
	var some []string
	for _, u := range namesOf(200) {
		var given struct{ Arm string }
		if w.get(t, "/experiments/split/assignment?unit="+u, &given); given.Arm == "control" && len(some) < 40 {
			some = append(some, u)
		}
	}
	split.come(t, some)

	p.open(t, "/experiments")
	p.until(t, `document.querySelector('[data-experiment="harm"] [data-state="stop_for_harm"]') && document.querySelector('[data-experiment="split"] [data-state="frozen"]')`)
	if got := read[string](t, p, `document.querySelector('[data-experiment="harm"] .progress').textContent`); got != "260 of 1,000" {
		t.Errorf("the list says %q units", got)
	}
	p.examine(t, "/experiments", axe)

	p.open(t, "/experiments/split")
	p.until(t, `document.querySelector('[data-verdict="frozen"] [role=alert]') && document.body.textContent.includes('Sample ratio alarm')`)
	if got := read[[]string](t, p, `[...document.querySelectorAll('[data-effects] .e-state')].map((e) => e.textContent)`); len(got) != 2 || slices.ContainsFunc(got, func(s string) bool { return s != "frozen" }) {
		t.Errorf("the effects of a frozen experiment are %q", got)
	}
	p.examine(t, "a frozen experiment", axe)

	p.open(t, "/experiments/harm")
	p.until(t, `document.querySelector('[data-verdict="stop_for_harm"] h2')?.textContent === 'Stop warm: it does harm' && document.querySelector('.uplot canvas')`)
	seen := w.experiment(t, "harm")
	p.sameAsTheAPI(t, &seen)
	p.examine(t, "an experiment that does harm", axe)
	p.clickText(t, ".actions-row button", "Stop")
	p.until(t, `document.querySelector('dialog[open] [name=reason]')`)
	p.accessible(t, "the stop", axe)
	p.fill(t, "[name=reason]", hostile[0])
	p.do(t, chromedp.KeyEvent(kb.Enter))
	p.until(t, `!document.querySelector('dialog[open]') && document.querySelector('.badge')?.textContent === 'stopped' && document.body.textContent.includes(`+quoteJS(hostile[0])+`)`)
	over := w.experiment(t, "harm") // as it stood when it was stopped, for ever
	if over.Experiment.Status != "stopped" || over.Verdict.Meaning == "" {
		t.Errorf("stopped: %+v", over)
	}
	p.sameAsTheAPI(t, &over)
	p.shows(t, over.Verdict.Meaning)
	var stakes struct {
		Analysis struct {
			Money []struct {
				PerMonth struct{ Value float64 } `json:"per_month_usd"`
			}
		}
	}
	w.get(t, "/experiments/harm", &stakes)
	money := read[string](t, p, `document.querySelector('[data-money]').dataset.money`)
	if got, err := strconv.ParseFloat(money, 64); err != nil || len(stakes.Analysis.Money) != 1 || math.Abs(got-stakes.Analysis.Money[0].PerMonth.Value) > 1e-6*math.Abs(got) {
		t.Errorf("%s is at stake, the API says %+v", money, stakes)
	}
	p.clickText(t, ".actions-row button", "Conclude")
	p.until(t, `document.querySelector('dialog[open] .notice')`)
	p.clickText(t, "dialog button", "Conclude for no arm")
	p.until(t, `!document.querySelector('dialog[open]') && document.body.textContent.includes('Concluded for no arm')`)

	// Somebody else was quicker: what one sees is told to be old.
	p.open(t, "/experiments/split")
	p.until(t, `document.querySelector('.actions-row button')`)
	w.post(t, http.MethodPost, "/experiments/split/ramp", `{"traffic":0.5}`, http.StatusOK, nil)
	p.clickText(t, ".actions-row button", "Stop")
	p.clickText(t, "dialog button", "Stop it")
	p.until(t, `document.querySelector('dialog[open] .notice.bad')?.textContent.includes('look at it again')`)
	p.clickText(t, "dialog button", "Let it run")
	if f := p.takeFaults(); len(f) == 0 || slices.ContainsFunc(f, func(s string) bool { return !strings.Contains(s, "409") }) {
		t.Errorf("faults: %q, want one refusal for a conflict", f)
	}
	p.open(t, "/experiments/no-such")
	p.shows(t, "no such experiment")
	p.takeFaults() // the 404
	p.harmless(t, "experiments that must stop")
}
