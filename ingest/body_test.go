package ingest

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"
)

// What is announced need not come: memory is set aside as bytes arrive, and what comes is read whole whatever was announced.
func TestBodiesAreReadWhole(t *testing.T) {
	for _, size := range []int{0, 1, 1000, 8 << 10, 8<<10 + 1, unseen - 1, unseen, unseen + 1, 3*unseen + 7} {
		body := bytes.Repeat([]byte("0123456"), size/7+1)[:size]
		for _, announced := range []int64{-1, 0, 1, int64(size), int64(size) + 1, 20 << 20} {
			for name, r := range map[string]io.Reader{"at once": bytes.NewReader(body), "in halves": iotest.HalfReader(bytes.NewReader(body))} {
				got, err := readAll(r, announced)
				if err != nil || !bytes.Equal(got, body) {
					t.Errorf("%d bytes, announced %d, %s: got %d, %v", size, announced, name, len(got), err)
				}
				if most := max(4*size, unseen+1); cap(got) > most {
					t.Errorf("%d bytes, announced %d, %s: %d were set aside, want at most %d", size, announced, name, cap(got), most)
				}
			}
		}
	}
}
