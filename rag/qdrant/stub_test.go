package qdrant_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"

	pb "github.com/qdrant/go-client/qdrant"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// stub is a server of Qdrant's gRPC contract in this process. It keeps points and compares with every one, and refuses what
// the real server refuses, as far as that is known. Where the real one promises no order it gives an awkward one.
type stub struct {
	url     string
	version string
	key     string                    // wanted in api-key, or none
	fault   func(method string) error // asked before each request, or nil

	mu          sync.Mutex // guards the rest
	collections map[string]*stubCollection
	aliases     map[string]string
	calls       map[string]int // by method
	unwaited    int            // writes that did not wait to be seen
	server      *grpc.Server
}

type (
	stubCollections struct {
		pb.UnimplementedCollectionsServer
		*stub
	}
	stubPoints struct {
		pb.UnimplementedPointsServer
		*stub
	}
	stubHealth struct {
		pb.UnimplementedQdrantServer
		*stub
	}
)

// requestBytes is the real server's bound of a request (service.max_request_size_mb).
const requestBytes = 32 << 20

// start serves on a port of its own until the test ends.
func (s *stub) start(t *testing.T) *stub {
	t.Helper()
	s.collections, s.aliases, s.calls = map[string]*stubCollection{}, map[string]string{}, map[string]int{}
	if s.version == "" {
		s.version = "1.17.1"
	}
	s.listen(t, "127.0.0.1:0")
	return s
}

// listen serves at the address until stop.
func (s *stub) listen(t *testing.T, address string) {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s.url = "http://" + l.Addr().String()
	s.server = grpc.NewServer(
		grpc.MaxRecvMsgSize(requestBytes), grpc.UnaryInterceptor(s.each),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{PermitWithoutStream: true, MinTime: 1}),
	)
	pb.RegisterCollectionsServer(s.server, stubCollections{stub: s})
	pb.RegisterPointsServer(s.server, stubPoints{stub: s})
	pb.RegisterQdrantServer(s.server, stubHealth{stub: s})
	var done sync.WaitGroup
	server := s.server
	done.Go(func() {
		if err := server.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			t.Errorf("the stub ended: %v", err)
		}
	})
	t.Cleanup(func() { server.Stop(); done.Wait() })
}

// each is what happens before every request.
func (s *stub) each(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	method := info.FullMethod[strings.LastIndex(info.FullMethod, "/")+1:]
	if s.key != "" && method != "HealthCheck" {
		md, _ := metadata.FromIncomingContext(ctx)
		if keys := md.Get("api-key"); len(keys) != 1 || keys[0] != s.key {
			return nil, status.Error(codes.Unauthenticated, "Must provide an API key or an Authorization bearer token")
		}
	}
	if s.fault != nil {
		if err := s.fault(method); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[method]++
	if waits, ok := req.(interface{ GetWait() bool }); ok && !waits.GetWait() {
		s.unwaited++
	}
	return handle(ctx, req)
}

// called is how often the method was.
func (s *stub) called(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

func (s stubHealth) HealthCheck(context.Context, *pb.HealthCheckRequest) (*pb.HealthCheckReply, error) {
	return &pb.HealthCheckReply{Title: "qdrant - vector search engine", Version: s.version}, nil
}

func wrong(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, "Wrong input: "+format, args...)
}

func completed() *pb.PointsOperationResponse {
	return &pb.PointsOperationResponse{Result: &pb.UpdateResult{Status: pb.UpdateStatus_Completed}}
}
