package parquet

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// errLarge says that there is more in something compressed than was said.
var errLarge = errors.New("there is more in it than it says")

// unpack decompresses a page that is said to have size bytes. A page may lie: it is looked at before room is made for it.
func unpack(codec format.CompressionCodec, page []byte, size int) ([]byte, error) {
	switch codec {
	case format.Uncompressed:
		return page, nil
	case format.Snappy:
		n, w := binary.Uvarint(page)
		if w <= 0 || n > uint64(size) {
			return nil, errLarge
		}
	case format.Gzip:
		return gunzip(page, size)
	case format.Zstd:
		if err := checkZstd(page, size); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("it is compressed with %s, which is not read: write it with zstd, snappy, gzip or none", codec)
	}
	out, err := parquet.LookupCompressionCodec(codec).Decode(make([]byte, 0, size), page)
	if err == nil && len(out) > size {
		err = errLarge
	}
	return out, err
}

func gunzip(page []byte, size int) ([]byte, error) {
	from, err := gzip.NewReader(bytes.NewReader(page))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(from, int64(size)+1))
	if err == nil && len(out) > size {
		err = errLarge
	}
	return out, err
}

// zstdBlock is how much a block of Zstandard holds at most.
const zstdBlock = 128 << 10

// checkZstd walks over the blocks of a frame of Zstandard (RFC 8878): what it holds is what it says, or what so many blocks can hold.
func checkZstd(b []byte, size int) error {
	if len(b) < 6 || binary.LittleEndian.Uint32(b) != 0xFD2FB528 {
		return errors.New("it is not Zstandard")
	}
	head := b[4]
	at := 5
	single := head&32 != 0
	if !single {
		at++
	}
	at += []int{0, 1, 2, 4}[head&3]
	wide := []int{0, 2, 4, 8}[head>>6]
	if wide == 0 && single {
		wide = 1
	}
	if at+wide > len(b) {
		return errShort
	}
	says := uint64(0)
	for i := range wide {
		says |= uint64(b[at+i]) << (8 * i)
	}
	if wide == 2 {
		says += 256
	}
	if at += wide; says > uint64(size) {
		return errLarge
	}
	blocks := 0
	for last := false; !last; blocks++ {
		if at+3 > len(b) {
			return errShort
		}
		block := uint32(b[at]) | uint32(b[at+1])<<8 | uint32(b[at+2])<<16
		last = block&1 != 0
		n := int(block >> 3)
		if block>>1&3 == 1 { // one byte, many times
			n = 1
		}
		at += 3 + n
	}
	if head&4 != 0 {
		at += 4
	}
	if at != len(b) {
		return errors.New("its Zstandard is not one frame")
	}
	if wide == 0 && blocks > size/zstdBlock+64 {
		return errLarge
	}
	return nil
}
