package prompts

import (
	"slices"
	"strings"
)

// A hbBlock is a block that is open.
type hbBlock struct {
	word string // if, unless, each, or the name of a section
	name string // of our section
	at   int
	// scope is what the schema says of the block's value. A block that is scoped looks for names in it, one that is pushed means it by {{.}}.
	scope          *outline
	scoped, pushed bool
	turned         bool // its else was met
	upside         bool // our section is an inverted one
}

const weirTemplate = "; or add weir.template: mustache in front, and write the body in weir's own templates"

// tag turns one tag into ours.
func (r *hbReader) tag(t *hbToken) {
	switch t.kind {
	case 'v':
		if name, ok := r.name(t, t.text); ok {
			r.put("{{" + name + "}}")
		}
	case '!':
		r.put("{{! " + strings.ReplaceAll(t.text, "}}", "} }") + " }}")
	case '>':
		r.partial(t)
	case '#':
		r.open(t)
	case '^':
		r.section(t, true)
	case 'e':
		r.turn(t)
	case '/':
		r.close(t)
	}
}

func (r *hbReader) partial(t *hbToken) {
	ref, err := ParseRef(t.text)
	if err != nil {
		r.fault(t, "a partial is read as {{> name}}, {{> name@label}} or {{> name@7}}, without values of its own")
		return
	}
	before, _, alone := besides(r.src, t.start, t.end)
	r.parts = append(r.parts, hbPart{tag: "{{> " + ref.String() + "}}", moved: alone && before != ""})
}

// open reads {{#word name}}.
func (r *hbReader) open(t *hbToken) {
	words := strings.Fields(t.text)
	if len(words) < 2 {
		r.section(t, false)
		return
	}
	if len(words) > 2 || words[0] != "if" && words[0] != "unless" && words[0] != "each" {
		r.fault(t, "{{#%.60s}} is not read: the blocks are if, unless and each, with one name%s", t.text, weirTemplate)
		r.blocks = append(r.blocks, hbBlock{word: words[0], at: t.start})
		return
	}
	b := hbBlock{word: words[0], at: t.start}
	var ok bool
	if b.name, ok = r.name(t, words[1]); ok {
		of := r.said(b.name)
		switch b.word {
		case "if":
			b.pushed = true
			if !of.only("string", "number", "integer", "boolean", "null") {
				r.fault(t, "{{#if %s}} is read when the input's schema says that it is a boolean, a text or a number: our section would go through a list, and look into an object%s", words[1], weirTemplate)
			}
		case "unless":
			b.upside = true
		case "each":
			b.scope, b.scoped, b.pushed = of.item(), true, true
			if !of.only("array", "null") {
				r.fault(t, "{{#each %s}} is read when the input's schema says that it is a list%s", words[1], weirTemplate)
			}
		}
		r.put(opening(b))
	}
	r.blocks = append(r.blocks, b)
}

func opening(b hbBlock) string {
	if b.upside {
		return "{{^" + b.name + "}}"
	}
	return "{{#" + b.name + "}}"
}

// section reads {{#name}} and {{^name}}, which Handlebars has from mustache.
func (r *hbReader) section(t *hbToken, upside bool) {
	b := hbBlock{word: t.text, at: t.start, upside: upside, pushed: !upside, scoped: !upside}
	var ok bool
	if b.name, ok = r.name(t, t.text); ok {
		of := r.said(b.name)
		switch {
		case of.only("boolean", "null"):
			b.scoped = false
		case of.only("array", "null"):
			b.scope = of.item()
		case of.only("object", "null"):
			b.scope = of
		default:
			r.fault(t, "a section of %s is read when the input's schema says that it is a boolean, a list or an object%s", t.text, weirTemplate)
		}
		r.put(opening(b))
	}
	r.blocks = append(r.blocks, b)
}

// turn reads {{else}}.
func (r *hbReader) turn(t *hbToken) {
	n := len(r.blocks) - 1
	switch {
	case n < 0 || r.blocks[n].turned:
		r.fault(t, "{{else}} belongs to no block")
	case t.text != "else" && t.text != "":
		r.fault(t, "{{%.60s}} is not read: write a block within {{else}}", t.text)
	default:
		b := &r.blocks[n]
		r.put("{{/" + b.name + "}}")
		was := b.upside
		b.turned, b.upside, b.scoped = true, !was, false
		b.pushed = was // {{else}} of an unless is within a section of ours
		if was && b.name != "" && !r.said(b.name).only("string", "number", "integer", "boolean", "null") {
			r.fault(t, "{{else}} of {{#%s %s}} is read when the input's schema says that it is a boolean, a text or a number%s", b.word, b.name, weirTemplate)
		}
		if _, after, alone := besides(r.src, t.start, t.end); alone && !t.left && !t.right {
			r.parts = append(r.parts, hbPart{text: after}) // of two tags on a line neither would stand alone
		}
		r.put(opening(*b))
	}
}

func (r *hbReader) close(t *hbToken) {
	n := len(r.blocks) - 1
	if n < 0 {
		r.fault(t, "{{/%.60s}} closes a block that is not open", t.text)
		return
	}
	b := r.blocks[n]
	r.blocks = r.blocks[:n]
	if b.word != t.text {
		r.fault(t, "{{/%.60s}} does not close the block that is open, {{#%s}}", t.text, b.word)
		return
	}
	if b.name != "" {
		r.put("{{/" + b.name + "}}")
	}
}

// name reads a variable's name and gives ours. Handlebars looks for it in the innermost value only, our templates in those around it too: it
// is read where that makes no difference.
func (r *hbReader) name(t *hbToken, text string) (string, bool) {
	if strings.ContainsAny(text, " \t\r\n\"'()=|") {
		r.fault(t, "{{%.60s}} is not read: there is no helper of that name here%s", text, weirTemplate)
		return "", false
	}
	if strings.ContainsAny(text, "@[]") {
		r.fault(t, "{{%.60s}} is not read: only variables by name are%s", text, weirTemplate)
		return "", false
	}
	up := 0
	name := text
	for strings.HasPrefix(name, "../") {
		name, up = name[3:], up+1
	}
	if name == "this" || name == "." {
		return r.this(t, text, up)
	}
	for _, prefix := range []string{"this.", "this/", "./"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			name = rest
		}
	}
	if _, err := Parse("{{" + name + "}}"); err != nil || strings.ContainsAny(name, "{}=!#^/>&") {
		r.fault(t, "{{%.60s}} is not read: only variables by name are%s", text, weirTemplate)
		return "", false
	}
	switch name {
	case "else", "this", "json", "media", "role", "section", "history", "lookup", "log", "with":
		r.fault(t, "{{%s}} is not read: the word has a meaning of its own", name)
		return "", false
	}
	return name, r.reach(t, text, firstName(name), up)
}

// reach says whether our lookup of a name ends at the value where Handlebars' does, up values out.
func (r *hbReader) reach(t *hbToken, text, first string, up int) bool {
	scopes := r.scopes()
	if up >= len(scopes) {
		r.fault(t, "{{%.60s}} leads out of the variables", text)
		return false
	}
	for _, inner := range scopes[:up] {
		if inner == nil || inner.open && !inner.scalar() || inner.has(first) {
			r.fault(t, "{{%.60s}} is not read: the item within may have a %q of its own", text, first)
			return false
		}
	}
	if up == len(scopes)-1 {
		return true // the variables themselves
	}
	at := scopes[up]
	if !at.has(first) {
		r.fault(t, "{{%.60s}} is not read: within {{#each}} a name is the item's, and the input's schema does not list it there; a variable outside is {{../%s}}", text, first)
		return false
	}
	if at.required[first] {
		return true
	}
	for _, outer := range scopes[up+1:] {
		if outer == nil || outer.has(first) || outer.open {
			r.fault(t, "{{%.60s}} is not read: the item need not have it, and our template would take the %q around it", text, first)
			return false
		}
	}
	return true
}

// scopes are the values in which names are looked for, the innermost first and the variables last.
func (r *hbReader) scopes() []*outline {
	out := []*outline{}
	for _, b := range slices.Backward(r.blocks) {
		if b.scoped {
			out = append(out, b.scope)
		}
	}
	return append(out, r.shape)
}

// this reads {{this}}.
func (r *hbReader) this(t *hbToken, text string, up int) (string, bool) {
	for i := len(r.blocks) - 1; i >= 0 && up == 0; i-- {
		if r.blocks[i].scoped {
			return ".", true
		}
		if r.blocks[i].pushed {
			break
		}
	}
	r.fault(t, "{{%.60s}} is read in {{#each}} only, and not in an {{#if}} within it", text)
	return "", false
}

// said is what the schema says of a name of ours.
func (r *hbReader) said(name string) *outline {
	scopes := r.scopes()
	if name == "." {
		return scopes[0]
	}
	path := strings.Split(name, ".")
	for _, at := range scopes {
		if !at.has(path[0]) {
			continue
		}
		for _, step := range path {
			at = at.member(step)
		}
		return at
	}
	return nil
}

// scalar says that a value has no members.
func (s *outline) scalar() bool {
	return s.only("string", "number", "integer", "boolean", "null")
}
