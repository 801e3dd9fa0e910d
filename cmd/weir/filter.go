package main

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-dev/weir/trace"
)

// filterFlags pick calls, as the API's parameters do.
type filterFlags struct {
	since, until string
	same         map[string]*[]string // parameters that match exactly, with the values one of which a call is to have
	tags, not    []string
	text         string
	unpriced     bool
}

// filterNames are the parameters that match exactly, with what is said of them.
var filterNames = [][2]string{
	{"project", "only this project's"},
	{"key", "only this key's, by name or id"},
	{"provider", "only this provider's"},
	{"model", "only this model's, as asked for or as answered"},
	{"user", "only this user's"},
	{"session", "only this session's"},
	{"status", "ok, error, client_closed, budget, rate_limited or cut"},
	{"endpoint", "only this endpoint's, as chat.completions"},
}

// register puts the flags on a verb; since is the default of --since.
func (f *filterFlags) register(cmd *cobra.Command, since string) {
	flags := cmd.Flags()
	flags.StringVar(&f.since, "since", since, "from when on: 15m, 24h, 30d ago, today, a day or a time")
	flags.StringVar(&f.until, "until", "", "up to when, not included; as --since")
	f.registerFields(cmd, func(string) bool { return true })
}

// registerFields puts the flags on a verb that pick calls by values, but for those that it does not take.
func (f *filterFlags) registerFields(cmd *cobra.Command, takes func(name string) bool) {
	flags := cmd.Flags()
	f.same = map[string]*[]string{}
	for _, n := range filterNames {
		if takes(n[0]) {
			f.same[n[0]] = flags.StringArray(n[0], nil, n[1]+"; repeated: any of them")
		}
	}
	flags.StringArrayVar(&f.tags, "tag", nil, "only with this tag, as team=care; repeated: of one tag any of the values")
	flags.StringArrayVar(&f.not, "not", nil, "without this value, as model=gpt-4o, status=ok or tag.team=care; may be repeated")
}

// registerText puts the flags on a verb that only lists of calls have.
func (f *filterFlags) registerText(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.text, "text", "", "words looked for in the request and the answer")
	cmd.Flags().BoolVar(&f.unpriced, "unpriced", false, "only calls without a price")
}

// query is the flags as the API's parameters.
func (f *filterFlags) query(now time.Time) (url.Values, error) {
	q := url.Values{}
	add := func(name, value string) {
		if value != "" {
			q.Add(name, value)
		}
	}
	for _, b := range []struct{ name, text string }{{"since", f.since}, {"until", f.until}} {
		t, err := parsePast(b.name, b.text, now)
		if err != nil {
			return nil, err
		}
		if !t.IsZero() {
			add(b.name, stamp(t))
		}
	}
	for name, values := range f.same {
		for _, v := range *values {
			add(name, v)
		}
	}
	for _, tag := range f.tags {
		k, v, ok := strings.Cut(tag, "=")
		if !ok || k == "" {
			return nil, fmt.Errorf("--tag %q is no tag: write it as team=care", tag)
		}
		add("tag."+k, v)
	}
	for _, not := range f.not {
		k, v, ok := strings.Cut(not, "=")
		if !ok || !trace.IsFilterField(k) {
			return nil, fmt.Errorf("--not %q is nothing to leave out: write it as model=gpt-4o, with one of %s or tag.NAME in front", not, strings.Join(trace.FilterFields, ", "))
		}
		q.Add("not."+k, v)
	}
	add("q", f.text)
	if f.unpriced {
		add("unpriced", "true")
	}
	return q, nil
}
