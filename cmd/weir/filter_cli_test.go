package main

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// noon is a time in a zone that is two hours ahead.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.FixedZone("", 2*3600))

func TestFilterQuery(t *testing.T) {
	tests := []struct {
		name, args string
		want       url.Values
	}{
		{"nothing", "", url.Values{}},
		{"names", "--project p --key k --provider openai --model m --user u --session s --status error --endpoint responses", url.Values{
			"project": {"p"}, "key": {"k"}, "provider": {"openai"}, "model": {"m"}, "user": {"u"}, "session": {"s"}, "status": {"error"}, "endpoint": {"responses"},
		}},
		{"tags", "--tag team=a --tag url=x=y --tag empty=", url.Values{"tag.team": {"a"}, "tag.url": {"x=y"}}},
		{"several", "--model a --model b --status ok --status error --tag team=a --tag team=b --tag env=prod", url.Values{
			"model": {"a", "b"}, "status": {"ok", "error"}, "tag.team": {"a", "b"}, "tag.env": {"prod"},
		}},
		{"left out", "--not model=a --not model=b=c --not tag.team= --not price_status=exact", url.Values{"not.model": {"a", "b=c"}, "not.tag.team": {""}, "not.price_status": {"exact"}}},
		{"words", "--text refund --unpriced", url.Values{"q": {"refund"}, "unpriced": {"true"}}},
		{"span", "--since 24h --until 15m", url.Values{"since": {"2026-11-23T10:00:00.000000Z"}, "until": {"2026-11-24T09:45:00.000000Z"}}},
		{"days are the zone's", "--since yesterday --until today", url.Values{"since": {"2026-11-22T22:00:00.000000Z"}, "until": {"2026-11-23T22:00:00.000000Z"}}},
		{"dates", "--since 2026-11-01 --until 2026-11-02T03:04:05.000006Z", url.Values{"since": {"2026-10-31T22:00:00.000000Z"}, "until": {"2026-11-02T03:04:05.000006Z"}}},
		{"weeks", "--since 2w", url.Values{"since": {"2026-11-10T10:00:00.000000Z"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var f filterFlags
			cmd := &cobra.Command{}
			f.register(cmd, "")
			f.registerText(cmd)
			if err := cmd.ParseFlags(strings.Fields(tt.args)); err != nil {
				t.Fatal(err)
			}
			got, err := f.query(noon)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("query (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFiltersThatAreNone(t *testing.T) {
	for _, f := range []filterFlags{{tags: []string{"team"}}, {tags: []string{"=a"}}, {not: []string{"model"}}, {not: []string{"colour=red"}}, {not: []string{"tag.=a"}}, {not: []string{"=a"}}} {
		if got, err := f.query(noon); err == nil {
			t.Errorf("%+v: got %v, want an error", f, got)
		}
	}
}

func TestTimesThatAreNone(t *testing.T) {
	for _, text := range []string{"d", "1", "-1d", "1y", "1.5h", "tomorrow", "2026-13-01", "99999999999d", "9999999w", "24h ago"} {
		if got, err := parsePast("since", text, noon); err == nil {
			t.Errorf("parsePast(%q): got %s, want an error", text, got)
		}
	}
	for _, text := range []string{"0s", "2026-11-24", "yesterday", "now", "soon"} {
		if got, err := parseFuture("expires", text, noon); err == nil {
			t.Errorf("parseFuture(%q): got %s, want an error", text, got)
		}
	}
	for text, want := range map[string]string{"": "0001-01-01T00:00:00.000000Z", "30d": "2026-12-24T10:00:00.000000Z", "2027-01-31": "2027-01-30T22:00:00.000000Z"} {
		if got, err := parseFuture("expires", text, noon); err != nil || stamp(got) != want {
			t.Errorf("parseFuture(%q): got %s, %v, want %s", text, stamp(got), err, want)
		}
	}
}
