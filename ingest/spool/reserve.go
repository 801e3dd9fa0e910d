package spool

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// The reserve is a file that holds room on the disk. When the disk is full it goes, and what it held is for records
// without bodies: these come to thousands for each megabyte. Bodies are kept again when there is room for a new one.
const (
	reserveName     = "reserve"
	largestReserve  = 8 << 20
	smallestReserve = 64 << 10 // less is not worth a file
)

func reserveSize(maxDisk int64) int64 {
	if n := min(largestReserve, maxDisk/64); n >= smallestReserve {
		return n
	}
	return 0
}

// keepReserve makes the reserve if it is not there and the disk has twice the room for it. A disk with less counts as full.
func (d *Disk) keepReserve() {
	d.mu.Lock()
	size, held := d.reserve, d.reserved
	d.mu.Unlock()
	if size == 0 || held {
		return
	}
	path := filepath.Join(d.cfg.Dir, reserveName)
	if info, err := os.Stat(path); err == nil && info.Size() == size { // of the process before
		d.hold()
		return
	}
	if free, err := freeBytes(d.cfg.Dir); err != nil || free < 2*size {
		return
	}
	if err := writeReserve(path, size); err != nil {
		return // it is tried again; meanwhile the spool says that it is full
	}
	d.hold()
}

func (d *Disk) hold() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.reserved = true
}

// spendReserve gives the reserve's room free. The caller has the turn.
func (d *Disk) spendReserve() {
	d.mu.Lock()
	held := d.reserved
	d.reserved = false
	d.mu.Unlock()
	if !held {
		return
	}
	if err := os.Remove(filepath.Join(d.cfg.Dir, reserveName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.cfg.Log.Error("the reserve of a full spool could not be removed", "dir", d.cfg.Dir, "error", err)
	}
}

// writeReserve fills a file with bytes that no file system makes smaller.
func writeReserve(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	source := rand.NewChaCha8([32]byte{})
	b := make([]byte, 64<<10)
	for n := int64(0); n < size && err == nil; n += int64(len(b)) {
		_, _ = source.Read(b) // never fails
		_, err = f.Write(b)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// seeToRoom has records leave the sooner, and in smaller segments, the less room there is: at the latest when they take
// an eighth of it.
func (d *Disk) seeToRoom() {
	const often = 500 * time.Millisecond
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	if d.enough > 0 && now.Sub(d.looked) < often {
		return
	}
	d.looked = now
	d.enough, d.segment = min(d.cfg.MaxBytes, d.cfg.MaxDisk/8), d.cfg.SegmentBytes
	if free, err := freeBytes(d.cfg.Dir); err == nil {
		d.enough = max(1, min(d.enough, free/8))
		d.segment = min(d.segment, max((free+d.bytes)/8, smallestReserve))
	}
}
