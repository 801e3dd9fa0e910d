package budget

import (
	"errors"
	"fmt"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
)

// Refused says why an attempt may not be made.
type Refused struct {
	Fault *llm.Fault
	// Final: another target may not be tried either.
	Final bool
}

// Error is the fault's.
func (r *Refused) Error() string { return r.Fault.Error() }

// Unwrap gives the fault.
func (r *Refused) Unwrap() error { return r.Fault }

func unreached(err error) error {
	if _, ok := errors.AsType[*Refused](err); ok {
		return err
	}
	fault := llm.Faultf(llm.BudgetUnavailable, "the ledger of the budgets cannot be asked, and a budget of this call holds that it is not sent then; the operator sees why in /readyz")
	fault.RetryAfter = askAgain
	return &Refused{Final: true, Fault: fault.Because(err)}
}

// askAgain is what a client is told for whose call the ledger could not be asked.
const askAgain = 2 * time.Second

// refusal is what a client is told for whose call there is no room.
func refusal(matched []*rule, refused []Refusal, now time.Time) *Refused {
	out := &Refused{}
	for i := range refused {
		f := &refused[i]
		var r *rule
		for _, m := range matched {
			if &m.account == f.Account {
				r = m
			}
		}
		final := r.budget.AtLimit == price.RefuseCall && !r.aboutTarget()
		if out.Fault == nil || final && !out.Final {
			out.Fault, out.Final = r.spent(f, now), final
		}
	}
	return out
}

// spent is the sentence about a budget without room.
func (r *rule) spent(f *Refusal, now time.Time) *llm.Fault {
	limit, u := r.account.Limit, f.Usage
	all := u.Spent.Plus(u.Held).Plus(f.Wanted)
	what := ""
	switch {
	case !all.Within(Amount{USD: limit.USD}):
		what = fmt.Sprintf("%s of %s dollars are spent and %s held, and this call may need %s", u.Spent.USD, limit.USD, u.Held.USD, f.Wanted.USD)
	case !all.Within(Amount{Tokens: limit.Tokens}):
		what = fmt.Sprintf("%d of %d tokens are spent and %d held, and this call may need %d", u.Spent.Tokens, limit.Tokens, u.Held.Tokens, f.Wanted.Tokens)
	default:
		what = fmt.Sprintf("%d of %d calls are made and %d under way", u.Spent.Calls, limit.Calls, u.Held.Calls)
	}
	fault := llm.Faultf(llm.BudgetExceeded, "the budget %s (%s) has no room for this call: %s", r.budget.Name, r.budget.Window, what)
	if !u.Until.IsZero() {
		fault.RetryAfter = max(u.Until.Sub(now), time.Second)
		fault.Message += "; it begins anew at " + u.Until.UTC().Format(time.RFC3339)
	}
	return fault
}
