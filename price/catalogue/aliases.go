package main

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/weir-dev/weir/price"
)

// alias is a line of the book that names another spelling.
type alias struct {
	Alias    string `json:"alias"`
	Provider string `json:"provider"`
	Model    string `json:"model,omitempty"`
	Times    string `json:"times,omitempty"`
	Unpriced bool   `json:"unpriced,omitempty"`
	Note     string `json:"note,omitempty"`
}

// inWords are the rules that aliases.csv describes in words.
var inWords = map[string]alias{
	"ft:<base>:<org>:<name>:<id>": {Alias: "ft:*:*:*:*", Model: "ft:$1"},
	"claude-*@YYYYMMDD":           {Alias: "claude-*@########", Model: "claude-$1-$2"},
	"claude-*@default":            {Alias: "claude-*@default", Model: "claude-$1"},
	"*:batch":                     {Alias: "*:batch", Model: "$1", Times: "0.5"},
}

// readAliases turns aliases.csv into aliases, and its free variants into entries.
func readAliases(source fs.FS) ([]alias, []price.Entry, error) {
	rows, err := read(source, "aliases.csv")
	if err != nil {
		return nil, nil, err
	}
	var (
		out  []alias
		free []price.Entry
	)
	for _, r := range rows {
		from, to := r["alias"], r["canonical_model"]
		a := alias{Alias: from, Provider: r["provider"], Model: to, Note: r["rule_note"]}
		stars := strings.Count(from, "*")
		switch rule, ok := inWords[from]; {
		case ok:
			a.Alias, a.Model, a.Times = rule.Alias, rule.Model, rule.Times
		case from == "<deployment name>":
			continue // no spelling: calls are looked up by the model of the reply before the one of the request
		case to == "no charge":
			free = append(free, price.Entry{Provider: a.Provider, Model: from, Kind: price.Free, Status: "agreed"})
			continue
		case strings.HasPrefix(to, "no "):
			a.Model, a.Unpriced = "", true
		case to == "id without the suffix", to == "id after the prefix", to == "last path segment":
			a.Model = fmt.Sprintf("$%d", stars)
		case strings.Count(to, "*") == 1 && stars == 1:
			a.Model = strings.Replace(to, "*", "$1", 1)
		case strings.ContainsAny(to, "* <"):
			return nil, nil, fmt.Errorf("aliases.csv: %s of %s means %q: the rule is not understood", from, a.Provider, to)
		}
		out = append(out, a)
	}
	// Profiles of models before Claude 4.5 cost what the plain id costs: the premium began with 4.5. The other
	// geo profiles lead here through us.
	for _, models := range []string{"claude-3-", "claude-sonnet-4-2025", "claude-opus-4-2025", "claude-opus-4-1-2025"} {
		out = append(out, alias{
			Alias: "us.anthropic." + models + "*", Provider: "bedrock", Model: "anthropic." + models + "$1",
			Note: "geo profile, no premium before 4.5",
		})
	}
	return out, free, nil
}
