package tracetest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

// layouts are the groups that are times.
var layouts = map[string]string{
	"minute": "2006-01-02T15:04:00Z",
	"hour":   "2006-01-02T15:00:00Z",
	"day":    "2006-01-02",
	"month":  "2006-01",
}

// Costs sums call by call.
func (m *Memory) Costs(_ context.Context, q trace.CostQuery) (trace.Costs, error) {
	for _, name := range q.By {
		if _, ok := groupOf(&trace.Span{}, name, time.UTC); !ok {
			return trace.Costs{}, llm.Faultf(llm.InvalidRequest, "costs cannot be grouped by %q", name)
		}
	}
	all, err := m.matching(q.Filter)
	if err != nil {
		return trace.Costs{}, err
	}
	zone := q.Timezone
	if zone == nil {
		zone = time.UTC
	}
	rows := map[string]*sums{}
	var total sums
	for _, e := range all {
		total.add(&e.Call)
		if len(q.By) == 0 {
			continue
		}
		var group []string
		for _, name := range q.By {
			value, _ := groupOf(&e.Call, name, zone)
			group = append(group, value)
		}
		key := strings.Join(group, "\x00")
		if rows[key] == nil {
			rows[key] = &sums{group: group}
		}
		rows[key].add(&e.Call)
	}
	out := trace.Costs{Total: total.finish()}
	for _, s := range rows {
		out.Rows = append(out.Rows, trace.CostRow{Group: s.group, Sums: s.finish()})
	}
	timeAt := slices.IndexFunc(q.By, func(name string) bool { return layouts[name] != "" || strings.HasPrefix(name, "every.") })
	slices.SortFunc(out.Rows, func(a, b trace.CostRow) int {
		byTime := 0
		if timeAt >= 0 {
			byTime = strings.Compare(a.Group[timeAt], b.Group[timeAt])
		}
		return cmp.Or(byTime, cmp.Compare(b.Cost, a.Cost), slices.Compare(a.Group, b.Group))
	})
	return out, nil
}

func groupOf(s *trace.Span, name string, zone *time.Location) (string, bool) {
	if tag, ok := strings.CutPrefix(name, "tag."); ok {
		return s.Tags[tag], true
	}
	if text, ok := strings.CutPrefix(name, "every."); ok {
		every, err := time.ParseDuration(text)
		if err != nil || every < time.Minute || every%time.Minute != 0 {
			return "", false
		}
		seconds := int64(every.Seconds())
		return time.Unix(s.Start.Unix()/seconds*seconds, 0).UTC().Format(layouts["minute"]), true
	}
	switch name {
	case "project":
		return s.Project, true
	case "key":
		return s.Key, true
	case "user":
		return s.User, true
	case "session":
		return s.Session, true
	case "model":
		return s.Model, true
	case "provider":
		return s.Provider, true
	case "prompt":
		return promptRef(s), true
	case "arm":
		return s.Arm, true
	case "endpoint":
		return string(s.Endpoint), true
	case "status":
		return string(s.Status), true
	case "cache":
		return string(s.Cache), true
	case "minute", "hour":
		return s.Start.UTC().Format(layouts[name]), true
	case "day", "month":
		return s.Start.In(zone).Format(layouts[name]), true
	}
	return "", false
}

// sums adds calls up.
type sums struct {
	group []string
	trace.Sums
	latencies, ttfts []time.Duration
}

func (s *sums) add(c *trace.Span) {
	s.Calls++
	if c.Status == trace.StatusError {
		s.Errors++
	}
	if c.PriceStatus == "unpriced" {
		s.UnpricedCalls++
	}
	if c.Cache == trace.CacheHit || c.Cache == trace.CacheSemantic {
		s.CacheHits++
	}
	if cost, known := c.KnownCost(); known {
		s.Cost += cost
	}
	s.Saved += c.Saved
	s.Usage.InputUncached += c.Usage.InputUncached
	s.Usage.CacheRead += c.Usage.CacheRead
	s.Usage.CacheWrite5m += c.Usage.CacheWrite5m
	s.Usage.CacheWrite1h += c.Usage.CacheWrite1h
	s.Usage.InputAudio += c.Usage.InputAudio
	s.Usage.OutputText += c.Usage.OutputText
	s.Usage.Reasoning += c.Usage.Reasoning
	s.Usage.OutputAudio += c.Usage.OutputAudio
	s.latencies = append(s.latencies, c.Duration)
	if c.TTFT > 0 {
		s.ttfts = append(s.ttfts, c.TTFT)
	}
}

func (s *sums) finish() trace.Sums {
	s.LatencyP50, s.LatencyP95 = quantile(s.latencies, 0.5), quantile(s.latencies, 0.95)
	s.TTFTP50, s.TTFTP95 = quantile(s.ttfts, 0.5), quantile(s.ttfts, 0.95)
	return s.Sums
}

// quantile is the smallest value that at least share q of the values do not exceed.
func quantile(values []time.Duration, q float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	i := int(q*float64(len(values))+0.999999) - 1
	return values[min(max(i, 0), len(values)-1)]
}
