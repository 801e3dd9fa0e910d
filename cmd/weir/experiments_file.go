package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/internal/yamldoc"
	"github.com/weir-dev/weir/prompts/experiment"
)

func experimentsCreateCommand() *cobra.Command {
	var start bool
	cmd := &cobra.Command{
		Use:   "create FILE",
		Short: "Describe an experiment in YAML or JSON: a draft, which assigns nobody until it is started",
		Long: `create stores a draft of what a file describes, and takes the place of a draft of the same name. Everything that is wrong is said at
once, each fault with its line. See docs/experiments.md for all settings.

  name: tone
  unit: user
  prompt: greet
  arms:
    - {name: control, prompt: greet@production}
    - {name: warm, prompt: greet@4}
  metrics:
    primary: {metric: "score:helpful", direction: higher}
    guardrails: [{metric: cost, direction: lower, margin: "5%"}]`,
		Example: `  weir experiments create tone.yaml
  weir experiments create tone.yaml --start`,
		Args: oneArg("a file, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := readDescription(cmd, args[0])
			if err != nil {
				return err
			}
			c, err := newClient(cmd)
			if err != nil {
				return err
			}
			var e apiExperiment
			method, path, err := c.placeOf(cmd, text)
			if err != nil {
				return err
			}
			raw, err := c.do(cmd.Context(), method, path, nil, text, &e)
			if err == nil && start {
				raw, err = c.do(cmd.Context(), http.MethodPost, ofExperiment(e.Name, "start"), nil, map[string]any{}, &e)
			}
			if err != nil {
				return err
			}
			s := newScreen(cmd)
			if asJSON(cmd) {
				return s.asItCame(raw)
			}
			if start {
				_, err = fmt.Fprintf(s.out, "%s runs from the next call on: %s\n", clean(e.Name), clean(armShares(&e.Experiment)))
				return err
			}
			_, err = fmt.Fprintf(s.out, "%s is a draft; start it with: weir experiments start %[1]s\n", clean(e.Name))
			return err
		},
	}
	cmd.Flags().BoolVar(&start, "start", false, "start it at once")
	return cmd
}

// readDescription reads an experiment from a file as JSON, and says with lines what is wrong with it.
func readDescription(cmd *cobra.Command, file string) (json.RawMessage, error) {
	from := cmd.InOrStdin()
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("read an experiment: %w", err)
		}
		defer f.Close()
		from = f
	}
	text, err := io.ReadAll(io.LimitReader(from, experiment.MaxJSON+1))
	if err != nil {
		return nil, fmt.Errorf("read an experiment from %s: %w", file, err)
	}
	if len(text) > experiment.MaxJSON {
		return nil, fmt.Errorf("%s is longer than the %d bytes of an experiment", file, experiment.MaxJSON)
	}
	doc, err := yamldoc.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if doc == nil {
		return nil, fmt.Errorf("%s is empty; weir experiments create --help shows what an experiment looks like", file)
	}
	raw, err := doc.JSON()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if _, err := experiment.Parse(raw); err != nil {
		return nil, located(file, doc, err)
	}
	return raw, nil
}

// located puts the line in front of each fault.
func located(file string, doc *yamldoc.Node, err error) error {
	list := []string{strings.TrimPrefix(err.Error(), experiment.ErrExperiment.Error()+": ")}
	if faults, ok := errors.AsType[*experiment.Faults](err); ok {
		list = faults.List
	}
	slices.SortStableFunc(list, func(a, b string) int { return cmp.Compare(lineOf(doc, a), lineOf(doc, b)) })
	all := make([]error, len(list))
	for i, fault := range list {
		all[i] = fmt.Errorf("%s:%d: %s", file, lineOf(doc, fault), fault)
	}
	return errors.Join(all...)
}

var (
	unknownField = regexp.MustCompile(`unknown field "(.*)"`)
	wrongField   = regexp.MustCompile(`cannot unmarshal .* into Go (?:struct field|value) (?:\w+\.)?([\w.]+) of type`)
	quotedName   = regexp.MustCompile(`^(?:guardrail )?"([^"]*)"`)
)

// lineOf finds where a fault is: its words up to colons are names on the way down, or name what stands in a list.
func lineOf(doc *yamldoc.Node, fault string) int {
	if m := unknownField.FindStringSubmatch(fault); m != nil {
		if key := keyNamed(doc, m[1], 0); key != nil {
			return key.Line
		}
		return doc.Line
	}
	at, line := doc, doc.Line
	words := strings.Split(fault, ": ")
	if m := wrongField.FindStringSubmatch(fault); m != nil {
		words = strings.Split(m[1], ".")
	}
	for i, word := range words {
		var next *yamldoc.Node
		for key, value := range at.Members() {
			if key.Value == word {
				next, line = value, key.Line
			}
		}
		if m := quotedName.FindStringSubmatch(word); next == nil && m != nil {
			list := at
			if guardrails := at.Member("guardrails"); guardrails != nil {
				list = guardrails
			}
			if next = itemNamed(list, m[1]); next != nil {
				line = next.Line
			}
		}
		if next == nil && i > 0 {
			break
		}
		if next != nil {
			at = next
		}
	}
	return line
}

// itemNamed finds the item of a list whose name or metric it is.
func itemNamed(list *yamldoc.Node, name string) *yamldoc.Node {
	if list.Kind != yamldoc.Sequence {
		return nil
	}
	for _, item := range list.Content {
		for _, by := range []string{"name", "metric"} {
			if v := item.Member(by); v != nil && v.Value == name {
				return item
			}
		}
	}
	return nil
}

// keyNamed finds the first name of a mapping, at any depth.
func keyNamed(n *yamldoc.Node, name string, depth int) *yamldoc.Node {
	const deepest = 20
	if depth > deepest {
		return nil
	}
	for key, value := range n.Members() {
		if key.Value == name {
			return key
		}
		if found := keyNamed(value, name, depth+1); found != nil {
			return found
		}
	}
	if n.Kind == yamldoc.Sequence {
		for _, item := range n.Content {
			if found := keyNamed(item, name, depth+1); found != nil {
				return found
			}
		}
	}
	return nil
}

// placeOf says where a description goes: in place of the draft of its name, or as a new one.
func (c *client) placeOf(cmd *cobra.Command, text json.RawMessage) (method, path string, err error) {
	e, err := experiment.Parse(text)
	if err != nil {
		return "", "", err
	}
	_, list, err := c.experiments(cmd.Context(), nil)
	if err != nil {
		return "", "", err
	}
	for i := range list {
		if list[i].Name == e.Name && list[i].Status == experiment.Draft {
			return http.MethodPut, ofExperiment(e.Name), nil
		}
	}
	return http.MethodPost, "experiments", nil
}
