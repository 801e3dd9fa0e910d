package alert

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func number(v float64) *float64 {
	p := new(float64)
	*p = v
	return p
}

var t0 = time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)

// saw is a reading of a rule without groups.
func saw(v float64) Reading { return Reading{Value: v, Known: true, N: 10} }

func TestStates(t *testing.T) {
	r := Rule{Name: "r", Op: GT, Warning: number(1), Alert: number(2), For: "2m", NoData: NoDataState}
	type look struct {
		see  Reading
		want Severity
	}
	for name, looks := range map[string][]look{
		"bad for long enough":            {{saw(3), OK}, {saw(3), OK}, {saw(3), Alert}, {saw(0), OK}},
		"a moment's peak":                {{saw(3), OK}, {saw(0), OK}, {saw(3), OK}, {saw(3), OK}, {saw(3), Alert}},
		"worse while it waits":           {{saw(1.5), OK}, {saw(1.5), OK}, {saw(3), Warning}, {saw(3), Warning}, {saw(3), Alert}},
		"better, and not good":           {{saw(3), OK}, {saw(3), OK}, {saw(3), Alert}, {saw(1.5), Warning}, {saw(1), OK}},
		"nothing, for long enough":       {{saw(0), OK}, {Reading{}, OK}, {Reading{}, OK}, {Reading{}, NoDataSeverity}, {saw(0), OK}},
		"a gap does not end what is bad": {{saw(3), OK}, {saw(3), OK}, {saw(3), Alert}, {Reading{}, Alert}, {saw(3), Alert}},
	} {
		var s State
		for i, l := range looks {
			if s, _ = s.Step(&r, l.see, t0.Add(time.Duration(i)*time.Minute)); s.Severity != l.want {
				t.Errorf("%s: %s after look %d, want %s", name, s.Severity, i, l.want)
			}
		}
	}
}

func TestTelling(t *testing.T) {
	r := Rule{Name: "r", Op: GT, Alert: number(2), Renotify: "1h"}
	var s State
	look := func(after time.Duration, v float64, want Kind) {
		t.Helper()
		now := t0.Add(after)
		s, _ = s.Step(&r, saw(v), now)
		kind, owed := s.Owes(&r, now)
		if kind != want || owed != (want != "") {
			t.Fatalf("after %v: %q, want %q", after, kind, want)
		}
		if owed {
			s.Tell(now)
		}
	}
	look(0, 0, "")
	look(time.Minute, 3, Firing)
	look(30*time.Minute, 4, "")
	look(61*time.Minute, 4, Still)
	s.AckBy = "ann"
	look(3*time.Hour, 4, "")
	look(4*time.Hour, 0, Recovered)
	if s.AckBy != "" {
		t.Error("who took it on has it still")
	}
	look(5*time.Hour, 0, "")
	look(6*time.Hour, 3, Firing)
}

// Whatever is seen: the severity is never above what the values of the last for allow; it changes exactly when it says so; nothing is
// told twice, and in the end all is told.
func TestStateProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		up := rapid.Bool().Draw(t, "up")
		r := Rule{
			Name: "r", Op: GTE, Warning: number(1), Alert: number(2), For: rapid.SampledFrom([]Span{"", "1m", "5m"}).Draw(t, "for"),
			NoData: rapid.SampledFrom([]NoData{"", NoDataOK, NoDataState, NoDataAlerts}).Draw(t, "no data"),
		}
		if !up {
			r.Op, r.Warning, r.Alert = LTE, number(2), number(1)
		}
		held, _ := r.For.Duration()
		type seen struct {
			at  time.Time
			see Reading
		}
		var (
			s    State
			past []seen
			told = OK
		)
		now := t0
		for range rapid.IntRange(1, 60).Draw(t, "looks") {
			now = now.Add(time.Duration(rapid.IntRange(1, 200).Draw(t, "pause")) * time.Second)
			see := Reading{Value: float64(rapid.IntRange(0, 3).Draw(t, "value")), Known: rapid.IntRange(0, 4).Draw(t, "known") > 0}
			past = append(past, seen{now, see})
			was := s.Severity
			next, changed := s.Step(&r, see, now)
			again, _ := s.Step(&r, see, now)
			if again.Severity != next.Severity || again.Since != next.Since {
				t.Fatal("the same look gives two answers")
			}
			if changed != (next.Severity != was && was != "" || was == "" && next.Severity != OK) {
				t.Fatalf("from %q to %q, changed %t", was, next.Severity, changed)
			}
			if changed && !next.Since.Equal(now) || !changed && was != "" && !next.Since.Equal(s.Since) {
				t.Fatalf("since %v", next.Since)
			}
			s = next
			if see.Known && s.Severity.Rank() > r.Judge(see.Value).Rank() {
				t.Fatalf("%s at a value that is %s", s.Severity, r.Judge(see.Value))
			}
			if see.Known && s.Severity.Rank() > OK.Rank() { // it has been at least so for long enough
				for _, p := range slices.Backward(past) {
					if p := p; p.see.Known && r.Judge(p.see.Value).Rank() < s.Severity.Rank() {
						t.Fatalf("%s, though it was %s %v ago", s.Severity, r.Judge(p.see.Value), now.Sub(p.at))
					}
					if now.Sub(p.at) >= held {
						break
					}
				}
			}
			if kind, owed := s.Owes(&r, now); owed {
				if s.Severity == told {
					t.Fatalf("%s is told twice (%s)", told, kind)
				}
				told = s.Severity
				s.Tell(now)
			}
			if told != s.Severity {
				t.Fatalf("%s was told, and it is %s", told, s.Severity)
			}
		}
	})
}

func TestSilences(t *testing.T) {
	s := Silence{Rule: "r", Labels: Labels{"model": "a"}, From: t0, Until: t0.Add(time.Hour)}
	for _, c := range []struct {
		rule  string
		l     Labels
		after time.Duration
		want  bool
	}{
		{"r", Labels{"model": "a", "project": "p"}, 0, true},
		{"r", Labels{"model": "b"}, 0, false},
		{"r", nil, 0, false},
		{"q", Labels{"model": "a"}, 0, false},
		{"r", Labels{"model": "a"}, time.Hour, false},
		{"r", Labels{"model": "a"}, -time.Second, false},
	} {
		if got := s.Covers(c.rule, c.l, t0.Add(c.after)); got != c.want {
			t.Errorf("%s %v after %v: %t", c.rule, c.l, c.after, got)
		}
	}
	if all := (&Silence{From: t0, Until: t0.Add(1)}); !all.Covers("any", nil, t0) {
		t.Error("a silence of all rules")
	}
}

func TestRulesAreCheckedWhole(t *testing.T) {
	good := Rule{Name: "errors", Metric: ErrorRate, Op: GT, Alert: number(0.1), Window: "5m", GroupBy: []string{"model", "tag.team"}, Notify: []string{"ops"}}
	if faults := good.Check([]string{"ops"}); len(faults) > 0 {
		t.Fatalf("%v", faults)
	}
	bad := Rule{
		Name: "history", Metric: ErrorRate, Op: "over", Window: "90s", For: "tomorrow", Every: "1s", NoData: "maybe", Renotify: "1s", MinCalls: -1,
		Timezone: "Nowhere/Here", GroupBy: []string{"model", "model", "colour"}, Notify: []string{"pager"}, Score: "x", Budget: "b",
	}
	fields := map[string]bool{}
	for _, f := range bad.Check([]string{"ops"}) {
		fields[f.Field] = true
	}
	for _, want := range []string{"name", "op", "window", "for", "every", "no_data", "renotify", "min_calls", "timezone", "group_by", "notify", "score", "budget", "alert"} {
		if !fields[want] {
			t.Errorf("nothing is said of %s: %v", want, fields)
		}
	}
	for name, r := range map[string]Rule{
		"metric":  {Name: "a", Metric: "mood", Op: GT, Alert: number(1)},
		"warning": {Name: "a", Metric: Spend, Window: "1h", Op: GT, Warning: number(2), Alert: number(1)},
		"filter":  {Name: "a", Metric: SpoolWaiting, Op: GT, Alert: number(1), Filter: Filter{Project: "p"}},
		"window":  {Name: "a", Metric: Spend, Op: GT, Alert: number(1)},
	} {
		if faults := r.Check(nil); len(faults) != 1 || faults[0].Field != name {
			t.Errorf("%s: %v", name, faults)
		}
	}
}
