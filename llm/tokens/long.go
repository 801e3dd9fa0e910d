package tokens

import "sync"

const (
	window  = 32 << 10 // bytes of a long piece that are merged at a time
	maxKept = 1 << 20  // bytes of valid text a pooled scratch may keep
)

// A scratch is the memory to merge one long piece: under one megabyte.
type scratch struct {
	next, prev []int32  // the part that begins at i ends at next[i]; the one before it begins at prev[i]
	rank       []uint32 // rank of the union of the part that begins at i and the next, or none
	heap       []uint64 // rank<<32 | i, least first; stale when rank[i] has moved on
	valid      []byte   // text made valid UTF-8
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func (s *scratch) release() {
	if cap(s.valid) > maxKept {
		s.valid = nil
	}
	scratches.Put(s)
}

// A seam is a token of a window at which the next window may begin.
type seam struct{ begin, end, before int } // before counts the tokens left of it

// countLong returns the number of tokens of piece, merging at most width bytes at a time.
//
// A token sequence is the encoding of its text if and only if each two neighbours are the encoding of theirs. So a
// window's tokens, taken from any of them on, encode their own text, and when the next window begins at such a token
// and begins with that same token, both sequences joined there encode the text of both windows: the count is exact.
// The end of a window may differ from the whole, so the seam lies well before it, and further back when the tokens
// disagree. Should they disagree at every seam, which no text is known to cause, the piece is cut at the last one and
// may count a few tokens off.
func (s *scratch) countLong(v *vocabulary, piece []byte, width int) int {
	total := 0
	s.merge(v, piece[:min(len(piece), width)])
	for len(piece) > width {
		var at seam
		for back := width / 64; back <= width/2; back *= 4 {
			// Going further back needs the first window again.
			if back > width/64 {
				s.merge(v, piece[:width])
			}
			at = s.seam(width - back)
			rest := piece[at.begin:]
			s.merge(v, rest[:min(len(rest), width)])
			if int(s.next[0]) == at.end-at.begin {
				break
			}
		}
		total += at.before
		piece = piece[at.begin:]
	}
	for i := 0; i < len(piece); i = int(s.next[i]) {
		total++
	}
	return total
}

// seam returns the merged token that covers the byte at place.
func (s *scratch) seam(place int) seam {
	var at seam
	for at.end = int(s.next[0]); at.end <= place; at.end = int(s.next[at.begin]) {
		at.begin = at.end
		at.before++
	}
	return at
}

// merge leaves the tokens of piece in s.next. The time is n·log n: each merge takes one part away and puts at most two
// entries on the heap.
func (s *scratch) merge(v *vocabulary, piece []byte) {
	n := len(piece)
	if cap(s.next) < n {
		s.next, s.prev, s.rank = make([]int32, n), make([]int32, n), make([]uint32, n)
		s.heap = make([]uint64, 0, 2*n)
	}
	s.next, s.prev, s.rank, s.heap = s.next[:n], s.prev[:n], s.rank[:n], s.heap[:0]
	for i := range n {
		s.next[i], s.prev[i], s.rank[i] = int32(i+1), int32(i-1), none
		if i+1 < n {
			if rank := v.pair(piece[i:]); rank != none {
				s.rank[i] = rank
				s.heap = append(s.heap, uint64(rank)<<32|uint64(i))
			}
		}
	}
	for i := len(s.heap)/2 - 1; i >= 0; i-- {
		s.down(i)
	}
	for len(s.heap) > 0 {
		top := s.pop()
		i := int(uint32(top))
		if uint64(s.rank[i]) != top>>32 {
			continue
		}
		gone := int(s.next[i])
		after := int(s.next[gone])
		s.next[i] = int32(after)
		s.rank[gone] = none
		if after < n {
			s.prev[after] = int32(i)
		}
		s.rate(v, piece, i)
		if s.prev[i] >= 0 {
			s.rate(v, piece, int(s.prev[i]))
		}
	}
}

// rate looks up the union of the part that begins at i and the next.
func (s *scratch) rate(v *vocabulary, piece []byte, i int) {
	s.rank[i] = none
	next := int(s.next[i])
	if next == len(piece) {
		return
	}
	end := int(s.next[next])
	if end-i > v.longest {
		return
	}
	if rank := v.lookup(piece[i:end]); rank != none {
		s.rank[i] = rank
		s.push(uint64(rank)<<32 | uint64(i))
	}
}

func (s *scratch) push(entry uint64) {
	s.heap = append(s.heap, entry)
	i := len(s.heap) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if s.heap[parent] <= entry {
			break
		}
		s.heap[i] = s.heap[parent]
		i = parent
	}
	s.heap[i] = entry
}

func (s *scratch) pop() uint64 {
	top := s.heap[0]
	last := len(s.heap) - 1
	s.heap[0] = s.heap[last]
	s.heap = s.heap[:last]
	if last > 0 {
		s.down(0)
	}
	return top
}

func (s *scratch) down(i int) {
	h := s.heap
	entry := h[i]
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1] < h[child] {
			child++
		}
		if h[child] >= entry {
			break
		}
		h[i] = h[child]
		i = child
	}
	h[i] = entry
}
