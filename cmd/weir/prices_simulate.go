package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// simulateWait bounds one simulation of recorded calls, which are all read.
const simulateWait = time.Hour

// tokenFlags are the amounts that simulate takes, by flag.
var tokenFlags = []struct{ flag, bucket, help string }{
	{"input", "input_uncached", "input, without what is read from or written to the provider's cache"},
	{"cache-read", "cache_read", "input read from the provider's cache"},
	{"cache-write-5m", "cache_write_5m", "input written to the provider's cache for 5 minutes"},
	{"cache-write-1h", "cache_write_1h", "input written to the provider's cache for 1 hour"},
	{"input-audio", "input_audio", "audio in"},
	{"output", "output_text", "output, without reasoning"},
	{"reasoning", "reasoning", "reasoning"},
	{"output-audio", "output_audio", "audio out"},
}

// simulatedPrices is the API's answer.
type simulatedPrices struct {
	Version string `json:"version"`
	Quotes  []struct {
		Provider string  `json:"provider"`
		Model    string  `json:"model"`
		CostUSD  *string `json:"cost_usd"` // nil: no price is known
		Rule     string  `json:"price_rule"`
		Closest  string  `json:"closest"`
		Lines    []struct {
			Bucket    string  `json:"bucket"`
			Tokens    int64   `json:"tokens"`
			PerMTok   *string `json:"price_usd_per_mtok"`
			AmountUSD *string `json:"amount_usd"`
			Rule      string  `json:"rule"`
		} `json:"lines"`
	} `json:"quotes"`
	Recorded *struct {
		Calls         int64  `json:"calls"`
		Skipped       int64  `json:"skipped"`
		UnpricedCalls int64  `json:"unpriced_calls"`
		RecordedUSD   string `json:"recorded_usd"`
		Models        []struct {
			Provider      string `json:"provider"`
			Model         string `json:"model"`
			Calls         int64  `json:"calls"`
			NoPrice       int64  `json:"no_price"`
			SimulatedUSD  string `json:"simulated_usd"`
			RecordedUSD   string `json:"recorded_usd"`
			DifferenceUSD string `json:"difference_usd"`
		} `json:"models"`
	} `json:"recorded"`
}

func pricesSimulateCommand() *cobra.Command {
	var tier, project, at, since, until, from string
	cmd := &cobra.Command{
		Use:   "simulate PROVIDER/MODEL [PROVIDER/MODEL …]",
		Short: "Show what tokens, or the calls of the last days, would cost on models",
		Long: `simulate prices an amount of tokens on each model, line by line, and with --since also the recorded calls: what they used, as if each
model had answered all of them. Every call is priced by itself, by the price of its own day, or by that of --at. Nothing is changed.
Other models count other tokens for the same text, and what one reads from its cache another may not.`,
		Example: `  weir prices simulate openai/gpt-4o-mini anthropic/claude-haiku-4-5 --input 1200 --cache-read 4000 --output 300
  weir prices simulate openai/gpt-5 --input 50000 --output 2000 --tier batch
  weir prices simulate openai/gpt-4o-mini --since 30d --of-model gpt-4o --project support`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("want at least one model: %s", cmd.UseLine())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			s := newScreen(cmd)
			in := map[string]any{}
			var models []map[string]string
			for _, arg := range args {
				provider, model, ok := strings.Cut(arg, "/")
				if !ok || provider == "" || model == "" {
					return fmt.Errorf("%q names no model: write it as provider/model, such as openai/gpt-4o-mini", arg)
				}
				models = append(models, map[string]string{"provider": provider, "model": model})
			}
			in["models"] = models
			if usage := tokenAmounts(cmd); len(usage) > 0 {
				in["usage"] = usage
			}
			if since != "" {
				recorded, err := recordedSpan(s, since, until, from, project)
				if err != nil {
					return err
				}
				in["recorded"] = recorded
			} else if until != "" || from != "" {
				return errors.New("--until and --of-model pick recorded calls: say from when on with --since 30d")
			}
			if in["usage"] == nil && in["recorded"] == nil {
				return errors.New("say what is to be priced: --input 1000 --output 200, or --since 30d for the calls of the last days")
			}
			for name, v := range map[string]string{"service_tier": tier, "project": project} {
				if v != "" {
					in[name] = v
				}
			}
			if at != "" {
				t, ok := parseMoment(at, s.now)
				if !ok {
					return fmt.Errorf("--at %q is no day: write it as 2027-01-01", at)
				}
				in["at"] = stamp(t)
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			c.timeout = simulateWait
			var out simulatedPrices
			raw, err := c.do(cmd.Context(), http.MethodPost, "prices/simulate", nil, in, &out)
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			return s.simulated(&out)
		},
	}
	f := cmd.Flags()
	for _, t := range tokenFlags {
		f.Int64(t.flag, 0, "tokens of "+t.help)
	}
	f.StringVar(&tier, "tier", "", "service tier: flex, priority, fast, batch; recorded calls: as each was served, unless given")
	f.StringVar(&project, "project", "", "this project's prices, and only its recorded calls")
	f.StringVar(&at, "at", "", "by the prices of this day or time; nothing: now, and for recorded calls each one's own")
	f.StringVar(&since, "since", "", "price the recorded calls from then on: 7d, 30d ago, a day or a time")
	f.StringVar(&until, "until", "", "price the recorded calls before then; nothing: now")
	f.StringVar(&from, "of-model", "", "only recorded calls of this model, as asked for or answered")
	return cmd
}

// tokenAmounts are the flags that were given, as the API's buckets.
func tokenAmounts(cmd *cobra.Command) map[string]int64 {
	usage := map[string]int64{}
	for _, t := range tokenFlags {
		if cmd.Flags().Changed(t.flag) {
			usage[t.bucket], _ = cmd.Flags().GetInt64(t.flag)
		}
	}
	return usage
}

// recordedSpan is the flags that pick calls, as the API's.
func recordedSpan(s *screen, since, until, model, project string) (map[string]string, error) {
	out := map[string]string{}
	for name, text := range map[string]string{"since": since, "until": until} {
		t, err := parsePast(name, text, s.now)
		if err != nil {
			return nil, err
		}
		if !t.IsZero() {
			out[name] = stamp(t)
		}
	}
	for name, v := range map[string]string{"model": model, "project": project} {
		if v != "" {
			out[name] = v
		}
	}
	return out, nil
}

// simulated shows the lines of each quote, then what recorded calls would have cost.
func (s *screen) simulated(out *simulatedPrices) error {
	for i, q := range out.Quotes {
		if i > 0 {
			fmt.Fprintln(s.out)
		}
		fmt.Fprintln(s.out, clean(q.Provider+"/"+q.Model))
		sh := sheet{columns: []column{
			{name: "counted"},
			{name: "tokens", right: true},
			{name: "per million", right: true, drop: 2},
			{name: "dollars", right: true},
			{name: "rule", flex: true, drop: 1},
		}}
		for _, l := range q.Lines {
			sh.rows = append(sh.rows, []string{strings.ReplaceAll(l.Bucket, "_", " "), count(l.Tokens), known(l.PerMTok), known(l.AmountUSD), l.Rule})
		}
		total := "no price"
		if q.CostUSD != nil {
			total = *q.CostUSD
		}
		sh.total = []string{"total", "", "", total, ""}
		if err := s.table(sh); err != nil {
			return err
		}
		if q.CostUSD == nil {
			hint := ""
			if q.Closest != "" {
				hint = "; the nearest name with a price is " + q.Closest
			}
			s.note("%s%s", clean(q.Rule), clean(hint))
		}
	}
	r := out.Recorded
	if r == nil {
		return nil
	}
	if len(out.Quotes) > 0 {
		fmt.Fprintln(s.out)
	}
	sh := sheet{columns: []column{
		{name: "provider", drop: 1},
		{name: "model", flex: true},
		{name: "calls", right: true, drop: 3},
		{name: "no price", right: true, drop: 4},
		{name: "would cost", right: true},
		{name: "recorded", right: true, drop: 2},
		{name: "difference", right: true},
	}}
	for _, m := range r.Models {
		sh.rows = append(sh.rows, []string{m.Provider, m.Model, count(m.Calls), count(m.NoPrice), m.SimulatedUSD, m.RecordedUSD, m.DifferenceUSD})
	}
	if err := s.table(sh); err != nil {
		return err
	}
	s.note("%s cost %s USD as recorded, by book %s; the difference is of those whose cost is known on both sides", noun(int(r.Calls), "call"), r.RecordedUSD, clean(out.Version))
	if r.UnpricedCalls > 0 {
		s.note("%s have no recorded cost: see weir prices unpriced", noun(int(r.UnpricedCalls), "call"))
	}
	return nil
}
