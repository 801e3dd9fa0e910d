// Package limit holds calls back that come too fast or too many at once: requests and tokens a minute, and calls under way, for each key, user, model or whoever a rule picks.
package limit

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/weir-dev/weir/llm"
)

// Rule bounds the calls that its scope picks. At least one of its limits is set; all that are set hold.
type Rule struct {
	// Scope is what a call must have, by the names in ScopeNames or tag.NAME. The value * means every one by itself: each
	// user then has the limits for himself. An empty scope is the whole installation. A call that has no such thing, no
	// user say, is not held against the rule.
	Scope map[string]string

	RequestsPerMinute int64 // 0: no limit
	TokensPerMinute   int64 // input and output, 0: no limit
	Concurrent        int64 // calls under way, 0: no limit

	// Burst is how many requests may come at once after a quiet time; 0 is those of a minute. In no time span are there
	// more than the burst and what the limit allows for the span.
	Burst int64
}

// Each is the value of a scope that counts every one by itself.
const Each = "*"

// ScopeNames are what a scope can name, beside tag.NAME: a key by name or id, a model as it was asked for.
var ScopeNames = []string{"project", "key", "user", "session", "model"}

// ErrRule is in the chain of an error that says what is wrong with a rule.
var ErrRule = errors.New("not a limit")

// all is the name of a rule without a scope.
const all = "all"

// most bounds a limit, so that no arithmetic can overflow.
const most = 1_000_000_000

// Check says everything that is wrong with a rule, or nil.
func (r *Rule) Check() error {
	var wrong []string
	for _, name := range slices.Sorted(maps.Keys(r.Scope)) {
		tag, isTag := strings.CutPrefix(name, "tag.")
		if !isTag && !slices.Contains(ScopeNames, name) || isTag && tag == "" {
			wrong = append(wrong, fmt.Sprintf("scope: %q is none of %s or tag.NAME", name, strings.Join(ScopeNames, ", ")))
		}
		if r.Scope[name] == "" {
			wrong = append(wrong, fmt.Sprintf("scope: %s is empty; name one, or write %q for each by itself", name, Each))
		}
	}
	for _, f := range []struct {
		name string
		n    int64
	}{{"requests_per_minute", r.RequestsPerMinute}, {"tokens_per_minute", r.TokensPerMinute}, {"concurrent", r.Concurrent}, {"burst", r.Burst}} {
		if f.n < 0 || f.n > most {
			wrong = append(wrong, fmt.Sprintf("%s: %d is not from 1 to %d", f.name, f.n, most))
		}
	}
	if r.RequestsPerMinute == 0 && r.TokensPerMinute == 0 && r.Concurrent == 0 {
		wrong = append(wrong, "says no limit; set requests_per_minute, tokens_per_minute or concurrent")
	}
	switch {
	case r.Burst > 0 && r.RequestsPerMinute == 0:
		wrong = append(wrong, "burst: belongs to requests_per_minute, which is not set")
	case r.Burst > r.RequestsPerMinute && r.RequestsPerMinute > 0:
		wrong = append(wrong, fmt.Sprintf("burst: %d is more than the %d requests of a minute", r.Burst, r.RequestsPerMinute))
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%w: %s", ErrRule, strings.Join(wrong, "; "))
	}
	return nil
}

// Name is the rule's scope in words that are the same in every process: key=*,project=lab.
func (r *Rule) Name() string {
	if len(r.Scope) == 0 {
		return all
	}
	parts := make([]string, 0, len(r.Scope))
	for _, name := range slices.Sorted(maps.Keys(r.Scope)) {
		parts = append(parts, name+"="+r.Scope[name])
	}
	return strings.Join(parts, ",")
}

// has is what a call has of a scope's name, as the rule asks for it: "" for nothing, and for a key its id where the rule
// means each, its name otherwise.
func has(call *llm.Call, name, want string) string {
	switch name {
	case "project":
		return call.Project
	case "key":
		if want == Each && call.KeyID != "" || want == call.KeyID {
			return call.KeyID
		}
		return call.Key
	case "user":
		return call.User
	case "session":
		return call.Session
	case "model":
		if call.Endpoint == llm.Models { // it asks about a model, not of one
			return ""
		}
		return call.Model
	}
	return call.Tags[strings.TrimPrefix(name, "tag.")]
}
