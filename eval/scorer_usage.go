package eval

func usageMetrics() []metric {
	return []metric{
		{name: "latency", about: "milliseconds until the answer was there", lower: true, make: func(ScorerConfig) (Scorer, error) {
			return ScorerFunc(func(s Sample) Score { return scored(s.Answer.LatencyMS) }), nil
		}},
		{name: "cost", about: "dollars that the answer cost", lower: true, make: func(ScorerConfig) (Scorer, error) {
			return ScorerFunc(func(s Sample) Score {
				if s.Answer.Cost == nil {
					return unscorable("the cost is not known")
				}
				return scored(s.Answer.Cost.Float64())
			}), nil
		}},
		{name: "tokens", about: "tokens of the answer", lower: true, make: func(ScorerConfig) (Scorer, error) {
			return ScorerFunc(func(s Sample) Score {
				if s.Answer.OutputTokens == 0 {
					return unscorable("the target does not say how many tokens it used")
				}
				return scored(float64(s.Answer.OutputTokens))
			}), nil
		}},
	}
}
