package drift_test

import (
	"testing"
	"time"

	"github.com/weir-dev/weir/eval/drift"
)

const week = 7 * 24 * time.Hour

// A service that does not change raises at most one false alarm a week over at least 50 series, however it breathes by hour, weekday and
// from day to day. What stays up for several looks is one alarm.
func TestFalseAlarms(t *testing.T) {
	t.Parallel()
	const projects, weeks = 5, 2
	s := newService(7, projects)
	s.prompts = s.prompts[:1]
	s.run(4 + weeks)
	alarms, most := 0, 0
	up := map[string]bool{}
	for at := s.begin.Add(4*week + 24*time.Hour); !at.After(s.begin.Add((4 + weeks) * week)); at = at.Add(8 * time.Hour) {
		r, err := s.source().Measure(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		compared := 0
		for i := range r.Series {
			row := &r.Series[i]
			if row.Q != nil {
				compared++
			}
			drifted := row.State == drift.Drifted
			if drifted && !up[key(row)] {
				alarms++
				t.Logf("%s: %s: %s (adjusted p %.2g, noise %.2g)", at, key(row), row.Reason, *row.Q, *row.Noise)
			}
			up[key(row)] = drifted
		}
		most = max(most, compared)
	}
	if most < 50 {
		t.Errorf("%d series were compared, want at least 50", most)
	}
	if alarms > weeks {
		t.Errorf("%d false alarms in %d weeks", alarms, weeks)
	}
	t.Logf("%d false alarms in %d weeks over %d series", alarms, weeks, most)
}

// A change of one prompt of one project is found within a day of its start, and by the prompt's name.
func TestPlanted(t *testing.T) {
	t.Parallel()
	const begin = 4*week + 2*24*time.Hour + 13*time.Hour
	for name, c := range map[string]struct {
		metric drift.Metric
		prompt string // that must be named; "": any
		plant  func(*odds)
	}{
		"longer questions":  {drift.InputTokens, "answer", func(o *odds) { o.input += 0.5 }},
		"shorter answers":   {drift.OutputTokens, "answer", func(o *odds) { o.output -= 0.7 }},
		"another model":     {drift.Models, "answer", func(o *odds) { o.models = [3]float64{0.2, 0.3, 0.5} }},
		"more refusals":     {drift.Refusals, "answer", func(o *odds) { o.refused += 0.12 }},
		"answers that fail": {drift.Errors, "answer", func(o *odds) { o.failed += 0.15 }},
		"more cut answers":  {drift.Ends, "answer", func(o *odds) { o.cut += 0.3 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(3, 3)
			s.change = func(at time.Time, o *odds) {
				if o.project == "project-1" && o.prompt == "answer" && !at.Before(s.begin.Add(begin)) {
					c.plant(o)
				}
			}
			s.run(5)
			r, err := s.source().Measure(t.Context(), s.begin.Add(begin+24*time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for i := range r.Series {
				row := &r.Series[i]
				if row.State != drift.Drifted {
					continue
				}
				if row.Project != "project-1" || row.Prompt == "summary" {
					t.Errorf("%s has drifted too: %s", key(row), row.Reason)
				}
				if row.Metric == c.metric && row.Prompt == "" && row.Model == "" {
					found = true
					if m := row.Moved; m == nil || m.By != "prompt" || m.Name != c.prompt || m.Part < 0.8 {
						t.Errorf("what moved is %+v, want the prompt %s", m, c.prompt)
					}
				}
			}
			if !found {
				for i := range r.Series {
					if row := &r.Series[i]; row.Project == "project-1" {
						t.Logf("%s: %s, %s", key(row), row.State, row.Reason)
					}
				}
				t.Error("a day later it was not found")
			}
		})
	}
}
