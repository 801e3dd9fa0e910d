package eval

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-dev/weir/internal/yamldoc"
	"github.com/weir-dev/weir/price"
)

// ReadDefinition reads a run's file, which is YAML. All faults are told at once, each with its line, in a *ReadError.
func ReadDefinition(name string, text []byte) (Definition, error) {
	r := &definitionReader{err: ReadError{Name: name}}
	if len(text) > MaxDefinition {
		return Definition{}, fmt.Errorf("%s is larger than %d KiB", name, MaxDefinition>>10)
	}
	doc, err := yamldoc.Parse(text)
	if err != nil {
		if e, ok := errors.AsType[*yamldoc.SyntaxError](err); ok {
			return Definition{}, &ReadError{Name: name, Faults: []LineFault{{max(e.Line, 1), "it is not YAML: " + e.Reason}}}
		}
		return Definition{}, fmt.Errorf("%s: %w", name, err)
	}
	if doc == nil || doc.Kind != yamldoc.Mapping {
		return Definition{}, &ReadError{Name: name, Faults: []LineFault{{1, "want name, dataset, targets and scorers"}}}
	}
	d := r.definition(doc)
	if len(r.err.Faults) > 0 {
		return Definition{}, &r.err
	}
	return d, nil
}

// definitionReader reads nodes and collects their faults.
type definitionReader struct{ err ReadError }

func (r *definitionReader) fault(n *yamldoc.Node, format string, args ...any) {
	if len(r.err.Faults) >= mostFaults {
		r.err.More++
		return
	}
	r.err.Faults = append(r.err.Faults, LineFault{n.Line, fmt.Sprintf(format, args...)})
}

// fields are the members that a mapping may have.
type fields map[string]func(*yamldoc.Node)

// mapping reads a mapping's members; one that it may not have is a fault.
func (r *definitionReader) mapping(n *yamldoc.Node, what string, f fields) {
	if n.Kind != yamldoc.Mapping {
		r.fault(n, "%s must have members", what)
		return
	}
	seen := map[string]bool{}
	for key, value := range n.Members() {
		read, known := f[key.Value]
		switch {
		case !known:
			names := make([]string, 0, len(f))
			for name := range f {
				names = append(names, name)
			}
			slices.Sort(names)
			r.fault(key, "%s has no %.60q; it has %s", what, key.Value, strings.Join(names, ", "))
		case seen[key.Value]:
			r.fault(key, "%s has %s twice", what, key.Value)
		default:
			read(value)
		}
		seen[key.Value] = true
	}
}

func (r *definitionReader) definition(doc *yamldoc.Node) Definition {
	d := Definition{Repeat: 1, Concurrency: defaultConcurrency, Retries: defaultRetries, Timeout: defaultTimeout}
	var gate *yamldoc.Node
	r.mapping(doc, "the file", fields{
		"name": r.text(&d.Name), "dataset": r.text(&d.Dataset), "split": r.text(&d.Split), "project": r.text(&d.Project), "baseline": r.text(&d.Baseline),
		"limit": r.number(&d.Limit, 1, math.MaxInt32), "repeat": r.number(&d.Repeat, 1, maxRepeat), "concurrency": r.number(&d.Concurrency, 1, maxConcurrent),
		"retries": r.number(&d.Retries, 0, 20), "timeout": r.duration(&d.Timeout), "max_cost_usd": r.money(&d.MaxCost),
		"columns": func(n *yamldoc.Node) {
			r.mapping(n, "columns", fields{"id": r.text(&d.Columns.ID), "input": r.text(&d.Columns.Input), "expected": r.text(&d.Columns.Expected), "context": r.text(&d.Columns.Context)})
		},
		"splits": func(n *yamldoc.Node) {
			for key, value := range n.Members() {
				share := 0.0
				r.float(&share)(value)
				d.Splits = append(d.Splits, Split{key.Value, share})
			}
		},
		"targets": r.list("targets", maxTargets, func(n *yamldoc.Node) { d.Targets = append(d.Targets, r.target(n)) }),
		"scorers": r.list("scorers", maxScorers, func(n *yamldoc.Node) { d.Scorers = append(d.Scorers, r.scorer(n)) }),
		"gate":    func(n *yamldoc.Node) { gate = n },
	})
	for name, missing := range map[string]bool{"name": d.Name == "", "dataset": d.Dataset == "", "targets": len(d.Targets) == 0, "scorers": len(d.Scorers) == 0} {
		if missing && doc.Member(name) == nil {
			r.fault(doc, "there is no %s", name)
		}
	}
	slices.SortFunc(r.err.Faults, func(a, b LineFault) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return strings.Compare(a.Reason, b.Reason)
	})
	if gate != nil {
		d.Gate = r.gate(gate, &d)
	}
	return d
}

func (r *definitionReader) target(n *yamldoc.Node) TargetConfig {
	var t TargetConfig
	r.mapping(n, "a target", fields{
		"name": r.text(&t.Name), "command": r.texts(&t.Command), "prompt": r.text(&t.Prompt), "model": r.text(&t.Model), "parameters": r.object(&t.Parameters),
		"rag": r.text(&t.RAG), "variable": r.text(&t.Variable), "cache": r.oneOf(&t.Cache, "off", "read", "refresh"), "url": r.text(&t.URL), "output": r.text(&t.Output),
		"headers": func(n *yamldoc.Node) {
			t.Headers = map[string]string{}
			for key, value := range n.Members() {
				t.Headers[key.Value] = value.Value
			}
		},
	})
	kinds := 0
	for _, is := range []bool{len(t.Command) > 0, t.Prompt != "" || t.Model != "", t.RAG != "", t.URL != ""} {
		if is {
			kinds++
		}
	}
	switch {
	case !isName(t.Name):
		r.fault(n, "a target needs a name of 1 to 64 letters, digits, dots, dashes and underscores, not %.70q", t.Name)
	case kinds != 1:
		r.fault(n, "the target %s needs one of command, model (with or without prompt), rag and url", t.Name)
	case t.RAG != "" && !isName(t.RAG):
		r.fault(n, "the target %s names no pipeline by rag: %.70q", t.Name, t.RAG)
	case t.URL != "" && !strings.HasPrefix(t.URL, "http://") && !strings.HasPrefix(t.URL, "https://"):
		r.fault(n, "the url of the target %s does not begin with http:// or https://", t.Name)
	}
	return t
}

func (r *definitionReader) scorer(n *yamldoc.Node) ScorerConfig {
	var s ScorerConfig
	r.mapping(n, "a scorer", fields{
		"name": r.text(&s.Name), "metric": r.text(&s.Metric), "values": r.texts(&s.Values), "any": r.bool(&s.Any), "pattern": r.text(&s.Pattern),
		"ignore_case": r.bool(&s.Case), "trim": r.bool(&s.Trim), "k": r.number(&s.K, 1, 10_000), "gain": r.oneOf(&s.Gain, "linear", "exp"),
		"tolerance": r.float(&s.Within), "relative": r.bool(&s.Relative), "schema": r.object(&s.Schema), "expression": r.text(&s.Expression),
		"command": r.texts(&s.Command), "timeout": r.duration(&s.Timeout), "memory_mb": r.number(&s.MemoryMB, 16, 1<<20), "tokenize": r.text(&s.Tokenize),
		"lowercase": r.bool(&s.Lowercase), "word_order": r.number(&s.WordOrder, 0, 4), "stemmer": r.bool(&s.Stemmer),
		"judge": r.object(&s.Judge), "model": r.text(&s.Model), "calibration": r.text(&s.Calibration), "floor": r.float(&s.Floor),
		"pass": func(n *yamldoc.Node) {
			var v float64
			r.float(&v)(n)
			s.Pass = &v
		},
	})
	if s.Name == "" {
		s.Name = s.Metric
	}
	if !isName(s.Name) {
		r.fault(n, "a scorer needs a name of 1 to 64 letters, digits, dots, dashes and underscores, not %.70q", s.Name)
		return s
	}
	if scorer, err := NewScorer(s); err != nil {
		r.fault(n, "the scorer %s: %v", s.Name, err)
	} else {
		_ = scorer.Close()
	}
	return s
}

func isName(s string) bool {
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("._-", c)
	})
}

func (r *definitionReader) list(what string, most int, each func(*yamldoc.Node)) func(*yamldoc.Node) {
	return func(n *yamldoc.Node) {
		if n.Kind != yamldoc.Sequence || len(n.Content) == 0 || len(n.Content) > most {
			r.fault(n, "%s must be a list of 1 to %d", what, most)
			return
		}
		seen := map[string]bool{}
		for _, one := range n.Content {
			each(one)
			name := one.Member("name")
			if name == nil && what == "scorers" {
				name = one.Member("metric")
			}
			if name != nil && seen[name.Value] {
				r.fault(name, "the name %.64q stands twice in %s", name.Value, what)
			} else if name != nil {
				seen[name.Value] = true
			}
		}
	}
}

func (r *definitionReader) text(to *string) func(*yamldoc.Node) {
	return func(n *yamldoc.Node) {
		if n.Kind != yamldoc.Scalar || n.Null() {
			r.fault(n, "want a text")
			return
		}
		*to = n.Value
	}
}

func (r *definitionReader) oneOf(to *string, words ...string) func(*yamldoc.Node) {
	return func(n *yamldoc.Node) {
		if !slices.Contains(words, n.Value) {
			r.fault(n, "%.60q is unknown: want %s", n.Value, strings.Join(words, ", "))
			return
		}
		*to = n.Value
	}
}

func (r *definitionReader) texts(to *[]string) func(*yamldoc.Node) {
	return func(n *yamldoc.Node) {
		if n.Kind == yamldoc.Scalar && !n.Null() {
			*to = []string{n.Value}
			return
		}
		if n.Kind != yamldoc.Sequence || len(n.Content) == 0 {
			r.fault(n, "want a list of texts")
			return
		}
		for _, one := range n.Content {
			if one.Kind != yamldoc.Scalar {
				r.fault(one, "want a text")
			}
			*to = append(*to, one.Value)
		}
	}
}

func (r *definitionReader) bool(to *bool) func(*yamldoc.Node) {
	return func(n *yamldoc.Node) {
		if n.Decode(to) != nil {
			r.fault(n, "want true or false")
		}
	}
}

func (r *definitionReader) number(to *int, least, most int) func(*yamldoc.Node) {
	return func(n *yamldoc.Node) {
		if v, err := strconv.Atoi(n.Value); err == nil && v >= least && v <= most {
			*to = v
			return
		}
		r.fault(n, "want a whole number from %d to %d", least, most)
	}
}

func (r *definitionReader) float(to *float64) func(*yamldoc.Node) {
	return func(n *yamldoc.Node) {
		if n.Kind != yamldoc.Scalar || n.Null() || n.Decode(to) != nil || math.IsNaN(*to) || math.IsInf(*to, 0) {
			r.fault(n, "want a number")
		}
	}
}

func (r *definitionReader) duration(to *Duration) func(*yamldoc.Node) {
	return func(n *yamldoc.Node) {
		if v, err := time.ParseDuration(n.Value); err == nil && v > 0 && v <= 24*time.Hour {
			*to = Duration(v)
			return
		}
		r.fault(n, "want a time up to 24h, such as 30s or 2m")
	}
}

func (r *definitionReader) money(to **price.USD) func(*yamldoc.Node) {
	return func(n *yamldoc.Node) {
		v, err := price.ParseUSD(n.Value)
		if err != nil || v <= 0 {
			r.fault(n, "want dollars above 0, such as 1.50")
			return
		}
		*to = &v
	}
}

func (r *definitionReader) object(to *json.RawMessage) func(*yamldoc.Node) {
	return func(n *yamldoc.Node) {
		v, err := n.JSON()
		if err != nil || n.Kind != yamldoc.Mapping {
			r.fault(n, "want an object")
			return
		}
		*to = v
	}
}
