package spool

import "fmt"

// put numbers frames and appends them to the active segment: all, or none and an error. A segment that fails for
// another reason than want of room is left and the next one tried.
func (d *Disk) put(b []byte, bodies ...[]byte) error {
	err := d.putOnce(b, bodies...)
	if err != nil && !isFull(err) {
		d.leave()
		err = d.putOnce(b, bodies...)
	}
	return err
}

func (d *Disk) putOnce(b []byte, bodies ...[]byte) error {
	if err := d.roll(); err != nil {
		return err
	}
	records, size := d.number(b, len(bodies) > 0)
	err := writeAll(d.file, b, bodies...)
	if err != nil {
		if terr := d.file.Truncate(d.active.size); terr != nil {
			d.leave() // what was half written stays behind its end
		}
		return fmt.Errorf("write spool segment: %w", err)
	}
	for _, p := range bodies {
		size += len(p)
	}
	d.track(b, len(bodies) > 0)
	d.commit(records, int64(size))
	if d.cfg.Fsync == FsyncAlways {
		d.noteSync(d.syncActive())
	}
	return nil
}

func writeAll(f appendFile, b []byte, bodies ...[]byte) error {
	if _, err := f.Write(b); err != nil {
		return err
	}
	for _, p := range bodies {
		if len(p) == 0 {
			continue
		}
		if _, err := f.Write(p); err != nil {
			return err
		}
	}
	return nil
}

// number stamps the frames of b, of which the only one may go on elsewhere.
func (d *Disk) number(b []byte, single bool) (records int64, size int) {
	next := d.last + 1 // last changes under turn only
	for size < len(b) {
		h := readHead(b[size:])
		d.seal.stamp(b[size:size+headSize], next)
		if h.kind == kindRecord {
			next++
		}
		if single {
			return next - d.last - 1, len(b)
		}
		size += h.size()
	}
	return next - d.last - 1, size
}

// track keeps the list of calls that are admitted and not recorded.
func (d *Disk) track(b []byte, single bool) {
	for len(b) > 0 {
		h := readHead(b)
		id := findID(b[headSize : headSize+h.meta])
		switch h.kind {
		case kindAdmission:
			d.admitted(string(id), d.active)
		case kindRecord:
			if seg, ok := d.open[string(id)]; ok {
				d.recorded(string(id), seg)
			}
		}
		if single {
			return
		}
		b = b[h.size():]
	}
}

// commit makes what was written visible to the sender.
func (d *Disk) commit(records, size int64) {
	now := d.now()
	d.mu.Lock()
	if d.last == d.settled.Done && records > 0 {
		d.oldest, d.unread = now, 0
		nudge(d.wake)
	}
	d.last += records
	d.active.last = d.last
	d.active.size += size
	d.bytes += size
	d.unread += size
	if d.last-d.settled.Done >= int64(d.cfg.MaxRows) || d.unread >= d.enough {
		nudge(d.wake)
	}
	d.mu.Unlock()
	d.soil()
}
