package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/prompts"
)

// maxPromptFile bounds a file that is pushed, in bytes.
const maxPromptFile = 1 << 20

// promptFile is a file that is to be pushed.
type promptFile struct {
	path, name string
	content    prompts.Content
	warnings   []string
}

// madePrompt is a version as push prints it.
type madePrompt struct {
	Name    string `json:"name"`
	Version int    `json:"version"`
	Hash    string `json:"hash"`
	Made    bool   `json:"made"` // false: the version was there

	Warnings []string `json:"warnings,omitempty"`
}

func promptsPushCommand() *cobra.Command {
	var message, label string
	cmd := &cobra.Command{
		Use:   "push FILE|DIR… --message M",
		Short: "Store files as versions of their prompts",
		Long: `push stores .prompt files, and .json files as the API writes contents, each as the next version of the prompt that is named as
the file is without its suffix. Of a folder it takes all .prompt files below it. What a version says already is that version. When a
file does not parse, nothing is stored.`,
		Example: `  weir prompts push greet.prompt --message 'be brief'
  weir prompts push prompts/ --message "$(git log -1 --format=%s)" --label staging
  weir prompts push greet.prompt --message 'be brief' --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if message == "" {
				return errors.New("say why, for those who read the history: --message M")
			}
			files, err := readPromptFiles(args)
			if err != nil {
				return err
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			for i, f := range files {
				in := map[string]any{"name": f.name, "content": f.content, "message": message}
				if label != "" {
					in["label"] = label
				}
				var made madePrompt
				if _, err := c.do(cmd.Context(), http.MethodPost, "prompts", nil, in, &made); err != nil {
					err = fmt.Errorf("%s: %w", f.path, no(err))
					if i > 0 {
						err = fmt.Errorf("%w (the %s before it %s stored)", err, noun(i, "file"), were(i))
					}
					return err
				}
				if err := s.madePrompt(cmd, f, made, label); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&message, "message", "m", "", "why the prompts are as they are now")
	cmd.Flags().StringVar(&label, "label", "", "label to point to the versions")
	return cmd
}

func were(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// madePrompt tells what became of a file.
func (s *screen) madePrompt(cmd *cobra.Command, f promptFile, made madePrompt, label string) error {
	for _, w := range slices.Concat(f.warnings, made.Warnings) {
		s.note("%s: %s", clean(f.path), clean(w))
	}
	if asJSON(cmd) {
		return s.line(made)
	}
	what := "version"
	if !made.Made {
		what = "unchanged, version"
	}
	if label != "" {
		label = ", " + clean(label)
	}
	_, err := fmt.Fprintf(s.out, "%s: %s %d%s\n", clean(made.Name), what, made.Version, label)
	return err
}

// readPromptFiles reads all files that the words name, those first that others take in. All faults are said at once.
func readPromptFiles(words []string) ([]promptFile, error) {
	var paths []string
	for _, word := range words {
		more, err := promptPaths(word)
		if err != nil {
			return nil, err
		}
		paths = append(paths, more...)
	}
	var files []promptFile
	var faults []error
	seen := map[string]string{}
	for _, path := range paths {
		f, err := readPromptFile(path)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", path, err))
			continue
		}
		if other, twice := seen[f.name]; twice {
			faults = append(faults, fmt.Errorf("%s and %s are both the prompt %s; rename one", other, path, f.name))
			continue
		}
		seen[f.name] = path
		files = append(files, f)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return inOrder(files), nil
}

// promptPaths lists a file, or the .prompt files below a folder.
func promptPaths(word string) ([]string, error) {
	info, err := os.Stat(word)
	if err != nil || !info.IsDir() {
		return []string{word}, err
	}
	var out []string
	err = filepath.WalkDir(word, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(path) == ".prompt" {
			out = append(out, path)
		}
		return err
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("no .prompt file is below %s", word)
	}
	return out, err
}

func readPromptFile(path string) (promptFile, error) {
	ext := filepath.Ext(path)
	f := promptFile{path: path, name: strings.TrimSuffix(filepath.Base(path), ext)}
	if err := prompts.CheckName(f.name); err != nil {
		return f, fmt.Errorf("a prompt is named as its file is without the suffix: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return f, err
	}
	if info.Size() > maxPromptFile {
		return f, fmt.Errorf("it is larger than %d KiB", maxPromptFile>>10)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return f, err
	}
	switch ext {
	case ".prompt":
		f.content, f.warnings, err = prompts.ReadDotprompt(text)
	case ".json":
		err = json.Unmarshal(text, &f.content)
	default:
		err = fmt.Errorf("files end in .prompt or .json, not in %q", ext)
	}
	if err != nil {
		return f, err
	}
	more, err := prompts.Check(f.content)
	f.warnings = append(f.warnings, more...)
	return f, err
}

// inOrder puts prompts before those that take them in, so that no push finds one missing that comes with it.
func inOrder(files []promptFile) []promptFile {
	at := map[string]int{}
	for i, f := range files {
		at[f.name] = i
	}
	out := make([]promptFile, 0, len(files))
	done := make([]bool, len(files))
	var visit func(i int)
	visit = func(i int) {
		if done[i] {
			return
		}
		done[i] = true // in a circle, which the server refuses, any order will do
		if c, err := prompts.Compile(prompts.Version{Name: files[i].name, Content: files[i].content}); err == nil {
			for _, p := range c.Partials() {
				if n, ok := at[p.Ref.Name]; ok {
					visit(n)
				}
			}
		}
		out = append(out, files[i])
	}
	for i := range files {
		visit(i)
	}
	return out
}
