package alert

import "time"

// Silence keeps alerts from being told for a while. States and their history go on.
type Silence struct {
	ID      string            `json:"id"`
	Rule    string            `json:"rule"`   // name; empty: every rule
	Labels  map[string]string `json:"labels"` // that a group must have
	From    time.Time         `json:"from"`
	Until   time.Time         `json:"until"`
	By      string            `json:"by"`
	Why     string            `json:"why"`
	EndedBy string            `json:"ended_by"` // "": it was not ended before its time
}

// Covers says whether the silence holds for a group of a rule at a moment.
func (s *Silence) Covers(rule string, l Labels, at time.Time) bool {
	if s.Rule != "" && s.Rule != rule || at.Before(s.From) || !at.Before(s.Until) {
		return false
	}
	for name, value := range s.Labels {
		if got, ok := l[name]; !ok || got != value {
			return false
		}
	}
	return true
}

func silenced(all []Silence, rule string, l Labels, at time.Time) bool {
	for i := range all {
		if all[i].Covers(rule, l, at) {
			return true
		}
	}
	return false
}
