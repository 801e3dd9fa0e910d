package alert

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDrift(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	s := Sources{Drift: func(context.Context, time.Time) ([]DriftUse, error) {
		return []DriftUse{
			{Series: "input_tokens", Project: "shop", Drifted: true, PSI: 0.3, N: 900, Moved: [2]string{"prompt", "greet"}},
			{Series: "errors", Project: "shop", Drifted: true, PSI: 0.05, N: 950},
			{Series: "errors", Project: "lab", PSI: 0.4, N: 60},
			{Series: "input_tokens", Project: "shop", Prompt: "greet", Drifted: true, PSI: 0.9, N: 500},
		}, nil
	}}
	zero := 0.0
	read := func(change func(*Rule)) []Reading {
		t.Helper()
		r := Rule{Name: "drift", Metric: DriftPSI, Op: GT, Alert: &zero}
		change(&r)
		if faults := r.Check(nil); len(faults) > 0 {
			t.Fatal(faults)
		}
		out, err := s.Read(t.Context(), &r, at)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for name, c := range map[string]struct {
		change func(*Rule)
		want   []Reading
	}{
		"whole projects": {func(*Rule) {}, []Reading{{Value: 0.3, Known: true, N: 950}}},
		"one series":     {func(r *Rule) { r.Series = "errors" }, []Reading{{Value: 0.05, Known: true, N: 950}}},
		"by project": {func(r *Rule) { r.GroupBy = []string{"project"} }, []Reading{
			{Labels: Labels{"project": "shop"}, Value: 0.3, Known: true, N: 950}, {Labels: Labels{"project": "lab"}, Known: true, N: 60},
		}},
		"too few calls": {func(r *Rule) { r.GroupBy, r.MinCalls = []string{"project"}, 100 }, []Reading{
			{Labels: Labels{"project": "shop"}, Value: 0.3, Known: true, N: 950}, {Labels: Labels{"project": "lab"}, N: 60},
		}},
		"by prompt": {func(r *Rule) { r.GroupBy = []string{"series", "prompt"} }, []Reading{
			{Labels: Labels{"series": "input_tokens", "prompt": "greet"}, Value: 0.9, Known: true, N: 500},
		}},
		"of a prompt":      {func(r *Rule) { r.Filter.Prompt = "greet" }, []Reading{{Value: 0.9, Known: true, N: 500}}},
		"nothing compared": {func(r *Rule) { r.Filter.Project = "none" }, []Reading{{}}},
	} {
		if diff := cmp.Diff(read(c.change), c.want); diff != "" {
			t.Errorf("%s (-got +want):\n%s", name, diff)
		}
	}

	r := Rule{Name: "drift", Metric: DriftPSI, Op: GT, Alert: &zero, GroupBy: []string{"project"}}
	top, err := s.Contributors(t.Context(), &r, Labels{"project": "shop"}, at)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(top, []Contributor{
		{By: "input_tokens", Name: "shop, most of it prompt greet", Value: 0.3, Calls: 900}, {By: "errors", Name: "shop", Value: 0.05, Calls: 950},
	}); diff != "" {
		t.Errorf("contributors (-got +want):\n%s", diff)
	}
	if got, want := callsURL("http://weir.test", &r, Labels{"project": "shop"}, at), "http://weir.test/drift?project=shop"; got != want {
		t.Errorf("the link is %s, want %s", got, want)
	}

	bad := Rule{Name: "drift", Metric: DriftPSI, Op: GT, Alert: &zero, Series: "colour", Window: "1h", GroupBy: []string{"user"}, Filter: Filter{User: "u"}}
	got := bad.Check(nil).Error()
	for _, field := range []string{"series:", "window:", "group_by:", "filter:"} {
		if !strings.Contains(got, field) {
			t.Errorf("%q says nothing of %s", got, field)
		}
	}
}
