package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/weir-dev/weir/llm"
)

// errRow is in the chain of an error that a row's own values make: the client cannot encode them.
var errRow = errors.New("a row cannot be encoded")

// dataFaults are ClickHouse's codes for data that it will refuse however often it is sent.
var dataFaults = []int32{
	6,   // CANNOT_PARSE_TEXT
	27,  // CANNOT_PARSE_INPUT_ASSERTION_FAILED
	33,  // CANNOT_READ_ALL_DATA
	53,  // TYPE_MISMATCH
	69,  // ARGUMENT_OUT_OF_BOUND
	117, // INCORRECT_DATA
	131, // TOO_LARGE_STRING_SIZE
	321, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
	407, // DECIMAL_OVERFLOW
	469, // VIOLATED_CONSTRAINT
}

// Poison says that an error of Write is the fault of the data, so that a smaller batch may be taken. Everything else,
// a store that is away, full or out of memory, is worth waiting for.
func Poison(err error) bool {
	if errors.Is(err, errRow) {
		return true
	}
	exception, ok := errors.AsType[*ch.Exception](err)
	return ok && slices.Contains(dataFaults, exception.Code)
}

// Holds says whether any of these calls is in the store.
func (db *DB) Holds(ctx context.Context, ids []string) (bool, error) {
	if len(ids) == 0 {
		return false, nil
	}
	if err := db.ensure(ctx); err != nil {
		return false, err
	}
	query, args := "SELECT count() FROM calls WHERE kind = 'call' AND id IN ($1)", []any{ids}
	if since, until, ok := span(ids); ok {
		query, args = query+" AND start_time >= $2 AND start_time <= $3", append(args, since, until)
	}
	var n uint64
	if err := db.conn.QueryRow(ctx, query, args...).Scan(&n); err != nil {
		return false, db.wrap(ctx, fmt.Sprintf("look for %d calls", len(ids)), err)
	}
	return n > 0, nil
}

// span is the time that ids of weir's own making lie in, with room for the millisecond they are cut to.
func span(ids []string) (since, until time.Time, ok bool) {
	for i, id := range ids {
		at, own := llm.IDTime(id)
		if !own {
			return since, until, false
		}
		if i == 0 || at.Before(since) {
			since = at
		}
		if i == 0 || at.After(until) {
			until = at
		}
	}
	return since.Add(-time.Minute), until.Add(time.Minute), true
}
