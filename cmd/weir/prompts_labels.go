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

// apiMove is a move of a label as the API shows it.
type apiMove struct {
	Revision  int64     `json:"revision"`
	Label     string    `json:"label"`
	From      int       `json:"from"`
	To        int       `json:"to"`
	Author    string    `json:"author"`
	Reason    string    `json:"reason"`
	Change    string    `json:"change"`
	MovedAt   time.Time `json:"moved_at"`
	Converged bool      `json:"converged"`
}

// promptArgs wants words for what a verb works on.
func promptArgs(what ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != len(what) {
			return fmt.Errorf("want %s: %s", strings.Join(what, ", "), cmd.UseLine())
		}
		return nil
	}
}

// askMove asks for a move of a label, and tells what came of it.
func askMove(cmd *cobra.Command, method, path string, in map[string]any) error {
	c, err := newClient(cmd)
	if err != nil {
		return err
	}
	var m apiMove
	raw, err := c.do(cmd.Context(), method, path, nil, in, &m)
	if err != nil {
		return no(err)
	}
	s := newScreen(cmd)
	if asJSON(cmd) {
		return s.asItCame(raw)
	}
	switch {
	case m.Revision == 0:
		_, err = fmt.Fprintf(s.out, "%s is at version %d already\n", clean(m.Label), m.To)
	case m.To == 0:
		_, err = fmt.Fprintf(s.out, "%s is taken away; it was at version %d\n", clean(m.Label), m.From)
	case m.From == 0:
		_, err = fmt.Fprintf(s.out, "%s points to version %d (revision %d)\n", clean(m.Label), m.To, m.Revision)
	default:
		_, err = fmt.Fprintf(s.out, "%s points to version %d, no longer to %d (revision %d)\n", clean(m.Label), m.To, m.From, m.Revision)
	}
	if !m.Converged {
		s.note("not every replica has said that it serves this; they look by themselves every few seconds")
	}
	return err
}

func promptsLabelCommand() *cobra.Command {
	var (
		reason string
		expect int
	)
	cmd := &cobra.Command{
		Use:   "label NAME LABEL VERSION",
		Short: "Point a label to a version: calls that start from now on use it",
		Long: `label points a label to a version, and makes the label when there is none. A protected label moves only to where it has been before;
for all else ask with: weir prompts changes open`,
		Example: `  weir prompts label greet live 3 --reason 'two words shorter'
  weir prompts label greet live 3 --expect 2`,
		Args: promptArgs("a prompt", "a label", "a version's number"),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := strconv.Atoi(args[2])
			if err != nil {
				return fmt.Errorf("%q is no version's number; weir prompts show %s lists them", args[2], args[0])
			}
			in := map[string]any{"version": n, "reason": reason}
			if expect >= 0 {
				in["expect"] = expect
			}
			return askMove(cmd, http.MethodPut, promptPath(args[0], "labels", args[1]), in)
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for those who read the history")
	cmd.Flags().IntVar(&expect, "expect", -1, "refuse unless the label points to this version now; 0: unless it is not there")
	return cmd
}

func promptsUnlabelCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "unlabel NAME LABEL",
		Short:   "Take a label away: calls that name it are refused from now on",
		Example: `  weir prompts unlabel greet staging`,
		Args:    promptArgs("a prompt", "a label"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return askAndSay(cmd, http.MethodDelete, promptPath(args[0], "labels", args[1]), nil, "the label %s of %s is taken away", args[1], args[0])
		},
	}
}

// askAndSay asks for something that has no answer worth showing, and says that it is done.
func askAndSay(cmd *cobra.Command, method, path string, in any, format string, args ...string) error {
	c, err := newClient(cmd)
	if err != nil {
		return err
	}
	raw, err := c.do(cmd.Context(), method, path, nil, in, nil)
	if err != nil {
		return no(err)
	}
	s := newScreen(cmd)
	if asJSON(cmd) {
		return s.asItCame(raw)
	}
	words := make([]any, len(args))
	for i, a := range args {
		words[i] = clean(a)
	}
	_, err = fmt.Fprintf(s.out, format+"\n", words...)
	return err
}

func promptsHistoryCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "history NAME",
		Short:   "List every move of a prompt's labels, newest first",
		Example: `  weir prompts history greet`,
		Args:    promptArgs("a prompt"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var list struct {
				Moves []apiMove `json:"moves"`
			}
			raw, err := c.get(cmd.Context(), promptPath(args[0], "moves"), nil, &list)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			if len(list.Moves) == 0 {
				s.note("no label of %s was ever moved", clean(args[0]))
				return nil
			}
			sh := sheet{columns: []column{
				{name: "revision", right: true},
				{name: "label", flex: true},
				{name: "from", right: true},
				{name: "to", right: true},
				{name: "when"},
				{name: "by", flex: true, drop: 1},
				{name: "reason", flex: true},
				{name: "change", drop: 2},
			}}
			for _, m := range list.Moves {
				sh.rows = append(sh.rows, []string{
					strconv.FormatInt(m.Revision, 10), m.Label, versionOrNone(m.From), versionOrNone(m.To), s.moment(m.MovedAt), m.Author, m.Reason, m.Change,
				})
			}
			return s.table(sh)
		},
	}
}

// versionOrNone is a version's number, or - when there is none.
func versionOrNone(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

func promptsUndoCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:     "undo NAME REVISION",
		Short:   "Take the last move of a label back",
		Example: `  weir prompts undo greet 17 --reason 'the wrong label'`,
		Args:    promptArgs("a prompt", "the revision of a move (weir prompts history)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return askMove(cmd, http.MethodPost, promptPath(args[0], "moves", args[1], "undo"), map[string]any{"reason": reason})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why")
	return cmd
}

func promptsRollbackCommand() *cobra.Command {
	var (
		reason string
		to     int
	)
	cmd := &cobra.Command{
		Use:   "rollback NAME LABEL",
		Short: "Point a label to the version before, without asking anybody",
		Long: `rollback moves a label back to the version that it was at before, or to the one that --to names, which must be one that it was at. It needs no
approval, since what it goes back to had it. Rolling back again goes back further.`,
		Example: `  weir prompts rollback greet production --reason 'answers got longer'
  weir prompts rollback greet production --to 4`,
		Args: promptArgs("a prompt", "a label"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := map[string]any{"reason": reason}
			if to != 0 {
				in["version"] = to
			}
			return askMove(cmd, http.MethodPost, promptPath(args[0], "labels", args[1], "rollback"), in)
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why")
	cmd.Flags().IntVar(&to, "to", 0, "version to go back to")
	return cmd
}

func promptsProtectCommand() *cobra.Command {
	var (
		approvals int
		gate      string
	)
	cmd := &cobra.Command{
		Use:     "protect NAME LABEL",
		Short:   "Let a label move by an approved change only",
		Example: `  weir prompts protect greet production --approvals 2 --gate quality`,
		Args:    promptArgs("a prompt", "a label"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return askAndSay(cmd, http.MethodPut, promptPath(args[0], "protections", args[1]), map[string]any{"approvals": approvals, "gate": gate},
				"the label %s of %s moves by an approved change from now on", args[1], args[0])
		},
	}
	cmd.Flags().IntVar(&approvals, "approvals", 1, "of how many people beside the one who asks")
	cmd.Flags().StringVar(&gate, "gate", "", "name of an evaluation that must have passed for the version")
	return cmd
}

func promptsUnprotectCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "unprotect NAME LABEL",
		Short:   "Set a protected label free",
		Example: `  weir prompts unprotect greet production`,
		Args:    promptArgs("a prompt", "a label"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return askAndSay(cmd, http.MethodDelete, promptPath(args[0], "protections", args[1]), nil, "the label %s of %s is not protected any more", args[1], args[0])
		},
	}
}

func promptsDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "delete NAME VERSION",
		Short: "Take a version's content away for good",
		Long: `delete takes a version's content away for good. Calls that name it are refused with a clear error; its number is never given again. A label that points to
it must be moved first.`,
		Example: `  weir prompts delete greet 2`,
		Args:    promptArgs("a prompt", "a version's number"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return askAndSay(cmd, http.MethodDelete, "prompts/"+url.PathEscape(args[0])+"/versions/"+url.PathEscape(args[1]), nil, "deleted version %s of %s", args[1], args[0])
		},
	}
}
