package judge

import (
	"context"
	"math"
	"slices"
	"sync"
)

// scale is what a median of grades means.
type scale struct {
	rubric *Rubric // nil: the grade is the score
	pass   float64 // of scores
}

func scaleOf(c *Config) scale {
	if !c.graded() {
		return scale{pass: c.pass()}
	}
	r, _ := c.rubric() // checked by New
	return scale{rubric: &r}
}

func (s scale) score(grade float64) float64 {
	if s.rubric == nil {
		return grade
	}
	return s.rubric.score(grade)
}

func (s scale) passes(grade float64) bool {
	if s.rubric == nil {
		return grade >= s.pass-1e-9
	}
	return s.rubric.passes(grade)
}

// step is how far two neighbouring grades are apart; of scores, a quarter.
func (s scale) step() float64 {
	if s.rubric == nil {
		return 0.25
	}
	widest := 0
	for i := range s.rubric.Grades[1:] {
		widest = max(widest, s.rubric.Grades[i+1].Points-s.rubric.Grades[i].Points)
	}
	return float64(widest)
}

// decide makes one judgement of votes: the median of those that have a grade. More than half must have one, and two groups of equal
// size that do not agree whether it passes decide nothing.
func (s scale) decide(votes []Vote, tally Tally) Judgement {
	out := Judgement{State: Unscorable, Votes: votes, Tally: tally}
	var grades []float64
	passes := 0
	for _, v := range votes {
		if v.State == Scored {
			grades = append(grades, v.Grade)
			if v.Passed {
				passes++
			}
		}
	}
	if 2*len(grades) <= len(votes) {
		out.Reason = "most votes have no grade"
		for _, v := range votes {
			if v.State != Scored {
				out.Reason += ": " + clip(v.Reason, 500)
				break
			}
		}
		return out
	}
	slices.Sort(grades)
	most, run := 0, 0
	for i, g := range grades {
		if i == 0 || g != grades[i-1] {
			run = 0
		}
		run++
		most = max(most, run)
	}
	agreement := float64(most) / float64(len(votes))
	out.Agreement = &agreement
	out.Disputed = passes > 0 && passes < len(grades) || grades[len(grades)-1]-grades[0] > s.step()+1e-9
	half := len(grades) / 2
	out.Grade = grades[half]
	if len(grades)%2 == 0 {
		if low, high := s.passes(grades[half-1]), s.passes(grades[half]); low != high {
			out.Reason = "as many votes pass it as fail it"
			return out
		}
		out.Grade = (grades[half-1] + grades[half]) / 2
	}
	out.State, out.Score, out.Passed = Scored, s.score(out.Grade), s.passes(out.Grade)
	nearest := math.Inf(1) // the reason is that of the vote that is nearest to what holds
	for _, v := range votes {
		if far := math.Abs(v.Grade - out.Grade); v.State == Scored && v.Passed == out.Passed && far < nearest {
			out.Reason, nearest = v.Reason, far
		}
	}
	return out
}

// votes asks one judge several times.
type votes struct {
	of    voter
	n     int
	all   bool // none is left out, though the outcome is sure
	model string
	scale scale
}

var _ Judge = (*votes)(nil)

// Version implements Judge.
func (v *votes) Version() Version {
	out := v.of.Version()
	out.Params = string(marshal(map[string]any{"of": out.Params, "votes": v.n}))
	return out.sealed()
}

// Plan implements Judge: all votes, for it is not known where they will end.
func (v *votes) Plan(ctx context.Context, c Case) ([]Question, error) {
	var all []Question
	for i := range v.n {
		questions, err := v.of.plan(ctx, c, i)
		if err != nil {
			return nil, err
		}
		all = append(all, questions...)
	}
	return all, nil
}

// Judge implements Judge. It stops asking when more than half of all votes are for one grade: neither the median nor what most say
// can change any more; unless all are wanted.
func (v *votes) Judge(ctx context.Context, c Case) (Judgement, error) {
	var (
		given []Vote
		tally Tally
		count = map[float64]int{}
		raw   string
	)
	for i := range v.n {
		j, err := v.of.vote(ctx, c, i)
		if err != nil {
			return j, err
		}
		if i == 0 && j.State == Unscorable && j.Tally.Calls+j.Tally.Cached == 0 { // the case itself cannot be judged
			return j, nil
		}
		tally.Add(j.Tally)
		raw = firstText(raw, j.Raw)
		given = append(given, Vote{v.model, j.State, j.Grade, j.Score, j.Passed, j.Reason})
		if j.State == Scored {
			count[j.Grade]++
			if 2*count[j.Grade] > v.n && !v.all {
				break
			}
		}
	}
	out := v.scale.decide(given, tally)
	if out.State != Scored {
		out.Raw = raw
	}
	return out, nil
}

func firstText(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// panel asks several models the same.
type panel struct {
	judges []voter
	models []string
	scale  scale
}

var _ Judge = (*panel)(nil)

// Version implements Judge.
func (p *panel) Version() Version {
	out := p.judges[0].Version()
	out.Models = slices.Clone(p.models)
	slices.Sort(out.Models) // a panel sits in no order
	return out.sealed()
}

// Plan implements Judge.
func (p *panel) Plan(ctx context.Context, c Case) ([]Question, error) {
	var all []Question
	for _, j := range p.judges {
		questions, err := j.plan(ctx, c, 0)
		if err != nil {
			return nil, err
		}
		all = append(all, questions...)
	}
	return all, nil
}

// Judge implements Judge: all at once.
func (p *panel) Judge(ctx context.Context, c Case) (Judgement, error) {
	all, errs := make([]Judgement, len(p.judges)), make([]error, len(p.judges))
	var wait sync.WaitGroup
	for i, j := range p.judges {
		wait.Go(func() { all[i], errs[i] = j.Judge(ctx, c) })
	}
	wait.Wait()
	var (
		given []Vote
		tally Tally
		raw   string
	)
	for i, j := range all {
		if errs[i] != nil {
			return j, errs[i]
		}
		tally.Add(j.Tally)
		raw = firstText(raw, j.Raw)
		given = append(given, Vote{p.models[i], j.State, j.Grade, j.Score, j.Passed, j.Reason})
	}
	if all[0].State == Unscorable && tally.Calls+tally.Cached == 0 {
		return all[0], nil
	}
	out := p.scale.decide(given, tally)
	if out.State != Scored {
		out.Raw = raw
	}
	return out, nil
}
