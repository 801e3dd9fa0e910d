package redisdb

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/weir-dev/weir/ingest/cache"
)

var (
	answerGet   = program("answers", "answer_get")
	answerPut   = program("answers", "answer_put")
	answerList  = program("answers", "answer_list")
	answerDrop  = program("answers", "answer_drop")
	answerUsage = program("answers", "answer_usage")
)

// answerKeys begins the names of the cache's keys. The number is that of the form of an entry: what another weir wrote in
// another form is not read.
const answerKeys = "weir:{cache}:1:"

// Answers is a response cache in Redis. When it is full, the answers that were asked for longest ago make room. While Redis
// is away it has nothing and keeps nothing. Safe for concurrent use.
type Answers struct {
	db    *DB
	max   int64
	clock func() time.Time
}

var _ cache.Store = (*Answers)(nil)

// Answers gives the response cache of the server, of at most so many bytes; 0 is cache.DefaultMaxBytes. All replicas must
// say the same.
func (db *DB) Answers(maxBytes int64) *Answers {
	if maxBytes <= 0 {
		maxBytes = cache.DefaultMaxBytes
	}
	return &Answers{db: db, max: maxBytes, clock: time.Now}
}

// Get implements cache.Store.
func (a *Answers) Get(ctx context.Context, key cache.Key) (*cache.Entry, error) {
	now := a.clock()
	got, err := a.db.run(ctx, answerGet, answerKeys, now.UnixMilli(), string(key[:]))
	if err != nil || len(got) < 2 {
		return nil, nil //nolint:nilnil,nilerr // a server that is away has nothing, which DB tells once
	}
	var e cache.Entry
	if err := json.Unmarshal([]byte(text(got[0])), &e); err != nil {
		return nil, fmt.Errorf("read an answer from redis: %w", err)
	}
	e.Body = []byte(text(got[1]))
	if !now.Before(e.Expires) {
		return nil, nil //nolint:nilnil // Store says so
	}
	return &e, nil
}

// Put implements cache.Store.
func (a *Answers) Put(ctx context.Context, key cache.Key, e *cache.Entry) error {
	known := *e
	known.Body = nil
	m, err := json.Marshal(known)
	if err != nil {
		return fmt.Errorf("write an answer to redis: %w", err)
	}
	now := a.clock()
	life := max(e.Expires.Sub(now).Milliseconds(), 1)
	_, err = a.db.run(ctx, answerPut, answerKeys, now.UnixMilli(), string(key[:]), e.Expires.UnixMilli(), life, e.Bytes(), a.max, m, e.Body)
	if err != nil {
		return nil //nolint:nilerr // it is not kept, which DB tells once
	}
	return nil
}

// Purge implements cache.Store. An answer that is put meanwhile may stay.
func (a *Answers) Purge(ctx context.Context, f cache.Filter) (int, error) {
	now := a.clock()
	var picked []any
	for from := 0; ; from += page {
		got, err := a.db.run(ctx, answerList, answerKeys, from, page)
		if err != nil {
			return 0, fmt.Errorf("purge the response cache: %w", err)
		}
		n := integer(got[0])
		for v := got[1:]; len(v) >= 2; v = v[2:] {
			var e cache.Entry
			if err := json.Unmarshal([]byte(text(v[1])), &e); err != nil || f.Picks(&e, now) { // what cannot be read is of no use
				picked = append(picked, v[0])
			}
		}
		if n < page {
			break
		}
	}
	gone := 0
	for len(picked) > 0 {
		some := picked[:min(page, len(picked))]
		got, err := a.db.run(ctx, answerDrop, answerKeys, some...)
		if err != nil {
			return gone, fmt.Errorf("purge the response cache: %w", err)
		}
		gone += int(integer(got[0]))
		picked = picked[len(some):]
	}
	return gone, nil
}

// Usage implements cache.Store. Evictions and Expired are those of all replicas.
func (a *Answers) Usage(ctx context.Context) (cache.Usage, error) {
	for {
		got, err := a.db.run(ctx, answerUsage, answerKeys, a.clock().UnixMilli(), page)
		if err != nil {
			return cache.Usage{MaxBytes: a.max}, fmt.Errorf("look at the response cache: %w", err)
		}
		if integer(got[0]) < page {
			return cache.Usage{
				Entries: integer(got[1]), Bytes: integer(got[2]), MaxBytes: a.max, Evictions: integer(got[3]), Expired: integer(got[4]),
			}, nil
		}
	}
}
