package upstream

import (
	"context"
	"io"
)

// body is a provider's answer under an idle timeout. Its errors are Faults that say who broke off.
type body struct {
	rc     io.ReadCloser
	from   *link
	ctx    context.Context
	cancel context.CancelCauseFunc
	watch  *watch
}

// Read gives what is there.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.rc.Read(p)
	switch {
	case err == io.EOF: //nolint:errorlint // the bare value is the contract of io.Reader
		b.watch.stop()
	case err != nil:
		b.watch.stop()
		err = b.from.faultOfBody(b.ctx, err)
	default:
		b.watch.hear()
	}
	return n, err
}

// Close ends the exchange; a provider that is still sending is told to stop.
func (b *body) Close() error {
	b.watch.stop()
	b.cancel(nil)
	return b.rc.Close()
}
