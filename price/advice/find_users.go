package advice

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

// users finds those above their peers by the median and the median deviation of their spend, which a few heavy ones do not move.
func (a *adviser) users() []Finding {
	spend := make([]float64, 0, len(a.Users))
	for _, u := range a.Users {
		if u.User != "" && u.Cost > 0 {
			spend = append(spend, u.Cost.Float64())
		}
	}
	if len(spend) < fewestUsers {
		return nil
	}
	mid := median(spend)
	off := make([]float64, len(spend))
	for i, v := range spend {
		off[i] = max(v-mid, mid-v)
	}
	sd := max(madToSD*median(off), mid/10) // many equal users differ by nothing
	var (
		heavy []UserSpend
		above float64
		all   float64
	)
	for _, u := range a.Users {
		v := u.Cost.Float64()
		if u.User != "" && v > mid+heavyScore*sd && v > heavyTimes*mid {
			heavy = append(heavy, u)
			above += v - mid - peersScore*sd
			all += v
		}
	}
	if len(heavy) == 0 {
		return nil
	}
	slices.SortStableFunc(heavy, func(a, b UserSpend) int { return cmp.Compare(b.Cost, a.Cost) })
	first := heavy[0]
	f := Finding{
		Kind:  HeavyUsers,
		About: map[string]string{"user": first.User},
		Title: fmt.Sprintf("the user %s spends %.0f times what the median user does", quoted(first.User), first.Cost.Float64()/mid),
		Evidence: []Figure{
			{"users with a cost", strconv.Itoa(len(spend)), "users"},
			{"their median", nano(mid).String(), "usd"},
			{"median deviation from it", nano(median(off)).String(), "usd"},
		},
		Saving: a.Span.monthly(nano(above)),
		How:    fmt.Sprintf("what they spend above the median and %d standard deviations, by the median deviation: were it as the peers' it would be saved", peersScore),
		Do:     "look at their calls; give users a budget or a limit of their own: weir budgets set NAME --scope user=USER --window day --usd 1",
	}
	if len(heavy) > 1 {
		f.Title = fmt.Sprintf("%d of %d users spend far more than the median user; %s spends %.0f times as much", len(heavy), len(spend), quoted(first.User), first.Cost.Float64()/mid)
		f.Evidence = append(f.Evidence, Figure{"spent by all of them", nano(all).String(), "usd"})
	}
	for _, u := range heavy[:min(len(heavy), heaviest)] {
		f.Evidence = append(f.Evidence, Figure{"spent by " + quoted(u.User) + " in " + count(u.Calls) + " calls", u.Cost.String(), "usd"})
	}
	return []Finding{f}
}
