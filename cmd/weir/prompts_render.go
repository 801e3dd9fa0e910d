package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/prompts"
)

func promptsRenderCommand() *cobra.Command {
	var (
		vars []string
		file string
	)
	cmd := &cobra.Command{
		Use:   "render NAME[@REF]",
		Short: "Show what a version makes of variables; no model is asked",
		Example: `  weir prompts render greet@live --var name=Ada
  weir prompts render greet --vars variables.json --var n:=3 --json`,
		Args: oneArg("the name of a prompt"),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, ref, err := splitRef(args[0])
			if err != nil {
				return err
			}
			variables, err := readVariables(vars, file)
			if err != nil {
				return err
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var made struct {
				Version  int               `json:"version"`
				Model    string            `json:"model"`
				Text     string            `json:"text"`
				Messages []prompts.Message `json:"messages"`
			}
			raw, err := c.do(cmd.Context(), http.MethodPost, promptPath(name, "render"), nil, map[string]any{"ref": ref, "variables": variables}, &made)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			s.note("%s@%d %s", clean(name), made.Version, clean(made.Model))
			if made.Messages == nil {
				_, err = fmt.Fprintln(s.out, cleanLines(made.Text))
				return err
			}
			for _, m := range made.Messages {
				s.title(clean(m.Role))
				if _, err := fmt.Fprintln(s.out, cleanLines(m.Content)); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringArrayVar(&vars, "var", nil, "a variable: NAME=TEXT, or NAME:=JSON for what is no text; may be repeated")
	cmd.Flags().StringVar(&file, "vars", "", "file with a JSON object of variables; - reads standard input")
	return cmd
}

// readVariables reads the variables of a file, and those of flags, which go before.
func readVariables(flags []string, file string) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	if file != "" {
		name := file
		if file == "-" {
			name = "/dev/stdin"
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read variables: %w", err)
		}
		if err := json.Unmarshal(text, &out); err != nil {
			return nil, fmt.Errorf("read variables of %s: want a JSON object: %w", file, err)
		}
	}
	for _, f := range flags {
		name, value, ok := strings.Cut(f, "=")
		if !ok || name == "" || name == ":" {
			return nil, fmt.Errorf("--var %q is no NAME=TEXT or NAME:=JSON", f)
		}
		if stem, isJSON := strings.CutSuffix(name, ":"); isJSON {
			if !json.Valid([]byte(value)) {
				return nil, fmt.Errorf("--var %s: %q is not JSON; a text is written as %s=TEXT", f, value, stem)
			}
			out[stem] = json.RawMessage(value)
			continue
		}
		text, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		out[name] = text
	}
	return out, nil
}

// apiRecent says what two versions make of recent inputs.
type apiRecent struct {
	Calls      int     `json:"calls"`
	Inputs     int     `json:"inputs"`
	Unusable   int     `json:"unusable"`
	Refused    int     `json:"refused"`
	Refusal    string  `json:"refusal"`
	Estimated  bool    `json:"estimated"`
	FromTokens int64   `json:"from_tokens"`
	ToTokens   int64   `json:"to_tokens"`
	FromUSD    *string `json:"from_usd"`
	ToUSD      *string `json:"to_usd"`
}

// apiDiff is what differs between two versions.
type apiDiff struct {
	Text        string     `json:"text"`
	Same        bool       `json:"same"`
	Recent      *apiRecent `json:"recent"`
	RecentError string     `json:"recent_error"`
}

func promptsDiffCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff NAME FROM TO",
		Short: "Show what differs between two versions, and what that makes of recent inputs",
		Example: `  weir prompts diff greet production latest
  weir prompts diff greet 2 3 --json`,
		Args: promptArgs("a prompt", "a version or label", "another one"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var d apiDiff
			raw, err := c.get(cmd.Context(), promptPath(args[0], "diff"), url.Values{"from": {args[1]}, "to": {args[2]}}, &d)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			return s.diff(d)
		},
	}
}

func (s *screen) diff(d apiDiff) error {
	if d.Same {
		s.note("they say the same")
	}
	if _, err := fmt.Fprint(s.out, cleanLines(d.Text)); err != nil {
		return err
	}
	switch r := d.Recent; {
	case d.RecentError != "":
		s.note("recent inputs could not be compared: %s", clean(d.RecentError))
	case r == nil || r.Calls == 0:
		s.note("no recent calls to compare")
	default:
		about := ""
		if r.Estimated {
			about = "about "
		}
		s.facts(
			"inputs compared", fmt.Sprintf("%d of %s (%d without usable variables)", r.Inputs, noun(r.Calls, "recent call"), r.Unusable),
			"input tokens", fmt.Sprintf("%s%s, now %s (%+d)", about, count(r.ToTokens), count(r.FromTokens), r.ToTokens-r.FromTokens),
			"input cost usd", fmt.Sprintf("%s, now %s", money(r.ToUSD), money(r.FromUSD)),
		)
		if r.Refused > 0 {
			s.note("%s would be refused: %s", noun(r.Refused, "recent input"), clean(r.Refusal))
		}
	}
	return nil
}
