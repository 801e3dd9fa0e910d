package online_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/eval/online"
)

func TestRuleFaults(t *testing.T) {
	for _, c := range []struct {
		rule string
		want []string // fields at fault; none: it is a rule
	}{
		{`{"name":"r","rate":0.1,"scorers":[{"metric":"contains","values":["x"]}]}`, nil},
		{`{"name":"r","rate":1,"by":"user","condition":"output_tokens > 10 and tags[\"a\"] == \"b\"","delay":"10m","budget_usd":"0.5","scorers":[{"metric":"judge","judge":{"rubric":"tone","model":"m"}}]}`, nil},
		{`{"name":"a b","rate":0,"by":"week","scorers":[]}`, []string{"name", "rate", "by", "scorers"}},
		{`{"name":"r","rate":1.5,"condition":"answer ==","scorers":[{"metric":"regex","pattern":"("}]}`, []string{"rate", "condition", "scorers.0"}},
		{`{"name":"r","rate":1,"condition":"output_tokens","scorers":[{"metric":"json_valid"},{"metric":"json_valid"}]}`, []string{"condition", "scorers.1"}},
		{`{"name":"r","rate":1,"scorers":[{"metric":"exact"},{"metric":"bleu"},{"metric":"cosine"}]}`, []string{"scorers.0", "scorers.1", "scorers.2"}},
		{`{"name":"r","rate":1,"scorers":[{"metric":"process","command":["rm","-rf","/"]}]}`, []string{"scorers.0"}},
		{
			`{"name":"r","rate":1,"filter":{"project":"online"},"budget_usd":"0","max_per_minute":-1,"delay":"-1s","scorers":[{"metric":"judge","judge":{"rubric":"tone"}}]}`,
			[]string{"budget_usd", "max_per_minute", "delay", "filter", "scorers.0"},
		},
	} {
		r, err := online.DecodeRule([]byte(c.rule))
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		var got []string
		for _, f := range online.Faults(r.Settle(t.Context())) {
			got = append(got, f.Field)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", c.rule, diff)
		}
	}
	if _, err := online.DecodeRule([]byte(`{"name":"r","rates":1}`)); err == nil || !strings.Contains(err.Error(), "rates") {
		t.Errorf("an unknown name: %v", err)
	}
}

func TestVersion(t *testing.T) {
	read := func(text string) online.Rule {
		r, err := online.DecodeRule([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	a := read(`{"name":"r","rate":0.1,"scorers":[{"name":"a","metric":"contains","values":["x"]}]}`)
	more := read(`{"name":"r","rate":0.5,"delay":"1m","budget_usd":"1","scorers":[{"name":"a","metric":"contains","values":["x"]}]}`)
	other := read(`{"name":"r","rate":0.1,"scorers":[{"name":"a","metric":"contains","values":["y"]}]}`)
	if a.Version() != more.Version() || a.Version() == other.Version() {
		t.Errorf("versions %s, with a larger sample %s, with another scorer %s", a.Version(), more.Version(), other.Version())
	}
}
