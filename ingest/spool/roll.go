package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// roll makes sure that there is a segment to append to. The caller has the turn.
func (d *Disk) roll() error {
	d.mu.Lock()
	limit := d.segment
	d.mu.Unlock()
	if d.active != nil && d.active.size >= limit {
		d.leave()
	}
	if d.active != nil {
		return nil
	}
	return d.begin(d.last+1, nil)
}

// begin makes the next segment, with frames in it that were written before or none.
func (d *Disk) begin(first int64, copies []byte) error {
	seg := &segment{seq: d.seq + 1, first: first, last: first - 1, start: segmentHead, size: segmentHead + int64(len(copies))}
	if len(copies) > 0 {
		seg.last = d.last
	}
	seg.path = filepath.Join(d.cfg.Dir, segmentName(seg.seq))
	f, err := d.cfg.create(seg.path)
	if err != nil {
		return fmt.Errorf("make spool segment: %w", err)
	}
	if err := writeAll(f, putSegmentHeader(d.id, seg.seq, first, d.now()), copies); err != nil {
		return fmt.Errorf("make spool segment: %w", errors.Join(err, f.Close(), os.Remove(seg.path)))
	}
	d.seq = seg.seq
	d.mu.Lock()
	old := d.file
	d.file, d.active, d.newFile = f, seg, true
	d.segments = append(d.segments, seg)
	d.bytes += seg.size
	d.mu.Unlock()
	if old != nil {
		_ = old.Close() // what it holds is written, or copied here
	}
	return nil
}

// leave syncs the active segment and appends nothing more to it; the next record makes another.
func (d *Disk) leave() {
	seg := d.active
	if seg == nil {
		return
	}
	if d.cfg.Fsync != FsyncNever {
		d.noteSync(d.syncActive()) // a failure puts another in its place
	}
	if d.active != seg {
		return
	}
	d.mu.Lock()
	f := d.file
	d.file, d.active = nil, nil
	d.mu.Unlock()
	_ = f.Close() // its bytes are written
}
