package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
)

// tailMost is the most calls of the past that a tail begins with.
const tailMost = 200

// callsTailCommand follows calls as they are recorded.
func callsTailCommand() *cobra.Command {
	var (
		filter filterFlags
		last   int
	)
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Follow calls as they are recorded, until ctrl-C",
		Long:  `tail shows calls as they come into the store, whenever they began. A connection that breaks is made anew, and what came meanwhile is shown, up to a minute of it.`,
		Example: `  weir calls tail
  weir calls tail --status error --last 0
  weir calls tail --json | jq .model`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s := newScreen(cmd)
			q, err := filter.query(s.now)
			if err != nil {
				return err
			}
			if q.Has("since") || q.Has("until") {
				return errors.New("tail shows what comes: it takes no --since or --until; weir calls lists the past")
			}
			if q.Has("q") {
				return errors.New("tail does not look into what was said: it takes no --text; weir calls --text searches the past")
			}
			if last < 0 || last > tailMost {
				return fmt.Errorf("--last %d is not within 0 and %d", last, tailMost)
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			show := s.tailLine
			if asJSON(cmd) {
				show = s.tailJSON
			}
			t := &follower{client: c, query: q, last: last, show: show, note: s.note, shown: map[string]bool{}}
			return t.follow(cmd.Context())
		},
	}
	filter.register(cmd, "")
	filter.registerText(cmd)
	cmd.Flags().IntVar(&last, "last", 10, "calls of the past to begin with")
	return cmd
}

// unlessDone is err, but nothing at ctrl-C.
func unlessDone(ctx context.Context, err error) error {
	select {
	case <-ctx.Done():
		return nil
	default:
		return err
	}
}

// tailJSON writes a call as one line of JSON.
func (s *screen) tailJSON(raw json.RawMessage) error {
	line, err := json.Marshal(raw) // compact
	if err != nil {
		return err
	}
	return s.asItCame(line)
}

// tailLine writes a call on one line.
func (s *screen) tailLine(raw json.RawMessage) error {
	var c apiCall
	if err := json.Unmarshal(raw, &c); err != nil {
		return fmt.Errorf("read a call: %w", err)
	}
	what := c.Status
	if c.ErrorCode != "" {
		what += " " + c.ErrorCode
	}
	cost := money(c.CostUSD)
	if c.CostUSD != nil {
		cost = "$" + cost
	}
	line := clean(c.Project + "  " + c.model())
	_, err := fmt.Fprintf(s.out, "%s  %s  %s  %s > %s tokens  %s  %s  %s\n", s.paint(c.Start.In(s.zone).Format(time.TimeOnly), text.Faint),
		s.paint(clean(what), statusColour(c.Status)...), line, count(c.Usage.Input()), count(c.Usage.Output()), clean(cost), millis(c.DurationMS), s.paint(clean(c.ID), text.Faint))
	return err
}
