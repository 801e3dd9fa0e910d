package clickhouse

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/weir-dev/weir/trace"
)

// cursor is a place in a list: after what has this start and id. It is opaque outside, and belongs to the filter it was
// made for, of which it holds a sum without times: a page may be asked for with a later Since.
type cursor struct {
	start time.Time
	id    string
}

func (c cursor) encode(sum uint32) string {
	b := binary.BigEndian.AppendUint32(nil, sum)
	b = binary.BigEndian.AppendUint64(b, uint64(c.start.UnixMicro()))
	return base64.RawURLEncoding.EncodeToString(append(b, c.id...))
}

func decodeCursor(s string, sum uint32) (cursor, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) < 12 || binary.BigEndian.Uint32(b) != sum {
		return cursor{}, fmt.Errorf("cursor %.40q: %w: ask for the first page again", s, trace.ErrBadCursor)
	}
	return cursor{time.UnixMicro(int64(binary.BigEndian.Uint64(b[4:]))).UTC(), string(b[12:])}, nil
}

// filterSum tells filters apart, times aside.
func filterSum(f *trace.Filter) uint32 {
	h := fnv.New32a()
	fmt.Fprintf(h, "%q %v", f.Text, f.Unpriced)
	for _, c := range f.Conditions() {
		fmt.Fprintf(h, " %q %v %q", c.Field, c.Not, c.Values)
	}
	return h.Sum32()
}
