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

	oldest time.Time // when the first of the waiting was accepted
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
		row, err := describe(seg, id, st.Done)
		if errors.Is(err, fs.ErrNotExist) {
			continue // sent and removed meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("list spool segment %s: %w", seg.path, explain(err))
		}
		out = append(out, row)
	}
	return out, nil
}

func describe(seg segment, id spoolID, done int64) (Segment, error) {
	row := Segment{Path: seg.path, Bytes: seg.size}
	f, err := os.Open(seg.path)
	if err != nil {
		return row, err
	}
	defer f.Close()
	h, err := readSegmentHeader(f)
	switch {
	case errors.Is(err, errNoHeader):
		h = segmentHeader{id: id, length: segmentHead}
		row.Damaged = min(segmentHead, seg.size)
	case err != nil:
		return row, err
	case h.id != id:
		return row, strange(h.id, id)
	}
	row.Created, row.First, row.Last = h.created, h.first, h.first-1
	s := newScanner(f, newSeal(id), h.length, seg.size)
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
				if row.Waiting++; row.Waiting == 1 {
					row.oldest = time.UnixMicro(fr.at)
				}
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
			more, err := readWaiting(seg, id, &last, yield)
			if errors.Is(err, fs.ErrNotExist) {
				continue // sent and removed meanwhile
			}
			if err != nil {
				yield(trace.Record{}, fmt.Errorf("read spool segment %s: %w", seg.path, explain(err)))
				return
			}
			if !more {
				return
			}
		}
	}
}

// readWaiting yields a segment's records behind last, and says false when the reader has enough.
func readWaiting(seg segment, id spoolID, last *int64, yield func(trace.Record, error) bool) (more bool, err error) {
	f, err := os.Open(seg.path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	h, err := readSegmentHeader(f)
	switch {
	case errors.Is(err, errNoHeader):
		h = segmentHeader{id: id, length: segmentHead}
	case err != nil:
		return false, err
	case h.id != id:
		return false, strange(h.id, id)
	}
	s := newScanner(f, newSeal(id), h.length, seg.size)
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
	if err != nil && !errors.Is(err, errNoCheckpoint) {
		return id, st, nil, fmt.Errorf("read spool %s: %w", dir, explain(err))
	}
	files, ferr := segmentFiles(dir)
	switch {
	case ferr != nil:
		return id, st, nil, fmt.Errorf("read spool: %w", ferr)
	case err == nil:
		return id, st, files, nil
	case len(files) == 0:
		return id, st, nil, fmt.Errorf("read spool: %s is no spool of weir: name weir's data directory with --data or WEIR_DATA", dir)
	}
	return id, st, nil, fmt.Errorf("read spool %s: its checkpoint is missing or damaged, so that it is not known which of its records are in ClickHouse: "+
		"start weir on it, which asks ClickHouse and writes what is missing", dir)
}

// explain adds to an error what can be done about it.
func explain(err error) error {
	if errors.Is(err, ErrNewer) {
		return fmt.Errorf("%w: use the weir that wrote it, or a newer one", err)
	}
	return err
}

func strange(id, own spoolID) error {
	return fmt.Errorf("it belongs to another spool (%s, this one is %s): move it back to where it came from, or away", id, own)
}
