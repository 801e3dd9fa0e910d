package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
)

// rawInserts sends INSERTs to the embedded engine as they are written, row by row in ClickHouse's RowBinary format over
// its HTTP. The driver would gather a whole INSERT in memory first, twice, by reflection; see docs/adr/0013.
type rawInserts struct {
	database string
	client   *http.Client
}

func newRawInserts(database string, dial func(ctx context.Context, network, addr string) (net.Conn, error)) *rawInserts {
	return &rawInserts{database: database, client: &http.Client{Transport: &http.Transport{
		DialContext:         func(ctx context.Context, _, addr string) (net.Conn, error) { return dial(ctx, "unix", addr) },
		MaxIdleConnsPerHost: 2,
		WriteBufferSize:     64 << 10,
		DisableCompression:  true,
		// Counted from the last row on: an engine that answers nothing for so long is taken for hung, and the INSERT is repeated under its token.
		ResponseHeaderTimeout: 2 * time.Minute,
	}}}
}

func (r *rawInserts) close() { r.client.CloseIdleConnections() }

// rawInsertion is one such INSERT: what is encoded goes through a pipe into the body of its request.
type rawInsertion struct {
	rows rowBinary
	pipe *io.PipeWriter
	done chan error // what the engine said
}

func (r *rawInserts) insert(ctx context.Context, statement, token string) insertion {
	q := url.Values{
		"query": {statement + " FORMAT RowBinary"}, "database": {r.database}, "insert_deduplication_token": {token},
	}
	for name, value := range insertSettings {
		q.Set(name, strconv.Itoa(value))
	}
	body, pipe := io.Pipe()
	in := &rawInsertion{rows: rowBinary{w: pipe}, pipe: pipe, done: make(chan error, 1)}
	go func() {
		err := r.post(ctx, q, body)
		_ = body.CloseWithError(errEngineAnswered) // who still writes need not
		in.done <- err
	}()
	return in
}

// errEngineAnswered ends the writing of rows that the engine does not want any more; its answer says why.
var errEngineAnswered = errors.New("the engine has answered")

func (r *rawInserts) post(ctx context.Context, q url.Values, body io.Reader) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://engine/?"+q.Encode(), body)
	if err != nil {
		return err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	const enough = 64 << 10
	text, err := io.ReadAll(io.LimitReader(resp.Body, enough))
	if resp.StatusCode == http.StatusOK {
		return err
	}
	code, _ := strconv.ParseInt(resp.Header.Get("X-ClickHouse-Exception-Code"), 10, 32)
	if code != 0 {
		return &ch.Exception{Code: int32(code), Message: strings.TrimSpace(string(text))}
	}
	return fmt.Errorf("the engine answered %s: %s", resp.Status, strings.TrimSpace(string(text)))
}

func (in *rawInsertion) add(row binaryRow) error {
	row.encode(&in.rows)
	if errors.Is(in.rows.err, errEngineAnswered) {
		return <-in.done
	}
	return in.rows.err
}

func (in *rawInsertion) send() error {
	if err := in.rows.flush(); err == nil {
		_ = in.pipe.Close() // a pipe closes
	}
	return <-in.done
}

func (in *rawInsertion) abort() {
	_ = in.pipe.CloseWithError(context.Canceled) // a request broken off: the engine drops its rows
	<-in.done                                    //nolint:errcheck // whatever it says, the INSERT is given up
}
