package qdrant

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/weir-dev/weir/rag"
)

// restPort is where Qdrant speaks HTTP, and what is often written in place of the port of gRPC.
const restPort = 6333

// fail says what the server answered, about which collection (or none) and what to do.
func (s *Store) fail(ctx context.Context, step, collection string, err error) error {
	if collection != "" {
		step = fmt.Sprintf("%s %q", step, collection)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s at qdrant %s: %w", step, s.at, ctx.Err()) // the caller's own patience has ended
	}
	said := status.Convert(err)
	switch said.Code() {
	case codes.Unavailable:
		hint := "start it, or correct qdrant.url (WEIR_QDRANT_URL)"
		if s.port == restPort {
			hint = fmt.Sprintf("%d is its port of HTTP: write that of gRPC, %d, into qdrant.url (WEIR_QDRANT_URL)", restPort, port)
		}
		return fmt.Errorf("%s: %w: qdrant at %s: %s; %s", step, rag.ErrAway, s.at, said.Message(), hint)
	case codes.DeadlineExceeded:
		return fmt.Errorf("%s: %w: qdrant at %s gave no answer within %s (qdrant.timeout); look at its load, or correct qdrant.url", step, rag.ErrAway, s.at, s.timeout)
	case codes.Unauthenticated, codes.PermissionDenied:
		return fmt.Errorf("%s: qdrant at %s refuses the key: %s; set qdrant.api_key to one that may write", step, s.at, said.Message())
	case codes.NotFound:
		return fmt.Errorf("%s: %w: qdrant at %s: %s", step, rag.ErrNoCollection, s.at, said.Message())
	case codes.ResourceExhausted:
		return fmt.Errorf("%s: qdrant at %s: the request or its answer is too much: %s; ask for less, or raise the bound of the server", step, s.at, said.Message())
	case codes.Unimplemented:
		return fmt.Errorf("%s: qdrant at %s does not know the request: %s; weir needs Qdrant 1.%d or later", step, s.at, said.Message(), oldest)
	}
	return fmt.Errorf("%s: qdrant at %s: %s", step, s.at, said.Message())
}
