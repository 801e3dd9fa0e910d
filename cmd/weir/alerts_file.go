package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/alert"
	"github.com/weir-dev/weir/internal/yamldoc"
)

// maxAlertFile bounds a file of rules in bytes.
const maxAlertFile = 1 << 20

// readAlertRules reads a rule, or a list of them under rules, and says all that is wrong with its line.
func readAlertRules(cmd *cobra.Command, file string) ([]alert.Rule, error) {
	from := cmd.InOrStdin()
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("read rules: %w", err)
		}
		defer f.Close()
		from = f
	}
	text, err := io.ReadAll(io.LimitReader(from, maxAlertFile+1))
	if err != nil {
		return nil, fmt.Errorf("read rules from %s: %w", file, err)
	}
	if len(text) > maxAlertFile {
		return nil, fmt.Errorf("%s is longer than %d bytes", file, maxAlertFile)
	}
	doc, err := yamldoc.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if doc == nil {
		return nil, fmt.Errorf("%s is empty; weir alerts set --help shows what a rule looks like", file)
	}
	return decodeAlertRules(doc, file)
}

func decodeAlertRules(doc *yamldoc.Node, file string) ([]alert.Rule, error) {
	faults := &configFaults{file: file}
	var many struct {
		Rules []alert.Rule `yaml:"rules"`
	}
	isList := false
	if doc.Kind == yamldoc.Mapping {
		for key := range doc.Members() {
			isList = isList || key.Value == "rules"
		}
	}
	if isList {
		decodeNode(doc, reflect.ValueOf(&many).Elem(), "", faults)
		for i := range many.Rules {
			addRuleFaults(faults, fmt.Sprintf("rules[%d]", i), many.Rules[i].Check(nil))
		}
	} else {
		many.Rules = make([]alert.Rule, 1)
		decodeNode(doc, reflect.ValueOf(&many.Rules[0]).Elem(), "", faults)
		addRuleFaults(faults, "", many.Rules[0].Check(nil))
	}
	if len(faults.faults) == 0 {
		return many.Rules, nil
	}
	slices.SortStableFunc(faults.faults, func(a, b configFault) int { return a.line - b.line })
	all := make([]error, len(faults.faults))
	for i, f := range faults.faults {
		all[i] = fmt.Errorf("%s:%d: %s", file, max(f.line, 1), f.text)
	}
	return nil, errors.Join(all...)
}
