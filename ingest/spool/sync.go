package spool

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// soil tells the syncer that there is something to bring to the disk.
func (d *Disk) soil() {
	d.mu.Lock()
	told := d.dirty
	d.dirty = true
	d.mu.Unlock()
	if !told {
		nudge(d.soiled)
	}
}

// keepSynced brings to the disk what was written since it last looked, at most every FsyncEvery.
func (d *Disk) keepSynced() {
	const longest = 5 * time.Second
	pause := d.cfg.FsyncEvery
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-d.stop:
			return
		case <-d.soiled:
		}
		timer.Reset(pause)
		select {
		case <-d.stop:
			return
		case <-timer.C:
		}
		if err := d.sync(); err != nil {
			pause = min(2*pause, longest)
			d.soil()
		} else {
			pause = d.cfg.FsyncEvery
		}
	}
}

// sync brings segments and counts to the disk.
func (d *Disk) sync() error {
	d.mu.Lock()
	d.dirty = false
	counts := d.settled
	d.mu.Unlock()
	var err error
	if d.cfg.Fsync == FsyncInterval {
		err = d.syncBeside()
	}
	d.book.Lock()
	defer d.book.Unlock()
	st := &d.ck.state
	if st.Dropped != counts.Dropped || st.BodiesDropped != counts.BodiesDropped || st.AtRisk != counts.AtRisk {
		err = errors.Join(err, d.save(func(*state) {}))
	}
	return err
}

var errSyncedBadly = errors.New("an earlier fsync of this segment failed")

// syncBeside syncs the active segment without holding up those who write to it.
func (d *Disk) syncBeside() error {
	d.mu.Lock()
	seg, f := d.active, d.file
	if seg == nil || seg.size == seg.synced {
		d.mu.Unlock()
		return nil
	}
	size, err := seg.size, error(nil)
	if seg.failed {
		err = errSyncedBadly
	}
	d.mu.Unlock()
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = d.synced(seg, size)
		d.noteSync(err)
		return err
	}
	d.turn.Lock()
	defer d.turn.Unlock()
	if d.active != seg {
		return nil // it was synced when it was left
	}
	err = d.reseat(err)
	d.noteSync(err)
	return err
}

// syncActive syncs the active segment. The caller has the turn.
func (d *Disk) syncActive() error {
	seg := d.active
	if seg == nil {
		return nil
	}
	d.mu.Lock()
	clean, failed := seg.synced == seg.size, seg.failed
	d.mu.Unlock()
	switch {
	case clean:
		return nil
	case failed:
		return d.reseat(errSyncedBadly)
	}
	if err := d.file.Sync(); err != nil {
		return d.reseat(err)
	}
	return d.synced(seg, seg.size)
}

// synced notes that a segment is on the disk up to size, and brings the directory there when a name is new.
func (d *Disk) synced(seg *segment, size int64) error {
	d.mu.Lock()
	seg.synced = max(seg.synced, size)
	fresh := d.newFile
	d.newFile = false
	d.mu.Unlock()
	if fresh {
		if err := syncDir(d.cfg.Dir); err != nil {
			d.mu.Lock()
			d.newFile = true
			d.mu.Unlock()
			return fmt.Errorf("sync spool directory: %w", err)
		}
	}
	return nil
}

// reseat leaves a segment whose fsync failed, after which the system takes its bytes for written although they may not
// be, and puts a copy of what was not synced into the next one. The records keep their numbers: who reads both skips
// the second. The caller has the turn.
func (d *Disk) reseat(cause error) error {
	old := d.active
	d.mu.Lock()
	old.failed = true
	d.mu.Unlock()
	d.cfg.Log.Error("fsync of a spool segment failed: its unsynced records go to the next one", "segment", old.path, "error", cause)
	copies, first, err := d.unsyncedFrames(old)
	if err == nil {
		err = d.begin(first, copies)
	}
	if err != nil {
		return errors.Join(cause, err)
	}
	d.move(copies)
	if err := d.file.Sync(); err != nil {
		d.mu.Lock()
		d.active.failed = true
		d.mu.Unlock()
		return fmt.Errorf("sync spool segment: %w", err)
	}
	return d.synced(d.active, d.active.size)
}

// unsyncedFrames reads back what was written to a segment since its last fsync, and the number of the first record.
func (d *Disk) unsyncedFrames(seg *segment) (b []byte, first int64, err error) {
	f, err := os.Open(seg.path)
	if err != nil {
		return nil, 0, fmt.Errorf("read unsynced records: %w", err)
	}
	defer f.Close()
	first = d.last + 1
	s := newScanner(f, d.seal, max(seg.synced, seg.start), seg.size)
	for {
		fr, _, ok := s.next()
		if !ok {
			break
		}
		first = min(first, fr.number)
		start := len(b)
		b = d.seal.putFrame(b, &fr)
		d.seal.stamp(b[start:start+headSize], fr.number)
	}
	if s.err != nil {
		return nil, 0, fmt.Errorf("read unsynced records of %s: %w", seg.path, s.err)
	}
	return b, first, nil
}

// noteSync logs the change between failing and working.
func (d *Disk) noteSync(err error) {
	d.mu.Lock()
	was := d.unsynced
	d.unsynced = nil
	if err != nil {
		d.unsynced = fmt.Errorf("records in the spool %s may not outlive a power cut: %w", d.cfg.Dir, err)
	}
	d.mu.Unlock()
	switch {
	case err != nil && was == nil:
		d.cfg.Log.Error("spool is not synced", "dir", d.cfg.Dir, "error", err)
	case err == nil && was != nil:
		d.cfg.Log.Info("spool is synced again", "dir", d.cfg.Dir)
	}
}
