package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/weir-dev/weir/trace"
)

// Open opens the spool of a directory, or makes one, and takes up where the process before left off: what is cut short
// at the end of the newest segment goes, calls that were admitted and not recorded are recorded as lost, and a batch
// that was being sent is sent again first. Close ends it.
//
// It refuses a directory that another process has open, that cannot be written, that has segments of another spool or of
// a newer weir (ErrNewer), each with what to do about it.
func Open(cfg Config) (*Disk, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	cfg.SegmentBytes = min(cfg.SegmentBytes, max(cfg.MaxDisk/16, segmentHead+1)) // full segments must be able to make room
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make spool directory %s (weir needs one that it can write to: choose another with --data): %w", cfg.Dir, err)
	}
	lock, err := takeLock(cfg.Dir)
	if err != nil {
		return nil, err
	}
	d := &Disk{
		cfg: cfg, base: time.Now(), lock: lock, open: map[string]*segment{}, group: &group{},
		wake: make(chan struct{}, 1), soiled: make(chan struct{}, 1), kicked: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	d.group = d.newGroup()
	d.seeToRoom()
	if err := d.recover(); err != nil {
		if d.ck != nil {
			err = errors.Join(err, d.ck.file.Close())
		}
		if d.file != nil {
			err = errors.Join(err, d.file.Close())
		}
		return nil, errors.Join(fmt.Errorf("open spool %s: %w", cfg.Dir, err), lock.Close())
	}
	d.reserve = reserveSize(cfg.MaxDisk)
	d.keepReserve()
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.loops.Go(d.keepSynced)
	if cfg.OnSlowDisk == SlowAnswer {
		d.loops.Go(d.keepWriting)
	}
	s := &sender{d: d, again: rereader{seal: d.seal}}
	d.loops.Go(s.run)
	return d, nil
}

const lockName = "lock"

// takeLock keeps a second process out of the directory.
func takeLock(dir string) (*os.File, error) {
	name := filepath.Join(dir, lockName)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("write to spool directory %s (weir needs one that it can write to: choose another with --data): %w", dir, err)
	}
	if err := lockFile(f); err != nil {
		holder, _ := io.ReadAll(io.LimitReader(f, 32))
		_ = f.Close() // nothing was written
		return nil, fmt.Errorf("the spool %s belongs to another weir that is running (process %s): stop it, or give this one another directory with --data",
			dir, strings.TrimSpace(string(holder)))
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt(fmt.Appendln(nil, os.Getpid()), 0)
	}
	if err != nil && !isFull(err) { // a full disk is no reason not to start
		return nil, errors.Join(fmt.Errorf("write to spool directory %s: %w", dir, err), f.Close())
	}
	return f, nil
}

// recover reads the directory.
func (d *Disk) recover() error {
	if err := removeTemporary(d.cfg.Dir); err != nil {
		return err
	}
	files, err := segmentFiles(d.cfg.Dir)
	if err != nil {
		return err
	}
	id, st, doubtful, err := readCheckpoint(d.cfg.Dir)
	missing := errors.Is(err, errNoCheckpoint)
	switch {
	case errors.Is(err, ErrNewer):
		return fmt.Errorf("%w: start that weir again, it takes care of these records", err)
	case err != nil && !missing:
		return err
	case missing:
		if id, err = d.idOf(files); err != nil {
			return err
		}
	}
	d.id, d.seal = id, newSeal(id)
	if err := d.readSegments(files); err != nil {
		return err
	}
	if missing && len(files) > 0 {
		if d.cfg.Holds == nil {
			return errors.New("its checkpoint is missing or damaged, so that it is not known which records are in the store: put the file back, or move the segments away and start with none")
		}
		doubtful = true
		st.Done = max(0, d.segments[0].first-1)
	}
	read := st
	if err := d.recoverQuarantine(&st, d.resend, missing); err != nil {
		return err
	}
	d.resend = resend{}
	if missing {
		if err := makeCheckpoint(d.cfg.Dir, id, st); err != nil {
			return fmt.Errorf("make checkpoint: %w", err)
		}
	}
	d.last = max(d.last, st.Done, st.ResentTo)
	if st.Intent != nil {
		d.last = max(d.last, st.Intent.Last)
	}
	if d.ck, err = openCheckpoint(d.cfg.Dir, id, st); err != nil {
		return err
	}
	d.settled = st
	if st != read && !missing {
		if err := d.save(func(*state) {}); err != nil {
			return err
		}
	}
	if err := d.clearLeaving(); err != nil {
		return err
	}
	d.began = d.settled
	if doubtful && d.last > st.Done {
		d.cfg.Log.Warn("spool checkpoint is damaged: the store is asked what it has before records are sent", "dir", d.cfg.Dir)
		if err := d.save(func(st *state) { st.Suspect = d.last }); err != nil {
			return err
		}
	}
	d.oldest = d.oldestWaiting()
	if n := d.last - d.settled.Done; n > 0 {
		d.cfg.Log.Info("spool has records from before", "records", n, "dir", d.cfg.Dir)
	}
	return d.recordLost()
}

// removeTemporary takes away what was half made when the process before ended.
func removeTemporary(dir string) error {
	for _, sub := range []string{"", quarantineDir} {
		names, err := filepath.Glob(filepath.Join(dir, sub, ".new-*"))
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// idOf takes the spool's id from its segments, or makes one when there are none.
func (d *Disk) idOf(files []segment) (spoolID, error) {
	for _, seg := range files {
		h, err := headerOf(seg.path)
		if err == nil {
			return h.id, nil
		}
		if !errors.Is(err, errNoHeader) {
			return spoolID{}, err
		}
	}
	return newSpoolID(), nil
}

func headerOf(path string) (segmentHeader, error) {
	f, err := os.Open(path)
	if err != nil {
		return segmentHeader{}, err
	}
	defer f.Close()
	h, err := readSegmentHeader(f)
	if errors.Is(err, ErrNewer) {
		return h, fmt.Errorf("segment %s: %w: start that weir again, it takes care of these records", path, err)
	}
	return h, err
}

// readSegments learns what the segments hold: how far the numbers go, and which calls were under way.
func (d *Disk) readSegments(files []segment) error {
	for i := range files {
		seg := &files[i]
		h, err := headerOf(seg.path)
		switch {
		case errors.Is(err, errNoHeader):
			if seg.size <= segmentHead && i == len(files)-1 { // made by a process that ended there
				d.seq = max(d.seq, seg.seq)
				if err := os.Remove(seg.path); err != nil {
					return err
				}
				continue
			}
			h = segmentHeader{id: d.id, length: segmentHead}
		case err != nil:
			return err
		case h.id != d.id:
			return fmt.Errorf("segment %s: %w", seg.path, strange(h.id, d.id))
		}
		seg.first, seg.start = h.first, h.length
		if err := d.readSegment(seg, i == len(files)-1); err != nil {
			return fmt.Errorf("segment %s: %w", seg.path, err)
		}
		d.seq = seg.seq
		d.segments = append(d.segments, seg)
		d.bytes += seg.size
	}
	return nil
}

// readSegment learns what one segment holds. What is cut short at the end of the newest was being written when the
// process ended, and was not promised to anybody.
func (d *Disk) readSegment(seg *segment, newest bool) error {
	f, err := os.Open(seg.path)
	if err != nil {
		return err
	}
	defer f.Close()
	s := newScanner(f, d.seal, seg.start, seg.size)
	last, unknown := int64(0), false
	s.damaged = func(_, _, number int64) {
		last = max(last, number)
		unknown = number == 0
	}
	for {
		fr, _, ok := s.next()
		if !ok {
			break
		}
		unknown = false
		switch fr.kind {
		case kindAdmission:
			d.admitted(string(findID(fr.meta)), seg)
			last = max(last, fr.number-1)
		case kindRecord:
			if seg.first == 0 { // its head is damaged
				seg.first = fr.number
			}
			last = max(last, fr.number)
			if origin := fr.origin(); origin > 0 && fr.number > d.resend.number {
				d.resend = resend{origin: origin, number: fr.number}
			}
			if under, ok := d.open[string(findID(fr.meta))]; ok {
				d.recorded(string(findID(fr.meta)), under)
			}
		}
	}
	if s.err != nil {
		return s.err
	}
	if seg.first == 0 {
		seg.first = max(d.last, last) + 1
	}
	last = max(last, seg.first-1)
	if newest && unknown {
		last++ // at least one record was in what is damaged at the end
	}
	seg.last = last
	d.last = max(d.last, last)
	if newest && s.torn >= 0 {
		d.cfg.Log.Info("spool segment was cut short by the end of the process before: its last, unfinished record goes", "segment", seg.path, "bytes", seg.size-s.torn)
		if err := os.Truncate(seg.path, s.torn); err != nil {
			return err
		}
		seg.size = s.torn
	}
	return nil
}

// oldestWaiting finds when the first record that is not settled was accepted.
func (d *Disk) oldestWaiting() time.Time {
	for _, seg := range d.segments {
		if seg.last <= d.settled.Done {
			continue
		}
		f, err := os.Open(seg.path)
		if err != nil {
			break // reading it again will say so
		}
		defer f.Close()
		s := newScanner(f, d.seal, seg.start, seg.size)
		for {
			fr, _, ok := s.next()
			if !ok {
				break
			}
			if fr.kind == kindRecord && fr.number > d.settled.Done {
				return d.fromFrame(fr.at)
			}
		}
	}
	return d.now()
}

// recordLost records the calls that were under way when the process before ended.
func (d *Disk) recordLost() error {
	if len(d.open) == 0 {
		return nil
	}
	d.turn.Lock()
	defer d.turn.Unlock()
	var records []*trace.Record
	for _, seg := range d.segments {
		if seg.open == 0 {
			continue
		}
		found, err := d.admissionsIn(seg)
		if err != nil {
			return err
		}
		records = append(records, found...)
	}
	// A power cut may have taken their records although the store has them already.
	d.book.Lock()
	err := d.save(func(st *state) { st.Suspect = max(st.Suspect, d.last+int64(len(records))) })
	d.book.Unlock()
	if err != nil {
		return err
	}
	for _, r := range records {
		b := putRecord(make([]byte, headSize), r)
		d.seal.putHead(b, &frame{kind: kindRecord, at: d.now().UnixMicro(), meta: b[headSize:]})
		if err := d.put(b); err != nil {
			d.cfg.Log.Error("lost calls could not be recorded; the next start tries again", "dir", d.cfg.Dir, "calls", len(d.open), "error", err)
			return nil
		}
		d.lost++
	}
	d.cfg.Log.Warn("calls were under way when weir ended: they are recorded as lost", "calls", d.lost)
	return nil
}

// admissionsIn gives the lost records of the calls whose admission in this segment is open.
func (d *Disk) admissionsIn(seg *segment) ([]*trace.Record, error) {
	f, err := os.Open(seg.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []*trace.Record
	seen := map[string]bool{}
	s := newScanner(f, d.seal, seg.start, seg.size)
	for {
		fr, _, ok := s.next()
		if !ok {
			return out, s.err
		}
		id := findID(fr.meta)
		if fr.kind != kindAdmission || d.open[string(id)] != seg || seen[string(id)] {
			continue
		}
		fr.meta = bytes.Clone(fr.meta)
		r := &trace.Record{}
		if err := fr.record(r); err != nil {
			d.cfg.Log.Error("an admission does not decode: its call is not recorded", "call", string(id), "error", err)
			continue
		}
		seen[r.Call.ID] = true
		lostRecord(r)
		out = append(out, r)
	}
}
