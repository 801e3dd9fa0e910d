package stats

import "math"

// Components are the parts of the variance of a score that was measured several times of several answers to each item: what the one who
// measures adds from vote to vote, and what the one who answers adds from answer to answer. Items' own differences are in neither.
type Components struct {
	Judge      *float64 `json:"judge_sd"`      // standard deviation of votes on one answer; null: no answer has two votes
	Generation *float64 `json:"generation_sd"` // of answers to one item, had each an exact score; null: no item has two answers
	JudgeShare *float64 `json:"judge_share"`   // the judge's part of the variance of one vote on one answer; null unless both are known
	Answers    int      `json:"answers"`       // that have votes
	Votes      int      `json:"votes"`
}

// Split estimates the components of items, their answers, and the votes on each, by analysis of variance. Items are blocks: in each, the
// votes v of its answers r are a one-way layout with random effects of unequal size n(r), pooled over all items:
//
//	SSW = Σ (y − ȳ(r))², dfW = Σ (n(r) − 1)                judge² = SSW/dfW = MSW
//	SSB = Σ n(r) (ȳ(r) − ȳ)², dfB = Σ (answers − 1)        generation² = max(0, (SSB/dfB − MSW)/n₀)
//	n₀ = Σ (N − Σ n(r)²/N) / dfB, with N the votes of an item
//
// (Searle, Casella, McCulloch: Variance Components, 1992, section 3.6.) An answer with no vote, and an item with none, are left out.
func Split(items [][][]float64) Components {
	var out Components
	var within, between, weight float64
	var freeWithin, freeBetween int
	for _, answers := range items {
		var total, sum, squares float64 // votes of the item; their sum; Σ n(r)²
		means, sizes := make([]float64, 0, len(answers)), make([]float64, 0, len(answers))
		for _, votes := range answers {
			if len(votes) == 0 {
				continue
			}
			n, mean := float64(len(votes)), 0.0
			for _, v := range votes {
				mean += v / n
			}
			for _, v := range votes {
				within += (v - mean) * (v - mean)
			}
			freeWithin += len(votes) - 1
			means, sizes = append(means, mean), append(sizes, n)
			total, sum, squares = total+n, sum+n*mean, squares+n*n
			out.Answers++
			out.Votes += len(votes)
		}
		if len(means) < 2 {
			continue
		}
		freeBetween += len(means) - 1
		weight += total - squares/total
		for i, m := range means {
			between += sizes[i] * (m - sum/total) * (m - sum/total)
		}
	}
	if freeWithin == 0 {
		return out
	}
	judge := within / float64(freeWithin)
	out.Judge = root(judge)
	if freeBetween == 0 {
		return out
	}
	generation := max(0, (between/float64(freeBetween)-judge)/(weight/float64(freeBetween)))
	out.Generation = root(generation)
	if all := judge + generation; all > 0 {
		share := judge / all
		out.JudgeShare = &share
	}
	return out
}

func root(v float64) *float64 {
	v = math.Sqrt(v)
	return &v
}
