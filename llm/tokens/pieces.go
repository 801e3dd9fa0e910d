package tokens

import (
	"iter"
	"unsafe"
)

// Pieces cuts text as enc does before it merges: no token crosses the end of a piece. It yields where each piece ends and how
// many tokens it has; their sum is Count(enc, text). Of a long run of letters or of signs a piece can be as long as the text.
// The text must be valid UTF-8.
func Pieces(enc Encoding, text string) iter.Seq2[int, int] {
	return func(yield func(end, count int) bool) {
		v := load(enc)
		b := unsafe.Slice(unsafe.StringData(text), len(text)) // only read
		for i := 0; i < len(b); {
			end := v.next(b, i)
			if !yield(end, v.countPiece(b[i:end])) {
				return
			}
			i = end
		}
	}
}
