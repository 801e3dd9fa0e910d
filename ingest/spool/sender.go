package spool

import (
	"fmt"
	"os"
	"slices"
	"time"
)

// sender reads the segments back, cuts batches and delivers them, one at a time, each until it is in the store.
type sender struct {
	d *Disk

	seq  int64 // of the segment it reads
	off  int64 // of the next frame in it; 0 = the first
	file *os.File

	memory []byte // of the scanner
	list   []held // of the batch at hand
	again  rereader
	stale  bool // the batch cannot be read as it was cut: cut it anew
}

// batch is a run of record numbers with what is left of them. Numbers without a record are damaged.
type batch struct {
	first, last int64
	list        []held
	bytes       int64
}

// run ends when the spool is closed and nothing is left to send, or the store does not take it.
func (s *sender) run() {
	defer s.leave()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		stopping := false
		select {
		case <-s.d.stop:
			stopping = true
		default:
		}
		s.d.sweep(stopping)
		s.letGo()
		s.d.seeToRoom()
		due, wait := s.d.due(stopping)
		if due {
			if !s.step() {
				return
			}
			continue
		}
		if stopping {
			return
		}
		timer.Reset(wait)
		select {
		case <-s.d.stop:
		case <-s.d.wake:
		case <-timer.C:
		}
	}
}

// letGo closes the segment it reads when that was removed: the disk has its room back only then.
func (s *sender) letGo() {
	if s.file == nil {
		return
	}
	s.d.mu.Lock()
	there := slices.ContainsFunc(s.d.segments, func(seg *segment) bool { return seg.seq == s.seq })
	s.d.mu.Unlock()
	if !there {
		s.leave()
	}
}

// due says whether a batch should be cut now, else when to look again.
func (d *Disk) due(stopping bool) (bool, time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.last - d.settled.Done
	if n == 0 {
		if d.full != nil || d.reserve > 0 && !d.reserved {
			return false, 2 * fullPause // to see whether there is room again
		}
		return false, time.Hour
	}
	age := max(0, d.now().Sub(d.oldest))
	if stopping || d.settled.Intent != nil || n >= int64(d.cfg.MaxRows) || d.unread >= d.enough || d.full != nil || age >= d.cfg.MaxAge {
		return true, 0
	}
	wait := d.cfg.MaxAge - age
	if d.hurry > d.settled.Done {
		since := d.now().Sub(d.hurried)
		if since >= hurryEvery {
			d.hurried = d.now()
			return true, 0
		}
		wait = min(wait, hurryEvery-since)
	}
	return false, wait
}

// step sends one batch, and says false when the spool was closed before it was in.
func (s *sender) step() bool {
	d := s.d
	d.mu.Lock()
	open := d.settled.Intent
	d.mu.Unlock()
	seq, off := s.seq, s.off
	var b batch
	if !s.insist(func() (err error) { b, err = s.gather(open); return err }) {
		return false
	}
	d.mu.Lock()
	suspect := d.settled.Suspect // after gather: what is resent is suspect before it can be read
	d.mu.Unlock()
	ok := s.send(b, open == nil && b.first <= suspect && d.cfg.Holds != nil)
	s.again.leave()
	if s.stale {
		s.stale = false
		s.leave()
		s.seq, s.off = seq, off
		return ok && s.pause(0)
	}
	oldest, found := s.peekTime()
	if n := len(b.list); !found && n > 0 {
		oldest, found = d.fromFrame(b.list[n-1].at), true
	}
	d.mu.Lock()
	if ok {
		d.front = place{s.seq, s.off}
	}
	d.unread = max(0, d.unread-b.bytes)
	if found && d.last > d.settled.Done {
		d.oldest = oldest
	}
	d.mu.Unlock()
	clear(b.list) // its texts need not wait for the next batch
	return ok
}

// fromFrame is when a frame was accepted; a clock that was set back since does not make that the future.
func (d *Disk) fromFrame(at int64) time.Time {
	now := d.now()
	return now.Add(min(0, time.UnixMicro(at).Sub(now.Round(0))))
}

// peekTime reads when the next record was accepted, if it is at hand.
func (s *sender) peekTime() (time.Time, bool) {
	if s.file == nil {
		return time.Time{}, false
	}
	var b [headSize]byte
	off := s.off
	for range 8 { // a few admissions may lie before it
		if _, err := s.file.ReadAt(b[:], off); err != nil {
			return time.Time{}, false
		}
		h, ok := s.d.seal.checkHead(b[:])
		if !ok {
			return time.Time{}, false
		}
		if h.kind == kindRecord {
			return s.d.fromFrame(h.at), true
		}
		off += int64(h.size())
	}
	return time.Time{}, false
}

// insist does a step until it succeeds, and says false when the spool was closed before.
func (s *sender) insist(do func() error) bool {
	for try := 0; ; try++ {
		err := do()
		s.d.noteSending(err)
		if err == nil {
			return true
		}
		if !s.pause(try) {
			return false
		}
	}
}

// pause waits longer from try to try, and says false when the spool is closed. Room that came back is used although
// nothing leaves meanwhile.
func (s *sender) pause(try int) bool {
	s.d.keepReserve()
	s.d.noteRoom()
	const shortest, longest = 100 * time.Millisecond, 5 * time.Second
	timer := time.NewTimer(min(longest, shortest<<min(try, 6)))
	defer timer.Stop()
	select {
	case <-s.d.stop:
		return false
	case <-timer.C:
		return true
	}
}

// noteSending logs the change between failing and working, not every try.
func (d *Disk) noteSending(err error) {
	d.mu.Lock()
	was := d.failing
	d.failing = nil
	if err != nil {
		d.failing = fmt.Errorf("records wait in the spool: %w", err)
	}
	d.mu.Unlock()
	switch {
	case err != nil && was == nil:
		d.cfg.Log.Warn("records wait in the spool", "error", err)
	case err == nil && was != nil:
		d.cfg.Log.Info("records are written again")
	}
}
