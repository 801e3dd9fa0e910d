package main

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// filterFlags pick calls, as the API's parameters do.
type filterFlags struct {
	since, until string
	same         map[string]*string // parameters that match exactly
	tags         []string
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
	f.same = map[string]*string{}
	for _, n := range filterNames {
		f.same[n[0]] = flags.String(n[0], "", n[1])
	}
	flags.StringArrayVar(&f.tags, "tag", nil, "only with this tag, as team=care; may be repeated")
}

// registerText puts the flags on a verb that only lists of calls have.
func (f *filterFlags) registerText(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.text, "text", "", "words looked for in the request and the answer")
	cmd.Flags().BoolVar(&f.unpriced, "unpriced", false, "only calls without a price")
}

// query is the flags as the API's parameters.
func (f *filterFlags) query(now time.Time) (url.Values, error) {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	for _, b := range []struct{ name, text string }{{"since", f.since}, {"until", f.until}} {
		t, err := parsePast(b.name, b.text, now)
		if err != nil {
			return nil, err
		}
		if !t.IsZero() {
			set(b.name, stamp(t))
		}
	}
	for name, value := range f.same {
		set(name, *value)
	}
	for _, tag := range f.tags {
		k, v, ok := strings.Cut(tag, "=")
		if !ok || k == "" {
			return nil, fmt.Errorf("--tag %q is no tag: write it as team=care", tag)
		}
		set("tag."+k, v)
	}
	set("q", f.text)
	if f.unpriced {
		set("unpriced", "true")
	}
	return q, nil
}
