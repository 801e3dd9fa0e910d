package split

import (
	"strings"

	"github.com/weir-dev/weir/rag"
)

// passages cuts a stretch of the document into passages of at most so many tokens.
func (d *document) passages(s span, most, overlap int) []rag.Piece {
	var pieces []rag.Piece
	for _, part := range d.parts(s) {
		a := atomsOf(d.counter, d.text, part)
		d.rate(a, part)
		for from := 0; from < a.len(); {
			to := d.cut(a, from, most)
			piece, ok := d.piece(a, from, &to, most)
			if ok {
				pieces = append(pieces, piece)
			}
			if to == a.len() {
				break
			}
			from = a.back(from, to, overlap)
		}
	}
	return pieces
}

// parts are the stretches that no passage goes beyond.
func (d *document) parts(s span) []span {
	if d.kind != Markdown {
		return []span{s}
	}
	return between(d.sections, s)
}

// rate says how good it is to cut after each atom.
func (d *document) rate(a *atoms, s span) {
	a.strength = make([]strength, a.len())
	blocks := blocksIn(d.sections, s)
	for i, end := range a.ends {
		if d.kind == Code {
			a.strength[i] = inCode(d.text, end, s)
			continue
		}
		a.strength[i] = prose(d.text, end, s)
		if a.strength[i] >= line && end < s.end && len(blocks) > 0 {
			a.strength[i] = inMarkdown(a.strength[i], &blocks, gapAt(d.text, end, s))
		}
	}
}

// cut gives the number of atoms that a passage goes up to which begins with atom from: as far as it may where the rest fits,
// else to the best place in the second half of that; in code, where half a declaration is of little use, in nearly all of it. Where places are equally good, the text about them decides: so the same
// places are found again when something was edited before them, and the passages that follow stay as they were.
func (d *document) cut(a *atoms, from, most int) int {
	end := a.upTo(from, a.before(from)+int32(most))
	if end == a.len() {
		return end
	}
	least := most / 2
	if d.kind == Code {
		least = most / 8
	}
	best := max(end, from+1)
	for to := best - 1; to > from && a.sums[to-1]-a.before(from) >= int32(least); to-- {
		switch was, is := a.strength[best-1], a.strength[to-1]; {
		case is > was, is == was && around(d.text, a.ends[to-1]) < around(d.text, a.ends[best-1]):
			best = to
		}
	}
	return best
}

// around is a hash of the text about a place.
func around(text string, at int) uint32 {
	h := uint32(2166136261)
	for _, c := range []byte(text[max(0, at-24):min(len(text), at+8)]) {
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}

// back gives the atom that the next passage begins with: so many tokens before the end of the one before at most, at the best
// place there is.
func (a *atoms) back(from, to, overlap int) int {
	if overlap == 0 || a.strength[to-1] == block {
		return to
	}
	next := to
	for i := to - 1; i > from && a.sums[to-1]-a.before(i) <= int32(overlap); i-- {
		// The farthest of those that are equally good, from words on: half a word is of no use.
		if s := a.strength[i-1]; s >= word && (next == to || s >= a.strength[next-1]) {
			next = i
		}
	}
	return next
}

// piece makes a passage of atoms, without the space about it, and takes atoms off its end while it has too many tokens: which
// a text that is cut in the middle of a word can come to.
func (d *document) piece(a *atoms, from int, to *int, most int) (rag.Piece, bool) {
	for ; ; *to-- {
		s := d.trim(span{a.begin(from), a.ends[*to-1]})
		if s.start == s.end {
			return rag.Piece{}, false
		}
		count := d.counter.Count(d.text[s.start:s.end])
		if count <= most || *to == from+1 {
			return d.whole(s, count), true
		}
	}
}

// whole is a passage that is its own parent.
func (d *document) whole(s span, count int) rag.Piece {
	return rag.Piece{Start: s.start, End: s.end, ParentStart: s.start, ParentEnd: s.end, Headings: d.headings(s), Tokens: count}
}

const spaces = " \t\n\v\f\r"

// trim takes the space off both ends of a stretch; in code the first line keeps its indentation.
func (d *document) trim(s span) span {
	text := d.text[s.start:s.end]
	start := len(text) - len(strings.TrimLeft(text, spaces))
	end := s.start + len(strings.TrimRight(text, spaces))
	if d.kind == Code {
		start = strings.LastIndexByte(text[:start], '\n') + 1
		if s.start+start > end {
			return span{end, end}
		}
	}
	return span{s.start + start, max(end, s.start+start)}
}
