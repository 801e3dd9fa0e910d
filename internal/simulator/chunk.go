package simulator

import (
	"math/rand/v2"
	"regexp"
	"strings"
)

// piece is what one event of a stream carries.
type piece struct {
	call   int  // the call it belongs to; -1: text
	opens  bool // first piece of its call
	text   string
	tokens float64
}

var chunkWord = regexp.MustCompile(`\s*\S+\s*?`)

// pieces cuts the answer into what single events carry.
func (a answer) pieces(b Behaviour, r *rand.Rand) []piece {
	var out []piece
	if len(a.calls) == 0 {
		for _, s := range cut(a.text, b, r) {
			out = append(out, piece{call: -1, text: s})
		}
	}
	for i, c := range a.calls {
		out = append(out, piece{call: i, opens: true})
		for _, s := range cut(c.arguments, b, r) {
			out = append(out, piece{call: i, text: s})
		}
	}
	for i := range out {
		out[i].tokens = float64(a.tokens) / float64(len(out))
	}
	return out
}

// cut splits a text into chunks that join to it again.
func cut(text string, b Behaviour, r *rand.Rand) []string {
	if text == "" {
		return nil
	}
	var units []string
	end := 0
	for _, at := range chunkWord.FindAllStringIndex(text, -1) {
		units = append(units, text[end:at[1]])
		end = at[1]
	}
	if len(units) == 0 {
		units = []string{""}
	}
	units[len(units)-1] += text[end:]
	if strings.HasPrefix(text, "{") && len(units) < 8 || b.Chunks > len(units) { // JSON without spaces, or finer than words
		units = strings.SplitAfter(text, "")
		if b.Chunks == 0 {
			b.Chunks = max(1, len(text)/7)
		}
	}
	var out []string
	if n := min(b.Chunks, len(units)); n > 0 {
		for i := range n {
			out = append(out, strings.Join(units[i*len(units)/n:(i+1)*len(units)/n], ""))
		}
		return out
	}
	for len(units) > 0 {
		n := b.ChunkWords
		if n == 0 {
			n = 1 + r.IntN(3)
		}
		n = min(n, len(units))
		out = append(out, strings.Join(units[:n], ""))
		units = units[n:]
	}
	return out
}
