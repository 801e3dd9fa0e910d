package forecast

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// spending is a simulated installation: hours of the day, quiet week-ends, noise of single hours and of whole days, and now and then a
// run of its own.
type spending struct {
	rnd   *rand.Rand
	daily float64 // spread of whole days, as a share
	flat  bool    // no rhythm
}

func (s *spending) series(from time.Time, hours int) []float64 {
	out := make([]float64, hours)
	dayLevel := 1.0
	for i := range out {
		at := from.Add(time.Duration(i) * hour)
		if i == 0 || at.Hour() == 0 {
			dayLevel = math.Exp(s.daily*s.rnd.NormFloat64() - s.daily*s.daily/2)
		}
		level := 1.0
		if !s.flat {
			level = 1.2 + math.Sin(float64(at.Hour()-8)*math.Pi/12)
			if d := at.Weekday(); d == time.Saturday || d == time.Sunday {
				level *= 0.3
			}
		}
		y := level * dayLevel * math.Exp(0.4*s.rnd.NormFloat64()-0.08)
		if s.rnd.Float64() < 0.005 {
			y += 10 * level // a batch job
		}
		out[i] = y
	}
	return out
}

// coverage is the share of simulated windows whose end was inside the interval, and how far the expectation was off on average.
func coverage(t *testing.T, days int, window time.Duration, flat bool, want Method) (inside, bias float64) {
	t.Helper()
	runs := 200
	if window > week {
		runs = 100 // long courses take long
	}
	expected, happened := 0.0, 0.0
	begin := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	for run := range runs {
		s := spending{rnd: rand.New(rand.NewPCG(uint64(run), 7)), daily: 0.25, flat: flat}
		start := begin.Add(time.Duration(run%7) * day)
		now := start.Add(time.Duration(days)*day + time.Duration(run%24)*hour + 30*time.Minute)
		end := now.Truncate(hour).Add(window)
		all := s.series(start, int(end.Sub(start)/hour))
		in := Input{Hours: map[time.Time]float64{}, Now: now, End: end, Spent: 3}
		truth := in.Spent
		for i, y := range all {
			switch at := start.Add(time.Duration(i) * hour); {
			case at.Before(now.Truncate(hour)):
				in.Hours[at] = y
			case at.Equal(now.Truncate(hour)):
				truth += y / 2
			default:
				truth += y
			}
		}
		f := Make(in)
		if f.Method != want || !f.Band {
			t.Fatalf("%d days: %s, band %t; want %s", days, f.Method, f.Band, want)
		}
		if f.Low > f.Expected || f.Expected > f.High || f.Low < in.Spent {
			t.Fatalf("%+v is in no order", f)
		}
		if f.Low <= truth && truth <= f.High {
			inside += 1 / float64(runs)
		}
		expected, happened = expected+f.Expected-in.Spent, happened+truth-in.Spent
	}
	return inside, expected/happened - 1
}

// The interval holds about the share of outcomes that it says. The bounds are what 100 or 200 runs may differ from it by chance (three
// standard deviations are 12 and 8 points), and a little more below for short histories, which know little of how days differ.
func TestIntervalsHoldWhatTheySay(t *testing.T) {
	for _, c := range []struct {
		name      string
		days      int
		window    time.Duration
		flat      bool
		want      Method
		low, high float64
	}{
		{"a week ahead, four weeks known", 28, week, false, Seasonal, 0.70, 0.90},
		{"a month ahead, four weeks known", 28, 30 * day, false, Seasonal, 0.68, 0.93},
		{"the rest of a day, four weeks known", 28, 10 * hour, false, Seasonal, 0.70, 0.92},
		{"a week ahead, two weeks known", 14, week, false, Seasonal, 0.65, 0.92},
		{"a month ahead, two weeks known", 14, 30 * day, false, Seasonal, 0.60, 0.95},
		{"a week ahead, five days known, no rhythm", 5, week, true, Linear, 0.65, 0.95},
		{"a day ahead, ten days known, no rhythm", 10, day, true, Linear, 0.70, 0.92},
	} {
		t.Run(c.name, func(t *testing.T) {
			inside, bias := coverage(t, c.days, c.window, c.flat, c.want)
			t.Logf("%.1f %% inside, %+.1f %% off", 100*inside, 100*bias)
			if inside < c.low || inside > c.high {
				t.Errorf("%.1f %% of the outcomes are inside the interval of %.0f %%, want %.0f to %.0f", 100*inside, 100*Level, 100*c.low, 100*c.high)
			}
			if math.Abs(bias) > 0.08 { // three standard deviations of the mean of windows of a day
				t.Errorf("the expectation is off by %+.1f %% on average", 100*bias)
			}
		})
	}
}

func TestWhatCannotBeForecastIsNot(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 20, 0, 0, time.UTC)
	hours := func(n int) map[time.Time]float64 {
		out := map[time.Time]float64{}
		for i := range n {
			out[now.Truncate(hour).Add(-time.Duration(i+1)*hour)] = 2
		}
		return out
	}
	for _, c := range []struct {
		name   string
		in     Input
		method Method
		band   bool
	}{
		{"nothing known", Input{Now: now, End: now.Add(week), Spent: 5}, None, false},
		{"less than a day", Input{Hours: hours(23), Now: now, End: now.Add(week), Spent: 5}, None, false},
		{"the window is over", Input{Hours: hours(900), Now: now, End: now, Spent: 5}, None, false},
		{"too few days to tell how they differ", Input{Hours: hours(71), Now: now, End: now.Add(week), Spent: 5}, Linear, false},
		{"three days", Input{Hours: hours(72), Now: now, End: now.Add(week), Spent: 5}, Linear, true},
		{"a day short of two weeks", Input{Hours: hours(335), Now: now, End: now.Add(week), Spent: 5}, Linear, true},
		{"two weeks", Input{Hours: hours(336), Now: now, End: now.Add(week), Spent: 5}, Seasonal, true},
	} {
		f := Make(c.in)
		if f.Method != c.method || f.Band != c.band {
			t.Errorf("%s: %s, band %t; want %s, %t", c.name, f.Method, f.Band, c.method, c.band)
		}
		want := 5.0
		if c.method != None {
			want += 2 * 168
		}
		if math.Abs(f.Expected-want) > 1e-9 {
			t.Errorf("%s: expects %v, want %v", c.name, f.Expected, want)
		}
	}
}

// A constant spend reaches a limit when arithmetic says, and its course has no doubt in it.
func TestTheCourseOfAConstantSpend(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 30, 0, 0, time.UTC)
	in := Input{Hours: map[time.Time]float64{}, Now: now, End: now.Add(60*hour + 15*time.Minute), Spent: 10, Limit: 31}
	for i := range 28 * 24 {
		in.Hours[now.Truncate(hour).Add(-time.Duration(i+1)*hour)] = 2
	}
	f := Make(in)
	if want := now.Add(10*hour + 30*time.Minute); f.Reaches.Sub(want).Abs() > time.Second {
		t.Errorf("reaches the limit at %v, want %v", f.Reaches, want)
	}
	if f.Over != 1 || math.Abs(f.Expected-130.5) > 1e-9 || math.Abs(f.High-f.Low) > 1e-9 {
		t.Errorf("%+v", f)
	}
	if len(f.Course) != 3 || !f.Course[2].At.Equal(in.End) || !f.Course[0].At.Equal(now.Add(23*hour+30*time.Minute)) || math.Abs(f.Course[0].Expected-57) > 1e-9 {
		t.Errorf("the course is %+v", f.Course)
	}
	in.Limit = 130.6
	if f := Make(in); f.Over != 0 || !f.Reaches.IsZero() {
		t.Errorf("never reached, but %+v", f)
	}
	in.Limit = 10
	if f := Make(in); !f.Reaches.Equal(now) {
		t.Errorf("a limit that is spent is reached at %v, want now", f.Reaches)
	}
}

// In a zone whose clocks change in between, hours of the day are the zone's.
func TestHoursAreThoseOfTheZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones on this machine: ", err)
	}
	now := time.Date(2026, 10, 24, 22, 0, 0, 0, time.UTC) // midnight; the clocks go back at three
	in := Input{Hours: map[time.Time]float64{}, Now: now, End: now.Add(25 * hour), Zone: berlin}
	for i := range 28 * 24 {
		at := now.Add(-time.Duration(i+1) * hour)
		in.Hours[at] = 0
		if at.In(berlin).Hour() == 9 {
			in.Hours[at] = 24
		}
	}
	f := Make(in)
	spent := 0.0
	for _, s := range f.Course {
		if s.Expected > spent && s.At.Add(-hour).In(berlin).Hour() != 9 {
			t.Errorf("spends in the hour before %v", s.At.In(berlin))
		}
		spent = s.Expected
	}
	if math.Abs(f.Expected-24) > 1e-9 {
		t.Errorf("expects %v, want 24", f.Expected)
	}
}
