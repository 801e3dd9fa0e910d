package judge

import "github.com/weir-dev/weir/eval/stats"

// Reliability is how the members of a panel agree with each other.
type Reliability struct {
	Cases int `json:"cases"` // with votes
	// Alpha is Krippendorff's, ordinal for scales of more than two grades; nil when it is not defined.
	Alpha    *float64        `json:"alpha"`
	Interval *stats.Interval `json:"alpha_interval"`
	Disputed int             `json:"disputed"` // cases for a person
}

// Agree sums up how the votes of judgements agree: a column a place on the panel.
func Agree(judgements []Judgement, resampling stats.Resampling) Reliability {
	var out Reliability
	var ratings [][]float64
	grades := map[float64]bool{}
	for _, j := range judgements {
		if len(j.Votes) == 0 {
			continue
		}
		out.Cases++
		if j.Disputed {
			out.Disputed++
		}
		row := make([]float64, len(j.Votes))
		for i, v := range j.Votes {
			row[i] = stats.Missing()
			if v.State == Scored {
				row[i] = v.Grade
				grades[v.Grade] = true
			}
		}
		ratings = append(ratings, row)
	}
	scale := stats.Nominal
	if len(grades) > 2 {
		scale = stats.Ordinal
	}
	if alpha, ok := stats.Alpha(ratings, scale); ok {
		out.Alpha = &alpha
		if in, ok := stats.AlphaInterval(ratings, scale, resampling); ok {
			out.Interval = &in
		}
	}
	return out
}
