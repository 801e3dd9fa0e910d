package report

import (
	"fmt"
	"strings"
)

// Brief is the report in a few lines, for a chat.
func (r *Report) Brief() string {
	lines := []string{
		fmt.Sprintf("Spend %s, %s before", r.headline(), known(r.Before.Total.CostUSD)),
		fmt.Sprintf("%s, %s of them errors; %s saved by the cache", plural(r.Total.Calls, "call", "calls"), share(r.Total.ErrorPercent()), usd(r.Savings.SavedUSD)),
	}
	if f := &r.Forecast; f.ExpectedUSD != nil {
		lines = append(lines, fmt.Sprintf("%s is expected to end at %s", f.Name, known(f.ExpectedUSD)))
	}
	for i := range r.Movers {
		if m := &r.Movers[i]; len(m.Rows) > 0 {
			lines = append(lines, fmt.Sprintf("Most moved of %s: %s, %s", strings.ToLower(titles[m.By]), nameText(m.Rows[0].Name), change(m.Rows[0].ChangeUSD)))
		}
	}
	for i := range r.Budgets {
		if b := &r.Budgets[i]; b.UsedPercent != nil && *b.UsedPercent >= 80 {
			lines = append(lines, fmt.Sprintf("Budget %s: %s used", nameText(b.Name), share(b.UsedPercent)))
		}
	}
	in := &r.Incidents
	if in.None() {
		return strings.Join(append(lines, "No incidents"), "\n")
	}
	return strings.Join(append(lines, fmt.Sprintf("Incidents: %s, %s, %s",
		plural(int64(len(in.Alerts)+in.MoreAlerts), "alert", "alerts"), plural(int64(len(in.Peaks)+in.MorePeaks), "peak of errors", "peaks of errors"),
		plural(int64(len(in.Breaches)+in.MoreBreach), "budget at its limit", "budgets at their limit"))), "\n")
}
