package trace

import "context"

// Finder finds many calls at once. Safe for concurrent use.
type Finder interface {
	// Spans gives the calls of these ids, at most 10,000, without their explanation; an id that no call has is missing.
	Spans(ctx context.Context, ids []string) (map[string]Span, error)
}
