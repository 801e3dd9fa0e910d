// Package spool stands between the calls and the store: it accepts records at once and writes them in batches.
package spool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

// Config sets a spool's bounds. Zero fields take the defaults named beside them.
type Config struct {
	MaxRows    int           // rows of a batch: 10,000
	MaxBytes   int64         // body bytes of a batch: 16 MiB
	MaxAge     time.Duration // how long a record waits for company: 500 ms
	MaxWaiting int64         // body bytes waiting before records lose their bodies: 256 MiB
	MaxRecords int           // records waiting before new ones are refused: 200,000
	Writer     trace.Writer
	Log        *slog.Logger
}

// ErrFull says that the store has been away for so long that nothing more can be accepted.
var ErrFull = errors.New("the spool is full: the store has been away too long")

// Memory is a spool in this process's memory: it outlives the store's absence, but not the process. When it is full,
// bodies go first. Safe for concurrent use.
type Memory struct {
	cfg   Config
	id    string // makes tokens this spool's own
	wake  chan struct{}
	stop  chan struct{}
	ended chan struct{}

	mu       sync.Mutex // guards all below
	queue    []entry
	bytes    int64 // of bodies in queue
	inFlight []entry
	first    int64 // record number of queue[0], counted from 1
	counters trace.Counters
	closed   bool
	failing  error
}

type entry struct {
	rec   *trace.Record
	bytes int64
	at    time.Time
}

var _ trace.Recorder = (*Memory)(nil)

// NewMemory starts a spool. Close ends it.
func NewMemory(cfg Config) *Memory {
	def := func(p *int64, v int64) {
		if *p <= 0 {
			*p = v
		}
	}
	rows, records := int64(cfg.MaxRows), int64(cfg.MaxRecords)
	def(&rows, 10_000)
	def(&records, 200_000)
	def(&cfg.MaxBytes, 16<<20)
	def(&cfg.MaxWaiting, 256<<20)
	cfg.MaxRows, cfg.MaxRecords = int(rows), int(records)
	if cfg.MaxAge <= 0 {
		cfg.MaxAge = 500 * time.Millisecond
	}
	m := &Memory{
		cfg: cfg, id: llm.NewTraceID(), first: 1,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), ended: make(chan struct{}),
	}
	go m.run()
	return m
}

// Record accepts a record.
func (m *Memory) Record(r *trace.Record) error {
	e := entry{rec: r, bytes: int64(len(r.Body.Request) + len(r.Body.Response)), at: time.Now()}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errors.New("the spool is closed")
	}
	if len(m.queue)+len(m.inFlight) >= m.cfg.MaxRecords {
		m.counters.Accepted++
		m.counters.Dropped++
		return ErrFull
	}
	if m.bytes+e.bytes > m.cfg.MaxWaiting {
		r.Body, e.bytes = trace.Body{}, 0
		r.Call.Flags = append(r.Call.Flags, "body_dropped")
		m.counters.BodiesDropped++
	}
	m.queue = append(m.queue, e)
	m.bytes += e.bytes
	m.counters.Accepted++
	if len(m.queue) == 1 || len(m.queue) >= m.cfg.MaxRows || m.bytes >= m.cfg.MaxBytes {
		select {
		case m.wake <- struct{}{}:
		default:
		}
	}
	return nil
}

// Counters tells where the accepted records are.
func (m *Memory) Counters() trace.Counters {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.counters
	c.Waiting = int64(len(m.queue) + len(m.inFlight))
	oldest := m.queue
	if len(m.inFlight) > 0 {
		oldest = m.inFlight
	}
	if len(oldest) > 0 {
		c.OldestWaitingSeconds = time.Since(oldest[0].at).Seconds()
	}
	return c
}

// Health is the last write's error while writing fails, nil when it works.
func (m *Memory) Health() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failing
}

// Waiting finds a record that is not written yet.
func (m *Memory) Waiting(id string) (trace.Record, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, list := range [][]entry{m.queue, m.inFlight} {
		for _, e := range list {
			if e.rec.Call.ID == id {
				return *e.rec, true
			}
		}
	}
	return trace.Record{}, false
}

// run cuts batches and writes them, one at a time, each until it is written.
func (m *Memory) run() {
	defer close(m.ended)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		stopping := false
		select {
		case <-m.stop:
			stopping = true
		case <-m.wake:
		case <-timer.C:
		}
		for {
			batch, wait := m.cut(stopping)
			if wait > 0 {
				timer.Reset(wait)
			}
			if batch == nil {
				break
			}
			if !m.write(*batch) {
				return
			}
		}
		if stopping {
			return
		}
	}
}

// cut takes the next batch when it is due; else it says how long to wait, 0 for until there is something.
func (m *Memory) cut(now bool) (*trace.Batch, time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.queue) == 0 {
		return nil, 0
	}
	if age := time.Since(m.queue[0].at); !now && age < m.cfg.MaxAge && len(m.queue) < m.cfg.MaxRows && m.bytes < m.cfg.MaxBytes {
		return nil, m.cfg.MaxAge - age
	}
	n, bytes := 0, int64(0)
	for n < len(m.queue) && n < m.cfg.MaxRows && (n == 0 || bytes+m.queue[n].bytes <= m.cfg.MaxBytes) {
		bytes += m.queue[n].bytes
		n++
	}
	m.inFlight, m.queue = m.queue[:n:n], m.queue[n:]
	if len(m.queue) == 0 {
		m.queue = nil // lets the written records go
	}
	m.bytes -= bytes
	b := &trace.Batch{Token: fmt.Sprintf("%s-%d-%d", m.id, m.first, m.first+int64(n)-1), Records: make([]trace.Record, n)}
	for i, e := range m.inFlight {
		b.Records[i] = *e.rec
	}
	m.first += int64(n)
	return b, 0
}

// write tries until the batch is in, and says false when the spool was closed before that.
func (m *Memory) write(b trace.Batch) bool {
	const firstPause, longestPause = 100 * time.Millisecond, 5 * time.Second
	pause := firstPause
	closing := false
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		err := m.cfg.Writer.Write(ctx, b)
		cancel()
		m.note(err, len(b.Records))
		if err == nil {
			return true
		}
		if closing {
			m.cfg.Log.Error("records lost at shutdown: the store did not take them", "records", len(b.Records), "error", err)
			return false
		}
		select {
		case <-m.stop:
			closing = true
		case <-time.After(pause):
			pause = min(2*pause, longestPause)
		}
	}
}

// note keeps the counters and logs the change between failing and working, not every try.
func (m *Memory) note(err error, rows int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err == nil:
		m.counters.Written += int64(rows)
		m.inFlight = nil
		if m.failing != nil {
			m.cfg.Log.Info("records are written again")
		}
	case m.failing == nil:
		m.cfg.Log.Warn("records wait: the store does not take them", "error", err)
	}
	m.failing = err
}

// Close writes what waits and ends the spool. It can be called twice.
func (m *Memory) Close() error {
	m.mu.Lock()
	if !m.closed {
		m.closed = true
		close(m.stop)
	}
	m.mu.Unlock()
	<-m.ended
	if c := m.Counters(); c.Waiting > 0 {
		return fmt.Errorf("close spool: %d records were not written", c.Waiting)
	}
	return nil
}
