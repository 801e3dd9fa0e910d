package price

import (
	"fmt"
	"iter"
	"strings"
)

// alias is another spelling of a provider's models, with the rule that leads to theirs.
type alias struct {
	Alias    string `json:"alias"` // a * stands for any run of characters, # for a digit
	Provider string `json:"provider"`
	Model    string `json:"model,omitempty"` // $1 is what the first * stood for
	Times    Rate   `json:"times,omitzero"`  // a factor on every price; unknown: 1
	Unpriced bool   `json:"unpriced,omitempty"`
	Note     string `json:"note,omitempty"`
}

// spelling is one name under which a model may stand in the book.
type spelling struct {
	model    string
	how      string // the rules that led here, in words; empty for the name as it came
	times    Rate
	unpriced bool // no name may be tried further: the rule says that there is no list price
}

// maxSpellings bounds how far aliases of aliases are followed.
const maxSpellings = 16

// aliasLine is an alias whose line is decoded when it is used.
type aliasLine struct {
	alias, provider string
	line            string
	number          int
}

// read decodes the line, and refuses an alias that leads nowhere.
func (l *aliasLine) read() (alias, error) {
	var a alias
	err := strictly(l.line, &a)
	switch {
	case err != nil:
	case a.Alias != l.alias || a.Provider != l.provider || (a.Model == "") != a.Unpriced:
		err = fmt.Errorf("alias %q: want an alias, a provider, and either a model or unpriced, each once", l.alias)
	}
	if err != nil {
		return alias{}, fmt.Errorf("line %d: %w", l.number, err)
	}
	return a, nil
}

// aliases knows the spellings of a catalogue. The zero value knows only the rules that need no list.
type aliases struct {
	exact    map[key]*aliasLine
	patterns map[string][]*aliasLine // by provider, in the catalogue's order
}

// add refuses a second meaning for one name.
func (a *aliases) add(line string, number int) error {
	name, rest, ok := quoted(line, aliasHead)
	provider, _, ok2 := quoted(rest, `,"provider":"`)
	if !ok || !ok2 {
		return fmt.Errorf("want a line that begins with alias and provider")
	}
	l := &aliasLine{name, provider, line, number}
	k := key{provider: provider, model: name}
	switch {
	case isPattern(name):
		a.patterns[provider] = append(a.patterns[provider], l)
	case a.exact[k] != nil:
		return fmt.Errorf("alias %q of %s has two meanings", name, provider)
	default:
		a.exact[k] = l
	}
	return nil
}

// lines yields every alias.
func (a *aliases) lines() iter.Seq[*aliasLine] {
	return func(yield func(*aliasLine) bool) {
		for _, l := range a.exact {
			if !yield(l) {
				return
			}
		}
		for _, ls := range a.patterns {
			for _, l := range ls {
				if !yield(l) {
					return
				}
			}
		}
	}
}

// find gives the alias that a name is, and what its wildcards stand for.
func (a *aliases) find(provider, model string) (alias, []string, bool) {
	l := a.exact[key{provider: provider, model: model}]
	var wild []string
	for _, p := range a.patterns[provider] {
		if l != nil {
			break
		}
		if w, ok := match(p.alias, model); ok {
			l, wild = p, w
		}
	}
	if l == nil {
		return alias{}, nil, false
	}
	al, err := l.read()
	if err != nil {
		panic("price: the embedded catalogue: " + err.Error()) // a test reads every line
	}
	return al, wild, true
}

// spellings lists the names to look up for a model, best first: the name as it came; what the alias list says it means;
// without the date of a snapshot; without the provider's name in front of it; then the same of each of these.
func (a *aliases) spellings(provider, model string) []spelling {
	out := []spelling{{model: model}}
	for i := 0; i < len(out) && len(out) < maxSpellings; i++ {
		from := out[i]
		if from.unpriced {
			continue
		}
		add := func(s spelling) {
			for _, seen := range out {
				if seen.model == s.model {
					return
				}
			}
			if from.how != "" {
				s.how = from.how + "; " + s.how
			}
			if !s.times.Known() {
				s.times = from.times
			}
			out = append(out, s)
		}
		if al, wild, ok := a.find(provider, from.model); ok {
			to := expand(al.Model, wild)
			how := fmt.Sprintf("%s is another name of %s", from.model, to)
			if al.Unpriced {
				to, how = from.model+" (no list price)", from.model+" has no list price"
			}
			if al.Note != "" {
				how += " (" + al.Note + ")"
			}
			add(spelling{model: to, how: how, times: al.Times, unpriced: al.Unpriced})
		}
		if base, ok := withoutSnapshot(from.model); ok {
			add(spelling{model: base, how: "the price of " + base + " is taken for its snapshot " + from.model})
		}
		if base, ok := strings.CutPrefix(from.model, provider+"/"); ok && base != "" {
			add(spelling{model: base, how: from.model + " names its provider"})
		}
	}
	return out
}

// withoutSnapshot takes the date off a snapshot's name:
//
//	gpt-6.1-sol-2026-12-01                  → gpt-6.1-sol
//	claude-opus-5-5-20260922                → claude-opus-5-5
//	claude-opus-5@20260724                  → claude-opus-5
//	anthropic.claude-sonnet-5-20260630-v1:0 → anthropic.claude-sonnet-5
func withoutSnapshot(model string) (string, bool) {
	for _, pattern := range []string{"*-####-##-##", "*-########", "*@########", "*-########-v#:#"} {
		if wild, ok := match(pattern, model); ok && wild[0] != "" && isDate(wild[1:]) {
			return wild[0], true
		}
	}
	return "", false
}

// isDate looks at the first eight digits, so that an id which happens to end in digits is left alone.
func isDate(digits []string) bool {
	d := strings.Join(digits, "")[:8]
	return d >= "20200101" && d < "21000101" && d[4:6] >= "01" && d[4:6] <= "12" && d[6:] >= "01" && d[6:] <= "31"
}
