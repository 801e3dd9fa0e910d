package experiment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Metrics are what the arms are judged by: a primary with guardrails, or one utility with guardrails.
type Metrics struct {
	Primary    *Metric  `json:"primary,omitempty"`
	Guardrails []Metric `json:"guardrails,omitempty"`
	Utility    []Term   `json:"utility,omitempty"` // in place of a primary; higher is better
}

// Metric is one measure of a unit's calls.
type Metric struct {
	Metric    string    `json:"metric"`              // one of MetricNames, or score:NAME
	Direction Direction `json:"direction"`           // which way is better
	Per       Per       `json:"per,omitempty"`       // empty: unit for cost, tokens and calls, else call
	SLO       float64   `json:"slo_ms,omitempty"`    // of latency: calls that take longer are counted, in milliseconds
	Margin    *Amount   `json:"margin,omitempty"`    // of a guardrail: how much worse is still accepted
	Winsorize float64   `json:"winsorize,omitempty"` // a percentile of all units' values, from 50: what is above is taken as it; 0: none
	Covariate Covariate `json:"covariate,omitempty"` // empty: own_text for cost and tokens per unit, else none
}

// Term is one part of a utility: the weight times the unit's mean of the metric over its calls.
type Term struct {
	Metric string  `json:"metric"`
	Weight float64 `json:"weight"` // negative for what is to be low
	SLO    float64 `json:"slo_ms,omitempty"`
}

// Direction says which way a metric is better.
type Direction string

// Lower is better, or Higher is.
const (
	Lower  Direction = "lower"
	Higher Direction = "higher"
)

// Per says what a metric is averaged over.
type Per string

// PerUnit averages the units' totals (of cost, tokens, calls) or their own means (of the rest). PerCall divides all units' sums by
// all their calls, with the variance over units.
const (
	PerUnit Per = "unit"
	PerCall Per = "call"
)

// Covariate is what is known of a unit before its arm can matter, taken off to make intervals narrower.
type Covariate string

// OwnText is how long the user's own text is in the first exposed call, in bytes: it stands for its tokens, as only proportions count.
// PastCost is what the unit cost before that call.
const (
	OwnText     Covariate = "own_text"
	PastCost    Covariate = "past_cost"
	NoCovariate Covariate = "none"
)

// ownTokens is another name of OwnText.
const ownTokens Covariate = "own_tokens"

// MetricNames are the metrics that every call has, beside score:NAME. Latency is the share of calls over the metric's slo_ms, errors the share that failed.
var MetricNames = []string{"cost", "latency", "errors", "tokens", "input_tokens", "output_tokens", "calls"}

// ScorePrefix begins the name of a metric that is a score of calls.
const ScorePrefix = "score:"

func knownMetric(name string) bool {
	score, isScore := strings.CutPrefix(name, ScorePrefix)
	return isScore && score != "" && len(score) <= 200 || slices.Contains(MetricNames, name)
}

// isShare says whether a unit's mean of the metric is between 0 and 1 by its nature.
func isShare(name string) bool { return name == "latency" || name == "errors" }

// isTotal says whether the metric adds up over a unit's calls.
func isTotal(name string) bool { return !isShare(name) && !strings.HasPrefix(name, ScorePrefix) }

// fill sets what is left open.
func (m *Metric) fill() {
	if m.Per == "" {
		m.Per = PerCall
		if isTotal(m.Metric) {
			m.Per = PerUnit
		}
	}
	if m.Covariate == ownTokens {
		m.Covariate = OwnText
	}
	if m.Covariate == "" {
		m.Covariate = NoCovariate
		if m.Per == PerUnit && isTotal(m.Metric) && m.Metric != "calls" {
			m.Covariate = OwnText
		}
	}
}

// Amount is a number in the metric's own unit, or a share of the control's value: in JSON 0.02, or "5%".
type Amount struct {
	Value    float64
	Relative bool // Value 0.05 is five percent
}

func (a Amount) String() string {
	if a.Relative {
		return strconv.FormatFloat(a.Value*100, 'g', 6, 64) + "%"
	}
	return strconv.FormatFloat(a.Value, 'g', -1, 64)
}

// MarshalJSON writes what UnmarshalJSON reads.
func (a Amount) MarshalJSON() ([]byte, error) {
	if a.Relative {
		return json.Marshal(strconv.FormatFloat(a.Value*100, 'g', -1, 64) + "%")
	}
	return json.Marshal(a.Value)
}

// UnmarshalJSON reads a number, or a text with or without a percent sign.
func (a *Amount) UnmarshalJSON(raw []byte) error {
	text := string(bytes.TrimSpace(raw))
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
	}
	number, relative := strings.CutSuffix(strings.TrimSpace(text), "%")
	value, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
		return fmt.Errorf(`%.40q is no amount: write a number, such as 0.02, or a share of the control's value, such as "5%%"`, text)
	}
	if relative {
		value /= 100
	}
	*a = Amount{Value: value, Relative: relative}
	return nil
}
