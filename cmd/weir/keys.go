package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
)

// apiKey is a virtual key as the API lists it.
type apiKey struct {
	ID         string    `json:"id"`
	Project    string    `json:"project"`
	Name       string    `json:"name"`
	Models     []string  `json:"models"`
	Endpoints  []string  `json:"endpoints"`
	CreatedAt  time.Time `json:"created_at"`
	LastUsedAt time.Time `json:"last_used_at"`
	RevokedAt  time.Time `json:"revoked_at"`
	ExpiresAt  time.Time `json:"expires_at"`

	RequestsPerMinute int64 `json:"requests_per_minute"`
	TokensPerMinute   int64 `json:"tokens_per_minute"`
	Concurrent        int64 `json:"concurrent"`
}

// limits are the key's own, in short: 60 rpm, 5 at once.
func (k apiKey) limits() string {
	var out []string
	for _, l := range []struct {
		n    int64
		unit string
	}{{k.RequestsPerMinute, " rpm"}, {k.TokensPerMinute, " tpm"}, {k.Concurrent, " at once"}} {
		if l.n > 0 {
			out = append(out, count(l.n)+l.unit)
		}
	}
	return strings.Join(out, ", ")
}

// state is active, expired or revoked.
func (k apiKey) state(now time.Time) string {
	switch {
	case !k.RevokedAt.IsZero():
		return "revoked"
	case !k.ExpiresAt.IsZero() && !now.Before(k.ExpiresAt):
		return "expired"
	}
	return "active"
}

// madeKey is a key just made: the only answer that holds a secret.
type madeKey struct {
	ID      string `json:"id"`
	Key     string `json:"key"`
	Project string `json:"project"`
	Name    string `json:"name"`
}

// keysCommand manages virtual keys.
func keysCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "keys",
		Short: "Virtual keys: what clients present to weir in place of a provider's key",
		Example: `  weir keys create --project support --name prod
  weir keys list`,
	})
	clientFlags(cmd)
	cmd.AddCommand(keysCreateCommand(), keysListCommand(), keysRevokeCommand(), keysRotateCommand())
	return cmd
}

// group makes a verb that has only others below it say so, and refuse words it does not know.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}

func keysCreateCommand() *cobra.Command {
	var (
		project, name, expires string
		models, endpoints      []string
		rpm, tpm, concurrent   int64
		quiet                  bool
	)
	cmd := &cobra.Command{
		Use:   "create --name N",
		Short: "Make a key and print its secret, once",
		Long: `create makes a virtual key. Its secret goes to standard output, alone, and can never be read again; what it is goes
to standard error.`,
		Example: `  weir keys create --project support --name prod
  weir keys create --project lab --name notebook --model 'gpt-4o*' --expires 30d
  weir keys create --project ci --name batch --rpm 60 --tpm 100000 --concurrent 5
  KEY=$(weir keys create --project ci --name nightly --quiet)`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if name == "" {
				return errors.New("a key needs a name: weir keys create --project P --name N")
			}
			until, err := parseFuture("expires", expires, time.Now())
			if err != nil {
				return err
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			in := map[string]any{"project": project, "name": name}
			if len(models) > 0 {
				in["models"] = models
			}
			if len(endpoints) > 0 {
				in["endpoints"] = endpoints
			}
			if !until.IsZero() {
				in["expires_at"] = stamp(until)
			}
			for name, n := range map[string]int64{"requests_per_minute": rpm, "tokens_per_minute": tpm, "concurrent": concurrent} {
				if n != 0 {
					in[name] = n
				}
			}
			var made madeKey
			raw, err := c.do(cmd.Context(), http.MethodPost, "keys", nil, in, &made)
			if err != nil {
				return err
			}
			return showSecret(cmd, raw, made, quiet)
		},
	}
	f := cmd.Flags()
	f.StringVar(&project, "project", "default", "project that its calls are recorded under")
	f.StringVar(&name, "name", "", "name, unique among the project's live keys")
	f.StringArrayVar(&models, "model", nil, "pattern of models it may ask for, as 'gpt-4o*'; may be repeated; none: all")
	f.StringArrayVar(&endpoints, "endpoint", nil, "pattern of endpoints beside the usual ones that it may reach, as /files/*; may be repeated; none: none")
	f.StringVar(&expires, "expires", "", "when it ends: in 12h, 30d, 52w, or a day; nothing: never")
	f.Int64Var(&rpm, "rpm", 0, "requests a minute it may make; 0: no limit of its own")
	f.Int64Var(&tpm, "tpm", 0, "tokens a minute it may use, input and output; 0: no limit of its own")
	f.Int64Var(&concurrent, "concurrent", 0, "calls it may have under way; 0: no limit of its own")
	f.BoolVarP(&quiet, "quiet", "q", false, "print nothing but the secret")
	return cmd
}

// showSecret prints a new secret alone on standard output, and what it is beside it.
func showSecret(cmd *cobra.Command, raw []byte, made madeKey, quiet bool) error {
	s := newScreen(cmd)
	if asJSON(cmd) {
		return s.asItCame(raw)
	}
	if made.Key == "" {
		return errors.New("the API answered without a secret: is this weir older than the command?")
	}
	if !quiet {
		s.note("key %s of project %s, id %s. This is the only time its secret is shown:", clean(made.Name), clean(made.Project), clean(made.ID))
	}
	_, err := fmt.Fprintln(s.out, clean(made.Key))
	return err
}

func asJSON(cmd *cobra.Command) bool {
	is, _ := cmd.Flags().GetBool("json")
	return is
}

func keysListCommand() *cobra.Command {
	var (
		project string
		all     bool
	)
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the keys",
		Example: `  weir keys list
  weir keys list --project support --all
  weir keys list --json | jq -r '.keys[].id'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			raw, keys, err := c.keys(cmd.Context())
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			return s.keys(keys, project, all)
		},
	}
	cmd.Flags().StringVar(&project, "project", "", "only this project's")
	cmd.Flags().BoolVar(&all, "all", false, "revoked and expired ones too")
	return cmd
}

// keys reads the list of keys.
func (c *client) keys(ctx context.Context) ([]byte, []apiKey, error) {
	var list struct {
		Keys []apiKey `json:"keys"`
	}
	raw, err := c.get(ctx, "keys", nil, &list)
	return raw, list.Keys, err
}

// keys shows a list of keys.
func (s *screen) keys(keys []apiKey, project string, all bool) error {
	sh := sheet{columns: []column{
		{name: "id"},
		{name: "project", flex: true},
		{name: "name", flex: true},
		{name: "state", paint: statusColour},
		{name: "models", flex: true, drop: 2},
		{name: "created", drop: 3},
		{name: "last used", drop: 1},
		{name: "expires", drop: 4},
	}}
	limited := slices.ContainsFunc(keys, func(k apiKey) bool { return k.limits() != "" })
	if limited {
		sh.columns = append(sh.columns, column{name: "limits", drop: 5})
	}
	hidden := 0
	for _, k := range keys {
		if project != "" && k.Project != project {
			continue
		}
		state := k.state(s.now)
		if state != "active" && !all {
			hidden++
			continue
		}
		models := "all"
		if len(k.Models) > 0 {
			models = strings.Join(k.Models, " ")
		}
		row := []string{k.ID, k.Project, k.Name, state, models, s.moment(k.CreatedAt), s.moment(k.LastUsedAt), s.moment(k.ExpiresAt)}
		if limited {
			row = append(row, k.limits())
		}
		sh.rows = append(sh.rows, row)
	}
	if hidden > 0 {
		defer s.note("%s revoked or expired not shown: add --all", noun(hidden, "key"))
	}
	if len(sh.rows) == 0 {
		s.note("no keys; make one with: weir keys create --project P --name N")
		return nil
	}
	return s.table(sh)
}

// find gives the key with an id, or the one live key with a name, in the project unless that is empty.
func (c *client) find(ctx context.Context, word, project string, now time.Time) (apiKey, error) {
	_, keys, err := c.keys(ctx)
	if err != nil {
		return apiKey{}, err
	}
	if i := slices.IndexFunc(keys, func(k apiKey) bool { return k.ID == word }); i >= 0 {
		return keys[i], nil
	}
	var found []apiKey
	for _, k := range keys {
		if k.Name == word && (project == "" || k.Project == project) && k.state(now) != "revoked" {
			found = append(found, k)
		}
	}
	switch len(found) {
	case 0:
		return apiKey{}, fmt.Errorf("no live key has the id or the name %q; weir keys list shows them", word)
	case 1:
		return found[0], nil
	}
	var where []string
	for _, k := range found {
		where = append(where, k.Project+" ("+k.ID+")")
	}
	return apiKey{}, fmt.Errorf("several keys are named %q, in the projects %s: give the id, or --project", word, strings.Join(where, ", "))
}

func keysRevokeCommand() *cobra.Command {
	var project string
	cmd := &cobra.Command{
		Use:   "revoke ID|NAME",
		Short: "End a key: it opens nothing from now on",
		Example: `  weir keys revoke k7q2m9xw3abt
  weir keys revoke prod --project support`,
		Args: oneArg("the id or the name of a key"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			k, err := c.find(cmd.Context(), args[0], project, s.now)
			if err != nil {
				return err
			}
			raw, err := c.do(cmd.Context(), http.MethodDelete, "keys/"+url.PathEscape(k.ID), nil, nil, nil)
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			_, err = fmt.Fprintf(s.out, "%s key %s of project %s (%s)\n", s.paint("revoked", text.FgRed), clean(k.Name), clean(k.Project), clean(k.ID))
			return err
		},
	}
	cmd.Flags().StringVar(&project, "project", "", "project of the name")
	return cmd
}

func keysRotateCommand() *cobra.Command {
	var (
		project string
		quiet   bool
	)
	cmd := &cobra.Command{
		Use:   "rotate ID|NAME",
		Short: "Give a key a new secret and end the old one, in one step",
		Example: `  weir keys rotate prod --project support
  KEY=$(weir keys rotate k7q2m9xw3abt --quiet)`,
		Args: oneArg("the id or the name of a key"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			k, err := c.find(cmd.Context(), args[0], project, time.Now())
			if err != nil {
				return err
			}
			var made madeKey
			raw, err := c.do(cmd.Context(), http.MethodPost, "keys/"+url.PathEscape(k.ID)+"/rotate", nil, nil, &made)
			if err != nil {
				return err
			}
			return showSecret(cmd, raw, made, quiet)
		},
	}
	cmd.Flags().StringVar(&project, "project", "", "project of the name")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "print nothing but the secret")
	return cmd
}

// oneArg wants exactly one word, and says which.
func oneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return fmt.Errorf("want %s: %s", what, cmd.UseLine())
		}
		return nil
	}
}
