package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/prompts"
)

// promptsCommand works with the prompt registry.
func promptsCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "prompts",
		Short: "The prompt registry: versions, labels, and changes that somebody approves",
		Long: `prompts stores templates as numbered versions, to which labels point. A call that names a prompt (X-Weir-Prompt: greet@live) is
answered with what the label points to at that moment.`,
		Example: `  weir prompts push prompts/ --message 'be brief'
  weir prompts label greet live 3 --reason 'two words shorter'
  weir prompts rollback greet live`,
	})
	clientFlags(cmd)
	cmd.AddCommand(
		promptsPushCommand(), promptsPullCommand(), promptsListCommand(), promptsShowCommand(), promptsDiffCommand(), promptsRenderCommand(),
		promptsLabelCommand(), promptsUnlabelCommand(), promptsHistoryCommand(), promptsUndoCommand(), promptsRollbackCommand(),
		promptsProtectCommand(), promptsUnprotectCommand(), promptsChangesCommand(), promptsDeleteCommand(),
	)
	return cmd
}

// apiPrompt is a prompt as the API shows it.
type apiPrompt struct {
	Name     string             `json:"name"`
	Versions []apiPromptVersion `json:"versions"`
	Labels   []struct {
		Label     string    `json:"label"`
		Version   int       `json:"version"`
		MovedAt   time.Time `json:"moved_at"`
		Protected bool      `json:"protected"`
	} `json:"labels"`
}

// apiPromptVersion is a version as the API shows it.
type apiPromptVersion struct {
	Name      string          `json:"name"`
	Version   int             `json:"version"`
	Hash      string          `json:"hash"`
	Model     string          `json:"model"`
	Labels    []string        `json:"labels"`
	Author    string          `json:"author"`
	Message   string          `json:"message"`
	CreatedAt time.Time       `json:"created_at"`
	DeletedAt time.Time       `json:"deleted_at"`
	DeletedBy string          `json:"deleted_by"`
	Content   prompts.Content `json:"content"`
}

// promptPath is a path below a prompt's.
func promptPath(name string, more ...string) string {
	parts := []string{"prompts", url.PathEscape(name)}
	for _, m := range more {
		parts = append(parts, url.PathEscape(m))
	}
	return strings.Join(parts, "/")
}

// no makes the API's refusals of what is not allowed, or is not so any more, an answer of no.
func no(err error) error {
	if e, ok := errors.AsType[*apiError](err); ok && (e.Status == http.StatusForbidden || e.Status == http.StatusConflict) {
		return sayNo("%w", err)
	}
	return err
}

// splitRef reads NAME or NAME@REF.
func splitRef(word string) (name, ref string, err error) {
	if _, err := prompts.ParseRef(word); err != nil {
		return "", "", err
	}
	name, ref, _ = strings.Cut(word, "@")
	return name, ref, nil
}

// fetchPrompt reads the version that a name and a label or number mean.
func (c *client) fetchPrompt(ctx context.Context, name, ref string) ([]byte, apiPromptVersion, error) {
	q := url.Values{}
	if ref != "" {
		q.Set("ref", ref)
	}
	var v apiPromptVersion
	raw, err := c.get(ctx, promptPath(name, "fetch"), q, &v)
	return raw, v, err
}

// apiPromptRow is a prompt as the API lists it.
type apiPromptRow struct {
	Name      string         `json:"name"`
	Kind      string         `json:"kind"`
	Model     string         `json:"model"`
	Versions  int            `json:"versions"`
	Labels    map[string]int `json:"labels"`
	Protected []string       `json:"protected"`
	Author    string         `json:"author"`
	UpdatedAt time.Time      `json:"updated_at"`
	Message   string         `json:"message"`
}

func (c *client) listPrompts(ctx context.Context) ([]byte, []apiPromptRow, error) {
	var list struct {
		Prompts []apiPromptRow `json:"prompts"`
	}
	raw, err := c.get(ctx, "prompts", nil, &list)
	return raw, list.Prompts, err
}

func promptsListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the prompts with their labels",
		Example: `  weir prompts list`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			raw, list, err := c.listPrompts(cmd.Context())
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			if len(list) == 0 {
				s.note("no prompts; store one with: weir prompts push FILE.prompt --message M")
				return nil
			}
			sh := sheet{columns: []column{
				{name: "name", flex: true},
				{name: "versions", right: true},
				{name: "labels", flex: true},
				{name: "kind", drop: 3},
				{name: "model", flex: true, drop: 2},
				{name: "updated", drop: 1},
				{name: "by", flex: true, drop: 4},
				{name: "message", flex: true, drop: 5},
			}}
			for _, p := range list {
				sh.rows = append(sh.rows, []string{p.Name, count(int64(p.Versions)), p.labels(), p.Kind, p.Model, s.moment(p.UpdatedAt), p.Author, p.Message})
			}
			return s.table(sh)
		},
	}
}

// labels lists where they point; ! marks protected ones.
func (p apiPromptRow) labels() string {
	var out []string
	for _, label := range slices.Sorted(maps.Keys(p.Labels)) {
		mark := ""
		if slices.Contains(p.Protected, label) {
			mark = "!"
		}
		out = append(out, fmt.Sprintf("%s%s=%d", label, mark, p.Labels[label]))
	}
	return strings.Join(out, " ")
}

func promptsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME[@REF]",
		Short: "Show a prompt's versions, or one version as a .prompt file",
		Example: `  weir prompts show greet
  weir prompts show greet@live
  weir prompts show greet@3 --json`,
		Args: oneArg("the name of a prompt"),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, ref, err := splitRef(args[0])
			if err != nil {
				return err
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if ref != "" {
				raw, v, err := c.fetchPrompt(cmd.Context(), name, ref)
				if err != nil {
					return err
				}
				if asJSON(cmd) {
					return s.asItCame(raw)
				}
				return s.promptVersion(v)
			}
			var p apiPrompt
			raw, err := c.get(cmd.Context(), promptPath(name), nil, &p)
			if err != nil {
				return err
			}
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			return s.prompt(p)
		},
	}
}

// promptVersion shows a version's content on standard output, and what it is beside it.
func (s *screen) promptVersion(v apiPromptVersion) error {
	text, err := prompts.WriteDotprompt(v.Content)
	if err != nil {
		return err
	}
	s.note("%s@%d %s, by %s on %s: %s", clean(v.Name), v.Version, clean(v.Hash), clean(v.Author), s.moment(v.CreatedAt), clean(v.Message))
	_, err = fmt.Fprint(s.out, cleanLines(string(text)))
	return err
}

func (s *screen) prompt(p apiPrompt) error {
	sh := sheet{columns: []column{
		{name: "version", right: true},
		{name: "labels", flex: true},
		{name: "model", flex: true, drop: 2},
		{name: "created", drop: 1},
		{name: "by", flex: true, drop: 3},
		{name: "message", flex: true},
		{name: "hash", drop: 4},
	}}
	protected := map[string]bool{}
	for _, l := range p.Labels {
		protected[l.Label] = l.Protected
	}
	for _, v := range p.Versions {
		labels := slices.Clone(v.Labels)
		for i, l := range labels {
			if protected[l] {
				labels[i] += "!"
			}
		}
		message := v.Message
		if !v.DeletedAt.IsZero() {
			message = "(deleted by " + v.DeletedBy + ") " + message
		}
		sh.rows = append(sh.rows, []string{
			fmt.Sprint(v.Version), strings.Join(labels, " "), v.Model, s.moment(v.CreatedAt), v.Author, message, shortHash(v.Hash),
		})
	}
	return s.table(sh)
}

// shortHash is enough of a hash to tell versions apart.
func shortHash(hash string) string {
	digits := strings.TrimPrefix(hash, "sha256:")
	return digits[:min(12, len(digits))]
}
