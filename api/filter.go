package api

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-dev/weir/price"
	"github.com/weir-dev/weir/trace"
)

var (
	statuses = []string{
		string(trace.StatusOK), string(trace.StatusError), string(trace.StatusClientClosed),
		string(trace.StatusBudget), string(trace.StatusRateLimited), string(trace.StatusCut),
	}
	caches = []string{string(trace.CacheOff), string(trace.CacheMiss), string(trace.CacheHit), string(trace.CacheSemantic)}
	truths = []string{"true", "false"}

	priceStatuses = []string{string(price.Exact), string(price.Default), string(price.Unpriced)}
)

// filterParams pick calls.
var filterParams = []param{
	{name: "since", about: "from this start time on: RFC 3339, a day, or how long ago (15m, 24h, 30d, 2w)"},
	{name: "until", about: "before this start time, written as since"},
	{name: "project", about: "of this project"},
	{name: "key", about: "of this virtual key, by name or id"},
	{name: "provider", about: "answered by this provider"},
	{name: "model", about: "of this model, as asked for or as answered"},
	{name: "user", about: "of this end user"},
	{name: "session", about: "of this session"},
	{name: "status", about: "that ended so", enum: statuses},
	{name: "endpoint", about: "to this endpoint, such as chat.completions"},
	{name: "cache", about: "that the response cache treated so", enum: caches},
	{name: "prompt", about: "of this prompt, as name or name@version"},
	{name: "arm", about: "of this arm of an experiment"},
	{name: "trace", about: "of this trace"},
	{name: "error_code", about: "that failed with this code"},
	{name: "tag.k", about: "with this value of the tag k: tag.team=a"},
	{name: "q", about: "with these words in the request or the answer"},
	{name: "unpriced", about: "true: only calls whose cost is not known", enum: truths},
	{name: "price_status", about: "whose cost is exact, by the default price, or not known", enum: priceStatuses},
}

// pageParams pick a part of a list.
var pageParams = []param{
	{name: "limit", about: "how many, 1 to 1000; 50 unless given", kind: "integer"},
	{name: "cursor", about: "the next of the page before"},
}

// readFilter reads filterParams. Days are those of zone.
func readFilter(q url.Values, now time.Time, zone *time.Location) (trace.Filter, error) {
	f := trace.Filter{
		Project: q.Get("project"), Key: q.Get("key"), Provider: q.Get("provider"), Model: q.Get("model"), User: q.Get("user"),
		Session: q.Get("session"), Status: q.Get("status"), Endpoint: q.Get("endpoint"), Cache: q.Get("cache"), Prompt: q.Get("prompt"),
		Arm: q.Get("arm"), TraceID: q.Get("trace"), ErrorCode: q.Get("error_code"), Text: q.Get("q"),
	}
	for _, p := range filterParams {
		if v := q.Get(p.name); v != "" && p.enum != nil && !slices.Contains(p.enum, v) {
			return f, bad(p.name, "%s=%q is unknown: want %s", p.name, clip(v), strings.Join(p.enum, ", "))
		}
	}
	f.Unpriced, f.PriceStatus = q.Get("unpriced") == "true", q.Get("price_status")
	for name, values := range q {
		if tag, ok := strings.CutPrefix(name, "tag."); ok {
			if f.Tags == nil {
				f.Tags = map[string]string{}
			}
			f.Tags[tag] = values[0]
		}
	}
	var err error
	f.Since, f.Until, err = readSpan(q, now, zone)
	return f, err
}

// readSpan reads since and until.
func readSpan(q url.Values, now time.Time, zone *time.Location) (since, until time.Time, err error) {
	if since, err = parseWhen("since", q.Get("since"), now, zone); err != nil {
		return since, until, err
	}
	if until, err = parseWhen("until", q.Get("until"), now, zone); err != nil {
		return since, until, err
	}
	if !since.IsZero() && !until.IsZero() && until.Before(since) {
		return since, until, bad("until", "until (%s) is before since (%s): exchange them", stampText(until), stampText(since))
	}
	return since, until, nil
}

// readLimit reads a number from 1 to 1000.
func readLimit(q url.Values, unless int) (int, error) {
	text := q.Get("limit")
	if text == "" {
		return unless, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 1000 {
		return 0, bad("limit", "limit=%q is not a number from 1 to 1000", clip(text))
	}
	return n, nil
}
