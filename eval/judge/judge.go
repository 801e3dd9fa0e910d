// Package judge lets models grade answers, and says how far their grades may be trusted.
//
// The nouns are Case and Judgement (here), Rubric (rubric.go), Prompt (prompt.go), Asker (ask.go), the judges themselves (grade.go,
// votes.go, pair.go, statements.go, chunks.go, relevancy.go), and Calibration with Fitness (calibrate.go, fitness.go).
//
// What is judged is text of strangers. It goes to the model between markers that it cannot forge, never as instructions, and what
// the model says is believed only in the shape that was asked for. What cannot be graded is unscorable, with what the model said
// kept; it is never a zero.
package judge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/weir-dev/weir/price"
)

// Case is one answer to be judged.
type Case struct {
	Input    string   `json:"input"`
	Output   string   `json:"output"`
	Expected string   `json:"expected,omitempty"` // a right answer; "" when none is known
	Contexts []string `json:"contexts,omitempty"` // what the answer was to be drawn from, best first
}

// MaxCase bounds the texts of a case, in bytes. A longer one is unscorable: no model reads it well, and it is paid for.
const MaxCase = 512 << 10

// size is how many bytes a case has.
func (c *Case) size() int {
	n := len(c.Input) + len(c.Output) + len(c.Expected)
	for _, text := range c.Contexts {
		n += len(text)
	}
	return n
}

// State is what became of a judgement.
type State string

// Scored: there is a grade. Unscorable: the case lacks what the judge needs, or the model gave no grade that could be read.
// Failed: the model did not answer.
const (
	Scored     State = "scored"
	Unscorable State = "unscorable"
	Failed     State = "failed"
)

// Judgement is what a judge says of a case. Score, Grade and Passed mean nothing unless it is scored.
type Judgement struct {
	State State   `json:"state"`
	Score float64 `json:"score"` // from 0 to 1, higher is better
	// Grade is on the rubric's own scale; of judges without a scale, the score.
	Grade  float64 `json:"grade"`
	Passed bool    `json:"passed"`
	Reason string  `json:"reason,omitempty"` // the model's reason, or why there is no score
	// Raw is what the model said, of answers that could not be read; clipped to MaxRaw.
	Raw string `json:"raw,omitempty"`
	// Weighted is set when the grade is the mean over the grades the model found probable.
	Weighted bool `json:"weighted,omitempty"`
	// Votes are the single grades behind a panel's or a repeated judge's.
	Votes []Vote `json:"votes,omitempty"`
	// Agreement is the share of votes for the grade most gave; nil without votes.
	Agreement *float64 `json:"agreement,omitempty"`
	// Disputed is set when the votes do not agree whether it passes, or are more than one grade apart: a case for a person.
	Disputed bool  `json:"disputed,omitempty"`
	Tally    Tally `json:"tally"`
}

// Vote is one grade among several.
type Vote struct {
	Model  string  `json:"model"`
	State  State   `json:"state"`
	Grade  float64 `json:"grade"`
	Score  float64 `json:"score"` // the grade from 0 to 1
	Passed bool    `json:"passed"`
	Reason string  `json:"reason,omitempty"`
}

// Tally is what judging took.
type Tally struct {
	Calls    int       `json:"calls"`    // answered by the model
	Cached   int       `json:"cached"`   // answered from memory
	Repairs  int       `json:"repairs"`  // calls that asked again for a readable answer
	Unpriced int       `json:"unpriced"` // calls whose cost is not known
	Cost     price.USD `json:"cost_usd"` // of the others
	// Dropped names the request's members that the model would not take, such as temperature.
	Dropped []string `json:"dropped,omitempty"`
}

// Add adds another's.
func (t *Tally) Add(o Tally) {
	t.Calls += o.Calls
	t.Cached += o.Cached
	t.Repairs += o.Repairs
	t.Unpriced += o.Unpriced
	t.Cost += o.Cost
	for _, name := range o.Dropped {
		if !slices.Contains(t.Dropped, name) {
			t.Dropped = append(t.Dropped, name)
		}
	}
}

// Judge grades cases. Implementations are safe for concurrent use.
type Judge interface {
	// Judge grades a case. An error is for what stops more than this case: the context is over, or a *StopError. All else is in the
	// judgement's state and reason.
	Judge(ctx context.Context, c Case) (Judgement, error)
	// Plan gives the questions that judging a case will ask, for an estimate, and asks nothing. Where a question depends on an
	// answer, the longest likely stands for it; repairs are not in it.
	Plan(ctx context.Context, c Case) ([]Question, error)
	// Version says which judge this is; judges with equal hashes grade alike.
	Version() Version
}

// Version names a judge by all that its grades depend on.
type Version struct {
	Kind   Kind     `json:"kind"`
	Rubric string   `json:"rubric,omitempty"` // its name
	Prompt string   `json:"prompt"`           // hash of all instructions, criteria and grades
	Models []string `json:"models"`
	Params string   `json:"params"` // as JSON
	Hash   string   `json:"hash"`   // of all these
}

// form is changed when judges come to grade differently by their code.
const form = "judge/1"

// sealed gives a version its hash.
func (v Version) sealed() Version {
	v.Hash = hashOf(form, string(v.Kind), v.Prompt, strings.Join(v.Models, "\x00"), v.Params)
	return v
}

// hashOf tells lists of texts apart: 32 digits of hex.
func hashOf(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// marshal writes a value made of texts, numbers and raw JSON that was checked.
func marshal(v any) json.RawMessage {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("judge: write JSON: %v", err)) // every raw value was read from JSON
	}
	return json.RawMessage(strings.TrimSuffix(b.String(), "\n"))
}

// StopError is what no other case would fare better with: the limit is reached, the key is refused, the budget is spent.
type StopError struct{ Err error }

// Error is the cause.
func (e *StopError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *StopError) Unwrap() error { return e.Err }

// ErrLimit is in the chain when a question could have cost more than what is left of the limit.
var ErrLimit = errors.New("the limit of what judging may cost is reached")

// unscorable is a judgement that says why there is no grade.
func unscorable(format string, args ...any) Judgement {
	return Judgement{State: Unscorable, Reason: fmt.Sprintf(format, args...)}
}

// outcome turns what hindered an answer into a judgement, or into an error when it stops more than this case.
func outcome(err error, tally Tally) (Judgement, error) {
	j := Judgement{State: Failed, Tally: tally}
	if _, stops := errors.AsType[*StopError](err); stops {
		return j, err
	}
	if unreadable, ok := errors.AsType[*UnreadableError](err); ok {
		j.State, j.Reason, j.Raw = Unscorable, unreadable.Error(), unreadable.Raw
		return j, nil
	}
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		j.Reason = refused.Error()
		return j, nil
	}
	return j, err
}
