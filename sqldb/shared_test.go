package sqldb

import (
	"bytes"
	"testing"
)

func TestSharedBytes(t *testing.T) {
	stores(t, func(t *testing.T, open func(*testing.T) *DB) {
		db := open(t)
		first, second := []byte{0, 1, 0xfe, 0xff}, []byte{7}
		for _, own := range [][]byte{first, second, nil} {
			got, err := db.SharedBytes(t.Context(), "salt", own)
			if err != nil || !bytes.Equal(got, first) {
				t.Errorf("of one who brings %x: got %x, %v, want %x", own, got, err, first)
			}
		}
		if got, err := db.SharedBytes(t.Context(), "pepper", second); err != nil || !bytes.Equal(got, second) {
			t.Errorf("under another name: got %x, %v, want %x", got, err, second)
		}
	})
}
