package retrieval

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Bound is a condition on a report.
type Bound struct {
	Delta  bool  // on the difference to what it is compared with
	Stage  Stage // "": the last one of ranking
	Metric Metric
	Above  bool // the value must be above Least, and not only reach it
	Least  float64
}

// ParseBound reads ndcg@10>=0.5, dense.recall@10>0.3, or delta.ndcg@10>=-0.02, which is about the difference to what the search
// is compared with.
func ParseBound(text string) (Bound, error) {
	var b Bound
	rest, number, ok := strings.Cut(text, ">")
	if !ok {
		return b, fmt.Errorf("%q is no gate: want ndcg@10>=0.5, dense.recall@10>=0.3 or delta.ndcg@10>=-0.02", text)
	}
	number, reached := strings.CutPrefix(number, "=")
	b.Above = !reached
	least, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || math.IsNaN(least) || least < -1 || least > 1 {
		return b, fmt.Errorf("the gate %q: %q is no number up to 1", text, strings.TrimSpace(number))
	}
	b.Least = least
	rest = strings.TrimSpace(rest)
	if where, name, ok := strings.Cut(rest, "."); ok {
		rest = name
		switch {
		case where == "delta":
			b.Delta = true
		case slices.Contains(Stages, Stage(where)):
			b.Stage = Stage(where)
		default:
			return b, fmt.Errorf("the gate %q: %q is no stage: want one of %v, or delta", text, where, Stages)
		}
	}
	if b.Metric, err = ParseMetric(rest); err != nil {
		return b, fmt.Errorf("the gate %q: %w", text, err)
	}
	return b, nil
}

// String is as it is read.
func (b Bound) String() string {
	where, sign := "", ">="
	switch {
	case b.Delta:
		where = "delta."
	case b.Stage != "":
		where = string(b.Stage) + "."
	}
	if b.Above {
		sign = ">"
	}
	return where + b.Metric.String() + sign + strconv.FormatFloat(b.Least, 'g', -1, 64)
}

// Check holds a report against the bound, and says what it does not keep; "" when it is kept. What was not measured does not keep
// it. differences are those to what it is compared with.
func (b Bound) Check(r *Report, differences []Difference) string {
	value, known := 0.0, false
	if b.Delta {
		i := slices.IndexFunc(differences, func(d Difference) bool { return d.Metric == b.Metric })
		if known = i >= 0; known {
			value = differences[i].Delta
		}
	} else {
		s := b.Stage
		if s == "" {
			s = r.Final
		}
		var at Score
		at, known = r.Score(s, b.Metric)
		value = at.Value
	}
	switch {
	case !known:
		return fmt.Sprintf("%s was not measured", b)
	case value < b.Least, b.Above && value <= b.Least:
		return fmt.Sprintf("%s: it is %.4f", b, value)
	}
	return ""
}
