package text

import "slices"

// Grams gives n-grams numbers, one order at a time. An n-gram is numbered by its beginning's number and its last item, so that
// equal numbers are equal n-grams whatever the order, and no hash can make two of them one. The zero value is ready. It keeps
// its room, and is for one goroutine.
type Grams struct {
	slots []gram // a power of two of them, at most half full
	now   uint32 // slots of another time are free
	n     int
}

type gram struct {
	key  uint64 // the beginning's number and the last item
	id   int32
	time uint32
}

// Reset forgets all numbers; the next are of another order.
func (g *Grams) Reset() {
	g.n = 0
	if g.now++; g.now == 0 {
		clear(g.slots)
		g.now = 1
	}
	if g.slots == nil {
		g.slots = make([]gram, 256)
	}
}

// Len is how many numbers were given since Reset: 0 to Len-1.
func (g *Grams) Len() int { return g.n }

// find gives the slot of a key, or the free one where it belongs.
func (g *Grams) find(key uint64) *gram {
	mask := uint64(len(g.slots) - 1)
	h := key * 0x9E3779B97F4A7C15 // Fibonacci hashing: Knuth, volume 3, 6.4
	for i := (h >> 32) & mask; ; i = (i + 1) & mask {
		if s := &g.slots[i]; s.time != g.now || s.key == key {
			return s
		}
	}
}

func (g *Grams) grow() {
	old := g.slots
	g.slots = make([]gram, 2*len(old))
	for _, s := range old {
		if s.time == g.now {
			*g.find(s.key) = s
		}
	}
}

// Extend gives the n-grams of items numbers, in place of shorter, the numbers of those of one order less, which is not looked
// at for order 1 but needs the room of items. One that has no number yet gets one if add is set, else -1.
func (g *Grams) Extend(shorter, items []int32, order int, add bool) []int32 {
	n := max(0, len(items)-order+1)
	for i := range n {
		key := uint64(uint32(items[i]))
		if order > 1 {
			if shorter[i] < 0 {
				continue
			}
			key = uint64(uint32(shorter[i]))<<32 | uint64(uint32(items[i+order-1]))
		}
		s := g.find(key)
		switch {
		case s.time == g.now:
			shorter[i] = s.id
		case add:
			*s = gram{key, int32(g.n), g.now}
			shorter[i] = int32(g.n)
			if g.n++; 2*g.n > len(g.slots) {
				g.grow()
			}
		default:
			shorter[i] = -1
		}
	}
	return shorter[:n]
}

// Words gives tokens numbers. The zero value is ready. It is for one goroutine.
type Words struct{ ids map[string]int32 }

// mostWords bounds how many tokens are remembered from one Reset to the next.
const mostWords = 1 << 16

// Reset may forget all tokens, and does when there are many.
func (w *Words) Reset() {
	if w.ids == nil || len(w.ids) > mostWords {
		w.ids = map[string]int32{}
	}
}

// ID is the token's number, the same for equal tokens since Reset.
func (w *Words) ID(token []byte) int32 {
	id, ok := w.ids[string(token)]
	if !ok {
		id = int32(len(w.ids))
		w.ids[string(token)] = id
	}
	return id
}

// Zeroed gives n zeros, in the room of s if there is enough.
func Zeroed(s []int32, n int) []int32 {
	s = slices.Grow(s[:0], n)[:n]
	clear(s)
	return s
}
