package eval

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestServed(t *testing.T) {
	read := func(text string) Definition {
		t.Helper()
		var d Definition
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatal(err)
		}
		return d
	}
	const scorers = `"scorers":[{"name":"right","metric":"judge","judge":{"rubric":"tone","model":"m"}},{"metric":"exact","pass":0.5}]`
	d, err := Served(read(`{"name":"n","dataset":"faq@3","repeat":2,"max_cost_usd":"1.5","targets":[{"name":"a","prompt":"greet@prod","model":"m","parameters":{"temperature":0}},{"name":"b","rag":"docs"}],` + scorers + `,"gate":{"right":{"min_mean":0.5}}}`))
	if err != nil || d.Repeat != 2 || d.Concurrency != defaultConcurrency || time.Duration(d.Timeout) != 2*time.Minute || d.Targets[1].RAG != "docs" || d.Scorers[1].Name != "exact" || *d.MaxCost != 1_500_000_000 || len(d.Gate) != 1 {
		t.Errorf("got %+v, %v", d, err)
	}
	target := `"targets":[{"name":"a","model":"m"}],`
	for text, want := range map[string]string{
		`{"name":"n","dataset":"d.jsonl",` + target + scorers + `}`:                                                      "weir datasets import stores it",
		`{"name":"n","dataset":"../etc/passwd",` + target + scorers + `}`:                                                "a server reads stored ones",
		`{"name":"n","dataset":"d","targets":[{"name":"a","command":["id"]}],` + scorers + `}`:                           "is a command",
		`{"name":"n","dataset":"d","targets":[{"name":"a","url":"http://10.0.0.1"}],` + scorers + `}`:                    "is an address",
		`{"name":"n","dataset":"d",` + target + `"scorers":[{"name":"p","metric":"process","command":["id"]}]}`:          "is a program",
		`{"name":"n","dataset":"d",` + target + `"scorers":[{"name":"p","metric":"judge","calibration":"/etc/passwd"}]}`: "is a file",
		`{"name":"n","dataset":"d","project":"other",` + target + scorers + `}`:                                          "leave project out",
		`{"name":"n","dataset":"d","baseline":"b.json",` + target + scorers + `}`:                                        "weir eval gate",
	} {
		if _, err := Served(read(text)); !errors.Is(err, ErrNotServed) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	for text, want := range map[string]string{
		`{"name":"n","dataset":"d",` + target + `"scorers":[{"metric":"exacto"}]}`: "there is no metric",
		`{"name":"n","dataset":"d","targets":[{"name":"a"}],` + scorers + `}`:      "needs one of",
		`{"dataset":"d",` + target + scorers + `}`:                                 "want a name",
		`{"name":"n",` + target + scorers + `}`:                                    "there is no dataset",
		`{"name":"n","dataset":"d","repeat":1000,` + target + scorers + `}`:        "from 1 to 100",
	} {
		_, err := Served(read(text))
		if _, ok := errors.AsType[*ReadError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}
