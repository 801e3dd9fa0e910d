package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/weir-dev/weir/price"
)

// Cache is the response cache. Safe for concurrent use.
type Cache interface {
	Stats(ctx context.Context) (CacheStats, error)
	// Purge removes the entries that the filter picks, and says how many that were.
	Purge(ctx context.Context, f CacheFilter) (int, error)
}

// CacheStats are the cache's figures. What happened is counted since this weir was started; calls in the store of records
// have it for all time.
type CacheStats struct {
	Hits      int64     `json:"hits"`      // calls answered from it
	Misses    int64     `json:"misses"`    // calls that asked for it and were not
	Fills     int64     `json:"fills"`     // answers put into it
	SavedUSD  price.USD `json:"saved_usd"` // what the hits would have cost, where that is known
	Entries   int64     `json:"entries"`
	Bytes     int64     `json:"bytes"`
	MaxBytes  int64     `json:"max_bytes"`
	Evictions int64     `json:"evictions"` // entries that made room for others
	Expired   int64     `json:"expired"`   // entries that came to the end of their time

	Semantic CacheSemantic `json:"semantic"`
}

// CacheSemantic are the figures of answers to like questions, counted since this weir was started.
type CacheSemantic struct {
	Hits     int64 `json:"hits"`     // of all hits, those that answered a like question
	Failures int64 `json:"failures"` // questions that went on because no vector was had, or none could be looked for
	Refused  int64 `json:"refused"`  // questions that went on because a limit or a budget left no room for their vector
	Kept     int64 `json:"kept"`     // answered questions that were kept to be found by their meaning
	Lost     int64 `json:"lost"`     // that were not

	Agreed    int64 `json:"audits_agreed"`    // audits that found that the answer answers the question
	Disagreed int64 `json:"audits_disagreed"` // that it does not
	Unsure    int64 `json:"audits_unsure"`    // that failed or said neither
	Skipped   int64 `json:"audits_skipped"`   // that were left out because too many waited
}

// CacheFilter picks entries; the zero value picks all.
type CacheFilter struct {
	Project   string
	Model     string            // as asked for or as answered
	Tags      map[string]string // of the call that was answered first
	OlderThan time.Duration
}

// purged says how much is gone.
type purged struct {
	Purged int `json:"purged"`
}

var cacheParams = []param{
	{name: "project", about: "answers to this project's calls"},
	{name: "model", about: "answers of this model, as asked for or as answered"},
	{name: "tag.k", about: "answers to calls with this value of the tag k: tag.team=a"},
	{name: "older_than", about: "answers kept for longer than this (15m, 24h, 30d), or since before this time (RFC 3339, a day)"},
}

func (a *API) getCache(w http.ResponseWriter, r *http.Request) error {
	stats, err := a.cfg.Cache.Stats(r.Context())
	if err != nil {
		return fmt.Errorf("read the cache's figures: %w", err)
	}
	return answer(w, http.StatusOK, stats)
}

func (a *API) purgeCache(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f := CacheFilter{Project: q.Get("project"), Model: q.Get("model")}
	for name, values := range q {
		if values[0] == "" { // a variable that was not set must not purge everything
			return bad(name, "the parameter %s is empty; leave it out to mean every one", clip(name))
		}
		if tag, ok := strings.CutPrefix(name, "tag."); ok {
			if f.Tags == nil {
				f.Tags = map[string]string{}
			}
			f.Tags[tag] = values[0]
		}
	}
	now := time.Now()
	since, err := parseWhen("older_than", q.Get("older_than"), now, time.UTC)
	if err != nil {
		return err
	}
	if !since.IsZero() {
		f.OlderThan = max(now.Sub(since), 0)
	}
	n, err := a.cfg.Cache.Purge(r.Context(), f)
	if err != nil {
		return fmt.Errorf("purge the cache: %w", err)
	}
	return answer(w, http.StatusOK, purged{n})
}
