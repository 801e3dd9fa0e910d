package tokens

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/pkoukk/tiktoken-go-loader/assets"
)

// SHA-256 of the vocabulary files, as OpenAI's tiktoken pins them.
const (
	o200kSum  = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
	cl100kSum = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"
)

const (
	none     = math.MaxUint32 // not a token
	rankBits = 18             // of a slot; the rest is a tag of the token's hash
	tagShift = 64 - (32 - rankBits)
)

// A vocabulary holds the tokens of one encoding, in two flat slices so that it loads fast and the garbage collector
// has nothing to walk. It never changes once loaded.
type vocabulary struct {
	next    func(text []byte, i int) int // end of the piece that starts at i
	blob    []byte                       // all tokens, by rank
	start   []uint32                     // token r is blob[start[r]:start[r+1]]
	slots   []uint32                     // open addressing: tag<<rankBits | rank+1, 0 when free
	pairs   []uint32                     // rank of two-byte tokens by their bytes, or none
	longest int                          // bytes of the longest token
}

// mustLoad panics when the file is not the one this program was written against. go.sum pins it, so that can only
// happen in a build that replaced the module.
func mustLoad(enc Encoding, sum string, next func([]byte, int) int) *vocabulary {
	name := string(enc) + ".tiktoken"
	file, err := assets.Assets.ReadFile(name)
	if err != nil {
		panic(fmt.Sprintf("tokens: read vocabulary %s: %v; build with tiktoken-go-loader v0.0.2", name, err))
	}
	if got := sha256.Sum256(file); hex.EncodeToString(got[:]) != sum {
		panic(fmt.Sprintf("tokens: vocabulary %s has SHA-256 %x, want %s; build with tiktoken-go-loader v0.0.2", name, got, sum))
	}
	v, err := parse(file)
	if err != nil {
		panic(fmt.Sprintf("tokens: read vocabulary %s: %v", name, err))
	}
	v.next = next
	classify()
	return v
}

// parse reads lines of a base64 token, a space and its rank, in the order of ranks.
func parse(file []byte) (*vocabulary, error) {
	lines := bytes.Count(file, []byte("\n")) + 1
	v := &vocabulary{
		start: make([]uint32, 1, lines+1),
		slots: make([]uint32, 1<<bits.Len(uint(lines)*3/2)),
		pairs: make([]uint32, 1<<16),
	}
	for i := range v.pairs {
		v.pairs[i] = none
	}
	blob := make([]byte, 0, len(file)/2)
	for rank := 0; len(file) > 0; rank++ {
		line := file
		if end := bytes.IndexByte(file, '\n'); end >= 0 {
			line, file = file[:end], file[end+1:]
		} else {
			file = nil
		}
		word, number, ok := bytes.Cut(line, []byte(" "))
		if !ok || !isNumber(number, rank) {
			return nil, fmt.Errorf("line %d: want a token and rank %d, got %q", rank+1, rank, line)
		}
		if rank+1 >= 1<<rankBits {
			return nil, errors.New("too many tokens")
		}
		begin := len(blob)
		var err error
		if blob, err = base64.StdEncoding.AppendDecode(blob, word); err != nil {
			return nil, fmt.Errorf("line %d: %w", rank+1, err)
		}
		v.start = append(v.start, uint32(len(blob)))
		v.insert(blob[begin:], uint32(rank))
	}
	v.blob = bytes.Clone(blob)
	return v, nil
}

func isNumber(digits []byte, want int) bool {
	n := 0
	for _, d := range digits {
		n = n*10 + int(d-'0')
	}
	return n == want && len(digits) > 0
}

func (v *vocabulary) insert(token []byte, rank uint32) {
	v.longest = max(v.longest, len(token))
	if len(token) == 2 {
		v.pairs[int(token[0])<<8|int(token[1])] = rank
	}
	h := hash(token)
	mask := uint64(len(v.slots) - 1)
	i := h & mask
	for v.slots[i] != 0 {
		i = (i + 1) & mask
	}
	v.slots[i] = uint32(h>>tagShift)<<rankBits | (rank + 1)
}

// lookup returns the rank of b, or none.
func (v *vocabulary) lookup(b []byte) uint32 {
	h := hash(b)
	tag := uint32(h >> tagShift)
	mask := uint64(len(v.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		slot := v.slots[i]
		if slot == 0 {
			return none
		}
		if slot>>rankBits != tag {
			continue
		}
		rank := slot&(1<<rankBits-1) - 1
		if bytes.Equal(v.blob[v.start[rank]:v.start[rank+1]], b) {
			return rank
		}
	}
}

// hash is a multiply-and-fold hash of short strings: the words overlap at the tail rather than being padded.
func hash(b []byte) uint64 {
	const k0, k1 = 0x9e3779b97f4a7c15, 0xd6e8feb86659fd93
	n := len(b)
	h := uint64(n) * k1
	var last uint64
	switch {
	case n >= 8:
		for i := 0; i+8 < n; i += 8 {
			h = fold(h^binary.LittleEndian.Uint64(b[i:]), k0)
		}
		last = binary.LittleEndian.Uint64(b[n-8:])
	case n >= 4:
		last = uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<32
	case n > 0:
		last = uint64(b[0])<<16 | uint64(b[n/2])<<8 | uint64(b[n-1])
	}
	return fold(h^last, k1)
}

func fold(x, y uint64) uint64 {
	hi, lo := bits.Mul64(x, y)
	return hi ^ lo
}
