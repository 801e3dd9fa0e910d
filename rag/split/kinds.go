package split

import (
	"github.com/weir-dev/weir/rag"
)

// fixed cuts after so many tokens.
func (d *document) fixed() []rag.Piece {
	var pieces []rag.Piece
	a := atomsOf(d.counter, d.text, span{0, len(d.text)})
	for from := 0; from < a.len(); {
		to := max(a.upTo(from, a.before(from)+int32(d.tokens)), from+1)
		if p, ok := d.piece(a, from, &to, d.tokens); ok {
			pieces = append(pieces, p)
		}
		if to == a.len() {
			break
		}
		from = max(a.upTo(from, a.sums[to-1]-int32(d.overlap)), from+1)
		from = min(from, to)
	}
	return pieces
}

// families cuts into large passages, and each of these into small ones.
func (d *document) families() []rag.Piece {
	var pieces []rag.Piece
	for _, p := range d.passages(span{0, len(d.text)}, families*d.tokens, 0) {
		children := d.passages(span{p.Start, p.End}, d.tokens, d.overlap)
		for i := range children {
			children[i].ParentStart, children[i].ParentEnd = p.Start, p.End
		}
		pieces = append(pieces, children...)
	}
	return pieces
}

const fewTokens = 12 // sentences of fewer are put together

// sentences cuts after each sentence; the parents are as many sentences around it as have the tokens together.
func (d *document) sentences() []rag.Piece {
	var pieces []rag.Piece
	for _, part := range d.parts(span{0, len(d.text)}) {
		some := d.sentencesIn(part)
		for i := range some {
			first, last, sum := i, i, some[i].Tokens
			for grown := true; grown; {
				grown = false
				// One more on either side, with a token for the space between.
				if last+1 < len(some) && sum+some[last+1].Tokens < d.tokens {
					last++
					sum += some[last].Tokens + 1
					grown = true
				}
				if first > 0 && sum+some[first-1].Tokens < d.tokens {
					first--
					sum += some[first].Tokens + 1
					grown = true
				}
			}
			some[i].ParentStart, some[i].ParentEnd = some[first].Start, some[last].End
		}
		pieces = append(pieces, some...)
	}
	return pieces
}

func (d *document) sentencesIn(part span) []rag.Piece {
	var pieces []rag.Piece
	a := atomsOf(d.counter, d.text, part)
	d.rate(a, part)
	add := func(from, to int) {
		s := d.trim(span{a.begin(from), a.ends[to-1]})
		if s.start == s.end {
			return
		}
		count := d.counter.Count(d.text[s.start:s.end])
		if count > d.tokens {
			pieces = append(pieces, d.passages(s, d.tokens, 0)...)
			return
		}
		pieces = append(pieces, d.whole(s, count))
	}
	from := 0
	for to := 1; to <= a.len(); to++ {
		if s := a.strength[to-1]; to == a.len() || s >= paragraph || s >= sentence && int(a.sums[to-1]-a.before(from)) >= fewTokens {
			add(from, to)
			from = to
		}
	}
	return pieces
}
