package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/weir-dev/weir/trace"
)

const (
	quarantineDir = "quarantine"
	damagedDir    = "damaged"
)

func (d *Disk) batch(b batch) trace.Batch {
	return trace.Batch{Token: fmt.Sprintf("%s-%d-%d", d.id, b.first, b.last), Records: b.records}
}

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
	Number int64
	At     time.Time // when it was put there
	Reason string
	Path   string
	Record trace.Record // zero when it does not decode
}

// Quarantined lists the records in quarantine in the spool of a directory, oldest first. It may be in use.
func Quarantined(dir string) ([]Quarantine, error) {
	files, err := segmentFiles(filepath.Join(dir, quarantineDir))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list quarantine: %w", err)
	}
	out := make([]Quarantine, 0, len(files))
	for _, seg := range files {
		q, err := readQuarantine(seg)
		if err != nil {
			return out, fmt.Errorf("read quarantine %s: %w", seg.path, err)
		}
		out = append(out, q)
	}
	return out, nil
}

func readQuarantine(seg segment) (Quarantine, error) {
	q := Quarantine{Number: seg.seq, Path: seg.path}
	f, err := os.Open(seg.path)
	if err != nil {
		return q, err
	}
	defer f.Close()
	h, err := readSegmentHeader(f)
	if err != nil {
		return q, err
	}
	s := newScanner(f, newSeal(h.id), h.length, seg.size)
	s.keep = true
	for {
		fr, _, ok := s.next()
		if !ok {
			return q, s.err
		}
		switch fr.kind {
		case kindRecord:
			_ = fr.record(&q.Record) // the reason may be that it does not decode
		case kindReason:
			q.Reason, q.At = string(fr.meta), time.UnixMicro(fr.at).UTC()
		}
	}
}
