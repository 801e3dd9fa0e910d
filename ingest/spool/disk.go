package spool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-dev/weir/trace"
)

// Disk is a spool in files: what it has accepted outlives the process, however it ends, and is in the store once.
// Safe for concurrent use.
//
// Records are appended to the newest segment by whoever has the turn, for all that wait with it. One goroutine reads
// them back, cuts batches and sends them; the checkpoint says how far it has come. Another brings the files to the disk.
type Disk struct {
	cfg    Config
	id     spoolID
	seal   seal
	base   time.Time // times are taken from here by the monotonic clock, which nobody sets back
	lock   *os.File
	ctx    context.Context // ends when Close has waited long enough for the store
	cancel context.CancelFunc

	wake    chan struct{} // the sender: there is something to look at
	soiled  chan struct{} // the syncer: there is something to sync
	kicked  chan struct{} // the writer, when it is not the callers
	stop    chan struct{} // closed by Close
	loops   sync.WaitGroup
	writing atomic.Int64 // since when a write is under way, as ticks; 0 = none is

	turn      sync.Mutex // whose holder appends; guards the fields below
	seq       int64      // of the newest segment
	open      map[string]*segment
	bodiesOff time.Time // until then bodies are left out: the disk was full

	book sync.Mutex // whose holder writes the checkpoint
	ck   *checkpoint

	mu       sync.Mutex // guards all below; taken last
	closed   bool
	pending  []byte // frames that wait for the turn
	group    *group // their outcome
	spare    []byte // memory for pending
	file     appendFile
	active   *segment   // is written to; nil before the first record
	segments []*segment // oldest first, active last
	bytes    int64      // of all segments
	newFile  bool       // a segment was made whose name may not be on the disk
	dirty    bool       // the syncer has been told
	last     int64      // number of the newest record
	unread   int64      // bytes written since the sender last looked, and not sent yet
	oldest   time.Time  // when the oldest waiting record was accepted
	front    place      // where the waiting records begin
	settled  state      // as the checkpoint has it; the counts of what was dropped run ahead of it
	lost     int64      // calls found lost at the start
	failing  error      // of the sender
	full     error      // of the last record for which there was no room
	fullAt   time.Time  // when that was
	reserve  int64      // bytes of the reserve; 0 = there is none
	reserved bool       // it is held
	unsynced error      // of the last fsync
}

// place is a frame's in a segment.
type place struct{ seq, off int64 }

var _ trace.Recorder = (*Disk)(nil)

// Record appends the record to the spool and returns when it is written there: it outlives this process from then on, and
// a power cut as Config.Fsync says. Neither the record nor its bodies are kept in memory. ErrFull when there is no room
// and the configuration says to refuse; ErrClosed after Close.
func (d *Disk) Record(r *trace.Record) error {
	return d.encode(kindRecord, r)
}

// Counters tells where the accepted records are, over all starts of this spool.
func (d *Disk) Counters() trace.Counters {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.counters()
}

func (d *Disk) counters() trace.Counters {
	s := &d.settled
	c := trace.Counters{
		Accepted: d.last + s.Dropped, Written: s.Done - s.Quarantined, Waiting: d.last - s.Done,
		Quarantined: s.Quarantined, Dropped: s.Dropped, BodiesDropped: s.BodiesDropped,
	}
	if c.Waiting > 0 {
		c.OldestWaitingSeconds = max(0, d.now().Sub(d.oldest).Seconds())
	}
	return c
}

// Stats are the counters with what only a Disk knows.
type Stats struct {
	trace.Counters
	AtRisk   int64 // records whose answer was relayed before they were written
	Damaged  int64 // of the quarantined, those whose bytes were damaged on the disk
	Lost     int64 // calls found at this start that the process before did not finish
	Admitted int64 // calls admitted and not recorded yet
	Segments int64
	Bytes    int64 // of all segments
}

// Stats tells how the spool is.
func (d *Disk) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := Stats{
		Counters: d.counters(), AtRisk: d.settled.AtRisk, Damaged: d.settled.Damaged, Lost: d.lost,
		Segments: int64(len(d.segments)), Bytes: d.bytes,
	}
	for _, seg := range d.segments {
		s.Admitted += int64(seg.open)
	}
	return s
}

// Health says what keeps records from being kept or written as they should be, nil when nothing does.
func (d *Disk) Health() error {
	d.mu.Lock()
	errs := []error{d.failing, d.full, d.unsynced}
	d.mu.Unlock()
	if since := d.writing.Load(); since != 0 {
		if took := d.ticks() - since; took > int64(d.cfg.MaxWait) {
			errs = append(errs, fmt.Errorf("the disk of the spool %s is slow: a write has taken %s so far", d.cfg.Dir, time.Duration(took).Round(time.Millisecond)))
		}
	}
	return errors.Join(errs...)
}

// now is the time as this spool counts it.
func (d *Disk) now() time.Time { return d.base.Add(time.Since(d.base)) }

// ticks count nanoseconds, never 0.
func (d *Disk) ticks() int64 { return int64(time.Since(d.base)) + 1 }

// nudge tells a loop that there is something, if it has not been told.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Close accepts nothing more, gives the store CloseWait to take what waits and ends the spool. What is left is on the
// disk and is sent at the next start. It can be called twice.
func (d *Disk) Close() error {
	d.mu.Lock()
	again := d.closed
	d.closed = true
	d.mu.Unlock()
	if again {
		d.loops.Wait()
		return nil
	}
	d.turn.Lock()
	d.flush() // those that came before closed was set
	d.turn.Unlock()
	close(d.stop)
	patience := time.AfterFunc(d.cfg.CloseWait, d.cancel)
	d.loops.Wait()
	patience.Stop()
	d.cancel()

	d.turn.Lock()
	defer d.turn.Unlock()
	if c := d.Counters(); c.Waiting > 0 {
		d.cfg.Log.Info("records wait on the disk for the next start", "records", c.Waiting, "dir", d.cfg.Dir)
	}
	var errs []error
	if d.file != nil {
		if d.cfg.Fsync != FsyncNever {
			errs = append(errs, d.file.Sync())
		}
		errs = append(errs, d.file.Close())
	}
	d.book.Lock()
	defer d.book.Unlock()
	errs = append(errs, d.save(func(*state) {}), d.ck.sync(), d.ck.file.Close(), d.lock.Close())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close spool %s: %w", d.cfg.Dir, err)
	}
	return nil
}

func (d *Disk) isClosed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed
}

// save writes the checkpoint with a change to its state. The caller has the book.
func (d *Disk) save(change func(*state)) error {
	st := d.ck.state
	change(&st)
	d.mu.Lock()
	st.Dropped, st.BodiesDropped, st.AtRisk = d.settled.Dropped, d.settled.BodiesDropped, d.settled.AtRisk
	d.mu.Unlock()
	if err := d.ck.put(st); err != nil {
		return err
	}
	d.mu.Lock()
	st.Dropped, st.BodiesDropped, st.AtRisk = d.settled.Dropped, d.settled.BodiesDropped, d.settled.AtRisk
	d.settled = st
	d.mu.Unlock()
	return nil
}
