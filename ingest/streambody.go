package ingest

import (
	"io"
	"sync"

	"github.com/weir-dev/weir/llm"
)

// streamBody relays an event stream event by event, unchanged. It hides the usage chunk that weir asked for, and holds
// the terminal event until the record is kept.
type streamBody struct {
	*taking
	from  io.ReadCloser
	split llm.Splitter
	kept  []byte // the stream as it came, bounded
	out   []byte // ready for the client
	off   int    // of out that was handed out
	done  bool   // the terminal event was seen
	end   error  // after out: what Read answers

	spending spending
}

const (
	readSize   = 16 << 10
	eventLimit = 32 << 20 // a longer event ends the stream; the largest that are sent, images, have a tenth of it
)

var readBuffers = sync.Pool{New: func() any { b := make([]byte, readSize); return &b }}

// Read gives the events that are there.
func (b *streamBody) Read(p []byte) (int, error) {
	for {
		if b.off < len(b.out) {
			n := copy(p, b.out[b.off:])
			b.off += n
			return n, nil
		}
		if b.end != nil {
			return 0, b.end
		}
		b.out, b.off = b.out[:0], 0
		b.fill()
	}
}

// fill reads once and makes whole events ready.
func (b *streamBody) fill() {
	buf := readBuffers.Get().(*[]byte)
	n, err := b.from.Read(*buf)
	b.take((*buf)[:n])
	readBuffers.Put(buf)
	if err == nil || b.end != nil {
		return
	}
	if b.done {
		err = io.EOF // the client has the whole of it, whatever happened to the connection since
	}
	broken := err
	if err == io.EOF {
		broken = nil
		if ev, ok := b.split.Finish(); ok {
			b.event(ev)
		}
	}
	b.out = append(b.out, b.split.Pending()...)
	b.end = err
	if kept := b.finish(b.kept, broken); kept != nil {
		b.fail(kept)
	}
}

func (b *streamBody) take(p []byte) {
	if room := b.rec.cfg.MaxCapture + 1 - len(b.kept); room > 0 { // one more than fits tells that it was cut
		b.kept = append(b.kept, p[:min(room, len(p))]...)
	}
	b.split.Write(p)
	for b.end == nil {
		ev, ok := b.split.Next()
		if !ok {
			break
		}
		b.event(ev)
	}
	if b.end == nil && len(b.split.Pending()) > eventLimit {
		b.end = llm.Faultf(llm.UpstreamUnavailable, "provider %s sent an event of more than %d MB", b.resp.Provider, eventLimit>>20)
		_ = b.finish(b.kept, b.end) // what it says changes nothing: the answer ends broken
	}
}

func (b *streamBody) event(ev llm.Event) {
	mark := b.meter.Event(ev)
	if mark&llm.Content != 0 {
		b.content()
		if b.spending.tell != nil {
			if fault := b.spending.add(ev); fault != nil {
				b.cut(fault, ev)
				return
			}
		}
	}
	b.spending.events++
	if mark&llm.UsageOnly != 0 && b.resp.UsageAsked {
		return
	}
	if mark&llm.Terminal != 0 {
		b.done = true
		if kept := b.finish(b.kept, nil); kept != nil {
			b.fail(kept)
			return
		}
	}
	b.out = append(b.out, ev.Raw...)
}

// fail ends the stream without its terminal event: the record could not be kept, so the answer must not look complete.
func (b *streamBody) fail(err error) {
	b.end = notKept(err)
}

// Close finishes the record of a client that left early.
func (b *streamBody) Close() error {
	if b.end == nil {
		b.end = errClientClosed
		_ = b.finish(b.kept, errClientClosed)
	}
	return b.from.Close()
}
