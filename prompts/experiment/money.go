package experiment

// daysPerMonth is a mean month.
const daysPerMonth = 365.25 / 12

// Money is what it would cost a month to serve a challenger to all calls of the experiment in place of the control: below zero is
// saved. It is the difference of dollars per call times the calls at the present pace, and takes no account of an arm that makes
// its units call more or less.
type Money struct {
	Arm           string   `json:"arm"`
	CallsPerMonth float64  `json:"calls_per_month"`
	PerCall       Interval `json:"per_call_usd"`
	PerMonth      Interval `json:"per_month_usd"`
}

func (a *Analysis) money(arm string, cost *Effect) (Money, bool) {
	if !cost.Data || a.CallsPerDay == 0 {
		return Money{}, false
	}
	calls := a.CallsPerDay * daysPerMonth
	d := cost.Difference
	return Money{
		Arm: arm, CallsPerMonth: calls, PerCall: d,
		PerMonth: Interval{Value: d.Value * calls, Low: d.Low * calls, High: d.High * calls},
	}, true
}
