package drift

import (
	"cmp"
	"slices"
	"strings"

	"github.com/weir-dev/weir/trace"
)

// others stands for prompts or models that are not looked at one by one.
const others = "(others)"

// part are the calls of a project, prompt and model.
type part struct {
	project, prompt, model string
}

// counts are a part's calls, or those of several, by day.
type counts struct {
	input, output [days][]int64          // by length
	ends          [days]map[string]int64 // by how they ended; what did not end well by "status " and its status
	models        [days]map[string]int64 // by model, those with status ok
}

// table is all that was counted.
type table struct {
	parts map[part]*counts
	keep  map[part]bool // these are looked at one by one
	known map[string]bool
}

// ended names how a call ended; the names of statuses cannot be taken for finish reasons.
func ended(s trace.Status, reason string) string {
	switch {
	case s != trace.StatusOK:
		return "status " + string(s)
	case reason == "":
		return "(no reason)"
	}
	return reason
}

const (
	filtered = "content_filter"
	failed   = "status error"
)

// add takes a cell in. Projects that are not kept are left out, prompts and models that are not go to others.
func (t *table) add(c *trace.TrafficCell) {
	if c.Day < 0 || c.Day >= days || !t.known[c.Project] {
		return
	}
	p := part{c.Project, c.Prompt, c.Model}
	if !t.keep[p] {
		p = part{c.Project, others, others}
	}
	n := t.parts[p]
	if n == nil {
		n = &counts{}
		t.parts[p] = n
	}
	switch c.Kind {
	case trace.TrafficInput:
		n.input[c.Day] = counted(n.input[c.Day], c.Bin, c.Calls)
	case trace.TrafficOutput:
		n.output[c.Day] = counted(n.output[c.Day], c.Bin, c.Calls)
	case trace.TrafficEnds:
		name := ended(c.Status, c.Reason)
		if n.ends[c.Day] == nil {
			n.ends[c.Day], n.models[c.Day] = map[string]int64{}, map[string]int64{}
		}
		n.ends[c.Day][name] += c.Calls
		if c.Status == trace.StatusOK {
			n.models[c.Day][p.model] += c.Calls
		}
	}
}

func counted(classes []int64, class int, n int64) []int64 {
	if class < 0 || class >= trace.LengthCount {
		return classes
	}
	if class >= len(classes) {
		classes = append(classes, make([]int64, class+1-len(classes))...)
	}
	classes[class] += n
	return classes
}

// sum adds parts up.
func (t *table) sum(of []part) *counts {
	out := &counts{}
	for _, p := range of {
		n := t.parts[p]
		for d := range days {
			out.input[d], out.output[d] = plus(out.input[d], n.input[d]), plus(out.output[d], n.output[d])
			out.ends[d], out.models[d] = joined(out.ends[d], n.ends[d]), joined(out.models[d], n.models[d])
		}
	}
	return out
}

func plus(to, n []int64) []int64 {
	for class, v := range n {
		to = counted(to, class, v)
	}
	return to
}

func joined(to, n map[string]int64) map[string]int64 {
	if to == nil && len(n) > 0 {
		to = map[string]int64{}
	}
	for name, v := range n {
		to[name] += v
	}
	return to
}

// sampled are a metric's days as counts of classes, with the classes' names where they have some.
type sampled struct {
	names []string
	days  [days][]int64
}

// of gives a metric's days.
func (n *counts) of(m Metric) sampled {
	switch m {
	case InputTokens:
		return sampled{days: n.input}
	case OutputTokens:
		return sampled{days: n.output}
	case Models:
		return named(n.models)
	case Ends:
		return named(n.ends)
	}
	out := sampled{names: []string{"all others", string(m)}}
	for d := range days {
		var hits, all int64
		for name, v := range n.ends[d] {
			if m == Refusals && strings.HasPrefix(name, "status ") {
				continue
			}
			all += v
			if m == Refusals && name == filtered || m == Errors && name == failed {
				hits += v
			}
		}
		if all > 0 {
			out.days[d] = []int64{all - hits, hits}
		}
	}
	return out
}

// named gives classes numbers, those with the most calls first.
func named(by [days]map[string]int64) sampled {
	var out sampled
	total := map[string]int64{}
	for d := range days {
		total = joined(total, by[d])
	}
	for name := range total {
		out.names = append(out.names, name)
	}
	slices.SortFunc(out.names, func(a, b string) int { return cmp.Or(cmp.Compare(total[b], total[a]), strings.Compare(a, b)) })
	for d := range days {
		if len(by[d]) == 0 {
			continue
		}
		out.days[d] = make([]int64, len(out.names))
		for i, name := range out.names {
			out.days[d][i] = by[d][name]
		}
	}
	return out
}

// reference adds the days up that a day is compared with: of the same weekday, in other weeks, the day itself not.
func (s *sampled) reference(day int) (sum []int64, weeks int) {
	first := day % 7
	if first == 0 {
		first = 7
	}
	for d := first; d < days; d += 7 {
		if d != day && len(s.days[d]) > 0 {
			sum = plusAny(sum, s.days[d])
			weeks++
		}
	}
	return sum, weeks
}

func plusAny(to, n []int64) []int64 {
	if len(n) > len(to) {
		to = append(slices.Clip(to), make([]int64, len(n)-len(to))...)
	} else {
		to = slices.Clone(to)
	}
	for i, v := range n {
		to[i] += v
	}
	return to
}

func total(n []int64) (sum int64) {
	for _, v := range n {
		sum += v
	}
	return sum
}
