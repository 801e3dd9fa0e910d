package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/prompts"
)

func promptsPullCommand() *cobra.Command {
	var (
		dir, label string
		force      bool
	)
	cmd := &cobra.Command{
		Use:   "pull [NAME…] --dir D",
		Short: "Write prompts as .prompt files",
		Long: `pull writes the newest version of each prompt, or the one that --label points to, as NAME.prompt. A file that says something no version
says is an edit that was never pushed: it is left alone, and the answer is no (exit 1), unless --force is given.`,
		Example: `  weir prompts pull --dir prompts
  weir prompts pull greet --dir prompts --label production`,
		RunE: func(cmd *cobra.Command, names []string) error {
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			if len(names) == 0 {
				_, list, err := c.listPrompts(cmd.Context())
				if err != nil {
					return err
				}
				for _, p := range list {
					if _, ok := p.Labels[label]; ok {
						names = append(names, p.Name)
					}
				}
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
			s := newScreen(cmd)
			var kept []string
			for _, name := range names {
				wrote, err := c.pullPrompt(cmd, s, dir, name, label, force)
				if err != nil {
					return fmt.Errorf("pull %s: %w", name, err)
				}
				if !wrote {
					kept = append(kept, name)
				}
			}
			if len(kept) > 0 {
				return sayNo("not written, since the files say what no version says: %s; push them, or give --force", strings.Join(kept, ", "))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&dir, "dir", ".", "folder to write to; it is made when it is not there")
	cmd.Flags().StringVar(&label, "label", prompts.Latest, "which version")
	cmd.Flags().BoolVar(&force, "force", false, "write over files that were never pushed")
	return cmd
}

// pullPrompt writes one file; false when there is an edit in it that was never pushed.
func (c *client) pullPrompt(cmd *cobra.Command, s *screen, dir, name, label string, force bool) (bool, error) {
	if err := prompts.CheckName(name); err != nil { // it becomes a path
		return false, err
	}
	_, v, err := c.fetchPrompt(cmd.Context(), name, label)
	if err != nil {
		return false, err
	}
	text, err := prompts.WriteDotprompt(v.Content)
	if err != nil {
		return false, err
	}
	path := filepath.Join(dir, name+".prompt")
	have, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return false, err
	case bytes.Equal(have, text):
		return true, s.pulled(cmd, v, path, "is there")
	case !force:
		var p apiPrompt
		if _, err := c.get(cmd.Context(), promptPath(name), nil, &p); err != nil {
			return false, err
		}
		hash := hashOfFile(have)
		if !slices.ContainsFunc(p.Versions, func(v apiPromptVersion) bool { return v.Hash == hash }) {
			return false, nil
		}
		if hash == v.Hash { // the same, written in another way: that is for the author to choose
			return true, s.pulled(cmd, v, path, "is there")
		}
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return false, err
	}
	return true, s.pulled(cmd, v, path, "written")
}

// hashOfFile is the hash of what a .prompt file says; "" when it does not parse.
func hashOfFile(text []byte) string {
	content, _, err := prompts.ReadDotprompt(text)
	if err != nil {
		return ""
	}
	hash, err := prompts.HashOf(content)
	if err != nil {
		return ""
	}
	return hash
}

func (s *screen) pulled(cmd *cobra.Command, v apiPromptVersion, path, what string) error {
	if asJSON(cmd) {
		return s.line(map[string]any{"name": v.Name, "version": v.Version, "hash": v.Hash, "file": path})
	}
	_, err := fmt.Fprintf(s.out, "%s: version %d %s in %s\n", clean(v.Name), v.Version, what, clean(path))
	return err
}
