package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-dev/weir/bench/load"
	"github.com/weir-dev/weir/bench/pause"
)

// rudeProject is whose calls those are that end badly, so that the good ones balance to the token.
const rudeProject = "bench-rude"

// rude is the part of a soak's load that ends badly: clients that leave, and requests that cannot be answered.
type rude struct {
	Left     int64            `json:"clients_that_left"`
	Refused  int64            `json:"requests_refused"`
	Rows     int64            `json:"rows"`
	ByStatus map[string]int64 `json:"rows_by_status"`
	Why      string           `json:"why,omitempty"` // the first that went otherwise

	url, key string
}

// newRude makes its key.
func newRude(ctx context.Context, w *weir) (*rude, error) {
	var made struct{ Key string }
	if err := w.api(ctx, http.MethodPost, "/api/v1/keys", strings.NewReader(`{"project":"`+rudeProject+`","name":"rude"}`), &made); err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return &rude{url: w.url, key: made.Key}, nil
}

// run sends rate requests a second until the window or ctx ends. Three of five clients leave.
func (r *rude) run(ctx context.Context, w load.Window, rate float64) {
	var p pause.Pauser
	defer p.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	random := rand.New(rand.NewPCG(5, 5))
	var left, refused atomic.Int64
	var why atomic.Pointer[string]
	count := func(n *atomic.Int64, err error) {
		if err != nil {
			text := err.Error()
			why.CompareAndSwap(nil, &text)
			return
		}
		n.Add(1)
	}
	for i := 0; ctx.Err() == nil; i++ {
		due := w.Begin.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		if !due.Before(w.To) {
			break
		}
		p.Until(due)
		bytes := random.IntN(8000)
		wg.Go(func() {
			switch {
			case i%5 < 3:
				count(&left, r.leave(ctx, bytes))
			case i%5 == 3:
				count(&refused, r.refused(ctx, client, chatPath, `{"model":"gpt-4o-mini","messages":`, http.StatusBadRequest))
			default: // the mock has no such path, so the provider itself refuses
				count(&refused, r.refused(ctx, client, "/v1/responses", `{"model":"gpt-4o-mini","input":"x"}`, http.StatusNotFound))
			}
		})
	}
	wg.Wait()
	r.Left, r.Refused = left.Load(), refused.Load()
	if text := why.Load(); text != nil {
		r.Why = *text
	}
}

// leave asks for a stream and hangs up after so many bytes of it.
func (r *rude) leave(ctx context.Context, bytes int) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	const body = `{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"tell me of rivers"}]}`
	_, err = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: weir\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", chatPath, r.key, len(body), body)
	if err != nil {
		return fmt.Errorf("a client that is to leave: %w", err)
	}
	if _, err := io.CopyN(io.Discard, c, int64(bytes)); err != nil {
		return fmt.Errorf("a client that is to leave after %d bytes: %w", bytes, err)
	}
	return nil
}

// refused expects an error's status.
func (r *rude) refused(ctx context.Context, client *http.Client, path, body string, want int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+r.key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != want {
		return fmt.Errorf("POST %s was answered %d, want %d: %.300s", path, resp.StatusCode, want, text)
	}
	return nil
}

// count reads what was recorded of them.
func (r *rude) count(ctx context.Context, w *weir) error {
	var costs struct {
		Rows []struct {
			Status string `json:"status"`
			Calls  int64  `json:"calls"`
		} `json:"rows"`
		Total struct {
			Calls int64 `json:"calls"`
		} `json:"total"`
	}
	if err := w.api(ctx, http.MethodGet, "/api/v1/costs?by=status&project="+rudeProject, nil, &costs); err != nil {
		return err
	}
	r.Rows, r.ByStatus = costs.Total.Calls, map[string]int64{}
	for _, row := range costs.Rows {
		r.ByStatus[row.Status] += row.Calls
	}
	return nil
}

// fault says what does not balance, or nothing: each has one row, and the status that fits.
func (r *rude) fault() string {
	gone := r.ByStatus["client_closed"] + r.ByStatus["ok"] // a client may leave when all is said
	switch {
	case r.Why != "":
		return "rude clients: " + r.Why
	case r.Rows != r.Left+r.Refused || gone != r.Left || r.ByStatus["error"] != r.Refused:
		return fmt.Sprintf("%d clients left and %d were refused; the rows are %v", r.Left, r.Refused, r.ByStatus)
	}
	return ""
}

// String is one sentence.
func (r rude) String() string {
	return fmt.Sprintf("%d clients left within a stream and %d requests were refused: %d rows, by status %v.", r.Left, r.Refused, r.Rows, r.ByStatus)
}
