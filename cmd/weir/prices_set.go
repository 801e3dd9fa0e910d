package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/price"
)

// rateFlags are the prices that set takes, by flag.
var rateFlags = []struct {
	flag, help string
	of         func(*price.Entry) *price.Rate
}{
	{"input", "input", func(e *price.Entry) *price.Rate { return &e.Input }},
	{"output", "output", func(e *price.Entry) *price.Rate { return &e.Output }},
	{"cache-read", "input read from the provider's cache", func(e *price.Entry) *price.Rate { return &e.CacheRead }},
	{"cache-write-5m", "input written to the provider's cache for 5 minutes", func(e *price.Entry) *price.Rate { return &e.CacheWrite5m }},
	{"cache-write-1h", "input written to the provider's cache for 1 hour", func(e *price.Entry) *price.Rate { return &e.CacheWrite1h }},
	{"reasoning", "reasoning (not said: as output)", func(e *price.Entry) *price.Rate { return &e.Reasoning }},
	{"input-audio", "audio in", func(e *price.Entry) *price.Rate { return &e.InputAudio }},
	{"output-audio", "audio out", func(e *price.Entry) *price.Rate { return &e.OutputAudio }},
}

func pricesSetCommand() *cobra.Command {
	var (
		from, project string
		free          bool
	)
	cmd := &cobra.Command{
		Use:   "set PROVIDER MODEL --input USD --output USD",
		Short: "Set a model's price, in dollars per million tokens, over the built-in book",
		Long: `set puts a price before the built-in book's, from a day on or, without one, for all calls to come. PROVIDER is the one of
the price book: openai, anthropic, …, or for one's own servers the configured provider's name. MODEL may hold * for any run
of characters. Calls that are recorded keep their cost.`,
		Example: `  weir prices set local qwen3-32b --input 0.10 --output 0.30
  weir prices set openai gpt-4o --input 2 --cache-read 1 --output 8 --from 2027-01-01 --project support
  weir prices set local '*' --free`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("want a provider and a model: %s", cmd.UseLine())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			e := price.Entry{Provider: args[0], Model: args[1], Project: project, Kind: price.PerToken}
			if free {
				e.Kind = price.Free
			}
			for _, r := range rateFlags {
				text, _ := cmd.Flags().GetString(r.flag)
				rate, err := price.ParseRate(text)
				if err != nil {
					return fmt.Errorf("--%s %w", r.flag, err)
				}
				*r.of(&e) = rate
			}
			var err error
			if e.EffectiveFrom, err = parseDay(from); err != nil {
				return err
			}
			if err := e.Validate(); err != nil {
				return err
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			raw, err := c.do(cmd.Context(), http.MethodPost, "prices", nil, e, nil)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			_, err = fmt.Fprintf(s.out, "set the price of %s for %s, from %s\n", clean(e.Name()), orAll(project), orAlways(e.EffectiveFrom))
			return err
		},
	}
	for _, r := range rateFlags {
		cmd.Flags().String(r.flag, "", "dollars per million tokens of "+r.help)
	}
	cmd.Flags().StringVar(&from, "from", "", "first day of the price, in UTC; nothing: always")
	cmd.Flags().StringVar(&project, "project", "", "only for this project")
	cmd.Flags().BoolVar(&free, "free", false, "the model costs nothing")
	return cmd
}

// parseDay reads a day or a time, in UTC. The empty text is the zero time.
func parseDay(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, ok := parseMoment(text, time.Now().UTC())
	if !ok {
		return t, fmt.Errorf("--from %q is no day: write it as 2027-01-01", text)
	}
	return t.UTC(), nil
}

func orAll(project string) string {
	if project == "" {
		return "all projects"
	}
	return "project " + clean(project)
}

func orAlways(t time.Time) string {
	if t.IsZero() {
		return "now on"
	}
	return t.Format(time.RFC3339)
}

func pricesDeleteCommand() *cobra.Command {
	var from, project string
	cmd := &cobra.Command{
		Use:   "delete PROVIDER MODEL",
		Short: "Take back a price that was set",
		Example: `  weir prices delete local qwen3-32b
  weir prices delete openai gpt-4o --from 2027-01-01 --project support`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("want a provider and a model: %s", cmd.UseLine())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			q := url.Values{"provider": {args[0]}, "model": {args[1]}}
			day, err := parseDay(from)
			if err != nil {
				return err
			}
			if !day.IsZero() {
				q.Set("effective_from", day.Format(time.RFC3339))
			}
			if project != "" {
				q.Set("project", project)
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			raw, err := c.do(cmd.Context(), http.MethodDelete, "prices", q, nil, nil)
			if e, ok := errors.AsType[*apiError](err); ok && e.Status == http.StatusNotFound {
				return sayNo("no such price was set: %w", err)
			}
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			_, err = fmt.Fprintf(s.out, "deleted the price of %s/%s for %s\n", clean(args[0]), clean(args[1]), orAll(project))
			return err
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "first day of the price, as it was set")
	cmd.Flags().StringVar(&project, "project", "", "project of the price, as it was set")
	return cmd
}
