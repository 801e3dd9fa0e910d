package trace

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// FilterFields are the fields that a Filter matches exactly, beside tag.k; Any and Not have their values under these names.
var FilterFields = []string{
	"project", "key", "provider", "model", "user", "status", "endpoint", "cache", "arm", "prompt", "session", "trace", "error_code", "price_status",
}

// IsFilterField says whether a filter can ask for values of a field.
func IsFilterField(name string) bool {
	tag, isTag := strings.CutPrefix(name, "tag.")
	return isTag && tag != "" || slices.Contains(FilterFields, name)
}

// Condition is what a filter asks of a field: that a call has one of the values, or with Not none of them.
type Condition struct {
	Field  string // one of FilterFields or tag.k
	Values []string
	Not    bool
}

// field is where f has its only value of a field; nil of tags and of what is no field.
func (f *Filter) field(name string) *string {
	switch name {
	case "project":
		return &f.Project
	case "key":
		return &f.Key
	case "provider":
		return &f.Provider
	case "model":
		return &f.Model
	case "user":
		return &f.User
	case "status":
		return &f.Status
	case "endpoint":
		return &f.Endpoint
	case "cache":
		return &f.Cache
	case "arm":
		return &f.Arm
	case "prompt":
		return &f.Prompt
	case "session":
		return &f.Session
	case "trace":
		return &f.TraceID
	case "error_code":
		return &f.ErrorCode
	case "price_status":
		return &f.PriceStatus
	}
	return nil
}

// Conditions are what f asks of fields, in the order of FilterFields and then of the names of tags; a call has to meet them all. Times, Text and
// Unpriced are not among them.
func (f *Filter) Conditions() []Condition {
	var out []Condition
	add := func(name string, only []string) {
		for _, c := range []Condition{{name, only, false}, {name, f.Any[name], false}, {name, f.Not[name], true}} {
			if len(c.Values) > 0 {
				out = append(out, c)
			}
		}
	}
	for _, name := range FilterFields {
		if v := *f.field(name); v != "" {
			add(name, []string{v})
		} else {
			add(name, nil)
		}
	}
	if len(f.Tags) == 0 && len(f.Any) == 0 && len(f.Not) == 0 {
		return out
	}
	tags := map[string]bool{}
	for name := range f.Tags {
		tags["tag."+name] = true
	}
	for _, more := range []map[string][]string{f.Any, f.Not} {
		for name := range more {
			if strings.HasPrefix(name, "tag.") {
				tags[name] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		if v, ok := f.Tags[name[len("tag."):]]; ok {
			add(name, []string{v})
		} else {
			add(name, nil)
		}
	}
	return out
}

// Ask has f pick only calls with one of the values in a field, in place of what was asked for there before. name is an IsFilterField.
func (f *Filter) Ask(name string, values ...string) {
	f.Any = maps.Clone(f.Any)
	delete(f.Any, name)
	only := f.field(name)
	if only != nil {
		*only = ""
	} else {
		f.Tags = maps.Clone(f.Tags)
		delete(f.Tags, strings.TrimPrefix(name, "tag."))
	}
	switch {
	case len(values) > 1:
		f.Any = with(f.Any, name, values)
	case len(values) == 1 && only != nil:
		*only = values[0]
	case len(values) == 1:
		if f.Tags == nil {
			f.Tags = map[string]string{}
		}
		f.Tags[strings.TrimPrefix(name, "tag.")] = values[0]
	}
}

// Exclude has f pick no call with one of the values in a field, in place of what was excluded there before. name is an IsFilterField.
func (f *Filter) Exclude(name string, values ...string) {
	f.Not = maps.Clone(f.Not)
	delete(f.Not, name)
	if len(values) > 0 {
		f.Not = with(f.Not, name, values)
	}
}

func with(m map[string][]string, name string, values []string) map[string][]string {
	if m == nil {
		m = map[string][]string{}
	}
	m[name] = values
	return m
}

// Wants says whether f picks only calls with certain values in a field; of tag, in some tag.
func (f *Filter) Wants(name string) bool {
	return slices.ContainsFunc(f.Conditions(), func(c Condition) bool {
		return !c.Not && (c.Field == name || name == "tag" && strings.HasPrefix(c.Field, "tag."))
	})
}

// Only is what f asks of some fields, and of nothing else.
func (f *Filter) Only(names ...string) Filter {
	var out Filter
	for _, name := range names {
		if only := f.field(name); only != nil {
			*out.field(name) = *only
		} else if v, ok := f.Tags[strings.TrimPrefix(name, "tag.")]; ok {
			out.Ask(name, v)
		}
		if values := f.Any[name]; len(values) > 0 {
			out.Any = with(out.Any, name, values)
		}
		if values := f.Not[name]; len(values) > 0 {
			out.Not = with(out.Not, name, values)
		}
	}
	return out
}

// Without is f without what it asks of a field.
func (f Filter) Without(name string) Filter {
	if !IsFilterField(name) {
		return f
	}
	f.Ask(name)
	f.Exclude(name)
	if name == "price_status" {
		f.Unpriced = false
	}
	return f
}

// Has says whether a call has a value in a field: of the key its name or its id, of the model the one asked for or the one that answered, of the
// prompt its name or name@version.
func (s *Span) Has(field, value string) bool {
	switch field {
	case "project":
		return s.Project == value
	case "key":
		return s.Key == value || s.KeyID == value
	case "provider":
		return s.Provider == value
	case "model":
		return s.Model == value || s.ModelRequested == value
	case "user":
		return s.User == value
	case "status":
		return string(s.Status) == value
	case "endpoint":
		return string(s.Endpoint) == value
	case "cache":
		return string(s.Cache) == value
	case "arm":
		return s.Arm == value
	case "prompt":
		return s.Prompt == value || s.isVersion(value)
	case "session":
		return s.Session == value
	case "trace":
		return s.TraceID == value
	case "error_code":
		return s.ErrorCode == value
	case "price_status":
		return string(s.PriceStatus) == value
	}
	tag, isTag := strings.CutPrefix(field, "tag.")
	have, ok := s.Tags[tag]
	return isTag && ok && have == value
}

// isVersion says whether ref is name@version of the call's prompt.
func (s *Span) isVersion(ref string) bool {
	at := strings.LastIndexByte(ref, '@')
	if at < 0 || ref[:at] != s.Prompt || s.PromptVersion <= 0 {
		return false
	}
	n, err := strconv.ParseInt(ref[at+1:], 10, 32)
	return err == nil && int(n) == s.PromptVersion
}
