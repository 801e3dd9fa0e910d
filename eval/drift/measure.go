package drift

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-dev/weir/trace"
)

// Bounds of a report.
const (
	mostLooked   = 2_000_000 // calls; of more a sample
	mostParts    = 600       // combinations of project, prompt and model that are looked at one by one
	mostSegments = 10        // prompts, and models, of a project
	mostSeries   = 400
	nearlyAll    = 0.95 // a prompt or model with this share of a project's calls says nothing that the project does not
)

// CallSums sums calls up; a trace.Reader does.
type CallSums interface {
	Costs(ctx context.Context, q trace.CostQuery) (trace.Costs, error)
}

// Source is what a report is made of.
type Source struct {
	Calls   CallSums
	Traffic trace.Traffic
}

// Measure makes the report of the 24 hours before until, which is taken down to the whole hour.
func (s *Source) Measure(ctx context.Context, until time.Time) (*Report, error) {
	until = until.UTC().Truncate(time.Hour)
	out := &Report{Until: until, Since: until.Add(-days * span), Sample: 1}
	costs, err := s.Calls.Costs(ctx, trace.CostQuery{Filter: trace.Filter{Since: out.Since, Until: until}, By: []string{"project", "prompt", "model"}})
	if err != nil {
		return nil, fmt.Errorf("count calls: %w", err)
	}
	out.Calls = costs.Total.Calls
	t := newTable(costs.Rows)
	q := trace.TrafficQuery{Until: until, Days: days}
	if out.Calls > mostLooked {
		q.Minutes = int(max(1, 60*mostLooked/out.Calls))
		out.Sample = float64(q.Minutes) / 60
	}
	if len(t.keep) > 0 {
		if err := s.Traffic.Traffic(ctx, q, func(c *trace.TrafficCell) error { t.add(c); return nil }); err != nil {
			return nil, err
		}
	}
	var parts map[string][]part
	out.Series, parts, out.Left = t.series()
	judge(out.Series)
	for i := range out.Series {
		row := &out.Series[i]
		for d := range row.Days {
			row.Days[d].Until = until.Add(-time.Duration(days-1-d) * span)
		}
		if row.Q != nil && *row.Q <= Alpha {
			row.move(t, parts[row.ID])
		}
	}
	return out, nil
}

// newTable keeps the combinations with the most calls.
func newTable(rows []trace.CostRow) *table {
	t := &table{parts: map[part]*counts{}, keep: map[part]bool{}, known: map[string]bool{}}
	calls := map[part]int64{}
	for i := range rows {
		g := rows[i].Group
		calls[part{g[0], unversioned(g[1]), g[2]}] += rows[i].Calls
	}
	list := slices.SortedFunc(maps.Keys(calls), func(a, b part) int {
		return cmp.Or(cmp.Compare(calls[b], calls[a]), strings.Compare(a.project, b.project), strings.Compare(a.prompt, b.prompt), strings.Compare(a.model, b.model))
	})
	for _, p := range list[:min(len(list), mostParts)] {
		t.keep[p], t.known[p.project] = true, true
	}
	return t
}

// unversioned is a prompt's name: costs are grouped by name@version.
func unversioned(prompt string) string {
	if at := strings.LastIndexByte(prompt, '@'); at > 0 {
		if _, err := strconv.ParseUint(prompt[at+1:], 10, 32); err == nil {
			return prompt[:at]
		}
	}
	return prompt
}

// scope is what a series is about, with its parts.
type scope struct {
	project, prompt, model string
	parts                  []part
	n                      *counts
	calls                  int64
}

// series compares every metric of every scope, and gives the parts of each by id. left are those that there was no room for.
func (t *table) series() (out []Series, parts map[string][]part, left int) {
	out, parts = []Series{}, map[string][]part{}
	for _, s := range t.scopes() {
		for _, m := range Metrics() {
			if m == Models && s.model != "" {
				continue
			}
			if len(out) == mostSeries {
				left++
				continue
			}
			row := Series{Metric: m, Project: s.project, Prompt: s.prompt, Model: s.model}
			row.ID = row.id()
			of := s.n.of(m)
			row.compare(&of)
			if row.N+row.ReferenceN == 0 { // embeddings have no output
				continue
			}
			parts[row.ID] = s.parts
			out = append(out, row)
		}
	}
	return out, parts, left
}

// scopes are the projects, then their prompts and models, those with the most calls first.
func (t *table) scopes() []scope {
	projects := map[string]*scope{}
	for p := range t.parts {
		s := projects[p.project]
		if s == nil {
			s = &scope{project: p.project}
			projects[p.project] = s
		}
		s.parts = append(s.parts, p)
	}
	var whole, segments []scope
	for _, name := range slices.Sorted(maps.Keys(projects)) {
		s := projects[name]
		t.fill(s)
		whole = append(whole, *s)
		prompts, models := map[string]*scope{}, map[string]*scope{}
		for _, p := range s.parts {
			if p.prompt != "" && p.prompt != others {
				gather(prompts, p.prompt, scope{project: p.project, prompt: p.prompt}, p)
			}
			if p.model != "" && p.model != others {
				gather(models, p.model, scope{project: p.project, model: p.model}, p)
			}
		}
		for _, by := range []map[string]*scope{prompts, models} {
			var list []scope
			for _, one := range by {
				t.fill(one)
				if float64(one.calls) < nearlyAll*float64(s.calls) {
					list = append(list, *one)
				}
			}
			slices.SortFunc(list, most)
			segments = append(segments, list[:min(len(list), mostSegments)]...)
		}
	}
	slices.SortStableFunc(whole, most)
	slices.SortStableFunc(segments, most)
	return append(whole, segments...)
}

func gather(into map[string]*scope, name string, fresh scope, p part) {
	if into[name] == nil {
		into[name] = &fresh
	}
	into[name].parts = append(into[name].parts, p)
}

func (t *table) fill(s *scope) {
	s.n = t.sum(s.parts)
	for d := range days {
		for _, v := range s.n.ends[d] {
			s.calls += v
		}
	}
}

func most(a, b scope) int {
	return cmp.Or(cmp.Compare(b.calls, a.calls), strings.Compare(a.project, b.project), strings.Compare(a.prompt, b.prompt), strings.Compare(a.model, b.model))
}

// id is a short name that is the same for the same series.
func (s *Series) id() string {
	h := fnv.New64a()
	for _, text := range []string{string(s.Metric), s.Project, s.Prompt, s.Model} {
		h.Write([]byte(strconv.Quote(text)))
	}
	return strconv.FormatUint(h.Sum64(), 36)
}
