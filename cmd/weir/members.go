package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
)

// apiMember is a member as the API lists it.
type apiMember struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Email     string    `json:"email"`
	Role      string    `json:"role"`
	CreatedAt time.Time `json:"created_at"`
	RemovedAt time.Time `json:"removed_at"`
	Token     string    `json:"token"` // of one just made
}

// membersCommand manages members.
func membersCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "members",
		Short: "Members: who may use the console and the API, each with a token and a role",
		Long: `members are people and programs with a token of their own for the console and the API. A viewer reads; a developer changes prompts, datasets and
experiments besides; an approver reviews and merges changes of protected labels besides; an admin may all. What a member does is signed
with the member's name. Give the token as WEIR_ADMIN_TOKEN to this command line.`,
		Example: `  weir members add ann --role developer
  weir members list`,
	})
	clientFlags(cmd)
	cmd.AddCommand(membersAddCommand(), membersListCommand(), membersRoleCommand(), membersRotateCommand(), membersRemoveCommand())
	return cmd
}

func membersAddCommand() *cobra.Command {
	var (
		role, email string
		quiet       bool
	)
	cmd := &cobra.Command{
		Use:     "add NAME --role R",
		Short:   "Add a member and print the token, once",
		Example: `  weir members add ann --role approver --email ann@example.org`,
		Args:    oneArg("a name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if role == "" {
				return errors.New("a member needs a role: --role viewer, developer, approver or admin")
			}
			return askMemberToken(cmd, "members", map[string]any{"name": args[0], "role": role, "email": email}, quiet)
		},
	}
	cmd.Flags().StringVar(&role, "role", "", "viewer, developer, approver or admin")
	cmd.Flags().StringVar(&email, "email", "", "address, for people")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "print nothing but the token")
	return cmd
}

// askMemberToken asks for a token, and prints it alone on standard output.
func askMemberToken(cmd *cobra.Command, path string, in any, quiet bool) error {
	c, err := newClient(cmd)
	if err != nil {
		return err
	}
	var made apiMember
	raw, err := c.do(cmd.Context(), http.MethodPost, path, nil, in, &made)
	if err != nil {
		return no(err)
	}
	s := newScreen(cmd)
	if asJSON(cmd) {
		return s.asItCame(raw)
	}
	if !quiet {
		s.note("%s, %s. This is the only time the token is shown:", clean(made.Name), clean(made.Role))
	}
	_, err = fmt.Fprintln(s.out, clean(made.Token))
	return err
}

func membersListCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the members",
		Example: `  weir members list`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var list struct {
				Members []apiMember `json:"members"`
			}
			raw, err := c.get(cmd.Context(), "members", nil, &list)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			sh := sheet{columns: []column{
				{name: "name", flex: true}, {name: "role"}, {name: "email", flex: true, drop: 1}, {name: "since", drop: 2}, {name: "removed", drop: 3}, {name: "id", drop: 4},
			}}
			for _, m := range list.Members {
				if m.RemovedAt.IsZero() || all {
					sh.rows = append(sh.rows, []string{m.Name, m.Role, m.Email, s.moment(m.CreatedAt), s.moment(m.RemovedAt), m.ID})
				}
			}
			if len(sh.rows) == 0 {
				s.note("no members; add one with: weir members add NAME --role developer")
				return nil
			}
			return s.table(sh)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "removed ones too")
	return cmd
}

func membersRoleCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "role NAME ROLE",
		Short:   "Give a member another role from now on",
		Example: `  weir members role ann approver`,
		Args:    promptArgs("a member", "a role: viewer, developer, approver or admin"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return askAndSay(cmd, http.MethodPut, "members/"+url.PathEscape(args[0])+"/role", map[string]any{"role": args[1]}, "%s has the role %s from now on", args[0], args[1])
		},
	}
}

func membersRotateCommand() *cobra.Command {
	var quiet bool
	cmd := &cobra.Command{
		Use:     "rotate NAME",
		Short:   "Give a member another token; the old one ends",
		Example: `  weir members rotate ann`,
		Args:    oneArg("the name of a member"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return askMemberToken(cmd, "members/"+url.PathEscape(args[0])+"/rotate", nil, quiet)
		},
	}
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "print nothing but the token")
	return cmd
}

func membersRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "remove NAME",
		Short:   "Remove a member: the token opens nothing from now on, and the name stays taken",
		Example: `  weir members remove ann`,
		Args:    oneArg("the name of a member"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return askAndSay(cmd, http.MethodDelete, "members/"+url.PathEscape(args[0]), nil, "removed %s", args[0])
		},
	}
}
