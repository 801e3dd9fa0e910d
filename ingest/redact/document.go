package redact

import (
	"bytes"
	"slices"
)

// document redacts a body that is one JSON value, several in a row (JSON lines), or the beginning of that, from offset
// start on. It returns false when it is no JSON.
func document(b []byte, start int) ([]byte, bool) {
	var c collection
	u := &unit{b: b}
	c.read(u, start)
	if u.bad {
		return nil, false
	}
	c.resolve()
	return u.apply(), true
}

// edit replaces b[from:to] of a unit.
type edit struct {
	from, to int
	with     []byte
}

// unit is one piece of JSON within a body: all of it, or the data of one event.
type unit struct {
	b        []byte
	edits    []edit
	logprobs []edit // to do when anything is found in the body
	bad      bool   // no JSON
	place    string // which item of the answer the event is about; made once it is asked for
	placed   bool
}

// apply returns the unit's bytes with the edits made.
func (u *unit) apply() []byte {
	if len(u.edits) == 0 {
		return u.b
	}
	slices.SortFunc(u.edits, func(a, b edit) int { return a.from - b.from })
	out, done := make([]byte, 0, len(u.b)), 0
	for _, e := range u.edits {
		out = append(append(out, u.b[done:e.from]...), e.with...)
		done = e.to
	}
	return append(out, u.b[done:]...)
}

// fragment is a JSON string that is a part of a longer text.
type fragment struct {
	unit *unit
	str  jsonString
}

// channel is one text that comes in fragments.
type channel struct {
	text  []byte
	key   []byte // the member name of the first fragment
	parts []fragment
}

// collection gathers the units of a body and the texts that go across them.
type collection struct {
	units    []*unit
	channels map[string]*channel
	order    []*channel
}

// read walks over one unit. A unit that is no JSON leaves nothing behind.
func (c *collection) read(u *unit, start int) {
	w := walker{unit: u, b: u.b, all: c}
	w.sequence(start)
	if u.bad = w.bad; u.bad {
		u.edits, u.logprobs = nil, nil
		return
	}
	c.units = append(c.units, u)
	for _, p := range w.pending {
		ch := c.channels[p.channel]
		if ch == nil {
			if c.channels == nil {
				c.channels = map[string]*channel{}
			}
			ch = &channel{key: bytes.Clone(p.key)}
			c.channels[p.channel] = ch
			c.order = append(c.order, ch)
		}
		ch.text = p.str.appendText(ch.text, u.b)
		ch.parts = append(ch.parts, fragment{unit: u, str: p.str})
	}
}

// resolve redacts the assembled texts, and drops the log probabilities if anything was found anywhere.
func (c *collection) resolve() {
	for _, ch := range c.order {
		if isPayload(ch.text) {
			continue
		}
		clean, changed := stringValue(ch.text, ch.key, 0)
		if !changed {
			continue
		}
		for _, p := range ch.parts {
			p.unit.edits = append(p.unit.edits, p.str.replace(clean))
			clean = nil
		}
	}
	found := slices.ContainsFunc(c.units, func(u *unit) bool { return len(u.edits) > 0 })
	for _, u := range c.units {
		if found {
			u.edits = append(u.edits, u.logprobs...)
		}
	}
}
