package online

import (
	"time"

	"github.com/weir-dev/weir/price"
)

// Outcome is what became of a call under a rule's scorer.
type Outcome string

// The outcomes. A call that is not decided yet waits, and is not eligible before it is.
const (
	Scored  Outcome = "scored"
	Skipped Outcome = "skipped"
	Failed  Outcome = "failed"
)

// Reason says why a call was skipped or failed, in a word.
type Reason string

// Reasons to skip.
const (
	OverBudget Reason = "budget"     // the rule's budget of the day is spent, or one of the gateway
	NoContent  Reason = "content"    // what was said was not recorded, or only its hash
	OverRate   Reason = "rate"       // more came in a minute than the rule takes
	QueueFull  Reason = "queue_full" // more wait than may
	Gone       Reason = "gone"       // the call is no longer in the store
	Removed    Reason = "removed"    // the rule was removed while it waited
)

// Reasons to fail.
const (
	BadCondition Reason = "condition"  // the rule's condition could not be worked out
	Unscorable   Reason = "unscorable" // the answer has nothing to be measured, or the judge said nothing that can be read
	ScorerFailed Reason = "scorer"     // the scorer did not do its part; of judges, the model did not answer
	Refused      Reason = "refused"    // the gateway would not let the judge ask
	BadScorer    Reason = "rule"       // the scorer cannot be made: its prompt is gone
)

// Decision is what became of one call under one scorer.
type Decision struct {
	Scorer   string
	Outcome  Outcome
	Reason   Reason    // "" of scored
	Detail   string    // in words, clipped
	Cost     price.USD // of the questions whose cost is known
	Unpriced int       // questions whose cost is not
}

// Entry counts the decisions of an hour, by rule, scorer, outcome and reason.
type Entry struct {
	Rule     string    `json:"rule"`
	Scorer   string    `json:"scorer"`
	Hour     time.Time `json:"hour"` // in which it was decided, UTC
	Outcome  Outcome   `json:"outcome"`
	Reason   Reason    `json:"reason"`
	Calls    int64     `json:"calls"`
	Cost     price.USD `json:"cost_usd"`
	Unpriced int64     `json:"unpriced"`
	Detail   string    `json:"detail"` // of the last one
}

// Totals sum entries up. Eligible is the sum of the others.
type Totals struct {
	Eligible int64            `json:"eligible"`
	Scored   int64            `json:"scored"`
	Skipped  map[Reason]int64 `json:"skipped"`
	Failed   map[Reason]int64 `json:"failed"`
	Cost     price.USD        `json:"cost_usd"`
	Unpriced int64            `json:"unpriced"`
	// Coverage is scored of eligible; nil when nothing is.
	Coverage *float64 `json:"coverage"`
}

// Sum adds up the entries that a test picks.
func Sum(entries []Entry, picks func(*Entry) bool) Totals {
	t := Totals{Skipped: map[Reason]int64{}, Failed: map[Reason]int64{}}
	for i := range entries {
		e := &entries[i]
		if !picks(e) {
			continue
		}
		switch e.Outcome {
		case Scored:
			t.Scored += e.Calls
		case Skipped:
			t.Skipped[e.Reason] += e.Calls
		case Failed:
			t.Failed[e.Reason] += e.Calls
		}
		t.Eligible += e.Calls
		t.Cost += e.Cost
		t.Unpriced += e.Unpriced
	}
	if t.Eligible > 0 {
		v := float64(t.Scored) / float64(t.Eligible)
		t.Coverage = &v
	}
	return t
}
