package alert

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/trace"
)

const topEach = 3

// contributorsBy are the columns whose largest values are told.
var contributorsBy = []string{"project", "model", "user", "key", "prompt"}

// Contributors tells who and what has the most of a rule's value for a group: some of each column that is neither filtered nor
// grouped by. What cannot be read is left out, and the errors are told.
func (s *Sources) Contributors(ctx context.Context, r *Rule, l Labels, at time.Time) ([]Contributor, error) {
	i, ok := infoOf(r.Metric)
	if !ok || i.weight == nil {
		return nil, nil
	}
	since, until := r.window(at)
	switch i.source {
	case fromForecast:
		since = until.Add(-24 * time.Hour)
	case fromAnomaly:
		until = at.UTC().Truncate(time.Hour)
		since = until.Add(-time.Hour)
	case fromDrift:
		return s.drifted(ctx, r, l, at)
	case fromBudgets, fromSpool, fromCoverage:
		return nil, nil
	}
	f := r.Filter.calls(since, until)
	narrow(&f, l)
	fixed := map[string]string{"project": f.Project, "model": f.Model, "user": f.User, "key": f.Key, "prompt": f.Prompt}
	var (
		out  []Contributor
		errs []error
	)
	for _, by := range contributorsBy {
		if _, grouped := l[by]; grouped || fixed[by] != "" {
			continue
		}
		costs, err := s.Calls.Costs(ctx, trace.CostQuery{Filter: f, By: []string{by}})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, largest(i, by, costs.Rows)...)
	}
	return out, errors.Join(errs...)
}

// largest are the rows with the most weight, the largest first.
func largest(i *info, by string, rows []trace.CostRow) []Contributor {
	slices.SortStableFunc(rows, func(a, b trace.CostRow) int {
		return cmp.Or(cmp.Compare(i.weight(&b.Sums), i.weight(&a.Sums)), cmp.Compare(b.Calls, a.Calls), strings.Compare(a.Group[0], b.Group[0]))
	})
	var out []Contributor
	for k := range rows {
		v := i.weight(&rows[k].Sums)
		if v <= 0 || len(out) == topEach || rows[k].Group[0] == "" && len(rows) == 1 { // that nobody was named says nothing
			break
		}
		out = append(out, Contributor{By: by, Name: rows[k].Group[0], Value: v, Calls: rows[k].Calls})
	}
	return out
}

// narrow adds a group's values to a filter. One that is empty cannot be filtered by.
func narrow(f *trace.Filter, l Labels) {
	fields := map[string]*string{
		"project": &f.Project, "model": &f.Model, "provider": &f.Provider, "user": &f.User, "key": &f.Key, "prompt": &f.Prompt,
		"endpoint": &f.Endpoint, "status": &f.Status,
	}
	tags := map[string]string{}
	maps.Copy(tags, f.Tags)
	for name, value := range l {
		if at, ok := fields[name]; ok {
			*at = value
		} else if tag, ok := strings.CutPrefix(name, "tag."); ok && value != "" {
			tags[tag] = value
		}
	}
	if len(tags) > 0 {
		f.Tags = tags
	}
}
