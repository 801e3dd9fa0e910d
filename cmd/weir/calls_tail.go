package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
)

const (
	tailEvery = time.Second
	// tailWindow is how far back new calls are looked for: a call is recorded when it ends, and listed by its start.
	tailWindow = 15 * time.Minute
	tailPage   = 200
	// tailSweep is how many looks pass between two that read the whole window, where long calls come in late.
	tailSweep    = 10
	tailMaxPages = 50
)

// callsTailCommand follows calls as they are recorded.
func callsTailCommand() *cobra.Command {
	var (
		filter filterFlags
		last   int
	)
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Follow calls as they are recorded, until ctrl-C",
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
			if last < 0 || last > tailPage {
				return fmt.Errorf("--last %d is not within 0 and %d", last, tailPage)
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			show := s.tailLine
			if asJSON(cmd) {
				show = s.tailJSON
			}
			return follow(cmd.Context(), &tail{client: c, query: q, seen: map[string]time.Time{}}, s, last, show)
		},
	}
	filter.register(cmd, "")
	filter.registerText(cmd)
	cmd.Flags().IntVar(&last, "last", 10, "calls of the past to begin with")
	return cmd
}

// follow shows new calls, oldest first, until ctx ends. A weir that goes away for a while is waited for.
func follow(ctx context.Context, t *tail, s *screen, last int, show func(json.RawMessage) error) error {
	calls, err := t.look(ctx, time.Now(), true)
	if err != nil {
		return unlessDone(ctx, err)
	}
	calls = calls[max(0, len(calls)-last):]
	tick := time.NewTicker(tailEvery)
	defer tick.Stop()
	away := false
	for round := 1; ; round++ {
		for _, raw := range calls {
			if err := show(raw); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		calls, err = t.look(ctx, time.Now(), round%tailSweep == 0)
		refused, isRefusal := errors.AsType[*apiError](err)
		switch {
		case err == nil:
			away = false
		case isRefusal && refused.Status < 500, ctx.Err() != nil:
			return unlessDone(ctx, err)
		case !away:
			away = true
			s.note("%v; still trying", err)
		}
	}
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

// tail remembers which calls of the window were seen.
type tail struct {
	client *client
	query  url.Values
	seen   map[string]time.Time // start by id
}

// look reads calls not seen before, oldest first: the newest pages up to one with nothing new, or the whole window.
func (t *tail) look(ctx context.Context, now time.Time, whole bool) ([]json.RawMessage, error) {
	since := now.Add(-tailWindow)
	for id, start := range t.seen {
		if start.Before(since) {
			delete(t.seen, id)
		}
	}
	q := url.Values{"since": {stamp(since)}, "limit": {strconv.Itoa(tailPage)}}
	maps.Copy(q, t.query)
	var fresh []json.RawMessage    // newest first
	seen := map[string]time.Time{} // by this look, which may fail before it is shown
	for range tailMaxPages {
		var page struct {
			Calls []json.RawMessage `json:"calls"`
			Next  string            `json:"next"`
		}
		if _, err := t.client.get(ctx, "calls", q, &page); err != nil {
			return nil, err
		}
		before := len(fresh)
		for _, raw := range page.Calls {
			var c struct {
				ID    string    `json:"id"`
				Start time.Time `json:"start_time"`
			}
			if err := json.Unmarshal(raw, &c); err != nil {
				return nil, fmt.Errorf("read a call: %w", err)
			}
			_, before := t.seen[c.ID]
			_, now := seen[c.ID]
			if !before && !now {
				seen[c.ID] = c.Start
				fresh = append(fresh, raw)
			}
		}
		if page.Next == "" || len(fresh) == before && !whole {
			break
		}
		q.Set("cursor", page.Next)
	}
	maps.Copy(t.seen, seen)
	slices.Reverse(fresh)
	return fresh, nil
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
