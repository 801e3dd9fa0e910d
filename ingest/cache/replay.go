package cache

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/weir-dev/weir/llm"
)

// hit answers with an entry, which answered the same question or, where near says so, one like it. The body is as the
// provider sent it; a stream is all there at once.
func (a *asking) hit(e *Entry, near *Neighbor) *llm.Response {
	a.hits.Add(1)
	v := []string{strconv.Itoa(int(max(time.Since(e.Stored), 0) / time.Second)), strconv.Itoa(len(e.Body))}
	h := make(http.Header, len(e.Header)+2)
	maps.Copy(h, e.Header)
	h["Age"] = v[0:1:1]
	if !e.Stream {
		h["Content-Length"] = v[1:2:2]
	}
	resp := &llm.Response{
		Status: http.StatusOK, Header: h, Body: io.NopCloser(bytes.NewReader(e.Body)), Stream: e.Stream,
		Provider: e.Provider, PriceAs: e.PriceAs, Model: e.Model, Dialect: e.Dialect, Quirks: e.Quirks, Dropped: e.Dropped,
		UsageAsked: e.UsageOnAsking && !a.call.AskedUsage,
		Outcome:    func(bool) llm.Outcome { return e.Outcome },
		Cache:      llm.CacheHit,
	}
	if near != nil {
		resp.Cache, resp.CacheNeighbor, resp.CacheScore = llm.CacheSemantic, e.Call, near.Score
		a.meant(e, near)
	}
	return resp
}
