package drift_test

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/weir-dev/weir/eval/drift"
	"github.com/weir-dev/weir/trace"
)

// service is a simulated service: calls by hour, with the seasons of the day and the week, and days that differ by more than chance.
type service struct {
	random  *rand.Rand
	begin   time.Time
	hours   [][]trace.TrafficCell // since begin
	scale   []float64             // of each project
	change  func(at time.Time, c *odds)
	prompts []string
}

// odds are what a project's prompt does in an hour.
type odds struct {
	project, prompt string
	calls           float64    // expected
	input, output   float64    // mean logarithms of the lengths
	models          [3]float64 // shares
	refused, failed float64    // shares
	cut             float64
}

func newService(seed uint64, projects int) *service {
	s := &service{random: rand.New(rand.NewPCG(seed, 1)), begin: time.Date(2026, 8, 31, 0, 0, 0, 0, time.UTC), prompts: []string{"answer", "summary"}}
	for range projects {
		s.scale = append(s.scale, math.Exp(s.random.NormFloat64()*0.4))
	}
	return s
}

// run makes weeks of calls.
func (s *service) run(weeks int) {
	for day := range 7 * weeks {
		for p := range s.scale {
			s.day(day, p)
		}
	}
}

func (s *service) day(day, p int) {
	// What is of this day alone.
	busy, longer, share, trouble := s.random.NormFloat64()*0.1, s.random.NormFloat64()*0.05, s.random.NormFloat64()*0.03, math.Exp(s.random.NormFloat64()*0.3)
	for hour := range 24 {
		at := s.begin.Add(time.Duration(24*day+hour) * time.Hour)
		if len(s.hours) <= 24*day+hour {
			s.hours = append(s.hours, nil)
		}
		sun := math.Sin(float64(hour-8) / 24 * 2 * math.Pi)
		weekend := at.Weekday() == time.Saturday || at.Weekday() == time.Sunday
		for k, prompt := range s.prompts {
			o := odds{
				project: fmt.Sprintf("project-%d", p), prompt: prompt, calls: 22 * s.scale[p] * math.Exp(busy+0.7*sun), input: 6 + 0.4*float64(k) + 0.3*sun + longer, output: 5 - 0.2*sun + longer,
				models: [3]float64{0.6 + share + 0.05*sun, 0.3 - share, 0.1 - 0.05*sun}, refused: 0.01 * trouble, failed: 0.02 * trouble, cut: 0.05,
			}
			if weekend {
				o.calls, o.input, o.models[0], o.models[1] = o.calls*0.4, o.input-0.3, o.models[0]-0.15, o.models[1]+0.15
			}
			if s.change != nil {
				s.change(at, &o)
			}
			s.hour(24*day+hour, &o)
		}
	}
}

// hour draws the calls of an hour.
func (s *service) hour(hour int, o *odds) {
	cells := map[trace.TrafficCell]int64{}
	n := int(math.Round(o.calls + s.random.NormFloat64()*math.Sqrt(o.calls)))
	for range n {
		c := trace.TrafficCell{Project: o.project, Prompt: o.prompt, Model: "model-" + fmt.Sprint(draw(s.random, o.models[:]))}
		end := c
		end.Kind = trace.TrafficEnds
		end.Status = trace.StatusOK
		switch draw(s.random, []float64{o.failed, o.refused, o.cut, 1}) {
		case 0:
			end.Status = trace.StatusError
		case 1:
			end.Reason = "content_filter"
		case 2:
			end.Reason = "length"
		default:
			end.Reason = "stop"
		}
		cells[end]++
		if end.Status == trace.StatusOK {
			in, out := c, c
			in.Kind, in.Bin = trace.TrafficInput, trace.LengthBin(int64(math.Exp(o.input+0.7*s.random.NormFloat64())))
			out.Kind, out.Bin = trace.TrafficOutput, trace.LengthBin(int64(math.Exp(o.output+0.8*s.random.NormFloat64())))
			cells[in]++
			cells[out]++
		}
	}
	for c, n := range cells {
		c.Calls = n
		s.hours[hour] = append(s.hours[hour], c)
	}
}

func draw(random *rand.Rand, shares []float64) int {
	left := random.Float64()
	for i, v := range shares {
		if left -= v; left < 0 {
			return i
		}
	}
	return len(shares) - 1
}

// Costs counts the calls by project, prompt and model.
func (s *service) Costs(_ context.Context, q trace.CostQuery) (trace.Costs, error) {
	var out trace.Costs
	by := map[[3]string]int64{}
	for at := q.Filter.Since; at.Before(q.Filter.Until); at = at.Add(time.Hour) {
		for _, c := range s.at(at) {
			if c.Kind == trace.TrafficEnds {
				by[[3]string{c.Project, c.Prompt + "@" + strconv.Itoa(1+at.Day()%2), c.Model}] += c.Calls
				out.Total.Calls += c.Calls
			}
		}
	}
	for g, n := range by {
		out.Rows = append(out.Rows, trace.CostRow{Group: g[:], Sums: trace.Sums{Calls: n}})
	}
	return out, nil
}

func (s *service) at(hour time.Time) []trace.TrafficCell {
	if k := int(hour.Sub(s.begin) / time.Hour); k >= 0 && k < len(s.hours) {
		return s.hours[k]
	}
	return nil
}

// Traffic hands the cells of every hour over.
func (s *service) Traffic(_ context.Context, q trace.TrafficQuery, each func(*trace.TrafficCell) error) error {
	for back := range 24 * q.Days {
		for _, c := range s.at(q.Until.Add(-time.Duration(back+1) * time.Hour)) {
			c.Day = back / 24
			if err := each(&c); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *service) source() *drift.Source { return &drift.Source{Calls: s, Traffic: s} }

// key names a series.
func key(s *drift.Series) string {
	return fmt.Sprintf("%s %s %s", s.Metric, s.Project, cmp.Or(s.Prompt, s.Model, "-"))
}
