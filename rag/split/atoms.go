package split

import (
	"unicode/utf8"
)

// atoms are the smallest parts that a stretch of text is cut into: what an encoding merges on its own, mostly words. Atom i
// ends at ends[i], and up to there are sums[i] tokens.
type atoms struct {
	start    int
	ends     []int
	sums     []int32
	strength []strength // of a cut after the atom
}

// A piece of more than longAtom bytes or denseAtom tokens is cut between characters, into parts of at most shortAtom bytes: and
// so, as a byte is a token at most, of no more tokens than the smallest passage may have.
const (
	longAtom  = 48
	denseAtom = 8
	shortAtom = minTokens
)

func atomsOf(counter Counter, text string, s span) *atoms {
	n := (s.end - s.start) / 4
	a := &atoms{start: s.start, ends: make([]int, 0, n), sums: make([]int32, 0, n)}
	at := s.start
	var sum int32
	for end, count := range counter.Pieces(text[s.start:s.end]) {
		end += s.start
		if end-at > longAtom || count > denseAtom {
			a.long(text, at, end, count, sum)
		}
		at, sum = end, sum+int32(count)
		a.ends, a.sums = append(a.ends, at), append(a.sums, sum)
	}
	return a
}

// long adds all but the last atom of a long piece, and shares its tokens out among them.
func (a *atoms) long(text string, at, end, count int, before int32) {
	for cut := at + shortAtom; cut < end; cut += shortAtom {
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		share := int64(count) * int64(cut-at) / int64(end-at)
		a.ends, a.sums = append(a.ends, cut), append(a.sums, before+int32(share))
	}
}

func (a *atoms) len() int { return len(a.ends) }

// begin is where atom i begins.
func (a *atoms) begin(i int) int {
	if i == 0 {
		return a.start
	}
	return a.ends[i-1]
}

// before is how many tokens there are before atom i.
func (a *atoms) before(i int) int32 {
	if i == 0 {
		return 0
	}
	return a.sums[i-1]
}

// upTo gives the number of atoms, from the first one, that have at most so many tokens.
func (a *atoms) upTo(from int, sum int32) int {
	lo, hi := from, len(a.sums)
	for lo < hi {
		if mid := int(uint(lo+hi) / 2); a.sums[mid] <= sum {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}
