package prompts

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

func sortedKeys(a, b map[string]any) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

// messages pairs those that are the same, then those that were moved, then those of one role in their order.
func (d *Difference) messages(a, b []Message) {
	keys := func(list []Message) []string {
		out := make([]string, len(list))
		for i, m := range list {
			out[i] = m.Role + "\x00" + m.Content
		}
		return out
	}
	keysA, keysB := keys(a), keys(b)
	partner, op := make([]int, len(b)), make([]Op, len(b))
	taken := make([]bool, len(a))
	for j := range partner {
		partner[j] = -1
	}
	pair := func(i, j int, as Op) { partner[j], op[j], taken[i] = i, as, true }
	for _, e := range edits(keysA, keysB) {
		if e.op == OpSame {
			pair(e.from, e.to, OpSame)
		}
	}
	for _, as := range []Op{OpMoved, OpChanged} {
		for j := range b {
			for i := range a {
				fits := keysA[i] == keysB[j] || as == OpChanged && a[i].Role == b[j].Role
				if partner[j] < 0 && !taken[i] && fits {
					pair(i, j, as)
				}
			}
		}
	}
	i := 0
	gone := func(until int) {
		for ; i < until; i++ {
			if !taken[i] {
				d.Messages = append(d.Messages, MessageDiff{OpRemoved, a[i].Role, i + 1, 0, lines(a[i].Content, "")})
			}
		}
	}
	for j, m := range b {
		switch {
		case partner[j] < 0:
			d.Messages = append(d.Messages, MessageDiff{OpAdded, m.Role, 0, j + 1, lines("", m.Content)})
		case op[j] == OpChanged:
			gone(partner[j])
			d.Messages = append(d.Messages, MessageDiff{OpChanged, m.Role, partner[j] + 1, j + 1, lines(a[partner[j]].Content, m.Content)})
		default:
			gone(partner[j])
			d.Messages = append(d.Messages, MessageDiff{op[j], m.Role, partner[j] + 1, j + 1, nil})
		}
	}
	gone(len(a))
}

// lines says what became of each line. Lines that were replaced one by one are compared word by word.
func lines(a, b string) []LineDiff {
	from, to := splitLines(a), splitLines(b)
	var out []LineDiff
	steps := edits(from, to)
	for n := 0; n < len(steps); {
		if e := steps[n]; e.op == OpSame {
			out = append(out, LineDiff{OpSame, e.from + 1, e.to + 1, from[e.from], nil})
			n++
			continue
		}
		var removed, added []LineDiff
		for ; n < len(steps) && steps[n].op != OpSame; n++ {
			if e := steps[n]; e.op == OpRemoved {
				removed = append(removed, LineDiff{OpRemoved, e.from + 1, 0, from[e.from], nil})
			} else {
				added = append(added, LineDiff{OpAdded, 0, e.to + 1, to[e.to], nil})
			}
		}
		for k := range min(len(removed), len(added)) {
			removed[k].Words, added[k].Words = words(removed[k].Text, added[k].Text)
		}
		out = append(append(out, removed...), added...)
	}
	return out
}

// splitLines keeps what tells a text that ends with an end of line from one that does not: an empty last line.
func splitLines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// words gives both lines in pieces; nothing when they have no word in common.
func words(a, b string) (from, to []WordDiff) {
	wordsA, wordsB := splitWords(a), splitWords(b)
	common := false
	for _, e := range edits(wordsA, wordsB) {
		switch e.op {
		case OpSame:
			common = common || strings.TrimSpace(wordsA[e.from]) != ""
			from, to = join(from, OpSame, wordsA[e.from]), join(to, OpSame, wordsB[e.to])
		case OpRemoved:
			from = join(from, OpRemoved, wordsA[e.from])
		default:
			to = join(to, OpAdded, wordsB[e.to])
		}
	}
	if !common {
		return nil, nil
	}
	return from, to
}

func join(list []WordDiff, op Op, text string) []WordDiff {
	if n := len(list); n > 0 && list[n-1].Op == op {
		list[n-1].Text += text
		return list
	}
	return append(list, WordDiff{op, text})
}

// splitWords cuts a line into words, runs of space, and single signs.
func splitWords(line string) []string {
	var out []string
	last := 0
	for _, r := range line {
		kind := 3
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '_':
			kind = 1
		case unicode.IsSpace(r):
			kind = 2
		}
		if kind == last && kind != 3 {
			out[len(out)-1] += string(r)
		} else {
			out = append(out, string(r))
		}
		last = kind
	}
	return out
}

// around is how many lines that are the same stand beside those that are not.
const around = 3

func (d Difference) unified(b *strings.Builder) {
	if d.Same {
		return
	}
	fmt.Fprintf(b, "--- %s\n+++ %s\n", Ref{Name: d.From.Name, Number: d.From.Version}, Ref{Name: d.To.Name, Number: d.To.Version})
	for _, m := range d.Messages {
		where := "text"
		if m.Role != "" {
			where = m.Role
		}
		switch m.Op {
		case OpSame:
		case OpMoved:
			fmt.Fprintf(b, "@@ %s: message %d is now message %d @@\n", where, m.From, m.To)
		default:
			hunks(b, where, m)
		}
	}
	for _, m := range d.Members {
		fmt.Fprintf(b, "@@ %s @@\n", strings.Join(append([]string{m.Member}, m.Path...), "."))
		if m.From != nil {
			fmt.Fprintf(b, "-%s\n", m.From)
		}
		if m.To != nil {
			fmt.Fprintf(b, "+%s\n", m.To)
		}
	}
}

func hunks(b *strings.Builder, where string, m MessageDiff) {
	if m.Role != "" {
		where = fmt.Sprintf("%s: message %d", where, max(m.From, m.To))
		if m.Op == OpAdded || m.Op == OpRemoved {
			where += " " + string(m.Op)
		}
	}
	shown := make([]bool, len(m.Lines))
	for i, l := range m.Lines {
		if l.Op != OpSame {
			for k := max(0, i-around); k < min(len(shown), i+around+1); k++ {
				shown[k] = true
			}
		}
	}
	for i := 0; i < len(shown); i++ {
		if !shown[i] {
			continue
		}
		end := i
		for end < len(shown) && shown[end] {
			end++
		}
		header(b, where, m.Lines[i:end])
		i = end
	}
}

func header(b *strings.Builder, where string, list []LineDiff) {
	var from, to, removed, added int
	for _, l := range list {
		if l.Op != OpAdded {
			removed++
			if from == 0 {
				from = l.From
			}
		}
		if l.Op != OpRemoved {
			added++
			if to == 0 {
				to = l.To
			}
		}
	}
	fmt.Fprintf(b, "@@ -%d,%d +%d,%d @@ %s\n", from, removed, to, added, where)
	for _, l := range list {
		sign := map[Op]string{OpSame: " ", OpRemoved: "-", OpAdded: "+"}[l.Op]
		fmt.Fprintf(b, "%s%s\n", sign, l.Text)
	}
}
