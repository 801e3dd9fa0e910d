package api

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/weir-dev/weir/llm"
)

// param is a query parameter.
type param struct {
	name     string // a last letter k after a dot stands for any name: tag.k; that of not.k for a parameter that may be given several times
	about    string
	kind     string // of JSON schema; "" is string
	enum     []string
	many     bool // it may be given several times
	required bool
}

// exclude is what the name of a filter's parameter begins with when it says what calls are to be without.
const exclude = "not."

// checkQuery refuses parameters that the route does not have: a misspelt filter would pick everything.
func (r *route) checkQuery(raw string) error {
	q, err := url.ParseQuery(raw)
	if err != nil {
		return llm.Faultf(llm.InvalidRequest, "the query of the address is malformed: %v", err)
	}
	for name, values := range q {
		p, known := r.find(name)
		switch {
		case !known:
			if hint := r.instead[name]; hint != "" {
				return bad(name, "%s is no parameter of %s %s%s: %s", name, r.method, prefix, r.path, hint)
			}
			return bad(clip(name), "%q is no parameter of %s %s%s%s", clip(name), r.method, prefix, r.path, r.known())
		case len(values) > 1 && !p.many:
			return bad(clip(name), "the parameter %s is given %d times; give it once", clip(name), len(values))
		case !isText(name) || slices.ContainsFunc(values, func(v string) bool { return !isText(v) }):
			return bad(clip(name), "the parameter %s is not text in UTF-8", clip(name))
		}
	}
	return nil
}

func isText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// find is the parameter that a name is one of.
func (r *route) find(name string) (param, bool) {
	for _, p := range r.params {
		stem, open := strings.CutSuffix(p.name, ".k")
		field, isOf := strings.CutPrefix(name, stem+".")
		switch {
		case !open && p.name == name:
			return p, true
		case !open || !isOf || field == "":
		case stem+"." != exclude:
			return p, true
		default:
			of, known := r.find(field)
			return p, known && of.many && of.name != p.name
		}
	}
	return param{}, false
}

func (r *route) known() string {
	if len(r.params) == 0 {
		return ", which has none"
	}
	names := make([]string, len(r.params))
	for i, p := range r.params {
		names[i] = p.name
	}
	return "; it has " + strings.Join(names, " ")
}
