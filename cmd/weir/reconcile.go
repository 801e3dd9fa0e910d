package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// reconciled is one figure of a day's calls of a model, as weir and as the provider has it.
type reconciled struct {
	Day        string   `json:"day"`
	Model      string   `json:"model"`
	Figure     string   `json:"figure"`
	Weir       *string  `json:"weir"`     // null: weir knows no such call, or no price of it
	Provider   *string  `json:"provider"` // null: not in the export
	Difference string   `json:"difference"`
	Percent    *float64 `json:"percent"` // of the provider's; null when that is nothing
	Beyond     bool     `json:"beyond"`  // the tolerance
	Note       string   `json:"note"`
}

func reconcileCommand() *cobra.Command {
	var (
		tolerance, provider string
		all                 bool
	)
	cmd := &cobra.Command{
		Use:   "reconcile FILE",
		Short: "Compare a provider's own export of usage or costs with what weir recorded",
		Long: `reconcile reads OpenAI's usage or costs, as its API gives them (JSON, grouped by model or line_item) or as the CSV of its
dashboard, and compares it with the recorded calls by day of UTC and model: calls, tokens and dollars, as far as the export has
them. It exits 1 when a figure differs by more than the tolerance.`,
		Example: `  weir reconcile usage-2026-11.json
  weir reconcile costs.csv --tolerance 0.5 --all`,
		Args: oneArg("a file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			bound, err := strconv.ParseFloat(strings.TrimSuffix(tolerance, "%"), 64)
			if err != nil || !(bound >= 0 && bound <= 100) {
				return fmt.Errorf("--tolerance %q is no percentage from 0 to 100", tolerance)
			}
			text, err := os.ReadFile(args[0])
			if err != nil {
				return fmt.Errorf("read the export: %w", err)
			}
			file, err := readUsageFile(filepath.Base(args[0]), text)
			if err != nil {
				return err
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			own, err := c.usageOf(cmd, provider, file)
			if err != nil {
				return err
			}
			rows := compareUsage(file, own, bound)
			beyond := 0
			for _, r := range rows {
				if r.Beyond {
					beyond++
				}
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				err = s.encode(map[string]any{"tolerance_percent": bound, "figures": len(rows), "beyond": beyond, "rows": rows})
			} else {
				err = s.reconciled(rows, all)
			}
			if err != nil {
				return err
			}
			if beyond > 0 {
				return sayNo("%d of %s differ by more than %v %%", beyond, noun(len(rows), "figure"), bound)
			}
			s.note("%s over %s agree within %v %%", noun(len(rows), "figure"), noun(len(file.days), "day"), bound)
			return nil
		},
	}
	clientFlags(cmd)
	cmd.Flags().StringVar(&tolerance, "tolerance", "1", "percent that a figure may differ by")
	cmd.Flags().StringVar(&provider, "provider", "openai", "the configured provider that the export is of")
	cmd.Flags().BoolVar(&all, "all", false, "show the figures that agree, too")
	return cmd
}

// usageOf sums what weir recorded on the days of an export.
func (c *client) usageOf(cmd *cobra.Command, provider string, file *usageFile) (map[dayModel]*usageFigures, error) {
	days := slices.Sorted(maps.Keys(file.days))
	last, err := time.Parse(time.DateOnly, days[len(days)-1])
	if err != nil {
		return nil, err
	}
	q := url.Values{"by": {"day,model"}, "provider": {provider}, "since": {days[0]}, "until": {last.AddDate(0, 0, 1).Format(time.DateOnly)}}
	var costs struct {
		Rows []costRow `json:"rows"`
	}
	if _, err := c.get(cmd.Context(), "costs", q, &costs); err != nil {
		return nil, err
	}
	out := map[dayModel]*usageFigures{}
	for _, r := range costs.Rows {
		if !file.days[r.Group["day"]] {
			continue // a day that the export leaves out
		}
		f := &usageFigures{
			calls: new(big.Rat).SetInt64(r.Calls), input: new(big.Rat).SetInt64(r.InputTokens), output: new(big.Rat).SetInt64(r.OutputTokens),
		}
		if r.CostUSD != nil { // else no call of them has a price, which is not to say that they cost nothing
			var ok bool
			if f.usd, ok = new(big.Rat).SetString(*r.CostUSD); !ok {
				return nil, errors.New("the API gave a cost that is no number")
			}
		}
		out[dayModel{r.Group["day"], r.Group["model"]}] = f
	}
	return out, nil
}

// compareUsage sets all figures that the export has beside weir's.
func compareUsage(file *usageFile, own map[dayModel]*usageFigures, tolerance float64) []reconciled {
	var has [4]bool
	for _, f := range file.figures {
		for i, v := range f.fields() {
			has[i] = has[i] || *v != nil
		}
	}
	keys := map[dayModel]bool{}
	for key := range file.figures {
		keys[key] = true
	}
	for key, f := range own {
		if f.input.Sign() > 0 || f.output.Sign() > 0 || f.usd != nil && f.usd.Sign() > 0 { // calls that reached nobody are not in an export
			keys[key] = true
		}
	}
	rows := []reconciled{}
	none := &usageFigures{}
	for key := range keys {
		theirs, ours := cmp.Or(file.figures[key], none), cmp.Or(own[key], none)
		for i := range has {
			t, o := *theirs.fields()[i], *ours.fields()[i]
			if !has[i] || t == nil && o == nil {
				continue
			}
			row := compareFigure(key, i, o, t, tolerance)
			switch {
			case o == nil && ours != none:
				row.Note = "has no price here"
			case o == nil:
				row.Note = "not recorded here"
			case t == nil:
				row.Note = "not in the export"
			case row.Beyond:
				row.Note = "differs"
			}
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b reconciled) int {
		return cmp.Or(strings.Compare(a.Day, b.Day), strings.Compare(a.Model, b.Model), cmp.Compare(slices.Index(figureNames, a.Figure), slices.Index(figureNames, b.Figure)))
	})
	return rows
}

func compareFigure(key dayModel, figure int, ours, theirs *big.Rat, tolerance float64) reconciled {
	show := func(r *big.Rat) string {
		if figureNames[figure] == "usd" {
			return r.FloatString(6)
		}
		return r.FloatString(0)
	}
	row := reconciled{Day: key.day, Model: key.model, Figure: figureNames[figure]}
	a, b := new(big.Rat), new(big.Rat)
	if ours != nil {
		text := show(ours)
		row.Weir, a = &text, ours
	}
	if theirs != nil {
		text := show(theirs)
		row.Provider, b = &text, theirs
	}
	diff := new(big.Rat).Sub(a, b)
	row.Difference = show(diff)
	if b.Sign() == 0 {
		row.Beyond = diff.Sign() != 0
		return row
	}
	pc, _ := new(big.Rat).Quo(diff, b).Float64()
	pc *= 100
	row.Percent, row.Beyond = &pc, pc > tolerance || pc < -tolerance
	return row
}

func (s *screen) reconciled(rows []reconciled, all bool) error {
	sh := sheet{columns: []column{
		{name: "day"},
		{name: "model", flex: true},
		{name: "figure"},
		{name: "weir", right: true},
		{name: "provider", right: true},
		{name: "difference", right: true, drop: 1},
		{name: "percent", right: true},
		{name: "", drop: 2},
	}}
	for _, r := range rows {
		if !r.Beyond && !all {
			continue
		}
		pc := "-"
		if r.Percent != nil {
			pc = fmt.Sprintf("%+.2f %%", *r.Percent)
		}
		sh.rows = append(sh.rows, []string{r.Day, r.Model, r.Figure, orDash(r.Weir), orDash(r.Provider), r.Difference, pc, r.Note})
	}
	if len(sh.rows) == 0 {
		return nil
	}
	return s.table(sh)
}
