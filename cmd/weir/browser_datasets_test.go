package main

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/internal/simulator"
)

// upload puts a file of this text into the form that is open.
func (p *tab) upload(t *testing.T, name, text string) {
	t.Helper()
	p.until(t, `document.querySelector('input[type=file]')`)
	read[bool](t, p, `((e) => { const d = new DataTransfer(); d.items.add(new File([`+quoteJS(text)+`], `+quoteJS(name)+`)); e.files = d.files; e.dispatchEvent(new Event('change', {bubbles: true})); return true })(document.querySelector('input[type=file]'))`)
}

// evaluate runs an evaluation on the command line and gives its id.
func (s *service) evaluate(t *testing.T, definition string) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "eval.yaml")
	if err := os.WriteFile(file, []byte(definition), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Args = []string{"weir", "eval", "run", file, "--json"}
	cmd.Env = append(os.Environ(), "WEIR_URL="+s.url, "WEIR_ADMIN_TOKEN="+s.admin.Reveal(), "WEIR_KEY="+s.firstKey.Reveal())
	out, err := cmd.Output()
	var made struct{ Run string }
	if err != nil || json.Unmarshal(out, &made) != nil || made.Run == "" {
		t.Fatalf("eval run: %v\n%s", err, out)
	}
	return made.Run
}

// items is a dataset's file: one item without an expected answer, one that a target breaks at, and hostile texts.
func items(n int, last string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"id":"i%02d","input":"item %d","expected":"item %d","topic":"numbers"}`+"\n", i, i, i)
	}
	fmt.Fprintf(&b, `{"id":"open","input":"no answer is known"}`+"\n"+`{"id":"broken","input":"broken","expected":"broken"}`+"\n")
	for i, text := range hostile[:4] {
		fmt.Fprintf(&b, `{"id":"h%d","input":%s,"expected":%s}`+"\n", i, quoteJS(text), quoteJS(text))
	}
	return b.String() + last
}

const commands = `name: copies
dataset: faq
targets:
  - {name: copy, command: [cat]}
  - {name: flaky, command: [sh, -c, 'x=$(cat); case "$x" in broken) echo "it broke" >&2; exit 3;; *1*) printf wrong;; *) printf %s "$x";; esac']}
scorers:
  - {name: exact, metric: exact, pass: 1}
  - {name: close, metric: levenshtein}
retries: 0
`

const models = `name: models
dataset: faq
targets:
  - {name: mini, model: gpt-4o-mini, parameters: {max_tokens: 8}}
  - {name: big, model: gpt-4o, parameters: {max_tokens: 8}}
scorers: [{name: close, metric: levenshtein}]
`

// Datasets and runs in the console: a file is imported and changed, runs are looked at item by item and compared, and all figures are the API's.
func TestDatasetsInABrowser(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	axe := axeSource(t)
	w := startWeir(t, simulatedOpenAI(t, simulator.Config{Seed: 23}))
	p := newTab(t, browser, w.url)
	p.do(t, chromedp.Navigate(w.signIn))
	p.until(t, settled)
	p.open(t, "/datasets")
	p.shows(t, "No dataset yet")
	p.examine(t, "/datasets without any", axe)
	p.open(t, "/datasets?tab=runs")
	p.shows(t, "weir eval run eval.yaml")
	p.examine(t, "/datasets without runs", axe)

	importing(t, p, w, axe)
	fromCalls(t, p, w, axe)
	beginsARun(t, p, w, axe)
	scoresOnline(t, p, w, axe)
	id := w.evaluate(t, commands)
	priced := w.evaluate(t, models)
	w.settle(t)
	p.open(t, "/datasets?tab=runs")
	p.until(t, `document.querySelectorAll('[data-runs] tbody tr').length === 2`)
	p.examine(t, "the runs", axe)
	oneRun(t, p, w, axe, id)
	oneItem(t, p, axe, id, priced)
	compared(t, p, w, axe, id, priced)

	p.open(t, "/datasets/runs/none")
	p.shows(t, "there is no such run")
	p.expected(t, "a run that is not there", "404")
	p.open(t, "/datasets/none")
	p.shows(t, "there is no such dataset")
	p.expected(t, "a dataset that is not there", "404")

	p.open(t, "/datasets/runs/"+id)
	p.clickText(t, "main button", "Delete")
	p.clickText(t, "dialog button", "Delete it")
	p.until(t, `location.pathname === '/datasets' && document.querySelectorAll('[data-runs] tbody tr').length === 1`)
	p.harmless(t, "deleting")
}

// importing imports a file with faults, then a good one, then another version, and looks at what differs.
func importing(t *testing.T, p *tab, w *service, axe string) {
	t.Helper()
	p.open(t, "/datasets")
	p.clickText(t, "main button", "Import a file")
	p.upload(t, "faq.jsonl", items(3, `{"id":`+"\n"+`{"id":"x"}`+"\n"+`{"id":"i01","input":1}`+"\n"))
	p.until(t, `document.querySelectorAll('[data-faults] li').length === 3`)
	if got := read[[]string](t, p, `[...document.querySelectorAll('[data-faults] li')].map((e) => e.firstChild.textContent)`); !slices.Equal(got, []string{"line 10", "line 11", "line 12"}) {
		t.Errorf("the faults are of %q", got)
	}
	p.accessible(t, "a file with faults", axe)
	p.upload(t, "faq.jsonl", strings.Replace(items(3, ""), `"i01"`, `"i\u0001"`, 1)) // what only the API refuses
	p.until(t, `document.querySelector('[data-read]') && document.querySelector('[name=dataset]').value === 'faq'`)
	p.clickText(t, "dialog button", "Store it")
	p.until(t, `document.querySelector('[data-faults] li')?.textContent.startsWith('line 2')`)
	p.refusedOnce(t, "an id that is none")
	p.upload(t, "faq.jsonl", items(12, ""))
	p.until(t, `document.querySelector('[data-read]')?.textContent.startsWith('18 items')`)
	p.write(t, "[name=message]", hostile[1])
	p.clickText(t, "dialog button", "Store it")
	p.until(t, `location.pathname === '/datasets/faq' && document.querySelectorAll('[data-items] > li').length === 18`)
	var set struct {
		Items []eval.Item
		Hash  string
	}
	w.get(t, "/datasets/faq/items", &set)
	if hash := read[string](t, p, `document.querySelector('[data-versions] .hash code').title`); hash != set.Hash || len(set.Items) != 18 {
		t.Errorf("the page says %s, the API %s of %d items", hash, set.Hash, len(set.Items))
	}
	p.write(t, "[name=q]", "onerror")
	p.until(t, `document.querySelectorAll('[data-items] > li').length === 1`)
	p.click(t, "[data-item=h1] button")
	p.shows(t, hostile[1])
	p.examine(t, "a dataset", axe)
	p.harmless(t, "a dataset")

	// Another version: one item more, one less, one changed.
	p.clickText(t, "main button", "Next version")
	p.upload(t, "faq.csv", "id,input,expected,topic\ni00,item 0,\"item, naught\",numbers\nnew,\"a \"\"new\"\" one\",x,y\n")
	p.clickText(t, "dialog button", "Store it")
	p.until(t, `document.querySelectorAll('[data-versions] tbody tr').length === 2 && document.querySelectorAll('[data-items] > li').length === 2`)
	p.clickText(t, "[data-versions] button", "diff to 2")
	p.until(t, `document.querySelectorAll('[data-diff] > li').length === 19`)
	count := read[map[string]int](t, p, `[...document.querySelectorAll('[data-diff] > li')].reduce((m, e) => ({...m, [e.dataset.op]: (m[e.dataset.op] ?? 0) + 1}), {})`)
	var diff eval.Difference
	w.get(t, "/datasets/faq/diff?from=1&to=2", &diff)
	if count["added"] != len(diff.Added) || count["removed"] != len(diff.Removed) || count["changed"] != len(diff.Changed) || len(diff.Changed) != 1 {
		t.Errorf("the page shows %v, the API %d added, %d removed, %d changed", count, len(diff.Added), len(diff.Removed), len(diff.Changed))
	}
	p.examine(t, "a difference", axe)
	p.harmless(t, "a difference")

	// A Parquet file, as it is exported: it says what the first version said.
	p.clickText(t, "main button", "Next version")
	read[bool](t, p, `(async () => { const f = await (await fetch('/api/v1/datasets/faq/export?version=1&format=parquet')).blob(), d = new DataTransfer(), e = document.querySelector('input[type=file]'); d.items.add(new File([f], 'faq.parquet')); e.files = d.files; e.dispatchEvent(new Event('change', {bubbles: true})); return true })()`)
	p.until(t, `document.querySelector('[data-read]')?.textContent.startsWith('faq.parquet')`)
	p.clickText(t, "dialog button", "Store it")
	p.until(t, `document.querySelectorAll('[data-versions] tbody tr').length === 3`)
	var third struct{ Hash string }
	if w.get(t, "/datasets/faq/items", &third); third.Hash != set.Hash {
		t.Errorf("what went through Parquet is %s, and was %s", third.Hash, set.Hash)
	}
	w.post(t, http.MethodPost, "/datasets", `{"name":"faq","items":`+jsonOf(t, set.Items)+`}`, http.StatusCreated, nil) // runs are of all items
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fromCalls makes a dataset of recorded calls.
func fromCalls(t *testing.T, p *tab, w *service, axe string) {
	t.Helper()
	for i := range 3 {
		w.callSaid(t, fmt.Sprintf(`{"model":"gpt-4o-mini","max_tokens":8,"messages":[{"role":"user","content":"Hello %d"}]}`, i), nil)
	}
	w.settle(t)
	p.open(t, "/datasets")
	p.clickText(t, "main button", "From calls")
	p.until(t, `document.querySelector('dialog [name=expected]')`)
	p.accessible(t, "the form of calls", axe)
	p.write(t, "dialog [name=dataset]", "heard")
	p.write(t, "dialog [name=model]", "no-such-model")
	p.clickText(t, "dialog button", "Make it")
	p.shows(t, "no recorded call that these filters pick")
	p.refusedOnce(t, "no such calls")
	p.write(t, "dialog [name=model]", "gpt-4o-mini")
	p.clickText(t, "dialog button", "Make it")
	p.until(t, `location.pathname === '/datasets/heard' && document.querySelectorAll('[data-items] > li').length === 3`)
	p.clean(t, "a dataset of calls")
}

// oneRun compares a run's page with the API, its picture with its table, and picks its failures.
func oneRun(t *testing.T, p *tab, w *service, axe, id string) {
	t.Helper()
	var run eval.Run
	w.get(t, "/evals/"+id, &run)
	p.open(t, "/datasets/runs/"+id)
	p.until(t, `document.querySelectorAll('[data-eval-scores] tbody tr').length === 4 && document.querySelectorAll('[data-results] tbody tr').length === 18 && document.querySelector('.hist')`)
	for _, target := range run.Summary.Targets {
		for _, s := range target.Scores {
			row := fmt.Sprintf(`document.querySelector('[data-eval-scores] [data-target=%q][data-scorer=%q]')`, target.Target, s.Scorer)
			shown := read[map[string]string](t, p, `({...`+row+`.dataset, cells: [...`+row+`.cells].map((c) => c.textContent).slice(5, 8).join()})`)
			mean, err := strconv.ParseFloat(shown["mean"], 64)
			if want := fmt.Sprintf("%d,%d,%d", s.Scored, s.Failed, s.Unscorable); err != nil || s.Mean == nil || math.Abs(mean-*s.Mean) > 1e-12 || shown["cells"] != want {
				t.Errorf("%s, %s: the page says %v, the API %s with mean %v", target.Target, s.Scorer, shown, want, s.Mean)
			}
			low, _ := strconv.ParseFloat(shown["low"], 64)
			high, err := strconv.ParseFloat(shown["high"], 64)
			if err != nil || low > mean || high < mean {
				t.Errorf("%s, %s: the interval %v to %v is not about %v", target.Target, s.Scorer, low, high, mean)
			}
		}
	}
	p.examine(t, "a run", axe)

	p.click(t, `[data-eval-scores] [data-target=flaky][data-scorer=exact] button`)
	p.until(t, `new URLSearchParams(location.search).get('target') === 'flaky' && document.querySelector('[data-reasons]')`)
	p.shows(t, "it broke")
	flaky := run.Summary.Of("flaky", "exact")
	read[int](t, p, `[...document.querySelectorAll('[aria-label="Distribution"] [aria-label="View"] button:last-child')].map((b) => b.click()).length`)
	p.until(t, `document.querySelector('[data-bins]')`)
	if sum := read[int](t, p, `[...document.querySelectorAll('[data-bins] tbody tr')].reduce((s, r) => s + Number(r.cells[1].textContent), 0)`); sum != flaky.Scored {
		t.Errorf("the bins hold %d scores, want %d", sum, flaky.Scored)
	}
	for only, want := range map[string]int{"failed": flaky.Failed, "unscorable": flaky.Unscorable, "below": flaky.Scored - *flaky.Passed, "failures": 18 - *flaky.Passed} {
		p.pick(t, "[name=only]", only)
		p.until(t, fmt.Sprintf(`new URLSearchParams(location.search).get('only') === %q && document.querySelectorAll('[data-results] tbody tr').length === %d`, only, want))
		if want == 0 {
			t.Errorf("no item is %s, so that nothing was tried", only)
		}
	}
	p.examine(t, "a run's failures", axe)
	p.harmless(t, "a run")
}

// oneItem looks at an item beside what was expected, and goes to the call that answered it.
func oneItem(t *testing.T, p *tab, axe, id, priced string) {
	t.Helper()
	p.open(t, "/datasets/runs/"+id+"?item=h1")
	p.until(t, `document.querySelectorAll('[data-side]').length === 2`)
	for _, part := range []string{"input", "expected"} {
		if got := read[string](t, p, `document.querySelector('[data-part=`+part+`]').textContent`); got != hostile[1] {
			t.Errorf("%s: got %q, want %q", part, got, hostile[1])
		}
	}
	if got := read[string](t, p, `document.querySelector('[data-side=copy] .said').textContent`); got != hostile[1] {
		t.Errorf("the answer: got %q", got)
	}
	p.examine(t, "an item", axe)
	p.do(t, chromedp.KeyEvent("j"))
	p.until(t, `location.search.includes('item=h2')`)
	p.open(t, "/datasets/runs/"+id+"?item=broken")
	p.shows(t, "There is no answer")
	p.harmless(t, "an item")
	p.open(t, "/datasets/runs/"+priced+"?item=i00&target=big")
	p.clickText(t, "[data-side=big]", "close")
	p.clickText(t, "main a", "Its call")
	p.until(t, `location.pathname.startsWith('/calls/') && `+settled)
	p.shows(t, "item 0")
	p.clean(t, "the call of an item")
}

// compared holds runs and targets against each other.
func compared(t *testing.T, p *tab, w *service, axe, id, priced string) {
	t.Helper()
	p.open(t, "/datasets?tab=runs")
	p.until(t, `document.querySelectorAll('.pick input').length === 2`)
	for _, run := range []string{id, priced} {
		p.click(t, `[data-run=`+quoteJS(run)+`] input`)
	}
	p.clickText(t, "main button", "Compare 2 runs")
	p.until(t, `document.querySelectorAll('[data-pairs] tbody tr').length > 3 && `+settled)

	for _, run := range []string{id, priced} {
		var c eval.Comparison
		w.get(t, "/evals/compare?runs="+run, &c)
		p.open(t, "/datasets/runs/"+run)
		p.clickText(t, "main a", "Compare its targets")
		p.until(t, `location.pathname === '/datasets/runs/compare' && document.querySelector('[data-pairs]') && `+settled)
		if got := read[string](t, p, `document.querySelector('[data-advice]').dataset.advice`); got != c.Advice.System {
			t.Errorf("the page takes %q, the API %q", got, c.Advice.System)
		}
		for _, s := range c.Scorers {
			for _, pair := range s.Pairs {
				row := read[map[string]string](t, p, fmt.Sprintf(`({...document.querySelector('[data-pair=%q][data-scorer=%q]').dataset})`, pair.System, s.Scorer))
				if delta, err := strconv.ParseFloat(row["delta"], 64); err != nil || math.Abs(delta-pair.Delta) > 1e-12 || row["verdict"] != pair.Verdict {
					t.Errorf("the page says %v, the API %+v", row, pair)
				}
				if run == id && s.Scorer == "exact" {
					if lost := read[int](t, p, `document.querySelectorAll('[data-regressions] tbody tr').length`); lost != pair.Lost || lost == 0 {
						t.Errorf("the page shows %d regressions, the API %d", lost, pair.Lost)
					}
				}
			}
		}
		p.examine(t, "a comparison", axe)
		if run == priced { // drawn, for its costs are known
			front := read[map[string]string](t, p, `Object.fromEntries([...document.querySelectorAll('[data-point]')].map((e) => [e.dataset.point, e.dataset.front]))`)
			for _, s := range c.Systems {
				if front[s.Label] != strconv.FormatBool(s.Front) {
					t.Errorf("%s is drawn %v, the API says front=%t", s.Label, front, s.Front)
				}
			}
			p.click(t, `[aria-label="View"] button:last-child`)
		}
		p.until(t, `document.querySelectorAll('[data-systems] tbody tr').length === 2`)
		p.accessible(t, "the targets as a table", axe)
		p.harmless(t, "a comparison")
	}
}
