package spool

import (
	"fmt"
	"os"
)

// gather reads the next batch: the range of an open intent, or as much as the bounds allow. After an error it begins
// again where it began.
func (s *sender) gather(open *intent) (batch, error) {
	seq, off := s.seq, s.off
	b, err := s.collect(open)
	if err != nil {
		s.leave()
		s.seq, s.off = seq, off
	}
	return b, err
}

func (s *sender) collect(open *intent) (batch, error) {
	d := s.d
	d.mu.Lock()
	segments := make([]segment, len(d.segments))
	for i, seg := range d.segments {
		segments[i] = *seg
	}
	newest, done := d.last, d.settled.Done
	d.mu.Unlock()

	b := batch{first: done + 1, last: done, list: s.list[:0]}
	upTo := newest
	if open != nil {
		upTo = open.Last
	}
	full := false
	for i := 0; i < len(segments) && b.last < upTo && !full; i++ {
		seg := &segments[i]
		if seg.seq < s.seq {
			continue
		}
		if open == nil && len(b.list) > 0 {
			break // a batch does not go on in the next segment unless it did before
		}
		next := int64(0) // first record of the next segment
		if i+1 < len(segments) {
			next = segments[i+1].first
		}
		if b.last < seg.first-1 { // what is not where it should be is nowhere
			b.last = min(seg.first-1, upTo)
			if b.last == upTo {
				break
			}
		}
		if err := s.enter(seg); err != nil {
			return b, err
		}
		var err error
		if full, err = s.read(&b, seg, next, upTo, open != nil); err != nil {
			return b, err
		}
	}
	if !full && (len(b.list) == 0 || open != nil) {
		b.last = upTo // all was read, and the rest is nowhere
	}
	s.list = b.list
	return b, nil
}

// enter opens a segment for reading.
func (s *sender) enter(seg *segment) error {
	if s.seq == seg.seq && s.file != nil {
		return nil
	}
	s.leave()
	f, err := os.Open(seg.path)
	if err != nil {
		return fmt.Errorf("read spool segment: %w", err)
	}
	s.file = f
	if s.seq != seg.seq {
		s.seq, s.off = seg.seq, seg.start
	}
	return nil
}

func (s *sender) leave() {
	if s.file != nil {
		_ = s.file.Close() // only read
		s.file = nil
	}
}

// read takes records from the segment that was entered, and says whether the batch is full.
func (s *sender) read(b *batch, seg *segment, next, upTo int64, fixed bool) (full bool, err error) {
	d := s.d
	sc := newScanner(s.file, d.seal, s.off, seg.size)
	sc.spare = s.memory
	sc.damaged = func(from, to, _ int64) { d.keepAside(s.file, seg.path, from, to) }
	for {
		f, at, ok := sc.next()
		if !ok {
			s.off = sc.off
			break
		}
		if f.kind != kindRecord || f.number <= b.last {
			s.off = sc.off
			continue
		}
		if f.number > b.last+1 && next > 0 && next <= b.last+1 {
			break // the next segment has copies of what is damaged here
		}
		size := int64(f.size())
		if f.number > upTo || !fixed && len(b.list) > 0 && (len(b.list) >= d.cfg.MaxRows || b.bytes+size > d.cfg.MaxBytes) {
			s.off = at
			full = true
			break
		}
		b.last, b.bytes, s.off = f.number, b.bytes+size, sc.off
		b.list = append(b.list, held{number: f.number, at: f.at, id: string(findID(f.meta)), path: seg.path, off: at, size: f.size()})
	}
	if cap(sc.spare) <= 4<<20 { // what a huge record needed is not kept
		s.memory = sc.spare
	}
	if sc.err != nil {
		return false, fmt.Errorf("read spool segment %s: %w", seg.path, sc.err)
	}
	return full, nil
}
