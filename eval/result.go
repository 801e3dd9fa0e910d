package eval

import (
	"bytes"
	"cmp"
	"encoding/json"
	"time"

	"github.com/weir-dev/weir/price"
)

// State is what became of a score. What could not be measured is never a number.
type State string

// Scored: there is a value. Failed: the target or the scorer did not do its part. Unscorable: the item or the answer has nothing that
// could be measured, such as no expected answer.
const (
	Scored     State = "scored"
	Failed     State = "failed"
	Unscorable State = "unscorable"
)

// Score is what a scorer says of an answer.
type Score struct {
	State  State   `json:"state"`
	Value  float64 `json:"value"`            // meaningless unless scored
	Passed *bool   `json:"passed,omitempty"` // nil: the scorer has no bar
	Reason string  `json:"reason,omitempty"` // why there is no value, or what a scorer says about it
	// Cost is what a judge took for it; nil: nothing was asked, or nothing is known.
	Cost *price.USD `json:"cost_usd,omitempty"`
	// Unpriced is how many of a judge's questions have no known cost; Cost is of the others.
	Unpriced int `json:"unpriced,omitempty"`
	// Votes are the scores that one judge gave when it was asked several times; nil of all else.
	Votes []float64 `json:"votes,omitempty"`
}

func scored(v float64) Score { return Score{State: Scored, Value: v} }

func failed(reason string) Score { return Score{State: Failed, Reason: reason} }

func unscorable(reason string) Score { return Score{State: Unscorable, Reason: reason} }

func yes(is bool) Score {
	if is {
		return scored(1)
	}
	return scored(0)
}

// ToolCall is a function that an answer wants called.
type ToolCall struct {
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments,omitempty"`
}

// Citation is a place that an answer of a RAG pipeline rests on.
type Citation struct {
	ID       string `json:"id"`
	Document string `json:"document"`
	Quote    string `json:"quote"`
	Start    int    `json:"start"`
	End      int    `json:"end"`
}

// Answer is what a target said to an item, or why it did not.
type Answer struct {
	Text      string     `json:"text"`
	ToolCalls []ToolCall `json:"tool_calls,omitempty"`
	Contexts  []string   `json:"contexts,omitempty"` // what a RAG pipeline found and read, best first
	Citations []Citation `json:"citations,omitempty"`
	Error     string     `json:"error,omitempty"` // not "": there is no answer

	CallID       string     `json:"call_id,omitempty"` // in weir's record
	Model        string     `json:"model,omitempty"`   // that answered
	Prompt       string     `json:"prompt,omitempty"`  // name@version that it was asked with
	Cost         *price.USD `json:"cost_usd,omitempty"`
	LatencyMS    float64    `json:"latency_ms"`
	InputTokens  int64      `json:"input_tokens,omitempty"`
	OutputTokens int64      `json:"output_tokens,omitempty"`
	Tries        int        `json:"tries"`
	At           time.Time  `json:"at"`
}

// Key names one ask of a run.
type Key struct {
	Target string `json:"target"`
	Item   string `json:"item"`
	Repeat int    `json:"repeat"` // from 1
}

// Result is what became of one ask.
type Result struct {
	Key
	ItemHash string           `json:"item_hash"`
	Answer   Answer           `json:"answer"`
	Scores   map[string]Score `json:"scores"` // by scorer
}

// order sorts results by target, item and repeat.
func order(a, b *Result) int {
	return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Item, b.Item), cmp.Compare(a.Repeat, b.Repeat))
}

// RunState says how a run stands.
type RunState string

// Running, or so it was heard last; Stopped before its end, to be resumed; Done.
const (
	Running RunState = "running"
	Stopped RunState = "stopped"
	Done    RunState = "done"
)

// Run is an evaluation that is done, or on its way.
type Run struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	State      RunState   `json:"state"`
	Reason     string     `json:"reason,omitempty"` // why it was stopped
	Snapshot   string     `json:"snapshot"`         // hash of the items
	Items      int        `json:"items"`
	Definition Definition `json:"definition"`
	Summary    Summary    `json:"summary"`
	Progress   *Progress  `json:"progress,omitempty"` // as it was heard last
	Baseline   *Baseline  `json:"baseline,omitempty"` // what its gate compares with, as it was when the run ended
	Author     string     `json:"author,omitempty"`
	Served     bool       `json:"served,omitempty"` // a server asks for it, and stops and resumes it
	CreatedAt  time.Time  `json:"created_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
}

// Same says whether two runs say the same, but for when that was written.
func (r *Run) Same(other *Run) bool {
	a, b := *r, *other
	a.UpdatedAt, b.UpdatedAt = time.Time{}, time.Time{}
	return bytes.Equal(marshal(a), marshal(b))
}
