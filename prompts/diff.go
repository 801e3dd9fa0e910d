package prompts

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Difference is what differs between two versions.
type Difference struct {
	From     Side          `json:"from"`
	To       Side          `json:"to"`
	Same     bool          `json:"same"`     // the contents have one hash
	Messages []MessageDiff `json:"messages"` // in the order of the later version, those that are gone where they were; a text is one without a role
	Members  []MemberDiff  `json:"members"`  // of model, settings, variables, defaults, response_format, tools, in this order
}

// Side names one of the two.
type Side struct {
	Name    string `json:"name"`
	Version int    `json:"version"`
	Hash    string `json:"hash"`
}

// MessageDiff is what became of a message.
type MessageDiff struct {
	Op    Op         `json:"op"`
	Role  string     `json:"role"`           // of the later one, if there is one
	From  int        `json:"from,omitempty"` // its place, from 1; 0: it was not there
	To    int        `json:"to,omitempty"`
	Lines []LineDiff `json:"lines,omitempty"` // all of them; none when it is the same or was only moved
}

// LineDiff is what became of a line. A line that was changed is one removed and one added, each with its words.
type LineDiff struct {
	Op    Op         `json:"op"`
	From  int        `json:"from,omitempty"` // its number, from 1
	To    int        `json:"to,omitempty"`
	Text  string     `json:"text"`            // without the end of the line
	Words []WordDiff `json:"words,omitempty"` // the text in pieces, when the line has a counterpart
}

// WordDiff is a piece of a line: the same in both, or removed, or added.
type WordDiff struct {
	Op   Op     `json:"op"`
	Text string `json:"text"`
}

// MemberDiff is one value of settings, variables and so on that differs.
type MemberDiff struct {
	Member string          `json:"member"`         // model, settings, variables, defaults, response_format, tools
	Path   []string        `json:"path,omitempty"` // within it: names of members and places of lists, from 0
	Op     Op              `json:"op"`
	From   json.RawMessage `json:"from,omitempty"`
	To     json.RawMessage `json:"to,omitempty"`
}

// Diff says what differs between two versions, of one prompt or of two.
func Diff(a, b Version) Difference {
	d := Difference{From: Side{a.Name, a.Number, a.Hash}, To: Side{b.Name, b.Number, b.Hash}, Messages: []MessageDiff{}, Members: []MemberDiff{}}
	d.messages(asMessages(a.Content), asMessages(b.Content))
	d.model(a.Model, b.Model)
	was, is := a.raw(), b.raw()
	for i := range was {
		d.member(was[i].name, nil, decoded(was[i].text), decoded(is[i].text))
	}
	d.Same = len(d.Members) == 0
	for _, m := range d.Messages {
		d.Same = d.Same && m.Op == OpSame
	}
	return d
}

// nowhere is a value that is not there.
type nowhere struct{}

func decoded(text json.RawMessage) any {
	if absent(text) {
		return nowhere{}
	}
	v, err := decodeJSON(text)
	if err != nil {
		return string(text)
	}
	return canonical(v)
}

func asMessages(c Content) []Message {
	if c.Text != "" {
		return []Message{{Content: c.Text}}
	}
	return c.Messages
}

func (d *Difference) model(a, b string) {
	var from, to any = a, b
	if a == "" {
		from = nowhere{}
	}
	if b == "" {
		to = nowhere{}
	}
	d.member("model", nil, from, to)
}

// member goes down while both sides are objects or lists.
func (d *Difference) member(name string, path []string, a, b any) {
	from, to := raw(a), raw(b)
	if string(from) == string(to) {
		return
	}
	objectA, okA := a.(map[string]any)
	objectB, okB := b.(map[string]any)
	if okA && okB {
		for _, key := range sortedKeys(objectA, objectB) {
			d.member(name, step(path, key), at(objectA, key), at(objectB, key))
		}
		return
	}
	listA, okA := a.([]any)
	listB, okB := b.([]any)
	if okA && okB {
		for i := range max(len(listA), len(listB)) {
			var va, vb any = nowhere{}, nowhere{}
			if i < len(listA) {
				va = listA[i]
			}
			if i < len(listB) {
				vb = listB[i]
			}
			d.member(name, step(path, strconv.Itoa(i)), va, vb)
		}
		return
	}
	op := OpChanged
	if from == nil {
		op = OpAdded
	} else if to == nil {
		op = OpRemoved
	}
	d.Members = append(d.Members, MemberDiff{name, path, op, from, to})
}

// raw writes a value; nil when it is not there.
func raw(v any) json.RawMessage {
	if _, no := v.(nowhere); no {
		return nil
	}
	text, err := marshal(v)
	if err != nil {
		return nil
	}
	return text
}

func at(object map[string]any, key string) any {
	if v, ok := object[key]; ok {
		return v
	}
	return nowhere{}
}

func step(path []string, name string) []string {
	return append(slices.Clip(path), name)
}

// String writes it as a unified diff, for people and terminals.
func (d Difference) String() string {
	var b strings.Builder
	d.unified(&b)
	return b.String()
}
