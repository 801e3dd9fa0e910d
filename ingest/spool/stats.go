package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/weir-dev/weir/trace"
)

// Stats are the counters with what only a Disk knows.
type Stats struct {
	trace.Counters
	AtRisk    int64 // records whose answer was relayed before they were written
	Damaged   int64 // of the quarantined, those whose bytes were damaged on the disk
	Discarded int64 // of the dropped, those that were taken out of quarantine for good
	Lost      int64 // calls found at this start that the process before did not finish
	Admitted  int64 // calls admitted and not recorded yet
	Segments  int64
	Bytes     int64 // of all segments
	MaxBytes  int64 // their bound; 0 = not known
	Problems  []Problem
}

// Stats tells how the spool is.
func (d *Disk) Stats() Stats {
	d.mu.Lock()
	s := Stats{
		Counters: d.counters(), AtRisk: d.settled.AtRisk, Damaged: d.settled.Damaged, Discarded: d.settled.Discarded, Lost: d.lost,
		Segments: int64(len(d.segments)), Bytes: d.bytes, MaxBytes: d.cfg.MaxDisk,
	}
	for _, seg := range d.segments {
		s.Admitted += int64(seg.open)
	}
	began := d.began
	d.mu.Unlock()
	s.Problems = append(d.present(), s.counted(&began)...)
	return s
}

// Look reads the Stats of the spool in a directory from its files. It may be in use; what only its process knows, and
// its bound, is missing.
func Look(dir string) (Stats, error) {
	id, st, files, err := inspect(dir)
	if err != nil {
		return Stats{}, err
	}
	s := Stats{AtRisk: st.AtRisk, Damaged: st.Damaged, Discarded: st.Discarded}
	last, oldest := st.Done, time.Time{}
	for _, seg := range files {
		row, err := describe(seg, id, st.Done)
		if errors.Is(err, os.ErrNotExist) {
			continue // sent and removed meanwhile
		}
		if err != nil {
			return s, fmt.Errorf("read spool segment %s: %w", seg.path, explain(err))
		}
		s.Segments++
		s.Bytes += row.Bytes
		last = max(last, row.Last)
		if oldest.IsZero() {
			oldest = row.oldest
		}
	}
	s.Counters = st.counters(last)
	if s.Waiting > 0 && !oldest.IsZero() {
		s.OldestWaitingSeconds = max(0, time.Since(oldest).Seconds())
	}
	s.Problems = s.counted(&st)
	return s, nil
}

// Holder is the process that has the spool of a directory open, as far as its files tell, or "".
func Holder(dir string) string {
	b, err := os.ReadFile(filepath.Join(dir, lockName))
	if err != nil {
		return ""
	}
	var pid int
	if _, err := fmt.Sscan(string(b), &pid); err != nil || !alive(pid) {
		return ""
	}
	return fmt.Sprint(pid)
}
