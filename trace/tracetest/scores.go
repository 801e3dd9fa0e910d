package tracetest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/weir-dev/weir/trace"
)

// MemoryScores keeps scores in memory. It is the plainest thing that keeps trace.Scores' contract. Safe for concurrent use.
type MemoryScores struct {
	mu sync.Mutex             // guards by
	by map[string]trace.Score // the revision that holds, by id
}

var _ trace.Scores = (*MemoryScores)(nil)

// PutScores implements trace.Scores.
func (m *MemoryScores) PutScores(_ context.Context, batch []trace.Score) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.by == nil {
		m.by = map[string]trace.Score{}
	}
	for _, s := range batch {
		if old, there := m.by[s.ID]; !there || old.Revision < s.Revision {
			m.by[s.ID] = s
		}
	}
	return nil
}

func (m *MemoryScores) picked(f *trace.ScoreFilter) []trace.Score {
	m.mu.Lock()
	defer m.mu.Unlock()
	is := func(want, got string) bool { return want == "" || want == got }
	var out []trace.Score
	for _, s := range m.by {
		ref := s.Prompt
		if s.PromptVersion > 0 {
			ref = fmt.Sprintf("%s@%d", s.Prompt, s.PromptVersion)
		}
		if !s.Deleted && (f.Since.IsZero() || !s.CallStart.Before(f.Since)) && (f.Until.IsZero() || s.CallStart.Before(f.Until)) &&
			is(f.ID, s.ID) && is(f.CallID, s.CallID) && is(f.TraceID, s.TraceID) && is(f.Name, s.Name) && is(f.Source, string(s.Source)) && is(f.Config, s.Config) &&
			is(f.Project, s.Project) && is(f.Model, s.Model) && is(f.Experiment, s.Experiment) && is(f.Arm, s.Arm) && (is(f.Prompt, s.Prompt) || f.Prompt == ref) {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b trace.Score) int { return cmp.Or(b.CallStart.Compare(a.CallStart), cmp.Compare(b.ID, a.ID)) })
	return out
}

// ListScores implements trace.Scores.
func (m *MemoryScores) ListScores(_ context.Context, f trace.ScoreFilter, limit int, cursor string) (trace.ScorePage, error) {
	list := m.picked(&f)
	timeless := f
	timeless.Since, timeless.Until = zeroTime, zeroTime
	text, err := json.Marshal(timeless)
	if err != nil {
		return trace.ScorePage{}, err
	}
	if cursor != "" {
		at := slices.IndexFunc(list, func(s trace.Score) bool { return fmt.Sprintf("%s %s", s.ID, text) == cursor })
		if at < 0 {
			return trace.ScorePage{}, trace.ErrBadCursor
		}
		list = list[at+1:]
	}
	if limit = min(max(limit, 1), 1000); len(list) <= limit {
		return trace.ScorePage{Scores: list}, nil
	}
	return trace.ScorePage{Scores: list[:limit], Next: fmt.Sprintf("%s %s", list[limit-1].ID, text)}, nil
}

// SumScores implements trace.Scores.
func (m *MemoryScores) SumScores(_ context.Context, q trace.ScoreQuery) ([]trace.ScoreFigures, error) {
	type group struct {
		f      trace.ScoreFigures
		values []float64
	}
	groups := map[string]*group{}
	for _, s := range m.picked(&q.Filter) {
		var values []string
		for _, by := range q.By {
			v, ok := scoreGroup(&s, by)
			if !ok {
				return nil, fmt.Errorf("cannot group scores by %q", by)
			}
			values = append(values, v)
		}
		key := fmt.Sprintf("%q %q %q", s.Name, s.Kind, values)
		g := groups[key]
		if g == nil {
			g = &group{f: trace.ScoreFigures{Name: s.Name, Kind: s.Kind, Group: values}}
			groups[key] = g
		}
		g.values = append(g.values, s.Value)
		if s.Kind == trace.CategoryScore {
			if g.f.Categories == nil {
				g.f.Categories = map[string]int64{}
			}
			g.f.Categories[s.Category]++
		}
	}
	var out []trace.ScoreFigures
	for _, g := range groups {
		out = append(out, g.f)
		figures(&out[len(out)-1], g.values)
	}
	slices.SortFunc(out, func(a, b trace.ScoreFigures) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), slices.Compare(a.Group, b.Group), strings.Compare(string(a.Kind), string(b.Kind)))
	})
	return out, nil
}

func scoreGroup(s *trace.Score, by string) (string, bool) {
	switch by {
	case "source":
		return string(s.Source), true
	case "config":
		return s.Config, true
	case "project":
		return s.Project, true
	case "model":
		return s.Model, true
	case "experiment":
		return s.Experiment, true
	case "arm":
		return s.Arm, true
	case "prompt":
		if s.PromptVersion > 0 {
			return fmt.Sprintf("%s@%d", s.Prompt, s.PromptVersion), true
		}
		return s.Prompt, true
	case "day":
		return s.CallStart.UTC().Format("2006-01-02"), true
	}
	return "", false
}

func figures(f *trace.ScoreFigures, v []float64) {
	slices.Sort(v)
	n := len(v)
	f.N, f.Min, f.Max, f.P50 = int64(n), v[0], v[n-1], (v[(n-1)/2]+v[n/2])/2
	for _, x := range v {
		f.Mean += x / float64(n)
	}
	var squares float64
	for _, x := range v {
		squares += (x - f.Mean) * (x - f.Mean)
	}
	if n > 1 {
		f.SD = math.Sqrt(squares / float64(n-1))
	}
}
