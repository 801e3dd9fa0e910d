package upstream

import (
	"context"
	"io"
	"time"

	"github.com/weir-dev/weir/llm"
)

// body is a provider's answer under an idle timeout. Its errors are Faults that say who broke off.
type body struct {
	rc     io.ReadCloser
	from   *link
	ctx    context.Context
	cancel context.CancelCauseFunc
	idle   *time.Timer
}

func newBody(rc io.ReadCloser, from *link, ctx context.Context, cancel context.CancelCauseFunc) *body {
	limit := from.cfg.IdleTimeout
	b := &body{rc: rc, from: from, ctx: ctx, cancel: cancel}
	b.idle = time.AfterFunc(limit, func() {
		cancel(llm.Faultf(llm.UpstreamTimeout, "provider %s sent nothing for %v; the limit is its timeouts.idle", from.cfg.Name, limit))
	})
	return b
}

// Read gives what is there.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.rc.Read(p)
	switch {
	case err == io.EOF: //nolint:errorlint // the bare value is the contract of io.Reader
		b.idle.Stop()
	case err != nil:
		b.idle.Stop()
		err = b.from.faultOfBody(b.ctx, err)
	default:
		b.idle.Reset(b.from.cfg.IdleTimeout)
	}
	return n, err
}

// Close ends the exchange; a provider that is still sending is told to stop.
func (b *body) Close() error {
	b.idle.Stop()
	b.cancel(nil)
	return b.rc.Close()
}
