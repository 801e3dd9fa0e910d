package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// A record that leaves the quarantine is in one place at any moment, whatever dies when.
//
// Resend appends it as a record with a number of its own, which names the number that it had (flagResent), and brings
// that to the disk. Then the checkpoint notes that it is counted under the new number, and then its file goes. A start
// that finds the new record finishes what is missing. Discard does the last two steps.

// flagResent says that the fields of a record end with the number that it had before its quarantine.
const flagResent = 2

// recordOrigin is the field with that number, beside recordCall and recordAttempt. The last one counts.
const recordOrigin = 3

// Errors of those who ask for a record in quarantine. Test with errors.Is.
var (
	ErrNotQuarantined = errors.New("no record in quarantine has this number or call id")
	ErrUndecodable    = errors.New("its bytes are no record that this weir can read: it can be kept for a newer weir, or discarded")
)

// resend is a record that was given back: the number it had, and the one it has. 0, 0 = none was.
type resend struct{ origin, number int64 }

// resent notes that a record is counted under its new number, once.
func (s *state) resent(r resend) {
	if r.number <= s.ResentTo {
		return
	}
	s.Quarantined--
	s.Resent++
	s.ResentTo, s.Leaving = r.number, r.origin
}

// origin is the number that a resent record had in quarantine, or 0.
func (f *frame) origin() int64 {
	if f.kind != kindRecord || f.flags&flagResent == 0 {
		return 0
	}
	var n int64
	fields := fields{rest: string(f.meta)}
	for fields.next() {
		if fields.is(recordOrigin, shapeVarint) {
			n = fields.int()
		}
	}
	return n
}

// Resend gives a record in quarantine back: it waits again, under a new number, and goes to the store if that takes it
// now, or back to quarantine. The store is asked first whether it has the call. ErrNotQuarantined, ErrUndecodable,
// ErrFull and ErrClosed leave all as it was.
func (d *Disk) Resend(number int64) error {
	if err := d.resendOne(number); err != nil {
		return fmt.Errorf("resend record %d: %w", number, err)
	}
	nudge(d.wake)
	d.cfg.Log.Info("record is out of quarantine and waits to be written", "record", number)
	return nil
}

func (d *Disk) resendOne(number int64) error {
	d.turn.Lock()
	defer d.turn.Unlock()
	if d.isClosed() {
		return ErrClosed
	}
	d.book.Lock()
	defer d.book.Unlock()
	f, err := d.inQuarantine(number)
	if err != nil {
		return err
	}
	next := d.last + 1 // last changes under turn only
	if err := d.save(func(st *state) { st.Suspect = max(st.Suspect, next) }); err != nil {
		return err
	}
	if err := d.clearLeaving(); err != nil {
		return err
	}
	f.kind, f.flags, f.at = kindRecord, f.flags|flagResent, d.now().UnixMicro()
	f.meta = putInt(f.meta, recordOrigin, number)
	b := d.seal.putFrame(nil, f)
	if !d.allows(len(b), true) {
		return ErrFull
	}
	d.mu.Lock()
	d.resend = resend{origin: number, number: next}
	d.mu.Unlock()
	if err := d.put(b); err != nil {
		d.mu.Lock()
		d.resend = resend{}
		d.mu.Unlock()
		return err
	}
	// It is given back from here on. What fails now is done by the next save, the next resend or the next start.
	err = d.syncActive()
	d.noteSync(err)
	if serr := d.save(func(*state) {}); serr != nil || err != nil {
		d.cfg.Log.Warn("a resent record's file stays in quarantine until the disk is well", "record", number, "error", errors.Join(err, serr))
		return nil
	}
	d.leftQuarantine(number)
	return nil
}

// Discard takes a record out of quarantine for good. It counts as dropped. ErrNotQuarantined when it is not there.
func (d *Disk) Discard(number int64) error {
	d.book.Lock()
	defer d.book.Unlock()
	f, err := d.inQuarantine(number)
	unreadable := errors.Is(err, ErrUndecodable)
	if err != nil && !unreadable {
		return fmt.Errorf("discard record %d: %w", number, err)
	}
	if err := d.discard(func(st *state) {
		if unreadable {
			st.Damaged = max(0, st.Damaged-1)
		}
		st.Quarantined--
		st.Discarded++
		st.Leaving = number
	}); err != nil {
		return fmt.Errorf("discard record %d: %w", number, err)
	}
	d.leftQuarantine(number)
	d.cfg.Log.Warn("record was discarded out of quarantine", "record", number, "call", string(findID(f.meta)))
	return nil
}

// DiscardDamaged gives up the records whose bytes were damaged on the disk, with what is kept of them, and says how many
// they were. They count as dropped.
func (d *Disk) DiscardDamaged() (int64, error) {
	d.book.Lock()
	defer d.book.Unlock()
	list, err := Quarantined(d.cfg.Dir)
	if err != nil {
		return 0, fmt.Errorf("discard damaged records: %w", err)
	}
	var n int64
	if err := d.discard(func(st *state) {
		n = st.Damaged
		for _, q := range list {
			if q.Undecodable { // it has a file of its own
				n--
			}
		}
		n = max(0, n)
		st.Damaged -= n
		st.Quarantined -= n
		st.Discarded += n
	}); err != nil {
		return 0, fmt.Errorf("discard damaged records: %w", err)
	}
	if err := os.RemoveAll(filepath.Join(d.cfg.Dir, damagedDir)); err != nil {
		return n, fmt.Errorf("discard damaged records: %w", err)
	}
	if n > 0 {
		d.cfg.Log.Warn("damaged records were given up", "records", n)
	}
	return n, nil
}

// discard saves a change once nothing of the one before is left to do. The caller has the book.
func (d *Disk) discard(change func(*state)) error {
	if d.isClosed() {
		return ErrClosed
	}
	if err := d.save(func(*state) {}); err != nil {
		return err
	}
	if err := d.clearLeaving(); err != nil {
		return err
	}
	return d.save(change)
}

// inQuarantine reads a record out of quarantine that is there for good: ErrUndecodable comes with its frame.
func (d *Disk) inQuarantine(number int64) (*frame, error) {
	d.mu.Lock()
	leaving, unbooked := d.settled.Leaving, d.resend.number > d.settled.ResentTo && d.resend.origin == number
	settled := number <= d.settled.Done
	d.mu.Unlock()
	if !settled || leaving == number || unbooked {
		return nil, ErrNotQuarantined
	}
	f, err := quarantinedFrame(d.cfg.Dir, number)
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNotQuarantined
	}
	return f, err
}

// leftQuarantine removes the file of a record that is counted elsewhere. The caller has the book.
func (d *Disk) leftQuarantine(number int64) {
	err := d.ck.sync() // or a power cut could bring the count back without the file
	if err == nil {
		err = removeQuarantined(d.cfg.Dir, number)
	}
	if err != nil {
		d.cfg.Log.Warn("a file stays in quarantine until the disk is well", "record", number, "error", err)
	}
}

func removeQuarantined(dir string, number int64) error {
	dir = filepath.Join(dir, quarantineDir)
	if err := os.Remove(filepath.Join(dir, segmentName(number))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncDir(dir)
}

// clearLeaving finishes the resend or discard before. The caller has the book.
func (d *Disk) clearLeaving() error {
	n := d.ck.state.Leaving
	if n == 0 {
		return nil
	}
	if _, err := os.Stat(filepath.Join(d.cfg.Dir, quarantineDir, segmentName(n))); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	err := d.syncFrom(d.ck.state.ResentTo)
	if err == nil {
		err = d.ck.sync()
	}
	if err == nil {
		err = removeQuarantined(d.cfg.Dir, n)
	}
	if err != nil {
		return fmt.Errorf("take record %d out of quarantine: %w", n, err)
	}
	return nil
}

// syncFrom brings the segments to the disk that have records from a number on.
func (d *Disk) syncFrom(number int64) error {
	d.mu.Lock()
	var paths []string
	for _, seg := range d.segments {
		if seg.last >= number {
			paths = append(paths, seg.path)
		}
	}
	d.mu.Unlock()
	for _, path := range paths {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // its records are settled
		}
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("sync spool segment %s: %w", path, err)
		}
	}
	return nil
}

// recoverQuarantine finishes what the process before had begun: found is the last record that it gave back, if any.
// missing says that there was no checkpoint: the files tell how many there are.
func (d *Disk) recoverQuarantine(st *state, found resend, missing bool) error {
	files, err := segmentFiles(filepath.Join(d.cfg.Dir, quarantineDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read quarantine: %w", err)
	}
	has := func(number int64) bool {
		return slices.ContainsFunc(files, func(seg segment) bool { return seg.seq == number })
	}
	if missing && len(files) > 0 {
		if len(d.segments) == 0 { // numbers are not given twice
			st.Done = files[len(files)-1].seq
		}
		for _, seg := range files {
			if seg.seq <= st.Done {
				st.Quarantined++
			}
		}
	}
	if found.number > st.ResentTo && found.origin <= st.Done && has(found.origin) {
		st.resent(found)
	}
	for _, seg := range files {
		if seg.seq <= st.Done || !d.inSegments(seg.seq) {
			continue
		}
		// It was put there, and the process ended before that was noted: the record waits, and the store is asked again.
		if err := os.Remove(seg.path); err != nil {
			return err
		}
	}
	return nil
}

// inSegments says whether a record can be read from a segment.
func (d *Disk) inSegments(number int64) bool {
	for _, seg := range d.segments {
		if number < seg.first || number > seg.last {
			continue
		}
		f, err := os.Open(seg.path)
		if err != nil {
			return false
		}
		s := newScanner(f, d.seal, seg.start, seg.size)
		for {
			fr, _, ok := s.next()
			if !ok {
				break
			}
			if fr.kind == kindRecord && fr.number == number {
				_ = f.Close() // only read
				return true
			}
		}
		_ = f.Close() // only read
	}
	return false
}
