package main

import (
	"errors"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// repriceWait bounds one reprice: a million calls take about half a minute.
const repriceWait = time.Hour

// repricedModel is what a model's calls were charged and what the book in force says.
type repricedModel struct {
	Provider      string `json:"provider"`
	Model         string `json:"model"`
	Calls         int64  `json:"calls"`
	Changed       int64  `json:"changed"`
	NewlyPriced   int64  `json:"newly_priced"`
	NoPrice       int64  `json:"no_price"`
	RecordedUSD   string `json:"recorded_usd"`
	PresentUSD    string `json:"present_usd"`
	DifferenceUSD string `json:"difference_usd"`
}

func (m *repricedModel) cells() []string {
	return []string{
		m.Provider, m.Model, count(m.Calls), count(m.Changed), count(m.NewlyPriced), count(m.NoPrice), m.RecordedUSD, m.PresentUSD, m.DifferenceUSD,
	}
}

func pricesRepriceCommand() *cobra.Command {
	var (
		since, until, model string
		yes                 bool
	)
	cmd := &cobra.Command{
		Use:   "reprice --since T",
		Short: "Show what recorded calls would cost by the prices in force, and correct them",
		Long: `reprice prices recorded calls again, by the book in force, and shows by model how that differs from what they were charged.
With --yes the differences are added as adjustments, which sums of cost and budgets see; a call itself stays as it was
recorded. It can be repeated: what was added counts as charged. A call whose model has no price in the book keeps its cost.`,
		Example: `  weir prices reprice --since 30d
  weir prices reprice --since 2026-11-01 --until 2026-11-15 --model gpt-4o-mini --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if since == "" {
				return errors.New("say from when on: weir prices reprice --since 30d")
			}
			s := newScreen(cmd)
			in := map[string]any{"apply": yes}
			for name, text := range map[string]string{"since": since, "until": until} {
				t, err := parsePast(name, text, s.now)
				if err != nil {
					return err
				}
				if !t.IsZero() {
					in[name] = stamp(t)
				}
			}
			if model != "" {
				in["model"] = model
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			c.timeout = repriceWait
			var out struct {
				Models  []repricedModel `json:"models"`
				Total   repricedModel   `json:"total"`
				Applied bool            `json:"applied"`
				Version string          `json:"version"`
			}
			raw, err := c.do(cmd.Context(), http.MethodPost, "prices/reprice", nil, in, &out)
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			if len(out.Models) == 0 {
				s.note("%s looked at: all cost what book %s says", noun(int(out.Total.Calls), "call"), clean(out.Version))
				return nil
			}
			sh := sheet{columns: []column{
				{name: "provider", drop: 1},
				{name: "model", flex: true},
				{name: "calls", right: true, drop: 3},
				{name: "changed", right: true},
				{name: "newly priced", right: true, drop: 4},
				{name: "no price", right: true, drop: 5},
				{name: "recorded", right: true, drop: 2},
				{name: "by the book", right: true, drop: 2},
				{name: "difference", right: true},
			}}
			for i := range out.Models {
				sh.rows = append(sh.rows, out.Models[i].cells())
			}
			sh.total = out.Total.cells()
			sh.total[0] = "total"
			if err := s.table(sh); err != nil {
				return err
			}
			switch {
			case out.Applied:
				s.note("added %s as adjustments, by book %s", noun(int(out.Total.Changed), "difference"), clean(out.Version))
			case out.Total.Changed > 0:
				s.note("a dry run, in dollars, by book %s; --yes adds the differences to what the calls cost", clean(out.Version))
			}
			if out.Total.NoPrice > 0 {
				s.note("%s without a price in the book keep their cost: see weir prices unpriced", noun(int(out.Total.NoPrice), "call"))
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&since, "since", "", "from when on: 7d, 30d ago, a day or a time")
	f.StringVar(&until, "until", "", "before when; nothing: now")
	f.StringVar(&model, "model", "", "only calls of this model, as asked for or answered")
	f.BoolVar(&yes, "yes", false, "add the differences; without it nothing is changed")
	return cmd
}
