package trace

import (
	"slices"
	"strconv"
	"strings"
)

// Matches says whether f picks a call, by all that f says but its Text, which is looked for in what was said.
func (f *Filter) Matches(s *Span) bool {
	is := func(want string, have ...string) bool { return want == "" || slices.Contains(have, want) }
	for name, value := range f.Tags {
		if have, ok := s.Tags[name]; !ok || have != value {
			return false
		}
	}
	return (f.Since.IsZero() || !s.Start.Before(f.Since)) && (f.Until.IsZero() || s.Start.Before(f.Until)) &&
		is(f.Project, s.Project) && is(f.Key, s.Key, s.KeyID) && is(f.Provider, s.Provider) &&
		is(f.Model, s.Model, s.ModelRequested) && is(f.User, s.User) && is(f.Session, s.Session) &&
		is(f.Status, string(s.Status)) && is(f.Endpoint, string(s.Endpoint)) && is(f.Cache, string(s.Cache)) &&
		(is(f.Prompt, s.Prompt) || isVersion(f.Prompt, s)) && is(f.Arm, s.Arm) && is(f.TraceID, s.TraceID) && is(f.ErrorCode, s.ErrorCode) &&
		is(f.PriceStatus, string(s.PriceStatus)) && (!f.Unpriced || s.PriceStatus == "unpriced")
}

// isVersion says whether ref is name@version of the call's prompt.
func isVersion(ref string, s *Span) bool {
	at := strings.LastIndexByte(ref, '@')
	if at < 0 || ref[:at] != s.Prompt || s.PromptVersion <= 0 {
		return false
	}
	n, err := strconv.ParseInt(ref[at+1:], 10, 32)
	return err == nil && int(n) == s.PromptVersion
}
