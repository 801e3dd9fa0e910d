package main

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// apiBundle is a trace or a session as the API sums it up.
type apiBundle struct {
	ID           string    `json:"id"`
	Project      string    `json:"project"`
	User         string    `json:"user"`
	Name         string    `json:"name"`
	Model        string    `json:"model"`
	Status       string    `json:"status"`
	Start        time.Time `json:"start_time"`
	DurationMS   *float64  `json:"duration_ms"`
	Spans        int64     `json:"spans"`
	Calls        int64     `json:"calls"`
	Errors       int64     `json:"errors"`
	CostUSD      *string   `json:"cost_usd"`
	InputTokens  int64     `json:"input_tokens"`
	OutputTokens int64     `json:"output_tokens"`
	Scores       int64     `json:"scores"`
}

// tracesCommand lists traces.
func tracesCommand() *cobra.Command {
	cmd := bundlesCommand("traces", "Traces: calls that belong together by their trace id, and what took their time", `  weir traces --since 1h --status error
  weir traces show 0af7651916cd43dd8448eb211c80319c`)
	cmd.AddCommand(tracesShowCommand())
	return cmd
}

// sessionsCommand lists sessions.
func sessionsCommand() *cobra.Command {
	return bundlesCommand("sessions", "Sessions: conversations that callers mark with X-Weir-Session", `  weir sessions --since 24h --user ann
  weir calls --session chat-42`)
}

// bundlesCommand lists what belongs together; name is the list of the API.
func bundlesCommand(name, short, example string) *cobra.Command {
	var (
		filter filterFlags
		limit  int
		cursor string
	)
	cmd := &cobra.Command{
		Use: name, Short: short, Example: example, Args: cobra.NoArgs,
		Long: name + ` lists those with a call that all filters pick, the newest such call first. The figures are of the whole, whatever picked it.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s := newScreen(cmd)
			q, err := filter.query(s.now)
			if err != nil {
				return err
			}
			if limit < 1 || limit > maxCalls {
				return fmt.Errorf("--limit %d is not within 1 and %d; --cursor reads on where a list ended", limit, maxCalls)
			}
			q.Set("limit", strconv.Itoa(limit))
			if cursor != "" {
				q.Set("cursor", cursor)
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var page struct {
				Traces   []apiBundle `json:"traces"`
				Sessions []apiBundle `json:"sessions"`
				Next     string      `json:"next"`
			}
			raw, err := c.get(cmd.Context(), name, q, &page)
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			list := slices.Concat(page.Traces, page.Sessions)
			if len(list) == 0 {
				s.note("no %s match; look further back with --since, or leave a filter out", name)
				return nil
			}
			if page.Next != "" {
				defer s.note("there are more: --limit shows more at once, --cursor %s reads on", clean(page.Next))
			}
			return s.bundles(list)
		},
	}
	clientFlags(cmd)
	filter.register(cmd, "")
	filter.registerText(cmd)
	cmd.Flags().IntVar(&limit, "limit", 20, name+" at once, at most 1000")
	cmd.Flags().StringVar(&cursor, "cursor", "", "read on where another list ended")
	return cmd
}

// bundles shows a list of traces or sessions.
func (s *screen) bundles(list []apiBundle) error {
	sh := sheet{columns: []column{
		{name: "time"},
		{name: "project", flex: true, drop: 5},
		{name: "user", flex: true, drop: 6},
		{name: "begins with", flex: true},
		{name: "status", paint: statusColour},
		{name: "calls", right: true},
		{name: "errors", right: true, drop: 3},
		{name: "tokens", right: true, drop: 4},
		{name: "cost usd", right: true},
		{name: "took", right: true},
		{name: "id"},
	}}
	for i := range list {
		b := &list[i]
		sh.rows = append(sh.rows, []string{
			s.brief(b.Start), b.Project, b.User, cmp.Or(b.Model, b.Name), b.Status, count(b.Calls), count(b.Errors), count(b.InputTokens + b.OutputTokens),
			money(b.CostUSD), millis(b.DurationMS), b.ID,
		})
	}
	return s.table(sh)
}

// apiSpan is a span of a trace's outline.
type apiSpan struct {
	SpanID     string   `json:"span_id"`
	ParentID   string   `json:"parent_id"`
	Kind       string   `json:"kind"`
	Name       string   `json:"name"`
	Model      string   `json:"model"`
	Provider   string   `json:"provider"`
	Status     string   `json:"status"`
	Error      string   `json:"error"`
	OffsetMS   *float64 `json:"offset_ms"`
	DurationMS *float64 `json:"duration_ms"`
	CostUSD    *string  `json:"cost_usd"`
	Input      int64    `json:"input_tokens"`
	Output     int64    `json:"output_tokens"`
}

// tracesShowCommand shows one trace as a tree.
func tracesShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show one trace: its spans beneath each other", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s := newScreen(cmd)
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var got struct {
				Spans []apiSpan `json:"spans"`
				More  bool      `json:"more"`
			}
			raw, err := c.get(cmd.Context(), "traces/"+url.PathEscape(args[0])+"/outline", nil, &got)
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			if got.More {
				defer s.note("the trace has more spans; the earliest %s are shown", count(int64(len(got.Spans))))
			}
			return s.spans(got.Spans)
		},
	}
	return cmd
}

// spans shows spans beneath their parents.
func (s *screen) spans(spans []apiSpan) error {
	sh := sheet{columns: []column{
		{name: "span", flex: true},
		{name: "status", paint: statusColour},
		{name: "starts", right: true, drop: 2},
		{name: "took", right: true},
		{name: "in", right: true, drop: 3},
		{name: "out", right: true, drop: 3},
		{name: "cost usd", right: true},
		{name: "error", flex: true, drop: 1},
	}}
	for _, one := range spanTree(spans) {
		sp := one.span
		name := cmp.Or(sp.Name, sp.Kind)
		switch sp.Kind {
		case "call":
			name = cmp.Or(sp.Model, sp.Name)
		case "attempt":
			name = sp.Provider
		}
		cost, in, out := "", "", ""
		if sp.Kind == "call" {
			cost, in, out = money(sp.CostUSD), count(sp.Input), count(sp.Output)
		}
		sh.rows = append(sh.rows, []string{strings.Repeat("· ", min(one.depth, 20)) + sp.Kind + " " + name, sp.Status, millis(sp.OffsetMS), millis(sp.DurationMS), in, out, cost, sp.Error})
	}
	return s.table(sh)
}

// placed is a span at its place in a tree.
type placed struct {
	span  *apiSpan
	depth int
}

// spanTree puts spans beneath their parents. What has no parent here, or is its own ancestor, stands at the root.
func spanTree(spans []apiSpan) []placed {
	bySpan := make(map[string]int, len(spans))
	for i := range spans {
		if _, taken := bySpan[spans[i].SpanID]; !taken {
			bySpan[spans[i].SpanID] = i
		}
	}
	children := make([][]int, len(spans))
	var roots, rest []int
	for i := range spans {
		rest = append(rest, i)
		if p, ok := bySpan[spans[i].ParentID]; ok && spans[i].ParentID != "" && p != i {
			children[p] = append(children[p], i)
		} else {
			roots = append(roots, i)
		}
	}
	var out []placed
	seen := make([]bool, len(spans))
	type step struct{ at, depth int }
	for _, root := range append(roots, rest...) { // the rest are roots only where none leads to them
		for todo := []step{{root, 0}}; len(todo) > 0; {
			s := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			if seen[s.at] {
				continue
			}
			seen[s.at] = true
			out = append(out, placed{&spans[s.at], s.depth})
			for _, c := range slices.Backward(children[s.at]) {
				todo = append(todo, step{c, s.depth + 1})
			}
		}
	}
	return out
}
