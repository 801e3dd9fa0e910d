package trace_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

func several(field string, values ...string) trace.Filter {
	return trace.Filter{Any: map[string][]string{field: values}}
}

func without(field string, values ...string) trace.Filter {
	return trace.Filter{Not: map[string][]string{field: values}}
}

// What a filter asks of fields is set, taken away and kept by their names, and another filter that shares its maps is left alone.
func TestFields(t *testing.T) {
	var f trace.Filter
	f.Ask("model", "a", "b")
	f.Ask("user", "ann")
	f.Ask("tag.team", "care")
	f.Exclude("tag.team", "sales")
	f.Exclude("project", "lab", "shop")
	whole := []trace.Condition{
		{Field: "project", Values: []string{"lab", "shop"}, Not: true},
		{Field: "model", Values: []string{"a", "b"}},
		{Field: "user", Values: []string{"ann"}},
		{Field: "tag.team", Values: []string{"care"}},
		{Field: "tag.team", Values: []string{"sales"}, Not: true},
	}
	g := f
	g.Ask("model", "c")
	g.Ask("tag.env", "prod")
	g.Exclude("project")
	for what, tt := range map[string]struct {
		f    trace.Filter
		want []trace.Condition
	}{
		"as asked":           {f, whole},
		"changed":            {g, []trace.Condition{{Field: "model", Values: []string{"c"}}, whole[2], {Field: "tag.env", Values: []string{"prod"}}, whole[3], whole[4]}},
		"without a field":    {f.Without("model"), []trace.Condition{whole[0], whole[2], whole[3], whole[4]}},
		"without a tag":      {f.Without("tag.team"), whole[:3]},
		"without what is no": {f.Without("tag"), whole},
		"only some":          {f.Only("project", "tag.team", "arm"), []trace.Condition{whole[0], whole[3], whole[4]}},
	} {
		if diff := cmp.Diff(tt.f.Conditions(), tt.want); diff != "" {
			t.Errorf("%s (-got +want):\n%s", what, diff)
		}
	}
	for field, want := range map[string]bool{"model": true, "tag": true, "tag.team": true, "project": false, "tag.env": false, "arm": false} {
		if got := f.Wants(field); got != want {
			t.Errorf("wants certain values of %s: %v, want %v", field, got, want)
		}
	}
}

func TestMatches(t *testing.T) {
	start := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	s := trace.Span{
		ID: "c", TraceID: "t", Start: start, Project: "p", Key: "prod", KeyID: "k1", Provider: "openai", ModelRequested: "fast", Model: "gpt-4o-mini", User: "ann", Session: "s",
		Status: trace.StatusError, Endpoint: "chat.completions", Cache: trace.CacheMiss, Prompt: "greet@home", PromptVersion: 7, Arm: "warm", ErrorCode: "overloaded",
		Tags: map[string]string{"team": "care", "env": ""}, PriceStatus: price.Unpriced,
	}
	for name, tt := range map[string]struct {
		yes, no []trace.Filter
	}{
		"nothing":  {[]trace.Filter{{}, {Text: "what was said is not looked into"}}, nil},
		"times":    {[]trace.Filter{{Since: start}, {Until: start.Add(1)}}, []trace.Filter{{Since: start.Add(1)}, {Until: start}}},
		"project":  {[]trace.Filter{{Project: "p"}}, []trace.Filter{{Project: "P"}, {Project: "q"}}},
		"key":      {[]trace.Filter{{Key: "prod"}, {Key: "k1"}}, []trace.Filter{{Key: "k"}}},
		"provider": {[]trace.Filter{{Provider: "openai"}}, []trace.Filter{{Provider: "open"}}},
		"model":    {[]trace.Filter{{Model: "fast"}, {Model: "gpt-4o-mini"}}, []trace.Filter{{Model: "gpt-4o"}}},
		"caller":   {[]trace.Filter{{User: "ann", Session: "s"}}, []trace.Filter{{User: "ann", Session: "x"}, {User: "bob"}}},
		"ending":   {[]trace.Filter{{Status: "error", ErrorCode: "overloaded"}}, []trace.Filter{{Status: "ok"}, {ErrorCode: "x"}}},
		"way":      {[]trace.Filter{{Endpoint: "chat.completions", Cache: "miss", TraceID: "t"}}, []trace.Filter{{Endpoint: "embeddings"}, {Cache: "hit"}, {TraceID: "u"}}},
		"prompt": {
			[]trace.Filter{{Prompt: "greet@home"}, {Prompt: "greet@home@7"}, {Prompt: "greet@home@07"}, {Arm: "warm"}},
			[]trace.Filter{{Prompt: "greet"}, {Prompt: "greet@7"}, {Prompt: "greet@home@8"}, {Prompt: "greet@home@"}, {Prompt: "greet@home@x"}, {Arm: "cold"}},
		},
		"tags": {
			[]trace.Filter{{Tags: map[string]string{"team": "care"}}, {Tags: map[string]string{"team": "care", "env": ""}}},
			[]trace.Filter{{Tags: map[string]string{"team": "sales"}}, {Tags: map[string]string{"team": "care", "none": ""}}},
		},
		"several": {
			[]trace.Filter{several("model", "x", "fast"), several("tag.team", "x", "care"), several("prompt", "greet@home@6", "greet@home@7"), {User: "ann", Any: map[string][]string{"user": {"ann", "bob"}}}, {Any: map[string][]string{"user": {}}}},
			[]trace.Filter{several("model", "x", "y"), several("tag.none", "", "x"), {User: "ann", Any: map[string][]string{"user": {"bob", "cem"}}}},
		},
		"left out": {
			[]trace.Filter{without("model", "gpt-4o"), without("key", "dev", "k2"), without("tag.none", ""), {User: "ann", Not: map[string][]string{"user": {"bob"}}}},
			[]trace.Filter{without("model", "x", "fast"), without("key", "k1"), without("tag.env", ""), {User: "ann", Not: map[string][]string{"user": {"ann"}}}},
		},
		"price": {[]trace.Filter{{Unpriced: true}, {PriceStatus: "unpriced"}}, []trace.Filter{{PriceStatus: "exact"}}},
	} {
		for _, f := range tt.yes {
			if !f.Matches(&s) {
				t.Errorf("%s: %+v does not pick the call", name, f)
			}
		}
		for _, f := range tt.no {
			if f.Matches(&s) {
				t.Errorf("%s: %+v picks the call", name, f)
			}
		}
	}
	s.PriceStatus, s.Prompt, s.PromptVersion = price.Exact, "greet", 0
	for _, f := range []trace.Filter{{Unpriced: true}, {Prompt: "greet@0"}} {
		if f.Matches(&s) {
			t.Errorf("%+v picks a call with a price and no version", f)
		}
	}
}
