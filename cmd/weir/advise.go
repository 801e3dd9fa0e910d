package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/api"
	"github.com/weir-dev/weir/price/advice"
	"github.com/weir-dev/weir/trace"
)

// freshAdvice is an api.AdviceStore that sees what was recorded until then.
type freshAdvice struct {
	store api.AdviceStore
	fresh freshReader
}

// AdviceFacts sums calls for advice.
func (f freshAdvice) AdviceFacts(ctx context.Context, q trace.Filter) (advice.Facts, error) {
	f.fresh.fresh(ctx)
	return f.store.AdviceFacts(ctx, q)
}

// adviceWait bounds one question for advice, which reads calls and requests one by one.
const adviceWait = 10 * time.Minute

// shownFinding is a finding as the API gives it.
type shownFinding struct {
	Kind     string `json:"kind"`
	Title    string `json:"title"`
	Evidence []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
		Unit  string `json:"unit"`
	} `json:"evidence"`
	Saving string   `json:"saving_usd_30d"`
	How    string   `json:"how"`
	Do     string   `json:"do"`
	Calls  []string `json:"calls"`
}

// shownAdvice is advice as the API gives it.
type shownAdvice struct {
	Since    time.Time      `json:"since"`
	Until    time.Time      `json:"until"`
	Calls    int64          `json:"calls"`
	CostUSD  string         `json:"cost_usd"`
	FloorUSD string         `json:"floor_usd"`
	Below    int            `json:"below_floor"`
	Findings []shownFinding `json:"findings"`
	LeftOut  []struct {
		Kind string `json:"kind"`
		Why  string `json:"why"`
	} `json:"left_out"`
}

// adviceFlags are the filters that advice takes.
var adviceFlags = []string{"project", "key", "provider", "model", "user", "session", "endpoint"}

func costsAdviseCommand() *cobra.Command {
	var (
		filter filterFlags
		least  string
	)
	cmd := &cobra.Command{
		Use:   "advise",
		Short: "What recorded calls cost more than they need to, and what to do about it",
		Long: `advise looks through recorded calls for what costs more than it needs to: prompts and requests that would cache, cache writes that
nothing reads, inputs and histories far longer than usual, failures that were charged and asked again, answers that were cut and asked
again, users far above their peers, and expensive models for answers of a few tokens. Each finding comes with its figures, an estimate
of what would be saved in thirty days, and what to do. Savings of several findings may be of the same calls, and do not add up.`,
		Example: `  weir costs advise
  weir costs advise --since 7d --project support --min-usd 10
  weir costs advise --json | jq '.findings[] | {title, saving_usd_30d}'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s := newScreen(cmd)
			q, err := filter.query(s.now)
			if err != nil {
				return err
			}
			if least != "" {
				q.Set("min_usd", least)
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			c.timeout = adviceWait
			var out shownAdvice
			raw, err := c.get(cmd.Context(), "costs/advice", q, &out)
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			s.advice(&out)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&filter.since, "since", "30d", "from when on: 24h, 30d ago, a day or a time; at most 92 days")
	f.StringVar(&filter.until, "until", "", "up to when, not included; as --since")
	f.StringVar(&least, "min-usd", "", "only findings that save at least so many dollars in thirty days; nothing: 1.00")
	filter.registerFields(cmd, func(name string) bool { return slices.Contains(adviceFlags, name) })
	return cmd
}

// advice shows findings one after the other.
func (s *screen) advice(a *shownAdvice) {
	for i := range a.Findings {
		f := &a.Findings[i]
		s.title(fmt.Sprintf("%s  $%s in 30 days", clean(f.Title), f.Saving))
		pairs := make([]string, 0, 2*len(f.Evidence)+8)
		for _, e := range f.Evidence {
			pairs = append(pairs, clean(e.Name), e.Value+" "+e.Unit)
		}
		pairs = append(pairs, "estimate", f.How, "to do", f.Do, "calls", strings.Join(f.Calls, " "))
		s.facts(pairs...)
	}
	if len(a.Findings) == 0 {
		s.note("nothing found that would save $%s in 30 days", a.FloorUSD)
	}
	s.note("\n%s of %s, $%s", noun(int(a.Calls), "call"), s.moment(a.Since)+" to "+s.moment(a.Until), a.CostUSD)
	if a.Below > 0 {
		s.note("%s saving less than $%s: --min-usd 0 shows all", noun(a.Below, "finding"), a.FloorUSD)
	}
	for _, l := range a.LeftOut {
		s.note("not looked for: %s: %s", clean(l.Kind), clean(l.Why))
	}
}
