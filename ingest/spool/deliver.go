package spool

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weir-dev/weir/trace"
)

// send delivers a batch, and says false when the spool was closed before all of it was settled. ask says that parts of
// it may be in the store already, under another token.
func (s *sender) send(b batch, ask bool) bool {
	if len(b.list) == 0 {
		return s.settle(b, 0)
	}
	for try := 0; ; try++ {
		if !ask && s.d.cfg.Holds != nil {
			ask = s.forgotten(b)
		}
		var err error
		if ask {
			var held bool
			if held, err = s.holds(b); err == nil && held {
				return s.sendRest(b)
			}
			ask = err != nil
		}
		if !ask {
			err = s.write(b)
		}
		if err == nil {
			s.d.noteSending(nil)
			return s.settle(b, 0)
		}
		switch {
		case errors.Is(err, errDecode):
			if !s.insist(func() error { b, err = s.expel(b); return unlessUnreadable(err) }) {
				return false
			}
			if !errors.Is(err, errUnreadable) {
				return s.send(b, ask)
			}
			s.stale = true
			return true
		case errors.Is(err, errUnreadable):
			s.d.noteSending(err)
			s.stale = true
			return true
		}
		if s.d.cfg.Poison != nil && s.d.cfg.Poison(err) && s.d.cfg.Holds != nil {
			held, herr := s.holds(b)
			if herr == nil && !held {
				return s.divide(b, err)
			}
		}
		s.d.noteSending(err)
		if !s.pause(try) {
			return false
		}
	}
}

// forgotten says whether the batch was first sent so long ago that the store may not know its token any more.
func (s *sender) forgotten(b batch) bool {
	s.d.book.Lock()
	defer s.d.book.Unlock()
	in := s.d.ck.state.Intent
	return in != nil && in.First == b.first && in.Last == b.last && time.Since(in.Since) > s.d.cfg.DedupWindow
}

// write notes the intent, then sends.
func (s *sender) write(b batch) error {
	d := s.d
	if d.cfg.Fsync != FsyncNever {
		_ = d.syncBeside() // a failure is noted there; the batch can go all the same
	}
	if err := d.intend(b); err != nil {
		return err
	}
	// A batch may be large and the way to the store slow: what ends the writing is a store that takes nothing.
	ctx, cancel := context.WithCancelCause(d.ctx)
	defer cancel(nil)
	idle := time.AfterFunc(writeIdle, func() { cancel(errIdleStore) })
	defer idle.Stop()
	err := d.cfg.Writer.Write(ctx, trace.Batch{
		Token:   fmt.Sprintf("%s-%d-%d", d.id, b.first, b.last),
		Records: &holding{list: b.list, from: &s.again, heard: func() { idle.Reset(writeIdle) }},
	})
	if err != nil && errors.Is(context.Cause(ctx), errIdleStore) {
		err = fmt.Errorf("%w: %w", errIdleStore, err)
	}
	return err
}

// writeIdle is how long the store may take for an answer, or before it asks for the next record.
const writeIdle = time.Minute

var errIdleStore = fmt.Errorf("the store took nothing for %v", writeIdle)

// intend puts the batch's range on the disk. A batch that was sent before keeps the time when that was first.
func (d *Disk) intend(b batch) error {
	d.book.Lock()
	defer d.book.Unlock()
	in := &intent{First: b.first, Last: b.last, Since: d.now().UTC()}
	if old := d.ck.state.Intent; old != nil && old.First == in.First && old.Last == in.Last && time.Since(old.Since) <= d.cfg.DedupWindow {
		return d.ck.sync()
	}
	if err := d.save(func(st *state) { st.Intent = in }); err != nil {
		return err
	}
	return d.ck.sync()
}

func (s *sender) holds(b batch) (bool, error) {
	ids := make([]string, len(b.list))
	for i := range b.list {
		ids[i] = b.list[i].id
	}
	ctx, cancel := context.WithTimeout(s.d.ctx, time.Minute)
	defer cancel()
	held, err := s.d.cfg.Holds(ctx, ids)
	if err != nil {
		return false, fmt.Errorf("ask whether records %d to %d are in the store: %w", b.first, b.last, err)
	}
	return held, nil
}

// sendRest sends what the store does not have of a batch of which it has something.
func (s *sender) sendRest(b batch) bool {
	if len(b.list) == 1 {
		return s.settle(b, 0)
	}
	// A crash within must not forget that the rest is to be asked for.
	if !s.insist(func() error {
		s.d.book.Lock()
		defer s.d.book.Unlock()
		return s.d.save(func(st *state) { st.Suspect = max(st.Suspect, b.last) })
	}) {
		return false
	}
	left, right := b.halves()
	return s.both(left, right, true)
}

// divide sends a refused batch in halves, down to the record that is at fault, which goes to quarantine.
func (s *sender) divide(b batch, cause error) bool {
	if len(b.list) == 1 {
		var err error
		if !s.insist(func() error {
			f, ferr := s.again.frame(&b.list[0])
			if err = ferr; err == nil {
				err = s.d.quarantine(&f, cause)
			}
			return unlessUnreadable(err)
		}) {
			return false
		}
		if s.stale = errors.Is(err, errUnreadable); s.stale {
			return true
		}
		return s.settle(b, 1)
	}
	left, right := b.halves()
	return s.both(left, right, false)
}

func (s *sender) both(left, right batch, ask bool) bool {
	if ok := s.send(left, ask); !ok || s.stale {
		return ok
	}
	return s.send(right, ask)
}

// unlessUnreadable passes an error on that is worth insisting; a batch that cannot be read again is cut anew.
func unlessUnreadable(err error) error {
	if errors.Is(err, errUnreadable) {
		return nil
	}
	return err
}

// halves are a batch's records in two batches, which have its numbers between them.
func (b *batch) halves() (left, right batch) {
	m := len(b.list) / 2
	middle := b.list[m].number
	left = batch{first: b.first, last: middle - 1, list: b.list[:m]}
	right = batch{first: middle, last: b.last, list: b.list[m:]}
	return left, right
}

// settle notes that a batch's numbers are done with: refused ones of its records are in quarantine, and so is what was
// left of numbers without a record.
func (s *sender) settle(b batch, refused int64) bool {
	gone := b.last - b.first + 1 - int64(len(b.list))
	if gone > 0 {
		s.d.cfg.Log.Error("spool records were damaged and are kept aside", "records", gone, "first", b.first, "last", b.last, "dir", s.d.cfg.Dir)
	}
	return s.insist(func() error {
		s.d.book.Lock()
		defer s.d.book.Unlock()
		return s.d.save(func(st *state) {
			st.Done, st.Intent = b.last, nil
			st.Quarantined += refused + gone
			st.Damaged += gone
			if st.Suspect <= b.last {
				st.Suspect = 0
			}
		})
	})
}
