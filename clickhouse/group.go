package clickhouse

import (
	"strconv"
	"strings"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

// group is one column that costs are grouped by.
type group struct {
	dim   dimension // "" for a time
	tag   string    // of dim "tag"
	grain time.Duration
	// inner is the expression over a source's rows, where T is the time's column; outer makes text of its value V.
	inner, outer string
}

// groups are the names that By knows, but for tag.k.
var groups = map[string]group{
	"project":  {dim: "project", inner: "project", outer: "toString(V)"},
	"key":      {dim: "key", inner: "key", outer: "toString(V)"},
	"user":     {dim: "user", inner: "user", outer: "toString(V)"},
	"session":  {dim: "session", inner: "session", outer: "toString(V)"},
	"model":    {dim: "model", inner: "model", outer: "toString(V)"},
	"provider": {dim: "provider", inner: "provider", outer: "toString(V)"},
	"prompt":   {dim: "prompt", inner: "if(prompt_version > 0, concat(prompt, '@', toString(prompt_version)), prompt)", outer: "toString(V)"},
	"arm":      {dim: "arm", inner: "arm", outer: "toString(V)"},
	"endpoint": {dim: "endpoint", inner: "endpoint", outer: "toString(V)"},
	"status":   {dim: "status", inner: "status", outer: "toString(V)"},
	"cache":    {dim: "cache", inner: "cache", outer: "toString(V)"},

	"minute": {grain: time.Minute, inner: "toStartOfMinute(T)", outer: "formatDateTime(V, '%Y-%m-%dT%H:%i:00Z', 'UTC')"},
	"hour":   {grain: time.Hour, inner: "toStartOfHour(T)", outer: "formatDateTime(V, '%Y-%m-%dT%H:%i:00Z', 'UTC')"},
	"day":    {grain: day, inner: "toDate(T, Z)", outer: "toString(V)"},
	"month":  {grain: day, inner: "toStartOfMonth(T, Z)", outer: "formatDateTime(V, '%Y-%m')"},
}

// grouping is a resolved CostQuery.By.
type grouping struct {
	groups []group
	time   int // index of the group that is a time, -1 if none
	zone   *time.Location
}

func newGrouping(q *trace.CostQuery) (grouping, error) {
	g := grouping{time: -1, zone: q.Timezone}
	if g.zone == nil {
		g.zone = time.UTC
	}
	if _, err := time.LoadLocation(g.zone.String()); err != nil || g.zone == time.Local {
		f := llm.Faultf(llm.InvalidRequest, "time zone %q is not a name of the time zone database, such as Europe/Berlin", g.zone)
		f.Param = "timezone"
		return g, f
	}
	seen := map[string]bool{}
	for _, name := range q.By {
		one, ok := groups[name]
		if tag, isTag := strings.CutPrefix(name, "tag."); isTag && tag != "" {
			one, ok = group{dim: "tag", tag: tag, inner: "tag_values[indexOf(tag_names, K)]", outer: "toString(V)"}, true
		}
		if every, isStep := stepOf(name); isStep {
			one, ok = every, true
		}
		switch {
		case !ok:
			return g, badBy("costs cannot be grouped by %q; known are project key user session model provider prompt arm endpoint status cache tag.k and one of minute hour day month every.D, as every.15m", name)
		case seen[name]:
			return g, badBy("costs are grouped by %q twice", name)
		case one.dim == "" && g.time >= 0:
			return g, badBy("costs are grouped by %q and another span of time; want one of minute hour day month", name)
		case one.dim == "":
			g.time = len(g.groups)
		}
		seen[name] = true
		g.groups = append(g.groups, one)
	}
	return g, nil
}

// stepOf is the group of a By such as every.15m: steps of whole minutes, counted from 1970 in UTC.
func stepOf(name string) (group, bool) {
	text, ok := strings.CutPrefix(name, "every.")
	if !ok {
		return group{}, false
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Minute || d > 366*day || d%time.Minute != 0 {
		return group{}, false
	}
	grain := time.Minute
	switch { // the longest that steps are made of
	case d%day == 0:
		grain = day
	case d%time.Hour == 0:
		grain = time.Hour
	}
	seconds := strconv.FormatInt(int64(d.Seconds()), 10)
	return group{
		grain: grain, inner: "toDateTime(intDiv(toUnixTimestamp(T), " + seconds + ") * " + seconds + ", 'UTC')",
		outer: "formatDateTime(V, '%Y-%m-%dT%H:%i:00Z', 'UTC')",
	}, true
}

func badBy(format string, args ...any) error {
	f := llm.Faultf(llm.InvalidRequest, format, args...)
	f.Param = "by"
	return f
}

// dims are the dimensions that are grouped by.
func (g *grouping) dims() []dimension {
	var out []dimension
	for _, one := range g.groups {
		if one.dim != "" {
			out = append(out, one.dim)
		}
	}
	return out
}

// grain is the longest time that a row of a source may sum up: 0 when only calls can be cut at the groups' edges.
func (g *grouping) grain(f *trace.Filter) time.Duration {
	if g.time < 0 {
		return day
	}
	grain := g.groups[g.time].grain
	if grain < day || g.zone.String() == "UTC" {
		return grain
	}
	if wholeHours(g.zone, f.Since, f.Until) {
		return time.Hour
	}
	return time.Minute
}

// inner gives the expressions over the rows of a source.
func (g *grouping) inner(w *where, timeColumn string) []string {
	var out []string
	for _, one := range g.groups {
		expr := one.inner
		if one.dim == "" {
			expr = strings.ReplaceAll(expr, "T)", timeColumn+")")
			expr = strings.ReplaceAll(expr, "T,", timeColumn+",")
			expr = strings.ReplaceAll(expr, "Z)", w.text(g.zone.String())+")")
		}
		if one.tag != "" {
			expr = strings.ReplaceAll(expr, "K)", w.text(one.tag)+")")
		}
		out = append(out, expr)
	}
	return out
}
