package alert

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// team is a made-up team that spends as teams do: by the hour of the week, by calls that come at random and cost differently.
type team struct {
	rate  float64 // calls in its busiest hour
	cost  float64 // dollars of a call, about
	wide  float64 // how differently calls cost
	grows float64 // a week
}

func teams(r *rand.Rand) []team {
	out := make([]team, 50)
	for i := range out {
		out[i] = team{rate: 20 * math.Pow(100, r.Float64()), cost: 0.001 * math.Pow(50, r.Float64()), wide: 0.4 + 0.6*r.Float64(), grows: 0.98 + 0.06*r.Float64()}
	}
	return out
}

func (m *team) hours(r *rand.Rand, begin time.Time, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		at := begin.Add(time.Duration(i) * time.Hour)
		busy := 0.08 + 0.92*math.Max(0, math.Sin(math.Pi*(float64(at.Hour())-6)/14))
		if at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
			busy = 0.08 + 0.1*busy
		}
		mean := m.rate * busy * math.Pow(m.grows, float64(i)/168)
		// A sum of many random calls: its mean and its spread, by a gamma's normal power.
		variance := mean * m.cost * m.cost * (1 + m.wide*m.wide)
		out[i] = gamma(r, mean*m.cost, variance)
	}
	return out
}

// gamma draws a sum with a mean and a variance, skewed as sums of few calls are (Wilson and Hilferty).
func gamma(r *rand.Rand, mean, variance float64) float64 {
	k := mean * mean / variance
	c := 1 - 1/(9*k) + r.NormFloat64()/(3*math.Sqrt(k))
	return mean * math.Max(0, c*c*c)
}

// Fifty steady teams raise at most one alarm a week together; an hour that costs three times as much is found, and so is a shift.
func TestAnomalies(t *testing.T) {
	const (
		past    = anomalyWeeks * slots
		look    = slots
		alarm   = 6
		planted = 3
	)
	r := rand.New(rand.NewPCG(7, 11))
	begin := time.Date(2026, 9, 7, 0, 0, 0, 0, time.UTC)
	alarms, missed, found := 0, 0, 0
	for _, m := range teams(r) {
		hours := m.hours(r, begin, past+look)
		for i := past; i < past+look; i++ {
			at := begin.Add(time.Duration(i) * time.Hour)
			z, ok := Deviation(hours[i-past:i+1], at, nil)
			if !ok {
				t.Fatal("eight weeks are too little")
			}
			if math.Abs(z) >= alarm {
				alarms++
			}
			if at.Weekday() != time.Wednesday || at.Hour() != 14 { // the middle of a working day
				continue
			}
			changed := append([]float64{}, hours[i-past:i+1]...)
			changed[past] *= planted
			if z, _ := Deviation(changed, at, nil); z >= alarm {
				found++
			} else {
				missed++
			}
		}
	}
	t.Logf("%d alarms in %d weeks of 50 teams; of planted hours %d found, %d missed", alarms, look/slots, found, missed)
	if alarms > look/slots {
		t.Errorf("%d alarms in %d weeks, want at most one a week", alarms, look/slots)
	}
	if missed*25 > found {
		t.Errorf("%d planted hours were missed, %d found; want one in twenty-five missed at most", missed, found)
	}
}

func TestDeviationOfLittle(t *testing.T) {
	at := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	if _, ok := Deviation(make([]float64, 2*slots), at, nil); ok {
		t.Error("two weeks say what is usual")
	}
	idle := make([]float64, 5*slots)
	if z, ok := Deviation(idle, at, nil); !ok || z != 0 {
		t.Errorf("of nothing: %v, %v", z, ok)
	}
	idle[len(idle)-1] = 1
	if z, _ := Deviation(idle, at, nil); z < 100 {
		t.Errorf("a first dollar: %v", z)
	}
	even := make([]float64, 5*slots)
	for i := range even {
		even[i] = 10
	}
	even[len(even)-1] = 0
	if z, _ := Deviation(even, at, nil); z > -10 {
		t.Errorf("an even spend that ends: %v", z)
	}
}
