package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/weir-dev/weir/trace"
)

const (
	quarantineDir = "quarantine"
	damagedDir    = "damaged"
)

// quarantine puts a record aside with the reason: a segment of its own. Doing it twice leaves one.
func (d *Disk) quarantine(f *frame, cause error) error {
	dir := filepath.Join(d.cfg.Dir, quarantineDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("quarantine record %d: %w", f.number, err)
	}
	b := d.seal.putFrame(nil, f)
	d.seal.stamp(b, f.number)
	reason := frame{kind: kindReason, at: d.now().UnixMicro(), meta: []byte(cause.Error())}
	n := len(b)
	b = d.seal.putFrame(b, &reason)
	d.seal.stamp(b[n:n+headSize], f.number)
	if err := writeWhole(filepath.Join(dir, segmentName(f.number)), putSegmentHeader(d.id, f.number, f.number, d.now()), b); err != nil {
		return fmt.Errorf("quarantine record %d: %w", f.number, err)
	}
	d.cfg.Log.Error("record is in quarantine: the store does not take it", "record", f.number, "call", string(findID(f.meta)), "error", cause)
	return nil
}

// keepAside copies bytes that are no records out of a segment, which is removed in time. Doing it twice leaves one
// copy; without room for it the bytes go with the segment.
func (d *Disk) keepAside(from io.ReaderAt, segment string, start, end int64) {
	dir := filepath.Join(d.cfg.Dir, damagedDir)
	name := fmt.Sprintf("%s-%d-%d.bin", strings.TrimSuffix(filepath.Base(segment), segmentSuffix), start, end)
	if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
		return
	}
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = copyRange(filepath.Join(dir, name), io.NewSectionReader(from, start, end-start))
	}
	if err != nil {
		d.cfg.Log.Error("damaged bytes of a spool segment could not be kept", "segment", segment, "from", start, "to", end, "error", err)
		return
	}
	d.cfg.Log.Error("damaged bytes of a spool segment are kept aside", "segment", segment, "from", start, "to", end, "file", filepath.Join(dir, name))
}

func copyRange(path string, from io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}

// Quarantine is a record that the store refused, with the reason.
type Quarantine struct {
	Number      int64
	At          time.Time // when it was put there
	Reason      string
	Path        string
	Bytes       int64 // of the file
	Undecodable bool  // its bytes are no record that this weir can read
	Record      trace.Record
}

// Quarantined lists the records in quarantine in the spool of a directory, oldest first, without their bodies. It may be
// in use.
func Quarantined(dir string) ([]Quarantine, error) {
	files, err := segmentFiles(filepath.Join(dir, quarantineDir))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list quarantine: %w", err)
	}
	_, st, _, cerr := readCheckpoint(dir)
	if err := cerr; err != nil && !errors.Is(err, errNoCheckpoint) {
		return nil, fmt.Errorf("list quarantine of %s: %w", dir, explain(err))
	}
	out := make([]Quarantine, 0, len(files))
	for _, seg := range files {
		if seg.seq == st.Leaving || cerr == nil && seg.seq > st.Done {
			continue // its file goes in a moment, or is only just coming
		}
		q, err := readQuarantine(seg)
		if errors.Is(err, os.ErrNotExist) {
			continue // resent or discarded meanwhile
		}
		if err != nil {
			return out, fmt.Errorf("read quarantine %s: %w", seg.path, explain(err))
		}
		q.Record.Body = trace.Body{}
		out = append(out, q)
	}
	return out, nil
}

// FindQuarantined gives the record in quarantine that has a number, or the id of a call, with its bodies.
// ErrNotQuarantined when there is none.
func FindQuarantined(dir, id string) (Quarantine, error) {
	list, err := Quarantined(dir)
	for _, q := range list {
		if id == strconv.FormatInt(q.Number, 10) || id != "" && id == q.Record.Call.ID {
			info, err := os.Stat(q.Path)
			if err == nil {
				q, err = readQuarantine(segment{seq: q.Number, path: q.Path, size: info.Size()})
			}
			if errors.Is(err, os.ErrNotExist) {
				break // resent or discarded meanwhile
			}
			return q, err
		}
	}
	if err == nil {
		err = ErrNotQuarantined
	}
	return Quarantine{}, fmt.Errorf("find %q in quarantine: %w", id, err)
}

// Quarantined lists the records in quarantine, oldest first, without their bodies.
func (d *Disk) Quarantined() ([]Quarantine, error) { return Quarantined(d.cfg.Dir) }

// FindQuarantined gives the record in quarantine that has a number, or the id of a call, with its bodies.
func (d *Disk) FindQuarantined(id string) (Quarantine, error) {
	return FindQuarantined(d.cfg.Dir, id)
}

func readQuarantine(seg segment) (Quarantine, error) {
	q := Quarantine{Number: seg.seq, Path: seg.path, Bytes: seg.size, Undecodable: true}
	err := eachFrame(seg, func(f *frame) {
		switch f.kind {
		case kindRecord:
			q.Undecodable = f.record(&q.Record) != nil
		case kindReason:
			q.Reason, q.At = string(f.meta), time.UnixMicro(f.at).UTC()
		}
	})
	return q, err
}

// quarantinedFrame reads a record's frame out of its file: ErrUndecodable with what there is of it.
func quarantinedFrame(dir string, number int64) (*frame, error) {
	path := filepath.Join(dir, quarantineDir, segmentName(number))
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	out, decodes := frame{}, false
	err = eachFrame(segment{seq: number, path: path, size: info.Size()}, func(f *frame) {
		if f.kind == kindRecord {
			var r trace.Record
			out, decodes = *f, f.record(&r) == nil
		}
	})
	if err == nil && !decodes {
		err = ErrUndecodable
	}
	return &out, err
}

// eachFrame reads a file of the quarantine. The frames stay valid.
func eachFrame(seg segment, do func(*frame)) error {
	f, err := os.Open(seg.path)
	if err != nil {
		return err
	}
	defer f.Close()
	h, err := readSegmentHeader(f)
	if err != nil {
		return err
	}
	s := newScanner(f, newSeal(h.id), h.length, seg.size)
	s.keep = true
	for {
		fr, _, ok := s.next()
		if !ok {
			return s.err
		}
		do(&fr)
	}
}
