package jsonschema

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	vendor "github.com/santhosh-tekuri/jsonschema/v6"
)

// What checking one value may come to. References let a small schema say that a value is to be checked 2^n times.
const (
	maxChecks = 1024 // schemas that apply to one and the same value
	maxPlaces = 4096 // different sets of schemas that may apply to a value
)

var errWork = errors.New("not a JSON Schema that can be used: checking a value takes too much work, its references apply too many schemas to one value")

// A place is a kind of value within a document: the schemas that apply to it, with how often each does.
type place map[*vendor.Schema]int

// work refuses a schema that would apply too many schemas to one value. It follows the schema down through all values that there can be.
func work(top *vendor.Schema) error {
	seen := map[string]bool{}
	todo := []place{{top: 1}}
	for len(todo) > 0 {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		whole := place{}
		total := 0
		for s, n := range p {
			if !spread(whole, s, n, &total) {
				return errWork
			}
		}
		key := whole.key()
		if seen[key] {
			continue
		}
		if seen[key] = true; len(seen) > maxPlaces {
			return errWork
		}
		todo = append(todo, whole.inner()...)
	}
	return nil
}

// spread adds a schema and those that it applies to the same value; false: they are too many.
func spread(whole place, s *vendor.Schema, times int, total *int) bool {
	if s == nil {
		return true
	}
	if *total += times; *total > maxChecks {
		return false
	}
	whole[s] += times
	same := slices.Concat([]*vendor.Schema{s.Ref, s.RecursiveRef, s.Not, s.If, s.Then, s.Else}, s.AllOf, s.AnyOf, s.OneOf)
	if s.DynamicRef != nil {
		same = append(same, s.DynamicRef.Ref)
	}
	same = slices.AppendSeq(same, maps.Values(s.DependentSchemas))
	for _, d := range s.Dependencies {
		same = append(same, asSchema(d))
	}
	for _, next := range same {
		if !spread(whole, next, times, total) {
			return false
		}
	}
	return true
}

func asSchema(v any) *vendor.Schema {
	s, _ := v.(*vendor.Schema)
	return s
}

// inner are the places one level down: one for each name that a schema lists and each place of a list, with what applies to all of them.
func (p place) inner() []place {
	anyMember, anyItem, names := place{}, place{}, place{}
	members, items := map[string]place{}, map[int]place{}
	for s, n := range p {
		anyMember.add(n, asSchema(s.AdditionalProperties), s.UnevaluatedProperties)
		anyMember.add(n, slices.Collect(maps.Values(s.PatternProperties))...)
		names.add(n, s.PropertyNames)
		for name, member := range s.Properties {
			if members[name] == nil {
				members[name] = place{}
			}
			members[name].add(n, member)
		}
		anyItem.add(n, asSchema(s.Items), s.Items2020, s.Contains, asSchema(s.AdditionalItems), s.UnevaluatedItems)
		tuple, _ := s.Items.([]*vendor.Schema)
		for i, item := range append(slices.Clip(s.PrefixItems), tuple...) {
			if items[i] == nil {
				items[i] = place{}
			}
			items[i].add(n, item)
		}
	}
	out := []place{anyMember, anyItem, names}
	for _, m := range members {
		m.join(anyMember)
		out = append(out, m)
	}
	for _, m := range items {
		m.join(anyItem)
		out = append(out, m)
	}
	return slices.DeleteFunc(out, func(p place) bool { return len(p) == 0 })
}

func (p place) add(times int, schemas ...*vendor.Schema) {
	for _, s := range schemas {
		if s != nil {
			p[s] += times
		}
	}
}

func (p place) join(other place) {
	for s, n := range other {
		p[s] += n
	}
}

// key tells places apart.
func (p place) key() string {
	parts := make([]string, 0, len(p))
	for s, n := range p {
		parts = append(parts, fmt.Sprintf("%s*%d", s.Location, n))
	}
	slices.Sort(parts)
	return strings.Join(parts, "\n")
}
