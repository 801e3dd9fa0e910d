package online

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/internal/expression"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

// Project is whose account the questions of judges are on. Its calls are never scored.
const Project = "online"

// Bounds of rules.
const (
	MaxRules   = 50
	maxScorers = 16
	maxTags    = 16
	maxWord    = 200 // bytes of a filter's value
	maxDelay   = 7 * 24 * time.Hour
	maxSource  = 64 << 10 // bytes of a rule as JSON
)

// By says what the sample is drawn of.
type By string

// The units of a sample. A call without a session or a user is its own.
const (
	ByCall    By = "call"
	BySession By = "session"
	ByUser    By = "user"
)

// Filter picks calls by the words that lists of calls are filtered by. All that are set must hold.
type Filter struct {
	Project  string            `json:"project,omitempty"`
	Key      string            `json:"key,omitempty"` // name or id
	Provider string            `json:"provider,omitempty"`
	Model    string            `json:"model,omitempty"` // requested or answered
	User     string            `json:"user,omitempty"`
	Session  string            `json:"session,omitempty"`
	Endpoint string            `json:"endpoint,omitempty"`
	Cache    string            `json:"cache,omitempty"`
	Prompt   string            `json:"prompt,omitempty"` // name, or name@version
	Arm      string            `json:"arm,omitempty"`
	Tags     map[string]string `json:"tags,omitempty"`
}

// calls is the filter as stores take it: of calls that were answered well.
func (f *Filter) calls() trace.Filter {
	return trace.Filter{
		Project: f.Project, Key: f.Key, Provider: f.Provider, Model: f.Model, User: f.User, Session: f.Session, Endpoint: f.Endpoint, Cache: f.Cache,
		Prompt: f.Prompt, Arm: f.Arm, Tags: f.Tags, Status: string(trace.StatusOK),
	}
}

// Rule says which calls are scored, and how.
type Rule struct {
	Name      string              `json:"name"`
	Filter    Filter              `json:"filter,omitzero"`
	Condition string              `json:"condition,omitempty"` // an expression over what is known of the call
	Rate      float64             `json:"rate"`                // share of calls, over 0 up to 1
	By        By                  `json:"by"`                  // "" is call
	Scorers   []eval.ScorerConfig `json:"scorers"`
	Budget    *price.USD          `json:"budget_usd,omitempty"`     // what judges may cost in a day of UTC; nil: no bound
	PerMinute int                 `json:"max_per_minute,omitempty"` // calls that are taken in a minute; 0: no bound
	Delay     eval.Duration       `json:"delay,omitzero"`           // how long a call waits before it is scored
	Author    string              `json:"author,omitempty"`         // who stored it
	UpdatedAt time.Time           `json:"updated_at,omitzero"`
}

// DecodeRule reads a rule's JSON. It takes no names but the rule's own.
func DecodeRule(raw []byte) (Rule, error) {
	var r Rule
	if len(raw) > maxSource {
		return r, fmt.Errorf("the rule is larger than %d KiB", maxSource>>10)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return r, fmt.Errorf("the rule cannot be read: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return r, nil
}

// Fault is what is wrong with a member of a rule.
type Fault struct {
	Field  string
	Reason string
}

func (f *Fault) Error() string { return f.Field + ": " + f.Reason }

var named = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Settle fills what is left out and says all that is wrong, each fault a *Fault.
func (r *Rule) Settle(ctx context.Context) error {
	var faults []error
	say := func(wrong bool, field, format string, args ...any) {
		if wrong {
			faults = append(faults, &Fault{field, fmt.Sprintf(format, args...)})
		}
	}
	if r.By == "" {
		r.By = ByCall
	}
	say(!named.MatchString(r.Name), "name", "the name %.70q is none: want 1 to 64 letters, digits, dots, dashes and underscores", r.Name)
	say(!(r.Rate > 0 && r.Rate <= 1), "rate", "%v is not over 0 and up to 1", r.Rate)
	say(!slices.Contains([]By{ByCall, BySession, ByUser}, r.By), "by", "%.40q is unknown: want %s, %s or %s", string(r.By), ByCall, BySession, ByUser)
	say(r.Budget != nil && *r.Budget <= 0, "budget_usd", "the budget is not over 0: leave it out for none")
	say(r.PerMinute < 0 || r.PerMinute > 1_000_000, "max_per_minute", "%d is not from 1 to 1,000,000", r.PerMinute)
	say(r.Delay < 0 || time.Duration(r.Delay) > maxDelay, "delay", "%s is not from 0 to %s", time.Duration(r.Delay), maxDelay)
	say(len(r.Filter.Tags) > maxTags, "filter", "there are %d tags: at most %d are looked at", len(r.Filter.Tags), maxTags)
	f := r.Filter
	values := []string{f.Project, f.Key, f.Provider, f.Model, f.User, f.Session, f.Endpoint, f.Cache, f.Prompt, f.Arm}
	for k, v := range f.Tags {
		values = append(values, k, v)
	}
	for _, v := range values {
		say(len(v) > maxWord, "filter", "the value %.40q is longer than %d bytes", v, maxWord)
	}
	say(f.Project == Project, "filter", "the project %s asks for the judges themselves, whose calls are never scored", Project)
	if r.Condition != "" {
		_, err := expression.CompileCondition(r.Condition, names(&trace.Span{}))
		say(err != nil, "condition", "%v", err)
	}
	say(len(r.Scorers) == 0 || len(r.Scorers) > maxScorers, "scorers", "there are %d scorers: want 1 to %d", len(r.Scorers), maxScorers)
	seen := map[string]bool{}
	for i := range r.Scorers {
		c := &r.Scorers[i]
		if c.Name == "" {
			c.Name = c.Metric
		}
		at := "scorers." + strconv.Itoa(i)
		say(!named.MatchString(c.Name), at, "the name %.70q is none: want 1 to 64 letters, digits, dots, dashes and underscores", c.Name)
		say(seen[c.Name], at, "two scorers have the name %s", c.Name)
		seen[c.Name] = true
		say(c.Calibration != "" || c.Fitness != nil || c.Floor != 0, at, "calibration, fitness and floor belong to gates, which rules have none of")
		s, err := eval.NewLiveScorer(ctx, *c, eval.Judges{})
		say(err != nil, at, "%v", err)
		if err == nil {
			_ = s.Close() // nothing was started
		}
	}
	return errors.Join(faults...)
}

// Faults are the single faults of an error of Settle.
func Faults(err error) []*Fault {
	many, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	var out []*Fault
	for _, e := range many.Unwrap() {
		if f, ok := errors.AsType[*Fault](e); ok {
			out = append(out, f)
		}
	}
	return out
}

// Version tells scores apart that are not to be compared: it changes with what is scored and how, not with how much of it.
func (r *Rule) Version() string {
	text, err := json.Marshal(struct {
		Filter    Filter
		Condition string
		By        By
		Scorers   []eval.ScorerConfig
	}{r.Filter, r.Condition, r.By, r.Scorers})
	if err != nil {
		panic(fmt.Sprintf("online: write rule %s: %v", r.Name, err)) // its raw members were read from JSON
	}
	sum := sha256.Sum256(text)
	return r.Name + "@" + hex.EncodeToString(sum[:6])
}

// judges says whether a scorer asks models.
func judges(c *eval.ScorerConfig) bool { return c.Metric == "judge" }

// names are what a condition may name.
func names(s *trace.Span) map[string]any {
	cost := 0.0
	if usd, known := s.KnownCost(); known {
		cost = usd.Float64()
	}
	tags := s.Tags
	if tags == nil {
		tags = map[string]string{}
	}
	finish := ""
	if len(s.FinishReasons) > 0 {
		finish = s.FinishReasons[0]
	}
	return map[string]any{
		"project": s.Project, "key": s.Key, "user": s.User, "session": s.Session, "tags": tags, "provider": s.Provider, "model": s.Model,
		"endpoint": string(s.Endpoint), "stream": s.Stream, "prompt": s.Prompt, "prompt_version": float64(s.PromptVersion), "arm": s.Arm, "cache": string(s.Cache),
		"attempts": float64(s.Attempts), "finish_reason": finish, "cost_usd": cost, "latency_ms": float64(s.Duration) / math.Pow10(6),
		"input_tokens": float64(s.Usage.Input()), "output_tokens": float64(s.Usage.Output()),
	}
}
