package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/weir-dev/weir/trace"
)

// Codes of ClickHouse's errors that mean something here.
const (
	codeUnknownTable    = 60
	codeUnknownDatabase = 81
)

// awayCodes are errors of a server that is there but does not serve at the moment.
var awayCodes = map[int32]bool{
	159: true, // TIMEOUT_EXCEEDED
	202: true, // TOO_MANY_SIMULTANEOUS_QUERIES
	209: true, // SOCKET_TIMEOUT
	210: true, // NETWORK_ERROR
	236: true, // ABORTED, as when it shuts down
	242: true, // TABLE_IS_READ_ONLY, as when its keeper is away
	279: true, // ALL_CONNECTION_TRIES_FAILED
	319: true, // UNKNOWN_STATUS_OF_INSERT
	394: true, // QUERY_WAS_CANCELLED
	425: true, // SYSTEM_ERROR
	999: true, // KEEPER_EXCEPTION
}

// wrap names the step of an error and puts trace.ErrAway into its chain when the store was not there to answer. It
// also notices that the store has lost its schema, so that the next use migrates it again.
func (db *DB) wrap(ctx context.Context, step string, err error) error {
	if err == nil {
		return nil
	}
	if exception, ok := errors.AsType[*ch.Exception](err); ok {
		if exception.Code == codeUnknownTable || exception.Code == codeUnknownDatabase {
			db.migrated.Store(false)
		}
		if awayCodes[exception.Code] && ctx.Err() == nil {
			return fmt.Errorf("%s: %w: %w", step, trace.ErrAway, err)
		}
		return fmt.Errorf("%s: %w", step, err)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", step, errors.Join(ctx.Err(), err))
	}
	if answer, ok := errors.AsType[*ch.HTTPError](err); ok {
		switch answer.StatusCode {
		case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusTooManyRequests:
			return fmt.Errorf("%s: %w: %w", step, trace.ErrAway, err)
		}
		return fmt.Errorf("%s: %w", step, err)
	}
	// What is neither the server's word nor the caller's impatience happened on the way: refused, reset, cut short.
	return fmt.Errorf("%s: %w: %w", step, trace.ErrAway, err)
}

// code gives ClickHouse's number of an error, 0 when it has none.
func code(err error) int32 {
	if exception, ok := errors.AsType[*ch.Exception](err); ok {
		return exception.Code
	}
	return 0
}
