package stats

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// vectors are reference cases: published ones and formulas at double precision (testdata/experiment_stats.json says which).
type vectors struct {
	TwoSample []struct {
		ID        string
		A, B      sample
		Relative  bool
		Alpha     float64
		Planned   float64 `json:"sequential_tuning_parameter"`
		Diff, SE  float64
		DoF       float64
		P         float64    `json:"t_p"`
		CI        [2]float64 `json:"t_ci"`
		Rho       float64
		Half      float64    `json:"seq_halfwidth"`
		SeqCI     [2]float64 `json:"seq_ci"`
		LogE      float64    `json:"seq_log_e"`
		SeqP      float64    `json:"seq_p"`
		Published *published
	} `json:"two_sample"`
	SRM []struct {
		Counts  []int64
		Weights []float64
		Chi2, P float64
	}
	CS []struct {
		Mean, Variance, N, Alpha, Rho, Margin, Low, High float64
	} `json:"asymptotic_cs"`
	GLR []struct {
		Means, Variances []float64
		Counts           []int64
		Epsilon, Delta   float64
		GLR              []float64
		Threshold        float64
		Stop             bool
	} `json:"glr_stopping"`
	MSPRT []struct {
		Diff, V, N, Tau2, Lambda, P float64
		Half                        float64 `json:"ci_half_alpha05"`
	}
	Beta []struct {
		A, B [2]float64
		P    float64 `json:"p_b_gt_a"`
	} `json:"beta_two_arm"`
	CUPED struct {
		Pre, Post []float64
		Theta     float64
		AdjMean   float64 `json:"adj_mean"`
		AdjVar    float64 `json:"adj_var"`
		RawVar    float64 `json:"raw_var"`
		Rho       float64
	}
	SRMSequential struct {
		Cases []struct {
			Counts []int64
			Theta  []float64
			LogE   float64 `json:"log_e"`
		}
	} `json:"srm_sequential"`
	Statsig struct {
		Cases []struct {
			VarA  float64 `json:"var_a"`
			VarB  float64 `json:"var_b"`
			NA    float64 `json:"n_a"`
			NB    float64 `json:"n_b"`
			Diff  float64
			Alpha float64
			V     float64 `json:"V"`
			Tau   float64
			ZStar float64 `json:"z_star"`
			CI    [2]float64
		}
	} `json:"statsig_msprt"`
	Ratio struct {
		Cost     []float64 `json:"y_cost"`
		Requests []float64 `json:"x_requests"`
		Ratio    float64
		Variance float64
		SE       float64
	} `json:"ratio_delta_method"`
}

type published struct {
	Diff, SE *float64
	P        *float64    `json:"t_p"`
	CI       *[2]float64 `json:"t_ci"`
	SeqCI    *[2]float64 `json:"seq_ci"`
	SeqP     *float64    `json:"seq_p"`
}

type sample struct {
	Type    string
	Sum     float64
	Squares float64 `json:"sum_squares"`
	N       int64
}

// moments of the sample. The published cases take p(1−p) for the variance of a proportion; the sum of squares is made to say so.
func (s sample) moments() Moments {
	m := Moments{N: s.N, Y: s.Sum, YY: s.Squares}
	if s.Type == "proportion" {
		n := float64(s.N)
		p := s.Sum / n
		m.YY = p*(1-p)*(n-1) + n*p*p
	}
	return m
}

func read(t *testing.T) vectors {
	t.Helper()
	raw, err := os.ReadFile("testdata/experiment_stats.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// near compares at 1e-9, relative for what is larger than one.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	within(t, what, got, want, 1e-9*max(1, math.Abs(want)))
}

func within(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s: got %.15g, want %.15g", what, got, want)
	}
}

func TestTwoSample(t *testing.T) {
	for _, c := range read(t).TwoSample {
		t.Run(c.ID, func(t *testing.T) {
			w := Welch(c.A.moments(), c.B.moments(), c.Relative, c.Alpha)
			near(t, "difference", w.Delta, c.Diff)
			near(t, "standard error", w.SE(), c.SE)
			near(t, "degrees of freedom", w.DegreesOfFreedom, c.DoF)
			near(t, "p", w.P, c.P)
			near(t, "low", w.Low, c.CI[0])
			near(t, "high", w.High, c.CI[1])

			rho := Rho(c.Alpha, c.Planned)
			half := HalfWidth(w.Difference, c.Alpha, rho)
			logE := LogE(w.Difference, rho)
			near(t, "rho", rho, c.Rho)
			near(t, "half-width", half, c.Half)
			near(t, "sequence's low", w.Delta-half, c.SeqCI[0])
			near(t, "sequence's high", w.Delta+half, c.SeqCI[1])
			near(t, "log e", logE, c.LogE)
			near(t, "sequence's p", P(logE), c.SeqP)
			if (half < math.Abs(w.Delta)) != (logE > math.Log(1/c.Alpha)) {
				t.Error("the interval and the e-value disagree about a difference")
			}

			if p := c.Published; p != nil {
				for what, pair := range map[string][2]*float64{"difference": {&w.Delta, p.Diff}, "p": {&w.P, p.P}} {
					if pair[1] != nil {
						within(t, "published "+what, *pair[0], *pair[1], 5.1e-6)
					}
				}
				if p.SE != nil {
					within(t, "published standard error", w.SE(), *p.SE, 5.1e-6)
				}
				if p.CI != nil {
					within(t, "published low", w.Low, p.CI[0], 5.1e-6)
					within(t, "published high", w.High, p.CI[1], 5.1e-6)
				}
				if p.SeqCI != nil {
					within(t, "published sequence's low", w.Delta-half, p.SeqCI[0], 5.1e-6)
					within(t, "published sequence's high", w.Delta+half, p.SeqCI[1], 5.1e-6)
				}
				if p.SeqP != nil {
					within(t, "published sequence's p", P(logE), *p.SeqP, 5.1e-6)
				}
			}
		})
	}
}

func TestMeanBand(t *testing.T) {
	for _, c := range read(t).CS {
		margin := MeanBand(c.Variance, c.N, c.Alpha, c.Rho)
		near(t, "margin", margin, c.Margin)
		near(t, "low", c.Mean-margin, c.Low)
		near(t, "high", c.Mean+margin, c.High)
	}
}

func TestSRM(t *testing.T) {
	v := read(t)
	for _, c := range v.SRM {
		chi2, p := SRMChi2(c.Counts, c.Weights)
		near(t, "chi2", chi2, c.Chi2)
		near(t, "p", p, c.P)
	}
	for _, c := range v.SRMSequential.Cases {
		near(t, "log e", SRMLogE(c.Counts, c.Theta), c.LogE)
	}
}

func TestCUPED(t *testing.T) {
	c := read(t).CUPED
	var m Moments
	for i := range c.Post {
		m.Add(c.Post[i], c.Pre[i])
	}
	theta := Theta(m)
	near(t, "theta", theta, c.Theta)
	near(t, "variance before", m.VarY(), c.RawVar)
	near(t, "correlation", Correlation(m), c.Rho)
	adjusted := Adjust(m, theta, m.MeanX())
	near(t, "adjusted mean", adjusted.Value, c.AdjMean)
	near(t, "adjusted variance", adjusted.Variance*float64(m.N), c.AdjVar)
	near(t, "variance taken off", 1-c.AdjVar/c.RawVar, c.Rho*c.Rho)
}

func TestRatio(t *testing.T) {
	c := read(t).Ratio
	var m Moments
	for i := range c.Cost {
		m.Add(c.Cost[i], c.Requests[i])
	}
	got, ok := Ratio(m)
	if !ok {
		t.Fatal("no ratio")
	}
	near(t, "ratio", got.Value, c.Ratio)
	within(t, "variance", got.Variance, c.Variance, 1e-9*c.Variance)
	near(t, "standard error", math.Sqrt(got.Variance), c.SE)
}

func TestRivals(t *testing.T) {
	v := read(t)
	for _, c := range v.MSPRT {
		ratio, half := MSPRT(c.Diff, c.V, c.N, c.Tau2, 0.05)
		within(t, "mSPRT ratio", ratio, c.Lambda, 1e-9*c.Lambda)
		near(t, "mSPRT p", math.Min(1, 1/ratio), c.P)
		near(t, "mSPRT half-width", half, c.Half)
	}
	for _, c := range v.Statsig.Cases {
		d := Difference{Delta: c.Diff, Variance: c.VarA/c.NA + c.VarB/c.NB, N: c.NA + c.NB}
		near(t, "V", d.Variance, c.V)
		tau, z, half := StatsigMSPRT(d, c.VarA, c.VarB, c.NA, c.NB, c.Alpha)
		near(t, "tau", tau, c.Tau)
		near(t, "z*", z, c.ZStar)
		near(t, "low", c.Diff-half, c.CI[0])
		near(t, "high", c.Diff+half, c.CI[1])
	}
	for _, c := range v.GLR {
		ratios, threshold, stop := GLRStop(c.Means, c.Variances, c.Counts, c.Epsilon, c.Delta)
		near(t, "threshold", threshold, c.Threshold)
		for i := range c.GLR {
			near(t, "likelihood ratio", ratios[i], c.GLR[i])
		}
		if len(ratios) != len(c.GLR) || stop != c.Stop {
			t.Errorf("got %v, stop %v, want %v, %v", ratios, stop, c.GLR, c.Stop)
		}
	}
	for _, c := range v.Beta {
		near(t, "P(B > A)", BetaGreater(c.B[0], c.B[1], c.A[0], c.A[1]), c.P)
	}
}
