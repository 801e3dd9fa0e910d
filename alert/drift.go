package alert

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// DriftSeries are what of the traffic is compared, by name.
var DriftSeries = []string{"input_tokens", "output_tokens", "models", "ends", "refusals", "errors"}

// DriftUse is a series of traffic that was compared with what was before: one of DriftSeries of a project, or of one of its prompts or
// models.
type DriftUse struct {
	Series  string
	Project string
	Prompt  string // "": all
	Model   string // "": all
	Drifted bool
	PSI     float64
	N       int64     // calls of the day
	Moved   [2]string // by what and of which name most of the change is; empty: that is not known
}

// label is a group's value of a series.
func (d *DriftUse) label(name string) string {
	switch name {
	case "project":
		return d.Project
	case "prompt":
		return d.Prompt
	case "model":
		return d.Model
	}
	return d.Series
}

// name is what the series is of.
func (d *DriftUse) name() string {
	return d.Project + cmp.Or(prefixed(" prompt ", d.Prompt), prefixed(" model ", d.Model))
}

func prefixed(with, s string) string {
	if s == "" {
		return ""
	}
	return with + s
}

// watches says whether a rule looks at a series: those of whole projects, and of prompts or models if it asks for them.
func (r *Rule) watches(d *DriftUse) bool {
	for name, want := range map[string]string{"prompt": r.Filter.Prompt, "model": r.Filter.Model} {
		has := d.label(name)
		if asked := want != "" || slices.Contains(r.GroupBy, name); (has != "") != asked || want != "" && has != want {
			return false
		}
	}
	return (r.Filter.Project == "" || d.Project == r.Filter.Project) && (r.Series == "" || d.Series == r.Series)
}

func (s *Sources) readDrift(ctx context.Context, r *Rule, at time.Time) ([]Reading, error) {
	if s.Drift == nil {
		return nil, nil
	}
	list, err := s.Drift(ctx, at)
	if err != nil {
		return nil, err
	}
	groups := map[string]*Reading{}
	var order []string
	for i := range list {
		d := &list[i]
		if !r.watches(d) {
			continue
		}
		group := make([]string, len(r.GroupBy))
		for k, name := range r.GroupBy {
			group[k] = d.label(name)
		}
		l := labelsOf(r.GroupBy, group)
		g := groups[l.Key()]
		if g == nil {
			g = &Reading{Labels: l, Known: true}
			groups[l.Key()] = g
			order = append(order, l.Key())
		}
		g.N = max(g.N, d.N)
		if d.Drifted {
			g.Value = max(g.Value, d.PSI)
		}
	}
	out := make([]Reading, len(order))
	for k, key := range order {
		out[k] = *groups[key]
	}
	return out, nil
}

// drifted tells which series of a group have drifted, and what most of each change is of.
func (s *Sources) drifted(ctx context.Context, r *Rule, l Labels, at time.Time) ([]Contributor, error) {
	if s.Drift == nil {
		return nil, nil
	}
	list, err := s.Drift(ctx, at)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(list, func(a, b DriftUse) int { return cmp.Compare(b.PSI, a.PSI) })
	var out []Contributor
	for i := range list {
		d := &list[i]
		fits := d.Drifted && r.watches(d) && len(out) < 2*topEach
		for name, value := range l {
			fits = fits && d.label(name) == value
		}
		if !fits {
			continue
		}
		name := d.name()
		if d.Moved[1] != "" {
			name += ", most of it " + d.Moved[0] + " " + d.Moved[1]
		}
		out = append(out, Contributor{By: d.Series, Name: name, Value: d.PSI, Calls: d.N})
	}
	return out, nil
}
