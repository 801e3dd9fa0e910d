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

// mostValues bounds the values of one field that a filter asks for.
const mostValues = 50

// filterParams pick calls. What they say of one value they say of several: a parameter that is given again picks calls with any of its values.
var filterParams = []param{
	{name: "since", about: "from this start time on: RFC 3339, a day, or how long ago (15m, 24h, 30d, 2w)"},
	{name: "until", about: "before this start time, written as since"},
	{name: "project", about: "of this project", many: true},
	{name: "key", about: "of this virtual key, by name or id", many: true},
	{name: "provider", about: "answered by this provider", many: true},
	{name: "model", about: "of this model, as asked for or as answered", many: true},
	{name: "user", about: "of this end user", many: true},
	{name: "session", about: "of this session", many: true},
	{name: "status", about: "that ended so", enum: statuses, many: true},
	{name: "endpoint", about: "to this endpoint, such as chat.completions", many: true},
	{name: "cache", about: "that the response cache treated so", enum: caches, many: true},
	{name: "prompt", about: "of this prompt, as name or name@version", many: true},
	{name: "arm", about: "of this arm of an experiment", many: true},
	{name: "trace", about: "of this trace", many: true},
	{name: "error_code", about: "that failed with this code", many: true},
	{name: "tag.k", about: "with this value of the tag k: tag.team=a", many: true},
	{name: "not.k", about: "without this value of k, which is one of these parameters that may be given several times: not.status=ok, not.tag.team=a", many: true},
	{name: "q", about: "with these words in the request or the answer"},
	{name: "unpriced", about: "true: only calls whose cost is not known", enum: truths},
	{name: "price_status", about: "whose cost is exact, by the default price, or not known", enum: priceStatuses, many: true},
}

// pageParams pick a part of a list.
var pageParams = []param{
	{name: "limit", about: "how many, 1 to 1000; 50 unless given", kind: "integer"},
	{name: "cursor", about: "the next of the page before"},
}

// readFilter reads filterParams. Days are those of zone.
func readFilter(q url.Values, now time.Time, zone *time.Location) (trace.Filter, error) {
	f := trace.Filter{Text: q.Get("q"), Unpriced: q.Get("unpriced") == "true"}
	for _, p := range filterParams {
		for _, name := range []string{p.name, exclude + p.name} {
			for _, v := range q[name] {
				if v != "" && p.enum != nil && !slices.Contains(p.enum, v) {
					return f, bad(name, "%s=%q is unknown: want %s", name, clip(v), strings.Join(p.enum, ", "))
				}
			}
		}
	}
	for name, values := range q {
		field, isExcluded := strings.CutPrefix(name, exclude)
		if !trace.IsFilterField(field) {
			continue
		}
		asked := asked(field, values)
		if len(asked) > mostValues {
			return f, bad(clip(name), "%s is given %d values; at most %d are looked for", clip(name), len(asked), mostValues)
		}
		if isExcluded {
			f.Exclude(field, asked...)
		} else {
			f.Ask(field, asked...)
		}
	}
	var err error
	f.Since, f.Until, err = readSpan(q, now, zone)
	return f, err
}

// asked are the values of a parameter that ask for something, each once. Only a tag may be asked for without a value.
func asked(field string, values []string) []string {
	var out []string
	for _, v := range values {
		if (v != "" || strings.HasPrefix(field, "tag.")) && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
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
