package spool

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/weir-dev/weir/trace"
)

const (
	apartBytes   = 64 << 10 // a larger frame is written from where it is, not copied first
	pendingBytes = 4 << 20  // the same when so much waits already
	hastyBytes   = 16 << 20 // pending while callers do not wait for a slow disk: beyond it bodies go, beyond twice it records
	scratchBytes = 64 << 10 // larger memory is not kept for the next record
	hugeBytes    = 1 << 30  // no frame is larger
	fullPause    = time.Second
)

// group is what came of frames that were written together.
type group struct {
	n      int           // frames
	done   bool          // under turn
	failed []int         // frames for which there was no room; after done
	ready  chan struct{} // closed when done; nil when the callers write themselves
}

var scratch = sync.Pool{New: func() any { return new([]byte) }}

// encode makes the frame of a record or an admission and adds it.
func (d *Disk) encode(kind byte, r *trace.Record) error {
	memory := scratch.Get().(*[]byte)
	var blank [headSize]byte
	b := putRecord(append((*memory)[:0], blank[:]...), r)
	f := frame{kind: kind, at: d.now().UnixMicro(), meta: b[headSize:], request: r.Body.Request, response: r.Body.Response}
	if f.size() > hugeBytes {
		f.request, f.response, f.flags = nil, nil, flagBodyDropped
		d.mu.Lock()
		d.settled.BodiesDropped++
		d.mu.Unlock()
	}
	d.seal.putHead(b, &f)
	err := d.add(b, f.request, f.response)
	if *memory = b; cap(b) <= scratchBytes {
		scratch.Put(memory)
	}
	return err
}

// add writes one frame, given as its head with its fields and its bodies, with all that wait for their turn.
func (d *Disk) add(b, request, response []byte) error {
	size := len(b) + len(request) + len(response)
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return ErrClosed
	}
	if d.cfg.OnSlowDisk == SlowAnswer {
		return d.addHasty(b, request, response) // unlocks
	}
	if size > apartBytes || len(d.pending) > pendingBytes {
		d.mu.Unlock()
		d.turn.Lock()
		defer d.turn.Unlock()
		if d.isClosed() { // while it waited for its turn
			return ErrClosed
		}
		d.flush()
		g := &group{n: 1}
		d.write(g, b, request, response)
		return d.outcome(g, 0)
	}
	g, i := d.queue(b, request, response)
	d.mu.Unlock()
	d.turn.Lock()
	if !g.done {
		d.flush()
	}
	d.turn.Unlock()
	return d.outcome(g, i)
}

// queue puts a frame to those that wait. The caller has mu.
func (d *Disk) queue(b, request, response []byte) (*group, int) {
	d.pending = append(append(append(d.pending, b...), request...), response...)
	d.group.n++
	return d.group, d.group.n - 1
}

// addHasty leaves the writing to another goroutine and does not wait for it longer than MaxWait. The caller has mu.
func (d *Disk) addHasty(b, request, response []byte) error {
	waiting := len(d.pending) + len(b)
	if waiting > 2*hastyBytes {
		d.settled.Dropped++
		d.mu.Unlock()
		d.noteFull(errors.New("the disk is slow and too many records wait for it in memory"))
		return d.refusal()
	}
	if waiting+len(request)+len(response) > hastyBytes && len(request)+len(response) > 0 {
		b, request, response = d.lean(b), nil, nil
		d.settled.BodiesDropped++
	}
	g, _ := d.queue(b, request, response)
	i := g.n - 1
	d.mu.Unlock()
	nudge(d.kicked)
	patience := time.NewTimer(d.cfg.MaxWait)
	defer patience.Stop()
	select {
	case <-g.ready:
		return d.outcome(g, i)
	case <-patience.C:
		d.mu.Lock()
		d.settled.AtRisk++
		d.mu.Unlock()
		d.soil()
		return nil
	}
}

func (d *Disk) outcome(g *group, i int) error {
	if slices.Contains(g.failed, i) {
		return d.refusal()
	}
	return nil
}

func (d *Disk) refusal() error {
	if d.cfg.OnFull == FullRefuse {
		return ErrFull
	}
	return nil
}

func (d *Disk) newGroup() *group {
	if d.cfg.OnSlowDisk == SlowAnswer {
		return &group{ready: make(chan struct{})}
	}
	return &group{}
}

// keepWriting is the writer when the callers are not.
func (d *Disk) keepWriting() {
	for {
		select {
		case <-d.kicked:
			d.turn.Lock()
			d.flush()
			d.turn.Unlock()
		case <-d.stop:
			return
		}
	}
}

// flush writes what is pending. The caller has the turn.
func (d *Disk) flush() {
	d.mu.Lock()
	b, g := d.pending, d.group
	if g.n == 0 {
		d.mu.Unlock()
		return
	}
	d.pending, d.spare, d.group = d.spare[:0], nil, d.newGroup()
	d.mu.Unlock()
	d.write(g, b)
	g.done = true
	if g.ready != nil {
		close(g.ready)
	}
	d.mu.Lock()
	if cap(b) <= pendingBytes {
		d.spare = b[:0]
	}
	d.mu.Unlock()
}

// write appends frames: b holds whole ones, or one that goes on in bodies. The caller has the turn.
func (d *Disk) write(g *group, b []byte, bodies ...[]byte) {
	d.writing.Store(d.ticks())
	defer d.writing.Store(0)
	size := len(b)
	for _, p := range bodies {
		size += len(p)
	}
	if d.allows(size, true) {
		err := d.put(b, bodies...)
		if err == nil {
			d.noteRoom()
			return
		}
		if isFull(err) {
			d.spendReserve()
		}
	}
	if len(bodies) > 0 {
		if !d.squeeze(b, bodies...) {
			g.failed = append(g.failed, 0)
		}
		return
	}
	for i := 0; len(b) > 0; i++ {
		h := readHead(b)
		if !d.squeeze(b[:h.size()]) {
			g.failed = append(g.failed, i)
		}
		b = b[h.size():]
	}
}
