package trace_test

import (
	"testing"
	"time"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

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
