package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// apiChange is a change request as the API shows it.
type apiChange struct {
	ID              string    `json:"id"`
	Prompt          string    `json:"prompt"`
	Label           string    `json:"label"`
	From            int       `json:"from"`
	To              int       `json:"to"`
	Author          string    `json:"author"`
	Reason          string    `json:"reason"`
	OpenedAt        time.Time `json:"opened_at"`
	Status          string    `json:"status"`
	Stale           bool      `json:"stale"`
	ApprovedBy      []string  `json:"approved_by"`
	RejectedBy      []string  `json:"rejected_by"`
	ApprovalsNeeded int       `json:"approvals_needed"`
	Gate            string    `json:"gate"`
	ClosedBy        string    `json:"closed_by"`
	Reviews         []struct {
		Author  string    `json:"author"`
		Verdict string    `json:"verdict"`
		Comment string    `json:"comment"`
		At      time.Time `json:"at"`
	} `json:"reviews"`
	Blocked []string `json:"blocked"`
	Diff    *apiDiff `json:"diff"`
}

// state is its status, with what is missing.
func (c *apiChange) state() string {
	switch {
	case c.Stale:
		return "stale"
	case c.Status == "open" && len(c.RejectedBy) > 0:
		return "rejected"
	case c.Status == "open":
		return fmt.Sprintf("open, %d of %d", len(c.ApprovedBy), c.ApprovalsNeeded)
	}
	return c.Status
}

func promptsChangesCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "changes [NAME]",
		Short: "Requests to move protected labels: list them, ask, approve, reject, merge",
		Example: `  weir prompts changes
  weir prompts changes open greet production 4 --reason 'two words shorter'
  weir prompts changes show 0193a5c8-6b1e-7c3a-9f2d-1f0e8a7b6c5d
  weir prompts changes approve 0193a5c8-6b1e-7c3a-9f2d-1f0e8a7b6c5d --comment 'reads well'
  weir prompts changes merge 0193a5c8-6b1e-7c3a-9f2d-1f0e8a7b6c5d`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, q := "changes", url.Values{}
			if len(args) == 1 {
				path = promptPath(args[0], "changes")
			}
			if !all {
				q.Set("status", "open")
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var list struct {
				Changes []apiChange `json:"changes"`
			}
			raw, err := c.get(cmd.Context(), path, q, &list)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			return s.changes(list.Changes)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "those that were merged or closed too")
	cmd.AddCommand(
		changesOpenCommand(), changesShowCommand(), changesReviewCommand("approve", "Approve a change that somebody else asked for"),
		changesReviewCommand("reject", "Reject a change: it cannot be merged as long as that is your last word"),
		changesEndCommand("merge", "Move the label as the change says, when it is approved and its gate has passed"),
		changesEndCommand("close", "End a change request without a move"),
	)
	return cmd
}

func (s *screen) changes(list []apiChange) error {
	if len(list) == 0 {
		s.note("no changes are asked for")
		return nil
	}
	sh := sheet{columns: []column{
		{name: "id"},
		{name: "prompt", flex: true},
		{name: "label", flex: true},
		{name: "from", right: true},
		{name: "to", right: true},
		{name: "state"},
		{name: "asked", drop: 2},
		{name: "by", flex: true, drop: 1},
		{name: "reason", flex: true, drop: 3},
	}}
	for i := range list {
		c := &list[i]
		sh.rows = append(sh.rows, []string{c.ID, c.Prompt, c.Label, versionOrNone(c.From), strconv.Itoa(c.To), c.state(), s.moment(c.OpenedAt), c.Author, c.Reason})
	}
	return s.table(sh)
}

func changesOpenCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:     "open NAME LABEL VERSION",
		Short:   "Ask for a label to be moved; prints the id of the change",
		Example: `  weir prompts changes open greet production 4 --reason 'two words shorter'`,
		Args:    promptArgs("a prompt", "a label", "a version's number"),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := strconv.Atoi(args[2])
			if err != nil {
				return fmt.Errorf("%q is no version's number; weir prompts show %s lists them", args[2], args[0])
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var made apiChange
			raw, err := c.do(cmd.Context(), http.MethodPost, promptPath(args[0], "changes"), nil, map[string]any{"label": args[1], "version": n, "reason": reason}, &made)
			if err != nil {
				return no(err)
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			s.note("asked for %s of %s to move from %s to %d; it needs %s", clean(made.Label), clean(made.Prompt), versionOrNone(made.From), made.To, noun(made.ApprovalsNeeded, "approval"))
			_, err = fmt.Fprintln(s.out, clean(made.ID))
			return err
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for those who review it")
	return cmd
}

func changesShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "Show a change: what differs, what that costs, who said what, and what is missing",
		Example: `  weir prompts changes show 0193a5c8-6b1e-7c3a-9f2d-1f0e8a7b6c5d`,
		Args:    promptArgs("the id of a change"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := newClient(cmd)
			if err != nil {
				return err
			}
			var c apiChange
			raw, err := client.get(cmd.Context(), "changes/"+url.PathEscape(args[0]), nil, &c)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			s.facts("prompt", c.Prompt, "label", c.Label, "from", versionOrNone(c.From), "to", strconv.Itoa(c.To), "state", c.state(),
				"asked by", c.Author+", "+s.moment(c.OpenedAt), "reason", c.Reason, "gate", c.Gate, "closed by", c.ClosedBy)
			for _, r := range c.Reviews {
				s.facts(r.Verdict, fmt.Sprintf("%s, %s: %s", r.Author, s.moment(r.At), r.Comment))
			}
			if c.Diff != nil {
				s.title("what differs")
				if err := s.diff(*c.Diff); err != nil {
					return err
				}
			}
			if len(c.Blocked) > 0 {
				s.note("it cannot be merged yet: %s", clean(strings.Join(c.Blocked, "; ")))
			}
			return nil
		},
	}
}

func changesReviewCommand(verdict, short string) *cobra.Command {
	var comment string
	cmd := &cobra.Command{
		Use:     verdict + " ID",
		Short:   short,
		Example: fmt.Sprintf("  weir prompts changes %s 0193a5c8-6b1e-7c3a-9f2d-1f0e8a7b6c5d --comment 'as we agreed'", verdict),
		Args:    promptArgs("the id of a change"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return askChange(cmd, args[0], "reviews", map[string]any{"verdict": verdict, "comment": comment})
		},
	}
	cmd.Flags().StringVar(&comment, "comment", "", "what you have to say about it")
	return cmd
}

func changesEndCommand(verb, short string) *cobra.Command {
	return &cobra.Command{
		Use:     verb + " ID",
		Short:   short,
		Example: fmt.Sprintf("  weir prompts changes %s 0193a5c8-6b1e-7c3a-9f2d-1f0e8a7b6c5d", verb),
		Args:    promptArgs("the id of a change"),
		RunE:    func(cmd *cobra.Command, args []string) error { return askChange(cmd, args[0], verb, nil) },
	}
}

// askChange does something to a change, and tells how it stands.
func askChange(cmd *cobra.Command, id, what string, in any) error {
	client, err := newClient(cmd)
	if err != nil {
		return err
	}
	var c apiChange
	raw, err := client.do(cmd.Context(), http.MethodPost, "changes/"+url.PathEscape(id)+"/"+what, nil, in, &c)
	if err != nil {
		return no(err)
	}
	s := newScreen(cmd)
	if asJSON(cmd) {
		return s.asItCame(raw)
	}
	if c.Status == "merged" {
		_, err = fmt.Fprintf(s.out, "merged: %s of %s points to version %d\n", clean(c.Label), clean(c.Prompt), c.To)
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s: %s of %s from %s to %d\n", c.state(), clean(c.Label), clean(c.Prompt), versionOrNone(c.From), c.To)
	return err
}
