// Package drift compares what is asked and answered in a day with the same weekday of the weeks before it.
package drift

import (
	"time"

	"github.com/weir-dev/weir/eval/stats"
)

// Metric is what of the traffic is compared.
type Metric string

// Lengths in tokens, of calls with status ok; how calls with status ok spread over models, and all over how they ended; shares of calls.
const (
	InputTokens  Metric = "input_tokens"
	OutputTokens Metric = "output_tokens"
	Models       Metric = "models"
	Ends         Metric = "ends"
	Refusals     Metric = "refusals" // of the calls with status ok, those that the provider or the model held back: content_filter
	Errors       Metric = "errors"   // of all calls, those with status error
)

// Metrics lists them all.
func Metrics() []Metric { return []Metric{InputTokens, OutputTokens, Models, Ends, Refusals, Errors} }

// kind is how a metric's values are.
type kind int

const (
	length kind = iota // classes in order
	mix                // classes without one
	rate               // of two classes, of which the second counts
)

func (m Metric) kind() kind {
	switch m {
	case InputTokens, OutputTokens:
		return length
	case Models, Ends:
		return mix
	}
	return rate
}

// State says how a day compares with those before it.
type State string

// The states. TooEarly: there are fewer than two weeks to compare with. TooFew: the day, or what is before it, has too few calls.
const (
	Steady   State = "steady"
	Drifted  State = "drifted"
	TooEarly State = "too_early"
	TooFew   State = "too_few"
)

// What a drift is measured by.
const (
	Alpha    = 0.01 // of all series of a report together, the share of false ones among those that are said to have drifted
	MinPSI   = 0.1  // over what samples of this size show without any drift, or
	MinSD    = 0.2  // standard deviations of the location of lengths, or
	MinShare = 0.05 // of the calls in one class of a mix, or
	MinRate  = 0.005

	weeks       = 4
	days        = 7*weeks + 1 // the day itself is 0
	leastCalls  = 50          // of the day
	leastBefore = 100         // of the reference
	leastWeeks  = 2
	leastOfDay  = 30 // of a day that tells how far days differ as a rule
	leastDays   = 7  // of those
	psiGroups   = 10
	wide        = 4 // noise that is told of
	span        = 24 * time.Hour
)

// Series is one metric of one project, or of one of its prompts or models.
type Series struct {
	ID      string `json:"id"` // the same for the same metric of the same calls
	Metric  Metric `json:"metric"`
	Project string `json:"project"`
	Prompt  string `json:"prompt"` // "": all
	Model   string `json:"model"`  // "": all
	State   State  `json:"state"`
	Reason  string `json:"reason"` // in words

	N              int64    `json:"n"`
	ReferenceN     int64    `json:"reference_n"`
	Weeks          int      `json:"weeks"` // that the day is compared with
	Value          *float64 `json:"value"` // the median length, the share, or the share of the class that moved most
	ReferenceValue *float64 `json:"reference_value"`

	// What follows is nil while there is too little to compare.
	Shift       *stats.Shift       `json:"shift"`
	RankSum     *stats.RankSum     `json:"rank_sum"`    // of lengths
	Distance    *stats.Distance    `json:"distance"`    // of lengths
	Homogeneity *stats.Homogeneity `json:"homogeneity"` // of the others, nil too when nearly all is of one class
	// Noise is how many times as far as chance alone days lie apart as a rule, as a ratio of variances, at least 1: tests and intervals
	// count with it.
	Noise  *float64 `json:"noise"`
	Effect *Effect  `json:"effect"`
	P      *float64 `json:"p"`          // of the test, or the less of two, twice
	Q      *float64 `json:"p_adjusted"` // among all series that were compared, by Benjamini and Hochberg
	Moved  *Segment `json:"moved"`      // of what is sure; nil when there is one segment only

	Days    []Day   `json:"days,omitempty"`    // oldest first, the day itself last
	Classes []Class `json:"classes,omitempty"` // in order
}

// Effect is how much has changed, with its 95 % interval.
type Effect struct {
	// Kind is ratio: how many times as long, or difference: of shares, in parts of one.
	Kind  string  `json:"kind"`
	Class string  `json:"class"` // of a mix, that moved most
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Segment is the prompt or the model whose calls account for most of a change.
type Segment struct {
	By   string `json:"by"` // prompt or model
	Name string `json:"name"`
	// Part is how much of the change of the mean, or of the share, it accounts for; others may counteract, and then it is above 1.
	Part           float64 `json:"part"`
	Within         float64 `json:"within"` // of Part, what its own values do; the rest is that it has more or fewer of the calls
	N              int64   `json:"n"`
	ReferenceN     int64   `json:"reference_n"`
	Value          float64 `json:"value"` // its typical length, or its share
	ReferenceValue float64 `json:"reference_value"`
}

// Day is one day against the same weekday of the other weeks.
type Day struct {
	Until time.Time `json:"until"` // of the 24 hours
	N     int64     `json:"n"`
	PSI   *float64  `json:"psi"` // nil: there is too little
}

// Class is a part of a distribution: a range of lengths, or a name.
type Class struct {
	Name      string  `json:"name"`
	From      float64 `json:"from"` // tokens, of lengths
	To        float64 `json:"to"`   // and this is beyond it
	Share     float64 `json:"share"`
	Reference float64 `json:"reference"`
}

// Report is all series at a moment.
type Report struct {
	Until  time.Time `json:"until"`  // end of the 24 hours that are looked at
	Since  time.Time `json:"since"`  // start of what they are compared with
	Sample float64   `json:"sample"` // share of the calls that was looked at
	Calls  int64     `json:"calls"`  // that there are
	Left   int       `json:"left"`   // series that there was no room for
	Series []Series  `json:"series"` // what has drifted first, the surest first
}
