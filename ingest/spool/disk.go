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

	stays *segment // of the sender: it is done with and cannot be removed

	book sync.Mutex // whose holder writes the checkpoint
	ck   *checkpoint

	mu       sync.Mutex // guards all below; taken last
	closed   bool
	pending  []byte // frames that wait for the turn
	group    *group // their outcome
	spare    []byte // memory for pending
	file     appendFile
	active   *segment      // is written to; nil before the first record
	segments []*segment    // oldest first, active last
	bytes    int64         // of all segments
	newFile  bool          // a segment was made whose name may not be on the disk
	dirty    bool          // the syncer has been told
	last     int64         // number of the newest record
	unread   int64         // bytes written since the sender last looked, and not sent yet
	oldest   time.Time     // when the oldest waiting record was accepted
	front    place         // where the waiting records begin
	segment  int64         // bytes of a segment that is followed by a new one: Config.SegmentBytes, or fewer when room is short
	enough   int64         // bytes that are sent without waiting for more: Config.MaxBytes, or fewer when room is short
	looked   time.Time     // when that was last seen to
	hurry    int64         // records up to this one do not wait for company
	hurried  time.Time     // when that last cut a batch
	progress chan struct{} // closed when settled has changed; nil when nobody waits for that
	settled  state         // as the checkpoint has it; the counts of what was dropped run ahead of it
	resend   resend        // of the record that was given back from quarantine last
	began    state         // the counts as this start found them
	lost     int64         // calls found lost at the start
	failing  error         // of the sender
	full     error         // of the last record for which there was no room
	fullAt   time.Time     // when that was
	reserve  int64         // bytes of the reserve; 0 = there is none
	reserved bool          // it is held
	unsynced error         // of the last fsync
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
	c := d.settled.counters(d.last)
	if d.resend.number > d.settled.ResentTo && d.last >= d.resend.number { // it has its new number, which is not noted yet
		c.Accepted--
		c.Quarantined--
	}
	if c.Waiting > 0 {
		c.OldestWaitingSeconds = max(0, d.now().Sub(d.oldest).Seconds())
	}
	return c
}

// counters are those of a spool whose newest record has the number last.
func (s *state) counters(last int64) trace.Counters {
	return trace.Counters{
		Accepted: last + s.Dropped - s.Resent, Written: s.Done - s.Quarantined - s.Discarded - s.Resent, Waiting: last - s.Done,
		Quarantined: s.Quarantined, Dropped: s.Dropped + s.Discarded, BodiesDropped: s.BodiesDropped,
	}
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
	if d.last >= d.resend.number {
		st.resent(d.resend)
	}
	d.mu.Unlock()
	if err := d.ck.put(st); err != nil {
		return err
	}
	d.mu.Lock()
	st.Dropped, st.BodiesDropped, st.AtRisk = d.settled.Dropped, d.settled.BodiesDropped, d.settled.AtRisk
	d.settled = st
	d.tellProgress()
	d.mu.Unlock()
	return nil
}
