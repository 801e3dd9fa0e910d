package budget

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/weir-dev/weir/price"
)

// Subject is what of a call, or of its record, budgets look at. A model has up to two names: what was asked for, and the
// target's.
type Subject struct {
	Project, KeyID, Key, User, Session string
	Model, Target, Provider            string
	Tags                               map[string]string
}

// rule is a budget that is in force.
type rule struct {
	budget  price.Budget
	account Account
	conds   []condition
	since   time.Time    // calls that began before are past, and not held against it
	asked   *atomic.Bool // what was spent before since has been asked for

	// Of a Shared ledger:
	joined bool      // since is the ledger's
	filled bool      // what was spent before since is known
	known  time.Time // since when calls are held here
}

// condition is one entry of a scope.
type condition struct {
	of    dimension
	name  string // of a tag
	value string
}

type dimension uint8

// The dimensions, the one that picks the fewest calls first.
const (
	bySession dimension = iota
	byUser
	byKey
	byTag
	byModel
	byProvider
	byProject
)

var dimensions = map[string]dimension{
	"session": bySession, "user": byUser, "key": byKey, "model": byModel, "provider": byProvider, "project": byProject,
}

// newRule puts a budget into force, which must have passed its Check.
func newRule(b price.Budget, since time.Time) (*rule, error) {
	if err := b.Check(); err != nil {
		return nil, err
	}
	zone, err := b.Location()
	if err != nil {
		return nil, fmt.Errorf("budget %s: %w", b.Name, err)
	}
	r := &rule{budget: b, since: since, asked: &atomic.Bool{}, account: Account{
		ID: b.ID, Window: b.Window, Zone: zone, Hard: b.AtLimit != price.AlertOnly,
		Limit: Amount{USD: b.LimitUSD, Tokens: b.LimitTokens, Calls: b.LimitCalls},
	}}
	r.account.Sums, r.account.Strict, r.known = r.sums(), b.Policy == price.Strict, since
	for name, value := range b.Scope {
		c := condition{value: value}
		if tag, ok := strings.CutPrefix(name, "tag."); ok {
			c.of, c.name = byTag, tag
		} else {
			c.of = dimensions[name]
		}
		r.conds = append(r.conds, c)
	}
	slices.SortFunc(r.conds, func(a, b condition) int {
		if a.of != b.of {
			return int(a.of) - int(b.of)
		}
		return strings.Compare(a.name, b.name)
	})
	return r, nil
}

// sameSums says whether what was counted for one counts for the other too.
func (r *rule) sameSums(other *rule) bool {
	return r.budget.Window == other.budget.Window && r.account.Zone.String() == other.account.Zone.String() && maps.Equal(r.budget.Scope, other.budget.Scope)
}

// aboutTarget says whether another target of the same call may be outside the scope.
func (r *rule) aboutTarget() bool {
	return slices.ContainsFunc(r.conds, func(c condition) bool { return c.of == byModel || c.of == byProvider })
}

func (c *condition) holds(s *Subject) bool {
	switch c.of {
	case bySession:
		return s.Session == c.value
	case byUser:
		return s.User == c.value
	case byKey:
		return s.Key == c.value || s.KeyID == c.value
	case byTag:
		v, ok := s.Tags[c.name]
		return ok && v == c.value
	case byModel:
		return s.Model == c.value || s.Target == c.value
	case byProvider:
		return s.Provider == c.value
	case byProject:
		return s.Project == c.value
	}
	return false
}

// ruleset is all budgets in force, found by the first condition of each. It never changes.
type ruleset struct {
	list     []*rule // by name
	everyone []*rule // those without conditions
	by       map[condition][]*rule
	byID     map[string]*rule
	young    []*rule             // made while calls were under way
	has      [byProject + 1]bool // some rule is found by the dimension
	dollars  bool                // some rule bounds dollars
}

func newRuleset(list []*rule) *ruleset {
	s := &ruleset{list: list, by: map[condition][]*rule{}, byID: map[string]*rule{}}
	for _, r := range list {
		s.byID[r.budget.ID] = r
		s.dollars = s.dollars || r.budget.LimitUSD > 0
		if len(r.conds) == 0 {
			s.everyone = append(s.everyone, r)
			continue
		}
		s.by[r.conds[0]] = append(s.by[r.conds[0]], r)
		s.has[r.conds[0].of] = true
	}
	return s
}

// match appends the budgets that a call counts against. began is when it began; those that are younger have it in their
// past.
func (s *ruleset) match(of *Subject, began time.Time, to []*rule) []*rule {
	take := func(list []*rule) {
		for _, r := range list {
			if r.covers(of) && !began.Before(r.since) {
				to = append(to, r)
			}
		}
	}
	take(s.everyone)
	find := func(of dimension, name, value string) {
		if s.has[of] && value != "" {
			take(s.by[condition{of, name, value}])
		}
	}
	find(bySession, "", of.Session)
	find(byUser, "", of.User)
	find(byKey, "", of.Key)
	if of.KeyID != of.Key {
		find(byKey, "", of.KeyID)
	}
	if s.has[byTag] {
		for name, value := range of.Tags {
			find(byTag, name, value)
		}
	}
	find(byModel, "", of.Model)
	if of.Target != of.Model {
		find(byModel, "", of.Target)
	}
	find(byProvider, "", of.Provider)
	find(byProject, "", of.Project)
	return to
}

// covers says whether all conditions hold.
func (r *rule) covers(s *Subject) bool {
	for i := range r.conds {
		if !r.conds[i].holds(s) {
			return false
		}
	}
	return true
}
