package trace

import "slices"

// Matches says whether f picks a call, by all that f says but its Text, which is looked for in what was said.
func (f *Filter) Matches(s *Span) bool {
	if !f.Since.IsZero() && s.Start.Before(f.Since) || !f.Until.IsZero() && !s.Start.Before(f.Until) || f.Unpriced && s.PriceStatus != "unpriced" {
		return false
	}
	for _, c := range f.Conditions() {
		if slices.ContainsFunc(c.Values, func(v string) bool { return s.Has(c.Field, v) }) == c.Not {
			return false
		}
	}
	return true
}
