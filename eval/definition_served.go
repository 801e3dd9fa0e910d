package eval

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/weir-dev/weir/eval/judge"
)

// ErrNotServed is in the chain when a definition asks for what a server does not do for whoever can reach it. Test with errors.Is.
var ErrNotServed = errors.New("this runs with weir eval run")

// Served checks a definition that a server is to run, and fills in what it leaves open. Its dataset is a stored one, its targets are models,
// prompts and RAG pipelines, which are asked through the gateway; it names no program, no address and no file, for these would be the
// server's. An ErrNotServed says which of it is not, a *ReadError what else is wrong.
func Served(d Definition) (Definition, error) {
	const here = "%w: %s"
	if !isName(d.Name) {
		return d, &ReadError{Name: "definition", Faults: []LineFault{{1, "want a name of 1 to 64 letters, digits, dots, dashes and underscores"}}}
	}
	if d.Dataset == "" {
		return d, &ReadError{Name: "definition", Faults: []LineFault{{1, "there is no dataset: want the name of a stored one, or name@version"}}}
	}
	switch ext := filepath.Ext(d.Dataset); {
	case ext == ".jsonl" || ext == ".csv" || ext == ".parquet" || strings.ContainsAny(d.Dataset, `/\`):
		return d, fmt.Errorf(here, ErrNotServed, "the dataset is a file, and a server reads stored ones: weir datasets import stores it")
	case d.Project != "":
		return d, fmt.Errorf(here, ErrNotServed, "the project of a served run is evals: leave project out")
	case d.Baseline != "":
		return d, fmt.Errorf(here, ErrNotServed, "the baseline is a file beside the definition: weir eval gate --run ID FILE compares with it")
	}
	for i := range d.Targets {
		switch t := &d.Targets[i]; t.Kind() {
		case "command":
			return d, fmt.Errorf(here, ErrNotServed, fmt.Sprintf("the target %.64s is a command, and a server runs none for who can reach it", t.Name))
		case "http":
			return d, fmt.Errorf(here, ErrNotServed, fmt.Sprintf("the target %.64s is an address, and a server asks none for who can reach it", t.Name))
		}
	}
	for i := range d.Scorers {
		switch s := &d.Scorers[i]; {
		case s.Metric == "process" || len(s.Command) > 0:
			return d, fmt.Errorf(here, ErrNotServed, fmt.Sprintf("the scorer %.64s is a program, and a server runs none for who can reach it", s.Name))
		case s.Calibration != "":
			return d, fmt.Errorf(here, ErrNotServed, fmt.Sprintf("the calibration of the scorer %.64s is a file: leave it out, and gate with weir eval gate", s.Name))
		}
		d.Scorers[i].Name = cmp.Or(d.Scorers[i].Name, d.Scorers[i].Metric)
		d.Scorers[i].Fitness = nil
		if d.Scorers[i].Floor == 0 {
			d.Scorers[i].Floor = judge.DefaultFloor
		}
	}
	if d.Repeat == 0 {
		d.Repeat = 1
	}
	if d.Concurrency == 0 {
		d.Concurrency = defaultConcurrency
	}
	if d.Retries == 0 {
		d.Retries = defaultRetries
	}
	if d.Timeout == 0 {
		d.Timeout = defaultTimeout
	}
	return ReadDefinition("definition", marshal(d)) // JSON is YAML
}
