package notify

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"

	"github.com/weir-dev/weir/internal/outbox"
)

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dialTLS connects by TLS, to addresses that the guard lets pass.
func dialTLS(cfg MailConfig) dialFunc {
	dialer := outbox.Dialer(cfg.AllowPrivate)
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		raw, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		conn := tls.Client(raw, &tls.Config{ServerName: cfg.Host, MinVersion: tls.VersionTLS12})
		if err := conn.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, fmt.Errorf("TLS with %s: %w", cfg.Host, err)
		}
		return conn, nil
	}
}
