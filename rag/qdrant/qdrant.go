// Package qdrant keeps the points of package rag in a Qdrant server, over gRPC.
package qdrant

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/qdrant/go-client/qdrant"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/metadata"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/rag"
)

// Quantization says how dense vectors are kept in memory.
type Quantization string

// The ways of quantization.
const (
	None   Quantization = "none"   // as they came: 4 bytes a dimension
	Scalar Quantization = "scalar" // as bytes, a quarter of the memory; what was found is scored again by the whole vectors
)

// Quantizations are all ways.
var Quantizations = []string{string(None), string(Scalar)}

// Config says where the server is.
type Config struct {
	URL          string         // http or https (grpc and grpcs mean the same) ://host[:6334], the port of gRPC
	APIKey       account.Secret // or none
	Quantization Quantization   // of collections that are made; empty: None
	Timeout      time.Duration  // of one request; 0: 30 s
}

const (
	port           = 6334
	defaultTimeout = 30 * time.Second
	// most is the largest answer that is taken; gRPC's own bound of 4 MB is less than a page of long chunks.
	most = 64 << 20
	// retries sends a request again when the server was not there: all requests of this package may be sent twice.
	retries = `{"methodConfig":[{"name":[{}],"retryPolicy":{"maxAttempts":3,"initialBackoff":"0.1s","maxBackoff":"1s","backoffMultiplier":3,"retryableStatusCodes":["UNAVAILABLE"]}}]}`
)

// Store is a rag.Index on a Qdrant server. Safe for concurrent use.
type Store struct {
	client       *qdrant.Client
	at           string // the URL without what may be secret
	port         int
	quantization Quantization
	timeout      time.Duration
	closing      sync.Once
	closed       error // of closing

	mu         sync.Mutex     // guards dimensions
	dimensions map[string]int // of collections and aliases that were seen, to refuse wrong vectors without asking each time
}

var _ rag.Index = (*Store)(nil)

// Open prepares the connection. It does not wait for the server: see Ready.
func Open(cfg Config) (*Store, error) {
	host, number, secure, err := address(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("open qdrant: its URL (qdrant.url): %w", err)
	}
	s := &Store{port: number, quantization: cfg.Quantization, timeout: cfg.Timeout, dimensions: map[string]int{}}
	s.at = "http://" + host + ":" + strconv.Itoa(number)
	if secure {
		s.at = "https" + strings.TrimPrefix(s.at, "http")
	}
	if s.timeout <= 0 {
		s.timeout = defaultTimeout
	}
	s.client, err = qdrant.NewClient(&qdrant.Config{
		Host: host, Port: number, UseTLS: secure, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12},
		PoolSize:               1,    // one connection takes many requests at once
		SkipCompatibilityCheck: true, // it would block here and write to the standard logger; Ready checks
		KeepAliveTime:          30,   // seconds
		GrpcOptions: []grpc.DialOption{
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(most)),
			grpc.WithDefaultServiceConfig(retries),
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff:           backoff.Config{BaseDelay: 200 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 5 * time.Second},
				MinConnectTimeout: 5 * time.Second,
			}),
			grpc.WithChainUnaryInterceptor(s.request(cfg.APIKey)),
		},
	})
	if err != nil {
		return nil, fmt.Errorf("open qdrant at %s: %w", s.at, err)
	}
	return s, nil
}

// CheckURL says what is wrong with the URL of a server. It shows nothing of it that may be secret.
func CheckURL(text string) error {
	_, _, _, err := address(text)
	return err
}

// address reads the URL; errors do not show it, as it may hold a password.
func address(text string) (host string, number int, secure bool, err error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "":
		return "", 0, false, errors.New("it has no host: write http://host:6334")
	case u.User != nil:
		return "", 0, false, errors.New("it holds a user: the key belongs into qdrant.api_key")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "":
		return "", 0, false, errors.New("it has a path, and gRPC takes none: write http://host:6334")
	}
	switch u.Scheme {
	case "http", "grpc":
	case "https", "grpcs":
		secure = true
	default:
		return "", 0, false, fmt.Errorf("its scheme is %q: write http://host:6334 or https://host:6334", u.Scheme)
	}
	number = port
	if u.Port() != "" {
		if number, err = strconv.Atoi(u.Port()); err != nil || number < 1 || number > 65535 {
			return "", 0, false, fmt.Errorf("its port is %q: write http://host:6334", u.Port())
		}
	}
	host = u.Hostname()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host, number, secure, nil
}

// request bounds each request in time and gives it the key. The client's own way of keys warns on the standard logger.
func (s *Store) request(key account.Secret) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		ctx, cancel := context.WithTimeout(ctx, s.timeout)
		defer cancel()
		if !key.IsZero() {
			ctx = metadata.AppendToOutgoingContext(ctx, "api-key", key.Reveal())
		}
		return invoke(ctx, method, req, reply, conn, opts...)
	}
}

// Close ends the connection. It may be called twice; what is asked afterwards fails. (After the client's own Close a request
// would be a division by zero.)
func (s *Store) Close() error {
	s.closing.Do(func() { s.closed = s.client.GetConnection().Close() })
	return s.closed
}

// Ready asks the server for its version and says what is wrong: it cannot be reached, or is too old or new.
func (s *Store) Ready(ctx context.Context) error {
	reply, err := s.client.GetQdrantClient().HealthCheck(ctx, &qdrant.HealthCheckRequest{})
	if err != nil {
		return s.fail(ctx, "ask for its version", "", err)
	}
	return s.suits(reply.GetVersion())
}

// oldest is the first minor version of Qdrant 1 that keeps metadata of a collection, which hold its shape.
const oldest = 16

// suits says whether weir can work with a server of this version.
func (s *Store) suits(text string) error {
	v, err := qdrant.ParseVersion(text)
	switch {
	case err != nil:
		return fmt.Errorf("qdrant at %s says that its version is %q, which is none: is it a Qdrant server? Correct qdrant.url", s.at, text)
	case v.Major != 1 || v.Minor < oldest:
		return fmt.Errorf("qdrant at %s has version %s: weir needs 1.%d or a later 1.x; 1.17 is what it is made for", s.at, text, oldest)
	}
	return nil
}
