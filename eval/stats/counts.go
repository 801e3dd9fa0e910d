package stats

import (
	"errors"
	"fmt"
	"math"
)

// Wilson is the score interval of a proportion of successes among n trials; level 0 is DefaultLevel. False when n is 0 or
// successes are not between 0 and n.
func Wilson(successes, n int, level float64) (Interval, bool) {
	if n <= 0 || successes < 0 || successes > n {
		return Interval{}, false
	}
	if level <= 0 || level >= 1 {
		level = DefaultLevel
	}
	var (
		z      = quantile(1 - (1-level)/2)
		count  = float64(n)
		p      = float64(successes) / count
		scale  = 1 + z*z/count
		centre = (p + z*z/(2*count)) / scale
		half   = z / scale * math.Sqrt(p*(1-p)/count+z*z/(4*count*count))
	)
	out := Interval{Low: max(0, centre-half), High: min(1, centre+half), Level: level}
	// At the ends the exact bound is the end itself; rounding must not move it.
	if successes == 0 {
		out.Low = 0
	}
	if successes == n {
		out.High = 1
	}
	return out, true
}

// BinomialTail is the probability of at most k successes among n trials of probability p each.
func BinomialTail(k, n int, p float64) float64 {
	switch {
	case k < 0:
		return 0
	case k >= n || p <= 0:
		return 1
	case p >= 1:
		return 0
	}
	if float64(k) > float64(n)*p { // the sum runs from its largest term down, on the shorter side
		return 1 - BinomialTail(n-k-1, n, 1-p)
	}
	term := math.Exp(logChoose(n, k) + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
	total := 0.0
	for i := k; i >= 0 && term > 0; i-- {
		total += term
		if term < total*1e-18 {
			break
		}
		term *= float64(i) / float64(n-i+1) * (1 - p) / p
	}
	return min(1, total)
}

// SignTest is the exact two-sided p-value of plus against minus decided pairs (ties are left out beforehand). 1 when nothing is
// decided.
func SignTest(plus, minus int) float64 {
	return min(1, 2*BinomialTail(min(plus, minus), plus+minus, 0.5))
}

// Discordance is the exact McNemar test of paired passes and failures.
type Discordance struct {
	BothPass   int `json:"both_pass"`
	BothFail   int `json:"both_fail"`
	OnlyA      int `json:"only_a"` // passed by a alone: what b lost
	OnlyB      int `json:"only_b"` // passed by b alone: what b won
	Discordant int `json:"discordant"`
	// P is two-sided, PLess is small when b is worse, PGreater is small when b is better.
	P        float64 `json:"p"`
	PLess    float64 `json:"p_less"`
	PGreater float64 `json:"p_greater"`
	// OddsRatio is OnlyB / OnlyA, nil when OnlyA is 0.
	OddsRatio *float64 `json:"odds_ratio"`
}

// McNemar is the exact test of b's passes against a's on the same items.
func McNemar(a, b []bool) (Discordance, error) {
	if len(a) != len(b) {
		return Discordance{}, fmt.Errorf("paired outcomes: %d outcomes of one side and %d of the other: pairs need both", len(a), len(b))
	}
	var d Discordance
	for i := range a {
		switch {
		case a[i] && b[i]:
			d.BothPass++
		case a[i]:
			d.OnlyA++
		case b[i]:
			d.OnlyB++
		default:
			d.BothFail++
		}
	}
	d.Discordant = d.OnlyA + d.OnlyB
	d.P = SignTest(d.OnlyA, d.OnlyB)
	d.PLess = BinomialTail(d.OnlyB, d.Discordant, 0.5)
	d.PGreater = BinomialTail(d.OnlyA, d.Discordant, 0.5)
	if d.OnlyA > 0 {
		ratio := float64(d.OnlyB) / float64(d.OnlyA)
		d.OddsRatio = &ratio
	}
	return d, nil
}

// Fisher is the exact two-sided p-value of a table of two unpaired groups: passA of nA against passB of nB. For pairs use McNemar.
func Fisher(passA, nA, passB, nB int) (float64, error) {
	if nA <= 0 || nB <= 0 || passA < 0 || passB < 0 || passA > nA || passB > nB {
		return 0, errors.New("exact test of two groups: passes must be between 0 and the number of items of each side, of which there must be some")
	}
	var (
		pass     = passA + passB
		constant = logChoose(nA+nB, pass)
		at       = func(x int) float64 { return math.Exp(logChoose(nA, x) + logChoose(nB, pass-x) - constant) }
		observed = at(passA)
		p        float64
	)
	for x := max(0, pass-nB); x <= min(nA, pass); x++ {
		if q := at(x); q <= observed*(1+1e-7) {
			p += q
		}
	}
	return min(1, p), nil
}

func logChoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}
