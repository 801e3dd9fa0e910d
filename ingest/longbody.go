package ingest

import (
	"io"
	"slices"

	"github.com/weir-dev/weir/llm"
)

// longBody is a plain answer too long to be read before it is relayed. Its last read is held until the record is kept.
type longBody struct {
	*taking
	from io.ReadCloser
	head []byte // read ahead, not yet handed out
	kept []byte // what the meter and the record get
	held byte   // the last byte read, not yet handed out
	hold bool
	over bool // longer than the meter reads
	end  error
}

// Read gives what is there, less the last byte, which comes when the record is kept.
func (b *longBody) Read(p []byte) (int, error) {
	if len(p) < 2 {
		return 0, io.ErrShortBuffer
	}
	if len(b.head) > 1 {
		n := copy(p, b.head[:len(b.head)-1])
		b.head = b.head[n:]
		return n, nil
	}
	if len(b.head) == 1 {
		b.held, b.hold, b.head = b.head[0], true, nil
	}
	if b.end != nil {
		return 0, b.end
	}
	n := 0
	if b.hold {
		p[0], n = b.held, 1
	}
	m, err := b.from.Read(p[n:])
	b.take(p[n : n+m])
	n += m
	if err == nil {
		if n > 0 {
			b.held, b.hold = p[n-1], true
			n--
		}
		return n, nil
	}
	b.end = err
	broken := err
	if err == io.EOF {
		broken = nil
	}
	if kept := b.close(broken); kept != nil {
		b.end = notKept(kept)
		return 0, b.end
	}
	return n, b.end
}

func (b *longBody) take(p []byte) {
	if b.over || len(b.kept)+len(p) > meterLimit {
		if !b.over {
			b.kept = slices.Clone(b.kept[:min(len(b.kept), b.rec.cfg.MaxCapture+1)]) // one more than fits tells that it was cut
		}
		b.over = true
		return
	}
	b.kept = append(b.kept, p...)
}

func (b *longBody) close(broken error) error {
	b.measure(b.kept, b.over, broken != nil)
	return b.finish(b.kept, broken)
}

// Close finishes the record of a client that left early.
func (b *longBody) Close() error {
	if b.end == nil {
		b.end = llm.AsFault(errClientClosed)
		_ = b.close(errClientClosed)
	}
	return b.from.Close()
}
