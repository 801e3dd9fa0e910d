package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"
	"time"

	"github.com/weir-dev/weir/trace"
)

// Waiting finds a record that is not settled yet. It reads the segments from where the waiting records begin: quick while
// the store keeps up, about a second for each gigabyte that waits.
func (d *Disk) Waiting(id string) (trace.Record, bool) {
	d.mu.Lock()
	done := d.settled.Done
	var segments []segment
	for _, seg := range d.segments {
		if seg.last > done {
			c := *seg
			if c.seq == d.front.seq {
				c.start = max(c.start, d.front.off)
			}
			segments = append(segments, c)
		}
	}
	d.mu.Unlock()
	for _, seg := range slices.Backward(segments) {
		if r, ok := d.find(seg, id, done); ok {
			return r, true
		}
	}
	return trace.Record{}, false
}

// find looks for a call in one segment. What cannot be read is not there.
func (d *Disk) find(seg segment, id string, done int64) (r trace.Record, found bool) {
	f, err := os.Open(seg.path)
	if err != nil {
		return r, false
	}
	defer f.Close()
	s := newScanner(f, d.seal, seg.start, seg.size)
	for {
		fr, _, ok := s.next()
		if !ok {
			return r, false
		}
		if fr.kind == kindRecord && fr.number > done && string(findID(fr.meta)) == id {
			fr.request, fr.response = slices.Clone(fr.request), slices.Clone(fr.response)
			return r, fr.record(&r) == nil
		}
	}
}

// Segment is one file of a spool.
type Segment struct {
	Path        string
	Created     time.Time
	First, Last int64 // numbers of its records; Last < First when it has none
	Records     int64
	Waiting     int64 // of the records, those not in the store yet
	Admissions  int64
	Bytes       int64
	Damaged     int64 // bytes that are no records
}

// List describes the segments in the spool of a directory, oldest first. The spool may be in use; its end is as it was
// when it was looked at.
func List(dir string) ([]Segment, error) {
	id, st, files, err := inspect(dir)
	if err != nil {
		return nil, err
	}
	out := make([]Segment, 0, len(files))
	for _, seg := range files {
		row, err := describe(seg, newSeal(id), st.Done)
		if errors.Is(err, fs.ErrNotExist) {
			continue // sent and removed meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("list spool segment %s: %w", seg.path, err)
		}
		out = append(out, row)
	}
	return out, nil
}

func describe(seg segment, sl seal, done int64) (Segment, error) {
	row := Segment{Path: seg.path, Bytes: seg.size}
	f, err := os.Open(seg.path)
	if err != nil {
		return row, err
	}
	defer f.Close()
	h, err := readSegmentHeader(f)
	if errors.Is(err, errNoHeader) {
		h, err = segmentHeader{length: segmentHead}, nil
		row.Damaged = min(segmentHead, seg.size)
	}
	if err != nil {
		return row, err
	}
	row.Created, row.First, row.Last = h.created, h.first, h.first-1
	s := newScanner(f, sl, h.length, seg.size)
	s.damaged = func(from, to, _ int64) { row.Damaged += to - from }
	for {
		fr, _, ok := s.next()
		if !ok {
			return row, s.err
		}
		switch fr.kind {
		case kindAdmission:
			row.Admissions++
		case kindRecord:
			if row.First == 0 {
				row.First = fr.number
			}
			row.Records++
			row.Last = max(row.Last, fr.number)
			if fr.number > done {
				row.Waiting++
			}
		}
	}
}

// Read gives the records that wait in the spool of a directory, in the order in which they will be sent. The spool may be
// in use. The sequence ends at the first error; a record's bodies are its own.
func Read(dir string) iter.Seq2[trace.Record, error] {
	return func(yield func(trace.Record, error) bool) {
		id, st, files, err := inspect(dir)
		if err != nil {
			yield(trace.Record{}, err)
			return
		}
		last := st.Done
		for _, seg := range files {
			more, err := readWaiting(seg, newSeal(id), &last, yield)
			if errors.Is(err, fs.ErrNotExist) {
				continue // sent and removed meanwhile
			}
			if err != nil {
				yield(trace.Record{}, fmt.Errorf("read spool segment %s: %w", seg.path, err))
				return
			}
			if !more {
				return
			}
		}
	}
}

// readWaiting yields a segment's records behind last, and says false when the reader has enough.
func readWaiting(seg segment, sl seal, last *int64, yield func(trace.Record, error) bool) (more bool, err error) {
	f, err := os.Open(seg.path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	start := int64(segmentHead)
	if h, err := readSegmentHeader(f); err == nil {
		start = h.length
	} else if !errors.Is(err, errNoHeader) {
		return false, err
	}
	s := newScanner(f, sl, start, seg.size)
	for {
		fr, _, ok := s.next()
		if !ok {
			return true, s.err
		}
		if fr.kind != kindRecord || fr.number <= *last {
			continue
		}
		*last = fr.number
		fr.request, fr.response = slices.Clone(fr.request), slices.Clone(fr.response)
		var r trace.Record
		if err := fr.record(&r); err != nil {
			return false, fmt.Errorf("record %d: %w", fr.number, err)
		}
		if !yield(r, nil) {
			return false, nil
		}
	}
}

// inspect reads a directory without opening the spool.
func inspect(dir string) (spoolID, state, []segment, error) {
	id, st, _, err := readCheckpoint(dir)
	if errors.Is(err, errNoCheckpoint) {
		if _, serr := os.Stat(dir); serr != nil {
			return id, st, nil, fmt.Errorf("read spool: %w", serr)
		}
		return id, st, nil, fmt.Errorf("read spool: %s is no spool of weir, or its checkpoint is damaged", dir)
	}
	if err != nil {
		return id, st, nil, fmt.Errorf("read spool %s: %w", dir, err)
	}
	files, err := segmentFiles(dir)
	if err != nil {
		return id, st, nil, fmt.Errorf("read spool: %w", err)
	}
	return id, st, files, nil
}
