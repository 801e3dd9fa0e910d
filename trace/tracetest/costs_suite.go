package tracetest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

func (c contract) costs() {
	t, s := c.t, c.store
	records := make([]trace.Record, 0, 104)
	for i := range 100 { // latencies of 1 to 100 ms
		records = append(records, at(time.Duration(i)*time.Minute, func(c *trace.Span) {
			c.Duration = time.Duration(i+1) * time.Millisecond
			c.Cost = price.USD(i + 1)
		}))
	}
	records = append(records,
		at(0, func(c *trace.Span) { c.Model, c.Status, c.Cost = "big", trace.StatusError, price.MaxUSD/100 }),
		at(0, func(c *trace.Span) { c.Model, c.PriceStatus, c.Cost = "big", price.Unpriced, 77 }),
		at(0, func(c *trace.Span) { c.Model, c.Cache, c.Cost, c.Saved = "big", trace.CacheHit, 0, 5 }),
		at(0, func(c *trace.Span) { c.Model, c.Cache, c.Cost, c.Saved = "big", trace.CacheSemantic, -3, 6 }),
	)
	// Attempts cost nothing: their calls do.
	records[0].Attempts = []trace.Span{{Kind: trace.KindAttempt, TraceID: "x", SpanID: "y", Start: t0, Cost: 1e9, PriceStatus: price.Exact, Usage: llm.Usage{InputUncached: 1e6}}}
	write(t, s, "c", records...)

	got, err := s.Costs(t.Context(), trace.CostQuery{By: []string{"model"}})
	check(t, err)
	if len(got.Rows) != 2 {
		t.Fatalf("%d rows, want 2: %+v", len(got.Rows), got.Rows)
	}
	big, mini := got.Rows[0], got.Rows[1] // the dearest first
	near := func(what string, got, want time.Duration) {
		t.Helper()
		if got < want*8/10 || got > want*12/10 {
			t.Errorf("%s = %v, want about %v", what, got, want)
		}
	}
	near("p50", mini.LatencyP50, 50*time.Millisecond)
	near("p95", mini.LatencyP95, 95*time.Millisecond)
	near("p50 of all", got.Total.LatencyP50, 52*time.Millisecond)
	for _, r := range []*trace.Sums{&big.Sums, &mini.Sums, &got.Total} {
		if r.TTFTP50 != 0 {
			t.Errorf("TTFTP50 = %v without streams, want 0", r.TTFTP50)
		}
		r.LatencyP50, r.LatencyP95 = 0, 0
	}
	equal(t, "big", big, trace.CostRow{Group: []string{"big"}, Sums: trace.Sums{
		Calls: 4, Errors: 1, UnpricedCalls: 1, CacheHits: 2, Cost: price.MaxUSD/100 - 3, Saved: 11,
		Usage: llm.Usage{InputUncached: 40, OutputText: 80},
	}})
	equal(t, "mini", mini, trace.CostRow{Group: []string{"gpt-4o-mini"}, Sums: trace.Sums{
		Calls: 100, Cost: 5050, Usage: llm.Usage{InputUncached: 1000, OutputText: 2000},
	}})
	equal(t, "total", got.Total, trace.Sums{
		Calls: 104, Errors: 1, UnpricedCalls: 1, CacheHits: 2, Cost: price.MaxUSD/100 - 3 + 5050, Saved: 11,
		Usage: llm.Usage{InputUncached: 1040, OutputText: 2080},
	})

	write(t, s, "streams", at(0, func(c *trace.Span) { c.Stream, c.TTFT = true, 200*time.Millisecond }))
	got, err = s.Costs(t.Context(), trace.CostQuery{})
	check(t, err)
	near("ttft", got.Total.TTFTP50, 200*time.Millisecond)
	if p95 := got.Total.TTFTP95; p95 < 140*time.Millisecond || p95 > 290*time.Millisecond { // within the bar that it is in
		t.Errorf("ttft p95 = %s, want about 200ms", p95)
	}
	if len(got.Rows) != 0 {
		t.Errorf("%d rows without groups, want none", len(got.Rows))
	}
}

func (c contract) costGroups() {
	t, s := c.t, c.store
	write(t, s, "g",
		at(0, func(c *trace.Span) {
			c.Project, c.Key, c.User, c.Session, c.Provider, c.Model = "p", "k", "u", "s", "pr", "m"
			c.Prompt, c.PromptVersion, c.Arm, c.Endpoint, c.Tags = "greet", 7, "b", llm.Embeddings, map[string]string{"team": "red"}
			c.Cache = trace.CacheSemantic
		}),
		at(90*time.Minute, func(c *trace.Span) {
			c.Prompt, c.Cost, c.Status, c.Cache = "greet", 1, trace.StatusBudget, trace.CacheMiss
		}),
	)
	for by, want := range map[string]string{
		"project":          "p=13500 default=1",
		"key":              "k=13500 dev=1",
		"user":             "u=13500 ann=1",
		"session":          "s=13500 s1=1",
		"provider":         "pr=13500 openai=1",
		"model":            "m=13500 gpt-4o-mini=1",
		"prompt":           "greet@7=13500 greet=1",
		"arm":              "b=13500 =1",
		"endpoint":         "embeddings=13500 chat.completions=1",
		"status":           "ok=13500 budget=1",
		"cache":            "semantic=13500 miss=1",
		"tag.team":         "red=13500 =1",
		"tag.none":         "=13501",
		"minute":           "2026-03-31T23:30:00Z=13500 2026-04-01T01:00:00Z=1",
		"hour":             "2026-03-31T23:00:00Z=13500 2026-04-01T01:00:00Z=1",
		"day":              "2026-03-31=13500 2026-04-01=1",
		"month":            "2026-03=13500 2026-04=1",
		"model,day":        "m,2026-03-31=13500 gpt-4o-mini,2026-04-01=1",
		"user,minute":      "u,2026-03-31T23:30:00Z=13500 ann,2026-04-01T01:00:00Z=1",
		"month,key,status": "2026-03,k,ok=13500 2026-04,dev,budget=1",
		"tag.team,arm":     "red,b=13500 ,=1",
	} {
		got, err := s.Costs(t.Context(), trace.CostQuery{By: strings.Split(by, ",")})
		check(t, err)
		equal(t, "by "+by, costText(got), want)
		if got.Total.Cost != 13_501 {
			t.Errorf("by %s: total %d, want 13501", by, got.Total.Cost)
		}
	}
}

// costText shows the groups and their costs in nanodollars.
func costText(c trace.Costs) string {
	var out []string
	for _, r := range c.Rows {
		out = append(out, fmt.Sprintf("%s=%d", strings.Join(r.Group, ","), int64(r.Cost)))
	}
	return strings.Join(out, " ")
}

func (c contract) timeZones() {
	t, s := c.t, c.store
	write(t, s, "z", at(0), at(-20*time.Hour, func(c *trace.Span) { c.Cost = 1 }), at(15*time.Minute, func(c *trace.Span) { c.Cost = 100 }))
	for zone, want := range map[string]string{
		"UTC":                  "day: 2026-03-31=13601 month: 2026-03=13601",
		"Europe/Berlin":        "day: 2026-03-31=1 2026-04-01=13600 month: 2026-03=1 2026-04=13600",
		"America/New_York":     "day: 2026-03-30=1 2026-03-31=13600 month: 2026-03=13601", // 23:30 the day before
		"Asia/Kathmandu":       "day: 2026-03-31=1 2026-04-01=13600 month: 2026-03=1 2026-04=13600",
		"Australia/Lord_Howe":  "day: 2026-03-31=1 2026-04-01=13600 month: 2026-03=1 2026-04=13600",
		"Pacific/Kiritimati":   "day: 2026-03-31=1 2026-04-01=13600 month: 2026-03=1 2026-04=13600",
		"Pacific/Pago_Pago":    "day: 2026-03-30=1 2026-03-31=13600 month: 2026-03=13601",
		"America/St_Johns":     "day: 2026-03-31=13601 month: 2026-03=13601",
		"Antarctica/Macquarie": "day: 2026-03-31=1 2026-04-01=13600 month: 2026-03=1 2026-04=13600",
	} {
		loc, err := time.LoadLocation(zone)
		check(t, err)
		var got []string
		for _, by := range []string{"day", "month"} {
			for _, group := range [][]string{{by}, {by, "user"}, {by, "tag.x"}} {
				costs, err := s.Costs(t.Context(), trace.CostQuery{By: group, Timezone: loc, Filter: trace.Filter{Since: t0.Add(-30 * 24 * time.Hour)}})
				check(t, err)
				text := strings.NewReplacer(",ann", "", ",=", "=").Replace(costText(costs))
				if len(group) == 1 {
					got = append(got, by+": "+text)
				} else if !strings.Contains(want, by+": "+text) {
					t.Errorf("%s by %v: %s, want %s", zone, group, text, want)
				}
			}
		}
		equal(t, zone, strings.Join(got, " "), want)
	}
}

func (c contract) edges() {
	t, s := c.t, c.store
	// One call of 1 nanodollar at each of many moments around edges of minutes, hours, days and months.
	var moments []time.Duration
	for _, edge := range []time.Duration{-24*time.Hour - 30*time.Minute, -30 * time.Minute, 0, 29 * time.Minute, 30 * time.Minute, 31 * time.Minute, 90 * time.Minute, 24*time.Hour + 30*time.Minute} {
		for _, d := range []time.Duration{-time.Second, -time.Microsecond, 0, time.Microsecond, 30 * time.Second} {
			moments = append(moments, edge+d)
		}
	}
	var records []trace.Record
	for _, m := range moments {
		records = append(records, at(m, func(c *trace.Span) { c.Cost = 1 }))
	}
	write(t, s, "edges", records...)
	groups := [][]string{{"project"}, {"user", "day"}}
	for i, since := range moments {
		for j, until := range []time.Duration{since, since + time.Microsecond, since + 59*time.Minute + 1, 31 * time.Minute, 25 * time.Hour} {
			want := price.USD(0)
			for _, m := range moments {
				if m >= since && m < until {
					want++
				}
			}
			by := groups[(i+j)%len(groups)]
			got, err := s.Costs(t.Context(), trace.CostQuery{By: by, Filter: trace.Filter{Since: t0.Add(since), Until: t0.Add(until)}})
			check(t, err)
			if got.Total.Cost != want || got.Total.Calls != int64(want) {
				t.Fatalf("[%v, %v) by %v: %d calls, %d nanodollars, want %d", since, until, by, got.Total.Calls, got.Total.Cost, want)
			}

		}
	}
}

func (c contract) badQuestions() {
	t, s := c.t, c.store
	for _, by := range []string{"nonsense", "", "cost; DROP TABLE calls"} {
		_, err := s.Costs(t.Context(), trace.CostQuery{By: []string{by}})
		if fault, ok := errors.AsType[*llm.Fault](err); !ok || fault.Code != llm.InvalidRequest {
			t.Errorf("by %q: %v, want weir_invalid_request", by, err)
		}
	}
}

func (c contract) facets() {
	t, s := c.t, c.store
	write(t, s, "fa",
		at(0), at(1), at(2*time.Hour, func(c *trace.Span) { c.Model, c.User, c.Status = "big", "", trace.StatusError }),
		at(3*time.Hour, func(c *trace.Span) { c.Project, c.Model, c.User = "shop", "small", "bob" }))
	got, err := s.Facets(t.Context(), trace.Filter{}, 2)
	check(t, err)
	equal(t, "Facets", got, map[string][]trace.Facet{
		"project":  {{Value: "default", Calls: 3}, {Value: "shop", Calls: 1}},
		"key":      {{Value: "dev", Calls: 4}},
		"user":     {{Value: "ann", Calls: 2}, {Value: "bob", Calls: 1}},
		"model":    {{Value: "gpt-4o-mini", Calls: 2}, {Value: "big", Calls: 1}},
		"provider": {{Value: "openai", Calls: 4}},
		"status":   {{Value: "ok", Calls: 3}, {Value: "error", Calls: 1}},
	})
	got, err = s.Facets(t.Context(), trace.Filter{Project: "shop", Session: "s1", Since: t0.Add(time.Minute)}, 10)
	check(t, err)
	equal(t, "Facets of shop", got["user"], []trace.Facet{{Value: "bob", Calls: 1}})
}

func (c contract) unpriced() {
	t, s := c.t, c.store
	without := func(model string) func(*trace.Span) {
		return func(c *trace.Span) { c.Model, c.PriceStatus, c.Cost = model, price.Unpriced, 0 }
	}
	write(t, s, "u", at(0), at(1*time.Second, without("a")), at(2*time.Second, without("b")), at(3*time.Second, without("b")), at(time.Hour, without("late")))
	got, err := s.Unpriced(t.Context(), t0, t0.Add(time.Hour))
	check(t, err)
	equal(t, "Unpriced", got, []trace.UnpricedModel{
		{Provider: "openai", Model: "b", Calls: 2, LastSeen: t0.Add(3 * time.Second)},
		{Provider: "openai", Model: "a", Calls: 1, LastSeen: t0.Add(time.Second)},
	})
}
