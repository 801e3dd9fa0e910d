package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// sweep removes segments whose records are all settled. closing says that the active one may go too.
func (d *Disk) sweep(closing bool) {
	d.keepReserve()
	d.noteRoom()
	for {
		d.mu.Lock()
		var seg *segment
		if len(d.segments) > 0 && d.segments[0].last <= d.settled.Done {
			seg = d.segments[0]
		}
		active, open, full := seg != nil && seg == d.active, 0, d.full != nil
		if seg != nil {
			open = seg.open
		}
		empty := active && seg.size <= segmentHead
		d.mu.Unlock()
		if seg == nil || active && (open > 0 || empty && !closing || !full && !closing) {
			return
		}
		if active {
			d.turn.Lock()
			if d.active == seg && seg.last <= d.settledTo() && seg.open == 0 {
				d.leave()
			}
			d.turn.Unlock()
			if d.isActive(seg) {
				return
			}
			continue
		}
		if err := d.remove(seg, open); err != nil {
			if d.stays != seg { // said once, not at every look
				d.stays = seg
				d.cfg.Log.Warn("a spool segment that is done with stays", "segment", seg.path, "error", err)
			}
			return
		}
	}
}

func (d *Disk) settledTo() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.settled.Done
}

func (d *Disk) isActive(seg *segment) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.active == seg
}

// remove takes a segment away once what it says is elsewhere.
func (d *Disk) remove(seg *segment, open int) error {
	if open == 0 {
		return d.unlink(seg)
	}
	d.turn.Lock()
	defer d.turn.Unlock()
	b, err := d.underWay(seg)
	if err != nil {
		return fmt.Errorf("carry admissions on: %w", err)
	}
	err = d.carry(b)
	if !isFull(err) {
		if err == nil {
			err = d.unlink(seg)
		}
		return err
	}
	// Nothing but this segment's end makes room for what is carried on. Should weir die in between, these calls are not
	// recorded as lost.
	if err := d.unlink(seg); err != nil {
		return err
	}
	if err := d.carry(b); err != nil {
		d.cfg.Log.Error("admissions of calls under way went with their segment: these calls will not be recorded as lost", "calls", open, "error", err)
	}
	return nil
}

// unlink removes a segment's file.
func (d *Disk) unlink(seg *segment) error {
	d.book.Lock()
	err := d.ck.sync() // or a power cut could bring back a state in which these records wait
	d.book.Unlock()
	if err != nil {
		return err
	}
	if err := os.Remove(seg.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.segments = d.segments[1:]
	d.bytes -= seg.size
	return nil
}

// underWay copies the admissions of a segment whose calls are under way. The caller has the turn.
func (d *Disk) underWay(seg *segment) ([]byte, error) {
	f, err := os.Open(seg.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var b []byte
	s := newScanner(f, d.seal, seg.start, seg.size)
	for {
		fr, _, ok := s.next()
		if !ok {
			return b, s.err
		}
		if fr.kind == kindAdmission && d.open[string(findID(fr.meta))] == seg {
			b = d.seal.putFrame(b, &fr)
		}
	}
}

// carry appends admissions to the active segment. The caller has the turn.
func (d *Disk) carry(b []byte) error {
	if len(b) > 0 {
		if err := d.put(b); err != nil {
			return fmt.Errorf("carry admissions on: %w", err)
		}
	}
	if d.cfg.Fsync != FsyncNever {
		return d.syncActive()
	}
	return nil
}
