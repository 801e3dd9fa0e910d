package spool

import (
	"fmt"
	"time"
)

// allows says whether the bound leaves room for so many bytes. Bodies may fill nine tenths of it.
func (d *Disk) allows(size int, bodies bool) bool {
	limit := d.cfg.MaxDisk
	if bodies {
		if time.Now().Before(d.bodiesOff) {
			return false
		}
		limit -= limit / 10
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if bodies && d.reserve > 0 && !d.reserved {
		return false
	}
	return d.bytes+int64(size) <= limit
}

// squeeze writes one frame, without its bodies if there is no other way, and says false when there is none at all.
func (d *Disk) squeeze(b []byte, bodies ...[]byte) bool {
	h := readHead(b)
	var err error
	if d.allows(h.size(), true) {
		if err = d.put(b, bodies...); err == nil {
			return true
		}
		d.bodiesOff = time.Now().Add(fullPause)
		if isFull(err) {
			d.spendReserve()
		}
	}
	hadBodies := h.request+h.response > 0
	if hadBodies {
		b = d.lean(b)
	}
	if err = d.boundError(); d.allows(len(b), false) {
		err = d.put(b)
	}
	d.mu.Lock()
	switch {
	case h.kind != kindRecord:
	case err != nil:
		d.settled.Dropped++
	case hadBodies:
		d.settled.BodiesDropped++
	}
	d.mu.Unlock()
	cause := err
	if cause == nil {
		cause = d.boundError()
	}
	if err != nil || hadBodies {
		d.noteFull(cause)
	}
	return err == nil
}

func (d *Disk) boundError() error {
	return fmt.Errorf("its segments have reached their bound of %d bytes, or the disk its end", d.cfg.MaxDisk)
}

// lean is a frame without its bodies; b begins with its head and its fields.
func (d *Disk) lean(b []byte) []byte {
	h := readHead(b)
	f := frame{kind: h.kind, flags: h.flags | flagBodyDropped, at: h.at, meta: b[headSize : headSize+h.meta]}
	return d.seal.putFrame(nil, &f)
}

// noteFull and noteRoom log the change, not every record.
func (d *Disk) noteFull(cause error) {
	d.mu.Lock()
	first := d.full == nil
	d.fullAt = time.Now()
	d.full = fmt.Errorf("the spool %s has no room, records lose their bodies or are dropped (free disk space, raise its bound, or see why the store does not take records): %w", d.cfg.Dir, cause)
	d.mu.Unlock()
	if first {
		d.cfg.Log.Error("spool is full: records lose their bodies, then are dropped", "dir", d.cfg.Dir, "error", cause)
	}
	d.soil()
	nudge(d.wake) // a segment that is done with can make room
}

func (d *Disk) noteRoom() {
	d.mu.Lock()
	was := d.full != nil && (d.reserved || d.reserve == 0) && d.bytes <= d.cfg.MaxDisk*3/4 && time.Since(d.fullAt) > fullPause
	if was {
		d.full = nil
	}
	d.mu.Unlock()
	if was {
		d.cfg.Log.Info("spool has room again", "dir", d.cfg.Dir)
	}
}
