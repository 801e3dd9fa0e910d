package eval

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadDefinition(t *testing.T) {
	d, err := ReadDefinition("e.yaml", []byte(`
name: support
dataset: faq.csv
columns: {input: question}
splits: {train: 0.8, test: 0.2}
split: test
repeat: 3
concurrency: 8
timeout: 30s
max_cost_usd: 1.50
targets:
  - {name: cat, command: [cat]}
  - {name: new, prompt: greet@3, model: fast, parameters: {temperature: 0}, variable: text, cache: read}
  - {name: mine, url: "http://127.0.0.1:1/ask", headers: {X-A: b}, output: choices.0.text}
scorers:
  - {metric: exact, trim: true}
  - {name: close, metric: levenshtein, pass: 0.8}
gate:
  exact: {min_mean: 0.9, min_pass_rate: 0.8, flakes: {pass: 2}, coverage: 0.95, quarantine: [a, b]}
  close: {max_regression: 0.02, alpha: 0.01}
baseline: base.json
`))
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "support" || d.Columns.Input != "question" || len(d.Splits) != 2 || d.Splits[1] != (Split{"test", 0.2}) || d.Repeat != 3 || d.Timeout != Duration(30*time.Second) || *d.MaxCost != 1_500_000_000 {
		t.Errorf("%+v", d)
	}
	if d.Targets[0].Kind() != "command" || d.Targets[1].Kind() != "model" || d.Targets[2].Kind() != "http" || string(d.Targets[1].Parameters) != `{"temperature":0}` || d.Scorers[0].Name != "exact" {
		t.Errorf("%+v, %+v", d.Targets, d.Scorers)
	}
	if r := d.Gate["exact"]; *r.MinMean != 0.9 || r.Flakes.Pass != 2 || *r.Coverage != 0.95 || len(r.Quarantine) != 2 || d.Gate["close"].Alpha != 0.01 {
		t.Errorf("%+v", d.Gate)
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var back Definition
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d, back); diff != "" {
		t.Errorf("it is stored as another (-want +got):\n%s", diff)
	}
}

func TestDefinitionsThatAreWrong(t *testing.T) {
	const fine = "targets: [{name: t, command: [cat]}]\nscorers: [{metric: exact}]\n"
	for _, c := range []struct{ text, want string }{
		{"", "f:1: want name, dataset, targets and scorers"},
		{"- a", "f:1: want name, dataset, targets and scorers"},
		{"a: [", "f:1: it is not YAML"},
		{"{}", "f:1: there is no dataset\nf:1: there is no name\nf:1: there is no scorers\nf:1: there is no targets"},
		{fine + "name: n\ndataset: d.jsonl\ntitle: x\nrepeat: 0\ntimeout: 5\nmax_cost_usd: -1\n", "f:5: the file has no \"title\"; it has baseline"},
		{fine + "name: n\ndataset: d.jsonl\nrepeat: 0\ntimeout: 5\nmax_cost_usd: -1\n", "f:5: want a whole number from 1 to 100\nf:6: want a time up to 24h, such as 30s or 2m\nf:7: want dollars above 0, such as 1.50"},
		{
			"name: n\ndataset: d\nscorers: [{metric: exact}]\ntargets:\n  - {name: a b, command: [x]}\n  - {name: c}\n  - {name: d, command: [x], model: y}\n  - {name: c, url: ftp://x}\n",
			"f:5: a target needs a name",
		},
		{"name: n\ndataset: d\ntargets: [{name: t, command: [cat]}]\nscorers:\n  - {metric: exact}\n  - {metric: exact}\n  - {name: r, metric: regex, pattern: \"(\"}\n", "f:6: the name \"exact\" stands twice in scorers\nf:7: the scorer r: regex: error parsing"},
		{fine + "name: n\ndataset: d\ngate: {exact: {min_mean: x}}\n", "f:5: want a number"},
		{fine + "name: n\ndataset: d\ngate: {exact: {max_regression: 0.1}}\n", "f:5: max_regression needs a baseline"},
		{fine + "name: n\ndataset: d\ngate: {exact: {flakes: {pass: 2}}}\n", "f:5: flakes: pass is 2, and the run repeats each item 1 times"},
		{fine + "name: n\ndataset: d\ngate: {exact: {coverage: 1.5}}\n", "f:5: want a number from 0 to 1"},
		{
			"name: n\ndataset: d\ntargets: [{name: t, command: [cat]}]\nscorers: [{metric: latency}]\ngate: {latency: {min_mean: 1, min_pass_rate: 1}}\n",
			"f:5: the scorer latency has no bar to pass: give it pass: …, or ask for a mean\nf:5: of latency the least is the best",
		},
	} {
		_, err := ReadDefinition("f", []byte(c.text))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s\ngot:  %v\nwant: %s", c.text, err, c.want)
		}
	}
}
