package spool

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// spoolID is a spool's own: random, made with it, the beginning of every token of its batches.
type spoolID [16]byte

// String gives 32 hex digits.
func (id spoolID) String() string { return hex.EncodeToString(id[:]) }

// The format of the files. A reader refuses a higher major; a higher minor has fields and kinds of frame that it skips.
const (
	formatMajor = 1
	formatMinor = 0
)

// ErrNewer says that a file was written in a format that this weir does not know.
var ErrNewer = errors.New("written by a newer weir")

// segmentHead is how a segment begins:
//
//	0 magic (8) · 8 major (2) · 10 minor (2) · 12 length of the head (4) · 16 spool's id (16) · 32 first record (8)
//	40 time (8), µs · 48 sequence number (8) · 56 zero (4) · 60 checksum of 0–60
const segmentHead = 64

var segmentMagic = []byte("WEIRSPL\n")

type segmentHeader struct {
	major, minor uint16
	length       int64
	id           spoolID
	first        int64 // number of the first record, if there is any
	created      time.Time
	seq          int64
}

func putSegmentHeader(id spoolID, seq, first int64, created time.Time) []byte {
	b := make([]byte, segmentHead)
	copy(b, segmentMagic)
	binary.LittleEndian.PutUint16(b[8:], formatMajor)
	binary.LittleEndian.PutUint16(b[10:], formatMinor)
	binary.LittleEndian.PutUint32(b[12:], segmentHead)
	copy(b[16:], id[:])
	binary.LittleEndian.PutUint64(b[32:], uint64(first))
	binary.LittleEndian.PutUint64(b[40:], uint64(created.UnixMicro()))
	binary.LittleEndian.PutUint64(b[48:], uint64(seq))
	putSum(b)
	return b
}

// putSum fills the checksum of a file's head in.
func putSum(b []byte) { binary.LittleEndian.PutUint32(b[60:], crc32.Checksum(b[:60], table)) }

var errNoHeader = errors.New("the segment's head is damaged")

// readSegmentHeader reads how a segment begins: errNoHeader when that is damaged, ErrNewer when it is of a higher major.
func readSegmentHeader(r io.ReaderAt) (segmentHeader, error) {
	b := make([]byte, segmentHead)
	if _, err := r.ReadAt(b, 0); errors.Is(err, io.EOF) {
		return segmentHeader{}, errNoHeader
	} else if err != nil {
		return segmentHeader{}, err
	}
	if !bytes.HasPrefix(b, segmentMagic) || binary.LittleEndian.Uint32(b[60:]) != crc32.Checksum(b[:60], table) {
		return segmentHeader{}, errNoHeader
	}
	h := segmentHeader{
		major: binary.LittleEndian.Uint16(b[8:]), minor: binary.LittleEndian.Uint16(b[10:]), length: int64(binary.LittleEndian.Uint32(b[12:])),
		id: spoolID(b[16:32]), first: int64(binary.LittleEndian.Uint64(b[32:])),
		created: time.UnixMicro(int64(binary.LittleEndian.Uint64(b[40:]))).UTC(), seq: int64(binary.LittleEndian.Uint64(b[48:])),
	}
	if h.major > formatMajor {
		return h, fmt.Errorf("%w: spool format %d, this weir reads %d", ErrNewer, h.major, formatMajor)
	}
	return h, nil
}

// segment is one file of the spool as the spool itself knows it.
type segment struct {
	seq    int64
	path   string
	first  int64 // number of its first record
	last   int64 // number of its last record; less than first when it has none
	start  int64 // where its frames begin
	size   int64 // bytes that can be read
	synced int64 // bytes that are known to be on the disk
	open   int   // admissions in it whose calls are under way
	failed bool  // an fsync of it failed: the next may say that all is well, and is not believed
}

const segmentSuffix = ".seg"

func segmentName(seq int64) string { return fmt.Sprintf("%016d%s", seq, segmentSuffix) }

// segmentFiles lists the segments of a directory by sequence number, oldest first.
func segmentFiles(dir string) ([]segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []segment
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), segmentSuffix)
		seq, err := strconv.ParseInt(name, 10, 64)
		if !ok || err != nil || seq <= 0 || e.IsDir() {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, os.ErrNotExist) {
			continue // written and removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		out = append(out, segment{seq: seq, path: filepath.Join(dir, e.Name()), start: segmentHead, size: info.Size(), synced: info.Size()})
	}
	slices.SortFunc(out, func(a, b segment) int { return int(a.seq - b.seq) })
	return out, nil
}

// appendFile is the file that is being written. Tests put one in its place that fails.
type appendFile interface {
	io.WriteCloser
	Sync() error
	Truncate(size int64) error
}

// createFile makes a file for appending.
func createFile(path string) (appendFile, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
}

// syncDir makes a directory's list of files outlive a power cut.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
